#pragma once
// Where a server of an upstream is: at an address, or at a name whose address
// the DNS knows.

#include <string_view>

#include "proxy/server/config.h"

namespace whichhop {

// Reads "10.0.0.5:8000", "[::1]:80", "unix:/PATH" or "app.internal:8000" into
// `server`. False, and nothing changed: it is none, as ServerAddressProblem
// (config_checks.h) says in words.
bool ReadServerAddress(std::string_view text, ServerConfig* server);

}  // namespace whichhop
