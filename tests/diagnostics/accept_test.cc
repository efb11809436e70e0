#include "diagnostics/accept.h"

#include "tests/catch.h"

namespace whichhop::diagnostics {
namespace {

TEST_CASE("the body's type follows Accept") {
  struct Case {
    std::string_view accept;
    BodyType type;
  };
  const Case cases[] = {
      {"", BodyType::kText},
      {"*/*", BodyType::kText},
      {"text/html", BodyType::kHtml},
      {"TEXT/HTML", BodyType::kHtml},
      {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
       BodyType::kHtml},
      {"application/json", BodyType::kJson},
      {"application/problem+json", BodyType::kJson},
      {"application/json, text/plain, */*", BodyType::kJson},
      {"text/plain", BodyType::kDrawnText},
      {"Text/Plain;q=0.1", BodyType::kDrawnText},
      {"text/plain, */*", BodyType::kDrawnText},
      {"text/plain, application/json", BodyType::kDrawnText},
      {"text/plain;q=0.5, application/json", BodyType::kJson},
      {"text/html;q=0.1, application/json;q=0.2", BodyType::kJson},
      {"text/html;q=0, */*", BodyType::kText},
      {"text/plain;q=0, */*", BodyType::kJson},
      {"text/*", BodyType::kText},
      {"text/*, text/html", BodyType::kHtml},
      {"application/*", BodyType::kJson},
      {"image/png", BodyType::kText},
      {"image/png, */*;q=0.1", BodyType::kText},
      {"text/html;level=1;q=0.4, text/plain;q=0.3", BodyType::kHtml},
      {"text/html;x=\"a,b;q=0\", text/plain;q=0.3", BodyType::kHtml},
      {"text/html;q=2, text/plain;q=0.3", BodyType::kDrawnText},
      {"text/html;q=0.0001, text/plain;q=0.3", BodyType::kDrawnText},
      {" text/html ; q=1.000 ,", BodyType::kHtml},
      {",,;;=\"", BodyType::kText},
  };
  for (const Case& c : cases) {
    INFO(c.accept);
    CHECK(NegotiateBody(c.accept) == c.type);
  }
}

}  // namespace
}  // namespace whichhop::diagnostics
