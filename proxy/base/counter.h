#pragma once
// Numbers that one thread writes and any other may read while it does. Loads
// and stores alone, no read-modify-write: to its writer a count costs what a
// plain integer does, and readers see it a moment late, never torn.

#include <atomic>
#include <cstdint>

namespace whichhop {

// Only grows.
class Counter {
 public:
  void Add(uint64_t number = 1) {
    value_.store(value() + number, std::memory_order_relaxed);
  }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_ = 0;
};

// How many of something there are now.
class Gauge {
 public:
  void Set(int64_t number) { value_.store(number, std::memory_order_relaxed); }
  void Add(int64_t number) { Set(value() + number); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_ = 0;
};

}  // namespace whichhop
