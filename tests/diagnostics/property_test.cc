// Properties that hold for any observation, over many generated ones.

#include <cerrno>
#include <random>

#include "diagnostics/diagnose.h"
#include "diagnostics/transcript.h"
#include "tests/catch.h"
#include "tests/diagnostics/dump.h"
#include "tests/diagnostics/sightings.h"

namespace whichhop::diagnostics {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {}

  uint32_t Below(uint32_t limit) {
    return static_cast<uint32_t>(random_()) % limit;
  }
  bool Flip() { return Below(2) == 0; }
  template <typename T>
  T Pick(std::initializer_list<T> of) {
    return of.begin()[Below(static_cast<uint32_t>(of.size()))];
  }

  Observation Next() {
    Observation o;
    o.position = Pick({Position::kLb, Position::kCdn});
    o.statuses = Pick({Statuses::kGateway, Statuses::kEdge});
    o.is =
        Pick({Answers::kUnset, Answers::kLb, Answers::kServer, Answers::kApp});
    const auto& all = AllSightings();
    all[Below(static_cast<uint32_t>(all.size()))].see(o);
    o.status = static_cast<uint16_t>(400 + Below(200));
    AddNeighbours(o);
    AddNoise(o);
    if (Below(3) == 0) AddTls(o);
    if (o.kind == Kind::kRelayed || Below(4) == 0) AddWriter(o);
    if (o.kind == Kind::kRelayed) AddTestimony(o);
    return o;
  }

 private:
  std::optional<Seconds> Age() {
    if (Flip()) return std::nullopt;
    return seconds(Below(15));
  }

  void AddNeighbours(Observation& o) {
    SiblingFacts& near = o.attempt.siblings;
    if (Flip()) return;
    near = {};
    near.same_address = Age();
    near.same_rack = Age();
    near.other_rack = Age();
    near.far_end_closed = Age();
    // A kernel that says goodbye has not forgotten.
    if (!near.far_end_closed) near.forgotten = Age();
    near.host_refuses = Flip();
    near.unheard_before = Flip();
    near.answered_between = Flip();
    if (Below(4) == 0) o.attempt.moved = seconds(Below(90));
    if (Flip()) near.flows_silent = Below(3);
    if (Below(3) == 0) {
      // Then no walk breaks off and no rack is silent.
      near.flows_acking = 1 + Below(3);
      near.flows_silent = 0;
      return;
    }
    near.rack_servers = Below(4);
    near.rack_silent = Below(near.rack_servers + 1);
    if (Below(4) == 0) {
      near.told_by =
          o.position == Position::kCdn && Flip() ? Hop::kIsp : Hop::kTor;
      near.told_age = seconds(Below(15));
      near.told_no_neighbour = Flip();
    }
    near.walk_age = seconds(Below(90));
    if (Flip()) return;
    near.walk_refused = Below(4) == 0;
    near.walk_passed_sender = Flip();
    near.walk_no_neighbour = !near.walk_refused && Below(4) == 0;
    near.walk_last =
        o.position == Position::kCdn && Flip() ? Hop::kIsp : Hop::kTor;
  }

  void AddNoise(Observation& o) {
    AttemptFacts& a = o.attempt;
    if (Flip()) a.waited = milliseconds(Below(100000));
    if (Flip()) a.quiet = milliseconds(Below(100000));
    if (Flip()) a.peer_min_rtt = std::chrono::microseconds(Below(1000));
    if (a.tcp.has_value() && Below(4) == 0) {
      a.tcp->unacked = 1 + Below(3);
      a.acked = 0;
    }
    if (a.tcp.has_value() && Below(4) == 0) a.tcp->rcv_ooopack = Below(3);
    if (a.tcp.has_value() && Below(4) == 0) a.tcp->sacked = Below(3);
    if (Below(8) == 0) {
      a.unix_socket = true;
      a.tcp.reset();
      a.icmp.reset();
      a.acked.reset();
    }
    if (Below(8) == 0) a.acked.reset();
    if (Flip()) a.usual_server = Flip() ? "nginx/1.22.1" : "gunicorn";
    o.request.by_trusted_proxy = Flip();
  }

