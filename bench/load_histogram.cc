#include "bench/load_histogram.h"

#include <algorithm>
#include <cmath>

namespace load {

using std::chrono::nanoseconds;

// Values below kHalf have a bucket each. Of larger ones the kBits bits behind
// the highest are kept, so that each doubling has kHalf buckets.
size_t Histogram::BucketOf(uint64_t value) {
  if (value < kHalf) return static_cast<size_t>(value);
  const auto shift = static_cast<unsigned>(std::bit_width(value)) - 1 - kBits;
  return kHalf * (shift + 1) + static_cast<size_t>((value >> shift) - kHalf);
}

uint64_t Histogram::MiddleOf(size_t bucket) {
  if (bucket < kHalf) return bucket;
  const size_t shift = bucket / kHalf - 1;
  const uint64_t low = (kHalf + bucket % kHalf) << shift;
  return low + ((uint64_t{1} << shift) >> 1);
}

void Histogram::Add(nanoseconds value) {
  value = std::max(value, nanoseconds(0));
  ++buckets_[BucketOf(static_cast<uint64_t>(value.count()))];
  ++count_;
  sum_ += static_cast<double>(value.count());
  max_ = std::max(max_, value);
}

nanoseconds Histogram::Quantile(double share) const {
  const double due = std::ceil(share * static_cast<double>(count_));
  uint64_t seen = 0;
  for (size_t bucket = 0; bucket < kBuckets; ++bucket) {
    seen += buckets_[bucket];
    if (seen == count_) return max_;
    if (static_cast<double>(seen) < std::max(due, 1.0)) continue;
    return nanoseconds(static_cast<int64_t>(MiddleOf(bucket)));
  }
  return max_;
}

nanoseconds Histogram::Mean() const {
  if (count_ == 0) return nanoseconds(0);
  return nanoseconds(static_cast<int64_t>(sum_ / static_cast<double>(count_)));
}

}  // namespace load
