#include "proxy/net/resolver.h"

#include <algorithm>

#include "proxy/base/text.h"

namespace whichhop {

namespace {

// What the file of hosts says holds for so long.
constexpr Duration kHostsFileTtl = std::chrono::seconds(30);

bool SameAddresses(const std::vector<Address>& a,
                   const std::vector<Address>& b) {
  return std::ranges::is_permutation(a, b);
}

// Whether it tells of the name, and not of trouble on the way to it.
bool IsAuthoritative(DnsOutcome outcome) {
  return outcome == DnsOutcome::kNxdomain || outcome == DnsOutcome::kNodata;
}

}  // namespace

void NameWait::Link(NameWait& list, NameWaiter& waiter) {
  assert(!waiting());
  waiter_ = &waiter;
  next_ = &list;
  previous_ = list.previous_;
  previous_->next_ = this;
  list.previous_ = this;
}

void NameWait::Cancel() {
  if (next_ == nullptr || waiter_ == nullptr) return;
  previous_->next_ = next_;
  next_->previous_ = previous_;
  next_ = previous_ = nullptr;
}

// One of the two of a lookup.
class ResolvedName::Question final : public DnsQuestion {
 public:
  Question(ResolvedName& name, int family)
      : name_(name), lookup_(name.lookup_), family_(family) {}

  void OnReply(DnsReply reply) override {
    if (name_.looking_up_ && name_.lookup_ == lookup_) {
      name_.OnReply(*this, std::move(reply));
    }
  }
  int family() const { return family_; }

