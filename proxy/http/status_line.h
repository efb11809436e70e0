#pragma once
// The status line: what it says (StatusLine) and the state machine that reads
// it (RFC 9112, section 4).

#include <cstddef>
#include <cstdint>

#include "proxy/http/head.h"
#include "proxy/http/parse_rule.h"

namespace whichhop {

struct StatusLine {
  uint16_t status = 0;        // 100-599
  uint8_t minor_version = 1;  // 0 or 1: a higher one counts as 1
  Slice reason;               // may be empty, and its space missing
};

// Reads the line from the start of a growing buffer. What is no HTTP is
// refused at the first octet that shows it.
class StatusLineParser {
 public:
  void Reset();

  // As ResponseParser::Parse. Done: the line with its CRLF ends at position().
  ParseStatus Parse(const char* data, size_t size, StatusLine* line);

  size_t position() const { return at_; }
  ParseRule rule() const { return rule_; }               // once refused
  size_t error_offset() const { return error_offset_; }  // once refused

 private:
  enum class State : uint8_t {
    kFixed,  // inside HTTP/d.d SP ddd
    kReasonSpace,
    kReason,
    kLf,
  };

  ParseStatus Pause(State state, size_t at);
  ParseStatus Refuse(ParseRule rule, size_t offset);
  ParseStatus ParseFixed(const char* data, size_t size, StatusLine* line);

  State state_ = State::kFixed;
  ParseRule rule_ = ParseRule::kNotHttp;
  size_t at_ = 0;
  size_t error_offset_ = 0;
};

}  // namespace whichhop
