// Observations as text, fed with anything. What is none is refused in
// printable words; what is one comes back the same, and what is diagnosed of
// it keeps the promises of a verdict however little sense the facts make.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "diagnostics/diagnose.h"
#include "diagnostics/transcript.h"
#include "tests/fuzz/require.h"

namespace whichhop::diagnostics {
namespace {

bool IsPrintable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

std::string Text(const Observation& o) {
  std::string out;
  AppendTranscript(o, out);
  return out;
}

std::string Evidenced(const Verdict& v) {
  std::string out(v.id.view());
  (out += v.details.view()) += v.next_hop.view();
  for (size_t i = 0; i < v.evidence.size(); ++i) out += v.evidence[i].sentence;
  return out;
}

bool SameVerdict(const Verdict& one, const Verdict& other) {
  return one.cause == other.cause && one.cleared == other.cleared &&
         one.reporter == other.reporter && one.status == other.status &&
         one.fault == other.fault && Evidenced(one) == Evidenced(other);
}

// The leg of an attempt, with what topology puts there.
HopSet LegOf(const Observation& o) {
  HopSet leg =
      PathBehind(o.position, o.is) | HopSet{Hop::kDns, SelfHop(o.position)};
  if (o.attempt.icmp.has_value()) leg.Add(o.attempt.icmp->hop);
  if (o.attempt.siblings.walk_last.has_value()) {
    leg.Add(*o.attempt.siblings.walk_last);
  }
  return leg;
}

void CheckProduced(const Observation& o, const Verdict& v,
                   std::string_view text) {
  const Hop self = SelfHop(o.position);
  Require(!v.cleared.contains(self), "our own hop is never cleared", text);
  Require(v.reporter == HopList{self}, "we report what we produce", text);
  if (o.kind != Kind::kAttempt) return;
  Require((v.cause.set() - LegOf(o)).empty(), "suspects lie on the leg", text);
}

void CheckVerdict(const Observation& o, std::string_view text) {
  const Verdict v = Diagnose(o);
  Require((v.cause.set() & v.cleared).empty(), "no suspect is cleared", text);
  Require(!v.cleared.contains(Hop::kDns), "dns is never cleared", text);
  if (o.kind != Kind::kRelayed) CheckProduced(o, v, text);
}

// What Diagnose() requires.
bool MayDiagnose(const Observation& o) {
  return o.kind != Kind::kRelayed || (o.status >= 400 && o.status <= 599);
}

void ReadTwice(std::string_view input) {
  Transcript first;
  std::string error;
  if (!ParseTranscript(input, &first, &error)) {
    Require(error.starts_with("line ") && IsPrintable(error),
            "an error is printable and has its line", error);
    return;
  }
  const std::string text = Text(first.seen);
  Transcript second;
  Require(ParseTranscript(text, &second, &error), "its text is read", text);
  Require(Text(second.seen) == text, "its text is the same again", text);
  if (!MayDiagnose(first.seen)) return;
  CheckVerdict(first.seen, text);
  Require(SameVerdict(Diagnose(first.seen), Diagnose(second.seen)),
          "it is diagnosed the same", text);
}

}  // namespace
}  // namespace whichhop::diagnostics

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  whichhop::diagnostics::ReadTwice({reinterpret_cast<const char*>(data), size});
  return 0;
}
