#include "diagnostics/accept.h"

#include <array>

namespace whichhop::diagnostics {
namespace {

struct Offer {
  BodyType type;
  std::string_view name;
};

// In the order in which a tie is settled.
constexpr std::array<Offer, 4> kOffers = {{
    {BodyType::kText, "text/plain"},
    {BodyType::kJson, "application/problem+json"},
    {BodyType::kJson, "application/json"},
    {BodyType::kHtml, "text/html"},
}};

char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (Lower(a[i]) != Lower(b[i])) return false;
  }
  return true;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
    text.remove_prefix(1);
  }
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
    text.remove_suffix(1);
  }
  return text;
}

// Takes what comes before the next `separator` outside of quotes.
std::string_view TakeUntil(std::string_view& rest, char separator) {
  bool quoted = false;
  for (size_t i = 0; i < rest.size(); ++i) {
    if (quoted && rest[i] == '\\') {
      ++i;
    } else if (rest[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && rest[i] == separator) {
      const std::string_view taken = rest.substr(0, i);
      rest.remove_prefix(i + 1);
      return Trim(taken);
    }
  }
  const std::string_view taken = rest;
  rest = {};
  return Trim(taken);
}

// qvalue of RFC 9110 section 12.4.2, in thousandths; a malformed one is 0.
int ParseWeight(std::string_view text) {
  if (text.empty() || (text[0] != '0' && text[0] != '1')) return 0;
  int weight = (text[0] - '0') * 1000;
  if (text.size() == 1) return weight;
  if (text[1] != '.' || text.size() > 5) return 0;
  int unit = 100;
  for (char c : text.substr(2)) {
    if (c < '0' || c > '9') return 0;
    weight += (c - '0') * unit;
    unit /= 10;
  }
  return weight <= 1000 ? weight : 0;
}

// How closely a media range names an offer: 0 not at all, 1 `*/*`, 2
// `text/*`, 3 by name.
int Specificity(std::string_view range, std::string_view offer) {
  if (EqualsIgnoringCase(range, offer)) return 3;
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

void Consider(std::string_view range, int weight, int order,
              std::array<Score, kOffers.size()>& scores) {
  for (size_t i = 0; i < kOffers.size(); ++i) {
    const int specificity = Specificity(range, kOffers[i].name);
    if (specificity <= scores[i].specificity) continue;
    scores[i] = {specificity, weight, order};
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
    std::string_view parameters = TakeUntil(accept, ',');
    const std::string_view range = TakeUntil(parameters, ';');
    int weight = 1000;
    while (!parameters.empty()) {
      const std::string_view parameter = TakeUntil(parameters, ';');
      if (parameter.size() >= 2 && Lower(parameter[0]) == 'q' &&
          parameter[1] == '=') {
        weight = ParseWeight(parameter.substr(2));
      }
    }
    Consider(range, weight, order, scores);
  }
  size_t best = 0;
  for (size_t i = 1; i < scores.size(); ++i) {
    if (Better(scores[i], scores[best])) best = i;
  }
  return scores[best].weight == 0 ? BodyType::kText : kOffers[best].type;
}

std::string_view ContentType(BodyType type) {
  switch (type) {
    case BodyType::kText:
      return "text/plain; charset=utf-8";
    case BodyType::kJson:
      return "application/problem+json";
    case BodyType::kHtml:
      return "text/html; charset=utf-8";
  }
  return "text/plain; charset=utf-8";
}

}  // namespace whichhop::diagnostics
