#pragma once
// The series of one metric as one worker counts them: each a row of labels and
// its value. Only its worker writes, and only appends; any thread may read
// meanwhile, without a lock: a series is whole before its place is published.

#include <atomic>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace whichhop {

template <typename Value>
class SeriesList {
 public:
  // `capacity`: series, at least 1. `overflow`: the labels of the last of them,
  // which all that came too late have in common.
  SeriesList(size_t capacity, std::string_view overflow)
      : overflow_(overflow),
        capacity_(capacity),
        series_(std::make_unique<std::unique_ptr<Series>[]>(capacity)) {}

  // The writer's. Where there is no place left but one: that, shared.
  Value& Append(std::string_view labels) {
    const size_t size = size_.load(std::memory_order_relaxed);
    if (size == capacity_) return series_[size - 1]->value;
    const bool last = size + 1 == capacity_;
    series_[size] = std::make_unique<Series>(last ? overflow_ : labels);
    size_.store(size + 1, std::memory_order_release);
    return series_[size]->value;
  }

  // Any thread's: calls visit(labels, value) for each.
  template <typename Visit>
  void ForEach(Visit visit) const {
    const size_t size = size_.load(std::memory_order_acquire);
    for (size_t i = 0; i < size; ++i) {
      visit(std::string_view(series_[i]->labels),
            std::as_const(series_[i]->value));
    }
  }

 private:
  struct Series {
    explicit Series(std::string_view text) : labels(text) {}
    const std::string labels;
    Value value;
  };

  const std::string_view overflow_;
  const size_t capacity_;
  const std::unique_ptr<std::unique_ptr<Series>[]> series_;
  std::atomic<size_t> size_ = 0;
};

// Finds a series by a number that stands for its labels: open addressing, a
// multiplication and mostly one comparison. The writer's alone.
template <typename Value>
class SeriesIndex {
 public:
  // `capacity`: keys.
  explicit SeriesIndex(size_t capacity)
      : slots_(std::bit_ceil(2 * capacity)),
        shift_(64 - std::countr_zero(slots_.size())) {}

  // Null where it was not added.
  Value* Find(uint64_t key) const {
    const Slot& slot = slots_[Place(key)];
    return slot.value;
  }

  // Where there is room, else it will not be found.
  void Add(uint64_t key, Value& value) {
    if (2 * used_ >= slots_.size()) return;
    ++used_;
    slots_[Place(key)] = {key, &value};
  }

 private:
  struct Slot {
    uint64_t key = 0;
    Value* value = nullptr;
  };

  // Of the key, or of the free slot that it would have.
  size_t Place(uint64_t key) const {
    constexpr uint64_t kGolden = 0x9E3779B97F4A7C15;
    size_t place = (key * kGolden) >> shift_;
    while (slots_[place].value != nullptr && slots_[place].key != key) {
      place = (place + 1) & (slots_.size() - 1);
    }
    return place;
  }

  std::vector<Slot> slots_;
  const int shift_;
  size_t used_ = 0;
};

}  // namespace whichhop
