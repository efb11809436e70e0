#include "proxy/server/generation.h"

#include <algorithm>

#include "proxy/server/worker.h"

namespace whichhop {

namespace {

// Exchanges that are kept for the next peak.
constexpr size_t kKeptExchanges = 256;

std::vector<Endpoint::Spec> SpecsOf(const UpstreamConfig& upstream,
                                    Resolver& resolver, Gauge& connections,
                                    AddressBook& book) {
  std::vector<Endpoint::Spec> specs;
  for (const ServerConfig& server : upstream.servers) {
    ResolvedName* name =
        server.host.empty() ? nullptr : &resolver.Name(server.host);
    specs.push_back({server.address, server.text, server.weight, name,
                     server.port, server.max_connections, &connections,
                     upstream.tls.get(), server.tls_host(), &book});
  }
  return specs;
}

bool HasLimits(const UpstreamConfig& upstream) {
  return upstream.max_connections > 0 ||
         std::ranges::any_of(upstream.servers, [](const ServerConfig& server) {
           return server.max_connections > 0;
         });
}

Upstream::Options OptionsOf(const UpstreamConfig& upstream,
                            const TimeoutsConfig& timeouts,
                            AdmissionBook& admissions) {
  Upstream::Options options;
  options.idle_timeout = timeouts.upstream_idle;
  options.retry_percent = upstream.retry.budget_percent;
  options.balance = upstream.balance;
  options.max_requests = upstream.max_connections;
  if (HasLimits(upstream)) options.admission = admissions.Of(upstream.name);
  return options;
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
        SpecsOf(upstream, resolver_, worker.metrics().upstream_connections,
                worker.crew().addresses()),
        OptionsOf(upstream, config_->timeouts, worker.crew().admissions())));
  }
  reports_.resize(upstreams_.size());
  if (before != nullptr) resolver_.Inherit(before->resolver_);
  if (before != nullptr) InheritHealth(*before);
  if (!worker.crew().IsHome(worker)) return;
  watch_ = std::make_unique<HealthWatch>(
      worker, *this, before == nullptr ? nullptr : before->watch_.get());
}

// Until the home worker reports: what is out of service stays out, if there is
// still something that may bring it back.
void Generation::InheritHealth(const Generation& before) {
  for (size_t i = 0; i < upstreams_.size(); ++i) {
    const UpstreamConfig& now = config_->upstreams[i];
    const size_t old = IndexOfUpstream(before.config(), now.name);
    if (old == before.upstreams_.size()) continue;
    reports_[i] = before.reports_[old];
    const auto& olds = before.config().upstreams[old].servers;
    for (size_t server = 0; server < now.servers.size(); ++server) {
      const size_t same = IndexOfServer(olds, now.servers[server].text);
      if (same == olds.size()) continue;
      Standing standing = before.upstreams_[old]->standing(same);
      standing.down = standing.down && now.health_check;
      standing.ejected = standing.ejected && now.eject;
      standing.suspected = standing.suspected && now.eject;
      upstreams_[i]->Take(server, standing);
    }
  }
}

void Generation::Take(const HealthReport& report) {
  for (size_t i = 0; i < report.standings.size(); ++i) {
    upstreams_[report.upstream]->Take(i, report.standings[i]);
  }
  reports_[report.upstream] = report;
}

void Generation::OnRequestEnd(size_t upstream, size_t server, RequestEnd end) {
  if (watch_ == nullptr) return;
  if (end == RequestEnd::kFault) return watch_->OnFault(upstream, server);
  watch_->OnSuccess(upstream, server);
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
  for (auto& upstream : upstreams_) upstream->DropAllIdle();
}

void Generation::Rest() {
  watch_.reset();
  resolver_.Rest();
  DropIdle();
}

}  // namespace whichhop
