// Ids that sort by time, and the randomness in them.

#include "proxy/base/ulid.h"

#include <set>
#include <string>

#include "tests/catch.h"

namespace whichhop {
namespace {

constexpr uint64_t kAllBits = ~uint64_t{0};
constexpr int64_t kLastMillisecond = (int64_t{1} << 48) - 1;

std::string Text(int64_t milliseconds, uint64_t low, uint64_t high) {
  return std::string(Ulid(milliseconds, low, high).text());
}

TEST_CASE("an id is its time, then its random bits, in Crockford's base 32") {
  CHECK(Text(0, 0, 0) == "00000000000000000000000000");
  CHECK(Text(kLastMillisecond, kAllBits, kAllBits) ==
        "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
  CHECK(Text(1'469'918'176'385, 0, 0).substr(0, 10) == "01ARYZ6S41");
  CHECK(Text(0, 1, 0) == "00000000000000000000000001");
  CHECK(Text(0, 0, 1) == "00000000000000000100000000");
}

// SLOW REFERENCE: digit by digit.
std::string InBase32(uint64_t bits, size_t digits) {
  std::string text(digits, '0');
  for (size_t i = digits; i-- > 0; bits >>= 5) {
    text[i] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[bits & 31];
  }
  return text;
}

TEST_CASE("each part of an id is a number in base 32") {
  Rng rng;
  for (int i = 0; i < 1000; ++i) {
    const auto time = static_cast<int64_t>(rng.Next() >> 16);
    const uint64_t low = rng.Next();
    const uint64_t high = rng.Next();
    CHECK(Text(time, low, high) == InBase32(static_cast<uint64_t>(time), 10) +
                                       InBase32(high, 8) + InBase32(low, 8));
  }
}

TEST_CASE("ids consist of letters and digits that can't be mistaken") {
  Rng rng;
  std::set<char> seen;
  for (int i = 0; i < 1000; ++i) {
    for (const char c : Text(i, rng.Next(), rng.Next())) seen.insert(c);
  }
  CHECK(std::string(seen.begin(), seen.end()) ==
        "0123456789ABCDEFGHJKMNPQRSTVWXYZ");
}

TEST_CASE("ids sort by time, whatever their random bits") {
  std::string last = Text(0, kAllBits, kAllBits);
  for (int64_t time = 1; time < kLastMillisecond / 3; time = time * 3 + 1) {
    const std::string next = Text(time, 0, 0);
    CHECK(last < next);
    last = Text(time, kAllBits, kAllBits);
    CHECK(next < last);
  }
}

TEST_CASE("an id that was not made is empty") {
  CHECK(Ulid().empty());
  CHECK_FALSE(Ulid(0, 0, 0).empty());
  CHECK(Ulid(0, 0, 0).text().size() == 26);
}

TEST_CASE("random numbers do not repeat, in one generator nor in two") {
  Rng one;
  Rng other;
  std::set<uint64_t> seen;
  for (int i = 0; i < 10'000; ++i) {
    seen.insert(one.Next());
    seen.insert(other.Next());
  }
  CHECK(seen.size() == 20'000);
}

TEST_CASE("each bit of a random number is set half of the time") {
  Rng rng;
  uint64_t set[64] = {};
  for (int i = 0; i < 10'000; ++i) {
    const uint64_t number = rng.Next();
    for (int bit = 0; bit < 64; ++bit) set[bit] += number >> bit & 1;
  }
  // Eight standard deviations: once in 10^13 runs.
  for (const uint64_t count : set) {
    CHECK(count > 4600);
    CHECK(count < 5400);
  }
}

}  // namespace
}  // namespace whichhop
