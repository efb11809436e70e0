#pragma once
// What is still to be written to one socket: references to bytes that stay
// where they are until they are gone. Bounded: a head, a chunk's size line, its
// payload and its end. Nothing is copied.

#include <sys/uio.h>

#include <array>
#include <cassert>
#include <cstddef>
#include <string_view>

#include "proxy/net/stream.h"

namespace whichhop {

class SendQueue {
 public:
  // `bytes` must stay valid until the queue is empty.
  void Add(std::string_view bytes) {
    if (bytes.empty()) return;
    assert(count_ < static_cast<int>(parts_.size()));
    // sendmsg takes a mutable pointer and never writes through it.
    parts_[static_cast<size_t>(count_++)] = {const_cast<char*>(bytes.data()),
                                             bytes.size()};
  }
  bool empty() const { return first_ == count_; }
  void Clear() { first_ = count_ = 0; }

  // Writes until the queue is empty and the stream has nothing unsent (kBytes),
  // the socket would block (kAgain) or failed (kError). `bytes` counts what
  // this call wrote, in every case.
  IoResult Flush(Stream& stream);

 private:
  void Consume(size_t bytes);

  std::array<iovec, 8> parts_;
  int first_ = 0;
  int count_ = 0;
};

}  // namespace whichhop
