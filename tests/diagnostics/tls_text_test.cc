#include "diagnostics/tls_text.h"

#include "diagnostics/text.h"
#include "tests/catch.h"

namespace whichhop::diagnostics {
namespace {

TEST_CASE("an alert has the name that IANA gives it") {
  CHECK(AlertText(112).view() == "112 (unrecognized_name)");
  CHECK(AlertText(0).view() == "0 (close_notify)");
  CHECK(AlertText(116).view() == "116 (certificate_required)");
  CHECK(AlertText(255).view() == "255");
}

TEST_CASE("every name of an alert is a token") {
  int named = 0;
  for (int alert = 0; alert < 256; ++alert) {
    const std::string_view name = AlertName(static_cast<uint8_t>(alert));
    if (name.empty()) continue;
    INFO(name);
    CHECK(IsSfToken(name));
    CHECK(AlertText(static_cast<uint8_t>(alert)).view().back() == ')');
    ++named;
  }
  CHECK(named == 34);
}

TEST_CASE("a version that is none of TLS is told by its number") {
  CHECK(VersionText(0x0300).view() == "SSL 3.0");
  CHECK(VersionText(0x0301).view() == "TLS 1.0");
  CHECK(VersionText(0x0304).view() == "TLS 1.3");
  CHECK(VersionText(0x0305).view() == "version 0x0305");
  CHECK(VersionText(0x7F1C).view() == "version 0x7f1c");
}

TEST_CASE("a verification's result is told by number and words") {
  CHECK(VerifyText(18).view() == "18 (self-signed certificate)");
  CHECK(VerifyText(94).view() == "94");
  for (uint32_t code = 0; code < 100; ++code) {
    const auto text = VerifyText(code);  // cut nowhere
    CHECK((text.view().size() <= 2 || text.view().back() == ')'));
  }
}

TEST_CASE("a date is a day of the calendar") {
  CHECK(DateText(0).view() == "1970-01-01");
  CHECK(DateText(951782399).view() == "2000-02-28");
  CHECK(DateText(951782400).view() == "2000-02-29");
  CHECK(DateText(1795305599).view() == "2026-11-21");
  CHECK(DateText(1795305600).view() == "2026-11-22");
  CHECK(DateText(253402214399).view() == "9999-12-30");
  CHECK(DateText(253402300799).view() == "never");
  CHECK(DateText(UINT64_MAX).view() == "never");
}

TEST_CASE("a span is told in the largest unit that it fills") {
  CHECK(SpanText(0).view() == "0 s");
  CHECK(SpanText(59).view() == "59 s");
  CHECK(SpanText(61).view() == "1 min");
  CHECK(SpanText(3 * 3600).view() == "3 h");
  CHECK(SpanText(86400).view() == "1 day");
  CHECK(SpanText(2 * 86400 - 1).view() == "1 day");
  CHECK(SpanText(2 * 86400).view() == "2 days");
  CHECK(SpanText(UINT64_MAX).view() == "213503982334601 days");
}

}  // namespace
}  // namespace whichhop::diagnostics
