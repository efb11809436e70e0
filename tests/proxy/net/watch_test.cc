// Watches: edges of a descriptor, and which of them are told.

#include <cerrno>
#include <functional>

#include "proxy/net/loop.h"
#include "tests/catch.h"
#include "tests/proxy/net/connections.h"
#include "tests/proxy/net/story.h"

namespace whichhop {
namespace {

using std::chrono::milliseconds;

// Counts edges; takes no bytes.
class Counter final : private WatchEvents {
 public:
  ~Counter() { watch.Disarm(); }

  void Arm(Loop& loop, const Socket& socket) {
    REQUIRE(watch.Arm(loop, socket.fd(), *this));
  }

  Watch watch;
  int readable = 0;
  int writable = 0;
  std::function<void()> then = [] {};  // at the end of each read half

 private:
  void OnReadable() override {
    ++readable;
    then();
  }
  void OnWritable() override { ++writable; }
};

TEST_CASE("a watch disarmed in its read half gets no write half") {
  for (const bool disarm : {true, false}) {
    Loop loop;
    Connection connection = UnixConnection();
    SendAll(connection.far, "x");
    Counter counter;
    if (disarm) counter.then = [&] { counter.watch.Disarm(); };
    counter.Arm(loop, connection.near);
    Story(loop).Until([&] { return counter.readable > 0; }).Turns(3).Play();
    CHECK(counter.readable == 1);
    CHECK(counter.writable == (disarm ? 0 : 1));
  }
}

TEST_CASE("each arrival is told once, though nobody reads") {
  Loop loop;
  Connection connection = UnixConnection();
  Counter counter;
  counter.Arm(loop, connection.near);
  Story(loop)
      .Do([&] { SendAll(connection.far, "a"); })
      .Until([&] { return counter.readable == 1; })
      .Turns(3)
      .Do([&] { CHECK(counter.readable == 1); })
      .Do([&] { SendAll(connection.far, "b"); })
      .Until([&] { return counter.readable == 2; })
      .Turns(3)
      .Play();
  CHECK(counter.readable == 2);
}

TEST_CASE("room is told when there is some again") {
  Loop loop;
  Connection connection = UnixConnection();
  Counter counter;
  counter.Arm(loop, connection.near);
  Story(loop)
      .Until([&] { return counter.writable == 1; })
      .Do([&] { Fill(connection.near); })
      .Turns(3)
      .Do([&] { CHECK(counter.writable == 1); })
      .Until([&] {
        char bytes[4096];
        connection.far.Receive(bytes, sizeof(bytes));
        return counter.writable > 1;
      })
      .Play();
  CHECK(counter.readable == 0);
}

TEST_CASE("a disarmed watch is silent and can be armed again") {
  Loop loop;
  Connection connection = UnixConnection();
  Counter counter;
  counter.Arm(loop, connection.near);
  counter.watch.Disarm();
  counter.watch.Disarm();
  CHECK_FALSE(counter.watch.armed());
  SendAll(connection.far, "x");
  Story(loop)
      .Turns(3)
      .Do([&] { CHECK(counter.readable + counter.writable == 0); })
      .Do([&] { counter.Arm(loop, connection.near); })
      .Until([&] { return counter.readable == 1; })
      .Play();
}

TEST_CASE("a watch that one callback disarms is not called in that turn") {
  Loop loop;
  Connection connection = UnixConnection();
  Counter one;
  Counter other;
  one.then = [&] { other.watch.Disarm(); };
  other.then = [&] { one.watch.Disarm(); };
  one.Arm(loop, connection.near);
  other.Arm(loop, connection.far);
  SendAll(connection.near, "x");
  SendAll(connection.far, "x");
  Story(loop).Turns(5).Play();
  CHECK(one.readable + other.readable == 1);
}

TEST_CASE("a FIN behind bytes is known before they are read") {
  Loop loop;
  Connection connection = TcpConnection();
  Counter counter;
  counter.Arm(loop, connection.near);
  Story(loop)
      .Do([&] { SendAll(connection.far, "x"); })
      .Until([&] { return counter.readable > 0; })
      .Do([&] { CHECK_FALSE(counter.watch.peer_ended()); })
      .Do([&] { connection.far.ShutdownWrite(); })
      .Until([&] { return counter.watch.peer_ended(); })
      .Play();
  CHECK(counter.readable >= 2);
}

// libevent tells EPOLLERR as readable and writable, without more: a reader that
// waits for more has to ask once more, for there is no further edge.
TEST_CASE("a RST behind bytes is found by reading on") {
  Loop loop;
  Connection connection = TcpConnection();
  SendAll(connection.far, "x");
  Reset(connection.far);
  REQUIRE(AwaitReadable(connection.near));
  Counter counter;
  counter.Arm(loop, connection.near);
  Story(loop).Until([&] { return counter.readable > 0; }).Turns(3).Play();
  CHECK(counter.readable == 1);
  char bytes[8];
  CHECK(connection.near.Receive(bytes, sizeof(bytes)).bytes == 1);
  CHECK(connection.near.Receive(bytes, sizeof(bytes)).error == ECONNRESET);
}

TEST_CASE("a watch that is armed anew knows of no end of another descriptor") {
  Loop loop;
  Connection ended = UnixConnection();
  Connection open = UnixConnection();
  Counter counter;
  counter.Arm(loop, ended.near);
  ended.far.Close();
  Story(loop)
      .Until([&] { return counter.watch.peer_ended(); })
      .Do([&] { counter.watch.Disarm(); })
      .Do([&] { counter.Arm(loop, open.near); })
      .Turns(3)
      .Play();
  CHECK_FALSE(counter.watch.peer_ended());
}

struct Level final : LevelWatch::Events {
  ~Level() { watch.Disarm(); }
  void OnReadable() override { ++readable; }
  LevelWatch watch;
  int readable = 0;
};

TEST_CASE("a watch of levels tells again what was not taken") {
  Loop loop;
  Connection connection = UnixConnection();
  SendAll(connection.far, "x");
  Level level;
  REQUIRE(level.watch.Arm(loop, connection.near.fd(), level));
  int after = 0;
  Story(loop)
      .Until([&] { return level.readable >= 3; })
      .Do([&] { ReceiveSome(connection.near); })
      .Do([&] { after = level.readable; })
      .Turns(3)
      .Play();
  CHECK(level.readable == after);
}

}  // namespace
}  // namespace whichhop
