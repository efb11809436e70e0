#include "diagnostics/language.h"

#include <optional>

#include "diagnostics/weighted_list.h"

namespace whichhop::diagnostics {
namespace {

std::optional<Language> LanguageOf(std::string_view tag) {
  for (size_t i = 0; i < kLanguageTags.size(); ++i) {
    if (EqualsIgnoringCase(tag, kLanguageTags[i]))
      return static_cast<Language>(i);
  }
  return std::nullopt;
}

// Drops the last subtag, and with it one of a single letter before it.
std::string_view Shorten(std::string_view range) {
  const size_t last = range.rfind('-');
  if (last == range.npos) return {};
  range = range.substr(0, last);
  const bool single = range.size() >= 2 && range[range.size() - 2] == '-';
  return single ? range.substr(0, range.size() - 2) : range;
}

std::optional<Language> LookUp(std::string_view range) {
  for (; !range.empty(); range = Shorten(range)) {
    if (const auto language = LanguageOf(range)) return language;
  }
  return std::nullopt;
}

}  // namespace

Language NegotiateLanguage(std::string_view accept_language) {
  Language best = Language::kEnglish;
  int weight = 0;
  while (!accept_language.empty()) {
    const WeightedChoice choice = TakeChoice(accept_language);
    if (choice.weight <= weight) continue;
    const std::optional<Language> language = LookUp(choice.name);
    if (!language.has_value()) continue;
    best = *language;
    weight = choice.weight;
  }
  return best;
}

}  // namespace whichhop::diagnostics
