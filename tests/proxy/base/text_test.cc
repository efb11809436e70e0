// ASCII text: case, spaces, lists, numbers.

#include "proxy/base/text.h"

#include <string>
#include <vector>

#include "tests/catch.h"

namespace whichhop {
namespace {

TEST_CASE("only the letters A to Z have a lower case") {
  for (int octet = 0; octet < 256; ++octet) {
    const char c = static_cast<char>(octet);
    const bool upper = octet >= 'A' && octet <= 'Z';
    CHECK(LowerAscii(c) == (upper ? static_cast<char>(octet + 32) : c));
  }
}

TEST_CASE("texts are equal but for case, octet by octet") {
  CHECK(EqualsIgnoreCase("", ""));
  CHECK(EqualsIgnoreCase("Content-Length", "cONTENT-lENGTH"));
  CHECK_FALSE(EqualsIgnoreCase("a", "ab"));
  CHECK_FALSE(EqualsIgnoreCase("ab", "a"));
  CHECK_FALSE(EqualsIgnoreCase("@[", "`{"));  // 0x20 apart, no letters
  CHECK_FALSE(EqualsIgnoreCase("\xc3\x84", "\xc3\xa4"));  // no umlauts
}

TEST_CASE("spaces and tabs are trimmed at both ends, and nothing else") {
  CHECK(TrimOws("").empty());
  CHECK(TrimOws(" \t ").empty());
  CHECK(TrimOws("\t a b \t") == "a b");
  CHECK(TrimOws("\r a \n") == "\r a \n");
}

// The members of a list, each in brackets.
std::string Members(std::string_view list) {
  std::string text;
  for (auto member = NextListMember(list); !member.empty();
       member = NextListMember(list)) {
    text += '[' + std::string(member) + ']';
  }
  CHECK(list.empty());
  return text;
}

struct List {
  std::string_view text;
  std::string_view members;
};

constexpr List kLists[] = {
    {"", ""},
    {",", ""},
    {" , \t,, ", ""},
    {"close", "[close]"},
    {"a,b", "[a][b]"},
    {" a , b\t,\tc ", "[a][b][c]"},
    {",a,,b,", "[a][b]"},
    {"a b,c", "[a b][c]"},
    {"a=\"x,y\",b", "[a=\"x,y\"][b]"},
    {"\"x\\\",y\",b", "[\"x\\\",y\"][b]"},
    {"\"x\\\\\",y", "[\"x\\\\\"][y]"},
    {"a\\,b", "[a\\][b]"},      // no escapes outside of quotes
    {"a,\"b,c", "[a][\"b,c]"},  // never closed: to the end
    {"a,\"b\\", "[a][\"b\\]"},  // escapes nothing
};

TEST_CASE("a list is cut at commas outside of quotes, without empty members") {
  for (const List& list : kLists) {
    CAPTURE(list.text);
    CHECK(Members(list.text) == list.members);
  }
}

TEST_CASE("a decimal number is digits and nothing else") {
  CHECK(ParseDecimal("0") == 0u);
  CHECK(ParseDecimal("0065535") == 65535u);
  CHECK(ParseDecimal("18446744073709551615") == UINT64_MAX);
  for (const std::string_view text :
       {"", "-1", "+1", " 1", "1 ", "1.0", "0x10", "1e3", "a", "1a",
        "18446744073709551616", "99999999999999999999999"}) {
    CAPTURE(text);
    CHECK_FALSE(ParseDecimal(text).has_value());
  }
  CHECK_FALSE(ParseDecimal(std::string_view("1\0", 2)).has_value());
}

}  // namespace
}  // namespace whichhop
