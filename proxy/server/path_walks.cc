#include "proxy/server/path_walks.h"

#include <algorithm>
#include <utility>

namespace whichhop {

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

std::optional<Address> PathWalks::First(const Address& target, Time now) const {
  std::optional<Address> first;
  for (const auto& report : All()) {
    if (report->hops.empty() || now - report->ended > kPause) continue;
    const PathHop& hop = report->hops.front();
    const bool alike = hop.from.IpBytes().size() == target.IpBytes().size();
    if (hop.kind != PathHop::Kind::kPassed || !alike) continue;
    if (first && !(*first == hop.from)) return {};
    first = hop.from;
  }
  return first;
}

void PathWalks::Stop() {
  for (auto& walk : walks_) {
    walk->Close();
    loop_.Retire(std::move(walk));
  }
  walks_.clear();
}

}  // namespace whichhop
