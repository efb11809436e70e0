#pragma once
// Two clocks: a steady one that durations are measured with, and the wall
// clock that logs and fields are stamped with.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace whichhop {

using SteadyClock = std::chrono::steady_clock;
using Time = SteadyClock::time_point;
using Duration = SteadyClock::duration;

inline constexpr Time kNoTime = Time::min();

// Microseconds since the epoch, UTC.
int64_t WallMicroseconds();

// An IMF-fixdate as seconds since the epoch; nothing if `text` is none. The
// obsolete forms are none.
std::optional<int64_t> ParseHttpDate(std::string_view text);

// The wall clock as text, for one thread: the calendar part is computed once a
// second and kept. The views are valid until the next call.
class WallText {
 public:
  // IMF-fixdate (RFC 9110, section 5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT".
  std::string_view HttpDate(int64_t wall_microseconds);
  // RFC 3339, UTC, microseconds: "1994-11-06T08:49:37.123456Z".
  std::string_view Rfc3339(int64_t wall_microseconds);

 private:
  void Refresh(int64_t second);

  int64_t second_ = -1;
  char http_date_[32] = {};
  char rfc3339_[32] = {};
};

}  // namespace whichhop
