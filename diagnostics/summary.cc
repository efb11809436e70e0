#include "diagnostics/summary.h"

#include "diagnostics/advice.h"
#include "diagnostics/append.h"
#include "diagnostics/text.h"

namespace whichhop::diagnostics {
namespace {

constexpr HopSet kClientSide{Hop::kBrowserApp, Hop::kBrowser, Hop::kDevice,
                             Hop::kRouter};

// Whether this suspect is this proxy, not another box of its kind behind it.
bool IsOurs(const Verdict& verdict, Hop hop) {
  const FaultInfo& info = GetFault(verdict.fault);
  return info.at_lb.self && hop == SelfHop(verdict.position);
}

void AppendNames(const HopList& hops, size_t from, std::string_view between,
                 std::string& out) {
  for (size_t i = from; i < hops.size(); ++i) {
    if (i > from) out += between;
    out += HopName(hops[i]);
  }
}

void AppendUnknown(const Verdict& verdict, std::string& out) {
  if (verdict.rows.contains(RowId::k418)) {
    out += "Nothing is broken: the device is a teapot.";
    return;
  }
  out += "Which hop caused it is not known";
  if (!verdict.reporter.empty()) {
    out += "; ask ";
    AppendNames(verdict.reporter, 0, " or ", out);
    out += ", which reported it";
  }
  out += '.';
}

}  // namespace

void AppendWhatHappened(const Verdict& verdict, std::string& out) {
  if (verdict.fault != Fault::kRelay) {
    out += verdict.sentence();
    return;
  }
  AppendAll(out, "The upstream answered ", Decimal(verdict.received).view(),
            " ", ReasonPhrase(verdict.received));
  if (verdict.rows.size() == 1) {
    AppendAll(out, ": ", GetRow(*verdict.rows.begin()).says);
  } else {
    out += '.';
  }
}

void AppendWhomToPage(const Verdict& verdict, std::string& out) {
  const HopList& cause = verdict.cause;
  if (cause.empty()) return AppendUnknown(verdict, out);
  if ((cause.set() - kClientSide).empty()) {
    out += "It comes from the client's side (";
    AppendNames(cause, 0, ", ", out);
    out += "): nobody to page.";
    return;
  }
  const bool self = IsOurs(verdict, cause[0]);
  AppendAll(out, "Page ", self ? "whoever runs this proxy" : Owner(cause[0]),
            " (", HopName(cause[0]), ")");
  if (cause.size() > 1) {
    out += cause.size() > 2 ? "; next suspects: " : "; next suspect: ";
    AppendNames(cause, 1, ", ", out);
  }
  out += '.';
}

}  // namespace whichhop::diagnostics
