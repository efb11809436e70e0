#pragma once
// Content negotiation for the body of an error (RFC 9110 section 12.5.1).

#include <cstdint>
#include <string_view>

namespace whichhop::diagnostics {

enum class BodyType : uint8_t {
  kText,
  kDrawnText,  // text with the diagram: where text/plain was asked for by name
  kJson,
  kHtml,
};

// The type of body that this Accept value prefers (several fields joined by
// ", "; empty: none was sent). `*/*`, or nothing that we have, gives text. At
// equal weight the more specific range, then the earlier one, wins.
[[nodiscard]] BodyType NegotiateBody(std::string_view accept);

}  // namespace whichhop::diagnostics
