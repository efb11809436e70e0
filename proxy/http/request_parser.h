#pragma once
// A RequestParser reads one HTTP/1 request head at a time (RFC 9112), strictly:
// what two readers could understand differently is refused. It is a state
// machine over a buffer that grows, so any split of the input gives the same
// head, or the same error at the same octet. It allocates when it is made and
// never again. One a client connection, or one a worker and head in progress.

#include <cstddef>
#include <cstdint>

#include "proxy/http/field_section.h"
#include "proxy/http/field_table.h"
#include "proxy/http/head.h"
#include "proxy/http/method.h"
#include "proxy/http/parse_rule.h"
#include "proxy/http/request_line.h"

namespace whichhop {

enum class Expect : uint8_t {
  kNothing,   // also in HTTP/1.0, where the field is ignored
  kContinue,  // 100-continue
  kUnknown,   // anything else: 417
};

// A request head; slices and fields are offsets into the parsed buffer.
struct RequestHead {
  explicit RequestHead(size_t fields_max) : fields(fields_max) {}

  RequestLine line;
  Slice host;  // host[:port]: of an absolute-form target, else of Host;
               // empty where HTTP/1.0 sent none
  FieldTable fields;
  uint64_t content_length = 0;       // for Framing::kLength
  Framing framing = Framing::kNone;  // never kUntilClose
  Expect expect = Expect::kNothing;
  bool keep_alive = false;   // the client lets the connection live on
  bool upgrade = false;      // Upgrade is offered and named in Connection
  bool te_trailers = false;  // TE: trailers
};

class RequestParser {
 public:
  explicit RequestParser(const HeadLimits& limits);

  // For the next request. The old head is gone.
  void Reset();

  // `data` holds the `size` octets of the head received so far: those of the
  // last call (at whatever address) and more behind them, which may reach
  // beyond the head. Octets that were parsed are not looked at again before
  // the end of the head. A buffer of limits.header_bytes suffices.
  ParseStatus Parse(char* data, size_t size);

  // Once done: the octets that the head took, an empty line before it and its
  // last CRLF included.
  size_t head_bytes() const { return section_.position(); }

  const RequestHead& head() const { return head_; }   // once done
  RequestHead& head() { return head_; }               // once done
  const ParseError& error() const { return error_; }  // once refused

  // Whether an octet of the request itself was seen: else the connection is
  // idle, though an empty line may have come.
  bool started() const { return line_parser_.started(); }

  // Once refused for RuleClass::kHeadTooLarge: whose field it was.
  BiggestField biggest_field() const { return section_.Biggest(head_.fields); }

 private:
  ParseStatus Refuse(ParseRule rule, size_t offset);
  ParseStatus NeedMore(size_t size);
  ParseStatus Finish(const char* data);
  bool FinishHost(const char* data);
  void FinishWishes(const char* data);

  HeadLimits limits_;
  ParseStatus status_ = ParseStatus::kNeedMore;
  bool in_fields_ = false;
  RequestLineParser line_parser_;
  FieldSection section_;
  RequestHead head_;
  ParseError error_;
};

}  // namespace whichhop
