// The bytes that wait for a socket.

#include "proxy/net/send_queue.h"

#include <sys/socket.h>

#include <cerrno>
#include <random>
#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/proxy/net/connections.h"

namespace whichhop {
namespace {

using Kind = IoResult::Kind;

// A connection that takes but a few bytes at once.
Connection NarrowConnection() {
  Connection connection = UnixConnection();
  const int least = 1;  // the kernel knows a bound
  setsockopt(connection.near.fd(), SOL_SOCKET, SO_SNDBUF, &least,
             sizeof(least));
  return connection;
}

std::string ReceiveAtMost(Socket& socket, size_t size) {
  std::string bytes(size, '\0');
  bytes.resize(socket.Receive(bytes.data(), size).bytes);
  return bytes;
}

TEST_CASE("an empty queue is written already") {
  Connection connection = UnixConnection();
  Stream near(std::move(connection.near));
  SendQueue queue;
  CHECK(queue.empty());
  queue.Add("");
  CHECK(queue.empty());
  const IoResult flushed = queue.Flush(near);
  CHECK(flushed.kind == Kind::kBytes);
  CHECK(flushed.bytes == 0);
}

TEST_CASE("parts are written in their order and the queue can be filled anew") {
  Connection connection = UnixConnection();
  Stream near(std::move(connection.near));
  SendQueue queue;
  for (int round = 0; round < 3; ++round) {
    for (const char* part : {"a", "b", "c", "d", "e", "f", "g", "h"}) {
      queue.Add(part);
    }
    CHECK(queue.Flush(near).bytes == 8);
    CHECK(queue.empty());
    CHECK(ReceiveSome(connection.far) == "abcdefgh");
  }
}

TEST_CASE("a cleared queue writes nothing") {
  Connection connection = UnixConnection();
  Stream near(std::move(connection.near));
  SendQueue queue;
  queue.Add("abc");
  queue.Clear();
  CHECK(queue.empty());
  CHECK(queue.Flush(near).bytes == 0);
}

TEST_CASE("a queue that would block says how much it wrote, then goes on") {
  Connection connection = NarrowConnection();
  Stream near(std::move(connection.near));
  const std::string much(100'000, 'm');
  SendQueue queue;
  queue.Add(much);
  const IoResult first = queue.Flush(near);
  CHECK(first.kind == Kind::kAgain);
  CHECK(first.bytes > 0);
  CHECK(first.bytes < much.size());
  CHECK_FALSE(queue.empty());
  CHECK(queue.Flush(near).bytes == 0);
  CHECK(ReceiveSome(connection.far).size() == first.bytes);
  CHECK(queue.Flush(near).bytes > 0);
}

TEST_CASE("a peer that is gone is an error, with what was written before") {
  Connection connection = UnixConnection();
  Stream near(std::move(connection.near));
  SendQueue queue;
  queue.Add("abc");
  connection.far.Close();
  const IoResult flushed = queue.Flush(near);
  CHECK(flushed.kind == Kind::kError);
  CHECK(flushed.error == EPIPE);
  CHECK(flushed.bytes == 0);
}

// Random parts, written by and by to a peer that reads by fits and starts.
void CheckRandomParts(unsigned seed) {
  std::mt19937 random(seed);
  Connection connection = NarrowConnection();
  Stream near(std::move(connection.near));
  std::vector<std::string> parts(1 + random() % 8);
  std::string all;
  SendQueue queue;
  for (std::string& part : parts) {
    part.resize(random() % 3 == 0 ? random() % 4 : random() % 20'000);
    for (char& c : part) c = static_cast<char>(random());
    queue.Add(part);
    all += part;
  }
  std::string got;
  size_t written = 0;
  while (got.size() < all.size()) {
    written += queue.Flush(near).bytes;
    got += ReceiveAtMost(connection.far, 1 + random() % 6000);
    if (queue.empty() != (written == all.size())) break;
  }
  CHECK(queue.empty());
  CHECK(written == all.size());
  CHECK((got == all));  // not shown: it is long
}

TEST_CASE("whatever the parts and however they are taken, all bytes arrive") {
  for (unsigned seed = 0; seed < 200; ++seed) {
    CAPTURE(seed);
    CheckRandomParts(seed);
  }
}

}  // namespace
}  // namespace whichhop
