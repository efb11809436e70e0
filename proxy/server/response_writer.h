#pragma once
// The response head as it goes to the client: written anew from the parsed
// one, without hop-by-hop fields, with Date if it was missing, and with what a
// diagnosis adds.

#include <cstdint>
#include <string_view>

#include "proxy/http/response_parser.h"
#include "proxy/net/buffer.h"

namespace whichhop {

// Error-*: an upstream's claim about blame. Such fields are dropped whatever
// the status, or an origin could speak in our name.
inline constexpr uint64_t kClaims =
    FieldBit(FieldId::kErrorCause) | FieldBit(FieldId::kErrorReporter) |
    FieldBit(FieldId::kErrorCleared) | FieldBit(FieldId::kErrorFault) |
    FieldBit(FieldId::kErrorId) | FieldBit(FieldId::kErrorHops);
constexpr bool IsClaim(FieldId id) { return (kClaims & FieldBit(id)) != 0; }

// Says something of a body's bytes, which is not so of any others.
bool DescribesBytes(FieldId id);

// Content-Security-Policy, or what only reports (CSP 3, sections 3.1 and 3.2).
bool IsPolicy(const char* data, const Field& field);

struct ResponseOptions {
  Framing framing = Framing::kNone;  // towards the client
  uint64_t length = 0;               // for Framing::kLength
  bool close = false;                // "Connection: close"
  bool keep_alive = false;           // "Connection: keep-alive" (HTTP/1.0)
  bool upgrade = false;              // the origin's Upgrade is for the client
  std::string_view date;             // added where the origin sent none
  // Whole lines that replace the origin's Proxy-Status and Error-*.
  std::string_view diagnosis;
  bool replaces_proxy_status = false;
  std::string_view cache_control;  // replaces the origin's, unless empty
  // Not empty: the body is ours, these are the whole lines that say what it is,
  // and what the origin said of its own body does not hold.
  std::string_view replaced_fields;
  // The body is the origin's, and something is added to it: what the origin
  // said of its bytes does not hold.
  bool augmented = false;
  // What is added is in the client's language, and the response varies by it.
  bool varies_by_language = false;
};

// Appends the head to `out`, which holds memory and grows as it needs.
void WriteResponseHead(const ResponseHead& head, const char* data,
                       const ResponseOptions& options, BufferPool& pool,
                       Buffer* out);

// A 1xx head (RFC 9110, section 15.2): its fields and nothing of ours; a 101
// says which protocol follows. A Proxy-Status waits for the final head.
void WriteInterimHead(const ResponseHead& head, const char* data,
                      BufferPool& pool, Buffer* out);

}  // namespace whichhop
