#include "tests/proxy/upstream/origin.h"

#include "tests/catch.h"

namespace whichhop {

Origin::Origin(Duration idle_timeout)
    : listening(ListenOnLoopback()),
      endpoint(loop, {listening.LocalAddress(), "origin"}, idle_timeout) {}

std::unique_ptr<UpstreamConnection> Origin::Begin() {
  int error = 0;
  auto connection = UpstreamConnection::Connect(loop, endpoint, user, &error);
  REQUIRE(connection != nullptr);
  CHECK(error == 0);
  return connection;
}

std::unique_ptr<UpstreamConnection> Origin::Connect() {
  auto connection = Begin();
  REQUIRE(AwaitWritable(connection->socket()));
  return connection;
}

int Origin::PutNew() {
  auto connection = Connect();
  const int fd = connection->socket().fd();
  endpoint.PutIdle(std::move(connection));
  return fd;
}

int Origin::Take() {
  auto connection = endpoint.TakeIdle(user);
  if (connection == nullptr) return -1;
  const int fd = connection->socket().fd();
  Drop(std::move(connection));
  return fd;
}

void Origin::Drop(std::unique_ptr<UpstreamConnection> connection) {
  connection->Close();
  loop.Retire(std::move(connection));
}

}  // namespace whichhop
