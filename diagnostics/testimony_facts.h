#pragma once
// What the fields of an upstream's answer say of blame, word for word: plain
// values under the rules of observation.h. A field that came in several lines
// is joined with ", ", as RFC 9110 (section 5.3) has it. testimony.h reads it.

#include <chrono>
#include <optional>
#include <string_view>

namespace whichhop::diagnostics {

struct TestimonyFacts {
  std::string_view proxy_status;  // RFC 9209: the origin's side first
  std::string_view error_cause;   // Error-*, as we write them too
  std::string_view error_reporter;
  std::string_view error_cleared;
  std::string_view error_fault;
  std::string_view error_id;
  std::string_view via;            // RFC 9110, section 7.6.3
  std::string_view server_timing;  // of the W3C
  std::string_view vendor;         // whole field lines, "\n" between them:
                                   // "X-Squid-Error: ERR_DNS_FAIL 0"
  // From the beginning of the attempt to the last that came of the answer.
  std::optional<std::chrono::microseconds> elapsed;
};

}  // namespace whichhop::diagnostics
