#include "proxy/server/path_walks.h"

#include <algorithm>
#include <utility>

namespace whichhop {

namespace {

// Whether `other` met the same routers, and more.
bool GoesOn(const PathReport& report, const PathReport& other) {
  const size_t hops = report.hops.size();
  const bool alike =
      report.target.IpBytes().size() == other.target.IpBytes().size();
  return alike && other.hops.size() > hops &&
         std::equal(report.hops.begin(), report.hops.end(), other.hops.begin(),
                    [](const PathHop& a, const PathHop& b) {
                      return a.kind == b.kind && a.from == b.from;
                    });
}

// The router that `other` met next, if it is one.
std::optional<Address> Behind(const PathReport& report,
                              const PathReport& other) {
  const PathHop& hop = other.hops[report.hops.size()];
  if (hop.kind != PathHop::Kind::kPassed) return {};
  return hop.from;
}

}  // namespace

void PathWalks::Ask(const Address& target, Time now) {
  if (target.is_unix() || target.is_loopback()) return;
  {
    const std::lock_guard lock(mutex_);
    Kept& kept = kept_[target.ToString()];
    const bool early = kept.begun != kNoTime && now - kept.begun < kPause;
    if (early || kept.running) return;
    if (running_ >= kMaxRunning) {
      if (kept.report == nullptr) kept_.erase(target.ToString());
      return;
    }
    kept.begun = now;
    MarkRunning(kept);
  }
  loop_.Post([this, target] { Start(target); });
}

void PathWalks::AskInGoodTimes(const Address& target, Time now) {
  if (target.is_unix() || target.is_loopback()) return;
  {
    const std::lock_guard lock(mutex_);
    const std::string host = target.Host();
    if (good_.size() >= kMaxKept && !good_.contains(host)) return;
    Good& good = good_[host];
    if (good.asked != kNoTime && now - good.asked < kGoodPause) return;
    good.asked = now;
    waiting_.push_back(target);
    if (waiting_.size() > 1) return;  // the first has asked for a start
  }
  loop_.Post([this] {
    if (!good_timer_.armed()) StartGood();
  });
}

void PathWalks::OnTimer(Timer&) { StartGood(); }

void PathWalks::StartGood() {
  std::optional<Address> target;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty()) return;
    if (running_ == 0) target = TakeWaiting();
    if (target) MarkRunning(kept_[target->ToString()]);
  }
  good_timer_.Arm(loop_.wheel(), kGoodSpacing, *this);
  if (target) Start(*target);
}

// Requires: the lock. Whose times have turned bad since waits on: a walk tells
// nothing of good times there, and would take the place of what one has found.
std::optional<Address> PathWalks::TakeWaiting() {
  const auto good = std::ranges::find_if(waiting_, [this](const Address& each) {
    const auto kept = kept_.find(each.ToString());
    return kept == kept_.end() || kept->second.begun == kNoTime ||
           loop_.now() - kept->second.begun >= kPause;
  });
  if (good == waiting_.end()) return {};
  const Address target = *good;
  waiting_.erase(good);
  return target;
}

// Requires: the lock.
void PathWalks::MarkRunning(Kept& kept) {
  ++running_;
  kept.running = true;
  if (kept_.size() > kMaxKept) ForgetOldest();
}

// Requires: the lock. Of those that are not running: there is one, for fewer
// may run than are kept.
void PathWalks::ForgetOldest() {
  auto oldest = kept_.end();
  for (auto each = kept_.begin(); each != kept_.end(); ++each) {
    if (each->second.running) continue;
    const bool older =
        oldest == kept_.end() || each->second.begun < oldest->second.begun;
    if (older) oldest = each;
  }
  kept_.erase(oldest);
}

void PathWalks::Start(const Address& target) {
  PathWalkEvents& events = *this;
  const auto good = FindGood(target, loop_.now());
  walks_.push_back(
      std::make_unique<PathWalk>(loop_, target, good.get(), events));
  walks_.back()->Start();
}

void PathWalks::OnPathWalked(PathWalk& walk, PathReport report) {
  const auto ended =
      std::ranges::find(walks_, &walk, &std::unique_ptr<PathWalk>::get);
  loop_.Retire(std::move(*ended));
  walks_.erase(ended);
  const std::lock_guard lock(mutex_);
  Kept& kept = kept_[report.target.ToString()];
  kept.running = false;
  kept.report = std::make_shared<const PathReport>(std::move(report));
  const PathHop* const last = kept.report->last();
  const auto good = good_.find(kept.report->target.Host());
  if (good != good_.end() && last != nullptr &&
      last->kind == PathHop::Kind::kTarget) {
    good->second.report = kept.report;
  }
  --running_;
}

std::shared_ptr<const PathReport> PathWalks::Find(const Address& target) const {
  const std::lock_guard lock(mutex_);
  const auto kept = kept_.find(target.ToString());
  return kept == kept_.end() ? nullptr : kept->second.report;
}

std::vector<std::shared_ptr<const PathReport>> PathWalks::All() const {
  std::vector<std::shared_ptr<const PathReport>> reports;
  const std::lock_guard lock(mutex_);
  for (const auto& [address, kept] : kept_) {
    if (kept.report != nullptr) reports.push_back(kept.report);
  }
  return reports;
}

std::shared_ptr<const PathReport> PathWalks::FindGood(const Address& target,
                                                      Time now) const {
  const std::lock_guard lock(mutex_);
  const auto good = good_.find(target.Host());
  if (good == good_.end() || good->second.report == nullptr) return nullptr;
  const bool old = now - good->second.report->ended > 2 * kGoodPause;
  return old ? nullptr : good->second.report;
}

std::optional<Address> PathWalks::Next(const PathReport& report,
                                       Time now) const {
  const auto good = FindGood(report.target, now);
  if (good != nullptr && GoesOn(report, *good)) return Behind(report, *good);
  std::optional<Address> next;
  for (const auto& other : All()) {
    if (now - other->ended > kPause || !GoesOn(report, *other)) continue;
    const auto behind = Behind(report, *other);
    if (!behind) continue;
    if (next && !(*next == *behind)) return {};
    next = behind;
  }
  return next;
}

void PathWalks::Stop() {
  good_timer_.Disarm();
  for (auto& walk : walks_) {
    walk->Close();
    loop_.Retire(std::move(walk));
  }
  walks_.clear();
}

}  // namespace whichhop
