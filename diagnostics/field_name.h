#pragma once
// Names of fields, which are the same in any case.

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
    if (LowerCase(name[i]) != lower_prefix[i]) return false;
  }
  return true;
}

constexpr bool NameIs(std::string_view name, std::string_view lower) {
  return name.size() == lower.size() && NameStartsWith(name, lower);
}

}  // namespace whichhop::diagnostics
