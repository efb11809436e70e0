#pragma once
// Every reason for which a message is refused: one table (parse_rule.inc)
// gives the rule's name, its class, its RFC section and its sentence.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace whichhop {

enum class ParseRule : uint8_t {
#define X(rule, in_request, in_response, section, sentence) rule,
#include "proxy/http/parse_rule.inc"
#undef X
};

// What a caller maps to a fault and a status.
enum class RuleClass : uint8_t {
  kNone,                   // the rule does not exist on that side
  kLineBad,                // request, 400: grammar of its line or fields
  kTargetTooLong,          // request, 414
  kHeadTooLarge,           // request, 431
  kHost,                   // request, 400
  kFraming,                // request, 400: where its body ends is not certain
  kRequestTransferCoding,  // request, 501
  kVersion,                // request, 505
  kNotHttp,                // response: no status line
  kHttp09,                 // response: a body where the status line should be
  kBadVersion,             // response: not HTTP/1.d
  kBadStatus,              // response: not 100-599
  kBadField,               // response: grammar of its lines
  kResponseHeadTooLarge,   // response
  kContentLength,          // response: invalid or contradicting
  kContentLengthWithTransferEncoding,  // response: both
  kTransferCoding,                     // response: not exactly chunked
  kChunk,                              // a chunked body, of either side
  kTrailer,                            // a trailer section, of either side
};

// A refusal: which rule, what kind of fault, and which octet broke it.
struct ParseError {
  ParseRule rule = ParseRule::kEmptyLines;
  RuleClass kind = RuleClass::kNone;
  size_t offset = 0;  // from the first octet of the head, or of the body
};

RuleClass ClassInRequest(ParseRule rule);
RuleClass ClassInResponse(ParseRule rule);
std::string_view RuleName(ParseRule rule);      // "kBareLf"
std::string_view RuleSentence(ParseRule rule);  // "bare LF ends a line"
std::string_view RuleSection(ParseRule rule);   // "RFC 9112 2.2"

}  // namespace whichhop
