#include "tests/fuzz/cuts.h"

// The first octet chooses limits, so that small inputs reach them too.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace whichhop;
  if (size == 0) return 0;
  HeadLimits limits;
  if ((data[0] & 1) != 0) limits.header_bytes = 96;
  if ((data[0] & 2) != 0) limits.header_fields = 3;
  if ((data[0] & 4) != 0) limits.request_target = 12;
  limits.strict_query = (data[0] & 8) != 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1,
                               size - 1);
  DemandOneResult(input, [&](std::string_view text, const Cuts& cuts) {
    return DumpRequest(text, cuts, limits);
  });
  return 0;
}
