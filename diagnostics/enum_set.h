#pragma once
// A set of the values of a small enumeration, as bits. Iterates in their order.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace whichhop::diagnostics {

// Requires: the values in use are below 32.
template <typename Enum>
class EnumSet {
 public:
  class Iterator {
   public:
    constexpr explicit Iterator(uint32_t rest) : rest_(rest) {}
    constexpr Enum operator*() const {
      return static_cast<Enum>(std::countr_zero(rest_));
    }
    constexpr Iterator& operator++() {
      rest_ &= rest_ - 1;
      return *this;
    }
    constexpr bool operator==(const Iterator&) const = default;

   private:
    uint32_t rest_;
  };

  constexpr EnumSet() = default;
  constexpr EnumSet(std::initializer_list<Enum> values) {
    for (Enum value : values) Add(value);
  }

  constexpr void Add(Enum value) { bits_ |= Bit(value); }
  constexpr void Remove(Enum value) { bits_ &= ~Bit(value); }
  constexpr bool contains(Enum value) const {
    return (bits_ & Bit(value)) != 0;
  }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr size_t size() const {
    return static_cast<size_t>(std::popcount(bits_));
  }
  constexpr Iterator begin() const { return Iterator(bits_); }
  constexpr Iterator end() const { return Iterator(0); }

  constexpr EnumSet operator|(EnumSet other) const {
    return EnumSet(bits_ | other.bits_);
  }
  constexpr EnumSet operator&(EnumSet other) const {
    return EnumSet(bits_ & other.bits_);
  }
  // Those of this set that the other does not hold.
  constexpr EnumSet operator-(EnumSet other) const {
    return EnumSet(bits_ & ~other.bits_);
  }
  constexpr bool operator==(const EnumSet&) const = default;

 private:
  constexpr explicit EnumSet(uint32_t bits) : bits_(bits) {}
  static constexpr uint32_t Bit(Enum value) {
    return uint32_t{1} << static_cast<unsigned>(value);
  }

  uint32_t bits_ = 0;
};

}  // namespace whichhop::diagnostics
