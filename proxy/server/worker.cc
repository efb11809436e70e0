#include "proxy/server/worker.h"

#include <algorithm>

namespace whichhop {

namespace {

// Exchanges that are kept for the next peak.
constexpr size_t kKeptExchanges = 256;
// An idle client that says nothing for so long during a drain is let go.
constexpr auto kDrainGrace = std::chrono::seconds(1);

std::vector<Endpoint::Spec> SpecsOf(const UpstreamConfig& upstream) {
  std::vector<Endpoint::Spec> specs;
  for (const ServerConfig& server : upstream.servers) {
    specs.push_back({server.address, server.text, server.weight});
  }
  return specs;
}

}  // namespace

Worker::Worker(std::shared_ptr<const Config> config,
               std::vector<Socket> sockets, size_t max_connections,
               LogWriter& log)
    : config_(std::move(config)),
      access_log_(*config_, loop_, log, wall_text_),
      max_connections_(max_connections) {
  for (const UpstreamConfig& upstream : config_->upstreams) {
    upstreams_.push_back(std::make_unique<Upstream>(
        loop_, upstream.name, SpecsOf(upstream),
        Duration(config_->timeouts.upstream_idle)));
  }
  for (Socket& socket : sockets) {
    AcceptEvents& events = *this;
    listeners_.push_back(
        std::make_unique<Listener>(loop_, std::move(socket), events));
  }
}

Worker::~Worker() { assert(sessions_.empty()); }

void Worker::Run() {
  for (auto& listener : listeners_) {
    if (!listener->Start()) std::abort();  // at start-up, with no memory
  }
  loop_.Run([this] { access_log_.OnTurnEnd(); });
  access_log_.Flush();
  for (auto& upstream : upstreams_) upstream->DropAllIdle();
}

Duration Worker::drain_grace() const {
  return std::min(Duration(kDrainGrace), Duration(config_->timeouts.drain));
}

void Worker::BeginDrain() {
  loop_.Post([this] {
    draining_ = true;
    for (auto& listener : listeners_) listener->DrainAndClose();
    // Drain only arms timers: no session leaves the list here.
    for (auto& session : sessions_) session->Drain(drain_grace());
    StopIfDrained();
  });
}

void Worker::CutAll() {
  loop_.Post([this] {
    draining_ = true;
    for (auto& listener : listeners_) listener->DrainAndClose();
    while (!sessions_.empty()) {
      cut_exchanges_ = cut_exchanges_ || !sessions_.back()->idle();
      sessions_.back()->Cut();
    }
    StopIfDrained();
  });
}

std::unique_ptr<Exchange> Worker::TakeExchange() {
  if (free_exchanges_.empty()) return std::make_unique<Exchange>(*this);
  auto exchange = std::move(free_exchanges_.back());
  free_exchanges_.pop_back();
  return exchange;
}

void Worker::GiveExchange(std::unique_ptr<Exchange> exchange) {
  // Its caller may be one of its own methods: it is not deleted before the
  // turn ends.
  if (free_exchanges_.size() >= kKeptExchanges) {
    return loop_.Retire(std::move(exchange));
  }
  free_exchanges_.push_back(std::move(exchange));
}

void Worker::OnAccept(Socket socket, const Address& client) {
  auto session = std::make_unique<Session>(*this, std::move(socket), client);
  if (!session->Start()) return;
  session->index_ = sessions_.size();
  sessions_.push_back(std::move(session));
  if (sessions_.size() >= max_connections_) {
    for (auto& listener : listeners_) listener->Pause();
  }
}

void Worker::OnSessionClosed(Session& session) {
  const size_t index = session.index_;
  auto closed = std::move(sessions_[index]);
  if (index + 1 < sessions_.size()) {
    sessions_[index] = std::move(sessions_.back());
    sessions_[index]->index_ = index;
  }
  sessions_.pop_back();
  loop_.Retire(std::move(closed));
  if (!draining_ && sessions_.size() + 1 == max_connections_) {
    for (auto& listener : listeners_) listener->Resume();
  }
  StopIfDrained();
}

void Worker::StopIfDrained() {
  if (draining_ && sessions_.empty()) loop_.Stop();
}

}  // namespace whichhop
