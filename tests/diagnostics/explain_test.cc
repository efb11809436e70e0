#include "proxy/cli/explain.h"

#include "diagnostics/fault.h"
#include "tests/catch.h"

namespace whichhop::cli {
namespace {

using diagnostics::Colour;

std::optional<std::string> Explained(std::string_view code) {
  return ExplainText(code, Colour::kNone);
}

TEST_CASE("a status is explained by all of its rows, a row by itself") {
  const std::string all = Explained("502").value();
  for (std::string_view row : {"502A Bad Gateway", "502B", "502C"}) {
    CHECK(all.find(row) != all.npos);
  }
  const std::string one = Explained("502B").value();
  CHECK(one.starts_with(
      "502B Bad Gateway\n"
      "  The app, acting as gateway, got an invalid answer from its "
      "database.\n"
      "  cause:    db\n"
      "  reporter: app\n"
      "  cleared:  none\n"
      "  what to do next:\n"
      "    - db: Check that the database answers, its slow queries and "
      "connections.\n\n"
      "\u250C"));
  CHECK(Explained("relay-502") == Explained("502"));
}

TEST_CASE("JSON is one object for each row of the code") {
  CHECK(ExplainJson("431").value() ==
        R"([{"row":"431","phrase":"Request Header Fields Too Large",)"
        R"("cause":["router","isp","tor","lb"],"reporter":"browser",)"
        R"("cleared":["device"],"says":"One header field, or all of them )"
        R"(together, are too large."}])"
        "\n");
  const std::string three = ExplainJson("504").value();
  CHECK(three.starts_with(R"([{"row":"504A")"));
  CHECK(three.find(R"(},{"row":"504C")") != three.npos);
}

TEST_CASE("a fault is explained by its table row") {
  const std::string text = Explained("connect-timeout").value();
  CHECK(text.find("gateway: 504 Gateway Timeout, row 504A") != text.npos);
  CHECK(text.find("edge:    522 Connection Timed Out, row 522") != text.npos);
  CHECK(text.find("connection_timeout") != text.npos);
}

TEST_CASE("every fault but the relay has a text") {
  using diagnostics::Fault;
  for (size_t i = 1; i < diagnostics::kFaultCount; ++i) {
    CHECK(
        Explained(diagnostics::GetFault(static_cast<Fault>(i)).id).has_value());
  }
}

TEST_CASE("what is no status, row or fault is not explained") {
  for (std::string_view code : {"", "200", "405", "999", "502D", "0502", "502 ",
                                "+502", "x", "relay", "relay-405", "502a"}) {
    INFO(code);
    CHECK_FALSE(Explained(code).has_value());
    CHECK_FALSE(ExplainJson(code).has_value());
  }
}

TEST_CASE("usage errors and unknown codes exit with 2") {
  char name[] = "explain";
  char unknown[] = "999";
  char flag[] = "--jsno";
  char* alone[] = {name};
  char* wrong[] = {name, unknown};
  char* option[] = {name, flag, unknown};
  CHECK(Explain(1, alone) == 2);
  CHECK(Explain(2, wrong) == 2);
  CHECK(Explain(3, option) == 2);
}

}  // namespace
}  // namespace whichhop::cli
