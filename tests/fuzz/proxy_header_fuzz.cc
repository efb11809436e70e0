// The PROXY protocol's header: no way of cutting changes what is made of it,
// and neither does what follows it.

#include "tests/fuzz/cuts.h"
#include "tests/proxy/net/proxy_header_dump.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace whichhop;
  const std::string input(reinterpret_cast<const char*>(data), size);
  DemandOneResult(input, [](std::string_view text, const Cuts& cuts) {
    return DumpProxyHeader(text, cuts);
  });
  const ProxyHeader header = ReadProxyHeader(input);
  if (header.status == ProxyHeader::Status::kNeedMore) {
    if (size >= kProxyHeaderMax) std::abort();  // there is no room for more
    return 0;
  }
  if (header.bytes > size || header.bytes > kProxyHeaderMax) std::abort();
  if (DumpProxyHeader(ReadProxyHeader(input + "GET")) !=
      DumpProxyHeader(header)) {
    std::abort();
  }
  return 0;
}
