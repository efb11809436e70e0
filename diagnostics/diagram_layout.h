#pragma once
// Where the boxes of the diagram stand, in cells of a character each: the way
// of a request from top to bottom, what stands beside it to the right.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "diagnostics/hop.h"

namespace whichhop::diagnostics {

inline constexpr size_t kDiagramColumns = 53;
inline constexpr size_t kDiagramRows = 36;  // without the CDN 32 are enough

struct Box {
  Hop hop;
  uint8_t left;
  uint8_t top;
  uint8_t width;
  uint8_t height;

  constexpr uint8_t right() const {  // the last column
    return static_cast<uint8_t>(left + width - 1);
  }
  constexpr uint8_t bottom() const {  // the last row
    return static_cast<uint8_t>(top + height - 1);
  }
};

struct Cell {
  uint8_t column;
  uint8_t row;
  constexpr bool operator==(const Cell&) const = default;
};

// A line from one box to another, between their borders: two cells, or four
// where it turns.
struct Link {
  Hop from;
  Hop to;
  std::array<Cell, 4> cells;
  uint8_t size;

  std::span<const Cell> path() const { return {cells.data(), size}; }
};

// The boxes of these hops, those that hold others before what they hold, and
// the links between them. Values of fixed size: nothing is allocated.
class Layout {
 public:
  // `here` is who asks the DNS, where that is drawn: kLb or kCdn.
  Layout(HopSet drawn, Hop here);

  std::span<const Box> boxes() const { return {boxes_.data(), box_count_}; }
  std::span<const Link> links() const { return {links_.data(), link_count_}; }
  size_t rows() const { return rows_; }

 private:
  void AddLink(const Box& from, const Box& to, uint8_t turn);
  const Box* Find(Hop hop) const;

  std::array<Box, kHopCount> boxes_;
  std::array<Link, kHopCount> links_;
  size_t box_count_ = 0;
  size_t link_count_ = 0;
  size_t rows_ = 0;
};

// The box that a box stands inside of; the hop itself where there is none.
Hop HolderOf(Hop hop);

}  // namespace whichhop::diagnostics
