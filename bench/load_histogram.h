#pragma once
// Counts of durations, in buckets whose width grows with the value (as HDR
// histograms have them): any of up to 292 years is told to 0.4 %, in a fixed
// 60 KiB. No thread of its own; whoever shares one locks.

#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace load {

class Histogram {
 public:
  // What is below zero counts as zero.
  void Add(std::chrono::nanoseconds value);

  // The least value that `share` (0 to 1) of all stay at or below; exact at
  // 1. Zero if there is none.
  std::chrono::nanoseconds Quantile(double share) const;
  std::chrono::nanoseconds Mean() const;
  std::chrono::nanoseconds Max() const { return max_; }
  uint64_t count() const { return count_; }

 private:
  static constexpr unsigned kBits = 7;  // of a value that a bucket keeps
  static constexpr size_t kHalf = size_t{1} << kBits;
  static constexpr size_t kBuckets = kHalf * (64 - kBits + 1);

  static size_t BucketOf(uint64_t value);
  static uint64_t MiddleOf(size_t bucket);

  std::array<uint64_t, kBuckets> buckets_{};
  uint64_t count_ = 0;
  double sum_ = 0;
  std::chrono::nanoseconds max_{0};
};

}  // namespace load
