#pragma once
// The path walks of the process, and what they found: made on a loop that
// carries no requests, asked for and read by any thread when a request has
// failed. Nobody waits for one: the next verdict has it.
//
// To one address at most one a minute; at most kMaxRunning at a time, and who
// asks then asks in vain; of kMaxKept addresses the oldest is forgotten. How
// the way to a host looks in good times is found out once an hour, one host
// after the other and while no other walk runs, for routers say little in a
// second: it tells who comes next where a later walk ends. Of kMaxKept hosts;
// no more.

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "proxy/net/path_walk.h"

namespace whichhop {

class PathWalks final : private PathWalkEvents, private TimerEvents {
 public:
  static constexpr size_t kMaxRunning = 8;
  static constexpr size_t kMaxKept = 256;
  static constexpr Duration kPause = std::chrono::minutes(1);
  static constexpr Duration kGoodPause = std::chrono::hours(1);
  static constexpr Duration kGoodSpacing = std::chrono::seconds(1);

  // On `loop`, which outlives it.
  explicit PathWalks(Loop& loop) : loop_(loop) {}

  // From any thread. No-op for Unix and loopback addresses.
  void Ask(const Address& target, Time now);
  // From any thread, while the target answers.
  void AskInGoodTimes(const Address& target, Time now);
  // From any thread: the last one to end; null: none has.
  std::shared_ptr<const PathReport> Find(const Address& target) const;
  std::vector<std::shared_ptr<const PathReport>> All() const;
  // Who comes behind the last that answered `report`: the router that answered
  // next in good times, if that walk went the same way so far, else where
  // another of the last minute did. Nobody where those disagree.
  std::optional<Address> Next(const PathReport& report, Time now) const;

  // On the loop's thread: ends those that run.
  void Stop();

 private:
  struct Kept {
    Time begun = kNoTime;
    bool running = false;
    std::shared_ptr<const PathReport> report;
  };
  struct Good {
    Time asked = kNoTime;
    std::shared_ptr<const PathReport> report;  // the last that got there
  };

  std::shared_ptr<const PathReport> FindGood(const Address& target,
                                             Time now) const;
  void StartGood();
  std::optional<Address> TakeWaiting();
  void OnTimer(Timer& timer) override;
  void Start(const Address& target);
  void OnPathWalked(PathWalk& walk, PathReport report) override;
  void MarkRunning(Kept& kept);
  void ForgetOldest();

  Loop& loop_;
  std::vector<std::unique_ptr<PathWalk>> walks_;  // the loop's thread's
  Timer good_timer_;                              // and this
  mutable std::mutex mutex_;
  std::map<std::string, Kept> kept_;
  size_t running_ = 0;
  std::map<std::string, Good> good_;  // by host
  std::deque<Address> waiting_;       // for a walk of good times
};

}  // namespace whichhop
