#pragma once
// A HeadWriter appends the octets of a head to a fixed piece of memory. What
// does not fit is left out whole and overflowed() says so.

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "proxy/http/field.h"

namespace whichhop {

class HeadWriter {
 public:
  HeadWriter(char* buffer, size_t capacity)
      : begin_(buffer), next_(buffer), end_(buffer + capacity) {}

  void Append(std::string_view text) {
    if (text.size() > room()) {
      overflowed_ = true;
      return;
    }
    // Not memcpy(p, nullptr, 0), which is undefined.
    if (!text.empty()) std::memcpy(next_, text.data(), text.size());
    next_ += text.size();
  }

  // Text that is known when compiling: a few stores, and no call.
  template <size_t N>
  void Append(const char (&literal)[N]) {
    if (N - 1 > room()) {
      overflowed_ = true;
      return;
    }
    std::memcpy(next_, literal, N - 1);
    next_ += N - 1;
  }

  void AppendDecimal(uint64_t number) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    Append({digits, static_cast<size_t>(end - digits)});
  }

  // `name` ": " `value` CRLF
  void Field(std::string_view name, std::string_view value) {
    Append(name);
    Append(": ");
    Append(value);
    Append("\r\n");
  }

  // A field of `buffer` as Field() writes it, whatever blanks it came with.
  void Rewrite(const char* buffer, const whichhop::Field& field) {
    const std::string_view line = LineOf(buffer, field);
    const size_t size = size_t{field.name_size} + 2 + field.value_size;
    const bool usual = line.size() == size && line[field.name_size + 1] == ' ';
    if (!usual) return Field(NameOf(buffer, field), ValueOf(buffer, field));
    Append(line);  // as nearly all come: one copy
    Append("\r\n");
  }

  std::string_view text() const { return {begin_, size()}; }
  size_t size() const { return static_cast<size_t>(next_ - begin_); }
  size_t room() const { return static_cast<size_t>(end_ - next_); }
  bool overflowed() const { return overflowed_; }

 private:
  char* begin_;
  char* next_;
  char* end_;
  bool overflowed_ = false;
};

}  // namespace whichhop
