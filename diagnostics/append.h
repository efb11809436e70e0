#pragma once
// Several texts appended to a string at once. Most of what is said of a verdict
// is short, and std::string's own append is a call each time, that measures,
// checks and copies.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace whichhop::diagnostics {

namespace append {

template <size_t N>
constexpr size_t SizeOf(const char (&)[N]) {
  return N - 1;
}
inline size_t SizeOf(std::string_view text) { return text.size(); }

template <size_t N>
char* Copy(const char (&literal)[N], char* to) {
  std::memcpy(to, literal, N - 1);
  return to + N - 1;
}
inline char* Copy(std::string_view text, char* to) {
  // Not memcpy(p, nullptr, 0), which is undefined.
  if (!text.empty()) std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

}  // namespace append

// Literals, whose size is known when compiling, and views.
template <typename... Texts>
void AppendAll(std::string& out, const Texts&... texts) {
  std::array<char, 512> room;
  const size_t size = (append::SizeOf(texts) + ...);
  if (size > room.size()) {
    (out.append(std::string_view(texts)), ...);
    return;
  }
  char* end = room.data();
  ((end = append::Copy(texts, end)), ...);
  out.append(room.data(), size);
}

// A number in decimal, for AppendAll.
class Decimal {
 public:
  explicit Decimal(uint64_t number) {
    do {
      digits_[--begin_] = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number > 0);
  }
  Decimal(const Decimal&) = delete;
  Decimal& operator=(const Decimal&) = delete;

  std::string_view view() const {
    return {digits_.data() + begin_, kDigits - begin_};
  }

 private:
  static constexpr size_t kDigits = 20;  // of the largest

  size_t begin_ = kDigits;
  std::array<char, kDigits> digits_;  // not initialised: from `begin_` on
};

}  // namespace whichhop::diagnostics
