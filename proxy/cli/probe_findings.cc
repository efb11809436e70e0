#include "proxy/cli/probe_findings.h"

namespace whichhop {

using namespace diagnostics;  // this file speaks of little else

namespace {

size_t StepOf(AttemptPhase phase) {
  switch (phase) {
    case AttemptPhase::kResolve:
      return 0;
    case AttemptPhase::kConnect:
      return 1;
    case AttemptPhase::kTls:
      return 2;
    case AttemptPhase::kRequest:
    case AttemptPhase::kWait:
    case AttemptPhase::kHead:
    case AttemptPhase::kBody:
      return 3;
  }
  return 3;
}

// A step without a time of its own took none.
Duration Between(Time from, Time to) {
  return from == kNoTime || to == kNoTime || to < from ? Duration{} : to - from;
}

}  // namespace

std::string_view StateName(ProbeStep::State state) {
  switch (state) {
    case ProbeStep::State::kOk:
      return "ok";
    case ProbeStep::State::kFailed:
      return "failed";
    case ProbeStep::State::kSkipped:
      return "skipped";
    case ProbeStep::State::kNotReached:
      return "not reached";
  }
  return "not reached";
}

ProbeSteps StepsOf(const ProbePlan& plan, const OriginProbe& probe) {
  const AttemptRecord& attempt = probe.attempt();
  const UpstreamConfig& origin = plan.config.upstreams.front();
  const bool tls = origin.tls != nullptr;
  const std::array<Time, 5> ends = {
      attempt.begun, attempt.connect_begun(), attempt.connected,
      tls ? attempt.secured : attempt.connected, attempt.ended};
  ProbeSteps steps = {{{"dns"}, {"tcp"}, {"tls"}, {"http"}}};
  const size_t last = StepOf(probe.phase());
  for (size_t i = 0; i <= last; ++i) {
    const bool failed = i == last && !probe.healthy();
    steps[i].state = failed ? ProbeStep::State::kFailed : ProbeStep::State::kOk;
    steps[i].took = Between(ends[i], i == last ? attempt.ended : ends[i + 1]);
  }
  if (origin.servers.front().host.empty())
    steps[0].state = ProbeStep::State::kSkipped;
  if (!tls) steps[2].state = ProbeStep::State::kSkipped;
  return steps;
}

Duration TookInAll(const OriginProbe& probe) {
  return Between(probe.attempt().begun, probe.attempt().ended);
}

Duration TimeToFirstByte(const OriginProbe& probe) {
  const AttemptRecord& attempt = probe.attempt();
  const Time ready =
      attempt.secured != kNoTime ? attempt.secured : attempt.connected;
  return Between(ready, attempt.first_byte);
}

Verdict WithoutClient(const Verdict& verdict) {
  const HopSet before = PathBefore(verdict.position);
  Verdict ours = verdict;
  ours.evidence = Evidence();
  HopSet seen;  // to work, by ourselves
  for (size_t i = 0; i < verdict.evidence.size(); ++i) {
    const Evidence::Item item = verdict.evidence[i];
    if (item.rule == Rule::kX1) continue;
    const bool documented = item.rule == Rule::kRow;
    if (!documented) seen = seen | item.cleared;
    ours.evidence.Begin(item.rule,
                        documented ? item.cleared - before : item.cleared,
                        item.blamed);
    ours.evidence << item.sentence;
  }
  ours.cleared = verdict.cleared - (before - seen);
  return ours;
}

}  // namespace whichhop
