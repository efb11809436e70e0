#pragma once
// Content negotiation for the body of an error (RFC 9110 section 12.5.1).

#include <cstdint>
#include <string_view>

namespace whichhop::diagnostics {

enum class BodyType : uint8_t { kText, kJson, kHtml };

// The type of body that this Accept value prefers (several fields joined by
// ", "; empty: none was sent). `*/*`, or nothing that we have, gives text. At
// equal weight the more specific range, then the earlier one, wins.
[[nodiscard]] BodyType NegotiateBody(std::string_view accept);

// The Content-Type of a produced body.
std::string_view ContentType(BodyType type);

}  // namespace whichhop::diagnostics
