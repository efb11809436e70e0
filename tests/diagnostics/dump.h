#pragma once
// Verdicts as one line of text, so that a table can say what is expected.

#include <string>
#include <string_view>

#include "diagnostics/verdict.h"

namespace whichhop::diagnostics {

// "tor,server"; "-" for none.
template <typename Hops>
std::string Join(const Hops& hops) {
  std::string out;
  for (Hop hop : hops) {
    if (!out.empty()) out += ',';
    out += HopName(hop);
  }
  return out.empty() ? "-" : out;
}

// "502B 502C"; "-" for none.
std::string Join(RowSet rows);

// "504 connect-timeout row 504A | cause tor | reporter lb | cleared - |
// observed connection_timeout".
std::string Dump(const Verdict& verdict);

}  // namespace whichhop::diagnostics
