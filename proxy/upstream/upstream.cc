#include "proxy/upstream/upstream.h"

#include <cassert>
#include <utility>

namespace whichhop {

Endpoint::Endpoint(Loop& loop, Spec spec, Duration idle_timeout)
    : loop_(loop), spec_(std::move(spec)), idle_timeout_(idle_timeout) {
  if (spec_.name == nullptr) {
    targets_.push_back({spec_.address, MemoryOf(spec_.address)});
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
  const bool answered = std::ranges::any_of(targets_, [](const Target& each) {
    return each.memory->asked() != kNoTime;
  });
  const Time moved = answered ? loop_.now() : kNoTime;
  std::vector<Target> targets;
  for (const Address& host : name.addresses()) {
    const Address address = host.WithPort(spec_.port);
    const size_t known = IndexOf(address);
    targets.push_back(known < targets_.size()
                          ? targets_[known]
                          : Target{address, MemoryOf(address), moved});
  }
  targets_ = std::move(targets);
  for (size_t i = idle_.size(); i-- > 0;) {
    if (!Has(idle_[i]->address())) DropIdle(*idle_[i]);
  }
}

Time Endpoint::moved_to(const Address& address) const {
  const size_t index = IndexOf(address);
  if (index == targets_.size()) return kNoTime;
  const Target& target = targets_[index];
  return target.memory->asked() > target.moved ? kNoTime : target.moved;
}

std::shared_ptr<AddressMemory> Endpoint::MemoryOf(const Address& address) {
  if (spec_.book != nullptr) return spec_.book->Of(address);
  return std::make_shared<AddressMemory>();
}

AddressMemory* Endpoint::memory(const Address& address) {
  const size_t index = IndexOf(address);
  return index < targets_.size() ? targets_[index].memory.get() : nullptr;
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

bool Endpoint::avoids_all() const {
  return std::ranges::all_of(targets_, [this](const Target& target) {
    return target.avoided_until > loop_.now();
  });
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

void Endpoint::OnOpened(UpstreamConnection& connection) {
  connection.open_index_ = open_.size();
  open_.push_back(&connection);
  if (spec_.connections != nullptr) spec_.connections->Add(1);
}

void Endpoint::OnClosed(UpstreamConnection& connection) {
  open_[connection.open_index_] = open_.back();
  open_.back()->open_index_ = connection.open_index_;
  open_.pop_back();
  if (spec_.connections != nullptr) spec_.connections->Add(-1);
}

void Endpoint::BeginSiblingProbes() {
  if (sibling_probes_++ > 0) return;
  size_t probed = 0;
  for (UpstreamConnection* sibling : open_) {
    if (probed == kMaxSiblings) return;
    if (!sibling->connected()) continue;
    sibling->ProbeAsSibling();
    ++probed;
  }
}

void Endpoint::EndSiblingProbes() {
  if (--sibling_probes_ > 0) return;
  for (UpstreamConnection* sibling : open_) {
    if (std::exchange(sibling->probed_as_sibling_, false)) {
      sibling->StopProbing();
    }
  }
}

Endpoint::Flows Endpoint::AskFlows(const Address& address,
                                   Duration window) const {
  Flows flows;
  uint32_t lost = 0;  // probes
  size_t asked = 0;
  for (const UpstreamConnection* sibling : open_) {
    if (asked == kMaxSiblings) break;
    if (!sibling->connected() || !(sibling->address() == address)) continue;
    ++asked;
    const auto facts = sibling->socket().Facts();
    const bool recent =
        facts && std::chrono::milliseconds(facts->last_ack_ms) < window;
    const bool acking = recent && sibling->AcknowledgesSince(*facts);
    if (acking && facts->probes == 0) ++flows.acking;
    if (!facts || facts->probes == 0) continue;
    ++flows.silent;
    lost += facts->probes;
  }
  // One probe may be lost by accident; and a way that carries is no dead one.
  if (lost < 2 || flows.acking > 0) flows.silent = 0;
  return flows;
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
  refused_.Close();
}

Upstream::Upstream(Loop& loop, std::string name,
                   std::vector<Endpoint::Spec> servers, Options options)
    : name_(std::move(name)),
      options_(std::move(options)),
      standings_(servers.size()),
      reluctances_(servers.size()),
      up_(static_cast<uint32_t>(servers.size())) {
  assert(!servers.empty());
  for (Endpoint::Spec& server : servers) {
    all_unix_ = all_unix_ && server.address.is_unix();
    known_.push_back({HashOf(server.text), server.weight});
    slots_.push_back(nullptr);
    if (server.max_requests > 0) {
      slots_.back() = options_.admission->ServerSlots(server.text);
      slots_.back()->SetLimit(server.max_requests);
    }
    endpoints_.push_back(std::make_unique<Endpoint>(loop, std::move(server),
                                                    options_.idle_timeout));
  }
  if (admission() == nullptr) return;
  admission()->slots().SetLimit(options_.max_requests);
  admission()->AddShard(flights_);
  admission()->OnRoom();  // a limit may have been raised
}

Upstream::~Upstream() {
  if (admission() != nullptr) admission()->RemoveShard(flights_);
}

Upstream::Reluctance Upstream::ReluctanceFor(size_t index,
                                             const Endpoint* avoid) const {
  if (standings_[index].down) return Reluctance::kDown;
  if (endpoints_[index].get() == avoid) return Reluctance::kAvoid;
  if (standings_[index].ejected) return Reluctance::kEjected;
  return endpoints_[index]->avoided() ? Reluctance::kRefused
                                      : Reluctance::kNone;
}

bool Upstream::HasOther(const Endpoint& than) const {
  for (size_t i = 0; i < endpoints_.size(); ++i) {
    if (endpoints_[i].get() != &than && !standings_[i].down) return true;
  }
  return false;
}

Endpoint* Upstream::Choose(const Wish& wish) {
  const size_t index = ChooseIndex(wish);
  return index < servers() ? endpoints_[index].get() : nullptr;
}

// A full server is no reason to ask a worse one: it is waited for.
size_t Upstream::ChooseIndex(const Wish& wish) {
  Reluctance least = Reluctance::kDown;
  for (size_t i = 0; i < endpoints_.size(); ++i) {
    reluctances_[i] = ReluctanceFor(i, wish.avoid);
    least = std::min(least, reluctances_[i]);
  }
  if (least == Reluctance::kDown) return servers();
  for (size_t i = 0; i < endpoints_.size(); ++i) {
    const bool full = slots_[i] != nullptr && slots_[i]->full();
    known_[i].open = reluctances_[i] == least && !full;
  }
  return Pick(wish.key);
}

size_t Upstream::Pick(uint64_t key) {
  switch (options_.balance) {
    case Balance::kRoundRobin:
      return PickRoundRobin(known_);
    case Balance::kLeastRequests:
      return PickLeastRequests(known_);
    case Balance::kRandomTwo:
      return PickRandomTwo(known_, rng_.Next(), rng_.Next());
    case Balance::kHash:
      return PickByHash(known_, key);
  }
  return endpoints_.size();
}

// Both or none. Who was called meanwhile found the server full, and is called
// again as what was taken is given back.
bool Upstream::TakeSlots(size_t index) {
  if (slots_[index] != nullptr && !slots_[index]->Take()) return false;
  if (admission() == nullptr || admission()->slots().Take()) return true;
  if (slots_[index] != nullptr) slots_[index]->Give();
  admission()->OnRoom();
  return false;
}

Upstream::Entry Upstream::Admit(const Wish& wish, bool from_line,
                                Lease* lease) {
  if (all_down()) return Entry::kAllDown;
  for (;;) {
    const bool others_first =
        admission() != nullptr && admission()->has_line() && !from_line;
    if (others_first) return Entry::kFull;
    if (admission() != nullptr && admission()->slots().full()) {
      return Entry::kFull;
    }
    const size_t index = ChooseIndex(wish);
    if (index == servers()) return Entry::kFull;
    // Another worker may have been faster.
    if (!TakeSlots(index)) continue;
    lease->upstream_ = this;
    lease->endpoint_ = endpoints_[index].get();
    lease->index_ = index;
    ++known_[index].in_flight;
    if (admission() != nullptr) {
      flights_.Begin(lease->flight_, SteadyClock::now());
    }
    return Entry::kAdmitted;
  }
}

Upstream::Fullness Upstream::AskFullness(Time now) const {
  Fullness fullness{admission()->Survey(now), 0};
  if (admission()->slots().full()) {
    fullness.limit = admission()->slots().limit();
    return fullness;
  }
  for (const auto& slots : slots_) {
    if (slots != nullptr) fullness.limit += slots->limit();
  }
  return fullness;
}

void Upstream::Take(size_t server, const Standing& standing) {
  const Standing before = std::exchange(standings_[server], standing);
  if (before == standing) return;
  up_ = static_cast<uint32_t>(
      std::ranges::count(standings_, false, &Standing::down));
  // What was idle there may be as dead as the rest.
  if (!standing.in_service()) endpoints_[server]->DropAllIdle();
  if (admission() != nullptr) admission()->OnRoom();
}

bool Upstream::SpendRetry() {
  if (retries_ < kRetry) return false;
  retries_ -= kRetry;
  return true;
}

void Upstream::DropAllIdle() {
  for (auto& endpoint : endpoints_) endpoint->DropAllIdle();
}

void Lease::OnAsked(const Socket& socket) {
  if (upstream_->admission() == nullptr) return;
  upstream_->flights_.Await(flight_, &socket);
}

void Lease::OnAnswered() {
  if (upstream_->admission() == nullptr) return;
  upstream_->flights_.Await(flight_, nullptr);
}

bool Lease::TakeSuspicion() {
  return std::exchange(upstream_->standings_[index_].suspected, false);
}

void Lease::GiveBack() {
  if (!held()) return;
  Upstream& upstream = *std::exchange(upstream_, nullptr);
  --upstream.known_[index_].in_flight;
  if (upstream.admission() == nullptr) return;
  upstream.flights_.End(flight_);
  if (upstream.slots_[index_] != nullptr) upstream.slots_[index_]->Give();
  upstream.admission()->slots().Give();
  upstream.admission()->OnRoom();
}

}  // namespace whichhop
