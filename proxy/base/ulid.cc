#include "proxy/base/ulid.h"

#include <sys/random.h>

#include <bit>
#include <chrono>
#include <cstring>

namespace whichhop {

namespace {

constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

constexpr uint64_t Everywhere(uint8_t octet) {
  return uint64_t{0x0101010101010101} * octet;
}

// One in each octet of `digits` that is at least `least`. All are below 32.
constexpr uint64_t AtLeast(uint64_t digits, uint8_t least) {
  return (digits + Everywhere(static_cast<uint8_t>(0x80 - least))) >> 7 &
         Everywhere(1);
}

// The low 40 bits as eight digits, the first in the highest octet: the word is
// halved three times, and each digit gets what it lacks to its character.
constexpr uint64_t EightDigits(uint64_t bits) {
  uint64_t digits = (bits & 0xfffff) | (bits & 0xfffff00000) << 12;
  digits = (digits & 0x000003ff000003ff) | (digits & 0x000ffc00000ffc00) << 6;
  digits = (digits & 0x001f001f001f001f) | (digits & 0x03e003e003e003e0) << 3;
  return digits + Everywhere('0') +
         AtLeast(digits, 10) * ('A' - '9' - 1) +  // 9, then A
         AtLeast(digits, 18) +                    // no I
         AtLeast(digits, 20) +                    // no L
         AtLeast(digits, 22) +                    // no O
         AtLeast(digits, 27);                     // no U
}

constexpr bool HoldsTheAlphabet() {
  for (size_t i = 0; i < kAlphabet.size(); ++i) {
    if (static_cast<char>(EightDigits(i)) != kAlphabet[i]) return false;
  }
  return true;
}
static_assert(HoldsTheAlphabet());

// The highest octet first.
void Write(uint64_t word, char* out) {
  if constexpr (std::endian::native == std::endian::little) {
    word = __builtin_bswap64(word);
  }
  std::memcpy(out, &word, sizeof(word));
}

}  // namespace

Ulid::Ulid(int64_t wall_milliseconds, uint64_t random_low,
           uint64_t random_high) {
  const auto time = static_cast<uint64_t>(wall_milliseconds);
  text_[0] = kAlphabet[time >> 45 & 31];
  text_[1] = kAlphabet[time >> 40 & 31];
  Write(EightDigits(time), &text_[2]);
  Write(EightDigits(random_high), &text_[10]);
  Write(EightDigits(random_low), &text_[18]);
}

Rng::Rng() {
  if (getrandom(state_.data(), sizeof(state_), 0) == sizeof(state_)) return;
  const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
  state_ = {static_cast<uint64_t>(now), 0x9e3779b97f4a7c15,
            reinterpret_cast<uintptr_t>(this), 1};
}

uint64_t Rng::Next() {
  const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

}  // namespace whichhop
