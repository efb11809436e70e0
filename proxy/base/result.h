#pragma once
// A Result<T> is a value or the error that stands in its place. For what the
// environment or a user can get wrong; broken contracts of ours are asserts.

#include <cassert>
#include <string>
#include <utility>
#include <variant>

namespace whichhop {

struct Error {
  std::string message;  // one sentence, for people
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}
  Result(Error error) : state_(std::move(error)) {}

  bool ok() const { return std::holds_alternative<T>(state_); }
  T& value() {
    assert(ok());
    return std::get<T>(state_);
  }
  const T& value() const {
    assert(ok());
    return std::get<T>(state_);
  }
  const std::string& error() const {
    assert(!ok());
    return std::get<Error>(state_).message;
  }

 private:
  std::variant<T, Error> state_;
};

}  // namespace whichhop
