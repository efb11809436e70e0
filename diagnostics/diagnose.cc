#include "diagnostics/diagnose.h"

#include "diagnostics/classify.h"
#include "diagnostics/classify_tls.h"
#include "diagnostics/describe.h"
#include "diagnostics/narrow.h"
#include "diagnostics/relayed.h"
#include "diagnostics/tls_text.h"

namespace whichhop::diagnostics {
namespace {

// The row that documents a status of our own: A where it has several.
RowId OwnRow(uint16_t status) {
  const RowSet rows = RowsOf(status);
  return rows.empty() ? RowId::kNone : *rows.begin();
}

struct StatusAndRow {
  uint16_t status;
  RowId row;
};

StatusAndRow Listed(Fault fault, Statuses statuses) {
  const FaultInfo& info = GetFault(fault);
  if (statuses == Statuses::kEdge) return {info.edge_status, info.edge_row};
  return {info.gateway_status, info.gateway_row};
}

// Edge mode takes the class of the last probe when no server is left.
StatusAndRow AllDown(const Observation& seen) {
  const std::optional<Fault>& probe = seen.decision.last_probe;
  if (seen.statuses == Statuses::kEdge && probe.has_value()) {
    const Phase phase = GetFault(*probe).phase;
    if (phase == Phase::kConnect || phase == Phase::kTls) {
      return Listed(*probe, Statuses::kEdge);
    }
  }
  return Listed(Fault::kBackendAllDown, seen.statuses);
}

StatusAndRow StatusOf(const Observation& seen, Fault fault) {
  if (seen.kind == Kind::kRespond) return {seen.status, OwnRow(seen.status)};
  if (seen.kind == Kind::kDecision && seen.decision.status != 0) {
    return {seen.decision.status, OwnRow(seen.decision.status)};
  }
  if (fault == Fault::kBackendAllDown) return AllDown(seen);
  return Listed(fault, seen.statuses);
}

// The request reached us whole: what the row clears before us is clear.
HopSet ClearedBefore(const Observation& seen, const Blame& blame, RowId row) {
  if (row == RowId::kNone) return {};
  return (GetRow(row).cleared & PathBefore(seen.position)) -
         blame.suspects.set();
}

void CiteFault(const Verdict& verdict, const Blame& blame, Evidence& evidence) {
  evidence.Begin(Rule::kFault, {}, blame.suspects.set());
  evidence << verdict.sentence();
  if (!verdict.details.empty()) {
    evidence << " (" << verdict.details.view() << ")";
  }
}

void CiteRequest(HopSet cleared, RowId row, Evidence& evidence) {
  if (cleared.empty()) return;
  evidence.Begin(Rule::kX1, cleared, {});
  evidence << "the request reached this proxy: row " << GetRow(row).id
           << " clears the client's side";
}

// Who opened a connection, and who carried it here, before a request is read.
constexpr HopSet kCarriers{Hop::kBrowser, Hop::kDevice, Hop::kRouter, Hop::kIsp,
                           Hop::kTor};

void CiteConnection(HopSet cleared, Evidence& evidence) {
  evidence.Begin(Rule::kX4, cleared, {});
  evidence << "the client's handshake was completed: its way here is up";
}

// Whoever answered, nobody checked who it is.
void CiteUnverified(const Observation& seen, Evidence& evidence) {
  const TlsFacts& tls = TlsOf(seen.attempt);
  if (!tls.complete || tls.verification != Verification::kOff) return;
  evidence.Begin(Rule::kX6, {}, {});
  evidence << "the upstream's certificate was not verified (verify: false): "
              "who answers there is not known";
  if (tls.verify_code == 0) return;
  evidence << "; it would have failed with "
           << VerifyText(tls.verify_code).view();
}

// Everything that a produced error says but its suspects.
void DiagnoseProduced(const Observation& seen, Fault fault, Verdict& verdict) {
  const FaultInfo& info = GetFault(fault);
  const StatusAndRow listed = StatusOf(seen, fault);
  verdict.fault = fault;
  verdict.id << info.id;
  verdict.status = listed.status;
  verdict.rows.Add(listed.row);
  verdict.basis = Basis::kObserved;
  verdict.type = info.type;
  verdict.reporter = {SelfHop(seen.position)};
  verdict.parameters = DescribeParameters(seen, fault, listed.status);
}

void Conclude(const Observation& seen, const Blame& blame, Verdict& verdict) {
  const RowId row = verdict.rows.empty() ? RowId::kNone : *verdict.rows.begin();
  const bool unread = verdict.fault == Fault::kAcceptEmfile;
  HopSet before = ClearedBefore(seen, blame, row);
  if (unread) before = before & kCarriers;
  verdict.cause = blame.cause;
  verdict.cleared = (before | blame.cleared) - blame.cause.set() -
                    HopSet{SelfHop(seen.position), Hop::kDns};
  if (unread) {
    CiteConnection(before & verdict.cleared, verdict.evidence);
  } else {
    CiteRequest(before & verdict.cleared, row, verdict.evidence);
  }
}

void DiagnoseAttempt(const Observation& seen, Verdict& verdict) {
  const Fault fault = Classify(seen.attempt);
  DiagnoseProduced(seen, fault, verdict);
  if (seen.attempt.head_forwarded) verdict.status = 0;
  verdict.received = seen.attempt.status;
  verdict.next_hop << seen.attempt.address;
  verdict.details << DescribeAttempt(seen.attempt, fault).view();
  CiteFault(verdict,
            {SuspectsOf(fault, seen.position, LegBehind(seen)), {}, {}},
            verdict.evidence);
  CiteUnverified(seen, verdict.evidence);
  Conclude(seen, NarrowAttempt(seen, seen.attempt, fault, verdict.evidence),
           verdict);
}

void DiagnoseDecision(const Observation& seen, Verdict& verdict) {
  DiagnoseProduced(seen, seen.fault, verdict);
  verdict.details << DescribeRequest(seen.request, seen.fault).view();
  if (verdict.details.empty()) {
    verdict.details << DescribeDecision(seen.decision).view();
  }
  CiteFault(verdict,
            {SuspectsOf(seen.fault, seen.position, LegBehind(seen)), {}, {}},
            verdict.evidence);
  Conclude(seen, NarrowDecision(seen, verdict.evidence), verdict);
}

void DiagnoseRespond(const Observation& seen, Verdict& verdict) {
  DiagnoseProduced(seen, Fault::kRespond, verdict);
  const HopList self{SelfHop(seen.position)};
  CiteFault(verdict, {self, {}, {}}, verdict.evidence);
  Conclude(seen, {self, self, {}}, verdict);
}

}  // namespace

Verdict Diagnose(const Observation& seen) {
  Verdict verdict;
  verdict.position = seen.position;
  // Half an id is the id of something else.
  if (seen.protocol.size() <= verdict.protocol.kSize) {
    verdict.protocol << seen.protocol;
  }
  switch (seen.kind) {
    case Kind::kRelayed:
      DiagnoseRelayed(seen, verdict);
      CiteUnverified(seen, verdict.evidence);
      break;
    case Kind::kDecision:
      DiagnoseDecision(seen, verdict);
      break;
    case Kind::kRespond:
      DiagnoseRespond(seen, verdict);
      break;
    case Kind::kAttempt:
      DiagnoseAttempt(seen, verdict);
      break;
  }
  return verdict;
}

}  // namespace whichhop::diagnostics
