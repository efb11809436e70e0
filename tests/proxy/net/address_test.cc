// Addresses and networks: what is one, and how it is written.

#include "proxy/net/address.h"

#include <string>
#include <string_view>

#include "tests/catch.h"

namespace whichhop {

namespace {

struct Written {
  std::string_view text;
  std::string_view address;  // as ToString() writes it
  std::string_view host;
  uint16_t port;
};

constexpr Written kAddresses[] = {
    {"127.0.0.1:80", "127.0.0.1:80", "127.0.0.1", 80},
    {"0.0.0.0:0", "0.0.0.0:0", "0.0.0.0", 0},
    {"255.255.255.255:65535", "255.255.255.255:65535", "255.255.255.255",
     65535},
    {"[::1]:80", "[::1]:80", "::1", 80},
    {"[2001:DB8:0:0::1]:443", "[2001:db8::1]:443", "2001:db8::1", 443},
    {":8080", "[::]:8080", "::", 8080},
    {"[::]:8080", "[::]:8080", "::", 8080},
    {"[::ffff:10.0.0.5]:80", "10.0.0.5:80", "10.0.0.5", 80},
    {"unix:/run/w.sock", "unix:/run/w.sock", "unix:", 0},
};

constexpr std::string_view kNoAddresses[] = {
    "[]:80",
    "",
    ":",
    "80",
    "127.0.0.1",
    "127.0.0.1:",
    "127.0.0.1:-1",
    "127.0.0.1:+80",
    "127.0.0.1: 80",
    " 127.0.0.1:80",
    "127.0.0.1:80 ",
    "127.0.0.1:65536",
    "127.0.0.1:99999999999999999999",
    "127.0.0.1:http",
    "127.0.0.1:0x50",
    "127.1:80",
    "127.0.0.01:80",
    "256.0.0.1:80",
    "localhost:80",
    "*:80",
    "::1",
    "::1:80",
    "[::1]",
    "[::1]80",
    "[::1:80",
    "::1]:80",
    "[127.0.0.1]:80",
    "[::1%lo]:80",
    "unix:",
    "http://127.0.0.1:80",
};

struct Membership {
  std::string_view network;
  std::string_view address;
  bool contains;
};

constexpr Membership kMemberships[] = {
    {"10.0.0.0/8", "10.255.0.1:1", true},
    {"10.0.0.0/8", "11.0.0.1:1", false},
    {"10.0.0.1", "10.0.0.1:1", true},
    {"10.0.0.1", "10.0.0.2:1", false},
    {"10.0.0.1/32", "10.0.0.1:1", true},
    {"10.1.2.3/8", "10.9.9.9:1", true},
    {"0.0.0.0/0", "203.0.113.1:1", true},
    {"0.0.0.0/0", "[::1]:1", false},
    {"172.16.0.0/12", "172.31.255.255:1", true},
    {"172.16.0.0/12", "172.32.0.0:1", false},
    {"192.0.2.128/25", "192.0.2.127:1", false},
    {"192.0.2.128/25", "192.0.2.128:1", true},
    {"192.0.2.4/31", "192.0.2.5:1", true},
    {"192.0.2.4/31", "192.0.2.6:1", false},
    {"10.0.0.0/8", "[::ffff:10.1.1.1]:1", true},
    {"::/0", "[2001:db8::1]:1", true},
    {"::/0", "10.0.0.1:1", false},
    {"2001:db8::/32", "[2001:db8:ffff::1]:1", true},
    {"2001:db8::/32", "[2001:db9::1]:1", false},
    {"2001:db8::/33", "[2001:db8:8000::1]:1", false},
    {"::1", "[::1]:1", true},
    {"::1/128", "[::2]:1", false},
    {"0.0.0.0/0", "unix:/run/w.sock", false},
    {"::/0", "unix:/run/w.sock", false},
};

Address Parsed(std::string_view text) {
  const auto address = Address::Parse(text);
  REQUIRE(address);
  return *address;
}

}  // namespace

TEST_CASE("an address is written in one way") {
  for (const Written& row : kAddresses) {
    CAPTURE(row.text);
    const Address address = Parsed(row.text);
    CHECK(address.ToString() == row.address);
    CHECK(address.Host() == row.host);
    CHECK(address.port() == row.port);
    CHECK(Parsed(address.ToString()).ToString() == row.address);
  }
}

TEST_CASE("what is no literal address is none") {
  for (const std::string_view text : kNoAddresses) {
    CAPTURE(text);
    CHECK_FALSE(Address::Parse(text));
  }
}

TEST_CASE("the path of a Unix address must fit the kernel's structure") {
  const size_t most = sizeof(sockaddr_un::sun_path) - 1;
  const std::string longest = "unix:/" + std::string(most - 1, 'x');
  CHECK(Parsed(longest).ToString() == longest);
  CHECK_FALSE(Address::Parse(longest + "x"));
}

TEST_CASE("addresses are equal if host and port are") {
  CHECK(Parsed("10.0.0.1:80") == Parsed("10.0.0.1:80"));
  CHECK_FALSE(Parsed("10.0.0.1:80") == Parsed("10.0.0.1:81"));
  CHECK_FALSE(Parsed("10.0.0.1:80") == Parsed("10.0.0.2:80"));
  CHECK_FALSE(Parsed("[::1]:80") == Parsed("[::2]:80"));
  CHECK(Parsed("unix:/a") == Parsed("unix:/a"));
  CHECK_FALSE(Parsed("unix:/a") == Parsed("unix:/b"));
  CHECK_FALSE(Parsed("unix:/a") == Parsed("10.0.0.1:80"));
}

TEST_CASE("an address from the kernel is the one that was given to it") {
  for (const Written& row : kAddresses) {
    const Address given = Parsed(row.text);
    CHECK(Address::From(given.get(), given.size()) == given);
  }
}

TEST_CASE("an address of nothing has no size") { CHECK(Address().size() == 0); }

TEST_CASE("a network holds the addresses that share its prefix") {
  for (const Membership& row : kMemberships) {
    CAPTURE(row.network, row.address);
    const auto network = Network::Parse(row.network);
    REQUIRE(network);
    CHECK(network->Contains(Parsed(row.address)) == row.contains);
  }
}

TEST_CASE("what is no network is none") {
  for (const std::string_view text :
       {"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/ 8",
        "10.0.0.0/8/8", "10.0.0/8", "::/129", "[::]/0", "10.0.0.0:80",
        "localhost", "10.0.0.0/255.0.0.0"}) {
    CAPTURE(text);
    CHECK_FALSE(Network::Parse(text));
  }
}

}  // namespace whichhop
