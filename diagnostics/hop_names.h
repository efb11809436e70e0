#pragma once
// Lists of hops as fields and pages write them: "isp, tor, lb"; and as JSON has
// them, "isp","tor","lb".

#include <array>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

#include "diagnostics/hop.h"

namespace whichhop::diagnostics {

// ", isp", in as many octets as the longest of them and so copied at once.
struct ListedHop {
  std::array<char, 16> octets{};
  size_t size = 0;
};

// Each hop behind the same separator.
struct HopListing {
  constexpr explicit HopListing(std::string_view between)
      : separator(between.size()) {
    for (size_t i = 0; i < kHopCount; ++i) {
      ListedHop& hop = hops[i];
      for (const char c : between) hop.octets[hop.size++] = c;
      for (const char c : kHopTexts[i].name) hop.octets[hop.size++] = c;
    }
  }

  size_t separator;  // octets of it
  std::array<ListedHop, kHopCount> hops;
};
inline constexpr HopListing kHopsInText(", ");
inline constexpr HopListing kHopsInJson("\",\"");  // without the outer quotes

// The names of a HopSet or a HopList: no hop is in it twice.
class HopNames {
 public:
  template <typename Hops>
  explicit HopNames(const Hops& hops, const HopListing& listing = kHopsInText)
      : begin_(listing.separator), end_(begin_) {
    size_t end = 0;
    for (const Hop hop : hops) {
      const ListedHop& listed = listing.hops[Index(hop)];
      std::memcpy(list_.data() + end, listed.octets.data(),
                  listed.octets.size());
      end += listed.size;
    }
    if (end > 0) end_ = end;
  }

  // `none` where there is none.
  std::string_view ViewOr(std::string_view none) const {
    if (begin_ == end_) return none;
    return {list_.data() + begin_, end_ - begin_};
  }
  std::string_view view() const { return ViewOr({}); }

 private:
  size_t begin_;  // behind the first separator
  size_t end_;
  // Not initialised: `end_` says what is written.
  std::array<char, kHopCount * sizeof(ListedHop::octets)> list_;
};

template <typename Hops>
void AppendHopNames(const Hops& hops, std::string& out) {
  out += HopNames(hops).view();
}

}  // namespace whichhop::diagnostics
