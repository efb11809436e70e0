#pragma once
// Broken configurations, and what the loader says of them.

#include <string>
#include <string_view>

#include "proxy/server/config_loader.h"
#include "tests/catch.h"

namespace whichhop {

struct Broken {
  std::string_view yaml;
  std::string_view errors;  // "1:2: message", in lines but for the last end
};

// All errors of `yaml`, each a line: "1:2: message\n".
inline std::string ErrorsOf(std::string_view yaml) {
  ConfigErrors errors;
  const bool loads = LoadConfig(yaml, errors).has_value();
  REQUIRE(loads == errors.empty());
  std::string text;
  for (const ConfigError& error : errors) {
    text += FormatConfigError("", error).substr(1) + '\n';
  }
  return text;
}

// Checks each document of a table, between `before` and `after`.
template <size_t kCount>
void CheckErrors(const Broken (&table)[kCount], const std::string& before,
                 const std::string& after) {
  for (const Broken& broken : table) {
    const std::string yaml = before + std::string(broken.yaml) + after;
    CAPTURE(yaml);
    CHECK(ErrorsOf(yaml) == std::string(broken.errors) + '\n');
  }
}

}  // namespace whichhop
