#include "proxy/server/tunnel.h"

#include <utility>

namespace whichhop {

Buffer& TunnelLane::first(BufferPool& pool) {
  buffer_.Acquire(pool);
  return buffer_;
}

void TunnelLane::Pump(BufferPool& pool) {
  while (!done_ && read_error_ == 0 && write_error_ == 0) {
    if (!Send()) return;
    // An idle direction keeps no block.
    if (!readable_) return buffer_.Release(pool);
    if (!Receive(pool)) PassEndOn();
  }
}

// False: bytes are left, and `to_` does not take them.
bool TunnelLane::Send() {
  while (!buffer_.empty()) {
    const iovec part{buffer_.data(), buffer_.size()};
    const IoResult sent = to_.Send(&part, 1);
    if (sent.kind != IoResult::Kind::kBytes) {
      write_error_ = sent.error;
      return false;
    }
    moved_.sent += sent.bytes;
    buffer_.Consume(sent.bytes);
  }
  const IoResult flushed = to_.Flush();
  write_error_ = flushed.error;
  return flushed.kind == IoResult::Kind::kBytes;
}

// As it was said: an end that may be a cut is to look like one.
void TunnelLane::PassEndOn() {
  if (from_.ended_unclean()) return to_.socket().ShutdownWrite();
  to_.ShutdownWrite();
}

// False: `from_` has ended.
bool TunnelLane::Receive(BufferPool& pool) {
  buffer_.Acquire(pool);
  const IoResult got = from_.Receive(buffer_.space(), buffer_.space_size());
  switch (got.kind) {
    case IoResult::Kind::kBytes:
      buffer_.Append(got.bytes);
      moved_.received += got.bytes;
      return true;
    case IoResult::Kind::kAgain:
      readable_ = false;
      return true;
    case IoResult::Kind::kError:
      read_error_ = got.error;
      return true;
    case IoResult::Kind::kEnd:
      break;
  }
  done_ = true;
  buffer_.Release(pool);
  return false;
}

TunnelLane::Moved TunnelLane::TakeMoved() { return std::exchange(moved_, {}); }

Tunnel::~Tunnel() {
  up_.Release(pool_);
  down_.Release(pool_);
}

Tunnel::State Tunnel::Pump() {
  // An end that is read behind a failed write is none that was said.
  const bool said_goodbye = down_.done();
  up_.Pump(pool_);
  // What an upstream said before it took no more is the client's still.
  if (up_.write_error() != 0) down_.MarkReadable();
  down_.Pump(pool_);
  if (up_.read_error() != 0 || down_.write_error() != 0) {
    return State::kClientGone;
  }
  // Who has said goodbye may take no more: that is no failure of its own.
  if (said_goodbye && up_.write_error() != 0) return State::kEnded;
  error_ = down_.read_error();
  if (error_ == 0 && !down_.holds_bytes()) error_ = up_.write_error();
  if (error_ != 0) return State::kUpstreamGone;
  return up_.done() && down_.done() ? State::kEnded : State::kOpen;
}

}  // namespace whichhop
