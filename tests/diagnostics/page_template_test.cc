#include "diagnostics/page_template.h"

#include <string>
#include <vector>

#include "diagnostics/diagnose.h"
#include "diagnostics/html_page.h"
#include "diagnostics/page_style.h"
#include "diagnostics/sha256.h"
#include "tests/catch.h"
#include "tests/diagnostics/sightings.h"

namespace whichhop::diagnostics {
namespace {

constexpr std::string_view kHead =
    "<!DOCTYPE html>\n<html lang=\"{{language}}\">\n<body>\n";
constexpr std::string_view kTail = "<p>{{error_id}}</p>\n</body>\n</html>\n";

// A page that lacks nothing, around `middle`, which begins on line 4.
std::string Page(std::string_view middle) {
  return std::string(kHead) + std::string(middle) + std::string(kTail);
}

// All errors of a page, each a line: "4:1: message\n".
std::string ErrorsOf(std::string_view source) {
  std::vector<TemplateError> errors;
  const bool parses = PageTemplate::Parse(source, &errors).has_value();
  REQUIRE(parses == errors.empty());
  std::string text;
  for (const TemplateError& error : errors) {
    text += std::to_string(error.line) + ':' + std::to_string(error.column) +
            ": " + error.message + '\n';
  }
  return text;
}

PageTemplate Parse(std::string_view source) {
  std::vector<TemplateError> errors;
  auto page = PageTemplate::Parse(source, &errors);
  for (const TemplateError& error : errors) FAIL_CHECK(error.message);
  REQUIRE(page);
  return *page;
}

Verdict Of(std::string_view sighting, uint16_t status = 0) {
  Observation seen;
  See(sighting, seen);
  seen.status = status;
  return Diagnose(seen);
}

constexpr PageInput kPublic{"01JD", "shop.example", "/a", Audience::kPublic,
                            Language::kEnglish};

std::string Fill(const PageTemplate& page, const Verdict& verdict,
                 const PageInput& input = kPublic) {
  std::string out;
  page.Append(verdict, input, out);
  return out;
}

// What a page with `middle` says there.
std::string Said(std::string_view middle, const PageInput& input = kPublic) {
  const std::string all =
      Fill(Parse(Page(middle)), Of("ConnectRefusedRst"), input);
  const size_t begin = all.find("<body>\n") + 7;
  return all.substr(begin, all.find("<p>01JD</p>") - begin);
}

bool Has(std::string_view text, std::string_view part) {
  return text.find(part) != text.npos;
}

std::string Hash(std::string_view style) {
  const auto digest = Base64(Sha256(style));
  return "'sha256-" + std::string(digest.data(), digest.size()) + "'";
}

}  // namespace

TEST_CASE("a slot is filled with what its name says") {
  struct Case {
    std::string_view slot;
    std::string_view said;
  };
  const Case cases[] = {
      {"{{status}}", "502"},
      {"{{ title }}", "Bad Gateway"},
      {"{{sentence}}",
       "The upstream refused the connection: nothing listens there."},
      {"{{whom}}", "Page whoever runs the app (app); next suspect: server."},
      {"{{cause}}", "App (app), Server/Serverless (server)"},
      {"{{reporter}}", "LB (lb)"},
      {"{{cleared}}", "TOR (tor)"},
      {"{{visitor}}",
       "You can&#39;t mend it. Try again in a few minutes; if you had sent a "
       "form, look first whether it arrived."},
      {"{{error_id}}", "01JD"},
      {"{{fault}}", "connect-refused-rst"},
      {"{{row}}", "502A"},
      {"{{basis}}", "observed by this proxy"},
      {"{{host}}", "shop.example"},
      {"{{language}}", "en"},
      {"{{evidence}}", ""},
      {"{ {status} } {}{", "{ {status} } {}{"},
  };
  for (const Case& c : cases) CHECK(Said(c.slot) == c.said);
}

TEST_CASE("what is not known is said in a word") {
  Observation seen;
  seen.status = 405;
  const std::string all =
      Fill(Parse(Page("{{cause}}|{{cleared}}|{{row}}")), Diagnose(seen));
  CHECK(Has(all, "unknown|none|none<p>"));
}

TEST_CASE("a block is a part of our page, and evidence is for operators") {
  const Verdict verdict = Of("ConnectRefusedRst");
  PageInput operators = kPublic;
  operators.audience = Audience::kOperator;
  const std::pair<std::string_view, PagePart> blocks[] = {
      {"{{summary}}", PagePart::kSummary},
      {"{{diagram}}", PagePart::kDiagram},
      {"{{advice}}", PagePart::kAdvice},
      {"{{report}}", PagePart::kId},
      {"{{documented}}", PagePart::kDocumented},
      {"{{evidence}}", PagePart::kEvidence}};
  for (const auto& [slot, part] : blocks) {
    for (const PageInput& input : {kPublic, operators}) {
      std::string expected;
      AppendPagePart(part, verdict, input, expected);
      CHECK(Said(slot, input) == expected);
    }
  }
  CHECK(Has(Said("{{evidence}}", operators), "X3: the refusal took 0.4 ms"));
}

TEST_CASE("what comes from outside is escaped for where it stands") {
  PageInput hostile = kPublic;
  hostile.host = "a\"'><b>&\xFF j";
  CHECK(Said("<b>{{host}}</b>", hostile) ==
        "<b>a&quot;&#39;&gt;&lt;b&gt;&amp;\xEF\xBF\xBD j</b>");
  CHECK(Said("<b title=\"{{host}}\" class='{{host}}'></b>", hostile) ==
        "<b title=\"a&quot;&#39;&gt;&lt;b&gt;&amp;\xEF\xBF\xBD j\" "
        "class='a&quot;&#39;&gt;&lt;b&gt;&amp;\xEF\xBF\xBD j'></b>");
  CHECK(
      Said("<a href=\"mailto:o@x.example?subject={{host}}#{{status}}\">a</a>",
           hostile) ==
      "<a href=\"mailto:o@x.example?subject=a%22%27%3E%3Cb%3E%26%FF%20j#502\">"
      "a</a>");
}

TEST_CASE("a text in a slot is cut, between characters") {
  PageInput hostile = kPublic;
  std::string host;
  for (int i = 0; i < 300; ++i) host += "\xC3\xA4";
  hostile.host = host;
  CHECK(Said("{{host}}", hostile) == host.substr(0, 256));
}

TEST_CASE("what is wrong stands at its place, all at once") {
  struct Case {
    std::string_view middle;
    std::string_view errors;
  };
  const Case cases[] = {
      {"{{errorid}}", "4:1: unknown slot `errorid`\n"},
      {"a {{ Status }} {{eins}}",
       "4:3: unknown slot `Status`\n4:16: unknown slot `eins`\n"},
      {"{{}} {{a b}}\n{{{status}} {{status\n",
       "4:1: `{{` begins a slot, as {{error_id}}; braces themselves are "
       "&#123;\n"
       "4:6: `{{` begins a slot, as {{error_id}}; braces themselves are "
       "&#123;\n"
       "5:1: `{{` begins a slot, as {{error_id}}; braces themselves are "
       "&#123;\n"
       "5:13: `{{` begins a slot, as {{error_id}}; braces themselves are "
       "&#123;\n"},
      {"<script>x = {{host}}</script>",
       "4:1: no script runs on this page: <script> is refused\n"
       "4:13: `{{host}}` can't stand inside of <script>, where it would be "
       "code\n"},
      {"<ScRiPt src=x></script>",
       "4:1: no script runs on this page: <ScRiPt> is refused\n"
       "4:9: nothing is loaded by this page: `src` takes a data: URL\n"},
      {"<style>b{color:{{host}}}</style>",
       "4:16: `{{host}}` can't stand in <style>, where it would be a rule\n"},
      {"<style>{{style}}</style>{{style}}",
       "4:25: `{{style}}` can't stand outside of <style>\n"},
      {"<style>@import 'x';b{background:url( \"//x\")}c{d:url(data:,)}</style>",
       "4:8: nothing is loaded by this page: `@import` is refused\n"
       "4:33: nothing is loaded by this page: `url(` takes a data: URL\n"},
      {"<style>a{content:'</b>'}</style>",
       "4:19: there are no tags in <style>: leave a blank behind the `<`\n"},
      {"<!-- {{status}} -->",
       "4:6: `{{status}}` can't stand in a comment, where nobody would see "
       "it\n"},
      {"<b class={{fault}}></b>",
       "4:10: `{{fault}}` can't stand in a value without quotes, which its "
       "first blank would end\n"},
      {"<b {{fault}}></b>",
       "4:4: `{{fault}}` can't stand in a tag without quotes around it, where "
       "it would be markup\n"},
      {"<b{{fault}}></b{{row}}>",
       "4:3: `{{fault}}` can't stand in the name of an element, where it would "
       "be markup\n"
       "4:16: `{{row}}` can't stand in an end tag\n"},
      {"1 <{{status}} <title><{{host}} < {{host}}</title>",
       "4:4: `{{status}}` can't stand behind a `<`, with which its words would "
       "be a tag: that is &lt;\n"
       "4:23: `{{host}}` can't stand behind a `<`, with which its words would "
       "be a tag: that is &lt;\n"},
      {"<b title=\"{{diagram}}\"></b>",
       "4:11: `{{diagram}}` can't stand in an attribute: it is made of "
       "elements\n"},
      {"<p>{{diagram}}</p>",
       "4:4: `{{diagram}}` can't stand in an element of words, as <p>: it is "
       "made of sections\n"},
      {"<svg><text>{{status}}</text>{{advice}}</svg>",
       "4:29: `{{advice}}` can't stand in <svg> or <math>: it is made of "
       "HTML\n"},
      {"{{advice}}{{advice}}",
       "4:11: `{{advice}}` stands here again: its ids are there once\n"},
      {"<a href=\"//{{host}}/?{{host}}\">a</a>",
       "4:12: `{{host}}` can't stand before the `?` or `#` of a link: it would "
       "say where that leads\n"},
      {"<a href=\"&#106;avascript:f('?{{host}}')\">a</a>",
       "4:30: `{{host}}` can't stand in a link that is not one of http, https, "
       "mailto or tel\n"},
      {"<button formaction=\"/?{{host}}\">a</button>",
       "4:9: nothing is sent by this page: `formaction` is refused\n"
       "4:23: `{{host}}` can't stand in the address of a form\n"},
      {"<a href=\" JavaScript:1\">a</a>",
       "4:10: no script runs on this page: `javascript:` is refused\n"},
      {"<img alt=\"\" src=\"/logo.png?{{host}}\">",
       "4:13: nothing is loaded by this page: `src` takes a data: URL\n"
       "4:28: `{{host}}` can't stand in the address of what is loaded\n"},
      {"<svg><image HREF='//x'/><use xlink:href=\"#a\"/></svg>",
       "4:13: nothing is loaded by this page: `HREF` takes a data: URL\n"},
      {"<b onclick=\"f('{{host}}')\" style=\"color:{{host}}\">a</b>",
       "4:4: no script runs on this page: `onclick` is refused\n"
       "4:16: `{{host}}` can't stand in a handler, where it would be code\n"
       "4:28: a `style` attribute is not applied: give it a class, and a rule "
       "in <style>\n"
       "4:41: `{{host}}` can't stand in a `style`, where it would be a rule\n"},
      {"<meta content=\"0;url={{host}}\" http-equiv=refresh>",
       "4:22: `{{host}}` can't stand in a <meta http-equiv>, which is an order "
       "to the browser\n"},
      {"<iframe srcdoc=\"{{host}}\"></iframe><form><base href=\"/\">",
       "4:1: nothing is loaded by this page: <iframe> is refused\n"
       "4:36: nothing is sent by this page: <form> is refused\n"
       "4:42: no address of this page is relative to another: <base> is "
       "refused\n"
       "4:48: nothing is loaded by this page: `href` takes a data: URL\n"},
      {"<svg><![CDATA[ <b> ]]></svg>",
       "4:6: `<![` means one thing in <svg> and another elsewhere: leave it "
       "out\n"},
      {"<textarea>{{advice}} <b>", "4:11: what begins here never ends\n"},
      {"<title>{{advice}} <b></title>",
       "4:8: `{{advice}}` can't stand among words: it is made of elements\n"
       "4:19: there are no tags in <title>: leave a blank behind the `<`\n"},
  };
  for (const Case& c : cases) {
    INFO(c.middle);
    const std::string errors = ErrorsOf(Page(c.middle));
    // One that never ends takes the rest with it.
    CHECK(errors.substr(errors.find("4:")) == c.errors);
  }
}

TEST_CASE("a page has to have a doctype, a language and the id") {
  CHECK(ErrorsOf("<p>{{status}}</p>") ==
        "1:1: this is no page: it has to begin with <!DOCTYPE html>\n"
        "1:1: <html> needs a `lang`: {{language}} for the reader's own, or the "
        "tag of the language that the page is written in\n"
        "1:1: `{{error_id}}`, or `{{report}}` which has it, is missing in the "
        "text of the page: by it a visitor's error is found in the log\n");
  for (const std::string_view hidden :
       {"<head>{{error_id}}</head>", "<title>{{error_id}}</title>",
        "<b title='{{error_id}}'></b>"}) {
    const std::string page =
        "<!DOCTYPE html><html lang=en>" + std::string(hidden);
    CHECK(Has(ErrorsOf(page), "is missing in the text of the page"));
  }
  CHECK(
      ErrorsOf("<!-- a --> <!doctype HTML ><HTML Lang=de>{{report}}").empty());
  CHECK(Has(ErrorsOf("<p><!DOCTYPE html><html lang=en>{{report}}"),
            "1:1: this is no page"));
  CHECK(ErrorsOf("<!DOCTYPE html><html lang='{{status}}'>{{report}}") ==
        "1:22: `lang` is {{language}}, or the tag of a language: en, de-AT\n");
  CHECK(Has(ErrorsOf("<!DOCTYPE html><html lang='a\r\nX: y'>{{report}}"),
            "`lang` is {{language}}"));
}

TEST_CASE("a page that is cut anywhere is an error, and no crash") {
  const std::string page =
      Page("<!-- a --><style>{{style}}</style><a href='?{{host}}' b=c>d</a>");
  for (size_t size = 0; size < page.size(); ++size) {
    std::vector<TemplateError> errors;
    const auto cut =
        PageTemplate::Parse(std::string_view(page).substr(0, size), &errors);
    CHECK(cut.has_value() == errors.empty());
    if (size + kTail.size() < page.size()) CHECK_FALSE(errors.empty());
  }
}

TEST_CASE("bounds are told") {
  std::string many;
  for (size_t i = 0; i < PageTemplate::kMostSlots; ++i) many += "{{status}}";
  CHECK(Has(ErrorsOf(Page(many)), "a page has at most 64 slots"));
  std::string styles;
  for (int i = 0; i < 9; ++i) styles += "<style></style>";
  CHECK(Has(ErrorsOf(Page(styles)), "a page has at most 8 <style> elements"));
  std::string wrong;
  for (int i = 0; i < 1000; ++i) wrong += "{{wrong}}";
  std::vector<TemplateError> errors;
  CHECK_FALSE(PageTemplate::Parse(Page(wrong), &errors));
  CHECK(errors.size() == PageTemplate::kMostErrors);
}

TEST_CASE("a style is applied by its digest, as a browser reads it") {
  const PageTemplate page =
      Parse("\xEF\xBB\xBF" + Page("<style>\r\nb{}\r</style>\r\n<STYLE "
                                  "media=print>{{ style }}p{}</STYLE>"));
  const std::string fields(page.Fields(Language::kEnglish));
  CHECK(Has(fields,
            "Content-Security-Policy: default-src 'none'; img-src "
            "data:; font-src data:; style-src " +
                Hash("\nb{}\n") + " " + Hash(std::string(kPageStyle) + "p{}") +
                "; base-uri 'none'; form-action 'none'\r\n"));
  const std::string all = Fill(page, Of("ConnectRefusedRst"));
  CHECK(all.starts_with("<!DOCTYPE html>\n"));
  CHECK(Has(all, "<style>\nb{}\n</style>\n<STYLE media=print>" +
                     std::string(kPageStyle) + "p{}</STYLE>"));
  CHECK_FALSE(Has(Parse(Page("")).Fields(Language::kEnglish), "style-src"));
}

TEST_CASE("a page is in its own language, or in the reader's") {
  PageInput german = kPublic;
  german.language = Language::kGerman;
  const PageTemplate both = Parse(Page("{{sentence}}"));
  CHECK(Has(Fill(both, Of("ConnectRefusedRst"), german), "<html lang=\"de\">"));
  CHECK(Has(Fill(both, Of("ConnectRefusedRst"), german), "Verbindung"));
  CHECK(both.Fields(Language::kGerman)
            .starts_with("Content-Type: text/html; charset=utf-8\r\n"
                         "Content-Language: de\r\n"
                         "Vary: Accept, Accept-Language\r\n"));
  struct Case {
    std::string_view tag;
    std::string_view word;
  };
  for (const Case& c : {Case{"de-AT", "Verbindung"}, Case{"en", "connection"},
                        Case{"fr", "connection"}}) {
    const PageTemplate one =
        Parse("<!DOCTYPE html><html lang='" + std::string(c.tag) +
              "'>{{sentence}} {{error_id}}");
    for (const Language reader : {Language::kEnglish, Language::kGerman}) {
      PageInput input = kPublic;
      input.language = reader;
      CHECK(Has(Fill(one, Of("ConnectRefusedRst"), input), c.word));
      CHECK(Has(one.Fields(reader), "Content-Language: " + std::string(c.tag) +
                                        "\r\nVary: Accept\r\n"));
    }
  }
}

TEST_CASE("the largest page with the longest texts is below the bound") {
  PageInput hostile{"01JD", {}, {}, Audience::kOperator, Language::kGerman};
  const std::string quotes(4000, '"');
  hostile.host = quotes;
  hostile.path = quotes;
  std::string middle =
      "{{summary}}{{diagram}}{{advice}}{{report}}"
      "{{documented}}{{evidence}}";
  for (size_t i = 0; i < PageTemplate::kMostSlots - 8; ++i)
    middle += "{{host}}";
  std::string source = Page("<style>{{style}}</style>" + middle);
  source.append(PageTemplate::kMostBytes - source.size(), ' ');
  const PageTemplate page = Parse(source);
  for (const Sighting& sighting : AllSightings()) {
    Observation seen;
    sighting.see(seen);
    const Verdict verdict = Diagnose(seen);
    if (verdict.status == 0) continue;
    CHECK(Fill(page, verdict, hostile).size() < PageTemplate::kMostFilled);
  }
}

TEST_CASE("a copy says the same") {
  const PageTemplate page = Parse(Page("<b>{{status}}</b>"));
  const PageTemplate copy = page;
  CHECK(Fill(copy, Of("ConnectRefusedRst")) ==
        Fill(page, Of("ConnectRefusedRst")));
}

}  // namespace whichhop::diagnostics
