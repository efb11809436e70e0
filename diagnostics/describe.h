#pragma once
// The facts of a fault in one line, for operators: `details` of Proxy-Status
// and the first sentence of the evidence.

#include "diagnostics/observation.h"
#include "diagnostics/verdict.h"

namespace whichhop::diagnostics {

// "0.4 ms", "31 ms", "3.0 s".
FixedText<24> DurationText(Micros duration);

// An age in whole seconds; one from the future (clocks, a broken transcript)
// counts as now.
constexpr uint64_t AgeSeconds(Seconds age) {
  return age.count() > 0 ? static_cast<uint64_t>(age.count()) : 0;
}

// "ECONNREFUSED"; "errno" and the number for one that connections do not meet.
FixedText<24> ErrnoText(int error);

// How an attempt ended: "FIN", "RST", "ETIMEDOUT", "timeout".
FixedText<24> EndText(const AttemptFacts& attempt);

// "icmp 3/1 from 10.0.0.1".
FixedText<80> IcmpText(const IcmpFacts& icmp);

// "no SYN-ACK in 3.0 s, 3 SYNs". Empty where there is nothing to say.
FixedText<160> DescribeAttempt(const AttemptFacts& attempt, Fault fault);

// "head: 41 bytes in 10.0 s".
FixedText<160> DescribeRequest(const RequestFacts& request, Fault fault);

// "2 of 2 servers ejected".
FixedText<160> DescribeDecision(const DecisionFacts& decision);

// The parameters that RFC 9209 has for this fault's type; those whose value is
// not known are absent. Requires: the type of the fault's table row.
ErrorParameters DescribeParameters(const Observation& seen, Fault fault,
                                   uint16_t status);

}  // namespace whichhop::diagnostics
