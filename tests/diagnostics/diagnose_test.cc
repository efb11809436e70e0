#include "diagnostics/diagnose.h"

#include <cerrno>

#include "tests/catch.h"
#include "tests/diagnostics/dump.h"
#include "tests/diagnostics/sightings.h"

namespace whichhop::diagnostics {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Observation At(Position position, Answers is = Answers::kUnset) {
  Observation o;
  o.position = position;
  o.is = is;
  o.statuses =
      position == Position::kCdn ? Statuses::kEdge : Statuses::kGateway;
  return o;
}

Verdict Decision(Position position, Fault fault) {
  Observation o = At(position);
  o.kind = Kind::kDecision;
  o.fault = fault;
  return Diagnose(o);
}

std::string Evidenced(const Verdict& v, Rule rule) {
  std::string out;
  for (size_t i = 0; i < v.evidence.size(); ++i) {
    if (v.evidence[i].rule == rule) out += v.evidence[i].sentence;
  }
  return out;
}

TEST_CASE("a respond: route names our own position, and the status's row") {
  Observation o = At(Position::kLb);
  o.kind = Kind::kRespond;
  o.status = 418;
  Verdict v = Diagnose(o);
  CHECK(Dump(v) ==
        "418 respond row 418 | cause lb | reporter lb | cleared "
        "browser-app,browser,device,router,image-host,isp,tor | observed "
        "proxy_internal_response");
  o.status = 405;
  CHECK(Dump(Diagnose(o)) ==
        "405 respond row - | cause lb | reporter lb | cleared - | observed "
        "proxy_internal_response");
  o.status = 502;
  CHECK(Join(Diagnose(o).rows) == "502A");
}

TEST_CASE("our own decisions blame nobody behind us and clear nobody there") {
  const HopSet behind{Hop::kServer, Hop::kApp,       Hop::kDb,
                      Hop::kAuth,   Hop::kDatastore, Hop::kDbHost};
  for (Fault fault :
       {Fault::kRouteNone, Fault::kMaintenance, Fault::kRateLimited,
        Fault::kReqLineBad, Fault::kReqHeadTooLarge, Fault::kAcceptOverload,
        Fault::kDrainNewRequest, Fault::kSelfInternal}) {
    for (Position position : {Position::kLb, Position::kCdn}) {
      const Verdict v = Decision(position, fault);
      INFO(Dump(v));
      CHECK((v.cause.set() & behind).empty());
      CHECK((v.cleared & behind).empty());
      CHECK(v.basis == Basis::kObserved);
    }
  }
}

TEST_CASE("of a client that was never read nothing but its way is clear") {
  const Verdict v = Decision(Position::kLb, Fault::kAcceptEmfile);
  CHECK(Dump(v) ==
        "503 accept-emfile row 503 | cause lb | reporter lb | cleared "
        "browser,device,router,isp,tor | observed proxy_internal_error");
  CHECK(v.evidence[v.evidence.size() - 1].rule == Rule::kX4);
}

TEST_CASE("a slow client is told from a lossy way by retransmissions") {
  Observation o = At(Position::kLb);
  See("ReqHeadTimeoutSlow", o);
  CHECK(Join(Diagnose(o).cause) == "browser");
  o.request.client_retransmits = 3;
  CHECK(Join(Diagnose(o).cause) == "device,router,isp,tor");
  o.request.client_retransmits.reset();
  CHECK(Join(Diagnose(o).cause) == "browser,device,router,isp,tor");
}

TEST_CASE("a client that answers no probe is cut off, not slow") {
  Observation o = At(Position::kLb);
  See("ReqHeadTimeoutSlow", o);
  o.request.client_probes = 1;  // an accident
  CHECK(Join(Diagnose(o).cause) == "browser");
  o.request.client_probes = 2;
  CHECK(Join(Diagnose(o).cause) == "device,router,isp,tor");
}

TEST_CASE("a router that waited for its neighbour may be well itself") {
  Observation o = At(Position::kCdn);
  See("ConnectUnreachHostIsp", o);
  CHECK(Join(Diagnose(o).cause) == "isp");
  o.attempt.connect = milliseconds(3060);
  CHECK(Join(Diagnose(o).cause) == "tor,isp");
  CHECK((Diagnose(o).cleared & HopSet{Hop::kIsp, Hop::kTor}).empty());
}

TEST_CASE(
    "a router that speaks when no SYN came had waited for its neighbour") {
  Observation o = At(Position::kLb);
  See("ConnectUnreachHostTor", o);
  for (int after : {2, 390}) {
    o.attempt.connect = milliseconds(after);
    INFO(after);
    CHECK(Join(Diagnose(o).cause) == "tor");
  }
  // With a later SYN: it may have come with the end of another's wait.
  for (int after : {1004, 1390, 2050}) {
    o.attempt.connect = milliseconds(after);
    INFO(after);
    CHECK(Diagnose(o).fault == Fault::kConnectUnreachHost);
    CHECK(Join(Diagnose(o).cause) == "server,tor");
  }
  for (int after : {450, 990, 1700, 2500, 2860, 3060}) {
    o.attempt.connect = milliseconds(after);
    INFO(after);
    CHECK(Diagnose(o).fault == Fault::kConnectUnreachArp);
    CHECK(Join(Diagnose(o).cause) == "server,tor");
  }
  // A round trip later is at once, however long one takes.
  o.attempt.connect = milliseconds(550);
  o.attempt.peer_min_rtt = milliseconds(500);
  CHECK(Join(Diagnose(o).cause) == "tor");
  o.attempt.peer_min_rtt = std::chrono::microseconds(300);
  o.attempt.connect = milliseconds(150);
  CHECK(Join(Diagnose(o).cause) == "server,tor");
}

TEST_CASE("of a transit router that waited the next one is a suspect") {
  Observation o = At(Position::kCdn);
  See("ConnectUnreachHostIsp", o);
  o.attempt.connect = milliseconds(2500);
  CHECK(Join(Diagnose(o).cause) == "tor,isp");
}

TEST_CASE("ARP that fails here for a far target is the first router's") {
  for (Position position : {Position::kLb, Position::kCdn}) {
    Observation o = At(position);
    See("ConnectUnreachArpOwn", o);
    const std::string near = Join(Diagnose(o).cause);
    CHECK(near == (position == Position::kLb ? "server,tor" : "server,lb,tor"));
    o.attempt.on_link = true;
    CHECK(Join(Diagnose(o).cause) == near);
    o.attempt.on_link = false;
    CHECK(Join(Diagnose(o).cause) ==
          (position == Position::kLb ? "tor" : "isp"));
  }
}

TEST_CASE("a silence behind a route that our own kernel refuses is ours") {
  for (std::string_view silence : {"ConnectTimeout", "WriteTimeoutUnacked"}) {
    Observation o = At(Position::kCdn);
    See(silence, o);
    o.attempt.route_error = EACCES;
    INFO(silence);
    CHECK(Join(Diagnose(o).cause) == "cdn");
    CHECK(Evidenced(Diagnose(o), Rule::kX12).find("EACCES") !=
          std::string::npos);
  }
  // Whoever answered was not out of reach.
  Observation o = At(Position::kLb);
  See("RespRst", o);
  o.attempt.route_error = EACCES;
  CHECK(Join(Diagnose(o).cause) == "app,server");
}

TEST_CASE("what a proxy that speaks for itself does not answer is its own") {
  const auto cause = [](std::string_view sighting, Answers is) {
    Observation o = At(Position::kCdn, is);
    o.believe = true;
    See(sighting, o);
    const Verdict v = Diagnose(o);
    CHECK_FALSE(v.cleared.contains(Hop::kServer));
    return Join(v.cause);
  };
  CHECK(cause("ConnectRefusedRst", Answers::kLb) == "lb");
  CHECK(cause("ConnectTimeout", Answers::kLb) == "isp,tor,lb");
  CHECK(cause("ConnectTimeoutBacklog", Answers::kLb) == "lb");
  CHECK(cause("WriteTimeoutUnacked", Answers::kLb) == "isp,tor,lb");
  CHECK(cause("RespEmptyFin", Answers::kLb) == "lb");
  CHECK(cause("RespRst", Answers::kLb) == "lb");
  CHECK(cause("TlsPlainHttpServer", Answers::kLb) == "lb");
  CHECK(cause("ConnectRefusedRst", Answers::kServer) == "server");
  CHECK(cause("TlsPlainHttpServer", Answers::kServer) == "server");
  // It may wait for its server, and passes on what that sends.
  CHECK(cause("RespTimeoutTtfb", Answers::kLb) == "app,lb");
  CHECK(cause("BodyClShortFin", Answers::kLb) == "app,server,lb");
  CHECK(cause("HeadClTe", Answers::kLb) == "app,lb");
  // An app is no proxy; and who it is has to be said.
  CHECK(cause("ConnectRefusedRst", Answers::kApp) == "app,server");
  CHECK(cause("ConnectRefusedRst", Answers::kUnset) == "app,server,lb");
}

TEST_CASE("whoever wrote the largest field made a head too large") {
  struct Case {
    std::string_view field, cause;
  };
  const Case cases[] = {
      {"cookie", "browser,browser-app"},
      {"Referer", "browser,browser-app"},
      {"X-Forwarded-For", "router,cdn,isp,tor"},
      {"Via", "router,cdn,isp,tor"},
      {"CF-Connecting-IP", "router,cdn,isp,tor"},
      {"X-Own", "browser,browser-app,router,cdn,isp,tor"},
      {"", "browser,browser-app,router,cdn,isp,tor"},
  };
  for (const Case& c : cases) {
    Observation o = At(Position::kLb);
    See("ReqHeadTooLargeCookie", o);
    o.request.biggest_field = c.field;
    INFO(c.field);
    CHECK(Join(Diagnose(o).cause) == c.cause);
  }
}

TEST_CASE("the last probe tells why every server is out") {
  struct Case {
    Fault probe;
    int status;
    std::string_view rows, cause;
  };
  const Case cases[] = {
      {Fault::kConnectRefusedRst, 521, "521", "app,server,lb"},
      {Fault::kConnectTimeout, 522, "522", "isp,tor,lb,server,app"},
      {Fault::kConnectUnreachHost, 523, "523", "isp,tor,lb,server"},
      {Fault::kRespTimeoutTtfb, 503, "503", "app,lb"},
  };
  for (const Case& c : cases) {
    Observation o = At(Position::kCdn);
    o.kind = Kind::kDecision;
    o.fault = Fault::kBackendAllDown;
    o.decision.last_probe = c.probe;
    const Verdict v = Diagnose(o);
    CHECK(v.status == c.status);
    CHECK(Join(v.rows) == c.rows);
    CHECK(Join(v.cause) == c.cause);
    CHECK(v.type == ErrorType::kDestinationUnavailable);
  }
}

TEST_CASE("slots that nobody is seen to hold blame nobody in particular") {
  Observation o = At(Position::kLb);
  See("BackendConnLimitBusy", o);
  CHECK(Join(Diagnose(o).cause) == "lb");
  o.decision.oldest_in_flight = seconds(3);  // a way that drops SYNs, perhaps
  o.decision.in_flight_acked = false;
  const Verdict v = Diagnose(o);
  CHECK(Join(v.cause) == "app,lb,server,tor");
  CHECK((v.cleared & HopSet{Hop::kTor, Hop::kServer}).empty());
}

TEST_CASE("a loop through an address was led there by no zone") {
  for (const bool by_address : {false, true}) {
    Observation o = At(Position::kCdn);
    See("LoopDetected", o);
    o.decision.by_address = by_address;
    CHECK(Join(Diagnose(o).cause) == (by_address ? "cdn" : "cdn,dns"));
  }
}

TEST_CASE("a probe that got through clears the way, whatever came of it") {
  struct Case {
    Position position;
    std::optional<Fault> probe;
    std::string_view cause, cleared;
  };
  const Case cases[] = {
      {Position::kLb, std::nullopt, "app,server", "isp,tor"},
      {Position::kLb, Fault::kRespTimeoutTtfb, "app", "isp,tor"},
      {Position::kCdn, std::nullopt, "app,server,lb", "isp,tor"},
      {Position::kCdn, Fault::kRespEmptyFin, "app,lb", "isp,tor"},
  };
  for (const Case& c : cases) {
    Observation o = At(c.position);
    o.kind = Kind::kDecision;
    o.fault = Fault::kBackendAllDown;
    o.decision.last_probe = c.probe;
    o.decision.probe_got_through = true;
    const Verdict v = Diagnose(o);
    CHECK(v.status == 503);
    CHECK(Join(v.cause) == c.cause);
    CHECK(Join(v.cleared & HopSet{Hop::kIsp, Hop::kTor}) == c.cleared);
  }
}

TEST_CASE("a RST that came faster than the target can answer clears nothing") {
  Observation o = At(Position::kCdn);
  See("ConnectRefusedRst", o);
  o.attempt.peer_min_rtt = milliseconds(30);
  const Verdict v = Diagnose(o);
  CHECK(Join(v.cause) == "app,server,lb");
  CHECK_FALSE(v.cleared.contains(Hop::kTor));
}

TEST_CASE("a RST after a long silence may be a firewall's") {
  Observation o = At(Position::kLb);
  See("RespRst", o);
  o.attempt.waited = seconds(350);
  const Verdict v = Diagnose(o);
  CHECK(Join(v.cause) == "app,server,tor");
  CHECK(v.cleared.empty());
}

TEST_CASE("a stalled body clears the way only if probes are answered") {
  Observation o = At(Position::kLb);
  See("BodyStall", o);
  CHECK(Join(Diagnose(o).cause) == "app");
  CHECK(Join(Diagnose(o).cleared) == "tor");
  o.attempt.tcp->last_ack = seconds(30);
  CHECK(Join(Diagnose(o).cause) == "app,tor,server");
  CHECK(Diagnose(o).cleared.empty());
}

TEST_CASE("a stalled body whose probes nobody answers is not the app's") {
  Observation o = At(Position::kLb);
  See("BodyStall", o);
  o.attempt.tcp->last_ack = seconds(30);
  o.attempt.tcp->probes = 4;
  CHECK(Join(Diagnose(o).cause) == "tor,server");
  CHECK(Join(Diagnose(o).cleared) == "app");
}

TEST_CASE("an answer that never comes over a dead path is not the app's") {
  Observation o = At(Position::kCdn);
  See("RespTimeoutTtfb", o);
  o.attempt.tcp->probes = 4;
  const Verdict v = Diagnose(o);
  CHECK(v.id.view() == "resp-path-lost");
  CHECK(v.status == 522);
  CHECK_FALSE(v.cause.contains(Hop::kApp));
  CHECK_FALSE(v.cleared.contains(Hop::kTor));
}

TEST_CASE("an answer that never comes is the app's if probes have theirs") {
  Observation o = At(Position::kLb);
  See("RespTimeoutTtfb", o);
  o.attempt.tcp->last_ack = seconds(1);
  o.attempt.tcp->probes = 1;  // on its way
  CHECK(Join(Diagnose(o).cause) == "app");
  // Timers may be too short for a second one.
  o.attempt.tcp->last_ack = milliseconds(1900);
  const Verdict v = Diagnose(o);
  CHECK(Join(v.cause) == "app,tor,server");
  CHECK(Join(v.cleared) == "-");
}

TEST_CASE("a unix socket leaves the network out of it") {
  Observation o = At(Position::kCdn);
  o.kind = Kind::kAttempt;
  o.attempt.phase = AttemptPhase::kWait;
  o.attempt.end = AttemptEnd::kTimeout;
  o.attempt.unix_socket = true;
  o.attempt.sent = 300;
  const Verdict v = Diagnose(o);
  CHECK(Join(v.cause) == "app");
  CHECK(v.id.view() == "resp-timeout-ttfb");
}

TEST_CASE("evidence that clears every suspect leaves the cause unknown") {
  Observation o = At(Position::kLb);
  See("WriteTimeoutUnackedContradiction", o);
  const Verdict v = Diagnose(o);
  CHECK(v.cause.empty());
  CHECK(Join(v.cleared) == "app");
  CHECK_FALSE(Evidenced(v, Rule::kUnknown).empty());
}

TEST_CASE("rules that blame different hops contradict each other") {
  Observation o = At(Position::kCdn);
  See("ConnectTimeoutWholeRack", o);
  o.attempt.siblings.walk_last = Hop::kLb;
  const Verdict v = Diagnose(o);
  CHECK(v.cause.empty());
  CHECK_FALSE(Evidenced(v, Rule::kUnknown).empty());
}

TEST_CASE("old siblings and old walks say nothing") {
  for (std::string_view name :
       {"ConnectTimeoutRackSibling", "ConnectTimeoutWalkTor"}) {
    Observation o = At(Position::kCdn);
    See(name, o);
    o.attempt.siblings.walk_age = seconds(600);
    if (o.attempt.siblings.same_rack.has_value()) {
      o.attempt.siblings.same_rack = seconds(60);
    }
    CHECK(Join(Diagnose(o).cause) == "isp,tor,lb,server,app");
  }
}

TEST_CASE("a kernel that closed for its app lives, if that was just now") {
  Observation o = At(Position::kLb);
  See("ConnectRefusedRstFirstContact", o);
  o.attempt.siblings.far_end_closed = seconds(2);
  CHECK(Join(Diagnose(o).cause) == "app");
  CHECK(Diagnose(o).cleared.contains(Hop::kServer));
  o.attempt.siblings.far_end_closed = seconds(60);
  CHECK(Join(Diagnose(o).cause) == "app,server");
}

TEST_CASE("a server's program that said goodbye clears no server") {
  Observation o = At(Position::kLb, Answers::kServer);
  See("ConnectRefusedRst", o);
  o.attempt.siblings.far_end_closed = seconds(1);
  CHECK(Join(Diagnose(o).cause) == "app,server");
}

TEST_CASE("a kernel that knows nothing of a connection was started anew") {
  Observation o = At(Position::kLb);
  See("ConnectRefusedRst", o);
  o.attempt.siblings.forgotten = seconds(2);
  CHECK(Join(Diagnose(o).cause) == "app,server");  // it may have died of it
  o.attempt.siblings.host_refuses = true;
  CHECK(Join(Diagnose(o).cause) == "server");
  CHECK(Diagnose(o).cleared.contains(Hop::kApp));
  o.attempt.siblings.forgotten = seconds(60);
  CHECK(Join(Diagnose(o).cause) == "app,server");
}

TEST_CASE("where a server's program listens no app refuses") {
  Observation o = At(Position::kLb, Answers::kServer);
  See("ConnectRefusedRst", o);
  o.attempt.usual_server = "nginx/1.22.1 (Debian)";
  CHECK(Join(Diagnose(o).cause) == "server");
  for (const char* app : {"gunicorn", "Kestrel", "SimpleHTTP/0.6", ""}) {
    o.attempt.usual_server = app;
    CHECK(Join(Diagnose(o).cause) == "app,server");
  }
  See("TlsvExpired", o);
  o.attempt.usual_server = "nginx";
  CHECK(Join(Diagnose(o).cause) == "server");
  o.attempt.usual_server = "";  // the app may end TLS itself
  CHECK(Join(Diagnose(o).cause) == "server,app");
  o = At(Position::kLb, Answers::kApp);  // whatever it calls itself
  See("ConnectRefusedRst", o);
  o.attempt.usual_server = "nginx";
  CHECK(Join(Diagnose(o).cause) == "app,server");
}

TEST_CASE(
    "a host that nobody finds by ARP is not its switch's, if that works") {
  Observation o = At(Position::kLb);
  See("ConnectUnreachArpOwn", o);
  CHECK(Join(Diagnose(o).cause) == "server,tor");
  o.attempt.siblings.same_rack = seconds(1);
  CHECK(Join(Diagnose(o).cause) == "server");
  CHECK(Diagnose(o).cleared.contains(Hop::kTor));
  // A router's word, until a walk shows that it has a route.
  o = At(Position::kCdn);
  See("ConnectUnreachArpRouter", o);
  o.attempt.siblings.same_rack = seconds(1);
  CHECK(Join(Diagnose(o).cause) == "server,lb,tor");
  // Another router of the hop has one, and that shows nothing of this one's.
  o.attempt.siblings.walk_last = Hop::kTor;
  CHECK(Join(Diagnose(o).cause) == "server,lb,tor");
  o.attempt.siblings.walk_passed_sender = true;
  CHECK(Join(Diagnose(o).cause) == "server,lb");
  // It came as late as if the router had waited, and the route is dead.
  o.attempt.siblings.walk_refused = true;
  CHECK(Join(Diagnose(o).cause) == "tor");
}

TEST_CASE("an error that comes at once may end the wait of another's packet") {
  Observation o = At(Position::kLb);
  See("ConnectUnreachHostTor", o);
  CHECK(Join(Diagnose(o).cause) == "tor");
  o.attempt.siblings.unheard_before = true;
  CHECK(Join(Diagnose(o).cause) == "server,tor");
  o.attempt.siblings.walk_last = Hop::kTor;
  o.attempt.siblings.walk_refused = true;
  CHECK(Join(Diagnose(o).cause) == "tor");
}

TEST_CASE(
    "what a router told one attempt narrows the others that hear nothing") {
  Observation o = At(Position::kLb);
  See("ConnectTimeout", o);
  CHECK(Join(Diagnose(o).cause) == "tor,server,app");
  o.attempt.siblings.told_by = Hop::kTor;
  o.attempt.siblings.told_no_neighbour = true;
  CHECK(Join(Diagnose(o).cause) == "server,tor");
  o.attempt.siblings.told_no_neighbour = false;
  CHECK(Join(Diagnose(o).cause) == "tor");
  o.attempt.siblings.told_age = seconds(11);
  CHECK(Join(Diagnose(o).cause) == "tor,server,app");
}

TEST_CASE("a probe's ICMP error may have ended a wait for ARP") {
  Observation o = At(Position::kLb);
  See("BackendAllDownRefused", o);
  o.decision.last_probe = Fault::kConnectUnreachHost;
  o.decision.probe_connect = seconds(3);
  IcmpFacts& icmp = o.decision.probe_icmp.emplace();
  icmp.code = 1;
  icmp.offender = Offender::kHop;
  icmp.hop = Hop::kTor;
  CHECK(Join(Diagnose(o).cause) == "server,tor");
}

TEST_CASE("who is trusted to speak for others is the CDN") {
  Observation o = At(Position::kLb);
  See("CtlsClientCert", o);
  CHECK(Join(Diagnose(o).cause) == "cdn,browser");
  o.request.by_trusted_proxy = true;
  CHECK(Join(Diagnose(o).cause) == "cdn");
}

TEST_CASE("the last probe has witnesses, too") {
  Observation o = At(Position::kLb);
  See("BackendAllDownRefused", o);
  o.decision.probe_siblings.far_end_closed = seconds(2);
  CHECK(Join(Diagnose(o).cause) == "app");
}

TEST_CASE("a way that swallows long segments is no host's fault") {
  Observation o = At(Position::kLb);
  See("WriteTimeoutUnacked", o);
  o.attempt.tcp->sacked = 1;
  CHECK(Join(Diagnose(o).cause) == "tor");
  // What is short gets through, to this address and to others of the rack.
  o.attempt.siblings.same_address = o.attempt.siblings.same_rack = seconds(1);
  CHECK(Join(Diagnose(o).cause) == "tor");
  CHECK_FALSE(Diagnose(o).cleared.contains(Hop::kTor));
  o = At(Position::kCdn);
  See("BodyStallLossy", o);
  o.attempt.siblings.same_address = seconds(1);
  CHECK(Join(Diagnose(o).cause) == "isp,tor");
}

TEST_CASE("connections that let probes pass speak of the way, not of an app") {
  Observation o = At(Position::kLb);
  See("ConnectTimeout", o);
  o.attempt.siblings.flows_silent = 2;
  CHECK(Join(Diagnose(o).cause) == "tor,server");
  CHECK(Join(Diagnose(o).cleared) == "app");
}

TEST_CASE("a fault inside a forwarded body has no status left") {
  Observation o = At(Position::kLb);
  See("BodyClShortFin", o);
  CHECK(Diagnose(o).status == 0);
  CHECK(Diagnose(o).received == 200);
  o.attempt.head_forwarded = false;
  CHECK(Diagnose(o).status == 502);
}

TEST_CASE("details say in one line what was seen") {
  struct Case {
    std::string_view sighting, details;
  };
  const Case cases[] = {
      {"ConnectTimeout", "no SYN-ACK in 3.0 s, 3 SYNs"},
      {"ConnectRefusedRst", "ECONNREFUSED after 0.4 ms"},
      {"ConnectRefusedIcmp",
       "ECONNREFUSED after 1.0 ms, icmp 3/3 from 10.0.0.1"},
      {"DnsNodata", "NOERROR without an address"},
      {"StaleKeepaliveRace",
       "RST on a connection that was idle 61.0 s, after 9 exchanges"},
      {"RespTimeoutTtfb",
       "timeout after 60.0 s, 300 bytes sent, 0 received, all acknowledged"},
      {"ConnectResetAfterEstablished", "RST right after the handshake"},
      {"RespEmptyFin",
       "FIN after 12 ms, 300 bytes sent, 0 received, all acknowledged"},
      {"WriteTimeoutUnacked",
       "timeout after 31.0 s, 300 bytes sent, 0 received, 3 segments "
       "unacknowledged, 6 retransmitted"},
      {"HeadBadField", "no colon"},
      {"HeadTruncated", "FIN after 27 bytes of the head"},
      {"BodyClShortFin",
       "FIN after 2 of 100 bytes of the body, last byte 1.0 ms ago"},
      {"ReqLineBad", "second SP in the request line at byte 4"},
      {"ReqHeadTimeoutSlow", "head: 41 bytes in 10.0 s"},
      {"ReqHeadTooLargeCookie",
       "33894 bytes of 32768, largest Cookie with 32153"},
      {"ReqbodyTimeout", "body: 10 of 1000 bytes in 0.0 ms"},
      {"RouteNone", "no route for Host x.example"},
      {"BackendAllDownRefused", "2 of 2 servers ejected"},
      {"BackendConnLimitSlotsHeld", "8 of 8 in flight, oldest for 58.0 s"},
  };
  for (const Case& c : cases) {
    Observation o = At(Position::kLb);
    See(c.sighting, o);
    CHECK(Diagnose(o).details.view() == c.details);
  }
}

TEST_CASE("a verdict keeps no text of the observation") {
  Verdict v;
  {
    std::string address = "10.0.0.5:8000";
    Observation o = At(Position::kLb);
    See("ConnectRefusedRst", o);
    o.attempt.address = address;
    v = Diagnose(o);
    address.assign(address.size(), 'x');
  }
  CHECK(v.next_hop.view() == "10.0.0.5:8000");
}

TEST_CASE("evidence that overflows is cut, at a whole character") {
  Evidence evidence;
  for (size_t i = 0; i < 2 * Evidence::kMaxItems; ++i) {
    evidence.Begin(Rule::kX1, {}, {});
    for (int k = 0; k < 100; ++k) evidence << "\xC3\xA9\xC3\xA9\xC3\xA9";
  }
  CHECK(evidence.size() == Evidence::kMaxItems);
  size_t bytes = 0;
  for (size_t i = 0; i < evidence.size(); ++i) {
    bytes += evidence[i].sentence.size();
    CHECK(evidence[i].sentence.size() % 2 == 0);
  }
  CHECK(bytes <= Evidence::kMaxBytes);
}

}  // namespace
}  // namespace whichhop::diagnostics
