#pragma once
// Who does what next about an error: its visitor, the people of the site, and
// those of the network. In which words, wording.h says.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "diagnostics/hop.h"

namespace whichhop::diagnostics {

// Who reads a page.
enum class Party : uint8_t {
  kVisitor,  // asked for it
  kOwner,    // runs the site: its CDN, balancers, servers, apps, stores
  kNetwork,  // runs what carries it, and names it
};
inline constexpr size_t kPartyCount = 3;

// Who runs a hop.
Party PartyOf(Hop hop);

// What a visitor may do. Whether a request that was answered late or not at
// all was carried out, nobody knows: who sent a form looks first.
enum class VisitorStep : uint8_t {
  kResend,        // the request was malformed
  kSignIn,        // 401
  kAskAccess,     // 403
  kCheckAddress,  // 404
  kSignInProxy,   // 407
  kTeapot,        // 418
  kSlowDown,      // 429
  kClearCookies,  // 431
  kUpdate,        // 505: an old browser
  kPortal,        // 511
  kGoBack,        // any other 4xx
  kWait,          // any other 5xx: the request was not carried out
  kLookThenWait,  // nobody knows whether it was
};
inline constexpr size_t kVisitorStepCount = 13;

VisitorStep StepOfVisitor(int status);

// Whose pager it is, and where to look first, in English: "whoever runs the
// app"; one imperative sentence.
std::string_view Owner(Hop hop);
std::string_view NextStep(Hop hop);

}  // namespace whichhop::diagnostics
