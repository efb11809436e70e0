// From what happened to an attempt to its fault, without sockets.

#include "proxy/server/recorder.h"

#include <cerrno>
#include <string>

#include "proxy/server/config_loader.h"
#include "tests/catch.h"

namespace whichhop {
namespace {

using diagnostics::AttemptEnd;
using diagnostics::AttemptPhase;
using diagnostics::Fault;
using diagnostics::Hop;
using diagnostics::Malformed;
using std::chrono::milliseconds;
using std::chrono::seconds;

const Time kStart = Time(seconds(1000));

// A recorder in the middle of an exchange with one upstream of one server.
struct Recording {
  explicit Recording(const char* address = "10.0.0.5:8000")
      : endpoint(loop, {*Address::Parse(address), address}, seconds(4)),
        recorder(config, neighbours) {
    config.upstreams.resize(1);
    config.routes.resize(1);
    recorder.Begin(kStart);
    recorder.TakeRoute(&config.routes[0]);
    recorder.BeginAttempt(endpoint, kStart);
  }

  // The request went out and was complete after a millisecond.
  Recording& Sent(uint64_t bytes = 300) {
    AttemptRecord& attempt = recorder.attempt();
    attempt.connected = kStart;
    attempt.written = kStart + milliseconds(1);
    attempt.sent = bytes;
    return *this;
  }
  Recording& Reused() {
    recorder.attempt().reused = true;
    recorder.attempt().connected = kNoTime;
    return *this;
  }
  // Of the answer.
  Recording& Received(uint64_t bytes, uint16_t status = 0) {
    AttemptRecord& attempt = recorder.attempt();
    attempt.received = bytes;
    attempt.status = status;
    attempt.first_byte = attempt.last_byte = kStart + milliseconds(2);
    return *this;
  }
  std::string_view Fail(const AttemptFailure& failure,
                        Duration after = milliseconds(5)) {
    return GetFault(recorder.Fail(failure, nullptr, kStart + after)).id;
  }

