#pragma once
// What a person on call does next when a hop is suspected.

#include <string_view>

#include "diagnostics/hop.h"

namespace whichhop::diagnostics {

// Whose pager it is: "whoever runs the app".
std::string_view Owner(Hop hop);

// Where to look first: one imperative sentence.
std::string_view NextStep(Hop hop);

}  // namespace whichhop::diagnostics