 private:
  ResolvedName& name_;
  const uint64_t lookup_;
  const int family_;
};

ResolvedName::ResolvedName(Resolver& resolver, std::string host)
    : resolver_(resolver), host_(std::move(host)) {
  waiting_.next_ = waiting_.previous_ = &waiting_;
}

ResolvedName::~ResolvedName() { assert(waiting_.next_ == &waiting_); }

bool ResolvedName::failed() const {
  return addresses_.empty() && failed_at_ != kNoTime &&
         resolver_.loop_.now() < failed_at_ + kNegative;
}

void ResolvedName::Await(NameWait& wait, NameWaiter& waiter) {
  wait.Link(waiting_, waiter);
  if (!looking_up_) Begin();
}

void ResolvedName::Begin() {
  looking_up_ = true;
  extended_.reset();
  verdict_ = DnsOutcome::kNodata;
  candidate_ = 0;
  deadline_ = resolver_.loop_.now() + resolver_.options_.timeout;
  found_ = resolver_.udp().FromHostsFile(host_);
  if (!found_.empty()) {
    found_ttl_ = kHostsFileTtl;
    asking_ = 0;
    // Never from within the call that asks.
    return timer_.Arm(resolver_.loop_.wheel(), Duration{}, *this);
  }
  candidates_ = resolver_.udp().Candidates(host_);
  AskCandidate();
}

void ResolvedName::AskCandidate() {
  ++lookup_;
  found_.clear();
  found_ttl_ = kMaxTtl;
  worst_ = DnsOutcome::kNodata;
  asking_ = 2;
  const Duration left = deadline_ - resolver_.loop_.now();
  timer_.Arm(resolver_.loop_.wheel(), std::max(left, Duration{}), *this);
  in_ask_ = true;
  Ask(resolver_.udp(), AF_INET6);
  Ask(resolver_.udp(), AF_INET);
  in_ask_ = false;
}

void ResolvedName::Ask(DnsChannel& channel, int family) {
  channel.Ask(candidates_[candidate_], family,
              std::make_unique<Question>(*this, family));
}

void ResolvedName::OnReply(Question& question, DnsReply reply) {
  if (reply.truncated) return Ask(resolver_.tcp(), question.family());
  --asking_;
  if (reply.outcome == DnsOutcome::kAddresses) {
    found_ttl_ = std::min(found_ttl_, reply.ttl);
    std::ranges::move(reply.addresses, std::back_inserter(found_));
  } else {
    worst_ = std::min(worst_, reply.outcome);
    if (!extended_) extended_ = reply.extended;
  }
  // What has no name has no address of the other family either.
  const bool over = asking_ == 0 || reply.outcome == DnsOutcome::kNxdomain;
  if (over && !in_ask_) return EndCandidate();
  if (!over && found_.empty()) return;
  timer_.Arm(resolver_.loop_.wheel(), over ? Duration{} : kSecondFamily, *this);
}

void ResolvedName::OnTimer(Timer&) {
  if (looking_up_) return EndCandidate();
  const Time now = resolver_.loop_.now();
  if (resolver_.resting_) return;
  if (now >= stale_at_ + kStale) SetAddresses({});
  if (!addresses_.empty()) Begin();
}

// The candidate's answers are here, or the time is over.
void ResolvedName::EndCandidate() {
  if (!found_.empty()) return End(DnsOutcome::kAddresses);
  if (asking_ > 0) worst_ = std::min(worst_, DnsOutcome::kTimeout);
  const bool as_written = candidates_[candidate_] == host_;
  // An alias of the search list that has no address is not our name.
  if (as_written || candidates_.size() == 1) verdict_ = worst_;
  const bool more = IsAuthoritative(worst_) &&
                    candidate_ + 1 < candidates_.size() &&
                    resolver_.loop_.now() < deadline_;
  if (!more) return End(IsAuthoritative(worst_) ? verdict_ : worst_);
  ++candidate_;
  AskCandidate();
}

void ResolvedName::End(DnsOutcome outcome) {
  looking_up_ = false;
  ++lookup_;
  outcome_ = outcome;
  if (outcome == DnsOutcome::kAddresses) {
    TakeAddresses(std::move(found_), found_ttl_);
  } else {
    TakeFailure(outcome);
  }
  found_.clear();
  Answer();
}

void ResolvedName::TakeAddresses(std::vector<Address> addresses, Duration ttl) {
  const Duration valid = std::clamp(ttl, kMinTtl, kMaxTtl);
  last_resolved_ = resolver_.loop_.now();
  stale_at_ = last_resolved_ + valid;
  failed_at_ = kNoTime;
  timer_.Arm(resolver_.loop_.wheel(), valid, *this);
  SetAddresses(std::move(addresses));
}

void ResolvedName::TakeFailure(DnsOutcome outcome) {
  failed_at_ = resolver_.loop_.now();
  const bool gone = IsAuthoritative(outcome) || addresses_.empty() ||
                    failed_at_ >= stale_at_ + kStale;
  if (gone) return SetAddresses({});
  timer_.Arm(resolver_.loop_.wheel(), kRetry, *this);
}

void ResolvedName::SetAddresses(std::vector<Address> addresses) {
  if (SameAddresses(addresses, addresses_)) return;
  addresses_ = std::move(addresses);
  for (NameEvents* subscriber : subscribers_) subscriber->OnAddresses(*this);
}

// Those who wait now; who asks anew from there waits for another lookup.
void ResolvedName::Answer() {
  NameWait answered;
  answered.next_ = answered.previous_ = &answered;
  if (waiting_.next_ != &waiting_) {
    answered.next_ = waiting_.next_;
    answered.previous_ = waiting_.previous_;
    answered.next_->previous_ = answered.previous_->next_ = &answered;
    waiting_.next_ = waiting_.previous_ = &waiting_;
  }
  while (answered.next_ != &answered) {
    NameWait& first = *answered.next_;
    first.Cancel();
    first.waiter_->OnResolved();
  }
}

Resolver::Resolver(Loop& loop, const DnsOptions& options)
    : loop_(loop), options_(options) {}

Resolver::~Resolver() = default;

ResolvedName& Resolver::Name(const std::string& host) {
  std::string key = host;
  std::ranges::transform(key, key.begin(), LowerAscii);
  auto& name = names_[key];
  if (name == nullptr) name = std::make_unique<ResolvedName>(*this, key);
  return *name;
}

void Resolver::Inherit(const Resolver& older) {
  for (auto& [host, name] : names_) {
    const auto known = older.names_.find(host);
    if (known == older.names_.end()) continue;
    const ResolvedName& old = *known->second;
    name->last_resolved_ = old.last_resolved_;
    if (old.addresses_.empty()) continue;
    name->stale_at_ = old.stale_at_;
    name->outcome_ = DnsOutcome::kAddresses;
    // The configuration may have changed for a reason: asked again at once.
    name->timer_.Arm(loop_.wheel(), Duration{}, *name);
    name->SetAddresses(old.addresses_);
  }
}

DnsChannel& Resolver::udp() {
  if (udp_ == nullptr) {
    udp_ = std::make_unique<DnsChannel>(loop_, DnsChannel::Transport::kUdp,
                                        options_);
  }
  return *udp_;
}

DnsChannel& Resolver::tcp() {
  if (tcp_ == nullptr) {
    tcp_ = std::make_unique<DnsChannel>(loop_, DnsChannel::Transport::kTcp,
                                        options_);
  }
  return *tcp_;
}

}  // namespace whichhop
