#pragma once
// ASCII text as protocols use it: no locale, no allocation. Case folding
// touches A-Z alone (RFC 9110, section 5.1: field names are ASCII).

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace whichhop {

constexpr char LowerAscii(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

constexpr bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (LowerAscii(a[i]) != LowerAscii(b[i])) return false;
  }
  return true;
}

// Without the spaces and tabs (RFC 9110 OWS) at both ends.
constexpr std::string_view TrimOws(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
    text.remove_prefix(1);
  }
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
    text.remove_suffix(1);
  }
  return text;
}

// The next member of a comma-separated list (RFC 9110, section 5.6.1), trimmed
// and removed from `list`; members that are empty are skipped. Empty: none is
// left. Commas inside quoted strings do not separate.
std::string_view NextListMember(std::string_view& list);

// A decimal number and nothing else; nothing on a sign, a space or overflow.
std::optional<uint64_t> ParseDecimal(std::string_view text);

// Six digits, zeros before. Requires: number < 1000000, and room for six.
void WriteSixDigits(char* to, uint32_t number);

}  // namespace whichhop
