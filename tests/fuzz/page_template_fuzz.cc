// An operator's page, fed with anything. What is read says at places that exist
// what is wrong with it; what loads is filled with hostile words, and these
// words add nothing to it that a reader of HTML takes for markup.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "diagnostics/diagnose.h"
#include "diagnostics/page_markup.h"
#include "diagnostics/page_template.h"
#include "tests/fuzz/require.h"

namespace whichhop::diagnostics {
namespace {

// The markup of a page: its tokens, with the names of elements and attributes
// and how each value is quoted, and nothing of its words.
std::string Shape(std::string_view page) {
  std::string shape;
  PageMarkup markup(page);
  PageToken token;
  size_t size = 0;
  for (bool text_before = false; markup.Next(&token);) {
    size += token.text.size();
    const bool text = token.kind == PageToken::Kind::kText;
    // A slot of words may be all of the text between two tags, or nothing.
    if (!text) {
      shape += static_cast<char>('0' + static_cast<int>(token.kind));
      shape += token.name;
      for (const PageAttribute& attribute : token.attributes) {
        shape += ' ';
        shape += attribute.name;
        shape += '=';
        shape += attribute.quote == '\0' ? '0' : attribute.quote;
      }
      shape += '\n';
    }
    Require(!(text && text_before), "text is one token", page);
    text_before = text;
  }
  Require(size == page.size(), "tokens are all of the page", page);
  return shape;
}

std::string Filled(const PageTemplate& page, const PageInput& input) {
  static const Verdict verdict = [] {
    Observation seen;
    seen.status = 502;
    return Diagnose(seen);
  }();
  std::string out;
  page.Append(verdict, input, out);
  return out;
}

void CheckErrors(const std::vector<TemplateError>& errors,
                 std::string_view source) {
  Require(errors.size() <= PageTemplate::kMostErrors, "errors are few", source);
  const auto lines = static_cast<size_t>(std::ranges::count(source, '\n') +
                                         std::ranges::count(source, '\r') + 1);
  for (const TemplateError& error : errors) {
    Require(error.line >= 1 && error.line <= lines && error.column >= 1 &&
                error.column <= source.size() + 1,
            "an error has a place", source);
    Require(!error.message.empty() &&
                std::ranges::all_of(
                    error.message, [](char c) { return c >= ' ' && c < 0x7F; }),
            "a message is printable", source);
  }
}

void Check(std::string_view source) {
  std::vector<TemplateError> errors;
  const auto page = PageTemplate::Parse(source, &errors);
  Require(page.has_value() == errors.empty(), "it loads, or says why", source);
  CheckErrors(errors, source);
  Shape(source);
  if (!page) return;
  for (const Language language : {Language::kEnglish, Language::kGerman}) {
    const std::string_view fields = page->Fields(language);
    Require(fields.find('\0') == fields.npos &&
                std::ranges::count(fields, '\n') == 4 &&
                std::ranges::count(fields, '\r') == 4,
            "fields are four lines", source);
  }
  const PageInput tame{"01", "host", "/", Audience::kPublic,
                       Language::kEnglish};
  const PageInput hostile{"01\"'><b c='d' e=\"f\">-->",
                          "\"'></title><script>{{", "/\"\r\n\x1b[2J\xff",
                          Audience::kPublic, Language::kEnglish};
  const std::string out = Filled(*page, hostile);
  Require(out.size() <= PageTemplate::kMostFilled, "it is bounded", source);
  Require(Shape(out) == Shape(Filled(*page, tame)),
          "words from outside are no markup", source);
}

}  // namespace
}  // namespace whichhop::diagnostics

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > whichhop::diagnostics::PageTemplate::kMostBytes) return 0;
  whichhop::diagnostics::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
