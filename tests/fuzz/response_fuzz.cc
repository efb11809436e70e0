#include "tests/fuzz/cuts.h"

// The first octet chooses limits and the method of the request.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace whichhop;
  if (size == 0) return 0;
  HeadLimits limits;
  if ((data[0] & 1) != 0) limits.header_bytes = 96;
  if ((data[0] & 2) != 0) limits.header_fields = 3;
  const Method method = (data[0] & 4) != 0 ? Method::kHead : Method::kGet;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1,
                               size - 1);
  DemandOneResult(input, [&](std::string_view text, const Cuts& cuts) {
    return DumpResponse(text, cuts, method, limits);
  });
  return 0;
}
