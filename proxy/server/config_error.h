#pragma once
// What is wrong with a configuration, and where. A loader collects these; it
// never stops at the first.

#include <compare>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace whichhop {

// A place in the file as editors count it. Columns count bytes.
struct ConfigPlace {
  size_t line = 1;    // from 1
  size_t column = 1;  // from 1

  auto operator<=>(const ConfigPlace&) const = default;
};

struct ConfigError {
  ConfigPlace place;    // the offending key or value
  std::string message;  // one sentence; printable on any terminal
  // Where something is wrong inside of a file that the value names: that file,
  // and the place in it. Else empty.
  std::string file = {};
  ConfigPlace file_place = {};
};

using ConfigErrors = std::vector<ConfigError>;

// "whichhop.yaml:3:7: unknown key `lissten`; did you mean `listen`?"; in place
// of `file` the one that the error is in.
std::string FormatConfigError(std::string_view file, const ConfigError& error);

}  // namespace whichhop
