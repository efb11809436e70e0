#include "proxy/server/log_writer.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace whichhop {

namespace {

void WriteAll(int fd, const std::string& chunk) {
  size_t written = 0;
  while (written < chunk.size()) {
    const ssize_t result =
        write(fd, chunk.data() + written, chunk.size() - written);
    if (result >= 0) {
      written += static_cast<size_t>(result);
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return;  // a full disk, a closed pipe: lost
    pollfd writable{fd, POLLOUT, 0};
    poll(&writable, 1, -1);
  }
}

}  // namespace

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
    if (next_target_) CloseLogTarget(*next_target_);
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
    lock.unlock();
    // What was given before the replacement belongs to the old target.
    for (const std::string& chunk : chunks) {
      if (target_.fd >= 0) WriteAll(target_.fd, chunk);
    }
    if (next_target) {
      CloseLogTarget(target_);
      target_ = *next_target;
    }
    lock.lock();
    for (std::string& chunk : chunks) {
      chunk.clear();
      if (empty_.size() < kMaxWaiting) empty_.push_back(std::move(chunk));
    }
  }
}

}  // namespace whichhop
