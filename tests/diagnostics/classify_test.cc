#include "diagnostics/classify.h"

#include <cerrno>

#include "tests/catch.h"

namespace whichhop::diagnostics {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Phase = AttemptPhase;
using End = AttemptEnd;

std::string_view Id(const AttemptFacts& a) { return GetFault(Classify(a)).id; }

AttemptFacts Facts(Phase phase, End end) {
  AttemptFacts a;
  a.phase = phase;
  a.end = end;
  return a;
}

AttemptFacts Errno(Phase phase, int error) {
  AttemptFacts a = Facts(phase, End::kErrno);
  a.error = error;
  return a;
}

// 300 bytes sent and acknowledged on a new connection.
AttemptFacts Sent(Phase phase, End end) {
  AttemptFacts a = Facts(phase, end);
  a.sent = 300;
  a.acked = 300;
  return a;
}

TEST_CASE("an errno of connect() is told apart by who said it") {
  struct Case {
    int error;
    bool synchronous;
    milliseconds after;
    std::string_view id;
  };
  const Case cases[] = {
      {ECONNREFUSED, false, milliseconds(1), "connect-refused-rst"},
      {ETIMEDOUT, false, seconds(19), "connect-timeout"},
      {EHOSTUNREACH, true, milliseconds(0), "connect-unreach-net-local"},
      {ENETUNREACH, true, milliseconds(0), "connect-unreach-net-local"},
      {EHOSTUNREACH, false, milliseconds(2), "connect-unreach-host"},
      {EHOSTUNREACH, false, milliseconds(3050), "connect-unreach-arp"},
      {EACCES, true, milliseconds(0), "connect-local-prohibit"},
      {EPERM, true, milliseconds(0), "connect-local-prohibit"},
      {EINVAL, true, milliseconds(0), "connect-local-blackhole"},
      {EADDRNOTAVAIL, true, milliseconds(0), "connect-no-local-port"},
      {EMFILE, true, milliseconds(0), "connect-emfile"},
      {ENFILE, true, milliseconds(0), "connect-emfile"},
      {EBADF, true, milliseconds(0), "self-internal"},
  };
  for (const Case& c : cases) {
    AttemptFacts a = Errno(Phase::kConnect, c.error);
    a.synchronous = c.synchronous;
    a.connect = c.after;
    CHECK(Id(a) == c.id);
  }
}

TEST_CASE("the ICMP error queue decides before errno and timers do") {
  struct Case {
    bool v6;
    int type, code;
    Offender offender;
    std::string_view id;
  };
  const Case cases[] = {
      {false, 3, 3, Offender::kStranger, "connect-refused-icmp"},
      {false, 3, 1, Offender::kStranger, "connect-unreach-host"},
      {false, 3, 0, Offender::kHop, "connect-unreach-host"},
      {false, 3, 1, Offender::kOurselves, "connect-unreach-arp"},
      {false, 3, 9, Offender::kHop, "connect-admin-prohibited"},
      {false, 3, 10, Offender::kHop, "connect-admin-prohibited"},
      {false, 3, 13, Offender::kHop, "connect-admin-prohibited"},
      {false, 11, 0, Offender::kHop, "connect-ttl-exceeded"},
      {true, 1, 1, Offender::kHop, "connect-admin-prohibited"},
      {true, 1, 4, Offender::kTarget, "connect-refused-icmp"},
      {true, 1, 0, Offender::kHop, "connect-unreach-host"},
      {true, 1, 3, Offender::kOurselves, "connect-unreach-arp"},
      {true, 3, 0, Offender::kHop, "connect-ttl-exceeded"},
  };
  for (const Case& c : cases) {
    IcmpFacts icmp;
    icmp.v6 = c.v6;
    icmp.type = static_cast<uint8_t>(c.type);
    icmp.code = static_cast<uint8_t>(c.code);
    icmp.offender = c.offender;
    AttemptFacts refused = Errno(Phase::kConnect, ECONNREFUSED);
    refused.icmp = icmp;
    AttemptFacts timer = Facts(Phase::kConnect, End::kTimeout);
    timer.icmp = icmp;
    INFO(c.type << "/" << c.code << (c.v6 ? " v6" : ""));
    CHECK(Id(refused) == c.id);
    CHECK(Id(timer) == c.id);
  }
}

TEST_CASE("a unix socket fails in its own way, and never by the network") {
  AttemptFacts a = Errno(Phase::kConnect, ENOENT);
  a.unix_socket = true;
  CHECK(Classify(a) == Fault::kConnectUnix);
  a.error = ECONNREFUSED;
  CHECK(Classify(a) == Fault::kConnectUnix);
  a.error = EAGAIN;
  CHECK(Classify(a) == Fault::kConnectUnixFull);
  CHECK(Id(a) == "connect-unix");
}

TEST_CASE("a dropped SYN is a full queue if other flows still acknowledge") {
  AttemptFacts a = Facts(Phase::kConnect, End::kTimeout);
  CHECK(Id(a) == "connect-timeout");
  a.siblings.flows_acking = 1;
  CHECK(Id(a) == "connect-timeout-backlog");
}

TEST_CASE("a reused connection that ends at once is the keep-alive race") {
  for (End end : {End::kFin, End::kReset}) {
    AttemptFacts a = Sent(Phase::kWait, end);
    a.reused = true;
    a.waited = milliseconds(1);
    CHECK(Id(a) == "stale-keepalive-race");
    a.waited = seconds(10);  // it worked on the request: no idle timer
    CHECK(Id(a) == (end == End::kFin ? "resp-empty-fin" : "resp-rst"));
    a.waited = milliseconds(1);
    a.interim = 1;
    a.received = 25;
    CHECK(Id(a) == "resp-1xx-then-close");
  }
}

TEST_CASE("an end without an answer is told by what was acknowledged") {
  AttemptFacts a = Sent(Phase::kWait, End::kReset);
  CHECK(Id(a) == "resp-rst");
  a.acked = 0;
  CHECK(Id(a) == "connect-reset-after-established");
  a = Sent(Phase::kRequest, End::kReset);
  CHECK(Id(a) == "write-early-close");
  a.end = End::kFin;
  CHECK(Id(a) == "write-early-close");
  CHECK(Id(Sent(Phase::kWait, End::kFin)) == "resp-empty-fin");
}

TEST_CASE("a timeout is told by acknowledgements, windows and bytes") {
  AttemptFacts a = Sent(Phase::kWait, End::kTimeout);
  a.tcp = TcpFacts{};
  CHECK(Id(a) == "resp-timeout-ttfb");
  a.tcp->unacked = 1;
  a.tcp->last_ack = milliseconds(20);
  CHECK(Id(a) == "resp-timeout-ttfb");  // young, not lost
  a.tcp->total_retrans = 4;
  CHECK(Id(a) == "write-timeout-unacked");
  a.tcp = TcpFacts{};
  a.tcp->snd_wnd = 0;
  CHECK(Id(a) == "resp-timeout-ttfb");  // closed, but all of it got through
  a.unsent = 100;
  CHECK(Id(a) == "write-timeout-zero-window");
  a = Sent(Phase::kWait, End::kTimeout);
  a.interim = 2;
  a.received = 50;
  CHECK(Id(a) == "resp-1xx-then-hang");
  a = Sent(Phase::kHead, End::kTimeout);
  a.head_bytes = a.received = 10;
  CHECK(Id(a) == "head-timeout");
}

TEST_CASE("probes without an answer tell a dead path from a slow app") {
  AttemptFacts a = Sent(Phase::kWait, End::kTimeout);
  a.tcp = TcpFacts{};
  a.tcp->probes = 1;
  CHECK(Id(a) == "resp-timeout-ttfb");  // one may be lost by accident
  a.tcp->probes = 2;
  CHECK(Id(a) == "resp-path-lost");
}

TEST_CASE("a connection that the kernel gives up was lost on the way") {
  CHECK(Id(Errno(Phase::kWait, ETIMEDOUT)) == "resp-path-lost");
  CHECK(Id(Errno(Phase::kRequest, ETIMEDOUT)) == "write-timeout-unacked");
  CHECK(Classify(Errno(Phase::kWait, EHOSTUNREACH)) ==
        Fault::kRespPathUnreachable);
  CHECK(Id(Errno(Phase::kBody, ETIMEDOUT)) == "body-stall");
}

TEST_CASE("a body's end is told by how it was framed") {
  struct Case {
    BodyFraming framing;
    End end;
    std::string_view id;
  };
  const Case cases[] = {
      {BodyFraming::kLength, End::kFin, "body-cl-short-fin"},
      {BodyFraming::kLength, End::kReset, "body-cl-short-rst"},
      {BodyFraming::kChunked, End::kFin, "body-chunk-truncated"},
      {BodyFraming::kChunked, End::kReset, "body-chunk-truncated"},
      {BodyFraming::kClose, End::kReset, "body-close-delimited-cut"},
      {BodyFraming::kLength, End::kTimeout, "body-stall"},
      {BodyFraming::kLength, End::kDeadline, "body-total-timeout"},
  };
  for (const Case& c : cases) {
    AttemptFacts a = Facts(Phase::kBody, c.end);
    a.framing = c.framing;
    CHECK(Id(a) == c.id);
  }
}

TEST_CASE("whatever a codec refuses has a fault of its own") {
  struct Case {
    Malformed malformed;
    std::string_view id;
  };
  const Case cases[] = {
      {Malformed::kNotHttp, "head-not-http"},
      {Malformed::kHttp09, "head-http09"},
      {Malformed::kBadVersion, "head-bad-version"},
      {Malformed::kBadStatus, "head-bad-status"},
      {Malformed::kBadField, "head-bad-field"},
      {Malformed::kClInvalid, "head-cl-invalid"},
      {Malformed::kClTe, "head-cl-te"},
      {Malformed::kTeUnsupported, "head-te-unsupported"},
      {Malformed::kUnsolicited101, "head-unsolicited-101"},
      {Malformed::kUnsolicitedPartial, "head-unsolicited-partial"},
      {Malformed::kBeforeRequest, "head-before-request"},
      {Malformed::kHeadTooLarge, "head-too-large"},
      {Malformed::kFieldTooLarge, "head-field-too-large"},
      {Malformed::kInterimFlood, "resp-1xx-flood"},
      {Malformed::kChunk, "body-chunk-malformed"},
      {Malformed::kBodyTooLarge, "body-too-large"},
      {Malformed::kTrailers, "body-trailers"},
  };
  for (const Case& c : cases) {
    AttemptFacts a = Facts(Phase::kHead, End::kMalformed);
    a.malformed = c.malformed;
    CHECK(Id(a) == c.id);
  }
}

TEST_CASE("the resolver's answers are told apart") {
  struct Case {
    DnsAnswer dns;
    std::string_view id;
  };
  const Case cases[] = {
      {DnsAnswer::kNxdomain, "dns-nxdomain"},
      {DnsAnswer::kNodata, "dns-nodata"},
      {DnsAnswer::kServfail, "dns-servfail"},
      {DnsAnswer::kRefused, "dns-refused"},
      {DnsAnswer::kTimeout, "dns-timeout"},
      {DnsAnswer::kTcpFailed, "dns-tcp-fallback-failed"},
      {DnsAnswer::kPrivate, "dns-private-address"},
  };
  for (const Case& c : cases) {
    AttemptFacts a = Facts(Phase::kResolve, End::kDns);
    a.dns = c.dns;
    CHECK(Id(a) == c.id);
  }
}

}  // namespace
}  // namespace whichhop::diagnostics
