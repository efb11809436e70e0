#include "proxy/net/dns_extended_error.h"

#include <arpa/nameser.h>

#include <cstddef>

namespace whichhop {

namespace {

constexpr uint16_t kExtendedError = 15;  // an option code of EDNS(0)

uint16_t Number(std::span<const unsigned char> bytes) {
  return static_cast<uint16_t>(bytes[0] << 8 | bytes[1]);
}

// Options are a code, a length and so many bytes, one behind the other.
std::optional<uint16_t> InOptions(std::span<const unsigned char> options) {
  while (options.size() >= 4) {
    const uint16_t code = Number(options);
    const uint16_t size = Number(options.subspan(2));
    options = options.subspan(4);
    if (size > options.size()) break;
    if (code == kExtendedError && size >= 2) return Number(options);
    options = options.subspan(size);
  }
  return std::nullopt;
}

}  // namespace

std::optional<uint16_t> ExtendedDnsError(
    std::span<const unsigned char> message) {
  ns_msg parsed;
  const int size = static_cast<int>(message.size());
  if (ns_initparse(message.data(), size, &parsed) != 0) return std::nullopt;
  for (int i = 0; i < ns_msg_count(parsed, ns_s_ar); ++i) {
    ns_rr record;
    if (ns_parserr(&parsed, ns_s_ar, i, &record) != 0) return std::nullopt;
    if (ns_rr_type(record) != ns_t_opt) continue;
    return InOptions(
        {ns_rr_rdata(record), static_cast<size_t>(ns_rr_rdlen(record))});
  }
  return std::nullopt;
}

}  // namespace whichhop
