#pragma once
// A LogWriter is the one thread that writes a log to its target, so that no
// worker ever waits for a disk or a pipe. What it can't take is dropped whole,
// and counted by whoever offered it.

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "proxy/server/log_target.h"

namespace whichhop {

class LogWriter {
 public:
  explicit LogWriter(LogTarget target);
  // Writes what it has been given; what a stuck reader does not take within two
  // seconds is lost.
  ~LogWriter();

  // From any thread.
  bool off() const { return off_.load(std::memory_order_relaxed); }
  bool to_terminal() const {
    return to_terminal_.load(std::memory_order_relaxed);
  }

  // From any thread: takes the lines in *chunk and leaves it empty, with memory
  // to fill again. False, with *chunk untouched, if too much is waiting.
  bool Submit(std::string* chunk);

  // From any thread: what is submitted from here on goes to `target`.
  void Replace(LogTarget target);

 private:
  void Describe(const LogTarget& target);
  void Run();
  void WriteAll(const std::string& chunk);
  bool AwaitWritable();

  // Chunks that may wait: 64 KiB each.
  static constexpr size_t kMaxWaiting = 64;

  std::atomic<bool> off_;
  std::atomic<bool> to_terminal_;
  std::mutex mutex_;
  std::condition_variable filled_;
  LogTarget target_;  // the writing thread's alone, once it runs
  std::optional<LogTarget> next_target_;
  size_t old_chunks_ = 0;  // of waiting_, those before next_target_
  std::vector<std::string> waiting_;
  std::vector<std::string> empty_;  // written out, for the workers to fill
  std::atomic<bool> stopping_ = false;
  int patience_ = 20;  // polls of a stuck target, once stopping
  std::thread thread_;
};

}  // namespace whichhop
