#pragma once
// `whichhop probe URL`: asks an origin once, step by step, and says where it
// breaks: DNS, the route, TCP, TLS, HTTP, and the verdict on them.

namespace whichhop {

// `argv[0]` is the subcommand. Returns the process's exit code: 0 where the
// origin is healthy, 1 where it is not.
int ProbeOrigin(int argc, char** argv);

}  // namespace whichhop
