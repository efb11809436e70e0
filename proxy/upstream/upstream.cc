#include "proxy/upstream/upstream.h"

#include <cassert>

namespace whichhop {

Endpoint::Endpoint(Loop& loop, Spec spec, Duration idle_timeout)
    : loop_(loop), spec_(std::move(spec)), idle_timeout_(idle_timeout) {}

Endpoint::~Endpoint() {
  for (auto& connection : idle_) connection->Close();
}

std::unique_ptr<UpstreamConnection> Endpoint::TakeIdle(UpstreamEvents& user) {
  if (idle_.empty()) return nullptr;
  auto connection = std::move(idle_.back());
  idle_.pop_back();
  connection->idle_timer_.Disarm();
  connection->idle_before_ = loop_.now() - connection->idle_since_;
  connection->user_ = &user;
  ++connection->exchanges_;
  return connection;
}

void Endpoint::PutIdle(std::unique_ptr<UpstreamConnection> connection) {
  connection->user_ = nullptr;
  if (idle_.size() >= kMaxIdle || connection->peer_ended()) {
    connection->Close();
    return loop_.Retire(std::move(connection));
  }
  connection->idle_since_ = loop_.now();
  connection->idle_timer_.Arm(loop_.wheel(), idle_timeout_, *connection);
  connection->pool_index_ = idle_.size();
  idle_.push_back(std::move(connection));
}

void Endpoint::DropIdle(UpstreamConnection& connection) {
  const size_t index = connection.pool_index_;
  assert(idle_[index].get() == &connection);
  auto dropped = std::move(idle_[index]);
  // In order: the most recently used stays the first out.
  idle_.erase(idle_.begin() + static_cast<std::ptrdiff_t>(index));
  for (size_t i = index; i < idle_.size(); ++i) idle_[i]->pool_index_ = i;
  dropped->Close();
  loop_.Retire(std::move(dropped));
}

void Endpoint::DropAllIdle() {
  while (!idle_.empty()) DropIdle(*idle_.back());
}

Upstream::Upstream(Loop& loop, std::string name,
                   std::vector<Endpoint::Spec> servers, Duration idle_timeout,
                   unsigned retry_percent)
    : name_(std::move(name)), retry_share_(retry_percent) {
  for (Endpoint::Spec& server : servers) {
    endpoints_.push_back(
        {std::make_unique<Endpoint>(loop, std::move(server), idle_timeout)});
  }
}

bool Upstream::AllAvoided(const Endpoint* avoid) const {
  return std::ranges::all_of(endpoints_, [avoid](const Candidate& candidate) {
    return candidate.endpoint.get() == avoid || candidate.endpoint->avoided();
  });
}

Endpoint* Upstream::Choose(const Endpoint* avoid) {
  assert(!endpoints_.empty());
  if (endpoints_.size() == 1) return endpoints_.front().endpoint.get();
  const bool any = AllAvoided(avoid);
  Candidate* best = nullptr;
  int64_t total = 0;
  for (Candidate& candidate : endpoints_) {
    if (candidate.endpoint.get() == avoid) continue;
    if (candidate.endpoint->avoided() && !any) continue;
    total += candidate.endpoint->weight();
    candidate.credit += candidate.endpoint->weight();
    if (best == nullptr || candidate.credit > best->credit) best = &candidate;
  }
  best->credit -= total;
  return best->endpoint.get();
}

bool Upstream::SpendRetry() {
  if (retries_ < kRetry) return false;
  retries_ -= kRetry;
  return true;
}

void Upstream::DropAllIdle() {
  for (Candidate& candidate : endpoints_) candidate.endpoint->DropAllIdle();
}

}  // namespace whichhop
