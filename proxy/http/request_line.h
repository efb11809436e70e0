#pragma once
// The request line: what it says (RequestLine) and the state machine that
// reads it (RFC 9112, section 3).

#include <cstddef>
#include <cstdint>

#include "proxy/http/head.h"
#include "proxy/http/method.h"
#include "proxy/http/parse_rule.h"

namespace whichhop {

enum class TargetForm : uint8_t {  // RFC 9112, section 3.2
  kOrigin,                         // /path?query
  kAbsolute,                       // http://authority/path?query, https too
  kAuthority,                      // host:port, of CONNECT alone
  kAsterisk,                       // *, of OPTIONS alone
};

struct RequestLine {
  Method method = Method::kOther;
  TargetForm form = TargetForm::kOrigin;
  uint8_t minor_version = 1;  // 0 or 1: a higher one counts as 1
  bool has_query = false;     // a ? stands behind the path
  Slice method_token;
  Slice target;     // all of it
  Slice authority;  // host[:port] of the absolute and authority forms
  Slice path;   // without the query; may be empty in the absolute form, where
                // it means / (of OPTIONS: *)
  Slice query;  // behind the ?
};

// The path as a server is asked for it (RFC 9112, section 3.2.4): an absolute
// form without one means /, or * of OPTIONS.
inline std::string_view EffectivePath(const RequestLine& line,
                                      const char* data) {
  if (line.path.size > 0) return line.path.In(data);
  return line.method == Method::kOptions ? "*" : "/";
}

// Reads the line from the start of a growing buffer.
class RequestLineParser {
 public:
  explicit RequestLineParser(const HeadLimits& limits)
      : target_max_(limits.request_target),
        strict_escapes_(limits.strict_query) {}

  void Reset();

  // As RequestParser::Parse. Done: the line with its CRLF ends at position().
  ParseStatus Parse(const char* data, size_t size, RequestLine* line);

  size_t position() const { return at_; }
  ParseRule rule() const { return rule_; }               // once refused
  size_t error_offset() const { return error_offset_; }  // once refused
  bool started() const { return state_ > State::kMethodStart; }
  bool in_target() const { return state_ == State::kTarget; }

 private:
  enum class State : uint8_t {
    kStart,        // nothing yet
    kStartLf,      // CR of an empty line
    kMethodStart,  // behind an empty line
    kMethod,
    kTargetStart,
    kTarget,
    kVersion,  // at octet `version_at_` of HTTP/d.d
    kCr,
    kLf,
  };

  ParseStatus Pause(State state, size_t at);
  ParseStatus Refuse(ParseRule rule, size_t offset);
  ParseStatus RefuseMethod(char octet, size_t offset);
  ParseStatus RefuseTarget(char octet, size_t offset);
  ParseStatus ParseVersion(const char* data, size_t size, size_t at,
                           RequestLine* line);
  ParseStatus ParseLineEnd(const char* data, size_t size, size_t at,
                           RequestLine* line);
  ParseStatus ReadTarget(const char* data, RequestLine* line);
  static void SplitPath(size_t at, size_t query_at, RequestLine* line);
  ParseStatus CheckEscapes(const char* data, const RequestLine& line);

  size_t target_max_;
  bool strict_escapes_;
  State state_ = State::kStart;
  ParseRule rule_ = ParseRule::kEmptyLines;
  uint8_t version_at_ = 0;
  size_t at_ = 0;
  size_t token_at_ = 0;  // where the method or target began
  size_t error_offset_ = 0;
};

}  // namespace whichhop
