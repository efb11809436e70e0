// Accept and Accept-Language values, fed with anything: what a client prefers
// does not hang on blanks, capitals, or on ranges that name nothing of ours.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "diagnostics/accept.h"
#include "diagnostics/language.h"
#include "tests/fuzz/require.h"

namespace whichhop::diagnostics {
namespace {

// Whether a quoted string is open at the end: more would fall into it.
bool EndsInQuotes(std::string_view text) {
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    }
  }
  return quoted;
}

std::string Capitals(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

void CheckAccept(const std::string& accept) {
  const BodyType type = NegotiateBody(accept);
  Require(NegotiateBody(" \t" + accept) == type, "blanks before it", accept);
  Require(NegotiateBody(Capitals(accept)) == type, "capitals", accept);
  if (EndsInQuotes(accept)) return;
  Require(NegotiateBody(accept + " \t") == type, "blanks behind it", accept);
  Require(NegotiateBody(accept + ", image/png") == type,
          "a type that we do not have", accept);
  Require(NegotiateBody("image/png;q=1.0," + accept) == type,
          "a type that we do not have, first", accept);
}

void CheckLanguage(const std::string& accept) {
  const Language language = NegotiateLanguage(accept);
  Require(NegotiateLanguage(" \t" + accept) == language, "blanks", accept);
  Require(NegotiateLanguage(Capitals(accept)) == language, "capitals", accept);
  Require(NegotiateLanguage("tlh, *," + accept) == language,
          "a language that we do not have", accept);
}

// Of two bodies that are both named, the heavier one.
void CheckWeights(uint8_t octet) {
  const int html = octet >> 4;
  const int json = octet & 15;
  if (html > 9 || json > 9) return;
  const std::string accept = "text/html;q=0." + std::to_string(html) +
                             ", application/json;q=0." + std::to_string(json);
  const BodyType heavier = html == 0 && json == 0 ? BodyType::kText
                           : html >= json         ? BodyType::kHtml
                                                  : BodyType::kJson;
  Require(NegotiateBody(accept) == heavier, "the heavier one", accept);
}

}  // namespace
}  // namespace whichhop::diagnostics

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  whichhop::diagnostics::CheckAccept(
      {reinterpret_cast<const char*>(data), size});
  whichhop::diagnostics::CheckLanguage(
      {reinterpret_cast<const char*>(data), size});
  if (size > 0) whichhop::diagnostics::CheckWeights(data[0]);
  return 0;
}
