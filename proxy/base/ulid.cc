#include "proxy/base/ulid.h"

#include <sys/random.h>

#include <bit>
#include <chrono>

namespace whichhop {

namespace {

constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

}  // namespace

Ulid::Ulid(int64_t wall_milliseconds, uint64_t random_low,
           uint64_t random_high) {
  auto time = static_cast<uint64_t>(wall_milliseconds);
  for (size_t i = 10; i-- > 0; time >>= 5) text_[i] = kAlphabet[time & 31];
  for (size_t i = 18; i-- > 10; random_high >>= 5) {
    text_[i] = kAlphabet[random_high & 31];
  }
  for (size_t i = 26; i-- > 18; random_low >>= 5) {
    text_[i] = kAlphabet[random_low & 31];
  }
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
