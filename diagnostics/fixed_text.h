#pragma once
// A short text in place, cut where it is full: verdicts must not allocate. A
// cut never splits a UTF-8 sequence.

#include <array>
#include <charconv>
#include <cstdint>
#include <string_view>

namespace whichhop::diagnostics {

// How many of the first `limit` bytes may be kept without splitting a UTF-8
// sequence. Returns text.size() where all of it fits.
// Not inlined: g++ 12 would warn of bounds that text.size() excludes.
[[gnu::noinline]] inline size_t CutLength(std::string_view text, size_t limit) {
  if (text.size() <= limit) return text.size();
  size_t cut = limit;
  while (cut > 0 && cut + 3 > limit &&
         (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) {
    --cut;
  }
  return cut;
}

template <size_t N>
class FixedText {
  static_assert(N < 256);

 public:
  static constexpr size_t kSize = N;  // bytes that fit

  FixedText() = default;
  explicit FixedText(std::string_view text) { *this << text; }

  FixedText& operator<<(std::string_view text) {
    const size_t cut = CutLength(text, N - size_);
    text.copy(text_.data() + size_, cut);
    size_ = static_cast<uint8_t>(size_ + cut);
    return *this;
  }
  FixedText& operator<<(uint64_t number) {
    std::array<char, 20> digits;
    const auto end =
        std::to_chars(digits.data(), digits.data() + digits.size(), number);
    return *this << std::string_view(
               digits.data(), static_cast<size_t>(end.ptr - digits.data()));
  }

  bool empty() const { return size_ == 0; }
  std::string_view view() const { return {text_.data(), size_}; }

 private:
  uint8_t size_ = 0;
  std::array<char, N> text_;  // not initialised: `size_` says what is written
};

}  // namespace whichhop::diagnostics
