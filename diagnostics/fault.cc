#include "diagnostics/fault.h"

#include <array>

namespace whichhop::diagnostics {
namespace {

// Reads one side of a suspects column. An unknown name does not compile.
consteval Suspects ParseSide(std::string_view text, Position position) {
  Suspects suspects;
  while (!text.empty()) {
    const size_t space = text.find(' ');
    const std::string_view word = text.substr(0, space);
    text = space == text.npos ? "" : text.substr(space + 1);
    if (word.empty()) continue;
    if (word == "self") {
      suspects.self = true;
      suspects.hops.Add(SelfHop(position));
    } else {
      suspects.hops.Add(ParseHop(word).value());
    }
  }
  return suspects;
}

consteval Suspects ParseSuspects(std::string_view text, Position position) {
  const size_t bar = text.find(" | ");
  if (bar == text.npos) return ParseSide(text, position);
  return ParseSide(
      position == Position::kLb ? text.substr(0, bar) : text.substr(bar + 3),
      position);
}

constexpr FaultInfo kFaults[] = {
#define WHICHHOP_FAULT(name, id, phase, gateway_status, gateway_row,           \
                       edge_status, edge_row, suspects, type, retry, sentence) \
  {id,                                                                         \
   Phase::phase,                                                               \
   gateway_status,                                                             \
   RowId::gateway_row,                                                         \
   edge_status,                                                                \
   RowId::edge_row,                                                            \
   ParseSuspects(suspects, Position::kLb),                                     \
   ParseSuspects(suspects, Position::kCdn),                                    \
   ErrorType::type,                                                            \
   Retry::retry,                                                               \
   sentence},
#include "diagnostics/fault.inc"
#undef WHICHHOP_FAULT
};

constexpr std::array<std::string_view, kErrorTypeCount> kTypeNames = {
    "",
    "dns_timeout",
    "dns_error",
    "destination_not_found",
    "destination_unavailable",
    "destination_ip_prohibited",
    "destination_ip_unroutable",
    "connection_refused",
    "connection_terminated",
    "connection_timeout",
    "connection_read_timeout",
    "connection_write_timeout",
    "connection_limit_reached",
    "tls_protocol_error",
    "tls_certificate_error",
    "tls_alert_received",
    "http_request_error",
    "http_request_denied",
    "http_response_incomplete",
    "http_response_header_section_size",
    "http_response_header_size",
    "http_response_body_size",
    "http_response_trailer_section_size",
    "http_response_trailer_size",
    "http_response_transfer_coding",
    "http_response_content_coding",
    "http_response_timeout",
    "http_upgrade_failed",
    "http_protocol_error",
    "proxy_internal_response",
    "proxy_internal_error",
    "proxy_configuration_error",
    "proxy_loop_detected",
};
static_assert(kTypeNames.size() ==
              static_cast<size_t>(ErrorType::kProxyLoopDetected) + 1);

}  // namespace

const size_t kFaultCount = std::size(kFaults);

const FaultInfo& GetFault(Fault fault) {
  return kFaults[static_cast<size_t>(fault)];
}

std::optional<Fault> ParseFault(std::string_view id) {
  if (id.size() == 9 && id.starts_with("relay-")) return Fault::kRelay;
  for (size_t i = 0; i < std::size(kFaults); ++i) {
    if (kFaults[i].id == id) return static_cast<Fault>(i);
  }
  return std::nullopt;
}

std::string_view ErrorTypeName(ErrorType type) {
  return kTypeNames[static_cast<size_t>(type)];
}

std::optional<ErrorType> ParseErrorType(std::string_view name) {
  for (size_t i = 1; i < kTypeNames.size(); ++i) {
    if (kTypeNames[i] == name) return static_cast<ErrorType>(i);
  }
  return std::nullopt;
}

}  // namespace whichhop::diagnostics
