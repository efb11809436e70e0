#include "proxy/net/send_queue.h"

namespace whichhop {

IoResult SendQueue::Flush(Stream& stream) {
  size_t written = 0;
  while (!empty()) {
    IoResult result = stream.Send(parts_.data() + first_, count_ - first_);
    if (result.kind != IoResult::Kind::kBytes) {
      result.bytes = written;
      return result;
    }
    written += result.bytes;
    Consume(result.bytes);
  }
  Clear();
  IoResult flushed = stream.Flush();
  flushed.bytes = written;
  return flushed;
}

void SendQueue::Consume(size_t bytes) {
  while (bytes > 0) {
    iovec& part = parts_[static_cast<size_t>(first_)];
    if (bytes < part.iov_len) {
      part.iov_base = static_cast<char*>(part.iov_base) + bytes;
      part.iov_len -= bytes;
      return;
    }
    bytes -= part.iov_len;
    ++first_;
  }
}

}  // namespace whichhop
