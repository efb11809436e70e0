#pragma once
// A list of choices with weights, as Accept and Accept-Language have it (RFC
// 9110 sections 5.6.1 and 12.4.2). No allocation; any octets may come.

#include <string_view>

namespace whichhop::diagnostics {

struct WeightedChoice {
  std::string_view name;
  int weight;  // in thousandths; 0: not wanted, or a weight that is malformed
};

// Takes the next element off `rest`, which is not empty. Its name may be.
WeightedChoice TakeChoice(std::string_view& rest);

bool EqualsIgnoringCase(std::string_view a, std::string_view b);

}  // namespace whichhop::diagnostics
