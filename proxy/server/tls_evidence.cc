#include "proxy/server/tls_evidence.h"

#include <algorithm>

#include "proxy/base/clock.h"

namespace whichhop {

using diagnostics::TlsFailure;
using diagnostics::Verification;

namespace {

constexpr uint16_t kTls13 = 0x0304;

TlsFailure FailureOf(TlsProblem problem) {
  switch (problem) {
    case TlsProblem::kNone:
      return TlsFailure::kNone;
    case TlsProblem::kNotTls:
      return TlsFailure::kNotTls;
    case TlsProblem::kVersion:
      return TlsFailure::kVersion;
    case TlsProblem::kCipher:
      return TlsFailure::kCipher;
    case TlsProblem::kPolicy:
      return TlsFailure::kPolicy;
    case TlsProblem::kBroken:
      return TlsFailure::kBroken;
    case TlsProblem::kEof:
      return TlsFailure::kEof;
    case TlsProblem::kOther:
      break;
  }
  return TlsFailure::kOther;
}

// One that ends the connection: an alert that is fatal, or a farewell where
// nobody may take leave.
std::optional<uint8_t> NumberOf(const TlsAlert& alert) {
  const bool farewell = alert.number == 0 && !alert.after_handshake;
  if (!alert.seen || !(alert.fatal || farewell)) return std::nullopt;
  return alert.number;
}

std::optional<uint64_t> Since1970(int64_t seconds) {
  return static_cast<uint64_t>(std::max<int64_t>(seconds, 0));
}

diagnostics::CertificateFacts CertificateOf(const TlsFacts& seen) {
  diagnostics::CertificateFacts facts;
  facts.chain = seen.chain;
  if (seen.bad_certificate == nullptr) return facts;
  const TlsCertificate& bad = *seen.bad_certificate;
  facts.subject = bad.subject;
  facts.issuer = bad.issuer;
  facts.self_issued = bad.self_issued;
  facts.issuer_url = bad.issuer_url;
  facts.not_before = Since1970(bad.not_before);
  facts.not_after = Since1970(bad.not_after);
  facts.names = bad.names;
  return facts;
}

Verification VerificationOf(const TlsFacts& seen, const TlsClient& client) {
  if (!client.verifies()) return Verification::kOff;
  if (seen.verify_code != 0) return Verification::kFailed;
  return seen.complete ? Verification::kPassed : Verification::kNotReached;
}

}  // namespace

diagnostics::TlsFacts EvidenceOf(const TlsFacts& seen, const TlsClient& client,
                                 std::string_view host) {
  diagnostics::TlsFacts facts;
  facts.complete = seen.complete;
  facts.failure = FailureOf(seen.problem);
  facts.reason = seen.reason;
  facts.alert_received = NumberOf(seen.received);
  facts.alert_sent = NumberOf(seen.sent);
  facts.version = seen.agreed.version;
  facts.min_version = client.options().min_version;
  facts.max_version = kTls13;
  facts.certificate_requested = seen.certificate_requested;
  facts.certificate_sent = seen.certificate_sent;
  facts.sni = seen.sni;
  const std::string& name = client.options().server_name;
  facts.expected = name.empty() ? host : std::string_view(name);
  facts.alpn_offered = "http/1.1";
  facts.received = seen.bytes_received;
  facts.verification = VerificationOf(seen, client);
  facts.verify_code = static_cast<uint32_t>(seen.verify_code);
  facts.verify_depth = static_cast<uint32_t>(seen.verify_depth);
  facts.certificate = CertificateOf(seen);
  if (seen.crl_next_update != 0) {
    facts.crl_next_update = Since1970(seen.crl_next_update);
  }
  facts.now = WallMicroseconds() / 1'000'000;
  return facts;
}

diagnostics::ClientTlsFacts EvidenceOf(const TlsFacts& seen,
                                       const TlsServer& server) {
  diagnostics::ClientTlsFacts facts;
  facts.complete = seen.complete;
  facts.failure = FailureOf(seen.problem);
  facts.reason = seen.reason;
  facts.alert_received = NumberOf(seen.received);
  facts.alert_sent = NumberOf(seen.sent);
  facts.max_version = seen.client_version;
  facts.min_version = server.options().min_version;
  facts.ciphers = seen.client_ciphers;
  if (seen.own_not_after != 0) {
    facts.own_not_after = Since1970(seen.own_not_after);
  }
  facts.sni = seen.sni;
  facts.verify_code = static_cast<uint32_t>(seen.verify_code);
  facts.verify_depth = static_cast<uint32_t>(seen.verify_depth);
  facts.certificate = CertificateOf(seen);
  if (facts.failure == TlsFailure::kNotTls) {
    facts.first_bytes = {seen.first_bytes.data(), seen.first_bytes_size};
  }
  facts.received = seen.bytes_received;
  facts.now = WallMicroseconds() / 1'000'000;
  return facts;
}

}  // namespace whichhop
