#pragma once
// Where a JSON object has room for one more member (RFC 8259). Pure; no heap;
// one pass.

#include <cstddef>
#include <optional>
#include <string_view>

namespace whichhop::diagnostics {

struct JsonRoom {
  size_t at = 0;      // behind the last member, or behind the opening brace
  bool first = true;  // no member is before it
};

// Objects and arrays inside of each other. What is deeper is not read.
inline constexpr size_t kJsonDepth = 128;

// Nothing unless `text` is one object and nothing else, valid to the letter
// (UTF-8, no lone surrogate, no comma too many), and has no member `name`
// itself, however that is escaped. Requires: `name` is ASCII.
[[nodiscard]] std::optional<JsonRoom> RoomInObject(std::string_view text,
                                                   std::string_view name);

}  // namespace whichhop::diagnostics
