// Endpoints that are known by name: their addresses change under them.

#include <cerrno>

#include "tests/catch.h"
#include "tests/proxy/net/nameserver.h"
#include "tests/proxy/upstream/origin.h"

namespace whichhop {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const std::string kLoopback("\x7F\0\0\1", 4);
const std::string kOther("\x7F\0\0\2", 4);
const std::string kLoopbackV6("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);

// A server on 127.0.0.1 that is known as app.test, and a TTL of a second.
struct Named final : NameWaiter {
  Named() {
    server.v4 = kLoopback;
    server.ttl = 1;
  }
  void OnResolved() override { resolved = true; }
  std::unique_ptr<UpstreamConnection> Connect() {
    int error = 0;
    auto connection = UpstreamConnection::Connect(loop, endpoint, user, &error);
    REQUIRE(connection != nullptr);
    return connection;
  }

  Loop loop;
  Nameserver server{loop};
  Resolver resolver{loop, {{server.address()}, milliseconds(500)}};
  ResolvedName& name = resolver.Name("app.test");
  Socket listening = ListenOnLoopback();
  const uint16_t port = listening.LocalAddress().port();
  Endpoint endpoint{loop, {{}, "app.test", 1, &name, port}, seconds(60)};
  Listening user;
  NameWait wait;
  bool resolved = false;
};

void Drop(Loop& loop, std::unique_ptr<UpstreamConnection> connection) {
  connection->Close();
  loop.Retire(std::move(connection));
}

TEST_CASE("a name has no address until it is resolved, and then its port") {
  Named named;
  CHECK_FALSE(named.endpoint.resolved());
  named.name.Await(named.wait, named);
  std::unique_ptr<UpstreamConnection> connection;
  Story(named.loop)
      .Until([&] { return named.resolved; })
      .Do([&] { connection = named.Connect(); })
      .Until([&] { return named.user.writable > 0; })
      .Do([&] { CHECK(connection->TakeConnectError() == 0); })
      .Do([&] { CHECK(connection->address().Host() == "127.0.0.1"); })
      .Do([&] { CHECK(connection->address().port() == named.port); })
      .Do([&] { Drop(named.loop, std::move(connection)); })
      .Play();
}

TEST_CASE("connections to an address that is gone are not used again") {
  Named named;
  named.name.Await(named.wait, named);
  std::unique_ptr<UpstreamConnection> busy;
  Story(named.loop)
      .Until([&] { return named.resolved; })
      .Do([&] { named.endpoint.PutIdle(named.Connect()); })
      .Do([&] { busy = named.Connect(); })
      .Do([&] { named.server.v4 = kOther; })
      .Until([&] { return named.name.addresses()[0].Host() == "127.0.0.2"; })
      .Do([&] { CHECK(named.endpoint.TakeIdle(named.user) == nullptr); })
      .Do([&] { named.endpoint.PutIdle(std::move(busy)); })
      .Do([&] { CHECK(named.endpoint.TakeIdle(named.user) == nullptr); })
      .Play();
}

TEST_CASE("where one family refuses the other one's connect is heard alone") {
  Named named;
  named.server.v6 = kLoopbackV6;
  named.server.ttl = 60;
  named.name.Await(named.wait, named);
  std::unique_ptr<UpstreamConnection> connection;
  Story story(named.loop);
  story.Until([&] { return named.resolved; });
  for (int i = 0; i < 3; ++i) {
    story.Do([&] { named.user.writable = 0; })
        .Do([&] { connection = named.Connect(); })
        .Until([&] { return named.user.writable > 0; })
        .Do([&] { CHECK(connection->TakeConnectError() == 0); })
        .Do([&] { CHECK(connection->address().Host() == "127.0.0.1"); })
        .Do([&] { Drop(named.loop, std::move(connection)); });
  }
  story.Play();
}

TEST_CASE("where both families refuse, the user hears of it once") {
  Named named;
  named.server.v6 = kLoopbackV6;
  named.server.ttl = 60;
  named.listening.Close();
  named.name.Await(named.wait, named);
  std::unique_ptr<UpstreamConnection> connection;
  Story(named.loop)
      .Until([&] { return named.resolved; })
      .Do([&] { connection = named.Connect(); })
      .Until([&] { return named.user.writable > 0; })
      .Do([&] { CHECK(connection->TakeConnectError() == ECONNREFUSED); })
      .Do([&] { Drop(named.loop, std::move(connection)); })
      .Turns(2)
      .Play();
  CHECK(named.user.writable == 1);
}

}  // namespace
}  // namespace whichhop
