#pragma once
// A message body on its way through: what comes off its framing (BodyReader)
// and what goes back on (BodyWriter). No copies: payloads stay in the buffer
// that they were received into. No I/O.

#include <cstdint>
#include <string_view>

#include "proxy/http/chunked.h"
#include "proxy/http/head.h"
#include "proxy/net/send_queue.h"

namespace whichhop {

// Takes a body out of the bytes of a connection.
class BodyReader {
 public:
  BodyReader(TrailerMode mode, const HeadLimits& limits);

  void Start(Framing framing, uint64_t length);

  // What `data` holds of the body: `consumed` bytes of it, of which `payload`
  // is content. Stops at the end of the body and at an error.
  struct Taken {
    std::string_view payload;
    size_t consumed = 0;
  };
  Taken Take(char* data, size_t size);

  // `bytes` of the body passed by, unseen. Requires: the framing is not
  // chunked, and they are not more than what is left().
  void Skip(uint64_t bytes);

  // The connection ended in order. True if that completes the body.
  bool EndOfInput();

  bool done() const { return done_; }
  bool failed() const { return failed_; }
  const ParseError& error() const { return chunked_.error(); }  // once failed
  std::string_view trailers() const;  // once done: "Name: value\r\n" each

  Framing framing() const { return framing_; }
  uint64_t received() const { return received_; }  // bytes of payload
  uint64_t left() const { return left_; }  // of a Content-Length; else 0
  // Bytes of payload in all; received() where the framing does not say.
  uint64_t expected() const;

 private:
  TrailerMode mode_;
  Framing framing_ = Framing::kNone;
  bool done_ = true;
  bool failed_ = false;
  uint64_t left_ = 0;  // of a Content-Length
  uint64_t received_ = 0;
  ChunkedDecoder chunked_;
};

// Frames a body for the other connection.
class BodyWriter {
 public:
  void Start(bool chunked) { chunked_ = chunked; }
  bool chunked() const { return chunked_; }

  // Queues `payload`; it, and this writer, must stay until the queue is empty.
  void Add(std::string_view payload, SendQueue* queue);
  // Queues the end: the last chunk and `trailers`, if chunked.
  void AddEnd(std::string_view trailers, SendQueue* queue);

 private:
  bool chunked_ = false;
  char size_line_[20];  // 16 digits and CRLF
};

}  // namespace whichhop
