#include "proxy/cli/check.h"

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "proxy/server/config_file.h"

namespace whichhop {

namespace {

std::string Count(size_t count, std::string_view noun) {
  return std::to_string(count) + ' ' + std::string(noun) +
         (count == 1 ? "" : "s");
}

// "position lb, 1 listener, 1 upstream with 2 servers, 3 routes"
std::string Summary(const Config& config) {
  const bool cdn = config.node.position == diagnostics::Position::kCdn;
  size_t servers = 0;
  for (const UpstreamConfig& upstream : config.upstreams) {
    servers += upstream.servers.size();
  }
  return std::string("position ") + (cdn ? "cdn" : "lb") + ", " +
         Count(config.listen.size(), "listener") + ", " +
         Count(config.upstreams.size(), "upstream") + " with " +
         Count(servers, "server") + ", " + Count(config.routes.size(), "route");
}

}  // namespace

int Check(const std::string& path, std::ostream& out, std::ostream& err) {
  std::vector<std::string> messages;
  const std::optional<Config> config = LoadConfigFile(path, messages);
  for (const std::string& message : messages) err << message << '\n';
  if (!config) return 1;
  out << path << ": ok\n" << Summary(*config) << '\n';
  return 0;
}

}  // namespace whichhop
