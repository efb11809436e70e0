// The bounds of heads, and whose field broke them.

#include <string>

#include "proxy/http/request_parser.h"
#include "tests/catch.h"
#include "tests/proxy/http/dump.h"

namespace whichhop {
namespace {

std::string Dump(std::string_view input, const HeadLimits& limits) {
  std::string whole = DumpRequest(input, {}, limits);
  CHECK(DumpRequest(input, EveryOctet(input), limits) == whole);
  return whole;
}

// The name of the biggest field of a refused head, and the line's size.
std::string Biggest(std::string input, const HeadLimits& limits) {
  RequestParser parser(limits);
  REQUIRE(parser.Parse(input.data(), input.size()) == ParseStatus::kError);
  const BiggestField biggest = parser.biggest_field();
  return std::string(biggest.name.In(input.data())) + ' ' +
         std::to_string(biggest.line_size);
}

TEST_CASE("a head of just the limit passes and one octet more does not") {
  HeadLimits limits;
  const std::string head = "GET / HTTP/1.1\r\nHost: h\r\nX: y\r\n\r\n";
  limits.header_bytes = head.size();
  CHECK(Dump(head, limits) == "GET o / 1.1 host=h none keep | Host: h; X: y;");
  CHECK(Dump(head + "body", limits).ends_with("left=4"));
  limits.header_bytes = head.size() - 1;
  CHECK(Dump(head, limits) == "kHeadTooLarge@32 kHeadTooLarge");
}

TEST_CASE("what breaks a rule before the limit is refused for the rule") {
  HeadLimits limits;
  limits.header_bytes = 25;
  CHECK(Dump("GET / HTTP/1.1\r\nH(: hhhhhhhhhhhhhhhhhhhh\r\n\r\n", limits) ==
        "kFieldNameOctet@17 kLineBad");
  CHECK(Dump("GET / HTTP/1.1\r\nHost: hhhhhhhhhhhh\n\r\n", limits) ==
        "kHeadTooLarge@25 kHeadTooLarge");
}

TEST_CASE("a target of just the limit passes and one octet more does not") {
  HeadLimits limits;
  limits.request_target = 4;
  CHECK(Dump("GET /abc HTTP/1.0\r\n\r\n", limits) ==
        "GET o /abc 1.0 host= none |");
  CHECK(Dump("GET /abcd HTTP/1.0\r\n\r\n", limits) ==
        "kTargetTooLong@8 kTargetTooLong");
  CHECK(Dump("GET /abc\n", limits) == "kBareLf@8 kLineBad");
  limits.request_target = 100;
  limits.header_bytes = 10;
  CHECK(Dump("GET /abcdefghijkl", limits) ==
        "kTargetTooLong@10 kTargetTooLong");
}

TEST_CASE("as many fields as the limit pass and one more does not") {
  HeadLimits limits;
  limits.header_fields = 2;
  CHECK(Dump("GET / HTTP/1.0\r\nA: b\r\nC: d\r\n\r\n", limits) ==
        "GET o / 1.0 host= none | A: b; C: d;");
  CHECK(Dump("GET / HTTP/1.0\r\nA: b\r\nC: d\r\nE: f\r\n\r\n", limits) ==
        "kTooManyFields@28 kHeadTooLarge");
}

TEST_CASE("the biggest field is named, complete or cut by the limit") {
  HeadLimits limits;
  limits.header_bytes = 64;
  const std::string line = "GET / HTTP/1.1\r\n";
  const std::string many(100, 'x');
  CHECK(Biggest(line + "A: b\r\nCookie: " + many, limits) == "Cookie 42");
  CHECK(Biggest(line + "Via: 1.1 aaaaaaaaaaaaaaaa\r\nX: " + many, limits) ==
        "Via 25");
  CHECK(Biggest(line + "A: b\r\n" + many, limits) ==
        std::string(42, 'x') + " 42");
  CHECK(Biggest(line + "Cookie:" + std::string(99, ' '), limits) ==
        "Cookie 48");
  limits.header_fields = 1;
  CHECK(Biggest(line + "A: b\r\nC: d\r\n\r\n", limits) == "A 4");
}

TEST_CASE("a Connection with more than 64 options is refused") {
  std::string options = "a";
  for (int i = 1; i < 64; ++i) options += ",a";
  const std::string line = "GET / HTTP/1.1\r\nHost: h\r\nConnection: ";
  CHECK(Dump(line + options + "\r\n\r\n", {}).starts_with("GET o /"));
  CHECK(Dump(line + options + ",a\r\n\r\n", {}) ==
        "kTooManyOptions@37 kHeadTooLarge");
}

TEST_CASE("malformed escapes are refused only where that is asked for") {
  HeadLimits limits;
  const auto dump = [&limits](const std::string& target) {
    return Dump("GET " + target + " HTTP/1.0\r\n\r\n", limits);
  };
  CHECK(dump("/%zz?%").starts_with("GET o /%zz ? %"));
  limits.strict_query = true;
  CHECK(dump("/%zz") == "kTargetEscape@5 kLineBad");
  CHECK(dump("/?a%2") == "kTargetEscape@7 kLineBad");
  CHECK(dump("http://h/%20%2") == "kTargetEscape@16 kLineBad");
  CHECK(dump("/%20?%41%5a").starts_with("GET o /%20 ? %41%5a"));
}

TEST_CASE("one parser reads head after head and knows when one has begun") {
  RequestParser parser(HeadLimits{});
  std::string first = "GET /a HTTP/1.0\r\nHost: h\r\nVia: x\r\n\r\n";
  CHECK_FALSE(parser.started());
  CHECK(parser.Parse(first.data(), first.size()) == ParseStatus::kDone);
  CHECK(parser.head_bytes() == first.size());
  CHECK(parser.started());
  parser.Reset();
  std::string second = "\r\nPOST http://b/ HTTP/1.1\r\nHost: h\r\n\r\n";
  CHECK(parser.Parse(second.data(), 2) == ParseStatus::kNeedMore);
  CHECK_FALSE(parser.started());
  CHECK(parser.Parse(second.data(), 3) == ParseStatus::kNeedMore);
  CHECK(parser.started());
  CHECK(parser.Parse(second.data(), second.size()) == ParseStatus::kDone);
  CHECK(parser.head().host.In(second.data()) == "b");
  CHECK(parser.head().fields.size() == 1);
  CHECK_FALSE(parser.head().fields.Has(FieldId::kVia));
  CHECK(parser.head().fields.First(FieldId::kVia) == nullptr);
  CHECK(parser.head_bytes() == second.size());
}

}  // namespace
}  // namespace whichhop
