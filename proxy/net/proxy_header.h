#pragma once
// The header of the PROXY protocol, versions 1 and 2: what a balancer that
// forwards TCP says, before all else, of the client that it speaks for
// (haproxy.org/download/3.0/doc/proxy-protocol.txt). A codec without I/O:
// bytes in, value out.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "proxy/net/address.h"

namespace whichhop {

// No header is longer, its TLVs included: what is buffered of one is bounded.
inline constexpr size_t kProxyHeaderMax = 4096;

struct ProxyHeader {
  enum class Status : uint8_t {
    kNeedMore,  // all that came may be the beginning of one
    kDone,
    kNone,  // it does not begin as either version does
    kBad,   // it begins as one, and is none: `why`
  };
  Status status;
  size_t bytes = 0;  // that the header takes, once done
  // Whom the balancer speaks for. Nothing: for itself (LOCAL), or it does not
  // know (UNKNOWN, AF_UNSPEC).
  std::optional<Address> client = {};
  std::string_view why = {};  // for people
};

// `bytes` are the first of a connection, all that came so far. More of them
// never change a result other than kNeedMore. Addresses are read strictly, TLVs
// are skipped; a CRC32C among them has to be right.
ProxyHeader ReadProxyHeader(std::string_view bytes);

}  // namespace whichhop
