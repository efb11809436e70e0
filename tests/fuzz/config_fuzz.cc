// The configuration loader, fed with anything. It never throws or crashes; it
// loads or says what is wrong, in printable words, at places that exist; and
// it says the same again.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "proxy/server/config_loader.h"
#include "proxy/server/config_text.h"

namespace whichhop {

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

ConfigPlace EndOf(std::string_view yaml) {
  ConfigPlace end;
  for (const char c : yaml) {
    end = c == '\n' ? ConfigPlace{end.line + 1, 1}
                    : ConfigPlace{end.line, end.column + 1};
  }
  return end;
}

void CheckError(const ConfigError& error, std::string_view yaml) {
  Require(error.place.line >= 1 && error.place.column >= 1);
  Require(error.place <= EndOf(yaml));
  Require(!error.message.empty() && !HasControl(error.message));
}

void LoadTwice(std::string_view yaml) {
  ConfigErrors errors;
  const bool loads = LoadConfig(yaml, errors).has_value();
  Require(loads == errors.empty());
  for (const ConfigError& error : errors) CheckError(error, yaml);
  Require(std::is_sorted(
      errors.begin(), errors.end(),
      [](const auto& a, const auto& b) { return a.place < b.place; }));
  ConfigErrors again;
  Require(LoadConfig(yaml, again).has_value() == loads);
  Require(again.size() == errors.size());
}

}  // namespace

}  // namespace whichhop

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  whichhop::LoadTwice({reinterpret_cast<const char*>(data), size});
  return 0;
}
