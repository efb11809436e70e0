#include "proxy/server/body_peek.h"

#include <string>

#include "tests/catch.h"

namespace whichhop {
namespace {

// What is seen of `raw`, fed in pieces of `piece` bytes.
std::string Peek(Framing framing, uint64_t length, const std::string& raw,
                 size_t limit, size_t piece) {
  BodyPeek peek{HeadLimits{}};
  peek.Start(framing, length, limit);
  for (size_t at = 0; at < raw.size(); at += piece) {
    peek.Feed(std::string_view(raw).substr(0, at + piece));
  }
  return std::string(peek.text()) + (peek.whole()     ? " whole"
                                     : peek.settled() ? " settled"
                                                      : " more");
}

TEST_CASE("a body is peeked at without its framing, however it comes") {
  struct Case {
    Framing framing;
    uint64_t length;
    std::string raw;
    size_t limit;
    std::string seen;
  };
  const Case cases[] = {
      {Framing::kNone, 0, "", 10, " whole"},
      {Framing::kLength, 0, "", 10, " whole"},
      {Framing::kLength, 5, "hello", 10, "hello whole"},
      {Framing::kLength, 5, "hel", 10, "hel more"},
      {Framing::kLength, 5, "hello", 5, "hello whole"},
      {Framing::kLength, 9, "hello you", 5, "hello settled"},
      {Framing::kLength, 5, "helloHTTP/1.1", 10, "hello whole"},
      {Framing::kChunked, 0, "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", 10,
       "hello whole"},
      {Framing::kChunked, 0, "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", 5,
       "hello whole"},
      {Framing::kChunked, 0, "3\r\nhel\r\n2\r\nlo\r\n", 10, "hello more"},
      {Framing::kChunked, 0, "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", 4,
       "hell settled"},
      {Framing::kChunked, 0, "0\r\n\r\n", 10, " whole"},
      {Framing::kChunked, 0, "3\r\nhelXX", 10, "hel settled"},
      {Framing::kUntilClose, 0, "hello", 10, "hello more"},
  };
  for (const Case& each : cases) {
    for (const size_t piece : {size_t{1}, size_t{2}, size_t{7}, size_t{99}}) {
      INFO(each.raw << " in pieces of " << piece);
      CHECK(Peek(each.framing, each.length, each.raw, each.limit, piece) ==
            each.seen);
    }
  }
}

TEST_CASE("what only the end delimits is whole at the end") {
  BodyPeek peek{HeadLimits{}};
  peek.Start(Framing::kUntilClose, 0, 10);
  peek.Feed("hello");
  CHECK_FALSE(peek.whole());
  peek.End();
  CHECK(peek.whole());
  peek.Start(Framing::kLength, 9, 10);
  peek.Feed("hello");
  peek.End();
  CHECK_FALSE(peek.whole());
  CHECK(peek.text() == "hello");
}

}  // namespace
}  // namespace whichhop
