#include "diagnostics/classify_tls.h"

#include <cerrno>

#include "diagnostics/classify.h"
#include "tests/catch.h"

namespace whichhop::diagnostics {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Phase = AttemptPhase;
using End = AttemptEnd;

std::string_view Id(const AttemptFacts& a) { return GetFault(Classify(a)).id; }

AttemptFacts Handshake(End end = End::kTls) {
  AttemptFacts a;
  a.phase = Phase::kTls;
  a.end = end;
  a.tls.emplace();
  return a;
}

AttemptFacts Alerted(int alert, uint16_t version = 0) {
  AttemptFacts a = Handshake();
  a.tls->alert_received = static_cast<uint8_t>(alert);
  a.tls->version = version;
  return a;
}

AttemptFacts Unverified(uint32_t code) {
  AttemptFacts a = Handshake();
  a.tls->verification = Verification::kFailed;
  a.tls->verify_code = code;
  return a;
}

// The handshake is done; 300 bytes of the request were written.
AttemptFacts Secured(Phase phase, End end = End::kTls) {
  AttemptFacts a = Handshake(end);
  a.phase = phase;
  a.sent = a.acked.emplace(300);
  a.tls->complete = true;
  a.tls->version = 0x0304;
  return a;
}

TEST_CASE("an alert inside the handshake is told by its number") {
  struct Case {
    int alert;
    std::string_view id;
  };
  const Case cases[] = {
      {40, "tls-cipher"},
      {70, "tls-version"},
      {112, "tls-sni-unrecognized"},
      {120, "tls-alpn"},
      {80, "tls-alert-fatal"},
      {50, "tls-alert-fatal"},
      {42, "tls-alert-fatal"},  // of no certificate that was asked for
      {0, "tls-alert-fatal"},   // close_notify is no end of a handshake
  };
  for (const Case& c : cases) {
    INFO(c.alert);
    CHECK(Id(Alerted(c.alert)) == c.id);
    CHECK(GetFault(Classify(Alerted(c.alert))).type ==
          ErrorType::kTlsAlertReceived);
  }
}

TEST_CASE("an alert decides, however the connection ended after it") {
  for (End end : {End::kTls, End::kFin, End::kReset}) {
    AttemptFacts a = Alerted(112);
    a.end = end;
    CHECK(Id(a) == "tls-sni-unrecognized");
  }
}

TEST_CASE("who was asked for a certificate is refused for it") {
  for (int alert : {40, 42, 43, 46, 48, 116}) {
    AttemptFacts a = Alerted(alert, 0x0303);
    a.tls->certificate_requested = true;
    INFO(alert);
    CHECK(Id(a) == "tls-origin-client-cert-12");
    a.tls->version = 0x0304;
    CHECK(Id(a) == "tls-origin-client-cert-13");
  }
  AttemptFacts a = Alerted(70, 0x0303);
  a.tls->certificate_requested = true;
  CHECK(Id(a) == "tls-version");
  CHECK(Id(Alerted(116)) == "tls-origin-client-cert-13");
}

TEST_CASE("ciphers that another name shares leave the certificate missing") {
  AttemptFacts a = Alerted(40);
  a.tls->other_name_agreed = seconds(3);
  CHECK(Id(a) == "tls-no-cert-server");
  a.tls->other_name_agreed = seconds(60);  // too long ago
  CHECK(Id(a) == "tls-cipher");
}

TEST_CASE("what the library found is told apart from what the peer said") {
  struct Case {
    TlsFailure failure;
    std::string_view id;
  };
  const Case cases[] = {
      {TlsFailure::kNotTls, "tls-plain-http-server"},
      {TlsFailure::kVersion, "tls-version"},
      {TlsFailure::kCipher, "tls-cipher"},
      {TlsFailure::kPolicy, "tls-local-policy"},
      {TlsFailure::kBroken, "tls-alert-fatal"},
      {TlsFailure::kOther, "tls-alert-fatal"},
      {TlsFailure::kEof, "tls-eof"},
      {TlsFailure::kNone, "tls-alert-fatal"},
  };
  for (const Case& c : cases) {
    AttemptFacts a = Handshake();
    a.tls->failure = c.failure;
    CHECK(Id(a) == c.id);
    CHECK(GetFault(Classify(a)).type == ErrorType::kTlsProtocolError);
  }
}

TEST_CASE("an end of TCP inside the handshake is told by its kind") {
  CHECK(Id(Handshake(End::kFin)) == "tls-eof");
  CHECK(Id(Handshake(End::kReset)) == "tls-rst");
  CHECK(Id(Handshake(End::kTimeout)) == "tls-timeout");
  AttemptFacts lost = Handshake(End::kErrno);
  lost.error = ETIMEDOUT;
  CHECK(Id(lost) == "tls-timeout");
  lost.tls.reset();
  CHECK(Id(lost) == "tls-timeout");
}

TEST_CASE("a certificate is told by the result of its verification") {
  struct Case {
    uint32_t code;
    std::string_view id;
  };
  const Case cases[] = {
      {2, "tlsv-unknown-ca"},     {3, "tlsv-crl-unusable"},
      {7, "tlsv-signature"},      {9, "tlsv-not-yet-valid"},
      {10, "tlsv-expired"},       {11, "tlsv-crl-unusable"},
      {12, "tlsv-crl-unusable"},  {18, "tlsv-self-signed"},
      {19, "tlsv-unknown-ca"},    {20, "tlsv-unknown-ca"},
      {21, "tlsv-unknown-ca"},    {23, "tlsv-revoked"},
      {25, "tlsv-purpose"},       {26, "tlsv-purpose"},
      {62, "tlsv-host-mismatch"}, {64, "tlsv-host-mismatch"},
      {66, "tlsv-weak"},          {68, "tlsv-weak"},
      {73, "tlsv-revoked"},       {79, "tlsv-purpose"},
      {17, "self-internal"},      {99, "tlsv-purpose"},
  };
  for (const Case& c : cases) {
    INFO(c.code);
    CHECK(Id(Unverified(c.code)) == c.id);
  }
}

TEST_CASE("a result that nobody asked for fails no handshake") {
  AttemptFacts a = Alerted(40);
  a.tls->verification = Verification::kOff;
  a.tls->verify_code = 18;
  CHECK(Id(a) == "tls-cipher");
  a = Secured(Phase::kWait, End::kFin);
  a.tls->verification = Verification::kOff;
  a.tls->verify_code = 18;
  CHECK(Id(a) == "resp-empty-fin");
}

TEST_CASE("an intermediate is missing where its issuer is to be had") {
  AttemptFacts a = Unverified(20);
  a.tls->certificate.chain = 1;
  CHECK(Id(a) == "tlsv-unknown-ca");  // a root may have signed it
  a.tls->certificate.issuer_url = true;
  CHECK(Id(a) == "tlsv-missing-intermediate");
  a.tls->verify_code = 21;
  CHECK(Id(a) == "tlsv-missing-intermediate");
  a.tls->certificate.self_issued = true;
  CHECK(Id(a) == "tlsv-unknown-ca");
  a.tls->certificate.self_issued = false;
  a.tls->certificate.chain = 2;
  CHECK(Id(a) == "tlsv-unknown-ca");
}

TEST_CASE("a clock that other origins contradict is wrong") {
  struct Case {
    uint32_t code;
    seconds ahead;
    std::string_view id;
  };
  const Case cases[] = {
      {9, hours(3), "self-clock-skew"},
      {10, -hours(3), "self-clock-skew"},
      {11, hours(3), "self-clock-skew"},
      {12, -hours(3), "self-clock-skew"},
      // A clock that is behind makes nothing expire, and one that is a little
      // off makes nothing at all.
      {10, hours(3), "tlsv-expired"},
      {9, -hours(3), "tlsv-not-yet-valid"},
      {9, seconds(300), "tlsv-not-yet-valid"},
      {12, seconds(-299), "tlsv-crl-unusable"},
  };
  for (const Case& c : cases) {
    AttemptFacts a = Unverified(c.code);
    a.tls->clock.dates = 2;
    a.tls->clock.ahead = c.ahead;
    INFO(c.code << ", " << c.ahead.count());
    CHECK(Id(a) == c.id);
    a.tls->clock.dates = 1;  // it may be that one's own clock
    CHECK(Id(a) != "self-clock-skew");
  }
}

TEST_CASE("certificates that fail together are our clock's, if nothing else") {
  AttemptFacts a = Unverified(9);
  a.tls->clock.origins = a.tls->clock.failed = 2;
  CHECK(Id(a) == "self-clock-skew");
  a.tls->verify_code = 10;  // two may have lain about unrenewed
  CHECK(Id(a) == "tlsv-expired");
  CHECK(JudgeClock(*a.tls) == OwnClock::kSuspect);
  a.tls->clock.origins = a.tls->clock.failed = 3;
  CHECK(Id(a) == "self-clock-skew");
  a.tls->verify_depth = 1;  // they may share an issuer
  CHECK(Id(a) == "tlsv-expired");
  a.tls->verify_depth = 0;
  a.tls->clock.origins = 4;  // one was valid
  CHECK(Id(a) == "tlsv-expired");
  a.tls->clock.origins = 3;
  a.tls->clock.dates = 2;
  a.tls->clock.ahead = seconds(0);
  CHECK(Id(a) == "tlsv-expired");
  CHECK(JudgeClock(*a.tls) == OwnClock::kRight);
  a.tls->verify_code = 18;  // no date had a part in it
  CHECK(JudgeClock(*a.tls) == OwnClock::kUnknown);
}

TEST_CASE("an alert after the handshake judges our certificate") {
  for (int alert : {42, 43, 44, 45, 46, 47, 48, 49, 116}) {
    for (Phase phase : {Phase::kRequest, Phase::kWait}) {
      for (End end : {End::kTls, End::kReset, End::kFin}) {
        AttemptFacts a = Secured(phase, end);
        a.tls->alert_received = static_cast<uint8_t>(alert);
        CHECK(Id(a) == "tls-origin-client-cert-13");
      }
    }
  }
  AttemptFacts a = Secured(Phase::kWait);
  a.tls->alert_received = 40;
  CHECK(Id(a) == "tls-alert-fatal");
  a.tls->certificate_requested = true;
  CHECK(Id(a) == "tls-origin-client-cert-13");
  a.tls->alert_received = 80;
  CHECK(Id(a) == "tls-alert-fatal");
}

TEST_CASE("a reused connection that ends at once is the race, alert or none") {
  AttemptFacts a = Secured(Phase::kWait);
  a.reused = true;
  a.waited = milliseconds(1);
  a.tls->alert_received = 80;
  CHECK(Id(a) == "stale-keepalive-race");
  a.waited = seconds(10);
  CHECK(Id(a) == "tls-alert-fatal");
}

TEST_CASE("who completed a handshake did not drop the connection at once") {
  for (End end : {End::kFin, End::kReset}) {
    AttemptFacts a = Secured(Phase::kWait, end);
    a.acked = 0;
    CHECK(Id(a) == (end == End::kFin ? "resp-empty-fin" : "resp-rst"));
    CHECK(GetFault(Classify(a)).retry == Retry::kIdempotent);
    a.phase = Phase::kRequest;
    CHECK(Id(a) == "write-early-close");
  }
}

TEST_CASE("TLS that breaks inside the answer is told by who broke it") {
  for (Phase phase : {Phase::kWait, Phase::kHead, Phase::kBody}) {
    AttemptFacts a = Secured(phase);
    a.received = 60;
    a.head_bytes = phase == Phase::kHead ? 60 : 0;
    a.tls->failure = TlsFailure::kBroken;
    CHECK(Classify(a) == Fault::kBodyTlsError);
    a.tls->alert_received = 20;
    CHECK(Classify(a) == Fault::kBodyTlsAlert);
  }
}

TEST_CASE("an end without close_notify is what it cuts") {
  AttemptFacts a = Secured(Phase::kBody, End::kFin);
  a.received = 60;
  a.tls->failure = TlsFailure::kEof;
  for (End end : {End::kFin, End::kTls}) {
    a.end = end;
    a.framing = BodyFraming::kClose;
    CHECK(Classify(a) == Fault::kBodyCloseDelimitedUnclosed);
    a.framing = BodyFraming::kLength;
    CHECK(Id(a) == "body-cl-short-fin");
    a.framing = BodyFraming::kChunked;
    CHECK(Id(a) == "body-chunk-truncated");
  }
  a = Secured(Phase::kWait, End::kFin);
  a.tls->failure = TlsFailure::kEof;
  CHECK(Id(a) == "resp-empty-fin");
  a.phase = Phase::kHead;
  a.head_bytes = a.received = 20;
  CHECK(Id(a) == "head-truncated");
}

TEST_CASE("every alert has a fault, wherever it comes") {
  for (int alert = 1; alert < 256; ++alert) {
    const Fault inside = Classify(Alerted(alert));
    AttemptFacts later = Secured(Phase::kWait);
    later.tls->alert_received = static_cast<uint8_t>(alert);
    for (Fault fault : {inside, Classify(later)}) {
      CHECK(IsOfTls(fault));
      CHECK(GetFault(fault).edge_status == 525);
      CHECK(GetFault(fault).type == ErrorType::kTlsAlertReceived);
    }
  }
}

TEST_CASE("every result of a verification has a fault that says whose it is") {
  for (uint32_t code = 1; code < 120; ++code) {
    const FaultInfo& info = GetFault(Classify(Unverified(code)));
    INFO(code);
    const bool ours = info.at_lb.self && info.at_lb.hops.size() == 1;
    CHECK(info.edge_status == (ours ? 500 : 526));
  }
}

}  // namespace
}  // namespace whichhop::diagnostics
