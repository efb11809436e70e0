#pragma once
// What is made of the beginning of a connection, as one line of text, however
// it was cut.

#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "proxy/net/proxy_header.h"
#include "tests/proxy/http/dump.h"

namespace whichhop {

inline std::string DumpProxyHeader(const ProxyHeader& header) {
  switch (header.status) {
    case ProxyHeader::Status::kNeedMore:
      return "more";
    case ProxyHeader::Status::kNone:
      return "none";
    case ProxyHeader::Status::kBad:
      return "bad: " + std::string(header.why);
    case ProxyHeader::Status::kDone:
      break;
  }
  return (header.client ? header.client->ToString() : "the peer") + " in " +
         std::to_string(header.bytes);
}

// As a session reads it: what came so far, in memory of its exact size, until
// that is enough.
inline std::string DumpProxyHeader(std::string_view input,
                                   const Cuts& cuts = {}) {
  Cuts ends = cuts;
  ends.push_back(input.size());
  ProxyHeader header{ProxyHeader::Status::kNeedMore};
  for (const size_t end : ends) {
    const auto bytes = std::make_unique<char[]>(end);
    std::memcpy(bytes.get(), input.data(), end);
    header = ReadProxyHeader({bytes.get(), end});
    if (header.status != ProxyHeader::Status::kNeedMore) break;
  }
  return DumpProxyHeader(header);
}

}  // namespace whichhop
