// The diagnosis has an oracle: a chain of hops of which one is broken on
// purpose. What that looks like from the proxy is worked out here from the
// physics alone; the verdict must name the broken hop or nobody, and must never
// clear it.

#include <array>
#include <cerrno>
#include <random>

#include "diagnostics/diagnose.h"
#include "tests/catch.h"
#include "tests/diagnostics/dump.h"

namespace whichhop::diagnostics {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

enum class Break : uint8_t {
  kDropsSyn,       // packets vanish from the start
  kDropsLater,     // packets vanish after the handshake
  kRefuses,        // RST
  kRejects,        // ICMP 3/3
  kUnreachable,    // ICMP 3/1
  kSilent,         // takes the request and hangs
  kCloses,         // takes the request and closes
  kResets,         // takes the request and resets
  kGarbage,        // answers in no HTTP
  kFullQueue,      // accepts no more
  kCutsBody,       // ends inside the body
  kDropsHello,     // packets vanish after TCP's handshake, inside that of TLS
  kHangsInTls,     // takes the ClientHello and hangs
  kAlerts,         // refuses the handshake by an alert, one of several
  kClosesInTls,    // closes inside the handshake
  kResetsInTls,    // resets inside the handshake
  kNoTls,          // answers in plain HTTP
  kExpired,        // its certificate is out of date
  kSelfSigned,     // its certificate is nobody's
  kImpersonates,   // on the way, it answers in the far end's place
  kOldClock,       // judges certificates by a clock that is wrong
  kSpoilsRecords,  // changes what TLS carries
  kCutsTls,        // ends a body without length and without close_notify
};

struct Scenario {
  Hop broken;
  Break how;
};

constexpr Scenario kScenarios[] = {
    {Hop::kIsp, Break::kDropsSyn},      {Hop::kTor, Break::kDropsSyn},
    {Hop::kLb, Break::kDropsSyn},       {Hop::kServer, Break::kDropsSyn},
    {Hop::kIsp, Break::kDropsLater},    {Hop::kTor, Break::kDropsLater},
    {Hop::kLb, Break::kDropsLater},     {Hop::kServer, Break::kDropsLater},
    {Hop::kLb, Break::kRefuses},        {Hop::kServer, Break::kRefuses},
    {Hop::kApp, Break::kRefuses},       {Hop::kIsp, Break::kRejects},
    {Hop::kTor, Break::kRejects},       {Hop::kIsp, Break::kUnreachable},
    {Hop::kTor, Break::kUnreachable},   {Hop::kLb, Break::kSilent},
    {Hop::kApp, Break::kSilent},        {Hop::kLb, Break::kCloses},
    {Hop::kApp, Break::kCloses},        {Hop::kLb, Break::kResets},
    {Hop::kServer, Break::kResets},     {Hop::kApp, Break::kResets},
    {Hop::kApp, Break::kGarbage},       {Hop::kServer, Break::kGarbage},
    {Hop::kApp, Break::kFullQueue},     {Hop::kLb, Break::kFullQueue},
    {Hop::kApp, Break::kCutsBody},      {Hop::kLb, Break::kCutsBody},
    {Hop::kIsp, Break::kDropsHello},    {Hop::kTor, Break::kDropsHello},
    {Hop::kLb, Break::kHangsInTls},     {Hop::kServer, Break::kHangsInTls},
    {Hop::kApp, Break::kHangsInTls},    {Hop::kLb, Break::kAlerts},
    {Hop::kServer, Break::kAlerts},     {Hop::kApp, Break::kAlerts},
    {Hop::kLb, Break::kClosesInTls},    {Hop::kServer, Break::kClosesInTls},
    {Hop::kApp, Break::kClosesInTls},   {Hop::kLb, Break::kResetsInTls},
    {Hop::kIsp, Break::kResetsInTls},   {Hop::kServer, Break::kResetsInTls},
    {Hop::kLb, Break::kNoTls},          {Hop::kServer, Break::kNoTls},
    {Hop::kApp, Break::kNoTls},         {Hop::kLb, Break::kExpired},
    {Hop::kServer, Break::kExpired},    {Hop::kApp, Break::kExpired},
    {Hop::kLb, Break::kSelfSigned},     {Hop::kServer, Break::kSelfSigned},
    {Hop::kIsp, Break::kImpersonates},  {Hop::kTor, Break::kSpoilsRecords},
    {Hop::kIsp, Break::kSpoilsRecords}, {Hop::kServer, Break::kSpoilsRecords},
    {Hop::kServer, Break::kCutsTls},    {Hop::kLb, Break::kCutsTls},
    {Hop::kApp, Break::kCutsTls},
};

// Whoever ends TLS behind us: where a balancer may stand, it is what TLS
// reaches, or the host behind one that only passes bytes on; never the app.
bool MayEndTls(const Observation& o, Hop hop) {
  return hop != Hop::kApp || !BalancerBehind(o.position, o.is);
}

bool InTls(Break how) { return how >= Break::kDropsHello; }

// How each break of TLS looks, on a handshake that is not done yet.
void LookTls(Break how, AttemptFacts& a) {
  TlsFacts& tls = a.tls.emplace();
  a.phase = AttemptPhase::kTls;
  a.end = AttemptEnd::kTls;
  a.connect = microseconds(500);
  switch (how) {
    case Break::kDropsHello:
      a.end = AttemptEnd::kTimeout;
      a.acked = 0;
      a.tcp->unacked = 1;
      a.tcp->total_retrans = 5;
      break;
    case Break::kHangsInTls:
      a.end = AttemptEnd::kTimeout;
      break;
    case Break::kClosesInTls:
      a.end = AttemptEnd::kFin;
      tls.failure = TlsFailure::kEof;
      break;
    case Break::kResetsInTls:
      a.end = AttemptEnd::kReset;
      break;
    case Break::kNoTls:
      tls.failure = TlsFailure::kNotTls;
      break;
    case Break::kExpired:
    case Break::kOldClock:
      tls.verification = Verification::kFailed;
      tls.verify_code = 10;
      break;
    case Break::kSelfSigned:
    case Break::kImpersonates:
      tls.verification = Verification::kFailed;
      tls.verify_code = 18;
      if (how == Break::kImpersonates) tls.certificate.new_key = true;
      break;
    default:  // the handshake is done, and the answer has begun
      tls.complete = true;
      tls.verification = Verification::kPassed;
      a.phase = AttemptPhase::kBody;
      a.received = 60;
      tls.failure = TlsFailure::kBroken;
      if (how != Break::kCutsTls) break;
      tls.failure = TlsFailure::kEof;
      a.end = AttemptEnd::kFin;
      a.framing = BodyFraming::kClose;
  }
}

// How each break looks from the socket.
AttemptFacts Look(const Scenario& s) {
  AttemptFacts a;
  a.sent = a.acked.emplace(300);
  a.tcp = TcpFacts{};
  a.phase = AttemptPhase::kWait;
  switch (s.how) {
    case Break::kDropsSyn:
    case Break::kFullQueue:
      a.phase = AttemptPhase::kConnect;
      a.end = AttemptEnd::kTimeout;
      a.connect = seconds(3);
      break;
    case Break::kDropsLater:
      a.end = AttemptEnd::kTimeout;
      a.acked = 0;
      a.unsent = 300;
      a.tcp->unacked = 1;
      a.tcp->total_retrans = 7;
      break;
    case Break::kRefuses:
    case Break::kRejects:
    case Break::kUnreachable:
      a.phase = AttemptPhase::kConnect;
      a.end = AttemptEnd::kErrno;
      a.error = s.how == Break::kUnreachable ? EHOSTUNREACH : ECONNREFUSED;
      a.connect = microseconds(500);
      break;
    case Break::kSilent:
      a.end = AttemptEnd::kTimeout;
      a.waited = seconds(60);
      break;
    case Break::kCloses:
      a.end = AttemptEnd::kFin;
      break;
    case Break::kResets:
      a.end = AttemptEnd::kReset;
      break;
    case Break::kGarbage:
      a.phase = AttemptPhase::kHead;
      a.end = AttemptEnd::kMalformed;
      a.malformed = Malformed::kNotHttp;
      a.head_bytes = a.received = 20;
      break;
    case Break::kCutsBody:
      a.phase = AttemptPhase::kBody;
      a.end = AttemptEnd::kFin;
      a.received = 60;
      break;
    default:
      LookTls(s.how, a);
  }
  return a;
}

class Chain {
 public:
  explicit Chain(uint32_t seed) : random_(seed) {}

