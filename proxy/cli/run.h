#pragma once
// `whichhop run [-c FILE]`: serve what a configuration file says.

namespace whichhop {

// `argv[0]` is the subcommand. Returns the process's exit code.
int Run(int argc, char** argv);

}  // namespace whichhop
