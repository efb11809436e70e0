// The thread that writes a log.

#include "proxy/server/log_writer.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/catch.h"

namespace whichhop {
namespace {

constexpr size_t kChunkBytes = 64 * 1024;

// A log in a file that is removed with it.
struct LogFile {
  explicit LogFile(const std::string& name = "log")
      : path("/tmp/whichhop-" + std::to_string(getpid()) + "-" + name) {
    std::filesystem::remove(path);
  }
  ~LogFile() { std::filesystem::remove(path); }
  std::string Text() const {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  const std::string path;
};

LogTarget Open(const std::string& target) {
  const auto opened = OpenLogTarget(target);
  REQUIRE(opened.ok());
  return opened.value();
}

std::unique_ptr<LogWriter> OpenLog(const std::string& target) {
  return std::make_unique<LogWriter>(Open(target));
}

bool Submit(LogWriter& writer, std::string chunk) {
  return writer.Submit(&chunk);
}

TEST_CASE("lines are written in their order, and none is lost at the end") {
  const LogFile file;
  std::string expected;
  {
    const auto writer = OpenLog(file.path);
    for (int i = 0; i < 2000; ++i) {
      const std::string line = std::to_string(i) + '\n';
      while (!Submit(*writer, line)) std::this_thread::yield();
      expected += line;
    }
  }
  CHECK((file.Text() == expected));
}

TEST_CASE("a log is appended to") {
  const LogFile file;
  for (const char* line : {"one\n", "two\n"}) {
    CHECK(Submit(*OpenLog(file.path), line));
  }
  CHECK(file.Text() == "one\ntwo\n");
}

TEST_CASE("what is taken leaves the chunk empty, to be filled again") {
  const LogFile file;
  {
    const auto writer = OpenLog(file.path);
    std::string chunk;
    for (int i = 0; i < 500; ++i) {
      CHECK(chunk.empty());
      chunk += "line\n";
      while (!writer->Submit(&chunk)) std::this_thread::yield();
    }
  }
  CHECK(file.Text().size() == 2500);
}

TEST_CASE("chunks of several threads are written whole") {
  const LogFile file;
  {
    const auto writer = OpenLog(file.path);
    std::vector<std::thread> threads;
    for (const char c : {'a', 'b', 'c'}) {
      threads.emplace_back([&writer, c] {
        for (int i = 0; i < 300; ++i) {
          while (!Submit(*writer, std::string(99, c) + '\n')) {
            std::this_thread::yield();
          }
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  std::istringstream lines(file.Text());
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    CHECK(line == std::string(99, line[0]));
  }
  CHECK(count == 900);
}

// A pipe that nobody reads as yet.
struct Pipe {
  Pipe() { REQUIRE(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0); }
  ~Pipe() {
    close(ends[0]);
    if (ends[1] >= 0) close(ends[1]);
  }
  // A second descriptor of the writing end.
  std::string path() const {
    return "/proc/self/fd/" + std::to_string(ends[1]);
  }
  // Reads to the end, on a thread of its own.
  std::thread ReadInto(std::string* text) {
    close(ends[1]);
    ends[1] = -1;
    fcntl(ends[0], F_SETFL, 0);  // may block
    return std::thread([fd = ends[0], text] {
      char bytes[64 * 1024];
      while (const ssize_t got = read(fd, bytes, sizeof(bytes))) {
        if (got < 0) return;
        text->append(bytes, static_cast<size_t>(got));
      }
    });
  }
  void AwaitBytes() const {
    pollfd readable{ends[0], POLLIN, 0};
    REQUIRE(poll(&readable, 1, 10'000) == 1);
  }
  int ends[2];
};

TEST_CASE("a log that nobody reads drops chunks whole, and keeps the rest") {
  Pipe pipe;
  auto writer = OpenLog(pipe.path());
  std::string accepted;
  std::string chunk;
  for (int i = 0; i < 1000; ++i) {
    chunk = std::string(kChunkBytes, static_cast<char>('a' + i % 26));
    if (!writer->Submit(&chunk)) break;
    accepted += std::string(kChunkBytes, static_cast<char>('a' + i % 26));
  }
  CHECK(chunk.size() == kChunkBytes);  // was not touched
  CHECK(accepted.size() >= 64 * kChunkBytes);
  CHECK(accepted.size() <= 130 * kChunkBytes);
  std::string got;
  std::thread reader = pipe.ReadInto(&got);
  writer.reset();
  reader.join();
  CHECK((got == accepted));
}

TEST_CASE("a log that is read again goes on") {
  Pipe pipe;
  auto writer = OpenLog(pipe.path());
  while (Submit(*writer, std::string(kChunkBytes, 'x'))) continue;
  std::string got;
  std::thread reader = pipe.ReadInto(&got);
  while (!Submit(*writer, "last line\n")) std::this_thread::yield();
  writer.reset();
  reader.join();
  CHECK(got.ends_with("xlast line\n"));
}

TEST_CASE("what is given before a replacement goes to the old target") {
  const LogFile before("before");
  const LogFile after("after");
  {
    const auto writer = OpenLog(before.path);
    CHECK(Submit(*writer, "one\n"));
    CHECK(Submit(*writer, "two\n"));
    writer->Replace(Open(after.path));
    while (after.Text().empty()) {
      while (!Submit(*writer, "three\n")) std::this_thread::yield();
    }
  }
  CHECK(before.Text().starts_with("one\ntwo\n"));
  CHECK(after.Text().starts_with("three\n"));
}

TEST_CASE("a replacement parts what waits before it from what comes after") {
  Pipe pipe;
  const LogFile after("after");
  auto writer = OpenLog(pipe.path());
  CHECK(Submit(*writer, std::string(4 * kChunkBytes, 'x')));  // holds it up
  pipe.AwaitBytes();
  CHECK(Submit(*writer, "old\n"));
  writer->Replace(Open(after.path));
  CHECK(Submit(*writer, "new\n"));
  std::string got;
  std::thread reader = pipe.ReadInto(&got);
  writer.reset();
  reader.join();
  CHECK(got.ends_with("xold\n"));
  CHECK(after.Text() == "new\n");
}

TEST_CASE("a log can be switched off and on again") {
  const LogFile file;
  {
    const auto writer = OpenLog("off");
    CHECK(Submit(*writer, "lost\n"));
    writer->Replace(Open(file.path));
    CHECK_FALSE(writer->off());
    while (file.Text().empty()) Submit(*writer, "kept\n");
    writer->Replace(Open("off"));
    CHECK(writer->off());
  }
  CHECK(file.Text().find("lost") == std::string::npos);
}

TEST_CASE("a log that is off takes lines, and is no terminal") {
  const auto writer = OpenLog("off");
  CHECK(writer->off());
  CHECK_FALSE(writer->to_terminal());
  CHECK(Submit(*writer, "lost\n"));
}

TEST_CASE("a log that can't be opened says why") {
  const auto opened = OpenLogTarget("/nowhere/access.log");
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error() ==
        "cannot open the log /nowhere/access.log: No such file or directory");
}

}  // namespace
}  // namespace whichhop
