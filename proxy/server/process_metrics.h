#pragma once
// What the process as a whole tells of itself, beside what its workers count:
// whether it serves, how the last reload went, and what the kernel says of it.

#include <atomic>
#include <cstdint>
#include <optional>

#include "proxy/base/counter.h"

namespace whichhop {

enum class Serving : uint8_t {
  kNotYet,    // no configuration serves
  kServing,   // from when the workers run
  kDraining,  // from TERM or INT
};

// Written by the main thread, read by the admin thread.
class ProcessState {
 public:
  void SetServing(Serving serving) { serving_ = serving; }
  Serving serving() const { return serving_; }

  // A start counts as a reload that succeeded.
  void NoteReload(bool successful);
  bool last_reload_successful() const { return last_reload_successful_; }
  // Of the last reload that succeeded; microseconds since the epoch, UTC.
  int64_t reloaded_at() const { return reloaded_at_.value(); }

 private:
  std::atomic<Serving> serving_ = Serving::kNotYet;
  std::atomic<bool> last_reload_successful_ = false;
  Gauge reloaded_at_;
};

// What /proc says, with the descriptors that it takes opened beforehand: it
// still answers when the process has none left. One thread's.
class ProcessStats {
 public:
  ProcessStats();
  ProcessStats(const ProcessStats&) = delete;
  ProcessStats& operator=(const ProcessStats&) = delete;
  ~ProcessStats();

  struct Memory {
    int64_t virtual_bytes = 0;
    int64_t resident_bytes = 0;
  };
  // Nothing where there is no /proc.
  std::optional<Memory> ReadMemory() const;
  std::optional<int64_t> CountDescriptors() const;

  static uint64_t CpuNanoseconds();  // user and system
  static int64_t MaxDescriptors();   // the soft limit
  // Microseconds since the epoch, UTC; 10 ms exact.
  int64_t started_at() const { return started_at_; }

 private:
  int statm_;
  void* descriptors_;  // a DIR
  int64_t started_at_;
};

}  // namespace whichhop
