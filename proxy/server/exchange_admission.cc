// Which server an exchange's attempt goes to, the wait for a slot where an
// upstream has limits, and what servers are told of how it went.

#include <algorithm>

#include "diagnostics/classify.h"
#include "proxy/server/exchange.h"
#include "proxy/server/generation.h"
#include "proxy/server/path_walks.h"
#include "proxy/server/siblings.h"
#include "proxy/server/walk_report.h"
#include "proxy/server/worker.h"

namespace whichhop {

using diagnostics::AttemptEnd;
using diagnostics::DecisionFacts;
using diagnostics::Fault;

namespace {

// An answer that was due, or on its way, broke off.
bool BreaksOff(const AttemptFailure& failure) {
  const bool answer = failure.phase >= diagnostics::AttemptPhase::kRequest;
  return answer && (failure.end == AttemptEnd::kFin ||
                    failure.end == AttemptEnd::kReset ||
                    failure.end == AttemptEnd::kMalformed);
}

// An ICMP error that names what is wrong on the way to this very address.
bool IsRoutersWord(Fault fault) {
  return fault == Fault::kConnectRefusedIcmp ||
         fault == Fault::kConnectUnreachHost ||
         fault == Fault::kConnectAdminProhibited ||
         fault == Fault::kConnectTtlExceeded;
}

}  // namespace

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

// Of whoever answers, whole, others may ask when they fail.
void Exchange::NoteAnswer() {
  const Time asked = recorder_.attempt().written;
  // Or it did not wait for the whole request.
  if (connection_ == nullptr || asked == kNoTime) return;
  AddressMemory* const memory =
      connection_->endpoint().memory(connection_->address());
  if (memory != nullptr) memory->NoteAnswer(asked);
}

// A whole answer in between tells who holds the address from what is behind it.
void Exchange::NoteBroken(AddressMemory* memory, Time now) {
  constexpr Duration kLately = std::chrono::seconds(10);
  const Time before = memory->NoteBroken(now);
  if (before == kNoTime || now - before > kLately) return;
  // Where the app itself answers, of the host its kernel alone has a part in
  // it: what answers at another of its ports shows that to work.
  const UpstreamConfig& upstream =
      config().upstreams[recorder_.route()->upstream];
  const bool host = upstream.is == diagnostics::Answers::kApp;
  recorder_.siblings().answered_between =
      memory->asked() > before ||
      (host && HostAnsweredSince(generation_, connection_->address(), before));
}

// Notes what others are to know of this failure, and takes what they know.
void Exchange::AskSiblings(const AttemptFailure& failure, Fault fault) {
  if (connection_ == nullptr || !lease_.held() || IsOurs(fault)) return;
  const Time now = worker_.loop().now();
  const Time silent_since = recorder_.attempt().silent_since();
  AddressMemory* const memory =
      connection_->endpoint().memory(connection_->address());
  const bool silence = diagnostics::IsSilence(fault);
  if (memory != nullptr && silence) memory->NoteSilence(silent_since, now);
  if (memory != nullptr && BreaksOff(failure)) NoteBroken(memory, now);
  if (failure.end == AttemptEnd::kFin) connection_->NoteEnd();
  // Nobody can have seen anything meanwhile, or a router has said of this very
  // address what is wrong.
  const bool at_once =
      fault == Fault::kConnectRefusedRst || IsRoutersWord(fault);
  AddSiblings(
      generation_,
      {recorder_.route()->upstream, lease_.index(), connection_->address(),
       connection_->connected(), at_once ? kNoTime : silent_since, now},
      &recorder_.siblings());
  AskWalks(fault, memory == nullptr ? kNoTime : memory->asked());
}

// A rack that is silent as a whole still has its witness in the others.
void Exchange::ForgetRacks(diagnostics::SiblingFacts& facts) {
  facts.same_rack.reset();
  const bool whole =
      facts.rack_servers > 1 && facts.rack_silent >= facts.rack_servers;
  if (!whole) facts.other_rack.reset();
}

// A walk is as good as nobody was answered since. What neighbours share with
// the address clears nothing that may lose the packets to it alone: neither
// once a walk was made, nor, where one can tell, before.
void Exchange::AskWalks(Fault fault, Time answered) {
  PathWalks* const walks = worker_.crew().walks();
  const bool matters =
      diagnostics::IsSilence(fault) || fault == Fault::kConnectUnreachHost;
  const Address& target = connection_->address();
  if (walks == nullptr || !matters || target.is_loopback()) return;
  const Time now = worker_.loop().now();
  const auto report = walks->Find(target);
  diagnostics::SiblingFacts& facts = recorder_.siblings();
  if (report != nullptr && answered <= report->ended) {
    AddWalk(*report, walks->Next(*report, now), config().topology, now, &facts);
    // Who should have come next, a walk shows that gets there.
    const PathHop* const last = report->last();
    const bool lost = last == nullptr || last->kind == PathHop::Kind::kPassed;
    if (lost) AskWalkElsewhere(walks, now);
  }
  const bool may_tell = !config().topology.empty();
  if (report != nullptr || may_tell) ForgetRacks(facts);
  walks->Ask(target, now);
}

void Exchange::AskWalkElsewhere(PathWalks* walks, Time now) {
  const auto witness = FindWitness(generation_, recorder_.route()->upstream,
                                   lease_.index(), now);
  if (witness) walks->Ask(*witness, now);
}

void Exchange::NoteSuccess() {
  NoteAnswer();
  if (!lease_.held() || !lease_.TakeSuspicion()) return;
  worker_.crew().Note(generation_.shared_config(), recorder_.route()->upstream,
                      lease_.index(), RequestEnd::kSuccess);
}

}  // namespace whichhop