  // Whatever an origin may forge, and what is usual there.
  void AddWriter(Observation& o) {
    WriterFacts& writer = o.writer;
    writer.generator = static_cast<diagnostics::Generator>(Below(
        static_cast<uint32_t>(diagnostics::Generator::kDatabaseText) + 1));
    if (writer.generator != diagnostics::Generator::kNone) {
      writer.score = static_cast<uint8_t>(Below(8) * 20);
    }
    writer.sub_cause = static_cast<SubCause>(
        Below(static_cast<uint32_t>(SubCause::kDatabase) + 1));
    writer.relayed = Flip();
    if (Flip()) writer.usual = Pick({"", "nginx/1.22.1", "gunicorn"});
    writer.no_challenge = Flip();
    writer.varies_by_user = Flip();
    writer.unlike_sibling = Flip();
    writer.answered_before = Flip();
    writer.portal = Flip();
  }

  std::optional<uint8_t> Alert() {
    if (Flip()) return std::nullopt;
    return Pick<uint8_t>({0, 20, 40, 42, 47, 70, 80, 112, 116, 120, 250});
  }

  CertificateFacts Certificate() {
    CertificateFacts c;
    c.chain = Below(3);
    c.subject = "CN=app.internal";
    c.issuer = Pick({"", "CN=Example CA"});
    c.self_issued = Flip();
    c.issuer_url = Flip();
    if (Flip()) c.not_after = Below(4'000'000'000);
    if (Flip()) c.not_before = Below(4'000'000'000);
    if (Flip()) c.new_key = Flip();
    return c;
  }

  ClockFacts Clock() {
    ClockFacts c;
    c.origins = Below(6);
    c.failed = Below(c.origins + 1);
    c.dates = Below(4);
    if (Flip()) c.ahead = seconds(Below(40000)) - seconds(20000);
    return c;
  }

  // Facts of a connection that speaks TLS. Its phase says whether the handshake
  // was done.
  void AddTls(Observation& o) {
    AttemptFacts& a = o.attempt;
    const bool inside = a.phase == AttemptPhase::kTls;
    if (a.phase == AttemptPhase::kResolve ||
        a.phase == AttemptPhase::kConnect) {
      return;
    }
    TlsFacts& tls = a.tls.emplace();
    tls.complete = !inside;
    tls.failure = static_cast<TlsFailure>(Below(8));
    tls.alert_received = Alert();
    tls.alert_sent = Alert();
    tls.version = Pick<uint16_t>({0, 0x0303, 0x0304});
    tls.certificate_requested = Flip();
    tls.verification =
        inside ? Pick({Verification::kNotReached, Verification::kFailed,
                       Verification::kPassed})
               : Pick({Verification::kOff, Verification::kPassed});
    tls.verify_code = Below(80);
    tls.verify_depth = Below(2);
    tls.certificate = Certificate();
    tls.now = 1795305600;
    tls.policy_agreed = Age();
    tls.other_name_agreed = Age();
    tls.clock = Clock();
    tls.untrusted = Below(tls.clock.origins + 1);
    a.by_address = Flip();
    if (Flip()) a.end = AttemptEnd::kTls;
    if (inside && Flip()) a.received = tls.received = Below(3000);
  }

  std::string_view Hops() {
    return Pick<std::string_view>({"", "db", "app, db", "tor, server, app",
                                   "browser", "printer", "lb", "app, printer",
                                   "dns", "auth, datastore", "cdn", "db,"});
  }

  // What the upstream says, and whether it is believed.
  void AddTestimony(Observation& o) {
    o.believe = Flip();
    if (Below(4) == 0) return;
    TestimonyFacts& said = o.testimony.emplace();
    if (Flip()) said.error_cause = Hops();
    if (Flip()) said.error_reporter = Hops();
    if (Flip()) said.error_cleared = Hops();
    said.error_fault = Pick<std::string_view>(
        {"", "", "relay-502; row=\"502B 502C\"; basis=documented",
         "connect-timeout; row=\"504A\"; basis=observed", "relay-404",
         "x; row=\"503\"", "resp-empty-fin; row=\"502A\"; basis=observed"});
    said.proxy_status = Pick<std::string_view>(
        {"", "in; error=connection_refused", "in; received-status=502",
         "a; error=dns_error; rcode=\"NXDOMAIN\", in; received-status=502",
         "a, b; error=http_response_timeout, c", "in; error=of_tomorrow",
         "in; error=http_request_denied", "in; error=", "in"});
    said.vendor = Pick<std::string_view>({"", "", "", "X-Runtime: 1",
                                          "X-Squid-Error: ERR_DNS_FAIL 0",
                                          "x-envoy-upstream-service-time: 90"});
    if (Flip()) said.elapsed = milliseconds(Below(200));
  }

  std::mt19937 random_;
};

// So that there is enough of what few sightings have.
Observation RelayedOne(Generator& generator) {
  Observation o;
  do {
    o = generator.Next();
  } while (o.kind != Kind::kRelayed);
  constexpr uint16_t kUsual[] = {500, 502, 503, 504};
  if (generator.Flip()) o.status = kUsual[generator.Below(4)];
  return o;
}

template <typename Check>
void ForManyRelayed(Check check) {
  Generator generator(20261123);
  for (int i = 0; i < 5000; ++i) check(RelayedOne(generator));
}

template <typename Check>
void ForMany(Check check) {
  Generator generator(20240612);
  for (int i = 0; i < 20000; ++i) check(generator.Next());
}

TEST_CASE("no hop is both a suspect and cleared, and dns is never cleared") {
  ForMany([](const Observation& o) {
    const Verdict v = Diagnose(o);
    if (!(v.cause.set() & v.cleared).empty() || v.cleared.contains(Hop::kDns)) {
      FAIL(Dump(v));
    }
  });
}

TEST_CASE("a produced verdict is ours, and never clears our own hop") {
  ForMany([](const Observation& o) {
    if (o.kind == Kind::kRelayed) return;
    const Verdict v = Diagnose(o);
    const Hop self = SelfHop(o.position);
    if (v.cleared.contains(self) || !(v.reporter == HopList{self})) {
      FAIL(Dump(v));
    }
    for (size_t i = 0; i < v.evidence.size(); ++i) {
      if (v.evidence[i].cleared.contains(self)) FAIL(Dump(v));
    }
  });
}

TEST_CASE("a failed attempt blames nobody on the client's side") {
  const HopSet client{Hop::kBrowserApp, Hop::kBrowser, Hop::kDevice,
                      Hop::kRouter, Hop::kImageHost};
  ForMany([&](const Observation& o) {
    if (o.kind != Kind::kAttempt) return;
    const Verdict v = Diagnose(o);
    if (!(v.cause.set() & client).empty()) FAIL(Dump(v));
  });
}

TEST_CASE("suspects of a failed attempt lie on its leg") {
  ForMany([](const Observation& o) {
    if (o.kind != Kind::kAttempt) return;
    HopSet leg =
        PathBehind(o.position, o.is) | HopSet{Hop::kDns, SelfHop(o.position)};
    const Verdict v = Diagnose(o);
    // What topology names is on the way, wherever the model draws it.
    if (o.attempt.icmp.has_value()) leg.Add(o.attempt.icmp->hop);
    const SiblingFacts& near = o.attempt.siblings;
    if (near.walk_last.has_value()) leg.Add(*near.walk_last);
    if (near.told_by.has_value()) leg.Add(*near.told_by);
    if (!(v.cause.set() - leg).empty()) FAIL(Dump(v));
  });
}

std::string DumpAll(const Verdict& v) {
  std::string out = Dump(v);
  out += v.details.view();
  for (size_t i = 0; i < v.evidence.size(); ++i) {
    out += v.evidence[i].sentence;
  }
  return out;
}

TEST_CASE("the same observation gives the same verdict, text and all") {
  ForMany([](const Observation& o) {
    const Verdict v = Diagnose(o);
    if (DumpAll(v) != DumpAll(Diagnose(o))) FAIL(Dump(v));
  });
}

TEST_CASE("an observation that was told in text is diagnosed the same") {
  ForMany([](const Observation& o) {
    std::string text;
    AppendTranscript(o, text);
    Transcript told;
    std::string error;
    if (!ParseTranscript(text, &told, &error)) FAIL(error << " in\n" << text);
    if (DumpAll(Diagnose(told.seen)) != DumpAll(Diagnose(o))) FAIL(text);
  });
}

// Each takes one piece of narrowing evidence away.
constexpr void (*kRemovals[])(Observation&) = {
    [](Observation& o) { o.attempt.siblings.same_address.reset(); },
    [](Observation& o) { o.attempt.siblings.same_rack.reset(); },
    [](Observation& o) { o.attempt.siblings.other_rack.reset(); },
    [](Observation& o) { o.attempt.siblings.flows_acking = 0; },
    [](Observation& o) { o.attempt.siblings.flows_silent = 0; },
    [](Observation& o) { o.attempt.siblings.far_end_closed.reset(); },
    [](Observation& o) { o.attempt.siblings.forgotten.reset(); },
    [](Observation& o) { o.attempt.siblings.host_refuses = false; },
    [](Observation& o) { o.attempt.siblings.answered_between = false; },
    [](Observation& o) { o.attempt.usual_server = {}; },
    [](Observation& o) { o.request.by_trusted_proxy = false; },
    [](Observation& o) {
      if (o.attempt.tls) o.attempt.tls->agreed_before.reset();
    },
    [](Observation& o) { o.attempt.siblings.rack_silent = 0; },
    [](Observation& o) {
      // Of a router that says that there is no such host it shows that its
      // neighbour may be the one that is broken; that narrows nothing.
      if (!o.attempt.icmp) o.attempt.siblings.walk_last.reset();
    },
    [](Observation& o) { o.attempt.siblings.told_by.reset(); },
    [](Observation& o) {
      if (!o.attempt.icmp) o.attempt.siblings = {};
    },
    [](Observation& o) { o.attempt.peer_min_rtt.reset(); },
    [](Observation& o) {
      // A hole in what arrives moves blame to the way; it narrows nothing.
      if (o.attempt.tcp && o.attempt.tcp->rcv_ooopack > 0) return;
      if (o.attempt.tcp && o.attempt.tcp->sacked > 0) return;
      o.attempt.tcp.reset();
    },
    [](Observation& o) { o.attempt.acked.reset(); },
    [](Observation& o) { o.attempt.by_address = false; },
    [](Observation& o) {
      if (o.attempt.tls) o.attempt.tls->policy_agreed.reset();
    },
    [](Observation& o) {  // the certificate was verified no more
      if (o.attempt.tls && o.attempt.tls->complete) {
        o.attempt.tls->verification = Verification::kNotReached;
      }
    },
    [](Observation& o) {  // dates that speak for us are known no more
      if (!o.attempt.tls) return;
      ClockFacts& clock = o.attempt.tls->clock;
      const bool for_us = clock.ahead && *clock.ahead <= seconds(300) &&
                          *clock.ahead >= -seconds(300);
      if (for_us && clock.failed < 2) clock.ahead.reset();
    },
    [](Observation& o) { o.attempt.resolved_before.reset(); },
    [](Observation& o) { o.request.client_retransmits.reset(); },
    [](Observation& o) { o.request.biggest_field = ""; },
    [](Observation& o) { o.decision.in_flight = 0; },
    [](Observation& o) { o.decision.last_probe.reset(); },
    [](Observation& o) {  // which box stands there is not known any more
      o.writer.usual.reset();
    },
    [](Observation& o) {  // topology no longer knows the sender
      if (o.attempt.icmp && o.attempt.icmp->offender == Offender::kHop) {
        o.attempt.icmp->offender = Offender::kStranger;
      }
    },
};

TEST_CASE("removing evidence never shrinks the set of suspects") {
  ForMany([](const Observation& o) {
    // A hop that only topology puts on the leg leaves it with topology.
    const HopSet leg = PathBehind(o.position, o.is);
    if (o.attempt.icmp && !leg.contains(o.attempt.icmp->hop)) return;
    const std::optional<Hop>& walked = o.attempt.siblings.walk_last;
    if (walked.has_value() && !leg.contains(*walked)) return;
    const std::optional<Hop>& told = o.attempt.siblings.told_by;
    if (told.has_value() && !leg.contains(*told)) return;
    const Verdict with = Diagnose(o);
    for (size_t i = 0; i < std::size(kRemovals); ++i) {
      Observation less = o;
      kRemovals[i](less);
      const Verdict without = Diagnose(less);
      if (without.cause.empty()) continue;  // unknown: everyone
      if (with.cause.empty()) continue;     // it contradicted itself
      if (!(with.cause.set() - without.cause.set()).empty()) {
        FAIL("removal " << i << ": " << Dump(with) << "\n  then "
                        << Dump(without));
      }
    }
  });
}

Observation Unwritten(const Observation& o) {
  Observation bare = o;
  bare.writer = {};
  return bare;
}

TEST_CASE(
    "a page, forged or not, blames what lies behind us, or moves nothing") {
  const HopSet origin{Hop::kLb, Hop::kServer,    Hop::kApp,
                      Hop::kDb, Hop::kDatastore, Hop::kAuth};
  size_t moved = 0;
  ForMany([&](const Observation& o) {
    if (o.kind != Kind::kRelayed) return;
    const Verdict v = Diagnose(o);
    const Verdict bare = Diagnose(Unwritten(o));
    if (v.status != bare.status) FAIL(Dump(v));
    if (Dump(v) == Dump(bare)) return;
    ++moved;
    if (v.basis != Basis::kInferred || o.writer.score < kNamed) FAIL(Dump(v));
    if (!(v.cause == bare.cause) && !(v.cause.set() - origin).empty()) {
      FAIL(Dump(v));
    }
    if (v.cause.empty() && !bare.cause.empty()) FAIL(Dump(v));
  });
  CHECK(moved > 20);
}

TEST_CASE("a page clears only what stands before its writer, or the row does") {
  ForMany([](const Observation& o) {
    if (o.kind != Kind::kRelayed) return;
    const Verdict v = Diagnose(o);
    if (v.basis != Basis::kInferred) return;
    HopSet may = PathBehind(o.position, o.is);
    may.Remove(Hop::kApp);
    for (const RowId row : v.rows) may = may | GetRow(row).cleared;
    if (!(v.cleared - may).empty()) FAIL(Dump(v));
    if (!(v.cleared & v.reporter.set()).empty() && o.status < 520) {
      FAIL(Dump(v));
    }
  });
}

TEST_CASE("what is our own alone is blamed on nobody else") {
  size_t met = 0;
  ForMany([&](const Observation& o) {
    const Verdict v = Diagnose(o);
    if (v.fault != Fault::kSelfClockSkew &&
        v.fault != Fault::kTlsvCrlUnusable) {
      return;
    }
    ++met;
    const HopList self{SelfHop(o.position)};
    if (!(v.cause == self) || v.status != 500) FAIL(Dump(v));
  });
  CHECK(met > 50);
}

bool Says(const Verdict& v, std::string_view text) {
  for (size_t i = 0; i < v.evidence.size(); ++i) {
    if (v.evidence[i].sentence.find(text) != std::string_view::npos) {
      return true;
    }
  }
  return false;
}

TEST_CASE("nobody is told as verified who was not, and that is told") {
  size_t off = 0;
  size_t passed = 0;
  ForMany([&](const Observation& o) {
    if (!o.attempt.tls.has_value()) return;
    if (o.kind != Kind::kAttempt && o.kind != Kind::kRelayed) return;
    const Verdict v = Diagnose(o);
    const TlsFacts& tls = *o.attempt.tls;
    // Who has shown a certificate has not shown its key until the end.
    const bool verified = Says(v, "was verified: ");
    const bool proven =
        tls.complete && tls.verification == Verification::kPassed;
    if (verified && !proven) FAIL(Dump(v));
    passed += verified;
    const bool unverified =
        tls.complete && tls.verification == Verification::kOff;
    if (Says(v, "was not verified") != unverified) FAIL(Dump(v));
    off += unverified;
  });
  CHECK(off > 500);
  CHECK(passed > 100);
}

TEST_CASE("what nobody believes moves nothing") {
  size_t said = 0;
  ForManyRelayed([&](Observation o) {
    o.believe = false;
    const Verdict with = Diagnose(o);
    said += o.testimony.has_value();
    const bool cited = with.hearing == Hearing::kIgnored;
    if (cited != o.testimony.has_value()) FAIL(Dump(with));
    o.testimony.reset();
    if (Dump(with) != Dump(Diagnose(o))) FAIL(Dump(with));
  });
  CHECK(said > 1000);
}

TEST_CASE("a claim clears no hop, and only one that counts moves anything") {
  size_t met[4] = {};
  ForManyRelayed([&](Observation o) {
    o.writer = {};  // whose word would count where no claim does
    const Verdict with = Diagnose(o);
    o.testimony.reset();
    const Verdict without = Diagnose(o);
    if (!(with.cleared - without.cleared).empty()) FAIL(Dump(with));
    const bool same = Dump(with) == Dump(without);
    const bool believed = with.hearing == Hearing::kBelieved;
    if (!same && !(believed && with.basis == Basis::kClaimed)) FAIL(Dump(with));
    if (with.basis == Basis::kClaimed && !believed) FAIL(Dump(with));
    ++met[static_cast<size_t>(with.hearing)];
  });
  for (size_t times : met) CHECK(times > 100);
}

TEST_CASE("a claim leaves a row of the status named, or none that there was") {
  ForManyRelayed([](Observation o) {
    o.writer = {};  // whose word would count where no claim does
    const Verdict with = Diagnose(o);
    o.testimony.reset();
    const Verdict without = Diagnose(o);
    if (with.rows.empty() != without.rows.empty()) FAIL(Dump(with));
    if (!(with.rows - without.rows).empty()) FAIL(Dump(with));
    if (with.status != without.status || with.type != without.type) {
      FAIL(Dump(with));
    }
  });
}

TEST_CASE("what they clear moves nothing, unless they suspect it too") {
  ForManyRelayed([](Observation o) {
    if (!o.testimony || !o.believe) return;
    const Verdict with = Diagnose(o);
    if (with.hearing == Hearing::kQuarantined) return;
    o.testimony->error_cleared = "";
    if (Dump(with) != Dump(Diagnose(o))) FAIL(Dump(with));
  });
}

TEST_CASE("what broke in TLS has a status of its family") {
  ForMany([](const Observation& o) {
    if (o.kind != Kind::kAttempt || o.statuses != Statuses::kEdge) return;
    if (o.attempt.phase != AttemptPhase::kTls) return;
    const Verdict v = Diagnose(o);
    const bool ours = GetFault(v.fault).at_lb.hops == HopList{Hop::kLb};
    const bool judged = o.attempt.tls.has_value() &&
                        o.attempt.tls->verification == Verification::kFailed;
    const int status = ours ? 500 : judged ? 526 : 525;
    if (v.status != status) FAIL(Dump(v));
  });
}

TEST_CASE("every fault can be decided, at every position, in every mode") {
  for (size_t i = 0; i < kFaultCount; ++i) {
    for (Position position : {Position::kLb, Position::kCdn}) {
      for (Statuses statuses : {Statuses::kGateway, Statuses::kEdge}) {
        Observation o;
        o.kind = Kind::kDecision;
        o.fault = static_cast<Fault>(i);
        o.position = position;
        o.statuses = statuses;
        const Verdict v = Diagnose(o);
        CHECK(v.id.view() == GetFault(o.fault).id);
        CHECK((v.cause.set() & v.cleared).empty());
      }
    }
  }
}

}  // namespace
}  // namespace whichhop::diagnostics
