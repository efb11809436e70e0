// IP addresses as values.

#include "proxy/net/ip.h"

#include "proxy/net/address.h"
#include "tests/catch.h"

namespace whichhop {
namespace {

std::string Told(std::string_view text) {
  const auto ip = Ip::Parse(text);
  return ip ? ip->Text() : "none";
}

TEST_CASE("an IP address is read and told as inet_pton and inet_ntop do") {
  for (const char* text :
       {"0.0.0.0", "192.0.2.1", "255.255.255.255", "10.9.8.7", "::", "::1",
        "2001:db8::1", "fe80::1:2:3"}) {
    CHECK(Told(text) == text);
    const Address address = *Address::Parse(
        text[1] == ':' || std::string_view(text).find(':') != std::string::npos
            ? "[" + std::string(text) + "]:1"
            : std::string(text) + ":1");
    CHECK(Ip(address) == *Ip::Parse(text));
    CHECK(Ip(address).Text() == address.Host());
  }
  CHECK(Told("2001:DB8:0:0::1") == "2001:db8::1");
}

TEST_CASE("IPv4 inside IPv6 is IPv4") {
  CHECK(Told("::ffff:192.0.2.1") == "192.0.2.1");
  CHECK(*Ip::Parse("::ffff:192.0.2.1") == *Ip::Parse("192.0.2.1"));
  CHECK(Ip::Parse("::ffff:192.0.2.1")->bytes().size() == 4);
}

TEST_CASE("what is no IP address alone is none") {
  for (const char* text :
       {"", "192.0.2", "192.0.2.1:80", "[::1]", "::1%lo", "192.0.2.256",
        "01.2.3.4", " 192.0.2.1", "localhost", "1:2:3:4:5:6:7:8:9"}) {
    CAPTURE(text);
    CHECK(Told(text) == "none");
  }
  CHECK(Told(std::string_view("192.0.2.1\0", 10)) == "none");
  CHECK(Told(std::string(5000, '1')) == "none");
}

TEST_CASE("who speaks over a Unix socket has no IP address") {
  const Ip none(*Address::Parse("unix:/run/x"));
  CHECK(none.bytes().empty());
  CHECK(none == Ip());
  CHECK(none.Text() == "unix:");
  CHECK_FALSE(Network::Parse("0.0.0.0/0")->Contains(none));
}

}  // namespace
}  // namespace whichhop
