#include "diagnostics/augment.h"

#include <nlohmann/json.hpp>
#include <random>
#include <vector>

#include "diagnostics/diagnose.h"
#include "diagnostics/json_room.h"
#include "tests/catch.h"
#include "tests/diagnostics/sightings.h"

namespace whichhop::diagnostics {
namespace {

using nlohmann::json;

Verdict Relayed(int status = 502) {
  Observation o;
  See("Relayed", o);
  o.status = static_cast<uint16_t>(status);
  return Diagnose(o);
}

constexpr PageInput kPublic{"01JD", "shop.example", "/a", Audience::kPublic,
                            Language::kEnglish};
constexpr PageInput kOperator{"01JD", "shop.example", "/a", Audience::kOperator,
                              Language::kEnglish};

// "untouched" where nothing was added.
std::string Augmented(BodyForm form, std::string_view body,
                      const PageInput& input = kPublic) {
  std::string out = "before";
  if (!AppendAugmented(form, body, Relayed(), input, out)) {
    CHECK(out == "before");
    return "untouched";
  }
  return out.substr(6);
}

// The body with a mark where something was added; all else as it was.
std::string Marked(BodyForm form, std::string_view body) {
  const std::string out = Augmented(form, body);
  if (out == "untouched") return out;
  size_t front = 0;
  while (front < body.size() && out[front] == body[front]) ++front;
  // What is added may begin with what was there behind it: as late as can be.
  for (; front > 0; --front) {
    if (out.ends_with(body.substr(front)) &&
        out.substr(0, front) == body.substr(0, front) &&
        (out.compare(front, 6, "<aside") == 0 || form != BodyForm::kHtml)) {
      break;
    }
  }
  REQUIRE(out.ends_with(body.substr(front)));
  return std::string(body.substr(0, front)) + "[]" +
         std::string(body.substr(front));
}

TEST_CASE("the type and its charset say what can be added") {
  using enum BodyForm;
  const std::pair<std::string_view, BodyForm> cases[] = {
      {"text/html", kHtml},
      {"Text/HTML ; Charset=\"UTF-8\"", kHtml},
      {"text/html;charset=iso-8859-1", kHtml},
      {"text/html;charset=shift_jis", kHtml},
      {"text/html; charset=utf-16", kOther},
      {"text/html; charset=UTF-32LE", kOther},
      {"text/html; charset=utf-7", kOther},
      {"text/html; charset=iso-2022-jp", kOther},
      {"text/html; charset=hz-gb-2312", kOther},
      {"text/html; charset=ibm037", kOther},
      {"text/html; charset=", kOther},
      {"text/html; charset", kOther},
      {"text/html; charset=utf-8; charset=utf-16", kOther},
      {"text/html; profile=x; charset=utf-16le", kOther},
      {"text/plain; format=flowed", kText},
      {"application/json", kJson},
      {"application/json; charset=utf-8", kJson},
      {"application/json; charset=latin1", kOther},
      {"application/problem+json", kJson},
      {"application/vnd.api+JSON", kJson},
      {"application/jose+json", kOther},
      {"application/grpc+json", kOther},
      {"application/grpc-web+json", kOther},
      {"+json", kOther},
      {"application/jsonl", kOther},
      {"application/json-seq", kOther},
      {"application/xhtml+xml", kOther},
      {"text/event-stream", kOther},
      {"multipart/mixed", kOther},
      {"text/css", kOther},
      {"image/png", kOther},
      {"application/grpc", kOther},
      {"", kOther},
      {";charset=utf-8", kOther},
  };
  for (const auto& [type, form] : cases) {
    INFO(type);
    CHECK((FormOf(type) == form));
  }
}

TEST_CASE("a panel stands before the end of a page's body") {
  const std::pair<std::string, std::string> cases[] = {
      {"<html><body>a</body></html>", "<html><body>a[]</body></html>"},
      {"<HTML><BODY>a</BODY\n></HTML>", "<HTML><BODY>a[]</BODY\n></HTML>"},
      {"<!DOCTYPE html><p>a", "<!DOCTYPE html><p>a[]"},
      {"<html>a</html>\n", "<html>a[]</html>\n"},
      {"<body></body><!-- </body> -->", "<body>[]</body><!-- </body> -->"},
      {"<body><!--></body>", "<body><!-->[]</body>"},
      {"<body><!-- --- --!></body>", "<body><!-- --- --!>[]</body>"},
      {"<body></body></body>", "<body></body>[]</body>"},
      {"<body><script>'</body>'</script></body>",
       "<body><script>'</body>'</script>[]</body>"},
      {"<body><script><!--\nx()\n//--></script></body>",
       "<body><script><!--\nx()\n//--></script>[]</body>"},
      {"<body><p title='</body>'>a</p>", "<body><p title='</body>'>a</p>[]"},
      {"<body><textarea></body></textarea>",
       "<body><textarea></body></textarea>[]"},
      {"<body>1 < 2 </ </></body>", "<body>1 < 2 </ </>[]</body>"},
      {"<body a=b>", "<body a=b>[]"},
      // Nothing that could be read there, or no page.
      {"<p>Not Found</p>", "untouched"},
      {"Not Found", "untouched"},
      {"{\"error\": \"<b>\"}", "untouched"},
      {"<html><frameset></frameset></html>", "untouched"},
      {"<html><script>", "untouched"},
      {"<html><title>a</body>", "untouched"},
      {"<html><!-- a", "untouched"},
      {"<html><p title=\"", "untouched"},
      {"<html><plaintext></body>", "untouched"},
      {"<body><script><!--<script></script></body>--></script></body>",
       "untouched"},
      {"<body>\x1B$B</body>", "untouched"},
      {std::string("<body>\0</body>", 14), "untouched"},
  };
  for (const auto& [body, expected] : cases) {
    INFO(body);
    CHECK(Marked(BodyForm::kHtml, body) == expected);
  }
}

TEST_CASE("a panel has no script, is ASCII and says it without its style") {
  const std::string page = Augmented(BodyForm::kHtml, "<body></body>");
  for (const std::string_view said :
       {"502 Bad Gateway", "Cause: <code>", "Reporter: <code>",
        "Fault: <code>relay-502</code>", "Error id: <code>01JD</code>"}) {
    CHECK(page.find(said) != page.npos);
  }
  CHECK(page.find("<script") == page.npos);
  CHECK(page.find("<style") == page.npos);
  CHECK(page.find("Evidence") == page.npos);
  CHECK(Augmented(BodyForm::kHtml, "<body>", kOperator).find("Evidence") !=
        page.npos);
  for (const char c : page) REQUIRE(static_cast<unsigned char>(c) < 0x80);
}

TEST_CASE("a panel is in the language that is asked for, in ASCII") {
  PageInput german = kOperator;
  german.language = Language::kGerman;
  const std::string page = Augmented(BodyForm::kHtml, "<body>", german);
  CHECK(page.find("<aside lang=\"de\"") != page.npos);
  CHECK(page.find("<li>Ursache: <code>app, db</code></li>") != page.npos);
  CHECK(page.find("N&#228;chste Station") == page.npos);  // of no connection
  CHECK(page.find("<li>Belege: ") != page.npos);
  for (const char c : page) REQUIRE(static_cast<unsigned char>(c) < 0x80);
}

TEST_CASE("a panel has no style where the page has a policy") {
  const auto styled = [](std::string_view body, bool has_policy) {
    PageInput input = kPublic;
    input.has_policy = has_policy;
    const std::string page = Augmented(BodyForm::kHtml, body, input);
    REQUIRE(page.find("<aside ") != page.npos);
    return page.find(" style=\"") != page.npos;
  };
  CHECK(styled("<body>", false));
  CHECK_FALSE(styled("<body>", true));
  CHECK_FALSE(
      styled("<head><meta http-equiv=content-security-policy "
             "content=\"style-src 'self'\"><body>",
             false));
  CHECK_FALSE(
      styled("<META content=a HTTP-EQUIV='Content-Security-Policy-Report-Only'>"
             "<body>",
             false));
  CHECK(styled("<body><!-- <meta http-equiv=content-security-policy> -->",
               false));
  CHECK(styled("<body><meta name=a content=b>content-security-policy", false));
}

TEST_CASE("a member stands last in a JSON object") {
  const std::pair<std::string, size_t> cases[] = {
      {"{}", 1},
      {" { } \n", 2},
      {R"({"a":1})", 6},
      {"{\n  \"a\": [1, {\"error_hops\": 2}]\n}\n", 31},
      {R"({"a":"\ud83d\ude00 \u0000 }"})", 28},
      {R"({"a":-0.1e+5,"b":null,"":true})", 29},
  };
  for (const auto& [body, at] : cases) {
    INFO(body);
    const std::string out = Augmented(BodyForm::kJson, body);
    CHECK(out.substr(0, at) == body.substr(0, at));
    CHECK(out.ends_with(body.substr(at)));
    json parsed = json::parse(out);
    json hops = parsed["error_hops"];
    CHECK(hops["fault"] == "relay-502");
    CHECK(hops["error_id"] == "01JD");
    for (const auto* absent : {"type", "title", "status", "evidence"}) {
      CHECK_FALSE(hops.contains(absent));
    }
    parsed.erase("error_hops");
    CHECK(parsed == json::parse(body));
  }
}

TEST_CASE("what is no JSON object, or speaks already, is untouched") {
  const std::string deep(kJsonDepth, '[');
  const std::string bodies[] = {
      "",
      " ",
      "[]",
      "null",
      "1",
      "\"a\"",
      "{",
      "}",
      "{}{}",
      "{},",
      "{} x",
      "{\"a\"}",
      "{\"a\":}",
      "{\"a\":1,}",
      "{,}",
      "{\"a\":1 \"b\":2}",
      "{\"a\":[1,]}",
      "{\"a\":[}",
      "{\"a\":01}",
      "{\"a\":1.}",
      "{\"a\":.1}",
      "{\"a\":+1}",
      "{\"a\":-}",
      "{\"a\":1e}",
      "{\"a\":NaN}",
      "{\"a\":True}",
      "{'a':1}",
      "{a:1}",
      "{\"a\":\"\n\"}",
      "{\"a\":\"\\x\"}",
      "{\"a\":\"\\u12g4\"}",
      "{\"a\":\"\\ud800\"}",
      "{\"a\":\"\\udc00\"}",
      "{\"a\":\"\\ud800\\u0041\"}",
      "{\"a\":\"\xC3\"}",
      "{\"a\":\"",
      "\xEF\xBB\xBF{}",
      ")]}',\n{}",
      "{\"error_hops\":1}",
      "{\"a\":1,\"error\\u005fhops\":{}}",
      "{\"a\":" + deep,
      "{\"a\":" + deep + std::string(kJsonDepth, ']') + "}",
      "{/**/}"};
  for (const std::string& body : bodies) {
    INFO(body);
    CHECK(Augmented(BodyForm::kJson, body) == "untouched");
  }
}

// Pieces of JSON put together at random, mostly to something that is none.
TEST_CASE("whatever is augmented was JSON, and is, with one member more") {
  constexpr std::string_view kPieces[] = {
      "{",  "}",        "[",           "]",
      ",",  ":",        "\"a\"",       "\"error_hops\"",
      "1",  "-0.5e3",   "true",        "null",
      " ",  "\n",       "\"\\u00e4\"", "\"b\":2",
      "{}", "\"\\\"}\""};
  std::mt19937 random(7);
  size_t augmented = 0;
  for (int i = 0; i < 60'000; ++i) {
    std::string body = "{";
    const auto pieces = random() % 9;
    for (size_t n = 0; n < pieces; ++n) {
      body += kPieces[random() % std::size(kPieces)];
    }
    body += "}";
    const std::string out = Augmented(BodyForm::kJson, body);
    const bool object = json::accept(body);
    const bool has = object && json::parse(body).contains("error_hops");
    INFO(body);
    REQUIRE((out != "untouched") == (object && !has));
    if (out == "untouched") continue;
    ++augmented;
    json parsed = json::parse(out);
    REQUIRE(parsed.erase("error_hops") == 1);
    REQUIRE(parsed == json::parse(body));
  }
  CHECK(augmented > 500);
}

TEST_CASE("a paragraph stands behind a text") {
  for (const std::string body : {"oops", "oops\n", "[x] oops", "\xE4"}) {
    const std::string out = Augmented(BodyForm::kText, body);
    REQUIRE(out.starts_with(body));
    const std::string added = out.substr(body.size());
    CHECK(added.starts_with(body.back() == '\n' ? "\n502" : "\n\n502"));
    CHECK(added.find("\nFault: relay-502 (documented)\n") != added.npos);
    CHECK(added.ends_with("\nError id: 01JD\n"));
  }
  for (const std::string body :
       {"{\"error\": 1}", " [1]\n", "\xFE\xFF\x4E\x2D", "\x1B$B"}) {
    CHECK(Augmented(BodyForm::kText, body) == "untouched");
  }
}

TEST_CASE("64 KiB are augmented, and no byte more") {
  for (const BodyForm form :
       {BodyForm::kHtml, BodyForm::kJson, BodyForm::kText}) {
    std::string body = form == BodyForm::kJson ? "{}" : "<html>";
    body.resize(kAugmentBytes, ' ');
    CHECK(Augmented(form, body) != "untouched");
    body += ' ';
    CHECK(Augmented(form, body) == "untouched");
  }
  CHECK(Augmented(BodyForm::kOther, "<html>") == "untouched");
}

TEST_CASE("hostile hosts, paths and evidence are added harmless") {
  const PageInput hostile{"01\"><b>", "</aside><script>alert(1)</script>",
                          "/\"\r\n\x1b[2J\xff\xC3\xA4", Audience::kOperator,
                          Language::kEnglish};
  for (const Sighting& sighting : AllSightings()) {
    Observation o;
    See(sighting.name, o);
    if (o.status == 0 && sighting.name == "Relayed") o.status = 502;
    const Verdict v = Diagnose(o);
    if (v.status == 0) continue;
    std::string page;
    REQUIRE(AppendAugmented(BodyForm::kHtml, "<body>", v, hostile, page));
    CHECK(page.find("<script") == page.npos);
    CHECK(page.find("<b>") == page.npos);
    CHECK(page.find("</aside>") == page.rfind("</aside>"));
    std::string text;
    REQUIRE(AppendAugmented(BodyForm::kText, "x", v, hostile, text));
    std::string object;
    REQUIRE(AppendAugmented(BodyForm::kJson, "{}", v, hostile, object));
    CHECK(json::accept(object));
    for (const std::string& out : {page, text}) {
      for (const char c : out) {
        REQUIRE((c == '\n' || (c >= 0x20 && c < 0x7F)));
      }
    }
  }
}

}  // namespace
}  // namespace whichhop::diagnostics
