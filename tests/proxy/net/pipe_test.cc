// Pipes: bytes from socket to socket that nobody sees.

#include "proxy/net/pipe.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/proxy/net/connections.h"

namespace whichhop {
namespace {

using Kind = IoResult::Kind;

size_t OpenDescriptors() {
  size_t count = 0;
  DIR* folder = opendir("/proc/self/fd");
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count;
}

struct TwoConnections {
  explicit TwoConnections(Connection (*make)() = TcpConnection)
      : from(make()), to(make()) {}

  // What `far` of `from` sends is filled in.
  std::optional<IoResult> FillWith(std::string_view bytes, uint64_t most) {
    SendAll(from.far, bytes);
    REQUIRE(AwaitReadable(from.near));
    return pipe.Fill(from.near, most);
  }

  PipePool pool;
  Pipe pipe{pool};
  Connection from;
  Connection to;
};

TEST_CASE("bytes pass through a pipe, no more than were wanted") {
  for (const auto make : {TcpConnection, UnixConnection}) {
    TwoConnections two(make);
    const auto got = two.FillWith("hello world", 5);
    REQUIRE(got);
    CHECK((got->kind == Kind::kBytes && got->bytes == 5));
    CHECK_FALSE(two.pipe.empty());
    const IoResult sent = two.pipe.Drain(two.to.near);
    CHECK((sent.kind == Kind::kBytes && sent.bytes == 5));
    CHECK(two.pipe.empty());
    CHECK(ReceiveSome(two.to.far) == "hello");
    CHECK(ReceiveSome(two.from.near) == " world");
  }
}

TEST_CASE("an empty socket, its end and its reset are told apart") {
  TwoConnections two;
  CHECK(two.pipe.Fill(two.from.near, 9)->kind == Kind::kAgain);
  SendAll(two.from.far, "x");
  two.from.far.ShutdownWrite();
  REQUIRE(AwaitReadable(two.from.near));
  CHECK(two.pipe.Fill(two.from.near, 9)->bytes == 1);
  two.pipe.Clear();
  CHECK(two.pipe.Fill(two.from.near, 9)->kind == Kind::kEnd);
  TwoConnections other;
  Reset(other.from.far);
  REQUIRE(AwaitReadable(other.from.near));
  const auto failed = other.pipe.Fill(other.from.near, 9);
  CHECK((failed->kind == Kind::kError && failed->error == ECONNRESET));
}

TEST_CASE("what a full socket does not take stays in the pipe") {
  TwoConnections two;
  Fill(two.to.near);
  REQUIRE(two.FillWith("later", 5));
  CHECK(two.pipe.Drain(two.to.near).kind == Kind::kAgain);
  CHECK_FALSE(two.pipe.empty());
  std::string got;
  while (!got.ends_with("later")) {
    got += ReceiveSome(two.to.far);
    two.pipe.Drain(two.to.near);
  }
  CHECK(two.pipe.empty());
}

TEST_CASE("a peer that is gone takes nothing") {
  TwoConnections two;
  Reset(two.to.far);
  REQUIRE(AwaitReadable(two.to.near));
  REQUIRE(two.FillWith("x", 1));
  CHECK(two.pipe.Drain(two.to.near).kind == Kind::kError);
}

TEST_CASE("a pipe that holds bytes is never used again") {
  TwoConnections two;
  REQUIRE(two.FillWith("old", 3));
  two.pipe.Clear();
  REQUIRE(two.FillWith("new", 3));
  two.pipe.Drain(two.to.near);
  CHECK(ReceiveSome(two.to.far) == "new");
}

TEST_CASE("descriptors are kept for the next, and are bounded") {
  TwoConnections two;
  const size_t before = OpenDescriptors();
  for (int i = 0; i < 10; ++i) {
    REQUIRE(two.FillWith("x", 1));
    two.pipe.Drain(two.to.near);
  }
  CHECK(OpenDescriptors() == before + 2);
  std::vector<std::unique_ptr<Pipe>> pipes;
  for (int i = 0; i < 1000; ++i) {
    SendAll(two.from.far, "x");
    REQUIRE(AwaitReadable(two.from.near));
    pipes.push_back(std::make_unique<Pipe>(two.pool));
    const auto got = pipes.back()->Fill(two.from.near, 1);
    if (!got) break;
  }
  CHECK(pipes.size() == 257);
  CHECK(ReceiveSome(two.from.near) == "x");  // nothing was taken
  CHECK(OpenDescriptors() == before + 512);
  pipes.clear();
  CHECK(OpenDescriptors() == before);
}

TEST_CASE("without descriptors there is no pipe, and nothing is taken") {
  TwoConnections two;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlimit none{3, limit.rlim_max};
  SendAll(two.from.far, "x");
  REQUIRE(AwaitReadable(two.from.near));
  setrlimit(RLIMIT_NOFILE, &none);
  const auto got = two.pipe.Fill(two.from.near, 1);
  setrlimit(RLIMIT_NOFILE, &limit);
  CHECK_FALSE(got);
  CHECK(ReceiveSome(two.from.near) == "x");
}

TEST_CASE("what can't be spliced is not, and nothing is taken") {
  PipePool pool;
  Pipe pipe(pool);
  // A directory has no bytes to splice.
  Socket folder(open("/", O_RDONLY | O_DIRECTORY));
  CHECK_FALSE(pipe.Fill(folder, 1));
}

}  // namespace
}  // namespace whichhop
