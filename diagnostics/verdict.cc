#include "diagnostics/verdict.h"

#include <charconv>

namespace whichhop::diagnostics {

void Evidence::Begin(Rule rule, HopSet cleared, HopSet blamed) {
  open_ = size_ < kMaxItems;
  if (!open_) return;
  marks_[size_++] = {rule, cleared, blamed, used_, used_};
}

Evidence& Evidence::operator<<(std::string_view text) {
  if (!open_) return *this;
  const size_t room = kMaxBytes - used_;
  const size_t cut = text.size() <= room ? text.size() : CutLength(text, room);
  text.copy(text_.data() + used_, cut);
  used_ = static_cast<uint16_t>(used_ + cut);
  marks_[size_ - 1u].end = used_;
  return *this;
}

Evidence& Evidence::operator<<(uint64_t number) {
  std::array<char, 20> digits;
  const auto end =
      std::to_chars(digits.data(), digits.data() + digits.size(), number);
  return *this << std::string_view(
             digits.data(), static_cast<size_t>(end.ptr - digits.data()));
}

Evidence::Item Evidence::operator[](size_t i) const {
  const Mark& mark = marks_[i];
  return {
      mark.rule,
      mark.cleared,
      mark.blamed,
      {text_.data() + mark.begin, static_cast<size_t>(mark.end - mark.begin)}};
}

}  // namespace whichhop::diagnostics
