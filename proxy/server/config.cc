#include "proxy/server/config.h"

#include <algorithm>

namespace whichhop {

size_t IndexOfUpstream(const Config& config, const std::string& name) {
  const auto found =
      std::ranges::find(config.upstreams, name, &UpstreamConfig::name);
  return static_cast<size_t>(found - config.upstreams.begin());
}

size_t IndexOfServer(const std::vector<ServerConfig>& servers,
                     const std::string& text) {
  const auto found = std::ranges::find(servers, text, &ServerConfig::text);
  return static_cast<size_t>(found - servers.begin());
}

uint16_t RouteConfig::Claimed(uint16_t met) const {
  for (const MaskConfig& mask : masks) {
    if (mask.status == met || mask.claimed == met) return mask.claimed;
  }
  return 0;
}

std::optional<diagnostics::Hop> HopAt(
    const std::vector<TopologyConfig>& topology, const Address& address) {
  for (const TopologyConfig& entry : topology) {
    if (entry.network.Contains(address)) return entry.hop;
  }
  return std::nullopt;
}

}  // namespace whichhop
