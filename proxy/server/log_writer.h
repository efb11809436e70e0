#pragma once
// A LogWriter is the one thread that writes a log to its descriptor, so that no
// worker ever waits for a disk or a pipe. What it can't take is dropped whole,
// and counted.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "proxy/base/result.h"

namespace whichhop {

class LogWriter {
 public:
  // `target`: stdout, stderr, off or a path, which is created or appended to.
  static Result<std::unique_ptr<LogWriter>> Open(const std::string& target);
  ~LogWriter();  // writes what it has been given

  bool off() const { return fd_ < 0; }
  bool to_terminal() const { return to_terminal_; }

  // Takes the lines in *chunk and leaves it empty, with memory to fill again.
  // False, with *chunk untouched, if too much is waiting already.
  bool Submit(std::string* chunk);

 private:
  explicit LogWriter(int fd, bool owned);
  void Run();
  void Write(const std::string& chunk);

  // Chunks that may wait: 64 KiB each.
  static constexpr size_t kMaxWaiting = 64;

  const int fd_;
  const bool owned_;  // to be closed
  const bool to_terminal_;
  std::mutex mutex_;
  std::condition_variable filled_;
  std::vector<std::string> waiting_;
  std::vector<std::string> empty_;  // written out, for the workers to fill
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace whichhop
