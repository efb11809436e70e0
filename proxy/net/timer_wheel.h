#pragma once
// A coarse timer wheel: arming a timer again is a store, never a heap
// operation or a system call. Timers fire late by up to two ticks (17 ms),
// never early. One wheel a loop; single-threaded.

#include <array>
#include <cstdint>
#include <limits>

#include "proxy/base/clock.h"

namespace whichhop {

class Timer;
class TimerWheel;

class TimerEvents {
 public:
  // `timer` is disarmed. May destroy it, its owner, or any other timer.
  virtual void OnTimer(Timer& timer) = 0;

 protected:
  ~TimerEvents() = default;
};

// A by-value member of whoever waits; its destruction disarms it.
class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { Unlink(); }

  // Fires once, `delay` from the wheel's now. Arming an armed timer moves it.
  void Arm(TimerWheel& wheel, Duration delay, TimerEvents& events);
  void Disarm() { deadline_ = kNever; }
  bool armed() const { return deadline_ != kNever; }

 private:
  friend class TimerWheel;
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

  void Unlink();

  // Linked into a slot no later than the deadline's: a later deadline, or
  // none, is seen when that slot comes up.
  Timer* next_ = nullptr;
  Timer* previous_ = nullptr;
  int64_t deadline_ = kNever;  // nanoseconds of the steady clock
  int64_t tick_ = 0;           // of the slot that it is linked into
  TimerEvents* events_ = nullptr;
};

class TimerWheel {
 public:
  explicit TimerWheel(Time now);
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;
  ~TimerWheel();

  void SetNow(Time now) { now_ = now.time_since_epoch().count(); }
  Time now() const { return Time(Duration(now_)); }
  // Fires what is due at `time`. Requires: time <= now().
  void Advance(Time time);
  // When Advance has something to look at next; the wheel's horizon if there
  // is nothing.
  Time NextTime() const;

 private:
  friend class Timer;
  static constexpr int kTickShift = 23;  // 2^23 ns: 8.4 ms
  static constexpr int64_t kSlots = 1024;
  static constexpr int64_t Tick(int64_t nanoseconds) {
    return nanoseconds >> kTickShift;
  }

  void Link(Timer& timer);
  void FireSlot(Timer& slot, int64_t due);

  std::array<Timer, kSlots> slots_;               // sentinels of circular lists
  std::array<uint64_t, kSlots / 64> occupied_{};  // a bit a slot; may be stale
  int64_t now_;                                   // nanoseconds
  int64_t passed_;  // ticks up to this one were fired
};

}  // namespace whichhop
