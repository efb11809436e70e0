#include "diagnostics/advice.h"

#include "diagnostics/wording.h"

namespace whichhop::diagnostics {
namespace {

constexpr HopSet kVisitorRuns{Hop::kBrowser, Hop::kDevice, Hop::kTeapot};
constexpr HopSet kNetworkRuns{Hop::kRouter, Hop::kDns, Hop::kIsp, Hop::kTor};

}  // namespace

Party PartyOf(Hop hop) {
  if (kVisitorRuns.contains(hop)) return Party::kVisitor;
  return kNetworkRuns.contains(hop) ? Party::kNetwork : Party::kOwner;
}

VisitorStep StepOfVisitor(int status) {
  switch (status) {
    case 400:
      return VisitorStep::kResend;
    case 401:
      return VisitorStep::kSignIn;
    case 403:
      return VisitorStep::kAskAccess;
    case 404:
      return VisitorStep::kCheckAddress;
    case 407:
      return VisitorStep::kSignInProxy;
    case 418:
      return VisitorStep::kTeapot;
    case 429:
      return VisitorStep::kSlowDown;
    case 431:
      return VisitorStep::kClearCookies;
    case 500:
    case 502:
    case 504:
    case 520:
    case 524:
      return VisitorStep::kLookThenWait;
    case 505:
      return VisitorStep::kUpdate;
    case 511:
      return VisitorStep::kPortal;
    default:
      return status < 500 ? VisitorStep::kGoBack : VisitorStep::kWait;
  }
}

std::string_view Owner(Hop hop) { return kEnglish.owners[Index(hop)]; }
std::string_view NextStep(Hop hop) { return kEnglish.steps[Index(hop)]; }

}  // namespace whichhop::diagnostics
