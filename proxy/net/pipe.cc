#include "proxy/net/pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <utility>

namespace whichhop {

namespace {

// What a pipe is to hold, and what it has to, or copying is as good.
constexpr int kPipeBytes = 256 * 1024;
constexpr int kLeastBytes = 64 * 1024;
// Of one call; the kernel's own limit is near.
constexpr uint64_t kMostAtOnce = 1 << 30;

ssize_t Splice(int from, int to, size_t bytes) {
  ssize_t moved;
  do {
    moved = splice(from, nullptr, to, nullptr, bytes,
                   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  } while (moved < 0 && errno == EINTR);
  return moved;
}

}  // namespace

PipePool::~PipePool() {
  for (const PipeEnds& ends : free_) Close(ends);
}

void PipePool::DropIdle() {
  for (const PipeEnds& ends : std::exchange(free_, {})) Close(ends);
}

std::optional<PipeEnds> PipePool::Take() {
  if (!free_.empty()) {
    const PipeEnds ends = free_.back();
    free_.pop_back();
    return ends;
  }
  int ends[2];
  if (open_ >= kMost || pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) return {};
  ++open_;
  const PipeEnds opened{ends[0], ends[1]};
  if (fcntl(opened.write, F_SETPIPE_SZ, kPipeBytes) < 0 &&
      fcntl(opened.write, F_GETPIPE_SZ) < kLeastBytes) {
    Close(opened);
    return {};
  }
  return opened;
}

void PipePool::Give(PipeEnds ends) {
  if (free_.size() >= kKept) return Close(ends);
  free_.push_back(ends);
}

void PipePool::Close(PipeEnds ends) {
  close(ends.read);
  close(ends.write);
  --open_;
}

std::optional<IoResult> Pipe::Fill(Socket& from, uint64_t most) {
  assert(empty());
  const auto ends = pool_.Take();
  if (!ends) return {};
  const ssize_t moved = Splice(
      from.fd(), ends->write, static_cast<size_t>(std::min(most, kMostAtOnce)));
  if (moved > 0) {
    ends_ = *ends;
    bytes_ = static_cast<size_t>(moved);
    return IoResult{IoResult::Kind::kBytes, bytes_};
  }
  const int error = errno;
  pool_.Give(*ends);
  if (moved == 0) return IoResult{IoResult::Kind::kEnd};
  if (error == EAGAIN) return IoResult{IoResult::Kind::kAgain};
  // Not of the connection: a kind of socket that can't, or no memory for it.
  if (error == EINVAL || error == ENOSYS || error == ENOMEM) return {};
  return IoResult{IoResult::Kind::kError, 0, error};
}

IoResult Pipe::Drain(Socket& to) {
  size_t written = 0;
  while (bytes_ > 0) {
    const ssize_t moved = Splice(ends_.read, to.fd(), bytes_);
    if (moved <= 0) {
      if (errno == EAGAIN) return {IoResult::Kind::kAgain, written};
      return {IoResult::Kind::kError, written, errno};
    }
    written += static_cast<size_t>(moved);
    bytes_ -= static_cast<size_t>(moved);
    if (bytes_ == 0) pool_.Give(ends_);
  }
  return {IoResult::Kind::kBytes, written};
}

void Pipe::Clear() {
  if (bytes_ > 0) pool_.Close(ends_);
  bytes_ = 0;
}

}  // namespace whichhop
