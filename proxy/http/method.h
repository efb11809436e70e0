#pragma once
// Request methods (RFC 9110, section 9; PATCH is RFC 5789's).

#include <cstdint>
#include <string_view>

namespace whichhop {

enum class Method : uint8_t {
  kGet,
  kHead,
  kPost,
  kPut,
  kDelete,
  kConnect,
  kOptions,
  kTrace,
  kPatch,
  kOther,  // any other token
};

Method LookUpMethod(std::string_view token);  // case-sensitive

constexpr bool IsSafe(Method method) {
  return method == Method::kGet || method == Method::kHead ||
         method == Method::kOptions || method == Method::kTrace;
}

// RFC 9110, section 9.2.2: what may be sent again unasked.
constexpr bool IsIdempotent(Method method) {
  return IsSafe(method) || method == Method::kPut || method == Method::kDelete;
}

}  // namespace whichhop
