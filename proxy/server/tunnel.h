#pragma once
// A Tunnel is what becomes of an exchange whose protocol was switched (RFC
// 9110, section 7.8): bytes of the client to the upstream and back, which
// nobody here reads. Each direction has one block while it holds bytes, and
// none when it is idle; it is read again only when all of it was written, so a
// slow reader stops its own sender. The FIN of one side is passed to the other,
// behind the bytes before it. Owned by the exchange, which owns the sockets too
// and calls Pump() when either has something to tell; no clock, no log.

#include <cstdint>
#include <string_view>

#include "proxy/net/buffer.h"
#include "proxy/net/stream.h"

namespace whichhop {

// One direction.
class TunnelLane {
 public:
  // Both outlive it.
  TunnelLane(Stream& from, Stream& to) : from_(from), to_(to) {}

  // What goes first. Requires: nothing was pumped yet.
  Buffer& first(BufferPool& pool);

  // Reads and writes until one of the sockets would block, ended or failed.
  void Pump(BufferPool& pool);
  void MarkReadable() { readable_ = true; }
  void Release(BufferPool& pool) { buffer_.Release(pool); }

  bool done() const { return done_; }  // the FIN was passed on
  bool holds_bytes() const { return !buffer_.empty() || to_.unsent(); }
  int read_error() const { return read_error_; }  // errno, or 0
  int write_error() const { return write_error_; }

  struct Moved {
    uint64_t received = 0;
    uint64_t sent = 0;
  };
  // Since the last call.
  Moved TakeMoved();

 private:
  bool Send();
  bool Receive(BufferPool& pool);
  void PassEndOn();

  Stream& from_;
  Stream& to_;
  Buffer buffer_;         // received and not yet sent
  bool readable_ = true;  // `from_` may have more than was received
  bool done_ = false;
  int read_error_ = 0;
  int write_error_ = 0;
  Moved moved_;
};

class Tunnel {
 public:
  enum class State : uint8_t {
    kOpen,
    kEnded,         // both sides said that they have no more
    kClientGone,    // the client's socket failed
    kUpstreamGone,  // error() is the errno
  };

  // The connections and the pool outlive it.
  Tunnel(BufferPool& pool, Stream& client, Stream& upstream)
      : pool_(pool), up_(client, upstream), down_(upstream, client) {}
  ~Tunnel();

  TunnelLane& up() { return up_; }      // to the upstream
  TunnelLane& down() { return down_; }  // to the client

  State Pump();
  int error() const { return error_; }
  // Whether bytes wait for a side that does not take them.
  bool holds_bytes() const { return up_.holds_bytes() || down_.holds_bytes(); }

 private:
  BufferPool& pool_;
  TunnelLane up_;
  TunnelLane down_;
  int error_ = 0;
};

}  // namespace whichhop
