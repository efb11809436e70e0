#pragma once
// The languages that pages are written in, and which of them a client reads
// (RFC 9110 section 12.5.4, RFC 4647).

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace whichhop::diagnostics {

// The first is said where a client reads none of them.
enum class Language : uint8_t { kEnglish, kGerman };
inline constexpr size_t kLanguageCount = 2;

// Their tags (RFC 5646).
inline constexpr std::array<std::string_view, kLanguageCount> kLanguageTags = {
    "en", "de"};
constexpr std::string_view LanguageTag(Language language) {
  return kLanguageTags[static_cast<size_t>(language)];
}

// The language for this Accept-Language value (several fields joined by ", ";
// empty: none was sent), by Lookup of RFC 4647 section 3.4: the heaviest range
// first, then the earlier one, each shortened from its end until a language
// has that tag. `*` and ranges of weight 0 ask for nothing.
[[nodiscard]] Language NegotiateLanguage(std::string_view accept_language);

}  // namespace whichhop::diagnostics