  Observation See(const Scenario& s) {
    Observation o;
    o.position = Flip() ? Position::kLb : Position::kCdn;
    o.is = static_cast<Answers>(random_() % 4);
    o.statuses = Flip() ? Statuses::kGateway : Statuses::kEdge;
    o.kind = Kind::kAttempt;
    o.attempt = Look(s);
    AddIcmp(s, o.attempt);
    AddNeighbours(s, o);
    if (s.how == Break::kAlerts) AddAlert(*o.attempt.tls);
    if (InTls(s.how)) AddOrigins(s, *o.attempt.tls);
    if (Flip()) o.attempt.peer_min_rtt = microseconds(200);
    return o;
  }

 private:
  bool Flip() { return random_() % 2 == 0; }

  // The router that rejects says so; topology may know it.
  void AddIcmp(const Scenario& s, AttemptFacts& a) {
    if (s.how != Break::kRejects && s.how != Break::kUnreachable) return;
    IcmpFacts icmp;
    icmp.code = s.how == Break::kRejects ? 3 : 1;
    icmp.offender = Flip() ? Offender::kHop : Offender::kStranger;
    icmp.hop = s.broken;
    a.icmp = icmp;
  }

  void AddAlert(TlsFacts& tls) {
    constexpr std::array<uint8_t, 7> kAlerts = {40, 48, 50, 70, 80, 112, 120};
    tls.alert_received = kAlerts[random_() % kAlerts.size()];
    tls.certificate_requested = Flip();
    tls.version = Flip() ? 0x0303 : 0x0304;
  }

