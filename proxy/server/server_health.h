#pragma once
// Which servers are out of service, as the process last decided: what metrics
// ask. Thread-safe; taken seldom, so a lock does no harm.

#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "proxy/server/config.h"

namespace whichhop {

struct HealthReport;

class ServerHealth {
 public:
  // `report` is of an upstream of `config`.
  void Take(const Config& config, const HealthReport& report);
  // Whether the server is sent requests. One that could not be connected to
  // just now, and that a worker leaves alone for a second, is.
  bool IsUp(const UpstreamConfig& upstream, const ServerConfig& server) const;

 private:
  mutable std::mutex mutex_;
  std::set<std::pair<std::string, std::string>> out_;  // upstream and server
};

}  // namespace whichhop
