#include "diagnostics/scene.h"

#include "diagnostics/rules_tls.h"

namespace whichhop::diagnostics {
namespace {

using std::chrono::milliseconds;

constexpr Seconds kLastSeconds{10};
constexpr Seconds kLongQuiet{30};  // from here firewalls forget flows
// Probes are a second apart.
constexpr Micros kProbeOverdue = milliseconds(1500);

bool AllAcked(const AttemptFacts& a) {
  if (a.tcp.has_value() && a.tcp->unacked > 0) return false;
  if (a.unsent.has_value() && *a.unsent > 0) return false;
  if (a.acked.has_value()) return *a.acked > 0 && *a.acked >= a.sent;
  return a.tcp.has_value() && a.sent > 0;
}

// An ACK came well after the last byte: a probe of ours was answered.
bool ProbesAnswered(const AttemptFacts& a) {
  return a.tcp.has_value() && a.tcp->last_ack.has_value() &&
         *a.tcp->last_ack + milliseconds(500) <= a.quiet;
}

// A keep-alive probe is without its answer for longer than a way takes: what
// was acknowledged before it does not show that the way still works.
bool ProbeOverdue(const AttemptFacts& a) {
  return a.tcp.has_value() && a.tcp->probes > 0 &&
         a.tcp->last_ack.has_value() && *a.tcp->last_ack >= kProbeOverdue;
}

// Whether, when our timer fired, the way to the far end was seen to work.
bool AliveAtTimer(const Scene& s) {
  const AttemptFacts& a = s.attempt;
  if (Gaps(a)) return false;
  switch (a.phase) {
    case AttemptPhase::kResolve:
    case AttemptPhase::kConnect:
      return false;
    case AttemptPhase::kTls:
      return AllAcked(a);
    case AttemptPhase::kRequest:
      // What is in the closed window's way is not on the wire.
      return a.tcp.has_value() && a.tcp->unacked == 0;
    case AttemptPhase::kWait:
      if (ProbeOverdue(a)) return false;
      return AllAcked(a) || a.received > 0 ||
             s.fault == Fault::kWriteTimeoutZeroWindow;
    case AttemptPhase::kHead:
      return a.tcp.has_value() || a.quiet < Seconds(5);
    case AttemptPhase::kBody:
      return a.end == AttemptEnd::kDeadline || ProbesAnswered(a);
  }
  return false;
}

}  // namespace

bool Fresh(const std::optional<Seconds>& age) {
  return age.has_value() && *age <= kLastSeconds;
}

HopSet Network(const Scene& s) { return HopSet{Hop::kIsp, Hop::kTor} & s.path; }

bool Established(const AttemptFacts& a) {
  if (a.phase == AttemptPhase::kResolve) return false;
  if (a.phase != AttemptPhase::kConnect) return true;
  return a.end == AttemptEnd::kFin || a.end == AttemptEnd::kReset;
}

bool Timer(const AttemptFacts& a) {
  return a.end == AttemptEnd::kTimeout || a.end == AttemptEnd::kDeadline;
}

bool ResetAfterLongQuiet(const AttemptFacts& a) {
  const Micros silence = a.phase == AttemptPhase::kBody ? a.quiet : a.waited;
  return a.end == AttemptEnd::kReset && silence >= kLongQuiet;
}

bool Gaps(const AttemptFacts& a) {
  return Timer(a) && a.tcp.has_value() && a.tcp->rcv_ooopack > 0;
}

bool LosesSome(const AttemptFacts& a) {
  return Timer(a) && a.tcp.has_value() && a.tcp->unacked > 0 &&
         a.tcp->sacked > 0;
}

bool SilentToProbes(const AttemptFacts& a) {
  return Timer(a) && a.tcp.has_value() && a.tcp->probes >= 2;
}

bool WayWorked(const Scene& s) {
  const AttemptFacts& a = s.attempt;
  if (s.fault == Fault::kWriteTimeoutUnacked) return false;
  if (SilentToProbes(a) || PerhapsIntercepted(a, s.fault)) return false;
  switch (a.end) {
    case AttemptEnd::kFin:
    case AttemptEnd::kMalformed:
      return true;
    case AttemptEnd::kReset:
      // A RST is no proof of its sender while a handshake of TLS may be
      // filtered, nor after a long silence.
      return a.phase != AttemptPhase::kTls && !ResetAfterLongQuiet(a);
    case AttemptEnd::kTimeout:
    case AttemptEnd::kDeadline:
      return AliveAtTimer(s);
    case AttemptEnd::kTls:
      // Records that cannot be read may have been spoilt on the way.
      return s.fault != Fault::kTlsBroken && s.fault != Fault::kBodyTlsError &&
             s.fault != Fault::kBodyTlsAlert;
    case AttemptEnd::kErrno:
    case AttemptEnd::kDns:
      return false;
  }
  return false;
}

}  // namespace whichhop::diagnostics
