#pragma once
// YAML to Config: the table of every key, its type, bounds and meaning. A new
// option is a member in config.h and a row in config_loader.cc.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/server/config.h"
#include "proxy/server/config_error.h"

namespace whichhop {

// The configuration that `yaml` says, complete. Otherwise nothing, and all
// that is wrong with it in the order of the file. Throws nothing.
[[nodiscard]] std::optional<Config> LoadConfig(std::string_view yaml,
                                               ConfigErrors& errors);

// Every key of a configuration, as "upstreams.servers.weight": free names and
// positions in lists are left out.
std::vector<std::string> ConfigKeys();

}  // namespace whichhop
