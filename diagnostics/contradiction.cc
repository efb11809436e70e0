#include "diagnostics/contradiction.h"

#include <algorithm>
#include <charconv>
#include <chrono>

namespace whichhop::diagnostics {
namespace {

using std::chrono::milliseconds;

// No timer that waits for another host is shorter. A resolver's answers, and
// its silence, are remembered: dns_timeout may come at once.
constexpr milliseconds kLeastTimeout{10};
// Clocks tick apart.
constexpr milliseconds kTimeSlack{20};

constexpr HopSet kBehindTheApp{Hop::kDbHost,    Hop::kDb,       Hop::kStoreHost,
                               Hop::kDatastore, Hop::kAuthHost, Hop::kAuth};

// Who may stand behind us. Another CDN says so itself.
HopSet Behind(const Observation& seen, const Testimony& heard) {
  HopSet behind = PathBehind(seen.position, seen.is) | kBehindTheApp;
  behind.Add(Hop::kDns);
  if (heard.reporter.contains(Hop::kCdn)) {
    behind = behind | HopSet{Hop::kCdn, Hop::kIsp, Hop::kLb};
  }
  return behind;
}

HopSet DocumentedCauses(const Observation& seen) {
  HopSet causes;
  for (RowId row : RowsOf(seen.status)) {
    causes = causes | GetRow(row).cause.set();
  }
  return causes;
}

HopSet DocumentedReporters(const Observation& seen) {
  HopSet reporters;
  for (RowId row : RowsOf(seen.status)) reporters.Add(GetRow(row).reporter);
  return reporters;
}

// Whom another of our kind may suspect by the fault that it names.
HopSet FaultSuspects(const Testimony& heard) {
  const std::optional<Fault> fault = ParseFault(heard.fault);
  if (!fault) return {};
  const FaultInfo& info = GetFault(*fault);
  return info.at_lb.hops.set() | info.at_cdn.hops.set();
}

bool BlamesTheOtherSide(const Observation& seen, const Testimony& heard) {
  if (seen.status < 500) return false;  // a request may be anybody's fault
  const HopSet possible =
      Behind(seen, heard) | DocumentedCauses(seen) | FaultSuspects(heard);
  return !(heard.cause.set() - possible).empty();
}

bool ReportedByNobodyBehind(const Observation& seen, const Testimony& heard) {
  // Two CDNs cannot be told apart by their names: a row has to say so.
  HopSet possible = Behind(seen, heard) | DocumentedReporters(seen);
  const bool cdn = seen.status >= 520 || seen.position == Position::kCdn;
  if (!cdn) possible.Remove(Hop::kCdn);
  return !(heard.reporter.set() - possible).empty();
}

// A 407 may not pass: a proxy of our kind sends another status for it.
constexpr std::string_view kRelayed407 = "relay-407";

bool NamesAnotherRow(const Observation& seen, const Testimony& heard) {
  if (heard.rows.empty() || heard.fault == kRelayed407) return false;
  return (heard.rows & RowsOf(seen.status)).empty();
}

bool RelayedAnotherStatus(const Observation& seen, const Testimony& heard) {
  constexpr std::string_view kRelay = "relay-";
  if (!heard.fault.starts_with(kRelay) || heard.fault == kRelayed407) {
    return false;
  }
  const std::string_view digits = heard.fault.substr(kRelay.size());
  unsigned status = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), status);
  return status != seen.status;
}

// Whoever says no error sent on the status that it received: to us the last,
// to each other the one behind it.
bool ReceivedAnotherStatus(const Observation& seen, const Testimony& heard) {
  const auto members = heard.Counting();
  unsigned sent = seen.status;
  for (size_t i = members.size(); i-- > 0;) {
    const unsigned received = members[i].received_status;
    const bool passed = !members[i].has_error && received != 0;
    if (passed && sent != 0 && received != sent) return true;
    sent = received;
    // Who was left out stands between these two.
    if (heard.members_left_out > 0 && i + 1 == members.size()) sent = 0;
  }
  return false;
}

bool MadeAnotherStatus(const Observation& seen, const Testimony& heard) {
  const ProxyMember* const last = heard.Outermost();
  if (last == nullptr || !last->has_error) return false;
  const std::optional<uint64_t> made = last->Number("status-code");
  return made.has_value() && *made != seen.status;
}

bool IsTimeout(ErrorType type) {
  return type == ErrorType::kConnectionTimeout ||
         type == ErrorType::kConnectionReadTimeout ||
         type == ErrorType::kConnectionWriteTimeout ||
         type == ErrorType::kHttpResponseTimeout;
}

bool NamesTimeout(const Testimony& heard) {
  const auto members = heard.Counting();
  if (std::ranges::any_of(members, IsTimeout, &ProxyMember::error)) return true;
  if (IsTimeout(heard.vendor_error)) return true;
  // Some faults share an id: the member says which it is.
  const bool told = std::ranges::any_of(members, &ProxyMember::has_error);
  const std::optional<Fault> fault = ParseFault(heard.fault);
  return !told && fault && IsTimeout(GetFault(*fault).type);
}

bool TimedOutAtOnce(const Observation& seen, const Testimony& heard) {
  const auto& elapsed = seen.testimony->elapsed;
  return elapsed && *elapsed < kLeastTimeout && NamesTimeout(heard);
}

bool TookMoreThanItHad(const Observation& seen, const Testimony& heard) {
  const auto& elapsed = seen.testimony->elapsed;
  return elapsed && heard.upstream_time &&
         *heard.upstream_time > *elapsed + kTimeSlack;
}

bool ClearsItsSuspect(const Observation&, const Testimony& heard) {
  return !(heard.cause.set() & heard.cleared).empty();
}

bool IsOfRequest(ErrorType type) {
  return type == ErrorType::kHttpRequestError ||
         type == ErrorType::kHttpRequestDenied;
}

bool BlamesTheRequestFor5xx(const Observation& seen, const Testimony& heard) {
  // What a request asks for and nobody can do.
  const bool may =
      seen.status < 500 || seen.status == 501 || seen.status == 505;
  if (may) return false;
  return IsOfRequest(heard.vendor_error) ||
         std::ranges::any_of(heard.Counting(), IsOfRequest,
                             &ProxyMember::error);
}

// The first that holds is told; contradiction_test.cc has each.
struct Contradiction {
  bool (*holds)(const Observation& seen, const Testimony& heard);
  std::string_view says;
};
constexpr Contradiction kContradictions[] = {
    {BlamesTheOtherSide,
     "Error-Cause names a hop that cannot cause this status from behind"},
    {ReportedByNobodyBehind,
     "Error-Reporter names a hop that does not stand behind this upstream"},
    {NamesAnotherRow, "the row of Error-Fault is not of this status"},
    {RelayedAnotherStatus, "Error-Fault is of another status than this one"},
    {ReceivedAnotherStatus,
     "received-status is not the status that was sent on"},
    {MadeAnotherStatus, "status-code is not the status that came"},
    {TimedOutAtOnce, "it speaks of a timeout, and the answer came at once"},
    {TookMoreThanItHad, "it speaks of more time than passed"},
    {ClearsItsSuspect, "Error-Cause and Error-Cleared name the same hop"},
    {BlamesTheRequestFor5xx,
     "the request is blamed, and the status blames the server"},
};

}  // namespace

std::string_view ContradictionOf(const Observation& seen,
                                 const Testimony& heard) {
  for (const Contradiction& contradiction : kContradictions) {
    if (contradiction.holds(seen, heard)) return contradiction.says;
  }
  return {};
}

}  // namespace whichhop::diagnostics
