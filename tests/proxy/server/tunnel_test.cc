// Tunnels: bytes both ways, and how they end.

#include "proxy/server/tunnel.h"

#include <cerrno>
#include <string>

#include "tests/catch.h"
#include "tests/proxy/net/connections.h"

namespace whichhop {
namespace {

using State = Tunnel::State;

struct Story {
  // Something came for the side that is named.
  State FromClient() {
    REQUIRE(AwaitReadable(client_stream.socket()));
    tunnel.up().MarkReadable();
    return tunnel.Pump();
  }
  State FromUpstream() {
    REQUIRE(AwaitReadable(upstream_stream.socket()));
    tunnel.down().MarkReadable();
    return tunnel.Pump();
  }

  BufferPool pool;
  Connection client = TcpConnection();
  Connection upstream = TcpConnection();
  Stream client_stream{std::move(client.near)};
  Stream upstream_stream{std::move(upstream.near)};
  Tunnel tunnel{pool, client_stream, upstream_stream};
};

TEST_CASE("each side hears what the other says, and what stood before it") {
  Story story;
  story.tunnel.down().first(story.pool).Add(story.pool, "HTTP/1.1 101\r\n\r\n");
  SendAll(story.upstream.far, "hello");
  REQUIRE(AwaitReadable(story.upstream_stream.socket()));
  CHECK(story.tunnel.Pump() == State::kOpen);
  CHECK(ReceiveSome(story.client.far) == "HTTP/1.1 101\r\n\r\nhello");
  SendAll(story.client.far, "hi");
  CHECK(story.FromClient() == State::kOpen);
  CHECK(ReceiveSome(story.upstream.far) == "hi");
  const auto up = story.tunnel.up().TakeMoved();
  const auto down = story.tunnel.down().TakeMoved();
  CHECK((up.received == 2 && up.sent == 2));
  CHECK((down.received == 5 && down.sent == 21));
  CHECK(story.tunnel.up().TakeMoved().sent == 0);
}

TEST_CASE("an end is passed on behind the bytes, and both make the tunnel's") {
  Story story;
  SendAll(story.client.far, "bye");
  story.client.far.ShutdownWrite();
  CHECK(story.FromClient() == State::kOpen);
  CHECK(ReceiveSome(story.upstream.far) == "bye");
  CHECK(ReceiveSome(story.upstream.far) == "");
  SendAll(story.upstream.far, "still here");
  CHECK(story.FromUpstream() == State::kOpen);
  CHECK(ReceiveSome(story.client.far) == "still here");
  story.upstream.far.ShutdownWrite();
  CHECK(story.FromUpstream() == State::kEnded);
  CHECK(ReceiveSome(story.client.far) == "");
}

TEST_CASE("a direction that has ended keeps no block") {
  Story story;
  char* const block = story.pool.Take();
  story.pool.Give(block);  // what is given last is taken first
  SendAll(story.client.far, "bye");
  story.client.far.ShutdownWrite();
  CHECK(story.FromClient() == State::kOpen);
  CHECK(story.tunnel.up().done());
  char* const first = story.pool.Take();
  CHECK(first == block);
  story.pool.Give(first);
}

TEST_CASE("a reset of either side is told, and whose it is") {
  Story story;
  Reset(story.client.far);
  CHECK(story.FromClient() == State::kClientGone);
  Story other;
  Reset(other.upstream.far);
  CHECK(other.FromUpstream() == State::kUpstreamGone);
  CHECK(other.tunnel.error() == ECONNRESET);
}

TEST_CASE("what an upstream said before it took no more arrives") {
  Story story;
  SendAll(story.upstream.far, "last words");
  Reset(story.upstream.far);
  SendAll(story.client.far, "too late");
  REQUIRE(AwaitReadable(story.upstream_stream.socket()));
  CHECK(story.FromClient() == State::kUpstreamGone);
  CHECK(story.tunnel.error() != 0);
  CHECK(ReceiveSome(story.client.far) == "last words");
}

TEST_CASE("who takes no more after its farewell has failed in nothing") {
  Story story;
  story.upstream.far.Close();
  CHECK(story.FromUpstream() == State::kOpen);
  SendAll(story.client.far, "too late");
  CHECK(story.FromClient() == State::kOpen);  // the RST is on its way
  REQUIRE(AwaitReadable(story.upstream_stream.socket()));
  SendAll(story.client.far, "even later");
  CHECK(story.FromClient() == State::kEnded);
}

TEST_CASE("a side that does not read stops the other, not the way back") {
  Story story;
  Fill(story.client_stream.socket());
  const std::string much(100'000, 'x');
  SendAll(story.upstream.far, much);
  CHECK(story.FromUpstream() == State::kOpen);
  CHECK(story.tunnel.holds_bytes());
  CHECK(story.tunnel.down().TakeMoved().received == kBlockBytes);
  SendAll(story.client.far, "go on");
  CHECK(story.FromClient() == State::kOpen);
  CHECK(ReceiveSome(story.upstream.far) == "go on");
}

}  // namespace
}  // namespace whichhop
