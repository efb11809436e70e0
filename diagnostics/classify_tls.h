#pragma once
// Which fault a failed handshake of TLS is, and what broke TLS later.

#include "diagnostics/observation.h"

namespace whichhop::diagnostics {

// The facts of TLS; those of a connection that shows nothing where it spoke
// none.
const TlsFacts& TlsOf(const AttemptFacts& attempt);

// Requires: it failed in the handshake (AttemptPhase::kTls).
Fault ClassifyHandshake(const AttemptFacts& attempt);

// Whether TLS itself broke after its handshake: by an alert, or by what the
// library found wrong. An end without close_notify is none of these: what it
// cut decides.
bool BrokenByTls(const AttemptFacts& attempt);
// Requires: BrokenByTls().
Fault ClassifyBrokenTls(const AttemptFacts& attempt);

// Whether a fault lies between us and whoever ends TLS behind us, who may be
// any hop that answers there.
bool IsOfTls(Fault fault);

// What the dates of other origins say of our own clock.
enum class OwnClock : uint8_t {
  kUnknown,
  kRight,    // it agrees with theirs
  kSuspect,  // other certificates fail by their dates too
  kWrong,    // it explains what verification says
};
OwnClock JudgeClock(const TlsFacts& tls);

// Whether verification failed by a date: of a certificate, or of a list of
// revoked ones (X509_V_ERR_* 9 to 12).
bool FailedByDate(const TlsFacts& tls);

// Whether the certificate that we showed to a client was out of date.
bool OwnCertificateExpired(const ClientTlsFacts& tls);

}  // namespace whichhop::diagnostics
