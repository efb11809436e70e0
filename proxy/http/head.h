#pragma once
// What the heads of requests and responses have in common.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace whichhop {

// The bounds of a head. Clamped to 16 MiB and 65535 fields.
struct HeadLimits {
  size_t header_bytes = 32 * 1024;   // a whole head with its start line
  size_t header_fields = 128;        // field lines
  size_t request_target = 8 * 1024;  // octets of the target
  bool strict_query = false;         // refuse malformed percent-encoding
};

constexpr HeadLimits Clamp(HeadLimits limits) {
  limits.header_bytes = std::min(limits.header_bytes, size_t{16} << 20);
  limits.header_fields = std::min(limits.header_fields, size_t{65535});
  return limits;
}

enum class ParseStatus : uint8_t {
  kNeedMore,  // all that came is right so far
  kDone,      // complete
  kError,     // refused; error() says why. Final.
};

// How long the body is (RFC 9112, section 6.3).
enum class Framing : uint8_t {
  kNone,        // there is no body
  kLength,      // content_length octets; may be 0 in a response
  kChunked,     // a ChunkedDecoder says
  kUntilClose,  // responses only
};

// Octets of the buffer that the head lies in; offsets, since it may move.
struct Slice {
  uint32_t at = 0;
  uint32_t size = 0;

  std::string_view In(const char* buffer) const { return {buffer + at, size}; }
};

// Whose field made the head too large: the biggest one so far, be it complete
// or cut by the limit in its name or value.
struct BiggestField {
  Slice name;            // up to the limit where the name itself is cut
  size_t line_size = 0;  // octets, without CRLF; 0: there is no field
};

}  // namespace whichhop
