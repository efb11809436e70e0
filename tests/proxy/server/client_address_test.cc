// Who the client is, by what trusted proxies say.

#include "proxy/server/client_address.h"

#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/proxy/server/heads.h"

namespace whichhop {
namespace {

const std::vector<Network> kTrusted = {*Network::Parse("10.0.0.0/8"),
                                       *Network::Parse("2001:db8:f::/48")};
const Ip kBalancer = *Ip::Parse("10.0.0.5");

// "192.0.2.1", with a question mark where that is not certain.
std::string Found(const std::string& fields) {
  const ParsedRequest parsed("GET / HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n");
  const ClientAddress client = FindClient(
      parsed.head().fields, parsed.bytes.data(), kBalancer, kTrusted);
  return client.ip.Text() + (client.certain ? "" : "?");
}

struct Row {
  const char* fields;
  const char* client;
};

void Check(const Row& row) {
  CAPTURE(row.fields);
  CHECK(Found(row.fields) == row.client);
}

#define XFF "X-Forwarded-For: "

constexpr Row kWalks[] = {
    {XFF "192.0.2.1\r\n", "192.0.2.1"},
    // Of those that are not trusted the last one: it wrote what is before it.
    {XFF "10.1.1.1, 192.0.2.1\r\n", "192.0.2.1"},
    {XFF "198.51.100.1, 192.0.2.1\r\n", "192.0.2.1"},
    // Link by link through those that are.
    {XFF "192.0.2.1, 10.0.0.7\r\n", "192.0.2.1"},
    {XFF "192.0.2.1, 2001:db8:f::1, 10.0.0.7:443\r\n", "192.0.2.1"},
    {XFF "198.51.100.1, 192.0.2.1, 10.0.0.7, 10.0.0.6\r\n", "192.0.2.1"},
    {XFF "192.0.2.1\r\n" XFF "10.0.0.7\r\n", "192.0.2.1"},
    {XFF "192.0.2.1, 10.0.0.8\r\n" XFF "10.0.0.7\r\n", "192.0.2.1"},
    {XFF "::ffff:192.0.2.1, ::ffff:10.0.0.7\r\n", "192.0.2.1"},
    {"Forwarded: for=192.0.2.1, for=\"10.0.0.7:1\"\r\n", "192.0.2.1"},
    {"Forwarded: for=192.0.2.1\r\nForwarded: for=\"[2001:db8:f::1]\"\r\n",
     "192.0.2.1"},
    {"CF-Connecting-IP: 192.0.2.1\r\n", "192.0.2.1"},
    {"CF-Connecting-IP: 2001:db8::1\r\n", "2001:db8::1"},
};

TEST_CASE("the client is the first that is not trusted, from the peer back") {
  for (const Row& row : kWalks) Check(row);
}

constexpr Row kStopped[] = {
    {"", "10.0.0.5?"},
    {XFF "\r\n", "10.0.0.5?"},
    {XFF "10.0.0.7\r\n", "10.0.0.7?"},
    {XFF "10.0.0.8, 10.0.0.7\r\n", "10.0.0.8?"},
    // Who names nobody stops the walk behind itself.
    {XFF "192.0.2.1, unknown\r\n", "10.0.0.5?"},
    {XFF "192.0.2.1, unknown, 10.0.0.7\r\n", "10.0.0.7?"},
    {XFF "192.0.2.1, 999.0.0.1, 10.0.0.7, 10.0.0.6\r\n", "10.0.0.7?"},
    {XFF "unknown, 192.0.2.1, 10.0.0.7\r\n", "192.0.2.1"},
    {"Forwarded: for=192.0.2.1, for=_secret, for=10.0.0.7\r\n", "10.0.0.7?"},
    {"Forwarded: for=192.0.2.1, proto=http\r\n", "10.0.0.5?"},
    {"Forwarded: for=192.0.2.1; proto=http\r\n", "10.0.0.5?"},
    {"Forwarded: for=\"192.0.2.1, for=10.0.0.7\r\n", "10.0.0.5?"},
    {"Forwarded: for=\"x\r\nForwarded: for=192.0.2.1\r\n", "192.0.2.1"},
    {"Forwarded: for=192.0.2.1\r\nForwarded: for=\"x\r\n", "10.0.0.5?"},
    {"CF-Connecting-IP: 192.0.2.1:80\r\n", "10.0.0.5?"},
    {"CF-Connecting-IP: 192.0.2.1, 192.0.2.2\r\n", "10.0.0.5?"},
    {"CF-Connecting-IP: 192.0.2.1\r\nCF-Connecting-IP: 192.0.2.1\r\n",
     "10.0.0.5?"},
};

TEST_CASE("a walk that stops ends at the last link that is trusted") {
  for (const Row& row : kStopped) Check(row);
}

constexpr Row kContradicting[] = {
    {XFF "192.0.2.1\r\nForwarded: for=192.0.2.1\r\n"
         "CF-Connecting-IP: 192.0.2.1\r\n",
     "192.0.2.1"},
    {"Forwarded: for=192.0.2.1\r\n" XFF "192.0.2.1, 10.0.0.7\r\n", "192.0.2.1"},
    {"Forwarded: for=198.51.100.1\r\n" XFF "192.0.2.1\r\n", "192.0.2.1?"},
    {"CF-Connecting-IP: 198.51.100.1\r\n" XFF "192.0.2.1\r\n", "192.0.2.1?"},
    {"CF-Connecting-IP: 198.51.100.1\r\nForwarded: for=192.0.2.1\r\n",
     "192.0.2.1?"},
    {XFF "192.0.2.1\r\nForwarded: for=\"\r\n", "192.0.2.1?"},
    {XFF "unknown\r\nForwarded: for=192.0.2.1\r\n", "10.0.0.5?"},
};

TEST_CASE("fields that differ leave nothing certain") {
  for (const Row& row : kContradicting) Check(row);
}

TEST_CASE("nobody is an operator by an address that is not certain") {
  const std::vector<Network> operators = {*Network::Parse("10.0.0.0/8"),
                                          *Network::Parse("192.0.2.0/24")};
  CHECK(IsOperator({*Ip::Parse("192.0.2.1"), true}, operators));
  CHECK_FALSE(IsOperator({*Ip::Parse("192.0.2.1"), false}, operators));
  CHECK_FALSE(IsOperator({*Ip::Parse("198.51.100.1"), true}, operators));
  CHECK_FALSE(IsOperator({Ip(), true}, operators));
}

}  // namespace
}  // namespace whichhop
