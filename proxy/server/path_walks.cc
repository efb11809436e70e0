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
    ++running_;
    kept.running = true;
    kept.begun = now;
    if (kept_.size() > kMaxKept) ForgetOldest();
  }
  loop_.Post([this, target] { Start(target); });
}

bool PathWalks::AskInGoodTimes(const Address& target) {
  if (target.is_unix() || target.is_loopback()) return true;
  {
    const std::lock_guard lock(mutex_);
    if (good_.size() >= kMaxKept) return false;
    good_.push_back(target);
    if (good_.size() > 1) return true;  // the first has asked for a start
  }
  loop_.Post([this] {
    if (!good_timer_.armed()) StartGood();
  });
  return true;
}

void PathWalks::OnTimer(Timer&) { StartGood(); }

void PathWalks::StartGood() {
  std::optional<Address> target;
  {
    const std::lock_guard lock(mutex_);
    if (good_.empty()) return;
    if (running_ == 0) {
      target = good_.front();
      good_.pop_front();
      ++running_;
      kept_[target->ToString()].running = true;
      if (kept_.size() > kMaxKept) ForgetOldest();
    }
  }
  good_timer_.Arm(loop_.wheel(), kGoodSpacing, *this);
  if (target) Start(*target);
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
  walks_.push_back(std::make_unique<PathWalk>(loop_, target, events));
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
  if (last != nullptr && last->kind == PathHop::Kind::kTarget) {
    kept.good = kept.report;
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

std::vector<std::shared_ptr<const PathReport>> PathWalks::Others(
    const PathReport& report, Time now) const {
  std::vector<std::shared_ptr<const PathReport>> others;
  const std::string target = report.target.ToString();
  const std::lock_guard lock(mutex_);
  for (const auto& [address, kept] : kept_) {
    if (kept.report != nullptr && now - kept.report->ended <= kPause) {
      others.push_back(kept.report);
    }
    const bool comparable = report.last() != nullptr || address == target;
    if (kept.good != nullptr && comparable &&
        now - kept.good->ended <= 2 * kGoodPause) {
      others.push_back(kept.good);
    }
  }
  return others;
}

std::optional<Address> PathWalks::Next(const PathReport& report,
                                       Time now) const {
  std::optional<Address> next;
  for (const auto& other : Others(report, now)) {
    if (!GoesOn(report, *other)) continue;
    const PathHop& hop = other->hops[report.hops.size()];
    if (hop.kind != PathHop::Kind::kPassed) continue;
    if (next && !(*next == hop.from)) return {};
    next = hop.from;
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
