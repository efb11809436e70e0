#pragma once
// Extended DNS Errors (RFC 8914): why a nameserver could not answer.

#include <cstdint>
#include <optional>
#include <span>

namespace whichhop {

// The INFO-CODE of the first one in a DNS message; none if there is none, or
// the message is malformed.
[[nodiscard]] std::optional<uint16_t> ExtendedDnsError(
    std::span<const unsigned char> message);

}  // namespace whichhop
