#include "proxy/server/log_writer.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

namespace whichhop {

namespace {

constexpr int kPollMilliseconds = 100;

// How much can be written to a target that polls writable without blocking: a
// pipe's reader may be stuck, and a process that stops must not wait for it.
size_t StepOf(int fd) {
  struct stat status {};
  const bool pipe = fstat(fd, &status) == 0 &&
                    (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode));
  return pipe ? PIPE_BUF : std::string::npos;
}

}  // namespace

bool LogWriter::AwaitWritable() {
  while (!stopping_ || patience_ > 0) {
    pollfd writable{target_.fd, POLLOUT, 0};
    if (poll(&writable, 1, kPollMilliseconds) > 0) return true;
    if (stopping_) --patience_;
  }
  return false;
}

void LogWriter::WriteAll(const std::string& chunk) {
  const size_t step = StepOf(target_.fd);
  size_t written = 0;
  while (written < chunk.size() && AwaitWritable()) {
    const ssize_t result = write(target_.fd, chunk.data() + written,
                                 std::min(step, chunk.size() - written));
    if (result >= 0) {
      written += static_cast<size_t>(result);
    } else if (errno != EINTR && errno != EAGAIN) {
      return;  // a full disk, a closed pipe: lost
    }
  }
}

LogWriter::LogWriter(LogTarget target) : target_(target) {
  Describe(target);
  thread_ = std::thread([this] { Run(); });
}

LogWriter::~LogWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  filled_.notify_one();
  thread_.join();
  if (next_target_) CloseLogTarget(*next_target_);
  CloseLogTarget(target_);
}

void LogWriter::Describe(const LogTarget& target) {
  off_ = target.fd < 0;
  to_terminal_ = target.fd >= 0 && isatty(target.fd) == 1;
}

bool LogWriter::Submit(std::string* chunk) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= kMaxWaiting) return false;
    waiting_.push_back(std::move(*chunk));
    chunk->clear();
    if (!empty_.empty()) {
      *chunk = std::move(empty_.back());
      empty_.pop_back();
    }
  }
  filled_.notify_one();
  return true;
}

void LogWriter::Replace(LogTarget target) {
  {
    const std::lock_guard lock(mutex_);
    if (next_target_) {
      CloseLogTarget(*next_target_);
    } else {
      old_chunks_ = waiting_.size();
    }
    next_target_ = target;
    Describe(target);
  }
  filled_.notify_one();
}

void LogWriter::Run() {
  std::unique_lock lock(mutex_);
  while (!stopping_ || !waiting_.empty()) {
    filled_.wait(lock, [this] {
      return stopping_ || next_target_ || !waiting_.empty();
    });
    std::vector<std::string> chunks;
    chunks.swap(waiting_);
    const auto next_target = std::exchange(next_target_, std::nullopt);
    const size_t old_chunks = next_target ? old_chunks_ : chunks.size();
    lock.unlock();
    for (size_t i = 0; i <= chunks.size(); ++i) {
      if (i == old_chunks && next_target) {
        CloseLogTarget(target_);
        target_ = *next_target;
      }
      if (i < chunks.size() && target_.fd >= 0) WriteAll(chunks[i]);
    }
    lock.lock();
    for (std::string& chunk : chunks) {
      chunk.clear();
      if (empty_.size() < kMaxWaiting) empty_.push_back(std::move(chunk));
    }
  }
}

}  // namespace whichhop