  // Other origins, as they are: well, by a clock that is right. Ours may be
  // wrong only where it is what is broken.
  void AddOrigins(const Scenario& s, TlsFacts& tls) {
    const bool ours = s.how == Break::kOldClock;
    if (Flip()) tls.policy_agreed = seconds(3);
    tls.clock.origins = 1 + static_cast<uint32_t>(random_() % 4);
    tls.clock.failed = ours ? tls.clock.origins : 1;
    if (Flip()) return;
    tls.clock.dates = static_cast<uint32_t>(random_() % 4);
    tls.clock.ahead = ours ? seconds(-7200) : seconds(1);
  }

  // Neighbours answer where what they share with us is whole.
  void AddNeighbours(const Scenario& s, Observation& o) {
    SiblingFacts& near = o.attempt.siblings;
    const bool network = s.broken == Hop::kIsp || s.broken == Hop::kTor;
    if (!network && Flip()) near.same_rack = seconds(1);
    if (s.broken != Hop::kIsp && Flip()) near.other_rack = seconds(1);
    // Only an app breaks for one URL and not for another.
    if (s.broken == Hop::kApp && Flip()) near.same_address = seconds(2);
    if (s.how == Break::kFullQueue) near.flows_acking = 3;
    if (network && s.how == Break::kDropsSyn && Flip()) {
      near.rack_servers = near.rack_silent = 3;
    }
    if (s.how != Break::kDropsSyn || Flip()) return;
    // A walk ends at the broken hop, or at the last before it.
    if (s.broken == Hop::kIsp || s.broken == Hop::kTor) {
      near.walk_last = Hop::kIsp;
    } else {
      near.walk_last = Hop::kTor;
    }
  }

  std::mt19937 random_;
};

TEST_CASE("a broken hop is a suspect or the cause is unknown, never cleared") {
  Chain chain(7);
  for (const Scenario& scenario : kScenarios) {
    for (int i = 0; i < 300; ++i) {
      const Observation o = chain.See(scenario);
      if (!PathBehind(o.position, o.is).contains(scenario.broken)) continue;
      if (InTls(scenario.how) && !MayEndTls(o, scenario.broken)) continue;
      const Verdict v = Diagnose(o);
      const bool named = v.cause.empty() || v.cause.contains(scenario.broken);
      if (!named || v.cleared.contains(scenario.broken)) {
        FAIL_CHECK(HopName(scenario.broken)
                   << " did " << static_cast<int>(scenario.how) << ": "
                   << Dump(v));
        break;
      }
    }
  }
}

TEST_CASE("an origin that is well is never blamed alone for our clock") {
  Chain chain(11);
  size_t named = 0;
  for (int i = 0; i < 2000; ++i) {
    const Observation o = chain.See({Hop::kServer, Break::kOldClock});
    const TlsFacts& tls = *o.attempt.tls;
    const Verdict v = Diagnose(o);
    const bool ours = v.cause.contains(SelfHop(o.position));
    // Where it alone was asked and no clock is known, nothing tells.
    const bool told = tls.clock.failed >= 2 || tls.clock.dates >= 2;
    if (told && !ours) FAIL_CHECK(Dump(v));
    named += v.fault == Fault::kSelfClockSkew;
  }
  CHECK(named > 500);
}

}  // namespace
}  // namespace whichhop::diagnostics
