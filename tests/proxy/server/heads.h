#pragma once
// Heads for tests, read by the real parsers.

#include <string>
#include <string_view>

#include "proxy/http/request_parser.h"
#include "proxy/http/response_parser.h"
#include "proxy/net/buffer.h"
#include "tests/catch.h"

namespace whichhop {

// Bounds that are no part of these tests.
inline HeadLimits WideLimits() {
  HeadLimits limits;
  limits.header_bytes = size_t{1} << 20;
  limits.request_target = size_t{1} << 19;
  return limits;
}

struct ParsedRequest {
  explicit ParsedRequest(std::string_view text)
      : bytes(text), parser(WideLimits()) {
    INFO("request: " << text.substr(0, 500));
    REQUIRE(parser.Parse(bytes.data(), bytes.size()) == ParseStatus::kDone);
  }
  const RequestHead& head() const { return parser.head(); }

  std::string bytes;
  RequestParser parser;
};

struct ParsedResponse {
  explicit ParsedResponse(std::string_view text, Method method = Method::kGet)
      : bytes(text), parser(WideLimits()) {
    INFO("response: " << text.substr(0, 500));
    parser.Reset(method);
    REQUIRE(parser.Parse(bytes.data(), bytes.size()) == ParseStatus::kDone);
  }
  const ResponseHead& head() const { return parser.head(); }

  std::string bytes;
  ResponseParser parser;
};

// A buffer with memory of its own while it lives.
struct HeldBuffer : Buffer {
  HeldBuffer() { Acquire(pool); }
  ~HeldBuffer() { Release(pool); }
  BufferPool pool;
};

}  // namespace whichhop
