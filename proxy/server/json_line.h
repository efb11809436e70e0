#pragma once
// A JsonLine writes one JSON object, member by member, into memory that it
// keeps. It is what every exchange pays for its line of the access log: room
// is asked for once a member, keys are made when compiling, and a text is
// checked while it is copied. Not for threads to share.

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "proxy/base/clock.h"

namespace whichhop {

// Octets known when compiling, as a template's argument.
template <size_t N>
struct Literal {
  consteval Literal(const char (&literal)[N]) {
    std::copy_n(literal, N - 1, octets.begin());
  }
  std::array<char, N - 1> octets;
};

// `,"name":`, ready for a value. Requires: the name needs no escaping.
template <Literal kName>
constexpr auto MakeJsonKey() {
  std::array<char, kName.octets.size() + 4> key{',', '"'};
  std::ranges::copy(kName.octets, key.begin() + 2);
  key[key.size() - 2] = '"';
  key[key.size() - 1] = ':';
  return key;
}
template <Literal kName>
inline constexpr auto kJsonKey = MakeJsonKey<kName>();

// Seconds with microseconds, "0.000123"; none where the duration is negative.
// Returns the end. Requires: room for kMaxSeconds.
inline constexpr size_t kMaxSeconds = 27;
char* WriteSeconds(char* to, Duration duration);

class JsonLine {
 public:
  JsonLine();

  void Clear() { next_ = begin(); }
  // Valid until the next call that writes.
  std::string_view text() const {
    return {memory_.get(), static_cast<size_t>(next_ - memory_.get())};
  }

  // As it is: braces, and members that are always the same.
  template <Literal kText>
  void Raw() {
    Reserve(kText.octets.size());
    Put(kText.octets);
  }

  // Members, each behind a comma.
  template <Literal kName>
  void Text(std::string_view value) {
    Reserve(kJsonKey<kName>.size() + value.size() + 2);
    Put(kJsonKey<kName>);
    PutString(value);
  }
  template <Literal kName>
  void Number(uint64_t value) {
    Reserve(kJsonKey<kName>.size() + kMaxDigits);
    Put(kJsonKey<kName>);
    next_ = std::to_chars(next_, end_, value).ptr;
  }
  template <Literal kName>
  void Flag(bool value) {
    Reserve(kJsonKey<kName>.size() + 5);
    Put(kJsonKey<kName>);
    value ? Raw<"true">() : Raw<"false">();
  }
  template <Literal kName>
  void Null() {
    Reserve(kJsonKey<kName>.size() + 4);
    Put(kJsonKey<kName>);
    Raw<"null">();
  }
  template <Literal kName>
  void Seconds(Duration value) {
    Reserve(kJsonKey<kName>.size() + kMaxSeconds);
    Put(kJsonKey<kName>);
    next_ = WriteSeconds(next_, value);
  }

  // A string in quotes, without a key; escaped as AppendJsonString does it.
  void String(std::string_view value) {
    Reserve(value.size() + 2);
    PutString(value);
  }

 private:
  static constexpr size_t kMaxDigits = 20;

  char* begin() { return memory_.get(); }
  void Reserve(size_t size) {
    if (static_cast<size_t>(end_ - next_) < size) Grow(size);
  }
  void Grow(size_t size);
  template <size_t N>
  void Put(const std::array<char, N>& octets) {
    std::memcpy(next_, octets.data(), N);
    next_ += N;
  }
  // Requires: room for the value and its quotes.
  void PutString(std::string_view value);
  void PutEscaped(std::string_view value);

  std::unique_ptr<char[]> memory_;
  char* next_;
  char* end_;
  std::string escaped_;  // of the value that needs it
};

}  // namespace whichhop
