#pragma once
// Runs a vector whole, octet by octet and cut in two at every place.

#include <string>
#include <string_view>

#include "tests/catch.h"
#include "tests/proxy/http/dump.h"

namespace whichhop {

struct Vector {
  std::string_view input;
  std::string_view dump;
};

// Holds a NUL too: literals in tables are cut at it otherwise.
#define WIRE(literal) std::string_view(literal, sizeof(literal) - 1)

template <typename Dump>
void CheckEveryCut(const Vector& vector, Dump dump) {
  INFO("input: " << Catch::StringMaker<std::string>::convert(
           std::string(vector.input)));
  CHECK(dump(vector.input, Cuts{}) == vector.dump);
  CHECK(dump(vector.input, EveryOctet(vector.input)) == vector.dump);
  size_t wrong = 0;
  for (size_t at = 1; at < vector.input.size(); ++at) {
    if (dump(vector.input, Cuts{at}) != vector.dump) wrong = at;
  }
  CHECK(wrong == 0);
}

}  // namespace whichhop
