#include "proxy/server/json_line.h"

#include <string>

#include "diagnostics/text.h"
#include "tests/catch.h"

namespace whichhop {
namespace {

std::string Said(std::string_view value) {
  JsonLine line;
  line.String(value);
  return std::string(line.text());
}

std::string Expected(std::string_view value) {
  std::string text;
  diagnostics::AppendJsonString(text, value);
  return text;
}

TEST_CASE("any octet at any place of any length is escaped as ever") {
  for (size_t size = 0; size <= 35; ++size) {
    for (size_t at = 0; at < size; ++at) {
      for (int octet = 0; octet < 256; ++octet) {
        std::string value(size, 'x');
        value[at] = static_cast<char>(octet);
        if (Said(value) != Expected(value)) FAIL(size << ' ' << octet);
      }
    }
    CHECK(Said(std::string(size, '~')) == Expected(std::string(size, '~')));
  }
}

TEST_CASE("octets beside each other hide nothing from each other") {
  // Those at which sums carry and differences borrow.
  constexpr std::string_view kEdges("\0\x01\x1f !\"#[\\]~\x7f\x80\xff", 14);
  for (const char a : kEdges) {
    for (const char b : kEdges) {
      for (const std::string before : {"", "xx", "xxxxxx", "xxxxxxxxxxxxx"}) {
        const std::string value = before + a + b + "y";
        CHECK(Said(value) == Expected(value));
      }
    }
  }
}

TEST_CASE("members have their keys and stand in their order") {
  JsonLine line;
  line.Raw<R"({"event_name":"exchange")">();
  line.Text<"node">("edge-1");
  line.Number<"bytes_in">(18446744073709551615u);
  line.Null<"upstream_status">();
  line.Seconds<"duration_seconds">(std::chrono::microseconds(1'000'023));
  line.Seconds<"dns_seconds">(std::chrono::nanoseconds(-1));
  line.Raw<"}">();
  CHECK(line.text() ==
        R"({"event_name":"exchange","node":"edge-1",)"
        R"("bytes_in":18446744073709551615,"upstream_status":null,)"
        R"("duration_seconds":1.000023,"dns_seconds":0.000000})");
}

TEST_CASE("a line grows with what it is given, and is used again") {
  JsonLine line;
  for (size_t size : {10u, 5000u, 100000u}) {
    for (const char octet : {'x', '\n'}) {
      line.Clear();
      line.Text<"a">("short");
      line.Text<"b">(std::string(size, octet));
      CHECK(line.text() ==
            R"(,"a":"short","b":)" + Expected(std::string(size, octet)));
    }
  }
}

TEST_CASE("seconds that no clock will reach have room") {
  char text[kMaxSeconds];
  const auto* const end = WriteSeconds(text, Duration::max());
  CHECK(std::string_view(text, static_cast<size_t>(end - text)) ==
        "9223372036.854775");
}

}  // namespace
}  // namespace whichhop
