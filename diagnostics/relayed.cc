#include "diagnostics/relayed.h"

#include "diagnostics/claim.h"
#include "diagnostics/inferred.h"
#include "diagnostics/testimony.h"

namespace whichhop::diagnostics {
namespace {

// What answered us: `is:`, else the server.
Hop Answerer(Answers is) {
  switch (is) {
    case Answers::kLb:
      return Hop::kLb;
    case Answers::kApp:
      return Hop::kApp;
    case Answers::kUnset:
    case Answers::kServer:
      return Hop::kServer;
  }
  return Hop::kServer;
}

// The rows of a relayed status that what answers us leaves open.
RowSet OpenRows(const Observation& seen) {
  const RowSet rows = RowsOf(seen.status);
  if (rows.size() < 2) return rows;
  const bool gateway = seen.status == 502;
  const RowId a = gateway ? RowId::k502A : RowId::k504A;
  const RowId b = gateway ? RowId::k502B : RowId::k504B;
  const RowId c = gateway ? RowId::k502C : RowId::k504C;
  if (seen.is == Answers::kApp) return {b};
  return BalancerBehind(seen.position, seen.is) ? RowSet{a, b, c}
                                                : RowSet{b, c};
}

// Where no balancer answers, a reporter `lb` would be us, who only relayed.
Hop RelayedReporter(const Observation& seen, Hop documented) {
  if (documented != Hop::kLb) return documented;
  return BalancerBehind(seen.position, seen.is) ? Hop::kLb : Answerer(seen.is);
}

// Several open rows are one verdict: their union, cleared where all agree.
void UniteRows(const Observation& seen, Verdict& verdict) {
  HopSet cause;
  HopSet reporters;
  HopSet cleared;
  bool first = true;
  for (RowId id : verdict.rows) {
    const Row& row = GetRow(id);
    cause = cause | row.cause.set();
    reporters.Add(RelayedReporter(seen, row.reporter));
    cleared = first ? row.cleared : cleared & row.cleared;
    first = false;
  }
  verdict.cause = HopList(cause);
  verdict.reporter = HopList(reporters);
  verdict.cleared = cleared - cause;
}

void Document(const Observation& seen, Verdict& verdict) {
  verdict.rows = OpenRows(seen);
  if (verdict.rows.empty()) {
    verdict.basis = Basis::kObserved;
    verdict.reporter = {Answerer(seen.is)};
  } else {
    verdict.basis = Basis::kDocumented;
    UniteRows(seen, verdict);
  }
}

// A claim's suspect is no longer cited as cleared.
void CiteRows(Verdict& verdict, HopSet claimed) {
  Evidence& evidence = verdict.evidence;
  evidence.Begin(Rule::kRow, verdict.cleared - claimed, verdict.cause.set());
  evidence << "the upstream answered " << verdict.received << "; ";
  if (verdict.rows.empty()) {
    evidence << "the model has no row for it";
    return;
  }
  evidence << (verdict.rows.size() > 1 ? "documented rows" : "documented row");
  for (RowId row : verdict.rows) evidence << " " << GetRow(row).id;
}

template <typename Fits>
RowSet RowsThat(RowSet rows, Fits fits) {
  RowSet kept;
  for (RowId row : rows) {
    if (fits(GetRow(row))) kept.Add(row);
  }
  return kept;
}

// The open rows that a claim fits: those that it names, else those of who made
// the answer, else those of its suspects. None: it is outside of them all.
RowSet FittingRows(const Observation& seen, const Claim& claim, RowSet open) {
  RowSet named;
  for (RowId row : claim.rows& open) named.Add(row);
  if (!named.empty()) return named;
  if (!claim.reporter.empty()) {
    return RowsThat(open, [&](const Row& row) {
      return claim.reporter.contains(RelayedReporter(seen, row.reporter));
    });
  }
  if (!claim.cause.empty()) {
    return RowsThat(open, [&](const Row& row) {
      return !(claim.cause.set() & row.cause.set()).empty();
    });
  }
  const Hop front = RelayedReporter(seen, Hop::kLb);
  return RowsThat(open, [&](const Row& row) {
    return RelayedReporter(seen, row.reporter) != front;
  });
}

HopSet RelayedReporters(const Observation& seen, HopSet claimed) {
  HopSet reporters;
  for (Hop hop : claimed) reporters.Add(RelayedReporter(seen, hop));
  return reporters;
}

// The rows that fit stay named; a claimed suspect is cleared by none of them.
void TakeClaim(const Observation& seen, const Claim& claim, Verdict& verdict) {
  const RowSet fitting = FittingRows(seen, claim, verdict.rows);
  const bool narrows = !fitting.empty() && !(fitting == verdict.rows);
  const bool moves = !claim.cause.empty() || !claim.reporter.empty();
  if (!narrows && !moves) return;
  verdict.basis = Basis::kClaimed;
  if (narrows) {
    verdict.rows = fitting;
    UniteRows(seen, verdict);
  }
  if (!claim.reporter.empty()) {
    verdict.reporter = HopList(RelayedReporters(seen, claim.reporter));
  }
  if (claim.cause.empty()) return;
  verdict.cause = claim.cause;
  verdict.cleared = verdict.cleared - claim.cause.set();
}

void Hear(const Observation& seen, Verdict& verdict) {
  const Testimony heard = ReadTestimony(*seen.testimony);
  const Claim claim = Weigh(seen, heard);
  CiteRows(verdict, claim.cause.set());
  verdict.hearing = claim.hearing;
  if (claim.hearing == Hearing::kBelieved) TakeClaim(seen, claim, verdict);
  CiteClaim(claim, heard, verdict.evidence);
}

}  // namespace

void DiagnoseRelayed(const Observation& seen, Verdict& verdict) {
  verdict.fault = Fault::kRelay;
  verdict.id << "relay-";
  verdict.id << uint64_t{seen.status};
  verdict.status = seen.status;
  verdict.received = seen.status;
  verdict.next_hop << seen.address;
  Document(seen, verdict);
  if (seen.status == 407) {  // means nothing to a client that has no proxy
    verdict.status = seen.statuses == Statuses::kEdge ? 520 : 502;
    verdict.type = ErrorType::kHttpProtocolError;
    verdict.details << "407 from an origin may not pass";
  }
  if (seen.testimony) {
    Hear(seen, verdict);
  } else {
    CiteRows(verdict, {});
  }
  // A claim that is believed wins over the look of a page.
  if (verdict.basis != Basis::kClaimed) InferWriter(seen, verdict);
  CiteRemarks(seen, verdict);
}

}  // namespace whichhop::diagnostics
