#pragma once
// A configuration in a file, as `run` and `check` read it.

#include <optional>
#include <string>
#include <vector>

#include "proxy/server/config.h"

namespace whichhop {

// The configuration in the file at `path`. Otherwise nothing, and one message
// for each thing wrong: "PATH:LINE:COLUMN: ...", or "PATH: ..." if it can't be
// read. A file has at most 1 MiB.
[[nodiscard]] std::optional<Config> LoadConfigFile(
    const std::string& path, std::vector<std::string>& messages);

}  // namespace whichhop
