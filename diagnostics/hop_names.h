#pragma once
// Lists of hops as fields and pages write them: "isp, tor, lb".

#include <array>
#include <cstddef>
#include <cstring>
#include <string>

#include "diagnostics/hop.h"

namespace whichhop::diagnostics {

// ", isp", in as many octets as the longest of them and so copied at once.
struct ListedHop {
  std::array<char, 16> octets{};
  size_t size = 0;
};

constexpr std::array<ListedHop, kHopCount> ListHops() {
  std::array<ListedHop, kHopCount> listed;
  for (size_t i = 0; i < kHopCount; ++i) {
    listed[i].octets = {',', ' '};
    listed[i].size = 2;
    for (const char c : kHopTexts[i].name) {
      listed[i].octets[listed[i].size++] = c;
    }
  }
  return listed;
}
inline constexpr std::array<ListedHop, kHopCount> kListedHops = ListHops();

// Of a HopSet or a HopList: no hop is in it twice.
template <typename Hops>
void AppendHopNames(const Hops& hops, std::string& out) {
  if (hops.empty()) return;
  std::array<char, kHopCount * sizeof(ListedHop::octets)> list;
  char* end = list.data();
  for (const Hop hop : hops) {
    const ListedHop& listed = kListedHops[Index(hop)];
    std::memcpy(end, listed.octets.data(), listed.octets.size());
    end += listed.size;
  }
  out.append(list.data() + 2, static_cast<size_t>(end - list.data()) - 2);
}

}  // namespace whichhop::diagnostics
