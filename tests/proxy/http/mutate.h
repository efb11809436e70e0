#pragma once
// Mutations of HTTP messages, the same in every run: octets that parsers
// stumble over, lines twice, gone and in another order, fields that frame.

#include <cstdint>
#include <string>

namespace whichhop {

class Mutator {
 public:
  explicit Mutator(uint64_t seed) : state_(seed) {}

  // `text` with one to four changes.
  std::string Mutate(std::string text);

  uint64_t Below(uint64_t bound);  // Requires: bound > 0

 private:
  void Change(std::string* text);
  void ChangeOctet(std::string* text);
  void ChangeSpan(std::string* text);
  void ChangeLine(std::string* text);
  void AddLine(std::string* text);
  size_t LineStart(const std::string& text);

  uint64_t state_;
};

}  // namespace whichhop
