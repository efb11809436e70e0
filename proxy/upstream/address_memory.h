#pragma once
// What the whole process saw of an address lately: whoever fails to reach it,
// or another one beside it, asks what others saw. Thread-safe, and on the
// request path without a lock: single values that each stand for themselves,
// written seldom and read when a request fails.

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>

#include "proxy/base/clock.h"
#include "proxy/base/while_used.h"
#include "proxy/net/address.h"

namespace whichhop {

// What a router said to an attempt: there is no way on. Routers say it once a
// second or so, and whoever else asks hears nothing.
struct NoWayOn {
  Address said_by;  // port 0
  // "No such host": or its route is whole, and who comes behind it is gone.
  bool no_such_host = false;
  Time at = kNoTime;
};

class AddressMemory {
 public:
  // A request that was written at `asked` got an answer. On the request path:
  // as a rule one load, for a later one that tells no more than the last is not
  // kept.
  void NoteAnswer(Time asked) {
    const int64_t at = asked.time_since_epoch().count();
    if (at < asked_.load(std::memory_order_relaxed) + kGrain) return;
    asked_.store(at, std::memory_order_relaxed);
  }
  // Nothing came from there from `since` until `now`. A silence that goes on
  // since one of the last seconds is one with it.
  void NoteSilence(Time since, Time now);
  // A router's ICMP error for a packet to this address. It takes a lock.
  void NoteNoWay(const NoWayOn& word);
  // It refused a connection.
  void NoteRefusal(Time now) { Store(refused_, now); }
  // A connection that stood idle was reset when it was used.
  void NoteForgotten(Time now) { Store(forgotten_, now); }
  // The way to it was looked at while it answered.
  void NoteWalked(Time now) { Store(walked_, now); }
  // Its kernel ended a connection in order (FIN) that nobody here wanted ended.
  void NoteEnd(Time now) { Store(ended_, now); }

  // An answer broke off; when the one before did, kNoTime: never.
  Time NoteBroken(Time now);

  // When the last request that was answered had been asked; kNoTime: none was.
  Time asked() const { return Load(asked_); }
  Time silent_since() const { return Load(silent_since_); }
  Time silent_until() const { return Load(silent_until_); }
  Time ended() const { return Load(ended_); }
  Time walked() const { return Load(walked_); }
  Time refused() const { return Load(refused_); }
  Time forgotten() const { return Load(forgotten_); }
  // The last word of a router, however old. It takes a lock.
  std::optional<NoWayOn> no_way() const;

 private:
  using Value = std::atomic<int64_t>;
  static constexpr int64_t kNever = Time::min().time_since_epoch().count();
  static constexpr int64_t kGrain =
      Duration(std::chrono::milliseconds(50)).count();

  static Time Load(const Value& value) {
    return Time(Duration(value.load(std::memory_order_relaxed)));
  }

  static void Store(Value& value, Time time) {
    value.store(time.time_since_epoch().count(), std::memory_order_relaxed);
  }

  Value asked_ = kNever;
  Value silent_since_ = kNever;
  Value silent_until_ = kNever;
  Value ended_ = kNever;
  Value broken_ = kNever;
  Value refused_ = kNever;
  Value forgotten_ = kNever;
  Value walked_ = kNever;

  mutable std::mutex mutex_;
  std::optional<NoWayOn> no_way_;
};

// The memories of all addresses that somebody may connect to. Thread-safe, by
// a lock: it is asked when a configuration or a name changes.
class AddressBook {
 public:
  // It lives as long as its users.
  std::shared_ptr<AddressMemory> Of(const Address& address);

 private:
  std::mutex mutex_;
  WhileUsed<AddressMemory> memories_;
};

}  // namespace whichhop
