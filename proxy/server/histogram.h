#pragma once
// A Histogram counts durations in OpenTelemetry's buckets for HTTP. One thread
// writes it; any may read it meanwhile, into HistogramTotals.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proxy/base/clock.h"
#include "proxy/base/counter.h"

namespace whichhop {

// What a bucket goes up to, that included.
struct BucketBound {
  int64_t nanoseconds;
  std::string_view seconds;  // as the label `le` says it
};

// OpenTelemetry's advice for http.server.request.duration.
inline constexpr std::array<BucketBound, 14> kBucketBounds = {{
    {5'000'000, "0.005"},
    {10'000'000, "0.01"},
    {25'000'000, "0.025"},
    {50'000'000, "0.05"},
    {75'000'000, "0.075"},
    {100'000'000, "0.1"},
    {250'000'000, "0.25"},
    {500'000'000, "0.5"},
    {750'000'000, "0.75"},
    {1'000'000'000, "1.0"},
    {2'500'000'000, "2.5"},
    {5'000'000'000, "5.0"},
    {7'500'000'000, "7.5"},
    {10'000'000'000, "10.0"},
}};
inline constexpr size_t kBuckets = kBucketBounds.size() + 1;  // and +Inf

class Histogram {
 public:
  // Most are in the first bucket: the others are looked for out of line.
  void Observe(Duration took) {
    const bool first = took.count() <= kBucketBounds[0].nanoseconds;
    counts_[first ? 0 : BucketOf(took)].Add();
    nanoseconds_.Add(static_cast<uint64_t>(took.count()));
  }

  uint64_t count(size_t bucket) const { return counts_[bucket].value(); }
  uint64_t nanoseconds() const { return nanoseconds_.value(); }

 private:
  [[gnu::noinline]] static size_t BucketOf(Duration took) {
    size_t bucket = 0;
    while (bucket < kBucketBounds.size() &&
           took.count() > kBucketBounds[bucket].nanoseconds) {
      ++bucket;
    }
    return bucket;
  }

  std::array<Counter, kBuckets> counts_;
  Counter nanoseconds_;
};

// The sum of histograms, as one reader saw them.
struct HistogramTotals {
  std::array<uint64_t, kBuckets> counts{};  // of each bucket alone
  uint64_t nanoseconds = 0;

  void Add(const Histogram& histogram) {
    for (size_t i = 0; i < kBuckets; ++i) counts[i] += histogram.count(i);
    nanoseconds += histogram.nanoseconds();
  }
};

}  // namespace whichhop
