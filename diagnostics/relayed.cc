#include "diagnostics/relayed.h"

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

void CiteRows(Verdict& verdict) {
  Evidence& evidence = verdict.evidence;
  evidence.Begin(Rule::kRow, verdict.cleared, verdict.cause.set());
  evidence << "the upstream answered " << verdict.received << "; ";
  if (verdict.rows.empty()) {
    evidence << "the model has no row for it";
    return;
  }
  evidence << (verdict.rows.size() > 1 ? "documented rows" : "documented row");
  for (RowId row : verdict.rows) evidence << " " << GetRow(row).id;
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

}  // namespace

void DiagnoseRelayed(const Observation& seen, Verdict& verdict) {
  verdict.fault = Fault::kRelay;
  verdict.id << "relay-";
  verdict.id << uint64_t{seen.status};
  verdict.status = seen.status;
  verdict.received = seen.status;
  verdict.next_hop << seen.address;
  verdict.rows = OpenRows(seen);
  if (verdict.rows.empty()) {
    verdict.basis = Basis::kObserved;
    verdict.reporter = {Answerer(seen.is)};
  } else {
    verdict.basis = Basis::kDocumented;
    UniteRows(seen, verdict);
  }
  if (seen.status == 407) {  // means nothing to a client that has no proxy
    verdict.status = seen.statuses == Statuses::kEdge ? 520 : 502;
    verdict.type = ErrorType::kHttpProtocolError;
    verdict.details << "407 from an origin may not pass";
  }
  CiteRows(verdict);
}

}  // namespace whichhop::diagnostics
