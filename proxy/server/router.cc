#include "proxy/server/router.h"

#include <algorithm>

#include "proxy/base/text.h"
#include "proxy/http/octets.h"
#include "proxy/http/target.h"

namespace whichhop {

namespace {

bool HostMatches(std::string_view pattern, std::string_view host) {
  if (pattern.empty()) return true;
  if (!pattern.starts_with('*')) return EqualsIgnoreCase(pattern, host);
  const std::string_view suffix = pattern.substr(1);  // ".example.com"
  return host.size() > suffix.size() &&
         EqualsIgnoreCase(host.substr(host.size() - suffix.size()), suffix);
}

bool MethodMatches(const std::vector<std::string>& methods,
                   std::string_view method) {
  return methods.empty() || std::ranges::find(methods, method) != methods.end();
}

}  // namespace

std::string_view HostName(std::string_view host) {
  size_t port = host.size();
  while (port > 0 && Is(kDigitOctet, host[port - 1])) --port;
  if (port > 0 && host[port - 1] == ':') host = host.substr(0, port - 1);
  if (host.ends_with('.')) host.remove_suffix(1);
  return host;
}

const RouteConfig* FindRoute(const Config& config, const RequestHead& head,
                             const char* data) {
  const std::string_view host = HostName(head.host.In(data));
  std::string storage;
  const std::string_view path =
      NormalizePath(EffectivePath(head.line, data), &storage);
  for (const RouteConfig& route : config.routes) {
    if (HostMatches(route.host, host) && path.starts_with(route.path) &&
        MethodMatches(route.methods, head.line.method_token.In(data))) {
      return &route;
    }
  }
  return nullptr;
}

}  // namespace whichhop
