#include "proxy/base/text.h"

#include <array>
#include <cstring>

namespace whichhop {

namespace {

// "00", "01" to "99", one behind the other.
constexpr std::array<char, 200> MakePairs() {
  std::array<char, 200> pairs{};
  for (size_t i = 0; i < 100; ++i) {
    pairs[2 * i] = static_cast<char>('0' + i / 10);
    pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}
constexpr std::array<char, 200> kPairs = MakePairs();

void WritePairOfDigits(char* to, uint32_t number) {
  std::memcpy(to, kPairs.data() + 2 * number, 2);
}

}  // namespace

std::string_view NextListMember(std::string_view& list) {
  while (!list.empty()) {
    size_t end = 0;
    bool quoted = false;
    for (; end < list.size(); ++end) {
      const char c = list[end];
      if (c == '"') quoted = !quoted;
      if (quoted && c == '\\') ++end;
      if (!quoted && c == ',') break;
    }
    end = end < list.size() ? end : list.size();
    const std::string_view member = TrimOws(list.substr(0, end));
    list.remove_prefix(end < list.size() ? end + 1 : end);
    if (!member.empty()) return member;
  }
  return {};
}

std::optional<uint64_t> ParseDecimal(std::string_view text) {
  uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || error != std::errc() || stop != end) return std::nullopt;
  return number;
}

void WriteSixDigits(char* to, uint32_t number) {
  WritePairOfDigits(to, number / 10'000);
  WritePairOfDigits(to + 2, number / 100 % 100);
  WritePairOfDigits(to + 4, number % 100);
}

}  // namespace whichhop
