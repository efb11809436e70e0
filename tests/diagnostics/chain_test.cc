// The diagnosis has an oracle: a chain of hops of which one is broken on
// purpose. What that looks like from the proxy is worked out here from the
// physics alone; the verdict must name the broken hop or nobody, and must never
// clear it.

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
  kDropsSyn,     // packets vanish from the start
  kDropsLater,   // packets vanish after the handshake
  kRefuses,      // RST
  kRejects,      // ICMP 3/3
  kUnreachable,  // ICMP 3/1
  kSilent,       // takes the request and hangs
  kCloses,       // takes the request and closes
  kResets,       // takes the request and resets
  kGarbage,      // answers in no HTTP
  kFullQueue,    // accepts no more
  kCutsBody,     // ends inside the body
};

struct Scenario {
  Hop broken;
  Break how;
};

constexpr Scenario kScenarios[] = {
    {Hop::kIsp, Break::kDropsSyn},    {Hop::kTor, Break::kDropsSyn},
    {Hop::kLb, Break::kDropsSyn},     {Hop::kServer, Break::kDropsSyn},
    {Hop::kIsp, Break::kDropsLater},  {Hop::kTor, Break::kDropsLater},
    {Hop::kLb, Break::kDropsLater},   {Hop::kServer, Break::kDropsLater},
    {Hop::kLb, Break::kRefuses},      {Hop::kServer, Break::kRefuses},
    {Hop::kApp, Break::kRefuses},     {Hop::kIsp, Break::kRejects},
    {Hop::kTor, Break::kRejects},     {Hop::kIsp, Break::kUnreachable},
    {Hop::kTor, Break::kUnreachable}, {Hop::kLb, Break::kSilent},
    {Hop::kApp, Break::kSilent},      {Hop::kLb, Break::kCloses},
    {Hop::kApp, Break::kCloses},      {Hop::kLb, Break::kResets},
    {Hop::kServer, Break::kResets},   {Hop::kApp, Break::kResets},
    {Hop::kApp, Break::kGarbage},     {Hop::kServer, Break::kGarbage},
    {Hop::kApp, Break::kFullQueue},   {Hop::kLb, Break::kFullQueue},
    {Hop::kApp, Break::kCutsBody},    {Hop::kLb, Break::kCutsBody},
};

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

}  // namespace
}  // namespace whichhop::diagnostics
