#pragma once
// Which route a request takes: the first that matches its host, path and
// method. Pure; allocates only for paths that need normalising.

#include <string_view>

#include "proxy/http/request_parser.h"
#include "proxy/server/config.h"

namespace whichhop {

// host[:port] without its port and the dot of a rooted name.
std::string_view HostName(std::string_view host);

// `data`: the buffer of `head`. Null: no route matches.
const RouteConfig* FindRoute(const Config& config, const RequestHead& head,
                             const char* data);

}  // namespace whichhop
