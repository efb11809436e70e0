#pragma once
// The marks of fingerprint.inc as tables, and sets of them: what is found is
// gathered first, and judged in the order of the table.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <string_view>

#include "diagnostics/fingerprint.h"

namespace whichhop::diagnostics {

inline constexpr Mark kMarks[] = {
#define WHICHHOP_MARK(generator, kind, own, status, field, text, sub_cause, \
                      proof)                                                \
  {Generator::generator, MarkKind::kind, own, status, field, text,          \
   SubCause::sub_cause,  proof[0]},
#include "diagnostics/fingerprint.inc"
};
inline constexpr size_t kMarkCount = std::size(kMarks);

struct RelayMark {
  std::string_view field;
  std::string_view text;
  Generator generator;
};
inline constexpr RelayMark kRelayMarks[] = {
#define WHICHHOP_RELAY_MARK(field, text, generator) \
  {field, text, Generator::generator},
#include "diagnostics/fingerprint.inc"
};

// Indices of a table, as bits.
template <size_t kCount>
class IndexSet {
 public:
  constexpr void Add(size_t index) {
    words_[index / 64] |= uint64_t{1} << index % 64;
  }
  constexpr bool operator==(const IndexSet&) const = default;
  constexpr IndexSet operator&(const IndexSet& other) const {
    IndexSet both;
    for (size_t i = 0; i < words_.size(); ++i) {
      both.words_[i] = words_[i] & other.words_[i];
    }
    return both;
  }
  // Calls take(index) in the order of the table.
  template <typename Take>
  constexpr void ForEach(Take take) const {
    for (size_t i = 0; i < words_.size(); ++i) {
      for (uint64_t rest = words_[i]; rest != 0; rest &= rest - 1) {
        take(i * 64 + static_cast<size_t>(std::countr_zero(rest)));
      }
    }
  }

 private:
  std::array<uint64_t, (kCount + 63) / 64> words_{};
};
using MarkSet = IndexSet<kMarkCount>;
using RelayMarkSet = IndexSet<std::size(kRelayMarks)>;

// The marks of some kinds whose text is all that they are compared with: by its
// length, as few have that of any other text.
class MarksByLength {
 public:
  constexpr MarksByLength(std::initializer_list<MarkKind> kinds) {
    for (size_t i = 0; i < kMarkCount; ++i) {
      for (const MarkKind kind : kinds) {
        if (kMarks[i].kind == kind) marks_[kMarks[i].text.size()].Add(i);
      }
    }
  }

  constexpr MarkSet OfLength(size_t length) const {
    return length < marks_.size() ? marks_[length] : MarkSet();
  }

 private:
  std::array<MarkSet, 64> marks_{};  // a longer text would not compile
};

}  // namespace whichhop::diagnostics
