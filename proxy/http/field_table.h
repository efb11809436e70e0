#pragma once
// A FieldTable holds the fields of one head in their order, in an array that
// is allocated once, and knows where the first field of each id stands.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "proxy/http/field.h"

namespace whichhop {

class FieldTable {
 public:
  explicit FieldTable(size_t capacity)
      : fields_(std::make_unique_for_overwrite<Field[]>(capacity)),
        capacity_(capacity) {}

  void Clear() {
    size_ = 0;
    present_ = 0;
    repeated_ = 0;
  }

  std::span<const Field> all() const { return {fields_.get(), size_}; }
  std::span<Field> all() { return {fields_.get(), size_}; }
  size_t size() const { return size_; }
  bool full() const { return size_ == capacity_; }

  // False for FieldId::kOther.
  bool Has(FieldId id) const { return (present_ & BitOf(id)) != 0; }
  bool Repeated(FieldId id) const { return (repeated_ & BitOf(id)) != 0; }

  // The first field of an id but kOther; null where there is none.
  const Field* First(FieldId id) const {
    return Has(id) ? &fields_[first_[static_cast<size_t>(id)]] : nullptr;
  }
  Field* First(FieldId id) {
    return Has(id) ? &fields_[first_[static_cast<size_t>(id)]] : nullptr;
  }

  // Requires: not full.
  void Add(const Field& field) {
    fields_[size_] = field;
    if (field.id != FieldId::kOther) Note(field.id);
    ++size_;
  }

 private:
  static uint64_t BitOf(FieldId id) {
    return (uint64_t{1} << static_cast<unsigned>(id)) & ~kOtherBit;
  }
  void Note(FieldId id) {
    const uint64_t bit = BitOf(id);
    repeated_ |= present_ & bit;
    if ((present_ & bit) == 0) {
      first_[static_cast<size_t>(id)] = static_cast<uint16_t>(size_);
    }
    present_ |= bit;
  }

  static constexpr uint64_t kOtherBit = uint64_t{1} << kFieldIds;

  std::unique_ptr<Field[]> fields_;
  size_t capacity_;
  size_t size_ = 0;
  uint64_t present_ = 0;       // a bit an id
  uint64_t repeated_ = 0;      // ids that stand in several field lines
  uint16_t first_[kFieldIds];  // valid where `present_` has the bit
};

}  // namespace whichhop
