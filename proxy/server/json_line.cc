#include "proxy/server/json_line.h"

#include "diagnostics/text.h"
#include "diagnostics/usual_text.h"
#include "proxy/base/text.h"

namespace whichhop {

namespace {

// Most lines are shorter.
constexpr size_t kFirstRoom = 4096;

}  // namespace

char* WriteSeconds(char* to, Duration duration) {
  using std::chrono::microseconds;
  const auto count = std::chrono::duration_cast<microseconds>(duration).count();
  const auto us = static_cast<uint64_t>(std::max<int64_t>(0, count));
  const uint64_t seconds = us / 1'000'000;
  char* const dot = std::to_chars(to, to + kMaxSeconds, seconds).ptr;
  *dot = '.';
  WriteSixDigits(dot + 1, static_cast<uint32_t>(us % 1'000'000));
  return dot + 7;
}

JsonLine::JsonLine()
    : memory_(std::make_unique_for_overwrite<char[]>(kFirstRoom)),
      next_(memory_.get()),
      end_(next_ + kFirstRoom) {}

void JsonLine::Grow(size_t size) {
  const size_t used = text().size();
  const size_t room = 2 * (used + size);
  auto grown = std::make_unique_for_overwrite<char[]>(room);
  std::memcpy(grown.get(), memory_.get(), used);
  memory_ = std::move(grown);
  next_ = begin() + used;
  end_ = begin() + room;
}

void JsonLine::PutString(std::string_view value) {
  *next_ = '"';
  if (!diagnostics::CopyUsual(next_ + 1, value)) return PutEscaped(value);
  next_ += value.size() + 1;
  *next_++ = '"';
}

void JsonLine::PutEscaped(std::string_view value) {
  escaped_.clear();
  diagnostics::AppendJsonString(escaped_, value);
  Reserve(escaped_.size());
  std::memcpy(next_, escaped_.data(), escaped_.size());
  next_ += escaped_.size();
}

}  // namespace whichhop
