#include "proxy/net/path_walk.h"

#include <algorithm>
#include <cerrno>
#include <span>
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

bool PathReport::Passed(const Address& router) const {
  return std::ranges::any_of(hops, [&router](const PathHop& hop) {
    return hop.kind == PathHop::Kind::kPassed && hop.from == router;
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
  void Restart(int* error) {
    End();
    Start(error);
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

  // Asks no longer; what it has seen stands.
  void End() {
    if (ended()) return;
    watch_.Disarm();
    socket_.ResetOnClose();  // nobody waits for a request
    socket_.Close();
  }

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

  PathWalk& walk_;
  const int hops_;
  Socket socket_;
  Watch watch_;
  Time begun_ = kNoTime;
  PathHop seen_;
};

PathWalk::PathWalk(Loop& loop, const Address& target, const PathReport* before,
                   PathWalkEvents& events)
    : loop_(loop), events_(events) {
  report_.target = target;
  if (before == nullptr) return;
  routers_ = before->hops.size() - 1;  // the last is the target
  for (const PathHop& hop : before->hops) {
    again_after_ = std::max(again_after_, hop.took);
  }
}

PathWalk::~PathWalk() = default;

void PathWalk::Start() {
  begun_ = loop_.now();
  BeginBatch();
  if (routers_ > 0) again_.Arm(loop_.wheel(), again_after_, *this);
}

void PathWalk::Close() {
  closed_ = true;
  timer_.Disarm();
  again_.Disarm();
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
// asked any more: a router says little in a second, and what it says of a
// nearer step tells more.
void PathWalk::OnStep() {
  const auto end = std::ranges::find_if(steps_, [](const auto& step) {
    return step->seen().kind >= PathHop::Kind::kRefused;
  });
  if (end != steps_.end()) {
    std::for_each(end + 1, steps_.end(), [](const auto& step) { step->End(); });
  }
  const bool all = std::ranges::all_of(
      steps_, [](const auto& step) { return step->ended(); });
  // Not within the step's own call.
  if (all) timer_.Arm(loop_.wheel(), Duration{}, *this);
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

// A router says little in a second, and others ask it too: the nearest that is
// silent is asked until it says something.
void PathWalk::AskAgain() {
  again_.Arm(loop_.wheel(), again_after_, *this);
  const auto known = std::span(steps_).first(std::min(routers_, steps_.size()));
  const auto silent = std::ranges::find_if(known, [](const auto& step) {
    return step->seen().kind == PathHop::Kind::kSilent;
  });
  int error = 0;  // what the walk began with went out
  if (silent != known.end() && !(*silent)->ended()) (*silent)->Restart(&error);
}

void PathWalk::OnTimer(Timer& timer) {
  if (&timer == &again_) return AskAgain();
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
