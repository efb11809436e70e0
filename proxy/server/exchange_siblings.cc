// What an exchange tells others of the address that it asked, and what it asks
// of them when its attempt fails: siblings, and walks along the path.

#include "diagnostics/classify.h"
#include "proxy/server/exchange.h"
#include "proxy/server/generation.h"
#include "proxy/server/path_walks.h"
#include "proxy/server/siblings.h"
#include "proxy/server/walk_report.h"
#include "proxy/server/worker.h"

namespace whichhop {

using diagnostics::AttemptEnd;
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

// Of whoever answers, whole, others may ask when they fail.
void Exchange::NoteAnswer() {
  const Time asked = recorder_.attempt().written;
  // Or it did not wait for the whole request.
  if (connection_ == nullptr || asked == kNoTime) return;
  AddressMemory* const memory = connection_->memory();
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
      (host && HostAnsweredSince(generation_, recorder_.route()->upstream,
                                 connection_->address(), before));
}

// Notes what others are to know of this failure, and takes what they know.
void Exchange::AskSiblings(const AttemptFailure& failure, Fault fault) {
  if (connection_ == nullptr || !lease_.held() || IsOurs(fault)) return;
  const Time now = worker_.loop().now();
  const Time silent_since = recorder_.attempt().silent_since();
  AddressMemory* const memory = connection_->memory();
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

}  // namespace whichhop
