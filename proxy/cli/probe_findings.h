#pragma once
// What a probe found, as all who tell of it need it. Requires, of each: `probe`
// has ended.

#include <array>
#include <string_view>

#include "diagnostics/verdict.h"
#include "proxy/cli/probe_plan.h"

namespace whichhop {

struct ProbeStep {
  enum class State : uint8_t { kOk, kFailed, kSkipped, kNotReached };
  std::string_view name;
  State state = State::kNotReached;
  Duration took{};  // of those that ran

  bool ran() const { return state == State::kOk || state == State::kFailed; }
};

std::string_view StateName(ProbeStep::State state);

// dns, tcp, tls, http.
using ProbeSteps = std::array<ProbeStep, 4>;
ProbeSteps StepsOf(const ProbePlan& plan, const OriginProbe& probe);

// From the begin to the end of the attempt; its walk may have taken longer.
Duration TookInAll(const OriginProbe& probe);
// From when the request could be sent. Zero: no byte came.
Duration TimeToFirstByte(const OriginProbe& probe);

// The verdict without what only holds where a client asked: nobody's request
// came through the hops before us. A hop on both sides (`tor` before and behind
// a balancer) stays cleared if it was seen to work behind us.
diagnostics::Verdict WithoutClient(const diagnostics::Verdict& verdict);

}  // namespace whichhop
