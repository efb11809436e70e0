#include "diagnostics/weighted_list.h"

namespace whichhop::diagnostics {
namespace {

char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
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

}  // namespace

WeightedChoice TakeChoice(std::string_view& rest) {
  std::string_view parameters = TakeUntil(rest, ',');
  WeightedChoice choice{TakeUntil(parameters, ';'), 1000};
  while (!parameters.empty()) {
    const std::string_view parameter = TakeUntil(parameters, ';');
    if (parameter.size() >= 2 && Lower(parameter[0]) == 'q' &&
        parameter[1] == '=') {
      choice.weight = ParseWeight(parameter.substr(2));
    }
  }
  return choice;
}

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (Lower(a[i]) != Lower(b[i])) return false;
  }
  return true;
}

}  // namespace whichhop::diagnostics
