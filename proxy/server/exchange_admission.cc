// Which server an exchange's attempt goes to, the wait for a slot where an
// upstream has limits, and what servers are told of how it went.

#include <algorithm>

#include "proxy/server/exchange.h"
#include "proxy/server/generation.h"
#include "proxy/server/worker.h"

namespace whichhop {

using diagnostics::AttemptEnd;
using diagnostics::DecisionFacts;
using diagnostics::Fault;

Upstream& Exchange::upstream() {
  return generation_.upstream(recorder_.route()->upstream);
}

// A lease on a server for the next attempt. False: none now. It waits for one,
// or was answered.
bool Exchange::Admit(bool fresh) {
  const bool called = slot_wait_.waiting();
  if (called && !slot_wait_.Answer()) return false;
  Upstream::Wish wish;
  if (recorder_.tried() && !fresh) wish.avoid = recorder_.attempt().endpoint;
  if (upstream().balance() == Balance::kHash) {
    wish.key = HashOf(client_.ip.bytes());
  }
  switch (upstream().Admit(wish, called, &lease_)) {
    case Upstream::Entry::kAdmitted:
      if (called) LeaveLine();
      return true;
    case Upstream::Entry::kFull:
      if (!called) JoinLine(fresh);
      return false;
    case Upstream::Entry::kAllDown:
      RefuseAllDown();
      return false;
  }
  return false;
}

void Exchange::JoinLine(bool fresh) {
  response_phase_ = ResponsePhase::kQueued;
  fresh_ = fresh;
  pending_ = worker_.AddPending();
  if (!pending_) return RefuseFull(Fault::kBackendConnLimit, {'P', 'Q'});
  slot_wait_.Begin(worker_.wait_room(), *upstream().admission(), *this);
  WaitUpstream(config().timeouts.queue);
}

// It still counts as pending: what comes next may be a connect.
void Exchange::LeaveLine() {
  slot_wait_.End();
  StopWaitingUpstream();
}

// As any attempt, not in the middle of a turn.
void Exchange::OnSlotCalled() { worker_.CallAtTurnEnd(*this); }

void Exchange::RefuseFull(Fault fault, Ended ended) {
  const Upstream::Fullness full = upstream().AskFullness(worker_.loop().now());
  DecisionFacts facts;
  facts.in_flight = full.survey.in_flight;
  facts.limit = full.limit;
  facts.oldest_in_flight =
      std::chrono::duration_cast<diagnostics::Micros>(full.survey.oldest);
  facts.in_flight_acked = full.survey.acked;
  facts.in_flight_answered = full.survey.answered;
  ended_ = ended;
  recorder_.JudgeCapacity(fault, facts, upstream().all_unix());
  DropConnection();
  SendReply();
}

// If an attempt was made, how that failed says more.
void Exchange::RefuseAllDown() {
  DropConnection();
  if (recorder_.failed()) {
    recorder_.JudgeAttempt();
    return SendReply();
  }
  ended_ = {'S', 'C'};
  const HealthReport& health = generation_.health(recorder_.route()->upstream);
  recorder_.JudgeCapacity(Fault::kBackendAllDown, health.facts,
                          upstream().all_unix());
  SendReply();
}

// Until the next probe; at least a second.
std::chrono::seconds Exchange::RetryAfter() const {
  constexpr std::chrono::seconds kLeast(1);
  const Time next = generation_.health(recorder_.route()->upstream).next_probe;
  if (next <= worker_.loop().now()) return kLeast;
  return std::chrono::ceil<std::chrono::seconds>(next - worker_.loop().now());
}

// Faults of the transport that are not ours count against a server, unless
// nothing can come of it: a storm of faults is not to be one of messages.
void Exchange::NoteFault(const AttemptFailure& failure, Fault fault) {
  const size_t index = recorder_.route()->upstream;
  const bool matters = config().upstreams[index].eject && lease_.held() &&
                       upstream().servers() > 1 &&
                       !upstream().standing(lease_.index()).ejected;
  const bool transport = failure.end != AttemptEnd::kMalformed &&
                         failure.end != AttemptEnd::kDns &&
                         fault != Fault::kStaleKeepaliveRace && !IsOurs(fault);
  if (!matters || !transport) return;
  worker_.crew().Note(generation_.shared_config(), index, lease_.index(),
                      RequestEnd::kFault);
}

void Exchange::NoteSuccess() {
  NoteAnswer();
  if (!lease_.held() || !lease_.TakeSuspicion()) return;
  worker_.crew().Note(generation_.shared_config(), recorder_.route()->upstream,
                      lease_.index(), RequestEnd::kSuccess);
}

}  // namespace whichhop
