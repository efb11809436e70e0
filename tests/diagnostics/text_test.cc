#include "diagnostics/text.h"

#include "diagnostics/append.h"
#include "tests/catch.h"

namespace whichhop::diagnostics {
namespace {

using Append = void (*)(std::string&, std::string_view);

std::string Said(Append append, std::string_view text) {
  std::string out;
  append(out, text);
  return out;
}

struct Case {
  std::string_view in, out;
};

TEST_CASE("texts are appended in their order, however long they are") {
  for (const size_t size : {0u, 1u, 509u, 510u, 511u, 5000u}) {
    const std::string text(size, 'x');
    std::string out = "before ";
    AppendAll(out, "<", text, std::string_view(), ">");
    CHECK(out == "before <" + text + ">");
  }
  std::string out = "ab";
  AppendAll(out, out, Decimal(0).view(), Decimal(UINT64_MAX).view());
  CHECK(out == "abab018446744073709551615");
}

TEST_CASE("a JSON string is valid UTF-8, and other bytes stay readable") {
  const Case cases[] = {
      {"", R"("")"},
      {"plain text", R"("plain text")"},
      {"a\"b\\c", R"("a\"b\\c")"},
      {"\n\r\t", R"("\n\r\t")"},
      {std::string_view("\0\x1b\x7f", 3), R"("\u0000\u001B\u007F")"},
      {"caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\xAB\x96",
       "\"caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\xAB\x96\""},
      {"a\xFF"
       "b",
       R"("a\\xFFb")"},
      {"\xC3", R"("\\xC3")"},                             // cut short
      {"\xC0\xAF", R"("\\xC0\\xAF")"},                    // overlong
      {"\xE0\x80\xAF", R"("\\xE0\\x80\\xAF")"},           // overlong
      {"\xED\xA0\x80", R"("\\xED\\xA0\\x80")"},           // surrogate
      {"\xF4\x90\x80\x80", R"("\\xF4\\x90\\x80\\x80")"},  // past U+10FFFF
      {"\xC2\x9B"
       "31m",
       R"("\u009B31m")"},  // a C1 control
      {"\xE2\x80\xA8", R"("\u2028")"},
  };
  for (const Case& c : cases) CHECK(Said(AppendJsonString, c.in) == c.out);
}

TEST_CASE("a JSON string is the same however long its runs are") {
  for (size_t length = 0; length < 70; ++length) {
    const std::string run(length, 'x');
    CHECK(Said(AppendJsonString, run + "\"" + run) ==
          "\"" + run + "\\\"" + run + "\"");
  }
}

TEST_CASE("no byte value breaks a JSON string") {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const std::string said = Said(AppendJsonString, {&c, 1});
    for (char out : said) {
      CHECK((static_cast<unsigned char>(out) >= 0x20 &&
             static_cast<unsigned char>(out) < 0x7F));
    }
  }
}

TEST_CASE("a key brings its own comma") {
  std::string out = "{";
  AppendJsonKey(out, "a");
  AppendInteger(out, 18446744073709551615u);
  AppendJsonKey(out, "b");
  AppendInteger(out, 0);
  CHECK(out == R"({"a":18446744073709551615,"b":0)");
}

TEST_CASE("a name is a Token where it is one, else a String") {
  const Case cases[] = {
      {"edge-1", "edge-1"},
      {"*x:/y", "*x:/y"},
      {"10.0.0.5:8000", R"("10.0.0.5:8000")"},
      {"two words", R"("two words")"},
      {"", R"("")"},
      {"a\"b\\c", R"("a\"b\\c")"},
      {"caf\xC3\xA9", R"("caf%C3%A9")"},
      {"tab\there", R"("tab%09here")"},
      {"50%!", R"("50%!")"},
      {"x%", "x%"},
  };
  for (const Case& c : cases) {
    CHECK(Said(AppendSfTokenOrString, c.in) == c.out);
  }
}

TEST_CASE("HTML is escaped, in text and in attributes") {
  const Case cases[] = {
      {"<script>alert('x')</script>",
       "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"},
      {"a & \"b\"", "a &amp; &quot;b&quot;"},
      {std::string_view("a\0b", 3),
       "a\xEF\xBF\xBD"
       "b"},
      {"\xFF", "\xEF\xBF\xBD"},
      {"caf\xC3\xA9", "caf\xC3\xA9"},
  };
  for (const Case& c : cases) CHECK(Said(AppendHtml, c.in) == c.out);
}

TEST_CASE("no escape sequence reaches a terminal") {
  const Case cases[] = {
      {"\x1b[31mred", "\\x1B[31mred"},
      {"line\nbreak", "line\\x0Abreak"},
      {"\xC2\x9B"
       "31m",
       "\\xC2\\x9B31m"},
      {"\xFF", "\\xFF"},
      {"caf\xC3\xA9", "caf\xC3\xA9"},
  };
  for (const Case& c : cases) CHECK(Said(AppendTerminal, c.in) == c.out);
}

}  // namespace
}  // namespace whichhop::diagnostics
