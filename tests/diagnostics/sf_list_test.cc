#include "diagnostics/sf_list.h"

#include <random>

#include "tests/catch.h"

namespace whichhop::diagnostics {
namespace {

TEST_CASE("lists of items are read as RFC 9651 has them") {
  for (std::string_view value : {
           "",
           "nginx",
           "\"a, b\"",
           "nginx; error=connection_refused",
           "nginx;error=dns_error;rcode=\"NXDOMAIN\", edge;received-status=502",
           "a,b ,\tc",
           "a;b;c=?0;d=1.5;e=-3",
           "a;x=:aGk=:",
           "a;x=@1659578233",
           "a;x=%\"f%c3%bc\"",
           "*a;*k=t:/",
           "42, 1.0",
       }) {
    INFO(value);
    CHECK(IsSfList(value));
  }
}

TEST_CASE("what is no list of items is refused") {
  for (std::string_view value : {
           "a,",
           ",a",
           "a b",
           "a;;b",
           "a;B=1",
           "a;b=",
           "\"open",
           "\"bad \\x escape\"",
           "\"caf\xC3\xA9\"",
           "a;x=1.",
           "a;x=1.2345",
           "a;x=1234567890123456",
           "a;x=:no*base:",
           "a;x=@1.5",
           "a;x=%\"%ZZ\"",
           "?2",
           "(a b)",
           "a\r\nx: y",
           "a ;b=1",
           "-",
       }) {
    INFO(value);
    CHECK_FALSE(IsSfList(value));
  }
}

TEST_CASE("members and parameters come one by one") {
  SfListReader reader("nginx; error=dns_error; flag, \"b c\";x=1");
  REQUIRE(reader.NextMember());
  CHECK(reader.item() == "nginx");
  REQUIRE(reader.NextParameter());
  CHECK(reader.key() == "error");
  CHECK(reader.value() == "dns_error");
  REQUIRE(reader.NextParameter());
  CHECK(reader.key() == "flag");
  CHECK(reader.value().empty());
  CHECK_FALSE(reader.NextParameter());
  REQUIRE(reader.NextMember());
  CHECK(reader.item() == "\"b c\"");
  CHECK_FALSE(reader.NextMember());
  CHECK_FALSE(reader.failed());
}

TEST_CASE("an item says a name as a Token or as a String") {
  CHECK(SfItemSays("edge-1", "edge-1"));
  CHECK(SfItemSays("\"edge-1\"", "edge-1"));
  CHECK(SfItemSays("\"1st\"", "1st"));
  CHECK_FALSE(SfItemSays("edge-10", "edge-1"));
  CHECK_FALSE(SfItemSays("\"edge-10\"", "edge-1"));
}

TEST_CASE("no bytes upset the reader") {
  std::mt19937 random(3);
  constexpr std::string_view kAlphabet = "ab1;=,\" \\:@%?*-.(\t\xC3";
  for (int i = 0; i < 50000; ++i) {
    std::string value;
    for (size_t n = random() % 12; n > 0; --n) {
      value += kAlphabet[random() % kAlphabet.size()];
    }
    SfListReader reader(value);
    size_t members = 0;
    while (reader.NextMember()) ++members;
    CHECK((members <= value.size()));
  }
}

}  // namespace
}  // namespace whichhop::diagnostics
