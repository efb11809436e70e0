// Protocols that a client offers, and those that an answer names.

#include "proxy/http/upgrade.h"

#include <string>

#include "proxy/http/request_parser.h"
#include "tests/catch.h"

namespace whichhop {
namespace {

// A head whose fields are those of `lines`.
struct Head {
  explicit Head(std::string_view lines)
      : bytes("GET / HTTP/1.1\r\nHost: h\r\n" + std::string(lines) + "\r\n"),
        parser({}) {
    REQUIRE(parser.Parse(bytes.data(), bytes.size()) == ParseStatus::kDone);
  }
  const FieldTable& fields() const { return parser.head().fields; }

  std::string bytes;
  RequestParser parser;
};

std::string Written(const Head& head) {
  char memory[200];
  HeadWriter writer(memory, sizeof(memory));
  WriteUpgrade(head.bytes.data(), head.fields(), &writer);
  return std::string(writer.text());
}

TEST_CASE("what is offered is every protocol but HTTP itself") {
  struct Row {
    std::string_view lines, written;  // "": none
  };
  const Row rows[] = {
      {"", ""},
      {"Upgrade: websocket\r\n", "Upgrade: websocket\r\n"},
      {"Upgrade: a/1 ,, b\r\nX: y\r\nupgrade: c\r\n", "Upgrade: a/1, b, c\r\n"},
      {"Upgrade: h2c\r\n", ""},
      {"Upgrade: H2, HTTP/2.0, h2C, http\r\n", ""},
      {"Upgrade: h2c, websocket, HTTP/3\r\n", "Upgrade: websocket\r\n"},
      {"Upgrade: h2c-14, https\r\n", "Upgrade: h2c-14, https\r\n"},
      {"Upgrade: ,\r\n", ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.lines);
    const Head head(row.lines);
    CHECK(NamesProtocol(head.bytes.data(), head.fields()) ==
          !row.written.empty());
    if (!row.written.empty()) CHECK(Written(head) == row.written);
  }
}

TEST_CASE("an answer may name what was asked for and nothing else") {
  struct Row {
    std::string_view asked, answer;
    bool agree;
  };
  const Row rows[] = {
      {"Upgrade: websocket\r\n", "Upgrade: WebSocket\r\n", true},
      {"Upgrade: a, b\r\n", "Upgrade: b\r\n", true},
      {"Upgrade: a\r\nUpgrade: b\r\n", "Upgrade: b,a\r\n", true},
      {"Upgrade: a\r\n", "", false},
      {"Upgrade: a\r\n", "Upgrade: ,\r\n", false},
      {"Upgrade: a\r\n", "Upgrade: b\r\n", false},
      {"Upgrade: a\r\n", "Upgrade: a/2\r\n", false},
      {"Upgrade: a\r\n", "Upgrade: a\r\nUpgrade: b\r\n", false},
      {"Upgrade: a, h2c\r\n", "Upgrade: h2c\r\n", false},
      {"Upgrade: a, h2c\r\n", "Upgrade: a, h2c\r\n", false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.asked, row.answer);
    const Head asked(row.asked);
    const Head answer(row.answer);
    CHECK(ProtocolsAgree(asked.bytes.data(), asked.fields(),
                         answer.bytes.data(), answer.fields()) == row.agree);
  }
}

}  // namespace
}  // namespace whichhop
