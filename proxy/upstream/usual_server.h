#pragma once
// What a server usually calls itself: the most common Server field of its good
// answers in the last half hour to hour. An error that somebody else wrote was
// written before it. Counted once a connection; of more than kNames names the
// rarest makes room. No heap; single-threaded.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "proxy/base/clock.h"

namespace whichhop {

class UsualServer {
 public:
  static constexpr size_t kNames = 4;
  static constexpr Duration kWindow = std::chrono::minutes(30);

  // `server`: the field's value; empty where there is none.
  void Note(std::string_view server, Time now);

  // The first kNameBytes of it, valid until the next Note; "" where most
  // answers have none. Nothing: none was heard for too long.
  std::optional<std::string_view> Get(Time now) const;

 private:
  static constexpr size_t kNameBytes = 31;

  struct Name {
    uint32_t counted = 0;  // in the running window
    uint32_t before = 0;   // in the one before
    uint8_t size = 0;
    std::array<char, kNameBytes> text;

    uint32_t weight() const { return counted + before; }
    std::string_view view() const { return {text.data(), size}; }
  };

  void Turn(Time now);

  std::array<Name, kNames> names_{};
  Time begun_ = kNoTime;  // the running window
};

}  // namespace whichhop
