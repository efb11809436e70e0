#include "proxy/upstream/usual_server.h"

#include <string>

#include "tests/catch.h"

namespace whichhop {
namespace {

using std::chrono::minutes;

constexpr Time kStart{std::chrono::hours(5)};

std::string Usual(const UsualServer& server, Time now) {
  return std::string(server.Get(now).value_or("unknown"));
}

TEST_CASE("nothing is usual before the first answer") {
  CHECK(Usual(UsualServer(), kStart) == "unknown");
}

TEST_CASE("the most common name is usual, and none is a name too") {
  UsualServer server;
  server.Note("nginx/1.22.1", kStart);
  CHECK(Usual(server, kStart) == "nginx/1.22.1");
  for (int i = 0; i < 2; ++i) server.Note("", kStart);
  CHECK(Usual(server, kStart).empty());
}

TEST_CASE("after half an hour to an hour a name counts no more") {
  UsualServer server;
  for (int i = 0; i < 9; ++i) server.Note("old", kStart);
  server.Note("new", kStart + minutes(31));
  CHECK(Usual(server, kStart + minutes(31)) == "old");
  server.Note("new", kStart + minutes(62));
  CHECK(Usual(server, kStart + minutes(62)) == "new");
  CHECK(Usual(server, kStart + minutes(62 + 60)) == "unknown");
}

TEST_CASE("of more names than it holds the rarest makes room") {
  UsualServer server;
  for (int i = 0; i < 5; ++i) server.Note("usual", kStart);
  for (int i = 0; i < 100; ++i) server.Note(std::to_string(i), kStart);
  CHECK(Usual(server, kStart) == "usual");
}

TEST_CASE("a long name is cut, and is still one name") {
  UsualServer server;
  const std::string longer(100, 'x');
  server.Note("other", kStart);
  for (int i = 0; i < 2; ++i) server.Note(longer, kStart);
  CHECK(Usual(server, kStart) == longer.substr(0, 31));
}

}  // namespace
}  // namespace whichhop
