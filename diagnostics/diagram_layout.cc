#include "diagnostics/diagram_layout.h"

#include <algorithm>

namespace whichhop::diagnostics {
namespace {

// One box: `with_cdn` is its first row in the diagrams that show a CDN.
struct Place {
  Hop hop;
  uint8_t left;
  uint8_t top;
  uint8_t with_cdn;
  uint8_t width;
  uint8_t height;
};

// A box of its own is three rows: its name in the border, what is known of it,
// the border. One that holds another has that one below these words.
constexpr std::array<Place, kHopCount> kPlaces = {{
    {Hop::kDevice, 0, 0, 0, 25, 9},       {Hop::kBrowser, 1, 2, 2, 23, 6},
    {Hop::kBrowserApp, 2, 4, 4, 21, 3},   {Hop::kRouter, 0, 10, 10, 25, 3},
    {Hop::kCdn, 0, 14, 14, 25, 3},        {Hop::kIsp, 0, 14, 18, 25, 3},
    {Hop::kTor, 0, 18, 22, 25, 3},        {Hop::kLb, 0, 22, 26, 25, 3},
    {Hop::kServer, 0, 26, 30, 25, 6},     {Hop::kApp, 1, 28, 32, 23, 3},
    {Hop::kImageHost, 30, 0, 0, 23, 3},   {Hop::kTeapot, 30, 4, 4, 23, 3},
    {Hop::kDns, 30, 8, 8, 23, 3},         {Hop::kDbHost, 30, 12, 16, 23, 6},
    {Hop::kDb, 31, 14, 18, 21, 3},        {Hop::kStoreHost, 30, 19, 23, 23, 6},
    {Hop::kDatastore, 31, 21, 25, 21, 3}, {Hop::kAuthHost, 30, 26, 30, 23, 6},
    {Hop::kAuth, 31, 28, 32, 21, 3},
}};

enum class In : uint8_t { kBoth, kWithoutCdn, kWithCdn };

// Who talks to whom, but for boxes inside of each other. `turn` is the column
// in which a line to the side turns; one straight down has none.
struct Connection {
  Hop from;
  Hop to;
  uint8_t turn;
  In in;
};
constexpr auto kConnections = std::to_array<Connection>({
    {Hop::kDevice, Hop::kRouter, 0, In::kBoth},
    {Hop::kRouter, Hop::kCdn, 0, In::kWithCdn},
    {Hop::kRouter, Hop::kIsp, 0, In::kWithoutCdn},
    {Hop::kCdn, Hop::kIsp, 0, In::kWithCdn},
    {Hop::kIsp, Hop::kTor, 0, In::kBoth},
    {Hop::kTor, Hop::kLb, 0, In::kBoth},
    {Hop::kLb, Hop::kServer, 0, In::kBoth},
    {Hop::kDevice, Hop::kImageHost, 26, In::kWithoutCdn},
    {Hop::kRouter, Hop::kImageHost, 26, In::kWithCdn},
    {Hop::kDevice, Hop::kTeapot, 26, In::kBoth},
    {Hop::kTor, Hop::kDbHost, 28, In::kBoth},
    {Hop::kTor, Hop::kStoreHost, 28, In::kBoth},
    {Hop::kTor, Hop::kAuthHost, 28, In::kBoth},
});
constexpr uint8_t kDnsTurn = 27;

// The row in which a line leaves or meets a box at its side.
constexpr uint8_t SideRow(const Box& box) {
  return static_cast<uint8_t>(box.top + 1);
}

// Not CDN and ISP, of which each stands where the other does in some diagram.
constexpr bool Holds(const Place& outer, const Place& inner) {
  return outer.left < inner.left && outer.top < inner.top &&
         inner.left + inner.width < outer.left + outer.width &&
         inner.top + inner.height < outer.top + outer.height;
}

constexpr Hop InnermostHolder(const Place& inner) {
  Hop holder = inner.hop;
  for (const Place& outer : kPlaces) {
    if (Holds(outer, inner)) holder = outer.hop;
  }
  return holder;
}

constexpr std::array<Hop, kHopCount> FindHolders() {
  std::array<Hop, kHopCount> holders{};
  for (const Place& place : kPlaces) {
    holders[Index(place.hop)] = InnermostHolder(place);
  }
  return holders;
}
constexpr std::array<Hop, kHopCount> kHolders = FindHolders();

}  // namespace

Hop HolderOf(Hop hop) { return kHolders[Index(hop)]; }

Layout::Layout(HopSet drawn, Hop here) {
  const bool cdn = drawn.contains(Hop::kCdn);
  for (const Place& place : kPlaces) {
    if (!drawn.contains(place.hop)) continue;
    const Box box{place.hop, place.left, cdn ? place.with_cdn : place.top,
                  place.width, place.height};
    boxes_[box_count_++] = box;
    rows_ = std::max<size_t>(rows_, box.bottom() + size_t{1});
  }
  const In shown = cdn ? In::kWithCdn : In::kWithoutCdn;
  for (const Connection& connection : kConnections) {
    if (connection.in != In::kBoth && connection.in != shown) continue;
    const Box* const from = Find(connection.from);
    const Box* const to = Find(connection.to);
    if (from && to) AddLink(*from, *to, connection.turn);
  }
  const Box* const dns = Find(Hop::kDns);
  const Box* const asks = Find(here);
  if (dns && asks) AddLink(*asks, *dns, kDnsTurn);
}

const Box* Layout::Find(Hop hop) const {
  for (const Box& box : boxes()) {
    if (box.hop == hop) return &box;
  }
  return nullptr;
}

// To the side it leaves where it can go straight, if it can.
void Layout::AddLink(const Box& from, const Box& to, uint8_t turn) {
  Link& link = links_[link_count_++];
  link.from = from.hop;
  link.to = to.hop;
  if (turn == 0) {
    const auto middle = static_cast<uint8_t>(from.left + from.width / 2);
    link.cells[0] = {middle, static_cast<uint8_t>(from.bottom() + 1)};
    link.cells[1] = {middle, static_cast<uint8_t>(to.top - 1)};
    link.size = 2;
    return;
  }
  const uint8_t end_row = SideRow(to);
  const bool straight = end_row > from.top && end_row < from.bottom();
  const uint8_t start_row = straight ? end_row : SideRow(from);
  const auto start = static_cast<uint8_t>(from.right() + 1);
  const auto end = static_cast<uint8_t>(to.left - 1);
  if (straight) {
    link.cells[0] = {start, start_row};
    link.cells[1] = {end, start_row};
    link.size = 2;
    return;
  }
  link.cells = {
      {{start, start_row}, {turn, start_row}, {turn, end_row}, {end, end_row}}};
  link.size = 4;
}

}  // namespace whichhop::diagnostics
