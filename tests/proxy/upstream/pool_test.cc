// Idle connections of an endpoint.

#include <sys/resource.h>

#include <vector>

#include "proxy/upstream/upstream.h"
#include "tests/catch.h"
#include "tests/proxy/upstream/origin.h"

namespace whichhop {
namespace {

using std::chrono::milliseconds;

TEST_CASE("an endpoint without idle connections has none to give") {
  Origin origin;
  CHECK(origin.endpoint.TakeIdle(origin.user) == nullptr);
  origin.endpoint.DropAllIdle();
}

TEST_CASE("the connection that was used last is taken first") {
  Origin origin;
  const int one = origin.PutNew();
  const int two = origin.PutNew();
  CHECK(origin.Take() == two);
  const int three = origin.PutNew();
  CHECK(origin.Take() == three);
  CHECK(origin.Take() == one);
  CHECK(origin.Take() == -1);
}

TEST_CASE("a connection counts its exchanges and how long it was idle") {
  Origin origin;
  auto connection = origin.Connect();
  CHECK_FALSE(connection->reused());
  CHECK(connection->exchanges() == 1);
  CHECK(connection->idle_before() == Duration{});
  origin.endpoint.PutIdle(std::move(connection));
  Story(origin.loop).Wait(milliseconds(40)).Play();
  connection = origin.endpoint.TakeIdle(origin.user);
  CHECK(connection->reused());
  CHECK(connection->exchanges() == 2);
  CHECK(connection->idle_before() >= milliseconds(20));
  origin.Drop(std::move(connection));
}

TEST_CASE("a taken connection tells its new user, and no idle time ends it") {
  Origin origin(milliseconds(20));
  origin.PutNew();
  Socket far = AcceptFrom(origin.listening);
  Listening second;
  auto connection = origin.endpoint.TakeIdle(second);
  Story(origin.loop)
      .Wait(milliseconds(100))
      .Do([&] { CHECK(connection->socket().open()); })
      .Do([&] { SendAll(far, "x"); })
      .Until([&] { return second.readable > 0; })
      .Play();
  CHECK(origin.user.readable == 0);
  origin.Drop(std::move(connection));
}

TEST_CASE("an idle connection goes when its time is up") {
  Origin origin(milliseconds(60));
  origin.PutNew();
  Socket far = AcceptFrom(origin.listening);
  const Time begun = origin.loop.now();
  Story(origin.loop)
      .Until([&] {
        char byte;
        return far.Receive(&byte, 1).kind == IoResult::Kind::kEnd;
      })
      .Play();
  CHECK(SteadyClock::now() - begun >= milliseconds(60));
  CHECK(origin.Take() == -1);
}

TEST_CASE("each idle connection has a time of its own") {
  Origin origin(milliseconds(150));
  const int first = origin.PutNew();
  int second = -1;
  Story(origin.loop)
      .Wait(milliseconds(100))
      .Do([&] { second = origin.PutNew(); })
      .Wait(milliseconds(100))
      .Play();
  CHECK(first != second);
  CHECK(origin.Take() == second);
  CHECK(origin.Take() == -1);
}

TEST_CASE("an idle connection that the peer ends is dropped") {
  for (const bool reset : {false, true}) {
    Origin origin;
    origin.PutNew();
    Socket far = AcceptFrom(origin.listening);
    Story(origin.loop)
        .Turns(2)
        .Do([&] { reset ? Reset(far) : far.Close(); })
        .Wait(milliseconds(50))
        .Play();
    CHECK(origin.Take() == -1);
  }
}

TEST_CASE("an idle connection that speaks unasked is dropped") {
  Origin origin;
  origin.PutNew();
  Socket far = AcceptFrom(origin.listening);
  Story(origin.loop)
      .Turns(2)
      .Do([&] { SendAll(far, "HTTP/1.1 408 Request Timeout\r\n\r\n"); })
      .Wait(milliseconds(50))
      .Play();
  CHECK(origin.Take() == -1);
}

TEST_CASE("of idle connections only the one that ended is dropped") {
  Origin origin;
  std::vector<int> fds;
  std::vector<Socket> far;
  for (int i = 0; i < 4; ++i) {
    fds.push_back(origin.PutNew());
    far.push_back(AcceptFrom(origin.listening));
  }
  Story(origin.loop)
      .Do([&] { far[1].Close(); })
      .Wait(milliseconds(50))
      .Do([&] { far[0].Close(); })
      .Wait(milliseconds(50))
      .Play();
  CHECK(origin.Take() + origin.Take() == fds[2] + fds[3]);
  CHECK(origin.Take() == -1);
}

// When one in the middle goes, the last takes its place.
TEST_CASE("the latest stays first out when an older one is dropped") {
  Origin origin;
  std::vector<int> fds;
  for (int i = 0; i < 4; ++i) fds.push_back(origin.PutNew());
  Socket first = AcceptFrom(origin.listening);
  Story(origin.loop).Do([&] { first.Close(); }).Wait(milliseconds(50)).Play();
  CHECK(origin.Take() == fds[3]);
}

TEST_CASE("a connection whose peer ended already is not kept") {
  Origin origin;
  auto connection = origin.Connect();
  Socket far = AcceptFrom(origin.listening);
  Story(origin.loop)
      .Do([&] { far.Close(); })
      .Until([&] { return connection->peer_ended(); })
      .Play();
  origin.endpoint.PutIdle(std::move(connection));
  CHECK(origin.Take() == -1);
}

// Lifts the limit of descriptors; false where that may not be.
bool MayOpen(rlim_t descriptors) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= descriptors) return true;
  limit.rlim_cur = descriptors;
  return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

TEST_CASE("an endpoint keeps 1024 idle connections and no more") {
  if (!MayOpen(4096)) return;
  Origin origin;
  for (int i = 0; i < 1030; ++i) {
    origin.PutNew();
    AcceptFrom(origin.listening);  // and is gone: nobody looks
  }
  int taken = 0;
  while (origin.Take() != -1) ++taken;
  CHECK(taken == 1024);
}

TEST_CASE("all idle connections can be dropped at once") {
  Origin origin;
  std::vector<Socket> far;
  for (int i = 0; i < 3; ++i) {
    origin.PutNew();
    far.push_back(AcceptFrom(origin.listening));
  }
  origin.endpoint.DropAllIdle();
  CHECK(origin.Take() == -1);
  for (Socket& socket : far) CHECK(ReceiveSome(socket).empty());
}

TEST_CASE("an endpoint closes its idle connections when it goes") {
  Loop loop;
  Socket far;
  {
    Origin origin;
    origin.PutNew();
    far = AcceptFrom(origin.listening);
  }
  CHECK(ReceiveSome(far).empty());
}

}  // namespace
}  // namespace whichhop
