// What the diagnosis says of TLS beyond the golden verdicts: the rules, the
// doubts, and the words.

#include "diagnostics/diagnose.h"
#include "diagnostics/fields.h"
#include "tests/catch.h"
#include "tests/diagnostics/dump.h"
#include "tests/diagnostics/sightings.h"

namespace whichhop::diagnostics {
namespace {

using std::chrono::seconds;

Observation Seen(std::string_view name, Position position = Position::kCdn,
                 Answers is = Answers::kUnset) {
  Observation o;
  o.position = position;
  o.is = is;
  o.statuses =
      position == Position::kCdn ? Statuses::kEdge : Statuses::kGateway;
  o.status = 502;
  See(name, o);
  return o;
}

std::string Cause(const Observation& o) { return Join(Diagnose(o).cause); }

std::string Evidenced(const Verdict& v, Rule rule) {
  std::string out;
  for (size_t i = 0; i < v.evidence.size(); ++i) {
    if (v.evidence[i].rule == rule) out += v.evidence[i].sentence;
  }
  return out;
}

std::string Member(const Observation& o, Audience audience) {
  FieldOptions options;
  options.node = "edge-1";
  options.audience = audience;
  std::string out;
  AppendFields(Diagnose(o), options, out);
  return out.substr(0, out.find('\r'));
}

TEST_CASE("the last probe's class is that of TLS too") {
  struct Case {
    Fault probe;
    int status;
    std::string_view cause, network;
  };
  const Case cases[] = {
      {Fault::kTlsvExpired, 526, "server,lb", "isp,tor"},
      {Fault::kTlsvUnknownCa, 526, "lb,server,cdn", "isp,tor"},
      {Fault::kTlsVersion, 525, "lb,server,cdn", "isp,tor"},
      {Fault::kTlsEof, 525, "lb,server", "isp,tor"},
      {Fault::kTlsRst, 525, "lb,server,isp", "-"},
      {Fault::kTlsBroken, 525, "lb,server,isp", "-"},
      {Fault::kTlsTimeout, 525, "server,lb,app,isp,tor", "-"},
      {Fault::kTlsvCrlUnusable, 500, "cdn", "-"},
      {Fault::kSelfClockSkew, 500, "cdn", "-"},
  };
  for (const Case& c : cases) {
    Observation o = Seen("BackendAllDownExpired");
    o.decision.last_probe = c.probe;
    const Verdict v = Diagnose(o);
    INFO(GetFault(c.probe).id);
    CHECK(v.id.view() == "backend-all-down");
    CHECK(v.status == c.status);
    CHECK(Join(v.cause) == c.cause);
    CHECK(Join(v.cleared & HopSet{Hop::kIsp, Hop::kTor}) == c.network);
    o.statuses = Statuses::kGateway;
    CHECK(Diagnose(o).status == 503);
  }
}

TEST_CASE("who ends TLS is a suspect of it, wherever the balancers stand") {
  CHECK(Cause(Seen("TlsCipher", Position::kLb, Answers::kLb)) ==
        "server,app,lb");
  CHECK(Cause(Seen("TlsCipher", Position::kCdn, Answers::kServer)) ==
        "server,app");
  CHECK(Cause(Seen("TlsCipher", Position::kCdn, Answers::kApp)) ==
        "server,app");
  CHECK(Cause(Seen("TlsvExpired", Position::kCdn, Answers::kLb)) ==
        "server,lb");
  CHECK(Cause(Seen("TlsvCrlUnusable", Position::kCdn, Answers::kApp)) == "cdn");
}

TEST_CASE("a policy that another upstream shares is not what is wrong") {
  for (std::string_view name :
       {"TlsVersion", "TlsVersionOurs", "TlsLocalPolicy", "TlsvWeak"}) {
    Observation o = Seen(name);
    CHECK(Cause(o) == "lb,server,cdn");
    o.attempt.tls->policy_agreed = seconds(2);
    CHECK(Cause(o) == "lb,server");
    o.attempt.tls->policy_agreed = seconds(60);
    CHECK(Cause(o) == "lb,server,cdn");
  }
  // It says nothing of the name or the certificate that we sent.
  for (std::string_view name : {"TlsSniUnrecognized", "TlsOriginClientCert12",
                                "TlsvUnknownCa", "TlsvHostMismatch"}) {
    Observation o = Seen(name);
    o.attempt.tls->policy_agreed = seconds(2);
    CHECK(Cause(o) == "lb,server,cdn");
  }
}

TEST_CASE("our policy leaves the set, and the balancer like us stays") {
  const Observation o =
      Seen("TlsVersionSiblingsAgree", Position::kLb, Answers::kLb);
  CHECK(Cause(o) == "server,lb,app");
  CHECK(Cause(Seen("TlsVersionSiblingsAgree", Position::kLb)) == "server,app");
}

TEST_CASE("our clock joins the suspects while other certificates fail") {
  Observation o = Seen("TlsvExpired");
  o.attempt.tls->clock = {};
  CHECK(Cause(o) == "server,lb");
  o.attempt.tls->clock.origins = 3;
  o.attempt.tls->clock.failed = 2;
  CHECK(Cause(o) == "server,lb,cdn");
  CHECK(Evidenced(Diagnose(o), Rule::kUnknown) ==
        "2 of 3 unrelated certificates fail by their dates just now: our own "
        "clock, or what they share");
  o.attempt.tls->clock.dates = 2;
  o.attempt.tls->clock.ahead = seconds(-2);
  const Verdict v = Diagnose(o);
  CHECK(Join(v.cause) == "server,lb");
  CHECK(Evidenced(v, Rule::kX12) ==
        "our clock agrees with the Date of 2 other origins: the certificate "
        "is what is wrong");
}

TEST_CASE("a bundle of CAs that trusts nobody is ours, and no origin's") {
  for (Position position : {Position::kLb, Position::kCdn}) {
    Observation o = Seen("TlsvUnknownCa", position);
    const std::string before = Cause(o);
    o.attempt.tls->clock.origins = o.attempt.tls->untrusted = 2;
    CHECK(Cause(o) == before);
    o.attempt.tls->clock.origins = o.attempt.tls->untrusted = 3;
    CHECK(Cause(o) == HopName(SelfHop(position)));
    CHECK_FALSE(Diagnose(o).cleared.contains(Hop::kServer));
    o.attempt.tls->clock.origins = 4;  // one is trusted
    CHECK(Cause(o) == before);
  }
}

TEST_CASE("a key never seen before may be somebody's on the way") {
  for (std::string_view name : {"TlsvSelfSigned", "TlsvSignature"}) {
    Observation o = Seen(name);
    o.attempt.tls->certificate.new_key = true;
    const Verdict v = Diagnose(o);
    CHECK(Join(v.cause) == "lb,server,isp");
    CHECK((v.cleared & HopSet{Hop::kIsp, Hop::kTor}).empty());
    o.attempt.tls->certificate.new_key.reset();  // nothing was seen there
    CHECK(Cause(o) == "lb,server");
  }
}

TEST_CASE("a name that was looked up may lead to a stranger") {
  Observation o = Seen("TlsvHostMismatchByName");
  CHECK(Cause(o) == "lb,server,cdn,dns");
  o.attempt.by_address = true;
  CHECK(Cause(o) == "lb,server,cdn");
  CHECK_FALSE(Diagnose(o).cleared.contains(Hop::kDns));
}

TEST_CASE("a handshake that nobody acknowledges suspects the way") {
  const Verdict v = Diagnose(Seen("TlsTimeoutUnacked"));
  CHECK(Join(v.cause) == "server,lb,app,isp,tor");
  CHECK((v.cleared & HopSet{Hop::kIsp, Hop::kTor}).empty());
}

TEST_CASE("a verified handshake says who answers; one unverified says so") {
  const Verdict verified = Diagnose(Seen("RespEmptyFinOverTls"));
  CHECK(Evidenced(verified, Rule::kX6) ==
        "the certificate of app.internal was verified: who answers is who "
        "should, nobody on the way took its place");
  const std::string nobody =
      "the upstream's certificate was not verified (verify: false): who "
      "answers there is not known";
  CHECK(Evidenced(Diagnose(Seen("RespEmptyFinUnverified")), Rule::kX6) ==
        nobody);
  CHECK(Evidenced(Diagnose(Seen("RelayedUnverified")), Rule::kX6) ==
        nobody + "; it would have failed with 18 (self-signed certificate)");
  CHECK(Evidenced(Diagnose(Seen("Relayed")), Rule::kX6).empty());
}

TEST_CASE("a verified handshake clears no way that died later") {
  Observation o = Seen("RespTimeoutTtfb");
  See("RespEmptyFinOverTls", o);
  o.attempt.end = AttemptEnd::kTimeout;
  o.attempt.acked = 0;
  o.attempt.tcp->unacked = 2;
  o.attempt.tcp->total_retrans = 5;
  const Verdict v = Diagnose(o);
  CHECK(v.id.view() == "write-timeout-unacked");
  CHECK((v.cleared & HopSet{Hop::kIsp, Hop::kTor}).empty());
  CHECK(Evidenced(v, Rule::kX6).empty());
}

TEST_CASE("a client that distrusts our certificate leaves the way out of it") {
  Observation o = Seen("CtlsAbortAlert");
  CHECK(Cause(o) == "browser,cdn");
  o.request.tls->own_not_after = *o.request.tls->now - 86400;
  const Verdict v = Diagnose(o);
  CHECK(Join(v.cause) == "cdn");
  CHECK(v.details.view() ==
        "alert 48 (unknown_ca) received after 517 bytes, own certificate "
        "expired 1 day ago (notAfter 2026-11-21), SNI shop.example");
  CHECK(Cause(Seen("CtlsAbortFin")) == "browser,device,router,cdn");
  o.request.tls->alert_received = 80;
  CHECK(Cause(o) == "browser,device,router,cdn");
}

TEST_CASE("a client whose records make no sense is told by them") {
  Observation o = Seen("CtlsAbortFin");
  o.request.tls->end = AttemptEnd::kTls;
  o.request.tls->failure = TlsFailure::kBroken;
  o.request.tls->reason = "bad record type";
  o.request.tls->alert_sent = 10;
  CHECK(Diagnose(o).details.view() ==
        "records that cannot be read: bad record type after 517 bytes, alert "
        "10 (unexpected_message) sent, SNI shop.example");
}

TEST_CASE("half a handshake clears the way that it came") {
  Observation o = Seen("TlsEof");
  o.attempt.received = o.attempt.tls->received = 1200;
  const Verdict v = Diagnose(o);
  CHECK(Join(v.cleared & HopSet{Hop::kIsp, Hop::kTor}) == "isp,tor");
  CHECK(v.details.view() ==
        "FIN 12 ms after the ClientHello, 1200 bytes received, SNI "
        "app.internal");
  CHECK(Evidenced(v, Rule::kX7) ==
        "1200 bytes of a handshake came: the way works; who wrote them is "
        "not shown");
  o = Seen("TlsvSelfSignedNewKey");
  o.attempt.received = 1200;
  CHECK((Diagnose(o).cleared & HopSet{Hop::kIsp, Hop::kTor}).empty());
}

TEST_CASE("the client's side of TLS says what it can before HTTP") {
  struct Case {
    std::string_view sighting;
    int status;
    std::string_view at_lb, at_cdn;
  };
  const Case cases[] = {
      {"CtlsVersion", 0, "browser,lb", "browser,cdn"},
      {"CtlsCipher", 0, "browser,lb", "browser,cdn"},
      {"CtlsPlainHttp", 400, "browser,cdn", "browser"},
      {"CtlsSniUnknown", 421, "browser,cdn", "browser"},
      {"CtlsClientCert", 403, "cdn,browser", "browser"},
      {"CtlsAbortFin", 0, "browser,device,router,lb",
       "browser,device,router,cdn"},
      {"ReqMisdirected", 421, "browser,cdn", "browser"},
  };
  for (const Case& c : cases) {
    INFO(c.sighting);
    CHECK(Diagnose(Seen(c.sighting)).status == c.status);
    CHECK(Cause(Seen(c.sighting, Position::kLb)) == c.at_lb);
    CHECK(Cause(Seen(c.sighting)) == c.at_cdn);
  }
}

TEST_CASE("details say of TLS what somebody on call asks first") {
  struct Case {
    std::string_view sighting, details;
  };
  const Case cases[] = {
      {"TlsPlainHttpServer", "first bytes \"HTTP/1.1 400 Bad\" are no TLS"},
      {"TlsVersion",
       "alert 70 (protocol_version) received, offered TLS 1.2 to TLS 1.3"},
      {"TlsVersionOurs",
       "no common version, offered TLS 1.2 to TLS 1.3, alert 70 "
       "(protocol_version) sent"},
      {"TlsCipher", "alert 40 (handshake_failure) received, SNI app.internal"},
      {"TlsNoCertServer",
       "alert 40 (handshake_failure) received for SNI app.internal, not for "
       "another name 3 s ago"},
      {"TlsSniUnrecognized",
       "alert 112 (unrecognized_name) received for SNI app.internal"},
      {"TlsAlpn",
       "alert 120 (no_application_protocol) received, offered http/1.1"},
      {"TlsEof",
       "FIN 12 ms after the ClientHello, 0 bytes received, SNI app.internal"},
      {"TlsRst",
       "RST 12 ms after the ClientHello, 0 bytes received, SNI app.internal"},
      {"TlsTimeout", "no ServerHello in 5.0 s, ClientHello acknowledged"},
      {"TlsTimeoutUnacked",
       "no ServerHello in 5.0 s, ClientHello not acknowledged"},
      {"TlsOriginClientCert13",
       "alert 116 (certificate_required) received after the handshake, our "
       "certificate was asked for, none sent"},
      {"TlsLocalPolicy",
       "weaker than allowed: dh key too small, alert 40 (handshake_failure) "
       "sent"},
      {"TlsBroken",
       "records that cannot be read, alert 50 (decode_error) sent"},
      {"TlsvExpired",
       "certificate expired 2 days ago (notAfter 2026-11-20), depth 0, "
       "subject CN=app.internal"},
      {"TlsvNotYetValid",
       "certificate valid in 3 days (notBefore 2026-11-25), depth 0, subject "
       "CN=app.internal"},
      {"SelfClockSkew",
       "5 of 5 unrelated certificates fail by their dates; the Date of 4 "
       "origins is 3 h ahead of us"},
      {"TlsvSelfSignedNewKey",
       "verify 18 (self-signed certificate), a key never seen here, chain of "
       "1, depth 0, subject CN=app.internal, issuer CN=app.internal"},
      {"TlsvUnknownCa",
       "verify 20 (issuer certificate not found locally), chain of 2, depth "
       "0, subject CN=app.internal, issuer CN=Example CA"},
      {"TlsvHostMismatch",
       "verify 62 (hostname mismatch): expected app.internal, certificate is "
       "for other.test"},
      {"TlsvCrlUnusable",
       "verify 12 (CRL has expired), nextUpdate 2026-11-21, 1 day ago"},
      {"BodyTlsAlert",
       "alert 80 (internal_error) received after the handshake, SNI "
       "app.internal"},
      {"BodyCloseDelimitedUnclosed",
       "FIN without close_notify after 2 bytes of the body, last byte 1.0 ms "
       "ago"},
      {"CtlsVersion",
       "no common version, offered up to TLS 1.1, the least here is TLS 1.2, "
       "alert 70 (protocol_version) sent, SNI shop.example"},
      {"CtlsCipher",
       "no common cipher, offered NULL-SHA256, alert 40 (handshake_failure) "
       "sent, SNI shop.example"},
      {"CtlsPlainHttp", "first bytes \"GET / HT\" are no TLS"},
      {"CtlsSniUnknown", "SNI 192.0.2.1, Host shop.example"},
      {"CtlsClientCert", "no certificate shown, SNI shop.example"},
      {"CtlsAbortFin", "FIN after 517 bytes, SNI shop.example"},
      {"ReqMisdirected", "SNI a.test, Host b.test"},
  };
  for (const Case& c : cases) {
    INFO(c.sighting);
    CHECK(Diagnose(Seen(c.sighting)).details.view() == c.details);
  }
}

TEST_CASE("a date that is not known is not told") {
  Observation o = Seen("TlsvExpired");
  o.attempt.tls->now.reset();
  CHECK(Diagnose(o).details.view() ==
        "certificate expired (notAfter 2026-11-20), depth 0, subject "
        "CN=app.internal");
  o.attempt.tls->certificate = {};
  CHECK(Diagnose(o).details.view() == "certificate expired, depth 0");
}

TEST_CASE("an alert is a parameter of Proxy-Status, with its name") {
  CHECK(Member(Seen("TlsSniUnrecognized"), Audience::kPublic) ==
        "Proxy-Status: edge-1; error=tls_alert_received; alert-id=112; "
        "alert-message=unrecognized_name");
  Observation o = Seen("TlsAlertFatal");
  o.attempt.tls->alert_received = 0;
  CHECK(Member(o, Audience::kPublic) ==
        "Proxy-Status: edge-1; error=tls_alert_received; alert-id=0; "
        "alert-message=close_notify");
  o.attempt.tls->alert_received = 200;  // IANA assigns none
  CHECK(Member(o, Audience::kPublic) ==
        "Proxy-Status: edge-1; error=tls_alert_received; alert-id=200");
  CHECK(Member(Seen("TlsvExpired"), Audience::kPublic) ==
        "Proxy-Status: edge-1; error=tls_certificate_error");
  CHECK(Member(Seen("TlsEof"), Audience::kPublic) ==
        "Proxy-Status: edge-1; error=tls_protocol_error");
}

TEST_CASE("the next protocol is a token, else bytes, else nothing") {
  Observation o = Seen("RelayedUnverified");
  const std::string member = "Proxy-Status: edge-1; received-status=502";
  CHECK(Member(o, Audience::kPublic) == member + "; next-protocol=http/1.1");
  o.protocol = "h2";
  CHECK(Member(o, Audience::kPublic) == member + "; next-protocol=h2");
  o.protocol = "\xCA\xFE h";
  CHECK(Member(o, Audience::kPublic) == member + "; next-protocol=:yv4gaA==:");
  o.protocol = "";
  CHECK(Member(o, Audience::kPublic) == member);
  o.protocol = "half-an-id-is-the-id-of-something-else";
  CHECK(Member(o, Audience::kPublic) == member);
}

TEST_CASE("the public is told no name, address or date of a certificate") {
  for (const Sighting& sighting : AllSightings()) {
    Observation o = Seen(sighting.name);
    if (!o.attempt.tls.has_value() && !o.request.tls.has_value()) continue;
    const std::string member = Member(o, Audience::kPublic);
    INFO(member);
    for (std::string_view secret :
         {"internal\"", "app.", "CN=", "10.0.0", "2026", ".test", "shop",
          "dh key", "FIN", "verify"}) {
      CHECK(member.find(secret) == member.npos);
    }
  }
}

}  // namespace
}  // namespace whichhop::diagnostics
