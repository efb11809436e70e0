#pragma once
// A walk along the path to an address: TCP connects whose TTL ends on the way,
// so that each router in turn has to say that it was there (RFC 792, RFC 4443:
// time exceeded). It needs no privilege. What does not answer may be broken, or
// may just not answer: only the last answer says something.
//
// Lives on one loop, owned by whoever began it; dies by Close(), and is closed
// when it has ended.

#include <memory>
#include <vector>

#include "proxy/net/loop.h"
#include "proxy/net/socket.h"

namespace whichhop {

// What came back of one TTL.
struct PathHop {
  enum class Kind : uint8_t {
    kSilent,   // nothing, in its time
    kPassed,   // a router: the packet's time ended there
    kRefused,  // a router, or a firewall: there is no way on, or none allowed
    kTarget,   // the target itself: it accepted, or refused by a RST
  };
  Kind kind = Kind::kSilent;
  Address from;     // who answered, port 0; of size 0 where it was silent
  Duration took{};  // until the answer
};

// A value.
struct PathReport {
  Address target;
  Time ended = kNoTime;
  std::vector<PathHop> hops;  // [0] of TTL 1
  int error = 0;  // of our own kernel, which let no packet out; 0: none

  // The last that answered; null: none did.
  const PathHop* last() const;
  // It let a packet's time end: so it has a route. If it refused another, it
  // is not its route that failed, but whoever comes behind it.
  bool Passed(const Address& router) const;
  bool last_passed() const { return last() != nullptr && Passed(last()->from); }
  // Nobody between it and who answered before was silent: it spoke of the first
  // packet that came to it.
  bool last_follows() const;
};

class PathWalk;

class PathWalkEvents {
 public:
  // Called once. The walk is closed, and may be retired.
  virtual void OnPathWalked(PathWalk& walk, PathReport report) = 0;

 protected:
  ~PathWalkEvents() = default;
};

class PathWalk final : public Retired, private TimerEvents {
 public:
  static constexpr size_t kMaxHops = 16;
  // TTLs that begin together, one such batch after the other, until all of one
  // are silent.
  static constexpr size_t kTogether = 4;
  static constexpr Duration kBatchTime = std::chrono::seconds(1);
  // Nobody is given up before: a router asks three times, a second each, for
  // a neighbour that does not answer.
  static constexpr Duration kLeastTime = std::chrono::milliseconds(3500);

  // A router that should answer and does not is asked again so often, or as
  // seldom as its answer takes.
  static constexpr Duration kAgain = std::chrono::milliseconds(60);

  // `before`: a walk that got there; null: none is known. Requires: `target` is
  // no Unix address.
  PathWalk(Loop& loop, const Address& target, const PathReport* before,
           PathWalkEvents& events);
  ~PathWalk() override;

  // How it ends is heard in a later turn: after kLeastTime, or one kBatchTime
  // for each batch, whichever is longer; sooner where the target answers.
  void Start();
  // Silent from here on.
  void Close();

 private:
  class Step;

  void OnTimer(Timer& timer) override;
  void AskAgain();
  void BeginBatch();
  void OnStep();
  bool BatchIsSilent() const;
  bool Over() const;
  void Finish();

  Loop& loop_;
  size_t routers_ = 0;  // on the way; 0: it is not known
  Duration again_after_ = kAgain;
  PathWalkEvents& events_;
  PathReport report_;
  Time begun_ = kNoTime;
  Timer timer_;
  Timer again_;
  std::vector<std::unique_ptr<Step>> steps_;  // [0] of TTL 1
  bool closed_ = false;
};

}  // namespace whichhop
