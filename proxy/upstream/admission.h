#pragma once
// How many requests may be in flight at once, to an upstream and to each of
// its servers, and the line of those that wait: for the whole process, across
// workers and reloads. Thread-safe. Only what has a limit takes part; what has
// none pays nothing.
//
// Limits are counted in atomics, not divided among the workers: the kernel
// deals connections out unevenly, and of a limit of 1 only one worker could
// have a share. The line is first come, first served over all workers: a slot
// that comes free calls the head of the line, and nobody passes it.

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "proxy/base/clock.h"
#include "proxy/base/while_used.h"
#include "proxy/net/socket.h"

namespace whichhop {

// What one server, or one upstream, may have in flight.
class Slots {
 public:
  // 0: no limit. Lowered, it holds for those to come.
  void SetLimit(uint32_t limit) { limit_ = limit; }
  uint32_t limit() const { return limit_; }
  uint32_t used() const { return used_; }

  // False: all are taken.
  [[nodiscard]] bool Take();
  void Give() { --used_; }
  bool full() const {
    const uint32_t limit = limit_;
    return limit != 0 && used_ >= limit;
  }

 private:
  std::atomic<uint32_t> limit_ = 0;
  std::atomic<uint32_t> used_ = 0;
};

// A request in flight that counts against a limit. A by-value member of
// whoever sent it; its shard's thread alone changes it.
class Flight {
 public:
  Flight() = default;
  Flight(const Flight&) = delete;
  Flight& operator=(const Flight&) = delete;

 private:
  friend class FlightShard;
  Flight* next_ = nullptr;  // a circular list, or null
  Flight* previous_ = nullptr;
  Time begun_ = kNoTime;
  const Socket* socket_ = nullptr;  // while the whole request waits on it
  bool answered_ = false;
};

// What is known of the requests in flight.
struct FlightSurvey {
  uint32_t in_flight = 0;
  Duration oldest{};
  bool acked = true;     // each was acknowledged whole, and not answered yet
  bool answered = true;  // each has an answer that began
};

// One worker's requests in flight. Its lock is the worker's alone, but for
// when a request was refused and the sockets of all are asked: so a socket is
// never closed while another thread asks it.
class FlightShard {
 public:
  FlightShard() { list_.next_ = list_.previous_ = &list_; }

  void Begin(Flight& flight, Time now);
  // The whole request is written to `socket`; null: its answer began. The
  // socket stays open until the flight has ended or let go of it.
  void Await(Flight& flight, const Socket* socket);
  void End(Flight& flight);  // no-op if it never began

  // From any thread: adds what is known at `now`.
  void Survey(Time now, FlightSurvey* survey);

 private:
  std::mutex mutex_;
  Flight list_;
};

class Admission {
 public:
  // Whoever has requests in line: a worker.
  class Caller {
   public:
    // From any thread, and under the line's lock: it may only take a note, by
    // Loop::Post say.
    virtual void CallNumber(uint64_t number) = 0;

   protected:
    ~Caller() = default;
  };
  // A place in line; the number is the caller's own.
  struct Ticket {
    Caller* caller = nullptr;
    uint64_t number = 0;
    bool operator==(const Ticket&) const = default;
  };

  // Of all servers together.
  Slots& slots() { return slots_; }
  const Slots& slots() const { return slots_; }
  // Of the server with this address; lives as long as its users.
  std::shared_ptr<Slots> ServerSlots(const std::string& address);

  // A newcomer joins the line if there is one.
  bool has_line() const { return waiting_ != 0; }
  uint32_t waiting() const { return waiting_; }
  // At the end of the line. The head is called when it may try for a slot, and
  // it is at once if a slot may have come free.
  void Join(Ticket ticket);
  // The head answers the call, before it tries. False: it is not the head.
  [[nodiscard]] bool Answer(Ticket ticket);
  // Out of the line, with a slot or without. The next one is called.
  void Leave(Ticket ticket);
  // A slot came free, or a server came back.
  void OnRoom() {
    if (has_line()) CallHead();
  }

  void AddShard(FlightShard& shard);
  void RemoveShard(FlightShard& shard);
  // What all requests in flight are doing. Asks the kernel of each; so at most
  // once in kSurveyed, for a flood of refusals must not become one of calls.
  FlightSurvey Survey(Time now);

 private:
  static constexpr Duration kSurveyed = std::chrono::milliseconds(100);

  void CallHead();

  Slots slots_;
  std::atomic<uint32_t> waiting_ = 0;  // line_.size(), read without the lock
  std::mutex mutex_;
  std::deque<Ticket> line_;
  bool called_ = false;  // the head was, and has not answered
  WhileUsed<Slots> servers_;
  std::mutex survey_mutex_;
  std::vector<FlightShard*> shards_;
  FlightSurvey surveyed_;
  Time surveyed_at_ = kNoTime;
};

// The admissions of a process, by the name of the upstream. Thread-safe.
class AdmissionBook {
 public:
  // The same one for the same name, while anybody has it: a reload keeps what
  // is in flight and in line.
  std::shared_ptr<Admission> Of(const std::string& upstream);

 private:
  std::mutex mutex_;
  WhileUsed<Admission> admissions_;
};

}  // namespace whichhop
