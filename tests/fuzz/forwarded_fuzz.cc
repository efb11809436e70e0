// What strangers say in Forwarded and X-Forwarded-For, with a trusted proxy
// behind them that tells who they are: whatever they say, that is whom they
// are taken for.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "proxy/http/forwarded.h"
#include "proxy/http/request_parser.h"
#include "proxy/server/client_address.h"

namespace whichhop {
namespace {

const std::vector<Network> kTrusted = {*Network::Parse("10.0.0.0/8")};
const Ip kBalancer = *Ip::Parse("10.0.0.5");
const Ip kStranger = *Ip::Parse("192.0.2.1");

void Require(bool holds, const char* promise, const std::string& input) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s, of: %s\n", promise, input.c_str());
  std::abort();
}

template <typename Reader>
std::vector<std::string> AddressesOf(const std::string& value,
                                     bool* malformed) {
  std::vector<std::string> addresses;
  Reader reader(value);
  while (reader.Next()) addresses.emplace_back(reader.address());
  Require(!reader.Next(), "the end is the end", value);
  *malformed = reader.malformed();
  return addresses;
}

// What was said first stays what it is whatever is appended.
template <typename Reader>
void Append(const std::string& value, const std::string& element) {
  bool malformed = false;
  bool still_malformed = false;
  auto addresses = AddressesOf<Reader>(value, &malformed);
  const auto more = AddressesOf<Reader>(value + element, &still_malformed);
  Require(malformed == still_malformed, "nothing mends a value", value);
  if (malformed) return;
  addresses.emplace_back("192.0.2.1");
  Require(addresses == more, "an element is appended", value);
}

void FindStranger(const std::string& fields) {
  std::string head = "GET / HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n";
  RequestParser parser(HeadLimits{});
  if (parser.Parse(head.data(), head.size()) != ParseStatus::kDone) return;
  const ClientAddress client =
      FindClient(parser.head().fields, head.data(), kBalancer, kTrusted);
  // Of a value that was made malformed nothing at all is believed.
  Require(client.ip == kStranger || (client.ip == kBalancer && !client.certain),
          "a stranger is nobody else", fields);
}

void Check(const std::string& value) {
  Append<ForwardedReader>(value, ", for=192.0.2.1");
  Append<ForwardedForReader>(value, ", 192.0.2.1");
  if (value.find_first_of("\r\n") != std::string::npos) return;  // no value
  FindStranger("Forwarded: " + value + "\r\nForwarded: for=192.0.2.1\r\n");
  FindStranger("Forwarded: " + value + ", for=192.0.2.1\r\n");
  FindStranger("Forwarded: " + value + ", for=192.0.2.1, for=10.1.1.1\r\n");
  FindStranger("X-Forwarded-For: " + value + ", 192.0.2.1\r\n");
  FindStranger("X-Forwarded-For: " + value +
               "\r\nX-Forwarded-For: 192.0.2.1, 10.1.1.1\r\n");
}

}  // namespace
}  // namespace whichhop

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  whichhop::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
