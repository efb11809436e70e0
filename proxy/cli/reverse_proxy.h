#pragma once
// `whichhop reverse-proxy --from ADDR --to URL`: a proxy in one line, without
// a file.

namespace whichhop {

// `argv[0]` is the subcommand. Returns the process's exit code.
int ReverseProxy(int argc, char** argv);

}  // namespace whichhop
