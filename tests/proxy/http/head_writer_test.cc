#include "proxy/http/head_writer.h"

#include "tests/catch.h"

namespace whichhop {
namespace {

TEST_CASE("a head is written piece by piece") {
  char buffer[64];
  HeadWriter writer(buffer, sizeof buffer);
  writer.Append("HTTP/1.1 ");
  writer.AppendDecimal(200);
  writer.Append(" OK\r\n");
  writer.Field("A", "b");
  writer.Append({});
  writer.Append("\r\n");
  CHECK(writer.text() == "HTTP/1.1 200 OK\r\nA: b\r\n\r\n");
  CHECK_FALSE(writer.overflowed());
  CHECK(writer.room() == sizeof buffer - writer.size());
}

TEST_CASE("a field is written in one form, however it came") {
  for (std::string line : {"A: b", "A:b", "A:   b", "A:\tb", "A: \t b"}) {
    INFO(line);
    const uint32_t value_at = static_cast<uint32_t>(line.size() - 1);
    char buffer[16];
    HeadWriter writer(buffer, sizeof buffer);
    writer.Rewrite(line.data(), {0, value_at, 1, 1, FieldId::kOther, false});
    CHECK(writer.text() == "A: b\r\n");
  }
}

TEST_CASE("what does not fit is left out and told") {
  char buffer[4];
  HeadWriter writer(buffer, sizeof buffer);
  writer.Append("abcd");
  CHECK_FALSE(writer.overflowed());
  writer.Append("e");
  CHECK(writer.overflowed());
  CHECK(writer.text() == "abcd");
  HeadWriter number(buffer, 2);
  number.AppendDecimal(UINT64_MAX);
  CHECK(number.overflowed());
  CHECK(number.text().empty());
}

}  // namespace
}  // namespace whichhop
