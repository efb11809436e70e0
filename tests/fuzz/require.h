#pragma once
// How a fuzzer says that a promise was broken, and of what.

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace whichhop {

// Aborts, with `input` as it is, where `holds` is false.
inline void Require(bool holds, std::string_view promise,
                    std::string_view input) {
  if (holds) return;
  std::fprintf(stderr, "broken: %.*s, of\n%.*s\n",
               static_cast<int>(promise.size()), promise.data(),
               static_cast<int>(input.size()), input.data());
  std::abort();
}

}  // namespace whichhop
