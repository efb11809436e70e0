#pragma once
// How many file descriptors the process may have, and the user it runs as:
// what is asked of the kernel once, at start.

#include <cstddef>
#include <string>

#include "proxy/base/result.h"

namespace whichhop {

// Raises RLIMIT_NOFILE to what `configured` client connections need: each may
// need another to an upstream; and, where the limit may go so far, to the pipes
// of `workers`. A number that was configured is had or refused; the default (0)
// makes do with what the hard limit allows. How many there may be.
Result<size_t> ReserveDescriptors(size_t configured, size_t workers);

// Becomes `user` with its groups, for good. Requires: root. The error says what
// failed; the process must not go on with it.
Result<bool> DropPrivileges(const std::string& user);

}  // namespace whichhop
