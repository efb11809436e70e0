#pragma once
// The `-c FILE` that `run` and `check` have in common.

#include <optional>
#include <string>

namespace whichhop {

inline constexpr const char* kDefaultConfigPath = "/etc/whichhop/whichhop.yaml";

// The file that `-c` or `--config` names, or the default. Nothing, with a
// message on stderr, for any other argument. `argv[0]` is the subcommand.
std::optional<std::string> ParseConfigOption(int argc, char** argv);

}  // namespace whichhop
