#include "tests/diagnostics/sighting_parts.h"

#include <stdexcept>
#include <string>

namespace whichhop::diagnostics {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

std::vector<Sighting>& Registered() {
  static std::vector<Sighting> all;
  return all;
}

}  // namespace

bool Register(const Sighting& sighting) {
  Registered().push_back(sighting);
  return true;
}

void Decide(Observation& o, Fault fault) {
  o.kind = Kind::kDecision;
  o.fault = fault;
}

AttemptFacts& Attempt(Observation& o, AttemptPhase phase, AttemptEnd end) {
  o.kind = Kind::kAttempt;
  o.attempt.phase = phase;
  o.attempt.end = end;
  o.attempt.address = "10.0.0.5:8000";
  return o.attempt;
}

AttemptFacts& Sent(Observation& o, AttemptPhase phase, AttemptEnd end) {
  AttemptFacts& a = Attempt(o, phase, end);
  a.connect = microseconds(300);
  a.sent = 300;
  a.acked = 300;
  a.unsent = 0;
  a.tcp = TcpFacts{};
  return a;
}

AttemptFacts& Answered(Observation& o, AttemptPhase phase, AttemptEnd end,
                       uint64_t received) {
  AttemptFacts& a = Sent(o, phase, end);
  a.received = received;
  if (phase == AttemptPhase::kHead) a.head_bytes = received;
  return a;
}

AttemptFacts& InBody(Observation& o, AttemptEnd end, BodyFraming framing) {
  AttemptFacts& a = Answered(o, AttemptPhase::kBody, end, 60);
  a.status = 200;
  a.head_forwarded = true;
  a.framing = framing;
  a.body_received = 2;
  a.quiet = milliseconds(1);
  if (framing == BodyFraming::kLength) a.body_expected = 100;
  return a;
}

const std::vector<Sighting>& AllSightings() { return Registered(); }

void See(std::string_view name, Observation& o) {
  for (const Sighting& sighting : AllSightings()) {
    if (sighting.name == name) return sighting.see(o);
  }
  throw std::invalid_argument("no such sighting: " + std::string(name));
}

}  // namespace whichhop::diagnostics
