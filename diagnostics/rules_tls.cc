#include "diagnostics/rules_tls.h"

#include "diagnostics/classify_tls.h"
#include "diagnostics/describe.h"
#include "diagnostics/tls_text.h"

namespace whichhop::diagnostics {
namespace {

// So many that fail at once fail by what they share.
constexpr uint32_t kTogether = 3;

bool IsAboutPolicy(Fault fault) {
  return fault == Fault::kTlsVersion || fault == Fault::kTlsVersionLocal ||
         fault == Fault::kTlsLocalPolicy || fault == Fault::kTlsvWeak;
}

// Our own hop, unless another box of its kind is on the leg too.
HopSet OurselvesAlone(const Scene& s) {
  return HopSet{SelfHop(s.position)} - s.path;
}

}  // namespace

Finding VerifiedPeer(const Scene& s) {
  Finding f;
  const TlsFacts& tls = TlsOf(s.attempt);
  if (!tls.complete || tls.verification != Verification::kPassed) return f;
  if (s.attempt.unix_socket || !WayWorked(s)) return f;
  f.cleared = Network(s);
  f.sentence << "the certificate ";
  if (!tls.expected.empty()) f.sentence << "of " << tls.expected << " ";
  f.sentence << "was verified: who answers is who should, nobody on the way "
                "took its place";
  return f;
}

Finding PolicyAgreed(const Scene& s) {
  Finding f;
  const auto& age = TlsOf(s.attempt).policy_agreed;
  if (!IsAboutPolicy(s.fault) || !Fresh(age)) return f;
  f.cleared = OurselvesAlone(s);
  f.sentence << "another upstream agreed to the same policy of TLS "
             << AgeSeconds(*age) << " s ago: it is not ours that is too strict";
  return f;
}

// What may be wrong of what we ask for, or of whom we trust: a server that
// agreed to it, and was verified by it, has changed since; we have not.
Finding AgreedBefore(const Scene& s) {
  Finding f;
  const auto& age = TlsOf(s.attempt).agreed_before;
  const bool ours = IsAboutPolicy(s.fault) ||
                    s.fault == Fault::kTlsvUnknownCa ||
                    s.fault == Fault::kTlsvHostMismatch ||
                    s.fault == Fault::kTlsSniUnrecognized;
  if (!ours || !age.has_value()) return f;
  f.cleared = OurselvesAlone(s);
  f.sentence << "this server's TLS was agreed on and verified "
             << AgeSeconds(*age)
             << " s ago, and nothing of ours has changed since";
  return f;
}

Finding ClockAgrees(const Scene& s) {
  Finding f;
  const TlsFacts& tls = TlsOf(s.attempt);
  if (!IsOfTls(s.fault) || JudgeClock(tls) != OwnClock::kRight) return f;
  f.cleared = OurselvesAlone(s);
  f.sentence << "our clock agrees with the Date of " << tls.clock.dates
             << " other origins: the certificate is what is wrong";
  return f;
}

Finding BundleShared(const Scene& s) {
  Finding f;
  const TlsFacts& tls = TlsOf(s.attempt);
  if (s.fault != Fault::kTlsvUnknownCa) return f;
  if (tls.untrusted < kTogether || tls.untrusted < tls.clock.origins) return f;
  f.blamed = {SelfHop(s.position)};
  f.sentence << "all " << tls.untrusted
             << " unrelated origins that were asked just now are signed by "
                "nobody in our bundle of CAs: the bundle is what they share";
  return f;
}

Finding NothingLookedUp(const Scene& s) {
  Finding f;
  if (s.fault != Fault::kTlsvHostMismatch || !s.attempt.by_address) return f;
  f.cleared = {Hop::kDns};
  f.sentence << "the upstream is configured by address: no lookup led here";
  return f;
}

bool PerhapsIntercepted(const AttemptFacts& attempt, Fault fault) {
  if (fault != Fault::kTlsvSelfSigned && fault != Fault::kTlsvSignature) {
    return false;
  }
  return TlsOf(attempt).certificate.new_key == true;
}

Doubt Interception(const Scene& s) {
  Doubt doubt;
  if (!PerhapsIntercepted(s.attempt, s.fault)) return doubt;
  const std::string_view usual = TlsOf(s.attempt).certificate.usual_issuer;
  doubt.joined = s.path & HopSet{Hop::kIsp};
  doubt.sentence << "a key that was never seen at this address";
  if (!usual.empty()) doubt.sentence << ", whose usual issuer is " << usual;
  doubt.sentence << ": perhaps intercepted on the way";
  return doubt;
}

Doubt ClockSuspected(const Scene& s) {
  Doubt doubt;
  const TlsFacts& tls = TlsOf(s.attempt);
  if (!IsOfTls(s.fault) || JudgeClock(tls) != OwnClock::kSuspect) return doubt;
  doubt.joined = {SelfHop(s.position)};
  doubt.sentence << tls.clock.failed << " of " << tls.clock.origins
                 << " unrelated certificates fail by their dates just now: our "
                    "own clock, or what they share";
  return doubt;
}

}  // namespace whichhop::diagnostics