  Loop loop;
  Config config;
  Endpoint endpoint;
  TlsNeighbours neighbours;
  Recorder recorder;
};

AttemptFailure Failure(AttemptPhase phase, AttemptEnd end, int error = 0) {
  AttemptFailure failure;
  failure.phase = phase;
  failure.end = end;
  failure.error = error;
  return failure;
}

TEST_CASE("a connect that fails is told by its errno") {
  struct Row {
    int error;
    bool synchronous;
    const char* fault;
  };
  for (const Row& row : {Row{ECONNREFUSED, false, "connect-refused-rst"},
                         Row{ETIMEDOUT, false, "connect-timeout"},
                         Row{EHOSTUNREACH, false, "connect-unreach-host"},
                         Row{ENETUNREACH, true, "connect-unreach-net-local"},
                         Row{EMFILE, true, "connect-emfile"},
                         Row{EADDRNOTAVAIL, true, "connect-no-local-port"}}) {
    Recording recording;
    AttemptFailure failure =
        Failure(AttemptPhase::kConnect, AttemptEnd::kErrno, row.error);
    failure.synchronous = row.synchronous;
    CHECK(recording.Fail(failure) == row.fault);
    CHECK(recording.recorder.attempt().fault.has_value());
  }
}

TEST_CASE("how long a connect took tells an ARP failure from a router's word") {
  const AttemptFailure failure =
      Failure(AttemptPhase::kConnect, AttemptEnd::kErrno, EHOSTUNREACH);
  CHECK(Recording().Fail(failure, milliseconds(3050)) == "connect-unreach-arp");
  CHECK(Recording().Fail(failure, milliseconds(30)) == "connect-unreach-host");
}

TEST_CASE("a Unix socket has faults of its own") {
  Recording recording("unix:/run/app.sock");
  const AttemptFailure failure =
      Failure(AttemptPhase::kConnect, AttemptEnd::kErrno, ENOENT);
  CHECK(recording.Fail(failure) == "connect-unix");
}

TEST_CASE("a timeout is told by how far the attempt came") {
  const auto timeout = [](AttemptPhase phase) {
    AttemptFailure failure = Failure(phase, AttemptEnd::kTimeout);
    failure.limit = seconds(60);
    return failure;
  };
  CHECK(Recording().Fail(timeout(AttemptPhase::kConnect)) == "connect-timeout");
  CHECK(Recording().Sent().Fail(timeout(AttemptPhase::kRequest)) ==
        "write-timeout-zero-window");
  CHECK(Recording().Sent().Fail(timeout(AttemptPhase::kWait)) ==
        "resp-timeout-ttfb");
  AttemptFailure head = timeout(AttemptPhase::kHead);
  head.head_bytes = 20;
  CHECK(Recording().Sent().Received(20).Fail(head) == "head-timeout");
  Recording interim;
  interim.Sent().Received(25);
  interim.recorder.attempt().interim = 1;
  CHECK(interim.Fail(timeout(AttemptPhase::kWait)) == "resp-1xx-then-hang");
}

TEST_CASE("an end without an answer is empty, a reset or a stale connection") {
  const AttemptFailure fin = Failure(AttemptPhase::kWait, AttemptEnd::kFin);
  const AttemptFailure reset =
      Failure(AttemptPhase::kWait, AttemptEnd::kReset, ECONNRESET);
  CHECK(Recording().Sent().Fail(fin) == "resp-empty-fin");
  CHECK(Recording().Sent().Fail(reset) == "resp-rst");
  CHECK(Recording().Sent().Reused().Fail(fin) == "stale-keepalive-race");
  CHECK(Recording().Sent().Reused().Fail(reset) == "stale-keepalive-race");
  CHECK(Recording().Sent().Reused().Fail(fin, seconds(5)) == "resp-empty-fin");
  CHECK(Recording().Sent().Reused().Fail(reset, seconds(5)) == "resp-rst");
}

TEST_CASE("a reset before anything was sent is one of the handshake's end") {
  const AttemptFailure reset =
      Failure(AttemptPhase::kRequest, AttemptEnd::kReset, ECONNRESET);
  CHECK(Recording().Fail(reset) == "connect-reset-after-established");
  CHECK(Recording().Sent(100).Fail(reset) == "write-early-close");
}

TEST_CASE("a head that is cut is truncated, by FIN or by RST") {
  AttemptFailure failure = Failure(AttemptPhase::kHead, AttemptEnd::kFin);
  failure.head_bytes = 17;
  failure.first_bytes = "HTTP/1.1 200 OK\r\n";
  CHECK(Recording().Sent().Received(17).Fail(failure) == "head-truncated");
  failure.end = AttemptEnd::kReset;
  CHECK(Recording().Sent().Received(17).Fail(failure) == "head-truncated");
}

TEST_CASE("a malformed answer is told by what was wrong with it") {
  AttemptFailure failure = Failure(AttemptPhase::kHead, AttemptEnd::kMalformed);
  failure.malformed = Malformed::kNotHttp;
  failure.first_bytes = "SSH-2.0-OpenSSH_9.2";
  failure.rule = "the status line is none";
  CHECK(Recording().Sent().Received(19).Fail(failure) == "head-not-http");
  failure.malformed = Malformed::kHeadTooLarge;
  CHECK(Recording().Sent().Received(40'000).Fail(failure) == "head-too-large");
}

// A body of which `bytes` came.
BodyReader Body(Framing framing, uint64_t length, std::string bytes) {
  BodyReader reader(TrailerMode::kDrop, {});
  reader.Start(framing, length);
  reader.Take(bytes.data(), bytes.size());
  return reader;
}

TEST_CASE("a body that is cut is told by its framing and its end") {
  struct Row {
    Framing framing;
    AttemptEnd end;
    const char* fault;
  };
  for (const Row& row :
       {Row{Framing::kLength, AttemptEnd::kFin, "body-cl-short-fin"},
        Row{Framing::kLength, AttemptEnd::kReset, "body-cl-short-rst"},
        Row{Framing::kLength, AttemptEnd::kTimeout, "body-stall"},
        Row{Framing::kChunked, AttemptEnd::kFin, "body-chunk-truncated"},
        Row{Framing::kUntilClose, AttemptEnd::kReset,
            "body-close-delimited-cut"}}) {
    const BodyReader body = Body(row.framing, 10, "5\r\nhel");
    AttemptFailure failure = Failure(AttemptPhase::kBody, row.end);
    failure.body = &body;
    failure.head_forwarded = true;
    CHECK(Recording().Sent().Received(99, 200).Fail(failure) == row.fault);
  }
}

TEST_CASE("the first bytes of an answer may be none, or more than are kept") {
  AttemptFailure failure = Failure(AttemptPhase::kWait, AttemptEnd::kFin);
  CHECK(Recording().Sent().Fail(failure) == "resp-empty-fin");
  const std::string many(1000, 'x');
  failure.phase = AttemptPhase::kHead;
  failure.end = AttemptEnd::kMalformed;
  failure.first_bytes = many;
  CHECK(Recording().Sent().Received(1000).Fail(failure) == "head-not-http");
}

TEST_CASE("a refused connect is judged as the app's, at this hop's position") {
  Recording recording;
  recording.Fail(
      Failure(AttemptPhase::kConnect, AttemptEnd::kErrno, ECONNREFUSED));
  const auto& verdict = recording.recorder.JudgeAttempt();
  CHECK(verdict.fault == Fault::kConnectRefusedRst);
  CHECK(verdict.status == 502);
  CHECK(verdict.position == diagnostics::Position::kLb);
  CHECK(verdict.cause[0] == Hop::kApp);
  CHECK(verdict.next_hop.view() == "10.0.0.5:8000");
  CHECK(recording.recorder.verdict() == &verdict);
}

TEST_CASE("the configuration's position and statuses decide the status") {
  Recording recording;
  recording.config.node.position = diagnostics::Position::kCdn;
  recording.config.errors.statuses = diagnostics::Statuses::kEdge;
  recording.Fail(
      Failure(AttemptPhase::kConnect, AttemptEnd::kErrno, ECONNREFUSED));
  CHECK(recording.recorder.JudgeAttempt().status == 521);
}

TEST_CASE("the last of several attempts is the one that is judged") {
  Recording recording;
  recording.Fail(
      Failure(AttemptPhase::kConnect, AttemptEnd::kErrno, ECONNREFUSED));
  Endpoint other(recording.loop,
                 {*Address::Parse("10.0.0.6:80"), "10.0.0.6:80"}, seconds(4));
  recording.recorder.BeginAttempt(other, kStart + milliseconds(5));
  CHECK_FALSE(recording.recorder.attempt().fault.has_value());
  recording.Sent().Fail(Failure(AttemptPhase::kWait, AttemptEnd::kFin));
  CHECK(recording.recorder.attempts().size() == 2);
  CHECK(recording.recorder.attempts()[0].fault == Fault::kConnectRefusedRst);
  CHECK(recording.recorder.attempts()[1].fault == Fault::kRespEmptyFin);
  CHECK(recording.recorder.JudgeAttempt().fault == Fault::kRespEmptyFin);
}

TEST_CASE("a relayed status, a configured one and a decision are judged so") {
  Recording recording;
  const auto& relayed = recording.recorder.JudgeRelayed(404, {}, nullptr);
  CHECK(relayed.fault == Fault::kRelay);
  CHECK(relayed.status == 404);
  CHECK(relayed.id.view() == "relay-404");
  CHECK(recording.recorder.JudgeRespond(503).status == 503);
  const auto& decided =
      recording.recorder.JudgeDecision(Fault::kRouteNone, {}, "no route");
  CHECK(decided.fault == Fault::kRouteNone);
  CHECK(decided.status == 404);
}

TEST_CASE("what the upstream says of blame is judged with the time it took") {
  diagnostics::TestimonyFacts said;
  said.proxy_status = "in; error=http_response_timeout";
  for (const bool at_once : {false, true}) {
    Recording recording;
    recording.config.upstreams[0].believe = true;
    recording.Sent().Received(100, 504);
    recording.recorder.attempt().last_byte =
        kStart + milliseconds(at_once ? 3 : 300);
    const auto& verdict = recording.recorder.JudgeRelayed(504, {}, &said);
    CHECK(verdict.hearing == (at_once ? diagnostics::Hearing::kQuarantined
                                      : diagnostics::Hearing::kBelieved));
    recording.config.upstreams[0].believe = false;
    CHECK(recording.recorder.JudgeRelayed(504, {}, &said).hearing ==
          diagnostics::Hearing::kIgnored);
  }
}

TEST_CASE("a new exchange knows nothing of the last") {
  Recording recording;
  recording.Fail(
      Failure(AttemptPhase::kConnect, AttemptEnd::kErrno, ECONNREFUSED));
  recording.recorder.JudgeAttempt();
  recording.recorder.Begin(kStart + seconds(1));
  CHECK_FALSE(recording.recorder.tried());
  CHECK(recording.recorder.attempts().empty());
  CHECK(recording.recorder.route() == nullptr);
  CHECK(recording.recorder.verdict() == nullptr);
  CHECK(recording.recorder.begun() == kStart + seconds(1));
}

// Whether `retry: {attempts: N}` may be said.
bool MayRetry(unsigned times) {
  ConfigErrors errors;
  const auto config = LoadConfig(
      "listen: [\":80\"]\n"
      "upstreams: {u: {servers: [\"10.0.0.1:80\"], retry: {attempts: " +
          std::to_string(times) + "}}}\nroutes: [{upstream: u}]\n",
      errors);
  return config.has_value();
}

TEST_CASE("as many retries as a configuration may ask for can be recorded") {
  REQUIRE(MayRetry(2));
  Recording recording;
  for (unsigned retries = 1; MayRetry(retries); ++retries) {
    recording.recorder.BeginAttempt(recording.endpoint, kStart);
    CHECK(recording.recorder.attempts().size() == 1 + retries);
  }
}

TEST_CASE("what capacity and probes tell becomes the verdict's") {
  Recording recording;
  diagnostics::DecisionFacts facts;
  facts.servers = facts.ejected = 2;
  facts.last_probe = Fault::kConnectTimeout;
  const auto& down =
      recording.recorder.JudgeCapacity(Fault::kBackendAllDown, facts, false);
  CHECK(down.status == 503);
  CHECK(down.cause.contains(Hop::kTor));
  const auto& unix_down =
      recording.recorder.JudgeCapacity(Fault::kBackendAllDown, facts, true);
  CHECK_FALSE(unix_down.cause.contains(Hop::kTor));
  facts = {};
  facts.in_flight = facts.limit = 8;
  facts.oldest_in_flight = seconds(58);
  facts.in_flight_acked = true;
  const auto& full =
      recording.recorder.JudgeCapacity(Fault::kBackendConnLimit, facts, false);
  CHECK(full.cause.set() == diagnostics::HopSet{Hop::kApp});
}

TEST_CASE("faults of this host are ours, and no server's") {
  for (const Fault fault : {Fault::kConnectEmfile, Fault::kConnectNoLocalPort,
                            Fault::kSelfInternal}) {
    CHECK(IsOurs(fault));
  }
  for (const Fault fault : {Fault::kConnectRefusedRst, Fault::kRespRst,
                            Fault::kConnectTimeout, Fault::kRespTimeoutTtfb}) {
    CHECK_FALSE(IsOurs(fault));
  }
}

}  // namespace
}  // namespace whichhop
