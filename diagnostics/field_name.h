#pragma once
// Names of fields and of products, which are the same in any case.

#include <cstddef>
#include <string_view>

namespace whichhop::diagnostics {

constexpr char LowerCase(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

constexpr bool NameStartsWith(std::string_view name,
                              std::string_view lower_prefix) {
  if (name.size() < lower_prefix.size()) return false;
  for (size_t i = 0; i < lower_prefix.size(); ++i) {
    const char lower = lower_prefix[i];
    if (name[i] != lower && LowerCase(name[i]) != lower) return false;
  }
  return true;
}

constexpr bool NameIs(std::string_view name, std::string_view lower) {
  return name.size() == lower.size() && NameStartsWith(name, lower);
}

// Of two words of which neither is known to be in lower case.
constexpr bool EqualWords(std::string_view one, std::string_view other) {
  if (one.size() != other.size()) return false;
  for (size_t i = 0; i < one.size(); ++i) {
    if (LowerCase(one[i]) != LowerCase(other[i])) return false;
  }
  return true;
}

}  // namespace whichhop::diagnostics
