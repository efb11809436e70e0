#pragma once
// A ResponseParser reads one HTTP/1 response head at a time (RFC 9112). As
// strict as RequestParser but where the RFC makes a proxy mend: whitespace
// before a colon is removed and folds become spaces, in the buffer itself.
// Interim (1xx) heads come out one by one like any other.

#include <cstddef>
#include <cstdint>

#include "proxy/http/field_section.h"
#include "proxy/http/field_table.h"
#include "proxy/http/head.h"
#include "proxy/http/method.h"
#include "proxy/http/parse_rule.h"
#include "proxy/http/status_line.h"

namespace whichhop {

// A response head; slices and fields are offsets into the parsed buffer.
struct ResponseHead {
  explicit ResponseHead(size_t fields_max) : fields(fields_max) {}

  StatusLine line;
  // Where Content-Length is repeated with one value, all but the first are
  // marked hop-by-hop and that one is cut to a single number; in 1xx and 204,
  // which may not have it, all are.
  FieldTable fields;
  uint64_t content_length = 0;       // for kLength, or what HEAD and 304 tell
  Framing framing = Framing::kNone;  // 1xx, 204, 304, of HEAD: kNone
  bool keep_alive = false;           // never with kUntilClose
  bool upgrade = false;              // Upgrade is there, and in Connection
};

class ResponseParser {
 public:
  explicit ResponseParser(const HeadLimits& limits);

  // For the next head. `method`: of the request, since HEAD has no body in
  // its response and neither has a 2xx of CONNECT.
  void Reset(Method method);

  // As RequestParser::Parse. Repairs are written into `data`, so the next
  // call needs those octets, not the ones that were received.
  ParseStatus Parse(char* data, size_t size);

  size_t head_bytes() const { return section_.position(); }  // once done
  const ResponseHead& head() const { return head_; }         // once done
  ResponseHead& head() { return head_; }                     // once done
  const ParseError& error() const { return error_; }         // once refused

  // Whether a whole status was read, for verdicts on cut heads.
  bool has_status() const { return in_fields_; }

  // Once refused for RuleClass::kResponseHeadTooLarge: which field it was.
  BiggestField biggest_field() const { return section_.Biggest(head_.fields); }

 private:
  ParseStatus Refuse(ParseRule rule, size_t offset);
  ParseStatus NeedMore(size_t size);
  ParseStatus Finish(const char* data);
  bool IsInterim() const;
  bool HasBody() const;
  void DropLength();

  HeadLimits limits_;
  Method method_ = Method::kGet;
  ParseStatus status_ = ParseStatus::kNeedMore;
  bool in_fields_ = false;
  StatusLineParser line_parser_;
  FieldSection section_;
  ResponseHead head_;
  ParseError error_;
};

}  // namespace whichhop
