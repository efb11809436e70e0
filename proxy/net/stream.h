#pragma once
// The bytes of one connection as its user means them: straight from the socket,
// or out of TLS above it. Both ends the same way, so that nobody above has to
// know; on a plain connection it costs one branch.

#include <memory>

#include "proxy/net/socket.h"
#include "proxy/net/tls_layer.h"

namespace whichhop {

class Stream {
 public:
  Stream() = default;
  explicit Stream(Socket socket) : socket_(std::move(socket)) {}

  Socket& socket() { return socket_; }
  const Socket& socket() const { return socket_; }
  // Null on a plain connection.
  TlsLayer* tls() { return tls_.get(); }
  const TlsLayer* tls() const { return tls_.get(); }
  // Requires: nothing was read or written but what the layer was fed. It was
  // made for this stream's socket, and the stream does not move any more.
  void Secure(std::unique_ptr<TlsLayer> tls) { tls_ = std::move(tls); }

  IoResult Receive(char* data, size_t size) {
    return tls_ == nullptr ? socket_.Receive(data, size)
                           : tls_->Receive(data, size);
  }
  // Whether Receive would return something, without taking it.
  IoResult Peek() {
    char first;
    return tls_ == nullptr ? socket_.Peek(&first, 1) : tls_->Peek();
  }
  // Takes bytes; they are not all with the kernel while unsent().
  IoResult Send(const iovec* parts, int count) {
    return tls_ == nullptr ? socket_.Send(parts, count)
                           : tls_->Send(parts, count);
  }
  // We have no more to say than what the next Send takes.
  void EndWithNextSend() {
    if (tls_ != nullptr) tls_->EndWithNextSend();
  }
  bool unsent() const { return tls_ != nullptr && tls_->unsent(); }
  // kBytes: nothing is unsent.
  IoResult Flush() {
    return tls_ == nullptr ? IoResult{IoResult::Kind::kBytes} : tls_->Flush();
  }

  // We have no more to say, and nothing is missing: close_notify, and a FIN.
  void ShutdownWrite() {
    if (tls_ != nullptr) tls_->SendCloseNotify();
    socket_.ShutdownWrite();
  }
  // As ShutdownWrite, for one who closes both ways.
  void SayGoodbye() {
    if (tls_ != nullptr) tls_->SendCloseNotify();
  }
  // The end that Receive told of last was not said in order (RFC 8446, section
  // 6.1): bytes may be missing.
  bool ended_unclean() const {
    return tls_ != nullptr && tls_->facts().problem == TlsProblem::kEof;
  }

 private:
  Socket socket_;
  std::unique_ptr<TlsLayer> tls_;
};

}  // namespace whichhop
