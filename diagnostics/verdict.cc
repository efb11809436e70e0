#include "diagnostics/verdict.h"

namespace whichhop::diagnostics {

void Evidence::Begin(Rule rule, HopSet cleared, HopSet blamed) {
  open_ = size_ < kMaxItems;
  if (!open_) return;
  marks_[size_++] = {rule, cleared, blamed, used_, used_};
}

Evidence& Evidence::operator<<(std::string_view text) {
  if (!open_) return *this;
  const size_t cut = CutLength(text, kMaxBytes - used_);
  text.copy(text_.data() + used_, cut);
  used_ = static_cast<uint16_t>(used_ + cut);
  marks_[size_ - 1u].end = used_;
  return *this;
}

Evidence& Evidence::operator<<(uint64_t number) {
  FixedText<20> digits;
  digits << number;
  return *this << digits.view();
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
