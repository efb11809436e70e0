#include "proxy/base/clock.h"

#include <ctime>

#include "proxy/base/text.h"

namespace whichhop {

namespace {

constexpr size_t kHttpDateSize = 29;
constexpr size_t kSecondsSize = 19;  // "1994-11-06T08:49:37"
constexpr size_t kRfc3339Size = 27;

}  // namespace

int64_t WallMicroseconds() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::optional<int64_t> ParseHttpDate(std::string_view text) {
  if (text.size() != kHttpDateSize) return std::nullopt;
  char buffer[kHttpDateSize + 1] = {};
  text.copy(buffer, kHttpDateSize);
  std::tm calendar{};
  const char* const end =
      strptime(buffer, "%a, %d %b %Y %H:%M:%S GMT", &calendar);
  if (end != buffer + kHttpDateSize) return std::nullopt;
  return timegm(&calendar);
}

void WallText::Refresh(int64_t second) {
  if (second == second_) return;
  second_ = second;
  const std::time_t time = second;
  std::tm calendar{};
  gmtime_r(&time, &calendar);
  // No locale is ever set, so %a and %b are English.
  std::strftime(http_date_, sizeof(http_date_), "%a, %d %b %Y %H:%M:%S GMT",
                &calendar);
  std::strftime(rfc3339_, sizeof(rfc3339_), "%Y-%m-%dT%H:%M:%S.000000Z",
                &calendar);
}

std::string_view WallText::HttpDate(int64_t wall_microseconds) {
  Refresh(wall_microseconds / 1'000'000);
  return {http_date_, kHttpDateSize};
}

std::string_view WallText::Rfc3339(int64_t wall_microseconds) {
  Refresh(wall_microseconds / 1'000'000);
  WriteSixDigits(rfc3339_ + kSecondsSize + 1,
                 static_cast<uint32_t>(wall_microseconds % 1'000'000));
  return {rfc3339_, kRfc3339Size};
}

}  // namespace whichhop
