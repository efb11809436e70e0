#pragma once
// The invariant of every fuzzer here: no way of cutting an input changes what
// is made of it.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tests/proxy/http/dump.h"

namespace whichhop {

// Cuts that depend on the input alone, so that a crash can be replayed.
inline Cuts PseudoRandomCuts(std::string_view input) {
  uint64_t state = 0xcbf29ce484222325;  // FNV-1a
  for (const char c : input) {
    state = (state ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  }
  Cuts cuts;
  for (size_t at = 1; at < input.size(); ++at) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    if ((state >> 60) == 0) cuts.push_back(at);
  }
  return cuts;
}

// Aborts where `dump(input, cuts)` depends on the cuts.
template <typename Dump>
void DemandOneResult(std::string_view input, Dump dump) {
  const std::string whole = dump(input, Cuts{});
  for (const Cuts& cuts : {EveryOctet(input), PseudoRandomCuts(input)}) {
    const std::string cut = dump(input, cuts);
    if (cut == whole) continue;
    std::fprintf(stderr, "whole: %s\ncut:   %s\n", whole.c_str(), cut.c_str());
    std::abort();
  }
}

}  // namespace whichhop
