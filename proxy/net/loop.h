#pragma once
// The event loop: one a thread, and the only user of libevent. What lives on a
// loop is touched on its thread alone; others reach it through Post().
//
// Lifetime: nothing is deleted inside a callback. Who closes silences itself
// (Disarm) and is handed to Retire(); it is deleted between two turns.

#include <event2/event.h>
#include <event2/event_struct.h>

#include <cassert>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "proxy/base/clock.h"
#include "proxy/net/timer_wheel.h"

namespace whichhop {

class Loop;

class WatchEvents {
 public:
  // The descriptor became readable or writable, ended or failed: the next
  // recv or send tells. Edges, not levels: each handler must go on until it
  // would block.
  virtual void OnReadable() = 0;
  virtual void OnWritable() = 0;

 protected:
  ~WatchEvents() = default;
};

// The registration of one descriptor, once, for both directions and edges. A
// by-value member of its owner, so that it can't die before it.
class Watch {
 public:
  Watch() = default;
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch() { assert(!armed_); }

  // False if the kernel refuses (out of memory or watches).
  [[nodiscard]] bool Arm(Loop& loop, int fd, WatchEvents& events);
  void Disarm();
  bool armed() const { return armed_; }
  // The peer sent a FIN (EPOLLRDHUP) since Arm: a read that comes short has to
  // be followed by another. Not so a RST: libevent hides EPOLLRDHUP behind
  // EPOLLERR, and only another call on the socket tells.
  bool peer_ended() const { return peer_ended_; }

 private:
  static void Trampoline(evutil_socket_t fd, short what, void* self);

  event event_{};
  Loop* loop_ = nullptr;
  WatchEvents* events_ = nullptr;
  bool armed_ = false;
  bool peer_ended_ = false;
};

class Retired {
 public:
  virtual ~Retired() = default;
};

class Loop {
 public:
  Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop();

  static const char* LibraryVersion() { return event_get_version(); }

  // Turns until Stop(). `between_turns` is called after each turn.
  void Run(const std::function<void()>& between_turns);
  void Stop() { stopped_ = true; }

  // The time at which the running callback was entered.
  Time now() const { return wheel_.now(); }
  TimerWheel& wheel() { return wheel_; }

  // Deletes `object` after the running turn.
  void Retire(std::unique_ptr<Retired> object);

  // From any thread: runs `task` on the loop's thread, in a later turn.
  void Post(std::function<void()> task);

 private:
  friend class Watch;
  friend class LevelWatch;

  void UpdateNow() { wheel_.SetNow(SteadyClock::now()); }
  void RunPosted();
  void ArmWake();

  static void OnWake(evutil_socket_t fd, short what, void* self);
  static void OnPosted(evutil_socket_t fd, short what, void* self);

  event_base* base_;
  TimerWheel wheel_;
  event wake_{};  // the one libevent timer: when the wheel has work
  Time wake_at_ = Time::max();
  Time due_ = kNoTime;  // deadlines until here pass after the next look
  event posted_{};
  int posted_fd_;
  std::mutex posted_mutex_;
  std::vector<std::function<void()>> posted_tasks_;
  std::vector<std::unique_ptr<Retired>> retired_;
  bool stopped_ = false;
};

// The registration of a listener: readable, by level, so that what one turn
// leaves in the queue comes up in the next.
class LevelWatch {
 public:
  class Events {
   public:
    virtual void OnReadable() = 0;

   protected:
    ~Events() = default;
  };

  LevelWatch() = default;
  LevelWatch(const LevelWatch&) = delete;
  LevelWatch& operator=(const LevelWatch&) = delete;
  ~LevelWatch() { assert(!armed_); }

  [[nodiscard]] bool Arm(Loop& loop, int fd, Events& events);
  void Disarm();
  bool armed() const { return armed_; }

 private:
  static void Trampoline(evutil_socket_t fd, short what, void* self);

  event event_{};
  Loop* loop_ = nullptr;
  Events* events_ = nullptr;
  bool armed_ = false;
};

}  // namespace whichhop
