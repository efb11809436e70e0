#include "proxy/server/server_health.h"

#include "proxy/server/health_watch.h"

namespace whichhop {

void ServerHealth::Take(const Config& config, const HealthReport& report) {
  const UpstreamConfig& upstream = config.upstreams[report.upstream];
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < report.standings.size(); ++i) {
    std::pair name(upstream.name, upstream.servers[i].text);
    if (report.standings[i].in_service()) {
      out_.erase(name);
    } else {
      out_.insert(std::move(name));
    }
  }
}

// What nothing watches any more is in service, whatever was said of it before.
bool ServerHealth::IsUp(const UpstreamConfig& upstream,
                        const ServerConfig& server) const {
  if (!upstream.health_check && !upstream.eject) return true;
  const std::lock_guard lock(mutex_);
  return !out_.contains({upstream.name, server.text});
}

}  // namespace whichhop
