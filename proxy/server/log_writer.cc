#include "proxy/server/log_writer.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "proxy/server/log_target.h"

namespace whichhop {

Result<std::unique_ptr<LogWriter>> LogWriter::Open(const std::string& target) {
  const Result<LogTarget> opened = OpenLogTarget(target);
  if (!opened.ok()) return Error{opened.error()};
  return std::unique_ptr<LogWriter>(
      new LogWriter(opened.value().fd, opened.value().owned));
}

LogWriter::LogWriter(int fd, bool owned)
    : fd_(fd), owned_(owned), to_terminal_(fd >= 0 && isatty(fd) == 1) {
  if (!off()) thread_ = std::thread([this] { Run(); });
}

LogWriter::~LogWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  filled_.notify_one();
  if (thread_.joinable()) thread_.join();
  if (owned_) close(fd_);
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

void LogWriter::Run() {
  std::unique_lock lock(mutex_);
  while (!stopping_ || !waiting_.empty()) {
    filled_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    std::vector<std::string> chunks;
    chunks.swap(waiting_);
    lock.unlock();
    for (const std::string& chunk : chunks) Write(chunk);
    lock.lock();
    for (std::string& chunk : chunks) {
      chunk.clear();
      if (empty_.size() < kMaxWaiting) empty_.push_back(std::move(chunk));
    }
  }
}

void LogWriter::Write(const std::string& chunk) {
  size_t written = 0;
  while (written < chunk.size()) {
    const ssize_t result =
        write(fd_, chunk.data() + written, chunk.size() - written);
    if (result >= 0) {
      written += static_cast<size_t>(result);
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return;  // a full disk, a closed pipe: lost
    pollfd writable{fd_, POLLOUT, 0};
    poll(&writable, 1, -1);
  }
}

}  // namespace whichhop
