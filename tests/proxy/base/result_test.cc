// A value, or the error in its place.

#include "proxy/base/result.h"

#include <memory>

#include "tests/catch.h"

namespace whichhop {
namespace {

Result<int> Half(int number) {
  if (number % 2 != 0) return Error{std::to_string(number) + " is odd"};
  return number / 2;
}

TEST_CASE("a result is its value or its error") {
  const Result<int> good = Half(4);
  REQUIRE(good.ok());
  CHECK(good.value() == 2);
  const Result<int> bad = Half(5);
  REQUIRE_FALSE(bad.ok());
  CHECK(bad.error() == "5 is odd");
}

TEST_CASE("a result of text is not an error of that text") {
  const Result<std::string> text = std::string("fine");
  REQUIRE(text.ok());
  CHECK(text.value() == "fine");
}

TEST_CASE("a value that only moves can be taken out") {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
  REQUIRE(result.ok());
  const std::unique_ptr<int> taken = std::move(result.value());
  CHECK(*taken == 7);
}

TEST_CASE("an error of one type can be handed on as another's") {
  const Result<int> inner = Half(3);
  const Result<std::string> outer = Error{inner.error()};
  CHECK(outer.error() == "3 is odd");
}

}  // namespace
}  // namespace whichhop
