#include "diagnostics/inferred.h"

#include "diagnostics/fingerprint.h"

namespace whichhop::diagnostics {
namespace {

// Below it a likeness is not worth a sentence.
constexpr uint8_t kWorthTelling = 40;

bool IsUsual(const WriterFacts& writer) {
  return writer.usual.has_value() &&
         CallsItself(writer.generator, ProductOf(*writer.usual));
}

// Where a balancer would stand: before the servers, unless we are it.
Hop BalancersPlace(const Observation& seen) {
  return BalancerBehind(seen.position, seen.is) ? Hop::kLb : Hop::kServer;
}

// A box that may be a balancer or stand on the app's host: what is usual at its
// address tells, or that another box relayed its page.
HopSet FrontsPlace(const Observation& seen) {
  const WriterFacts& writer = seen.writer;
  if (writer.relayed || IsUsual(writer)) return {Hop::kServer};
  const Hop before = BalancersPlace(seen);
  if (writer.usual.has_value()) return {before};
  return HopSet{before, Hop::kServer};
}

// The hops behind us that the generator may be; none where it does not fit.
HopSet PlacesOf(const Observation& seen) {
  const Place place = GetGenerator(seen.writer.generator).place;
  if (place == Place::kApp) return {Hop::kApp};
  if (place == Place::kStore || seen.is == Answers::kApp) return {};
  switch (place) {
    case Place::kServer:
      return {Hop::kServer};
    case Place::kFront:
      return FrontsPlace(seen);
    case Place::kBalancer:
      return {BalancersPlace(seen)};
    case Place::kCdn:
      return BalancerBehind(seen.position, seen.is) ? HopSet{Hop::kCdn}
                                                    : HopSet{};
    case Place::kApp:
    case Place::kStore:
      break;
  }
  return {};
}

// The row that documents an error which this hop reports.
RowId RowReportedBy(Hop hop, uint16_t status) {
  const bool gateway = status == 502;
  if (status != 502 && status != 504) return *RowsOf(status).begin();
  if (hop == Hop::kApp) return gateway ? RowId::k502B : RowId::k504B;
  if (hop == Hop::kServer) return gateway ? RowId::k502C : RowId::k504C;
  return gateway ? RowId::k502A : RowId::k504A;
}

// Hops nearer than it: they carried its answer. A balancer before a server is
// cleared only where something shows that one relayed it.
HopSet InFrontOf(Hop hop, const Observation& seen) {
  if (hop == Hop::kCdn) return {};  // it has a way of its own to the origin
  HopSet front = PathBehind(seen.position, seen.is);
  front.Remove(Hop::kApp);
  if (hop != Hop::kApp) front.Remove(Hop::kServer);
  if (hop == Hop::kLb || (hop == Hop::kServer && !seen.writer.relayed)) {
    front.Remove(Hop::kLb);
  }
  return front;
}

// What it says went wrong: by its own words, else by what its status means.
SubCause SubCauseOf(const Observation& seen) {
  const WriterFacts& writer = seen.writer;
  if (writer.sub_cause != SubCause::kNone) return writer.sub_cause;
  return MeaningOf(writer.generator, seen.status).sub_cause;
}

// Whom the row of an app's own error suspects is not what a 503 is about.
HopList RowsSuspects(Hop hop, const Observation& seen, RowId row) {
  if (hop == Hop::kApp && seen.status == 503) return {Hop::kApp, Hop::kDb};
  if (hop == Hop::kCdn && seen.status < 520) {
    return {Hop::kApp, Hop::kServer, Hop::kLb};
  }
  return GetRow(row).cause;
}

HopList SuspectsOf(Hop hop, const Observation& seen, RowId row) {
  const SubCauseInfo& info = GetSubCause(SubCauseOf(seen));
  HopList suspects = info.suspects;
  if (info.self && hop != Hop::kCdn) suspects.Add(hop);
  return suspects.empty() ? RowsSuspects(hop, seen, row) : suspects;
}

// Statuses that a gateway makes, or the app: who did says what they mean. What
// others say of (the client, credentials, files) its writer does not change.
bool MayMove(uint16_t status) {
  return status == 500 || (status >= 502 && status <= 504);
}

bool IsOpen(RowId row, RowSet open) { return open.contains(row); }

// The union of what each of its places would say.
void MoveTo(HopSet places, const Observation& seen, Verdict& verdict) {
  RowSet rows;
  HopList cause;
  HopList reporter;
  HopSet cleared;
  bool first = true;
  for (const Hop hop : places) {
    const RowId row = RowReportedBy(hop, seen.status);
    rows.Add(row);
    reporter.Add(hop);
    for (const Hop suspect : SuspectsOf(hop, seen, row)) cause.Add(suspect);
    const HopSet clear = GetRow(row).cleared | InFrontOf(hop, seen);
    cleared = first ? clear : cleared & clear;
    first = false;
  }
  verdict.rows = rows;
  verdict.cause = cause;
  verdict.reporter = reporter;
  verdict.cleared = cleared - cause.set() - reporter.set();
  verdict.basis = Basis::kInferred;
}

// The places whose rows are open: `is:` closes some.
HopSet OpenPlaces(const Observation& seen, RowSet open) {
  HopSet places;
  for (const Hop hop : PlacesOf(seen)) {
    if (IsOpen(RowReportedBy(hop, seen.status), open)) places.Add(hop);
  }
  return places;
}

// Another CDN says a 52x of its own: the row stands, and is known better.
bool IsForeignEdge(const Observation& seen, RowSet open) {
  return seen.status >= 520 && seen.status <= 526 && !open.empty() &&
         GetGenerator(seen.writer.generator).place == Place::kCdn;
}

void CiteUsual(const WriterFacts& writer, Evidence& evidence) {
  if (!writer.usual.has_value()) return;
  if (IsUsual(writer)) {
    evidence << "; it is what usually answers there";
  } else if (writer.usual->empty()) {
    evidence << "; what usually answers there names no product";
  } else {
    evidence << "; " << writer.usual->substr(0, 40)
             << " usually answers there: another box wrote it";
  }
}

void CiteMeaning(const Observation& seen, Evidence& evidence) {
  const WriterFacts& writer = seen.writer;
  if (writer.sub_cause != SubCause::kNone) {
    evidence << "; it says that " << GetSubCause(writer.sub_cause).sentence;
    return;
  }
  const StatusMeaning meaning = MeaningOf(writer.generator, seen.status);
  if (meaning.text.empty()) return;
  evidence << "; its " << uint64_t{seen.status} << " means " << meaning.text;
}

void CiteWriter(const Observation& seen, bool moved, Verdict& verdict) {
  const WriterFacts& writer = seen.writer;
  Evidence& evidence = verdict.evidence;
  evidence.Begin(Rule::kX8, moved ? verdict.cleared : HopSet{},
                 moved ? verdict.cause.set() : HopSet{});
  evidence << "the answer " << (writer.score < kNamed ? "looks like " : "is ")
           << GetGenerator(writer.generator).name
           << (writer.score < kNamed ? "'s (" : "'s own (")
           << uint64_t{writer.score} << " points)";
  if (writer.score < kNamed) {
    evidence << ": too little to say so";
    return;
  }
  CiteUsual(writer, evidence);
  CiteMeaning(seen, evidence);
  if (writer.relayed) evidence << "; another box relayed it";
}

uint64_t MaskSigns(const WriterFacts& writer) {
  return uint64_t{writer.varies_by_user} + uint64_t{writer.unlike_sibling} +
         uint64_t{writer.answered_before};
}

// One sign is chance.
bool MayBeMask(const Observation& seen) {
  return seen.status == 404 && MaskSigns(seen.writer) >= 2;
}

void Remark(Verdict& verdict, std::string_view sentence) {
  verdict.evidence.Begin(Rule::kRemark, {}, {});
  verdict.evidence << sentence;
}

}  // namespace

void InferWriter(const Observation& seen, Verdict& verdict) {
  const WriterFacts& writer = seen.writer;
  if (writer.score < kWorthTelling) return;
  bool moved = false;
  if (writer.score >= kNamed && MayMove(seen.status)) {
    const HopSet places = OpenPlaces(seen, verdict.rows);
    moved = !places.empty();
    if (moved) MoveTo(places, seen, verdict);
  } else if (writer.score >= kNamed && IsForeignEdge(seen, verdict.rows)) {
    verdict.basis = Basis::kInferred;
  }
  CiteWriter(seen, moved, verdict);
}

void CiteRemarks(const Observation& seen, Verdict& verdict) {
  const WriterFacts& writer = seen.writer;
  if (seen.status == 401 && writer.no_challenge) {
    Remark(verdict,
           "noncompliant-401: it has no WWW-Authenticate, and none was made "
           "up");
  }
  if (MayBeMask(seen)) {
    Remark(verdict, "possible-mask: a 401 or 403 may hide behind it");
    if (writer.varies_by_user) verdict.evidence << "; Vary names credentials";
    if (writer.unlike_sibling) {
      verdict.evidence << "; other paths of the route have another 404";
    }
    if (writer.answered_before) {
      verdict.evidence << "; with credentials the URL was there just now";
    }
  }
  if (writer.portal) {
    Remark(
        verdict,
        "possible-portal: a network that wants a login answers in its place");
  }
  if (!writer.realm.empty()) {
    Remark(verdict, "it asked a proxy's user for ");
    verdict.evidence << writer.realm.substr(0, 80);
  }
}

FixedText<64> Remarks(const Observation& seen) {
  FixedText<64> out;
  const auto add = [&](std::string_view remark) {
    if (!out.empty()) out << ", ";
    out << remark;
  };
  if (seen.status == 401 && seen.writer.no_challenge) add("noncompliant-401");
  if (MayBeMask(seen)) add("possible-mask");
  if (seen.writer.portal) add("possible-portal");
  return out;
}

}  // namespace whichhop::diagnostics
