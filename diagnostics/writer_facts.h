#pragma once
// Who wrote a relayed error, as far as its bytes tell, and what is remarkable
// in it: plain values beside those of observation.h, under the same rules.
// fingerprint.h reads them off a response; what was usual, a memory knows.

#include <cstdint>
#include <optional>
#include <string_view>

namespace whichhop::diagnostics {

// A product that answers with pages of its own: fingerprint.inc.
enum class Generator : uint8_t {
  kNone,
#define WHICHHOP_GENERATOR(enumerator, name, place, proof) enumerator,
#include "diagnostics/fingerprint.inc"
};

// What a generator says went wrong behind it: fingerprint.inc.
enum class SubCause : uint8_t {
  kNone,
#define WHICHHOP_SUB_CAUSE(enumerator, name, suspects, self, sentence) \
  enumerator,
#include "diagnostics/fingerprint.inc"
};

struct WriterFacts {
  Generator generator = Generator::kNone;  // the likeliest one
  uint8_t score = 0;                       // of it: kNamed and more names it
  SubCause sub_cause = SubCause::kNone;    // in its own words
  bool relayed = false;  // another box left its mark on what it relayed
  // The Server field of most good answers from this address lately; "": they
  // have none. Absent: not known.
  std::optional<std::string_view> usual;

  // What is told beside the verdict, and moves nothing.
  bool no_challenge = false;     // a 401 without WWW-Authenticate
  std::string_view realm;        // the challenge of a 407
  bool varies_by_user = false;   // a 404 whose Vary names credentials
  bool unlike_sibling = false;   // a 404 with another body than the one before
                                 // it on the route had, for another path
  bool answered_before = false;  // a 404 of a URL that was there, just now, for
                                 // somebody with credentials
  bool portal = false;  // the page speaks to clients of a captive portal
};

// The score from which a generator is named, and may move a verdict.
inline constexpr uint8_t kNamed = 60;

}  // namespace whichhop::diagnostics
