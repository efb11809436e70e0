#include "proxy/server/witnesses.h"

#include "diagnostics/classify.h"
#include "proxy/server/generation.h"
#include "proxy/server/walk_report.h"

namespace whichhop {

namespace {

using diagnostics::Fault;
using diagnostics::SiblingFacts;

// Against what a router says of the address itself nobody is a witness, but for
// its own rack where a rule says so.
void KeepRackAlone(SiblingFacts& facts) {
  facts.same_address.reset();
  facts.other_rack.reset();
  facts.rack_servers = facts.rack_silent = 0;
}

// A rack that is silent as a whole still has its witness in the others.
void ForgetRacks(SiblingFacts& facts) {
  facts.same_rack.reset();
  const bool whole =
      facts.rack_servers > 1 && facts.rack_silent >= facts.rack_servers;
  if (!whole) facts.other_rack.reset();
}

void AskWalkElsewhere(Generation& generation, PathWalks& walks,
                      const Failed& failed) {
  const auto witness =
      FindWitness(generation, failed.upstream, failed.server, failed.now);
  if (witness) walks.Ask(*witness, failed.now);
}

// A walk is as good as nobody was answered since. What neighbours share with
// the address clears nothing that may lose the packets to it alone: neither
// once a walk was made, nor, where one can tell, before. A host that nobody
// finds by ARP loses none: rules say what its neighbours clear.
void AskWalks(Generation& generation, PathWalks& walks,
              const Recorder& recorder, const Failed& failed,
              SiblingFacts* facts) {
  const auto& topology = generation.config().topology;
  const auto report = walks.Find(failed.address);
  const AddressMemory* const memory = MemoryOf(generation, failed);
  const Time asked = memory == nullptr ? kNoTime : memory->asked();
  if (report != nullptr && asked <= report->ended) {
    AddWalk(*report, walks.Next(*report, failed.now), topology, failed.now,
            facts);
    facts->walk_passed_sender =
        recorder.facts().icmp && report->Passed(recorder.offender());
    // Who should have come next, a walk shows that gets there.
    const PathHop* const last = report->last();
    const bool lost = last == nullptr || last->kind == PathHop::Kind::kPassed;
    if (lost) AskWalkElsewhere(generation, walks, failed);
  }
  const bool may_tell = report != nullptr || !topology.empty();
  const bool found = failed.fault != Fault::kConnectUnreachArp &&
                     failed.fault != Fault::kConnectUnreachHost;
  if (may_tell && found) ForgetRacks(*facts);
  walks.Ask(failed.address, failed.now);
}

// A router's word is as good as nobody was answered since.
void AddNoWay(Generation& generation, const Failed& failed,
              SiblingFacts* facts) {
  const AddressMemory* const memory = MemoryOf(generation, failed);
  if (memory == nullptr) return;
  const auto word = memory->no_way();
  if (!word || memory->asked() > word->at) return;
  facts->told_by = HopAt(generation.config().topology, word->said_by);
  facts->told_age =
      std::chrono::ceil<diagnostics::Seconds>(failed.now - word->at);
  facts->told_no_neighbour = word->no_such_host;
}

// Others, who hear nothing of it, are to know.
void NoteNoWay(Generation& generation, const Recorder& recorder,
               const Failed& failed) {
  const diagnostics::AttemptFacts& attempt = recorder.facts();
  if (!attempt.icmp || failed.fault == Fault::kConnectTtlExceeded) return;
  if (attempt.icmp->offender != diagnostics::Offender::kHop) return;
  AddressMemory* const memory = MemoryOf(generation, failed);
  if (memory == nullptr) return;
  memory->NoteNoWay(
      {recorder.offender(), IsNoSuchHost(*attempt.icmp), failed.now});
}

}  // namespace

void AskWitnesses(Generation& generation, PathWalks* walks,
                  const Recorder& recorder, const Failed& failed,
                  SiblingFacts* facts) {
  AddSiblings(generation, failed, facts);
  if (failed.fault == Fault::kConnectUnreachHost) KeepRackAlone(*facts);
  if (IsUnheard(failed.fault) && !failed.address.is_loopback()) {
    AddNoWay(generation, failed, facts);
    if (walks != nullptr) AskWalks(generation, *walks, recorder, failed, facts);
  }
  NoteNoWay(generation, recorder, failed);
}

void NoteGoodTimes(Generation& generation, PathWalks* walks,
                   const Address& address, AddressMemory* memory, Time now) {
  if (memory == nullptr || walks == nullptr) return;
  const Time before = memory->walked();
  if (before != kNoTime && now - before < PathWalks::kGoodPause) return;
  // Without names for who answers, a walk tells nothing.
  if (generation.config().topology.empty()) return;
  walks->AskInGoodTimes(address, now);
  memory->NoteWalked(now);
}

}  // namespace whichhop
