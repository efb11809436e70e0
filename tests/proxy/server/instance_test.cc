// Which process a request came through, and which loops were refused.

#include "proxy/server/instance.h"

#include <string>

#include "proxy/server/loops_seen.h"
#include "tests/catch.h"
#include "tests/proxy/server/heads.h"

namespace whichhop {
namespace {

std::string Loop(std::string_view lines) {
  const ParsedRequest parsed("GET / HTTP/1.1\r\nHost: h\r\n" +
                             std::string(lines) + "\r\n");
  return std::string(
      LoopField(parsed.head(), parsed.bytes.data(), "edge", "0123abcd"));
}

TEST_CASE("the id of the process is one, of 8 hex digits") {
  CHECK(InstanceId().size() == 8);
  CHECK(InstanceId().find_first_not_of("0123456789abcdef") ==
        std::string_view::npos);
  CHECK(InstanceId().data() == InstanceId().data());
}

TEST_CASE("a balancer says in Via who it is, a CDN in CDN-Loop too") {
  const std::string id(InstanceId());
  NodeConfig node;
  CHECK(PassageOf(node).via == "whichhop (" + id + ")");
  CHECK(PassageOf(node).cdn_loop.empty());
  node.position = diagnostics::Position::kCdn;
  CHECK(PassageOf(node).cdn_loop == "whichhop; id=" + id);
}

TEST_CASE("a loop is our name with our id, in CDN-Loop or Via") {
  struct Row {
    std::string_view lines, field;
  };
  const Row rows[] = {
      {"", ""},
      {"CDN-Loop: edge; id=0123abcd\r\n", "CDN-Loop"},
      {"CDN-Loop: a;id=1, EDGE;x=\"a,b\" ; id=0123abcd ;z\r\n", "CDN-Loop"},
      {"CDN-Loop: a\r\nCDN-Loop: edge;id=0123abcd\r\n", "CDN-Loop"},
      {"CDN-Loop: edge\r\n", ""},
      {"CDN-Loop: edge;\r\n", ""},
      {"CDN-Loop: edge; id=0123abcd0\r\n", ""},
      {"CDN-Loop: edge; id=0123abc\r\n", ""},
      {"CDN-Loop: edges; id=0123abcd\r\n", ""},
      {"CDN-Loop: other; id=0123abcd\r\n", ""},
      {"CDN-Loop: edge, id=0123abcd\r\n", ""},
      {"Via: 1.1 edge (0123abcd)\r\n", "Via"},
      {"Via: 1.0 a (x), HTTP/1.1\tEdge (0123abcd) , 1.1 b\r\n", "Via"},
      {"Via: 1.1 edge\r\n", ""},
      {"Via: 1.1 edge (0123abce)\r\n", ""},
      {"Via: 1.1 edge (0123abcd0)\r\n", ""},
      {"Via: 1.1 edge (0123abcd\r\n", ""},
      {"Via: 1.1 other (0123abcd)\r\n", ""},
      {"Via: (0123abcd)\r\n", ""},
      {"Via: edge (0123abcd)\r\n", ""},
      {"X-Via: 1.1 edge (0123abcd)\r\n", ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.lines);
    CHECK(Loop(row.lines) == row.field);
  }
}

TEST_CASE("a loop that was refused is known once, and for seconds") {
  const Time now = Time() + std::chrono::hours(1);
  CHECK_FALSE(TakeLoop("one", now));
  NoteLoop("one", now);
  CHECK_FALSE(TakeLoop("two", now));
  CHECK(TakeLoop("one", now + std::chrono::seconds(3)));
  CHECK_FALSE(TakeLoop("one", now));
  NoteLoop("one", now);
  CHECK_FALSE(TakeLoop("one", now + std::chrono::seconds(12)));
}

}  // namespace
}  // namespace whichhop
