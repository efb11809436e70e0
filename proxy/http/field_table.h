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
  // Any of a set, made of FieldBit().
  bool HasAny(uint64_t ids) const { return (present_ & ids) != 0; }
  bool Repeated(FieldId id) const { return (repeated_ & BitOf(id)) != 0; }

  // The first field of an id but kOther; null where there is none.
  const Field* First(FieldId id) const {
    return Has(id) ? &fields_[first_[static_cast<size_t>(id)]] : nullptr;
  }
  Field* First(FieldId id) {
    return Has(id) ? &fields_[first_[static_cast<size_t>(id)]] : nullptr;
  }

  // At least what all fields take when they are written anew, each with ": "
  // and CRLF. Requires: they lie in the buffer in their order, as parsers add
  // them.
  size_t written_bytes() const {
    if (size_ == 0) return 0;
    const Field& last = fields_[size_ - 1];
    const size_t end = size_t{last.value_at} + last.value_size;
    // A line may have come without the blank, and the last one's CRLF.
    return end - fields_[0].name_at + size_ + 2;
  }

  // Requires: not full.
  void Add(const Field& field) {
    fields_[size_] = field;
    // kOther is noted like the others: Has() and First() hide it.
    const uint64_t bit = FieldBit(field.id);
    if ((present_ & bit) == 0) {
      first_[static_cast<size_t>(field.id)] = static_cast<uint16_t>(size_);
    }
    repeated_ |= present_ & bit;
    present_ |= bit;
    ++size_;
  }

 private:
  static uint64_t BitOf(FieldId id) {
    return FieldBit(id) & ~FieldBit(FieldId::kOther);
  }

  std::unique_ptr<Field[]> fields_;
  size_t capacity_;
  size_t size_ = 0;
  uint64_t present_ = 0;           // a bit an id
  uint64_t repeated_ = 0;          // ids that stand in several field lines
  uint16_t first_[kFieldIds + 1];  // valid where `present_` has the bit
};

}  // namespace whichhop
