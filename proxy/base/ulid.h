#pragma once
// ULIDs: 26 characters of Crockford base 32, 48 bits of milliseconds before 80
// random ones, so that ids sort by time. Error ids and request ids are such.

#include <array>
#include <cstdint>
#include <string_view>

namespace whichhop {

class Ulid {
 public:
  Ulid() = default;
  Ulid(int64_t wall_milliseconds, uint64_t random_low, uint64_t random_high);
  bool empty() const { return text_[0] == 0; }
  std::string_view text() const { return {text_.data(), text_.size()}; }

 private:
  std::array<char, 26> text_{};
};

// A fast generator for ids (xoshiro256**), one a thread. Not for secrets.
class Rng {
 public:
  // Seeded from the kernel.
  Rng();
  uint64_t Next();

 private:
  std::array<uint64_t, 4> state_;
};

}  // namespace whichhop
