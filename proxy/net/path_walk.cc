#include "proxy/net/path_walk.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace whichhop {

namespace {

// RFC 792: 11 is time exceeded. RFC 4443: 3 is.
bool IsTimeExceeded(const IcmpError& icmp) {
  return icmp.type == (icmp.v6 ? 3 : 11);
}

}  // namespace

const PathHop* PathReport::last() const {
  for (size_t i = hops.size(); i-- > 0;) {
    if (hops[i].kind != PathHop::Kind::kSilent) return &hops[i];
  }
  return nullptr;
}

bool PathReport::last_passed() const {
  const PathHop* const end = last();
  if (end == nullptr) return false;
  return std::ranges::any_of(hops, [end](const PathHop& hop) {
    return hop.kind == PathHop::Kind::kPassed && hop.from == end->from;
  });
}

bool PathReport::last_follows() const {
  const PathHop* const end = last();
  if (end == nullptr) return false;
  const size_t before = static_cast<size_t>(end - hops.data());
  return before == 0 || hops[before - 1].kind != PathHop::Kind::kSilent;
}

// One connect.
class PathWalk::Step final : private WatchEvents {
 public:
  Step(PathWalk& walk, int hops) : walk_(walk), hops_(hops) {}
  ~Step() { End(); }

  // False with *error set: the kernel lets it not go.
  bool Start(int* error) {
    socket_ = Socket::Connect(walk_.report_.target, error, hops_);
    if (!socket_.open()) return false;
    begun_ = walk_.loop_.now();
    if (watch_.Arm(walk_.loop_, socket_.fd(), *this)) return true;
    *error = ENOMEM;
    socket_.Close();
    return false;
  }
  // What is here already, though the loop has not come to it.
  void Look() {
    if (ended()) return;
    const auto icmp = socket_.TakeIcmpError();
    const int error = socket_.TakeError();
    if (icmp || error != 0) Judge(error, icmp);
  }
  bool ended() const { return !socket_.open(); }
  const PathHop& seen() const { return seen_; }

 private:
  // How it ended, OnWritable finds.
  void OnReadable() override {}
  void OnWritable() override {
    const int error = socket_.TakeError();
    const auto icmp = socket_.TakeIcmpError();
    seen_.took = walk_.loop_.now() - begun_;
    Judge(error, icmp);
    End();
    walk_.OnStep();
  }

  void Judge(int error, const std::optional<IcmpError>& icmp) {
    const Address& target = walk_.report_.target;
    const bool answered = error == 0 || error == ECONNREFUSED;
    if (!icmp && answered) {
      seen_.kind = PathHop::Kind::kTarget;
      seen_.from = target.WithPort(0);
    }
    if (!icmp) return;
    const Address ours = socket_.LocalAddress();
    if (icmp->offender.IpBytes() == ours.IpBytes()) return;  // our own kernel's
    seen_.from = icmp->offender;
    seen_.kind = IsTimeExceeded(*icmp) ? PathHop::Kind::kPassed
                                       : PathHop::Kind::kRefused;
    if (icmp->offender.IpBytes() == target.IpBytes()) {
      seen_.kind = PathHop::Kind::kTarget;
    }
  }

  void End() {
    if (ended()) return;
    watch_.Disarm();
    socket_.ResetOnClose();  // nobody waits for a request
    socket_.Close();
  }

  PathWalk& walk_;
  const int hops_;
  Socket socket_;
  Watch watch_;
  Time begun_ = kNoTime;
  PathHop seen_;
};

PathWalk::PathWalk(Loop& loop, const Address& target, PathWalkEvents& events)
    : loop_(loop), events_(events) {
  report_.target = target;
}

PathWalk::~PathWalk() = default;

void PathWalk::Start() {
  begun_ = loop_.now();
  BeginBatch();
}

void PathWalk::Close() {
  closed_ = true;
  timer_.Disarm();
  steps_.clear();
}

void PathWalk::BeginBatch() {
  timer_.Arm(loop_.wheel(), kBatchTime, *this);
  for (size_t i = 0; i < kTogether; ++i) {
    steps_.push_back(
        std::make_unique<Step>(*this, static_cast<int>(steps_.size() + 1)));
    // Where our kernel lets one not out, none gets out.
    if (!steps_.back()->Start(&report_.error)) return;
  }
}

// Whoever lies behind the target, or behind a router that refuses, is not
// waited for.
void PathWalk::OnStep() {
  for (const auto& step : steps_) {
    if (!step->ended()) return;
    if (step->seen().kind >= PathHop::Kind::kRefused) break;
  }
  // Not within the step's own call.
  timer_.Arm(loop_.wheel(), Duration{}, *this);
}

bool PathWalk::BatchIsSilent() const {
  return std::all_of(steps_.end() - kTogether, steps_.end(),
                     [](const auto& step) {
                       return step->seen().kind == PathHop::Kind::kSilent;
                     });
}

// No further TTL would tell more.
bool PathWalk::Over() const {
  const bool ended = std::ranges::any_of(steps_, [](const auto& step) {
    return step->seen().kind >= PathHop::Kind::kRefused;
  });
  return ended || report_.error != 0 || steps_.size() >= kMaxHops ||
         BatchIsSilent();
}

void PathWalk::OnTimer(Timer&) {
  if (!Over()) return BeginBatch();
  const bool reached = std::ranges::any_of(steps_, [](const auto& step) {
    return step->seen().kind == PathHop::Kind::kTarget;
  });
  const Duration left = kLeastTime - (loop_.now() - begun_);
  const bool early = !reached && report_.error == 0 && left > Duration{};
  if (early) return timer_.Arm(loop_.wheel(), left, *this);
  Finish();
}

void PathWalk::Finish() {
  for (const auto& step : steps_) {
    step->Look();
    report_.hops.push_back(step->seen());
    if (step->seen().kind >= PathHop::Kind::kRefused) break;
  }
  while (!report_.hops.empty() &&
         report_.hops.back().kind == PathHop::Kind::kSilent) {
    report_.hops.pop_back();
  }
  report_.ended = loop_.now();
  Close();
  events_.OnPathWalked(*this, std::move(report_));
}

}  // namespace whichhop
