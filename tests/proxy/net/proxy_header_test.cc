// The PROXY protocol's header, in both versions.

#include "proxy/net/proxy_header.h"

#include <string>

#include "tests/catch.h"
#include "tests/proxy/net/proxy_header_dump.h"

namespace whichhop {
namespace {

using namespace std::string_literals;

struct Row {
  std::string input;
  std::string result;
};

void Check(const Row& row) {
  CAPTURE(row.input);
  CHECK(DumpProxyHeader(row.input) == row.result);
  CHECK(DumpProxyHeader(row.input, EveryOctet(row.input)) == row.result);
}

const std::string kLongLine =
    "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n";

const Row kLines[] = {
    {"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n",
     "192.0.2.1:56324 in 45"},
    {"PROXY TCP4 192.0.2.1 198.51.100.1 0 65535\r\nGET", "192.0.2.1:0 in 43"},
    {"PROXY TCP6 2001:db8::1 ::1 1 2\r\n", "[2001:db8::1]:1 in 32"},
    {"PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n", "192.0.2.1:1 in 37"},
    {"PROXY UNKNOWN\r\n", "the peer in 15"},
    {"PROXY UNKNOWN ::1 whatever 1 2\r\n", "the peer in 32"},
    {kLongLine, "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535 in 104"},
    {"PROXY UNKNOWN " + std::string(91, 'x') + "\r\n", "the peer in 107"},
};

TEST_CASE("a line of version 1 names the client") {
  for (const Row& row : kLines) Check(row);
}

const Row kBadLines[] = {
    {"PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n", "bad: its family is none"},
    {"PROXY tcp4 192.0.2.1 192.0.2.2 1 2\r\n", "bad: its family is none"},
    {"PROXY \r\n", "bad: its family is none"},
    {"PROXY UNKNOWNS\r\n", "bad: its family is none"},
    {"PROXY TCP4 ::1 192.0.2.2 1 2\r\n", "bad: an address is malformed"},
    {"PROXY TCP6 192.0.2.1 ::1 1 2\r\n", "bad: an address is malformed"},
    {"PROXY TCP4 192.0.2 192.0.2.2 1 2\r\n", "bad: an address is malformed"},
    {"PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n",
     "bad: an address is malformed"},
    {"PROXY TCP4 192.0.2.1\0 192.0.2.2 1 2\r\n"s,
     "bad: an address is malformed"},
    {"PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n", "bad: an address is malformed"},
    {"PROXY TCP4\r\n", "bad: an address is malformed"},
    {"PROXY TCP6 " + std::string(60, ':') + " ::1 1 2\r\n",
     "bad: an address is malformed"},
    {"PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n", "bad: a port is malformed"},
    {"PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n", "bad: a port is malformed"},
    {"PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n", "bad: a port is malformed"},
    {"PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n", "bad: a port is malformed"},
    {"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n", "bad: the line goes on"},
    {"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n", "bad: the line goes on"},
    {"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n",
     "bad: the line does not end in CRLF"},
    {"PROXY \n", "bad: the line does not end in CRLF"},
    {"PROXY UNKNOWN " + std::string(92, 'x') + "\r\n",
     "bad: the line is longer than 107 bytes"},
};

TEST_CASE("a line that is not to the letter is refused") {
  for (const Row& row : kBadLines) Check(row);
}

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;
const std::string kV4 = "\xc0\x00\x02\x01\xc6\x33\x64\x01\xdc\x04\x01\xbb"s;
const std::string kV6 = "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x01" +
                        std::string(15, '\0') + "\x01\x00\x50\x01\xbb"s;

// Command, family, and a block of that length.
std::string Version2(char command, char family, const std::string& block) {
  std::string header = kSignature + command + family;
  header += static_cast<char>(block.size() >> 8);
  header += static_cast<char>(block.size());
  return header + block;
}

std::string Tlv(char type, const std::string& value) {
  std::string tlv(1, type);
  tlv += static_cast<char>(value.size() >> 8);
  tlv += static_cast<char>(value.size());
  return tlv + value;
}

const std::string kUnix = "/run/client" + std::string(97, '\0') +
                          "/run/server" + std::string(97, '\0');

const Row kHeaders[] = {
    {Version2('\x21', '\x11', kV4), "192.0.2.1:56324 in 28"},
    {Version2('\x21', '\x12', kV4), "192.0.2.1:56324 in 28"},
    {Version2('\x21', '\x21', kV6) + "GET /", "[2001:db8::1]:80 in 52"},
    {Version2('\x21', '\x31', kUnix), "unix:/run/client in 232"},
    {Version2('\x21', '\x32', std::string(216, '/')),
     "unix:" + std::string(107, '/') + " in 232"},
    {Version2('\x21', '\x00', ""), "the peer in 16"},
    {Version2('\x20', '\x00', ""), "the peer in 16"},
    {Version2('\x20', '\x11', kV4), "the peer in 28"},
    {Version2('\x20', '\x7f', "x"), "the peer in 17"},  // all of it is ignored
    {Version2('\x21', '\x11', kV4 + Tlv(4, std::string(100, '\0'))),
     "192.0.2.1:56324 in 131"},
    {Version2('\x21', '\x00', Tlv(2, "h.example")), "the peer in 28"},
    {Version2('\x21', '\x11', kV4 + Tlv(1, "h2") + Tlv('\xee', "")),
     "192.0.2.1:56324 in 36"},
    {Version2('\x21', '\x11', kV4 + Tlv(4, std::string(4065, '\0'))),
     "192.0.2.1:56324 in 4096"},
};

TEST_CASE("a header of version 2 names the client, TLVs or not") {
  for (const Row& row : kHeaders) Check(row);
}

const Row kBadHeaders[] = {
    {Version2('\x11', '\x11', kV4), "bad: its version or command is none"},
    {Version2('\x22', '\x11', kV4), "bad: its version or command is none"},
    {Version2('\x21', '\x10', kV4), "bad: its family is none"},
    {Version2('\x21', '\x01', kV4), "bad: its family is none"},
    {Version2('\x21', '\x41', kV4), "bad: its family is none"},
    {Version2('\x21', '\x21', kV4), "bad: its addresses are cut"},
    {Version2('\x21', '\x11', ""), "bad: its addresses are cut"},
    {Version2('\x21', '\x11', kV4 + "\x04"), "bad: a TLV is cut"},
    {Version2('\x21', '\x11', kV4 + "\x04\x00\x02x"s), "bad: a TLV is cut"},
    {Version2('\x21', '\x11', kV4 + Tlv(4, std::string(4066, '\0'))),
     "bad: it is longer than 4096 bytes"},
    {Version2('\x20', '\x00', std::string(65535, '\0')),
     "bad: it is longer than 4096 bytes"},
};

TEST_CASE("a header of version 2 that is not to the letter is refused") {
  for (const Row& row : kBadHeaders) Check(row);
}

// Bit by bit, as RFC 3720 (B.4) has it. SLOW REFERENCE: FOR TESTS ALONE.
uint32_t SlowCrc32c(const std::string& bytes) {
  uint32_t crc = 0xffffffff;
  for (const char c : bytes) {
    crc ^= static_cast<uint8_t>(c);
    for (int i = 0; i < 8; ++i) crc = crc >> 1 ^ ((crc & 1) * 0x82f63b78u);
  }
  return ~crc;
}

std::string WithCrc(const std::string& more = "") {
  std::string header = Version2(
      '\x21', '\x11', kV4 + Tlv(1, "h2") + Tlv(3, std::string(4, '\0')) + more);
  const size_t at = 16 + 12 + 5 + 3;
  const uint32_t crc = SlowCrc32c(header);
  for (size_t i = 0; i < 4; ++i) {
    header[at + i] = static_cast<char>(crc >> (24 - 8 * i));
  }
  return header;
}

TEST_CASE("a checksum has to be right where there is one") {
  REQUIRE(SlowCrc32c("123456789") == 0xe3069283);
  Check({WithCrc(), "192.0.2.1:56324 in 40"});
  for (const size_t at : {13u, 16u, 31u, 36u, 39u}) {
    std::string changed = WithCrc();
    changed[at] = static_cast<char>(changed[at] ^ (at == 13 ? 0x03 : 0x80));
    CAPTURE(at);
    Check({changed, "bad: its CRC32C is wrong"});
  }
  Check({WithCrc(Tlv(3, "abcd")), "bad: its CRC32C is malformed"});
  Check({Version2('\x21', '\x11', kV4 + Tlv(3, "abc")),
         "bad: its CRC32C is malformed"});
}

const Row kOthers[] = {
    {"", "more"},
    {"P", "more"},
    {"PROXY", "more"},
    {"PROXY TCP4 192.0.2.1", "more"},
    {"\r", "more"},
    {"\r\n\r\n", "more"},
    {kSignature, "more"},
    {kSignature + "\x21\x11\x00"s, "more"},
    {"GET / HTTP/1.1\r\n", "none"},
    {"POST / HTTP/1.1\r\n", "none"},
    {"PROPFIND / HTTP/1.1\r\n", "none"},
    {"proxy TCP4", "none"},
    {"\r\nGET / HTTP/1.1\r\n", "none"},
    {"\x16\x03\x01", "none"},
};

TEST_CASE("what begins otherwise is told apart at its first octet") {
  for (const Row& row : kOthers) Check(row);
}

}  // namespace
}  // namespace whichhop
