// Forwarded and X-Forwarded-For, as lists of addresses.

#include "proxy/http/forwarded.h"

#include <string>

#include "tests/catch.h"

namespace whichhop {
namespace {

// "192.0.2.1 - 2001:db8::1": a hyphen says nothing; "malformed".
template <typename Reader>
std::string Dump(std::string_view value) {
  std::string out;
  Reader reader(value);
  while (reader.Next()) {
    if (!out.empty()) out += ' ';
    out += reader.address().empty() ? "-" : reader.address();
  }
  return reader.malformed() ? "malformed" : out;
}

struct Row {
  const char* value;
  const char* addresses;
};

constexpr Row kForwarded[] = {
    {"", ""},
    {"for=192.0.2.1", "192.0.2.1"},
    {"For=192.0.2.1;Proto=http;by=203.0.113.43", "192.0.2.1"},
    {"proto=http;for=192.0.2.1", "192.0.2.1"},
    {"for=192.0.2.1, for=198.51.100.2", "192.0.2.1 198.51.100.2"},
    {"for=192.0.2.1,for=198.51.100.2", "192.0.2.1 198.51.100.2"},
    {" \tfor=192.0.2.1 ,\t, for=198.51.100.2\t", "192.0.2.1 198.51.100.2"},
    {"for=\"192.0.2.1:8080\"", "192.0.2.1"},
    {"for=\"192.0.2.1:_port\"", "192.0.2.1"},
    {"for=\"[2001:db8::1]\"", "2001:db8::1"},
    {"for=\"[2001:db8::1]:4711\"", "2001:db8::1"},
    {"for=\"\\1\\9\\2.0.2.1\"", "192.0.2.1"},
    {"for=\"192.0.2.1\";host=\"a, for=10.0.0.1\"", "192.0.2.1"},
    {"for=\"1\\92.0.2.1\";host=\"\\x\\y\\z\"", "192.0.2.1"},
    {"host=\"\\\", for=10.0.0.1\";for=192.0.2.1", "192.0.2.1"},
    {"for=unknown", "-"},
    {"for=_hidden", "-"},
    {"for=\"_SEVKISEK:1\", for=192.0.2.1", "- 192.0.2.1"},
    {"by=192.0.2.1", "-"},
    {"for=192.0.2.1;secret=x;secret=y", "192.0.2.1"},
    {";;for=192.0.2.1;", "192.0.2.1"},
    {";, for=192.0.2.1", "- 192.0.2.1"},
    // Nodes that are no address.
    {"for=\"2001:db8::1\"", "-"},
    {"for=\"[2001:db8::1\"", "-"},
    {"for=\"[192.0.2.1]\"", "-"},
    {"for=\"[2001:db8::1]4711\"", "-"},
    {"for=\"192.0.2.1:\"", "-"},
    {"for=\"192.0.2.1:123456\"", "-"},
    {"for=\"192.0.2.1:_\"", "-"},
    {"for=\" 192.0.2.1\"", "-"},
    {"for=\"\"", "-"},
    {"for=example.org", "-"},
    {"for=\"[fe80::1%25eth0]\"", "-"},
    {"for=\"\\1111111111222222222233333333334444444444555555555566666666667\"",
     "1111111111222222222233333333334444444444555555555566666666667"},
    {"for=\"\\11111111112222222222333333333344444444445555555555666666666677777"
     "\"",
     "-"},
};

TEST_CASE("the elements of Forwarded say their addresses from the left") {
  for (const Row& row : kForwarded) {
    CAPTURE(row.value);
    CHECK(Dump<ForwardedReader>(row.value) == row.addresses);
  }
}

constexpr const char* kMalformed[] = {
    "for",
    "for=",
    "for=192.0.2.1; proto=http",
    "for=192.0.2.1 ;proto=http",
    "for = 192.0.2.1",
    "for=192.0.2.1 for=10.0.0.1",
    "for=192.0.2.1;for=10.0.0.1",
    "for=192.0.2.1;FOR=10.0.0.1",
    "proto=http;proto=https",
    "for=192.0.2.1:80",
    "for=[2001:db8::1]",
    "for=\"192.0.2.1",
    "for=\"192.0.2.1\\",
    "for=\"192.0.2.1\\\"",
    "for=\"192.0.2.1\"x",
    "for=\"x\", for=\"[2001:db8::1], for=192.0.2.1",
    "for=\"a\x01\"",
    "for=\"\x7f\"",
    "=192.0.2.1",
    "\"for\"=192.0.2.1",
    "for=192.0.2.1, =",
    "192.0.2.1",
};

TEST_CASE("a value of Forwarded that is not to the letter is malformed") {
  for (const char* value : kMalformed) {
    CAPTURE(value);
    CHECK(Dump<ForwardedReader>(value) == "malformed");
  }
}

constexpr Row kForwardedFor[] = {
    {"", ""},
    {" , ,", ""},
    {"192.0.2.1", "192.0.2.1"},
    {"192.0.2.1, 198.51.100.2", "192.0.2.1 198.51.100.2"},
    {"\t192.0.2.1 ,, 198.51.100.2 ,", "192.0.2.1 198.51.100.2"},
    {"192.0.2.1:4711", "192.0.2.1"},
    {"2001:db8::1", "2001:db8::1"},
    {"[2001:db8::1]", "2001:db8::1"},
    {"[2001:db8::1]:4711", "2001:db8::1"},
    {"unknown, 192.0.2.1", "- 192.0.2.1"},
    {"\"192.0.2.1\"", "-"},
    {"for=192.0.2.1", "-"},
    {"192.0.2.1 10.0.0.1", "-"},
    {"192.0.2.1:http", "-"},
    {"2001:db8::1%eth0", "-"},
    {"\"a, 192.0.2.1\"", "- -"},  // no quoted strings here
};

TEST_CASE("the members of X-Forwarded-For say theirs") {
  for (const Row& row : kForwardedFor) {
    CAPTURE(row.value);
    CHECK(Dump<ForwardedForReader>(row.value) == row.addresses);
  }
}

}  // namespace
}  // namespace whichhop
