#pragma once
// A Generation is one configuration as one worker serves it: its values, the
// upstreams with their connections, and exchanges made for its limits. An
// exchange stays with the generation that it began in; a reload makes a new
// one, and the old one goes when its last exchange is over. Owned by the
// worker; single-threaded.

#include <memory>
#include <vector>

#include "proxy/net/resolver.h"
#include "proxy/server/config.h"
#include "proxy/server/crew.h"
#include "proxy/server/exchange.h"
#include "proxy/server/health_watch.h"
#include "proxy/server/instance.h"
#include "proxy/server/worker_metrics.h"
#include "proxy/upstream/upstream.h"

namespace whichhop {

class Worker;

class Generation final : public Retired {
 public:
  // `before`: the one that it replaces, or null.
  Generation(Worker& worker, std::shared_ptr<const Config> config,
             const Generation* before);
  ~Generation() override { assert(out_ == 0); }

  const Config& config() const { return *config_; }
  const Passage& passage() const { return passage_; }
  const std::shared_ptr<const Config>& shared_config() const { return config_; }
  Upstream& upstream(size_t index) { return *upstreams_[index]; }
  // What was reported of an upstream last.
  const HealthReport& health(size_t upstream) const {
    return reports_[upstream];
  }

  // The process has learned something of servers.
  void Take(const HealthReport& report);
  // A worker's request has ended. On the home worker alone.
  void OnRequestEnd(size_t upstream, size_t server, RequestEnd end);

  std::unique_ptr<Exchange> TakeExchange();
  // Requires: it was taken from this generation. Its caller may be one of its
  // own methods: it is not deleted before the turn ends.
  void GiveExchange(std::unique_ptr<Exchange> exchange);
  // Null: no route.
  RouteIds IdsOf(const RouteConfig* route) const {
    if (route == nullptr) return {};
    return route_ids_[static_cast<size_t>(route - config_->routes.data())];
  }
  size_t exchanges_out() const { return out_; }

  // Keeps no connection and no memory for requests to come.
  void DropIdle();
  // No further request will come.
  void Rest();

 private:
  void InheritHealth(const Generation& before);

  Worker& worker_;
  const std::shared_ptr<const Config> config_;
  const Passage passage_;
  Resolver resolver_;
  std::vector<std::unique_ptr<Upstream>> upstreams_;
  std::vector<HealthReport> reports_;   // of each
  std::unique_ptr<HealthWatch> watch_;  // the home worker's, while it serves
  std::vector<std::unique_ptr<Exchange>> free_;
  const std::vector<RouteIds> route_ids_;
  size_t out_ = 0;
};

}  // namespace whichhop
