#pragma once
// What can go wrong, by id: one table (fault.inc) feeds the enum, the header
// fields, log, metrics and documentation. Ids are kebab-case and stable:
// people's alerts depend on them.

#include <cstdint>
#include <optional>
#include <string_view>

#include "diagnostics/hop.h"
#include "diagnostics/model.h"

namespace whichhop::diagnostics {

// Where in an exchange a fault lies. It decides which leg its suspects are on.
enum class Phase : uint8_t {
  kRelay,        // the upstream's own well-formed error
  kAccept,       // our listener
  kRequest,      // the client's head
  kRequestBody,  // the client's body
  kRoute,        // routing, policy, capacity: no upstream was tried
  kAuth,         // the auth or rate-limit side leg
  kDns,          // an upstream's address
  kConnect,      // TCP or unix connect
  kTls,          // handshake with the upstream, its certificate
  kWrite,        // the request on its way up
  kWait,         // no byte of the answer yet
  kHead,         // the answer's head
  kBody,         // the answer's body
  kClient,       // the client left or does not read
  kLifecycle,    // drain, removal
};

// Proxy error types of RFC 9209 section 2.3; kNone: no `error` parameter.
enum class ErrorType : uint8_t {
  kNone,
  kDnsTimeout,
  kDnsError,
  kDestinationNotFound,
  kDestinationUnavailable,
  kDestinationIpProhibited,
  kDestinationIpUnroutable,
  kConnectionRefused,
  kConnectionTerminated,
  kConnectionTimeout,
  kConnectionReadTimeout,
  kConnectionWriteTimeout,
  kConnectionLimitReached,
  kTlsProtocolError,
  kTlsCertificateError,
  kTlsAlertReceived,
  kHttpRequestError,
  kHttpRequestDenied,
  kHttpResponseIncomplete,
  kHttpResponseHeaderSectionSize,
  kHttpResponseHeaderSize,
  kHttpResponseBodySize,
  kHttpResponseTrailerSectionSize,
  kHttpResponseTrailerSize,
  kHttpResponseTransferCoding,
  kHttpResponseContentCoding,
  kHttpResponseTimeout,
  kHttpUpgradeFailed,
  kHttpProtocolError,
  kProxyInternalResponse,
  kProxyInternalError,
  kProxyConfigurationError,
  kProxyLoopDetected,
};
std::string_view ErrorTypeName(ErrorType type);  // "" for kNone
inline constexpr size_t kErrorTypeCount = 33;    // kNone among them
// The type of that name; nothing for any other text.
std::optional<ErrorType> ParseErrorType(std::string_view name);

// Whether another attempt is safe (RFC 9110 section 9.2.2).
enum class Retry : uint8_t {
  kNever,       // R0: deterministic, or not the upstream's
  kAlways,      // R1: nothing was written; POST too
  kIdempotent,  // R2: idempotent method, replayable body, nothing forwarded
  kRejected,    // R3: the peer proved that it did not process it; any method
  kTooLate,     // R4: the response was forwarded already
};

enum class Fault : uint8_t {
#define WHICHHOP_FAULT(name, ...) name,
#include "diagnostics/fault.inc"
#undef WHICHHOP_FAULT
};

// The hops that a fault may be due to, likeliest first, at one position. They
// still have to be cut to the leg that failed.
struct Suspects {
  HopList hops;
  bool self = false;  // our own hop is among them, and is not to be cut
};

struct FaultInfo {
  std::string_view id;  // "connect-refused-rst"
  Phase phase;
  uint16_t gateway_status;  // 0: no status can be sent
  RowId gateway_row;
  uint16_t edge_status;
  RowId edge_row;
  Suspects at_lb;
  Suspects at_cdn;
  ErrorType type;
  Retry retry;
  std::string_view sentence;  // for people: what happened
};

const FaultInfo& GetFault(Fault fault);

// The fault of that id; several may share one (their statuses differ), then
// the first. `relay-404` is kRelay.
std::optional<Fault> ParseFault(std::string_view id);

// How many faults the table has: Fault values are 0 .. kFaultCount - 1.
extern const size_t kFaultCount;

}  // namespace whichhop::diagnostics
