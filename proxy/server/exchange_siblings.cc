// What an exchange tells others of the address that it asked, and what it asks
// of them when its attempt fails.

#include <algorithm>

#include "proxy/server/exchange.h"
#include "proxy/server/generation.h"
#include "proxy/server/siblings.h"
#include "proxy/server/witnesses.h"
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

// On a connection that stood idle, the first that came in answer to a request.
bool WasForgotten(const diagnostics::AttemptFacts& a) {
  return a.reused && a.end == AttemptEnd::kReset && a.received == 0;
}

// Since when nothing came that should have. While an answer is waited for
// nothing need come but the answers to probes, one a second.
Time SilentSince(const AttemptRecord& record,
                 const diagnostics::AttemptFacts& facts, Fault fault,
                 Time now) {
  if (fault != Fault::kRespPathLost || !facts.tcp) return record.silent_since();
  const auto probed = std::chrono::seconds(facts.tcp->probes);
  return std::max(record.silent_since(), now - probed);
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
  const Time silent_since =
      SilentSince(recorder_.attempt(), recorder_.facts(), fault, now);
  if (AddressMemory* const memory = connection_->memory()) {
    NoteFailure(*memory, fault, silent_since, now);
    if (WasForgotten(recorder_.facts())) memory->NoteForgotten(now);
    if (BreaksOff(failure)) NoteBroken(memory, now);
  }
  if (failure.end == AttemptEnd::kFin) connection_->NoteEnd();
  AskWitnesses(
      generation_, worker_.crew().walks(), recorder_,
      {recorder_.route()->upstream, lease_.index(), connection_->address(),
       fault, connection_->connected(), silent_since, now},
      &recorder_.siblings());
}

}  // namespace whichhop
