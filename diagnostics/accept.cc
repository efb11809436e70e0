#include "diagnostics/accept.h"

#include <array>

#include "diagnostics/weighted_list.h"

namespace whichhop::diagnostics {
namespace {

struct Offer {
  BodyType type;
  std::string_view name;
};

// In the order in which a tie is settled.
constexpr std::array<Offer, 4> kOffers = {{
    {BodyType::kDrawnText, "text/plain"},
    {BodyType::kJson, "application/problem+json"},
    {BodyType::kJson, "application/json"},
    {BodyType::kHtml, "text/html"},
}};

// How closely a media range names an offer: 0 not at all, 1 `*/*`, 2
// `text/*`, 3 by name.
constexpr int kByName = 3;
int Specificity(std::string_view range, std::string_view offer) {
  if (EqualsIgnoringCase(range, offer)) return kByName;
  if (range == "*/*") return 1;
  const std::string_view type = offer.substr(0, offer.find('/') + 1);
  const bool whole_type =
      range.size() == type.size() + 1 && range.back() == '*' &&
      EqualsIgnoringCase(range.substr(0, type.size()), type);
  return whole_type ? 2 : 0;
}

struct Score {
  int specificity = 0;
  int weight = 0;
  int order = 0;  // of the range among all; the earlier wins
};

void Consider(const WeightedChoice& range, int order,
              std::array<Score, kOffers.size()>& scores) {
  for (size_t i = 0; i < kOffers.size(); ++i) {
    const int specificity = Specificity(range.name, kOffers[i].name);
    if (specificity <= scores[i].specificity) continue;
    scores[i] = {specificity, range.weight, order};
  }
}

bool Better(const Score& a, const Score& b) {
  if (a.weight != b.weight) return a.weight > b.weight;
  if (a.specificity != b.specificity) return a.specificity > b.specificity;
  return a.order < b.order;
}

}  // namespace

BodyType NegotiateBody(std::string_view accept) {
  std::array<Score, kOffers.size()> scores;
  for (int order = 0; !accept.empty(); ++order) {
    Consider(TakeChoice(accept), order, scores);
  }
  size_t best = 0;
  for (size_t i = 1; i < scores.size(); ++i) {
    if (Better(scores[i], scores[best])) best = i;
  }
  const BodyType type = kOffers[best].type;
  const bool by_name = scores[best].specificity == kByName;
  if (scores[best].weight == 0) return BodyType::kText;
  return type == BodyType::kDrawnText && !by_name ? BodyType::kText : type;
}

}  // namespace whichhop::diagnostics
