#pragma once
// The documented model: for every status, which hop causes it, which reports
// it and which are known to work. 25 rows in one constexpr array; 502 and 504
// have three each. A hop that a row does not name is unknown, never cleared.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "diagnostics/hop.h"

namespace whichhop::diagnostics {

enum class RowId : uint8_t {
  k400,
  k401,
  k403,
  k404,
  k407,
  k418,
  k429,
  k431,
  k500,
  k502A,
  k502B,
  k502C,
  k503,
  k504A,
  k504B,
  k504C,
  k505,
  k511,
  k520,
  k521,
  k522,
  k523,
  k524,
  k525,
  k526,
  kNone,  // no row covers it
};
inline constexpr size_t kRowCount = 25;

struct Row {
  std::string_view id;      // "502A"
  uint16_t status;          // 502
  std::string_view phrase;  // "Bad Gateway"
  std::string_view says;    // what the status means, a sentence
  HopList cause;            // suspects, in the model's order
  Hop reporter;             // who turned it into a status
  HopSet cleared;           // who is known to work
};

extern const std::array<Row, kRowCount> kModel;

// Requires: id is not kNone.
const Row& GetRow(RowId id);

// Several rows. kNone is never in it.
class RowSet : public EnumSet<RowId> {
 public:
  constexpr RowSet() = default;
  constexpr RowSet(std::initializer_list<RowId> rows) {
    for (RowId row : rows) Add(row);
  }
  constexpr void Add(RowId row) {
    if (row != RowId::kNone) EnumSet::Add(row);
  }
};

// All rows of a status: none, one, or three for 502 and 504.
RowSet RowsOf(int status);

// "502A" -> its row; nothing for a bare 502 or any other text.
std::optional<RowId> ParseRow(std::string_view id);

// The reason phrase of a status, also of 52x and other well-known codes that
// no RFC has. "Unknown Status" where nobody knows one.
std::string_view ReasonPhrase(int status);

}  // namespace whichhop::diagnostics
