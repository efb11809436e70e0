#pragma once
// The boxes of the documented model, sets and orders of them, and where this
// proxy stands among them.

#include <cstdint>

namespace whichhop::diagnostics {

// Where this process stands: the box that it is.
enum class Position : uint8_t { kLb, kCdn };
// What answers first behind an upstream (`is:`); unset leaves it open.
enum class Answers : uint8_t { kUnset, kLb, kServer, kApp };
// Which family of statuses produced errors carry.
enum class Statuses : uint8_t { kGateway, kEdge };

}  // namespace whichhop::diagnostics
