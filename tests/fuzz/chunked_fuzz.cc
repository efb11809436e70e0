#include "tests/fuzz/cuts.h"

// The first octet chooses limits and the mode.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace whichhop;
  if (size == 0) return 0;
  HeadLimits limits;
  if ((data[0] & 1) != 0) limits.header_bytes = 48;
  if ((data[0] & 2) != 0) limits.header_fields = 3;
  const TrailerMode mode =
      (data[0] & 4) != 0 ? TrailerMode::kRefuse : TrailerMode::kDrop;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1,
                               size - 1);
  DemandOneResult(input, [&](std::string_view text, const Cuts& cuts) {
    return DumpChunks(text, cuts, mode, limits);
  });
  return 0;
}
