#include "proxy/server/generation.h"

#include "proxy/server/worker.h"

namespace whichhop {

namespace {

// Exchanges that are kept for the next peak.
constexpr size_t kKeptExchanges = 256;

std::vector<Endpoint::Spec> SpecsOf(const UpstreamConfig& upstream,
                                    Resolver& resolver, Gauge& connections) {
  std::vector<Endpoint::Spec> specs;
  for (const ServerConfig& server : upstream.servers) {
    ResolvedName* name =
        server.host.empty() ? nullptr : &resolver.Name(server.host);
    specs.push_back({server.address, server.text, server.weight, name,
                     server.port, &connections});
  }
  return specs;
}

}  // namespace

Generation::Generation(Worker& worker, std::shared_ptr<const Config> config,
                       const Generation* before)
    : worker_(worker),
      config_(std::move(config)),
      passage_(PassageOf(config_->node)),
      resolver_(worker.loop(),
                {config_->node.resolvers, config_->timeouts.dns}),
      route_ids_(worker.metrics().IdsOf(*config_)) {
  for (const UpstreamConfig& upstream : config_->upstreams) {
    upstreams_.push_back(std::make_unique<Upstream>(
        worker.loop(), upstream.name,
        SpecsOf(upstream, resolver_, worker.metrics().upstream_connections),
        Duration(config_->timeouts.upstream_idle),
        upstream.retry.budget_percent));
  }
  if (before != nullptr) resolver_.Inherit(before->resolver_);
}

std::unique_ptr<Exchange> Generation::TakeExchange() {
  ++out_;
  worker_.metrics().active_requests.Add(1);
  if (free_.empty()) return std::make_unique<Exchange>(worker_, *this);
  auto exchange = std::move(free_.back());
  free_.pop_back();
  return exchange;
}

void Generation::GiveExchange(std::unique_ptr<Exchange> exchange) {
  --out_;
  worker_.metrics().active_requests.Add(-1);
  const bool current = &worker_.generation() == this;
  if (current && free_.size() < kKeptExchanges) {
    return free_.push_back(std::move(exchange));
  }
  worker_.loop().Retire(std::move(exchange));
  if (!current) worker_.OnGenerationIdle(*this);
}

void Generation::DropIdle() {
  free_.clear();
  resolver_.Rest();
  for (auto& upstream : upstreams_) upstream->DropAllIdle();
}

}  // namespace whichhop
