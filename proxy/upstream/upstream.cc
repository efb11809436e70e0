#include "proxy/upstream/upstream.h"

#include <cassert>

namespace whichhop {

Endpoint::Endpoint(Loop& loop, Spec spec, Duration idle_timeout)
    : loop_(loop), spec_(std::move(spec)), idle_timeout_(idle_timeout) {
  if (spec_.name == nullptr) {
    targets_.push_back({spec_.address});
    return;
  }
  spec_.name->Subscribe(*this);
  OnAddresses(*spec_.name);
}

Endpoint::~Endpoint() {
  for (auto& connection : idle_) connection->Close();
}

// Addresses that stay keep what is known of them, and their connections.
void Endpoint::OnAddresses(ResolvedName& name) {
  std::vector<Target> targets;
  for (const Address& host : name.addresses()) {
    const Address address = host.WithPort(spec_.port);
    const size_t known = IndexOf(address);
    targets.push_back(known < targets_.size() ? targets_[known]
                                              : Target{address});
  }
  targets_ = std::move(targets);
  for (size_t i = idle_.size(); i-- > 0;) {
    if (!Has(idle_[i]->address())) DropIdle(*idle_[i]);
  }
}

size_t Endpoint::IndexOf(const Address& address) const {
  // A literal one is not compared: it is the only one.
  if (spec_.name == nullptr) return 0;
  const auto found = std::ranges::find(targets_, address, &Target::address);
  return static_cast<size_t>(found - targets_.begin());
}

size_t Endpoint::NextTarget() {
  for (size_t tried = 0; tried < targets_.size(); ++tried) {
    const size_t index = next_++ % targets_.size();
    if (targets_[index].avoided_until <= loop_.now()) return index;
  }
  return next_++ % targets_.size();
}

Endpoint::Route Endpoint::NextRoute() {
  assert(resolved());
  if (targets_.size() == 1) return {targets_.front().address, {}};
  Route route{targets_[NextTarget()].address, {}};
  for (size_t i = 0; i < targets_.size(); ++i) {
    const Address& other = targets_[(next_ + i) % targets_.size()].address;
    if (other.family() == route.first.family()) continue;
    route.other = other;
    break;
  }
  return route;
}

void Endpoint::Avoid(const Address& address) {
  const size_t index = IndexOf(address);
  if (index == targets_.size()) return;  // the name has moved on
  targets_[index].avoided_until = loop_.now() + kAvoided;
}

Duration Endpoint::min_handshake(const Address& address) const {
  const size_t index = IndexOf(address);
  return index < targets_.size() ? targets_[index].min_handshake
                                 : Duration::max();
}

void Endpoint::SawHandshake(const Address& address, Duration took) {
  const size_t index = IndexOf(address);
  if (index == targets_.size()) return;  // the name has moved on
  Duration& least = targets_[index].min_handshake;
  least = std::min(least, took);
}

std::unique_ptr<UpstreamConnection> Endpoint::TakeIdle(UpstreamEvents& user) {
  if (idle_.empty()) return nullptr;
  size_t index = idle_.size() - 1;
  if (targets_.size() > 1) {
    // The most recently used one of the address whose turn it is. If there is
    // none, the address keeps its turn, for a connect.
    next_ = NextTarget();
    const Address& address = targets_[next_].address;
    while (!(idle_[index]->address() == address)) {
      if (index-- == 0) return nullptr;
    }
    ++next_;
  }
  auto connection = Extract(index);
  connection->idle_timer_.Disarm();
  connection->idle_before_ = loop_.now() - connection->idle_since_;
  connection->user_ = &user;
  ++connection->exchanges_;
  return connection;
}

// In order: the most recently used stays the first out.
std::unique_ptr<UpstreamConnection> Endpoint::Extract(size_t index) {
  auto connection = std::move(idle_[index]);
  idle_.erase(idle_.begin() + static_cast<std::ptrdiff_t>(index));
  for (size_t i = index; i < idle_.size(); ++i) idle_[i]->pool_index_ = i;
  return connection;
}

void Endpoint::PutIdle(std::unique_ptr<UpstreamConnection> connection) {
  connection->user_ = nullptr;
  if (idle_.size() >= kMaxIdle || connection->peer_ended() ||
      !Has(connection->address())) {
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
  auto dropped = Extract(index);
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
