// Connections to a server: how they begin and whom they tell.

#include "proxy/upstream/connection.h"

#include <cerrno>

#include "tests/catch.h"
#include "tests/proxy/upstream/origin.h"

namespace whichhop {
namespace {

using std::chrono::milliseconds;

TEST_CASE("a connect that the kernel refuses at once tells why") {
  Loop loop;
  Listening user;
  Endpoint nowhere(loop, {*Address::Parse("unix:/nowhere/app.sock"), "app"},
                   milliseconds(10));
  int error = 0;
  CHECK(UpstreamConnection::Connect(loop, nowhere, user, &error) == nullptr);
  CHECK(error == ENOENT);
}

TEST_CASE("the user hears that a connect succeeded") {
  Origin origin;
  auto connection = origin.Connect();
  CHECK_FALSE(connection->connect_failed());
  Story(origin.loop).Until([&] { return origin.user.writable > 0; }).Play();
  CHECK(connection->socket().TakeError() == 0);
  CHECK(origin.user.readable == 0);
  origin.Drop(std::move(connection));
}

TEST_CASE("a connect that loopback refuses has failed, and no event comes") {
  Origin origin;
  origin.listening.Close();
  auto connection = origin.Begin();
  CHECK(connection->connect_failed());
  Story(origin.loop).Turns(3).Play();
  CHECK(origin.user.readable + origin.user.writable == 0);
  CHECK(connection->TakeConnectError() == ECONNREFUSED);
  CHECK_FALSE(connection->connected());
  origin.Drop(std::move(connection));
}

TEST_CASE(
    "a refused socket is used again, and then by the connect that succeeds") {
  Origin origin;
  const Address address = origin.listening.LocalAddress();
  origin.listening.Close();
  int fd = -1;
  for (int i = 0; i < 3; ++i) {
    auto refused = origin.Begin();
    CHECK(refused->TakeConnectError() == ECONNREFUSED);
    CHECK_FALSE(refused->TakeIcmpError());
    if (i > 0) CHECK(refused->socket().fd() == fd);
    fd = refused->socket().fd();
    refused->Close();
    origin.Drop(std::move(refused));  // closes it again
  }
  origin.listening = ListenOnLoopback(address.port());
  auto connection = origin.Connect();
  CHECK(connection->socket().fd() == fd);
  CHECK_FALSE(connection->connect_failed());
  Socket far = AcceptFrom(origin.listening);
  Story(origin.loop)
      .Until([&] { return origin.user.writable > 0; })
      .Do([&] { CHECK(connection->TakeConnectError() == 0); })
      .Do([&] { SendAll(far, "x"); })
      .Until([&] { return origin.user.readable > 0; })
      .Play();
  const auto facts = connection->socket().Facts();
  REQUIRE(facts);
  CHECK(facts->total_retransmits == 0);
  CHECK(facts->bytes_received == 1);
  origin.Drop(std::move(connection));
}

TEST_CASE("a refused socket whose ICMP errors nobody took is closed") {
  Origin origin;
  origin.listening.Close();
  auto refused = origin.Begin();
  origin.Drop(std::move(refused));
  CHECK_FALSE(origin.endpoint.TakeRefused().open());
}

TEST_CASE("the user hears of bytes and of the peer's end") {
  Origin origin;
  auto connection = origin.Connect();
  Socket far = AcceptFrom(origin.listening);
  Story(origin.loop)
      .Do([&] { SendAll(far, "x"); })
      .Until([&] { return origin.user.readable > 0; })
      .Do([&] { CHECK_FALSE(connection->peer_ended()); })
      .Do([&] { far.Close(); })
      .Until([&] { return connection->peer_ended(); })
      .Play();
  origin.Drop(std::move(connection));
}

TEST_CASE("a closed connection is silent") {
  Origin origin;
  auto connection = origin.Connect();
  const Socket far = AcceptFrom(origin.listening);
  connection->Close();
  connection->Close();
  Story(origin.loop).Turns(3).Play();
  CHECK(origin.user.readable + origin.user.writable == 0);
  CHECK_FALSE(connection->socket().open());
}

TEST_CASE("the best handshake is remembered, each connection's once") {
  Origin origin;
  CHECK(origin.endpoint.min_handshake(Address()) == Duration::max());
  auto connection = origin.Connect();
  CHECK_FALSE(connection->connected());
  Story(origin.loop).Wait(milliseconds(5)).Play();
  connection->MarkConnected();
  const Duration took = connection->connect_time();
  CHECK(connection->connected());
  CHECK(took >= Duration{});
  CHECK(origin.endpoint.min_handshake(Address()) == took);
  connection->MarkConnected();
  CHECK(connection->connect_time() == took);
  origin.Drop(std::move(connection));
}

TEST_CASE("of handshakes the fastest counts") {
  Loop loop;
  Endpoint endpoint(loop, {}, milliseconds(10));
  endpoint.SawHandshake(Address(), milliseconds(7));
  endpoint.SawHandshake(Address(), milliseconds(3));
  endpoint.SawHandshake(Address(), milliseconds(5));
  CHECK(endpoint.min_handshake(Address()) == milliseconds(3));
}

}  // namespace
}  // namespace whichhop
