#pragma once
// uri-host [ ":" port ], as Host and request targets hold it (RFC 9110,
// section 7.2; RFC 3986, section 3.2). User information is refused: RFC 9110,
// section 4.2.4.

#include <cstdint>
#include <string_view>

namespace whichhop {

enum class PortNeed : uint8_t { kOptional, kRequired };

// Whether `text` is a host that is not empty (a name, an IPv4 address, or an
// IPv6 address in brackets) and a port of at most 65535. An optional port may
// be empty behind its colon.
bool IsAuthority(std::string_view text, PortNeed port);

}  // namespace whichhop
