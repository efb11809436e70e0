#include "diagnostics/fingerprint_words.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <span>

namespace whichhop::diagnostics {
namespace {

// Every kStep-th gram of a body is looked up. Wherever words stand in it, one
// of their first kStep grams is among those: all of them are in the index.
constexpr size_t kGram = 8;
constexpr size_t kStep = 6;

constexpr bool IsOfWords(const Mark& mark) {
  return mark.kind == MarkKind::kBody || mark.kind == MarkKind::kPortal;
}

constexpr bool AreLongEnough() {
  return std::ranges::all_of(kMarks, [](const Mark& mark) {
    return !IsOfWords(mark) || mark.text.size() >= kStep - 1 + kGram;
  });
}
static_assert(AreLongEnough());

// Its octets as a word, in one load.
constexpr uint64_t GramOf(const char* text) {
  std::array<char, kGram> octets{};
  std::copy_n(text, kGram, octets.begin());
  return std::bit_cast<uint64_t>(octets);
}

struct Gram {
  uint64_t octets = 0;
  uint16_t mark = 0;
  uint16_t offset = 0;  // in its words
};

constexpr size_t CountGrams() {
  return kStep * static_cast<size_t>(std::ranges::count_if(kMarks, IsOfWords));
}

class GramIndex {
 public:
  constexpr GramIndex() {
    size_t count = 0;
    for (size_t mark = 0; mark < kMarkCount; ++mark) {
      if (!IsOfWords(kMarks[mark])) continue;
      for (size_t offset = 0; offset < kStep; ++offset) {
        const uint64_t octets = GramOf(kMarks[mark].text.data() + offset);
        grams_[count++] = {octets, static_cast<uint16_t>(mark),
                           static_cast<uint16_t>(offset)};
        const size_t bucket = BucketOf(octets);
        buckets_[bucket / 64] |= uint64_t{1} << bucket % 64;
      }
    }
    std::ranges::sort(grams_, {}, &Gram::octets);
  }

  // False: no words have this gram. Nearly always right, and quick.
  bool MayHold(uint64_t octets) const {
    const size_t bucket = BucketOf(octets);
    return (buckets_[bucket / 64] >> bucket % 64 & 1) != 0;
  }

  std::span<const Gram> Find(uint64_t octets) const {
    const auto first =
        std::ranges::lower_bound(grams_, octets, {}, &Gram::octets);
    auto last = first;
    while (last != grams_.end() && last->octets == octets) ++last;
    return {first, last};
  }

 private:
  static constexpr size_t kBuckets = 8192;

  static constexpr size_t BucketOf(uint64_t octets) {
    return static_cast<size_t>((octets * uint64_t{0x9E3779B97F4A7C15}) >>
                               (64 - std::countr_zero(kBuckets)));
  }

  std::array<Gram, CountGrams()> grams_;  // sorted
  std::array<uint64_t, kBuckets / 64>
      buckets_{};  // a bit each: a gram is there
};
constexpr GramIndex kGrams;

void FindAround(std::string_view body, size_t at, uint64_t octets,
                MarkSet* found) {
  for (const Gram& gram : kGrams.Find(octets)) {
    if (gram.offset > at) continue;
    const std::string_view begun = body.substr(at - gram.offset);
    if (begun.starts_with(kMarks[gram.mark].text)) found->Add(gram.mark);
  }
}

}  // namespace

void FindWords(std::string_view body, MarkSet* found) {
  for (size_t at = 0; at + kGram <= body.size(); at += kStep) {
    const uint64_t octets = GramOf(body.data() + at);
    if (kGrams.MayHold(octets)) FindAround(body, at, octets, found);
  }
}

}  // namespace whichhop::diagnostics
