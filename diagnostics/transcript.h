#pragma once
// An observation as text, for bug reports, tests and the fuzzer: one fact a
// line, `key value`; a key is the way to the fact's field (observation.h).
//
//   position lb
//   kind attempt
//   attempt.phase connect
//   attempt.end errno
//   attempt.error 111
//   attempt.address "10.0.0.5:8000"
//   attempt.connect 400us
//
// Printable ASCII alone. Absent facts, and those with the value that a new
// Observation has, are left out; lines may come in any order, each key at most
// once; empty lines and those that start with # say nothing. Values:
//   number    decimal, never negative
//   duration  a whole number with its unit: us, ms or s
//   flag      yes, no
//   choice    a word; `fault` and `last_probe` take the id of fault.inc, with
//             /2 for the second of that id
//   text      "...", where \" \\ and \xNN stand for a byte; any byte may
//   group     `attempt.tcp seen`; a fact of the group says it as well

#include <deque>
#include <string>
#include <string_view>

#include "diagnostics/observation.h"

namespace whichhop::diagnostics {

// An observation with the text that its string_views refer to: it may move,
// and is not to be copied.
struct Transcript {
  Transcript() = default;
  Transcript(Transcript&&) = default;
  Transcript& operator=(Transcript&&) = default;

  Observation seen;
  std::deque<std::string> texts;  // a deque, since its elements never move
};

// Appends the lines of what was seen, in an order of its own: equal
// observations give equal text. Requires: every enum has a value of its type,
// numbers are not negative, durations not longer than 30 years; else the text
// cannot be read back.
void AppendTranscript(const Observation& seen, std::string& out);

// Reads what AppendTranscript() wrote, or a person. False where the text is
// none: then `error` says the line and the reason in printable words, and
// `out` is as it was.
[[nodiscard]] bool ParseTranscript(std::string_view text, Transcript* out,
                                   std::string* error);

}  // namespace whichhop::diagnostics
