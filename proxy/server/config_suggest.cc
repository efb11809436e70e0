#include "proxy/server/config_suggest.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "proxy/base/text.h"

namespace whichhop {

namespace {

// Bounds of the search: beyond them nobody is helped by a guess.
constexpr size_t kMaxWord = 40;
constexpr size_t kMaxCandidates = 256;

char Fold(char c) { return c == '-' ? '_' : LowerAscii(c); }

}  // namespace

size_t EditDistance(std::string_view a, std::string_view b) {
  const size_t width = b.size() + 1;
  std::vector<size_t> table((a.size() + 1) * width);
  const auto at = [&](size_t i, size_t j) -> size_t& {
    return table[i * width + j];
  };
  for (size_t i = 0; i <= a.size(); ++i) at(i, 0) = i;
  for (size_t j = 0; j <= b.size(); ++j) at(0, j) = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const bool same = Fold(a[i - 1]) == Fold(b[j - 1]);
      at(i, j) = std::min({at(i - 1, j) + 1, at(i, j - 1) + 1,
                           at(i - 1, j - 1) + (same ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && Fold(a[i - 1]) == Fold(b[j - 2]) &&
                           Fold(a[i - 2]) == Fold(b[j - 1]);
      if (swapped) at(i, j) = std::min(at(i, j), at(i - 2, j - 2) + 1);
    }
  }
  return at(a.size(), b.size());
}

std::string DidYouMean(std::string_view word,
                       std::span<const std::string_view> candidates) {
  if (word.empty() || word.size() > kMaxWord) return {};
  candidates = candidates.first(std::min(candidates.size(), kMaxCandidates));
  std::string_view best;
  size_t best_distance = std::max<size_t>(1, word.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    if (candidate.size() > kMaxWord) continue;
    const size_t distance = EditDistance(word, candidate);
    if (distance >= best_distance || distance >= candidate.size()) continue;
    best = candidate;
    best_distance = distance;
  }
  if (best.empty()) return {};
  return "; did you mean `" + std::string(best) + "`?";
}

}  // namespace whichhop
