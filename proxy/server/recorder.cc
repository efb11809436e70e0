#include "proxy/server/recorder.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "diagnostics/classify.h"
#include "diagnostics/inferred.h"
#include "diagnostics/mask.h"
#include "proxy/net/way_out.h"
#include "proxy/server/tls_evidence.h"

namespace whichhop {

namespace {

using diagnostics::AttemptFacts;
using diagnostics::Micros;
using diagnostics::Observation;

Micros ToMicros(Duration duration) {
  return std::chrono::duration_cast<Micros>(duration);
}

Micros Between(Time from, Time to) {
  if (from == kNoTime || to == kNoTime || to < from) return Micros{0};
  return ToMicros(to - from);
}

diagnostics::TcpFacts Translate(const TcpFacts& kernel) {
  diagnostics::TcpFacts facts;
  facts.unacked = kernel.unacked;
  facts.sacked = kernel.sacked;
  facts.retransmits = kernel.retransmits;
  facts.total_retrans = kernel.total_retransmits;
  facts.probes = kernel.probes;
  if (!kernel.established) return facts;
  facts.snd_wnd = kernel.send_window;
  facts.last_ack = std::chrono::milliseconds(kernel.last_ack_ms);
  facts.rtt = Micros(kernel.rtt_us);
  facts.min_rtt = Micros(kernel.min_rtt_us);
  return facts;
}

// What the kernel knows of the connection, now that it failed. Of a reused one
// the counters include earlier exchanges, so only those of this moment count.
void AskKernel(const UpstreamConnection& connection, uint64_t raw_before,
               AttemptFacts* facts) {
  const auto kernel = connection.socket().Facts();
  if (!kernel) return;
  facts->tcp = Translate(*kernel);
  facts->unsent = kernel->unsent;
  // A hole that was mended is no news.
  if (kernel->hole)
    facts->tcp->rcv_ooopack = std::max(kernel->out_of_order, 1u);
  if (kernel->established && facts->sent >= kernel->unsent) {
    const uint64_t acked = kernel->bytes_acked - 1;  // the SYN counts
    facts->acked = facts->reused ? facts->sent - kernel->unsent
                   : acked < raw_before
                       ? 0
                       : std::min(facts->sent, acked - raw_before);
  }
}

diagnostics::BodyFraming Translate(Framing framing) {
  if (framing == Framing::kLength) return diagnostics::BodyFraming::kLength;
  if (framing == Framing::kChunked) return diagnostics::BodyFraming::kChunked;
  return diagnostics::BodyFraming::kClose;
}

void AddBody(const BodyReader& body, AttemptFacts* facts) {
  facts->framing = Translate(body.framing());
  facts->body_received = body.received();
  if (body.framing() == Framing::kLength) {
    facts->body_expected = body.expected();
  }
}

void AddTimes(const AttemptRecord& record, AttemptFacts* facts) {
  const Time connected =
      record.connected == kNoTime ? record.ended : record.connected;
  facts->connect =
      record.reused ? Micros{0} : Between(record.connect_begun(), connected);
  facts->waited = Between(record.written, record.ended);
  const Time since = record.last_byte != kNoTime   ? record.last_byte
                     : record.connected != kNoTime ? record.connected
                                                   : record.connect_begun();
  facts->quiet = Between(since, record.ended);
}

}  // namespace

Time AttemptRecord::silent_since() const {
  if (last_byte != kNoTime) return last_byte;
  if (written != kNoTime) return written;
  return connected == kNoTime ? connect_begun() : connected;
}

namespace {

// Whether anybody knows who relayed it.
void AddIdentity(const AttemptRecord& record, AttemptFacts* facts) {
  const TlsClient& client = *record.endpoint->tls();
  diagnostics::TlsFacts& tls = facts->tls.emplace();
  tls.complete = true;
  tls.verify_code = static_cast<uint32_t>(record.verify_code);
  tls.verification = client.verifies() ? diagnostics::Verification::kPassed
                                       : diagnostics::Verification::kOff;
}

}  // namespace

diagnostics::DnsAnswer AnswerOf(DnsOutcome outcome) {
  using diagnostics::DnsAnswer;
  switch (outcome) {
    case DnsOutcome::kAddresses:
      return DnsAnswer::kNone;
    case DnsOutcome::kNxdomain:
      return DnsAnswer::kNxdomain;
    case DnsOutcome::kServfail:
      return DnsAnswer::kServfail;
    case DnsOutcome::kRefused:
      return DnsAnswer::kRefused;
    case DnsOutcome::kNotimp:
      return DnsAnswer::kNotimp;
    case DnsOutcome::kFormerr:
      return DnsAnswer::kFormerr;
    case DnsOutcome::kTcpFailed:
      return DnsAnswer::kTcpFailed;
    case DnsOutcome::kTimeout:
      return DnsAnswer::kTimeout;
    case DnsOutcome::kNodata:
      return DnsAnswer::kNodata;
  }
  return DnsAnswer::kTimeout;
}

diagnostics::AttemptEnd EndOf(int error) {
  using diagnostics::AttemptEnd;
  if (error == EPROTO) return AttemptEnd::kTls;
  const bool reset = error == ECONNRESET || error == EPIPE;
  return reset ? AttemptEnd::kReset : AttemptEnd::kErrno;
}

bool IsOurs(diagnostics::Fault fault) {
  const diagnostics::Suspects& listed = diagnostics::GetFault(fault).at_lb;
  return listed.self && listed.hops.size() == 1;
}

void Recorder::Begin(Time now) {
  begun_ = now;
  route_ = nullptr;
  attempt_count_ = 0;
  if (!std::exchange(unusual_, false)) return;
  failed_.reset();
  verdict_.reset();
  generator_ = diagnostics::Generator::kNone;
  remarks_ = {};
}

void Recorder::TakeRoute(const RouteConfig* route) { route_ = route; }

void Recorder::BeginAttempt(const Endpoint& endpoint, Time now) {
  assert(attempt_count_ < kMaxAttempts);
  AttemptRecord& record = attempts_[attempt_count_++];
  record = {};
  record.endpoint = &endpoint;
  record.begun = now;
}

void Recorder::NoteTls(const TlsLayer& tls) {
  AttemptRecord& record = attempt();
  record.tls = true;
  record.agreed = tls.facts().agreed;
  record.verify_code = tls.facts().verify_code;
  record.raw_before = tls.raw_sent();
}

TlsNeighbours::Server Recorder::NeighbourOf(const AttemptRecord& record) const {
  TlsNeighbours::Server server;
  if (route_ != nullptr)
    server.upstream = config_.upstreams[route_->upstream].name;
  server.address = record.endpoint->text();
  server.min_version = record.endpoint->tls()->options().min_version;
  return server;
}

void Recorder::NoteHandshake(const TlsLayer& tls, Time now) {
  AttemptRecord& record = attempt();
  record.secured = now;
  NoteTls(tls);
  neighbours_.NoteAgreed(NeighbourOf(record), tls, now);
}

// Once a connection is enough, and only those who show certificates are asked
// whether our clock is theirs.
void Recorder::NoteDate(std::string_view date, Time now) {
  const AttemptRecord& record = attempt();
  if (!record.tls || record.reused) return;
  const auto theirs = ParseHttpDate(date);
  if (!theirs) return;
  neighbours_.NoteDate(NeighbourOf(record),
                       *theirs - WallMicroseconds() / 1'000'000, now);
}

// What TLS says of a connection that failed. Of what it carries, the bytes on
// the wire count: those are what the kernel knows of.
void Recorder::AddTls(const UpstreamConnection& connection,
                      AttemptFacts* facts) {
  const TlsLayer* const tls = connection.stream().tls();
  const Endpoint& endpoint = *attempt().endpoint;
  if (tls == nullptr) return;
  tls_ = std::make_unique<const TlsFacts>(tls->facts());
  attempt().tls = true;
  facts->tls = EvidenceOf(*tls_, *endpoint.tls(), endpoint.tls_host());
  if (endpoint.secured() != kNoTime) {
    facts->tls->agreed_before =
        std::chrono::duration_cast<diagnostics::Seconds>(attempt().ended -
                                                         endpoint.secured());
  }
  const TlsNeighbours::Server server = NeighbourOf(attempt());
  neighbours_.NoteRefused(server, *tls_, attempt().ended);
  neighbours_.Add(server, *tls_, attempt().ended, &*facts->tls);
  facts->sent = tls->raw_sent() - attempt().raw_before;
  if (facts->phase != diagnostics::AttemptPhase::kTls) return;
  facts->waited = Between(attempt().connected, attempt().ended);
  facts->received = tls_->bytes_received;
  facts->first_bytes_size = tls_->first_bytes_size;
  std::ranges::copy(tls_->first_bytes, facts->first_bytes.begin());
}

diagnostics::Fault Recorder::Fail(const AttemptFailure& failure,
                                  UpstreamConnection* connection, Time now) {
  AttemptRecord& record = attempt();
  record.ended = now;
  unusual_ = true;
  AttemptFacts& facts = failed_.emplace();
  facts.phase = failure.phase;
  facts.end = failure.end;
  facts.error = failure.error;
  facts.synchronous = failure.synchronous;
  facts.malformed = failure.malformed;
  facts.rule = failure.rule;
  facts.rule_bytes = failure.rule_bytes;
  facts.limit = ToMicros(failure.limit);
  address_text_ = record.AddressText();
  facts.address = address_text_;
  facts.unix_socket = record.endpoint->is_unix();
  facts.by_address = record.endpoint->name() == nullptr;
  usual_server_ = record.endpoint->usual_server().value_or("");
  facts.usual_server = usual_server_;
  facts.dns = failure.dns;
  facts.dns_extended = failure.dns_extended;
  facts.reused = record.reused;
  facts.sent = record.sent;
  facts.received = record.received;
  facts.interim = record.interim;
  facts.status = record.status;
  facts.head_bytes = failure.head_bytes;
  facts.head_forwarded = failure.head_forwarded;
  facts.siblings = failure.siblings;
  AddTimes(record, &facts);
  if (failure.body != nullptr) AddBody(*failure.body, &facts);
  facts.first_bytes_size = static_cast<uint8_t>(
      std::min(failure.first_bytes.size(), facts.first_bytes.size()));
  std::copy_n(failure.first_bytes.data(), facts.first_bytes_size,
              facts.first_bytes.data());
  AddName(record, &facts);
  tls_.reset();
  if (connection != nullptr) {
    AddTls(*connection, &facts);
    facts.idle = ToMicros(connection->idle_before());
    facts.served = connection->exchanges() - 1;
    const bool connecting = facts.phase == diagnostics::AttemptPhase::kConnect;
    // Of a connect that somebody answered it knows nothing more.
    const bool answered =
        connecting && facts.end == diagnostics::AttemptEnd::kErrno;
    if (!answered) AskKernel(*connection, record.raw_before, &facts);
    if (connecting) AddIcmp(*connection, &facts);
  }
  record.fault = diagnostics::Classify(facts);
  if (connection != nullptr && !facts.unix_socket &&
      diagnostics::IsSilence(*record.fault)) {
    facts.route_error = RouteRefusal(connection->address());
  }
  return *record.fault;
}

// What is known of the server and of its name.
void Recorder::AddName(const AttemptRecord& record, AttemptFacts* facts) {
  const Endpoint& endpoint = *record.endpoint;
  const Duration least =
      endpoint.min_handshake(record.address.value_or(Address()));
  if (least != Duration::max()) facts->peer_min_rtt = ToMicros(least);
  if (endpoint.name() == nullptr) return;
  const Time moved = endpoint.moved_to(record.address.value_or(Address()));
  if (moved != kNoTime) {
    facts->moved =
        std::chrono::duration_cast<diagnostics::Seconds>(record.ended - moved);
  }
  const Time resolved = endpoint.name()->last_resolved();
  if (resolved == kNoTime) return;
  facts->resolved_before =
      std::chrono::duration_cast<diagnostics::Seconds>(record.ended - resolved);
}

// Whose ICMP error failed the connect, or stands in its way.
void Recorder::AddIcmp(UpstreamConnection& connection, AttemptFacts* facts) {
  if (facts->tcp) facts->syns = facts->tcp->total_retrans + 1;
  const auto icmp = connection.TakeIcmpError();
  if (!icmp) return;
  diagnostics::IcmpFacts& seen = facts->icmp.emplace();
  seen.type = icmp->type;
  seen.code = icmp->code;
  seen.v6 = icmp->v6;
  offender_ = icmp->offender;
  offender_text_ = offender_.Host();
  seen.address = offender_text_;
  const std::string_view offender = icmp->offender.IpBytes();
  const Address ours = connection.socket().LocalAddress();
  if (offender == connection.address().IpBytes()) {
    seen.offender = diagnostics::Offender::kTarget;
  } else if (offender == ours.IpBytes()) {
    seen.offender = diagnostics::Offender::kOurselves;
    facts->on_link = IsOnLink(connection.address());
  } else if (const auto hop = HopAt(config_.topology, icmp->offender)) {
    seen.offender = diagnostics::Offender::kHop;
    seen.hop = *hop;
  }
}

Observation Recorder::Frame() {
  Observation seen;
  seen.position = config_.node.position;
  seen.statuses = config_.errors.statuses;
  if (route_ != nullptr && route_->respond == 0) {
    seen.is = config_.upstreams[route_->upstream].is;
    seen.believe = config_.upstreams[route_->upstream].believe;
  }
  if (attempt_count_ > 0) {
    const AttemptRecord& last = attempts_[attempt_count_ - 1];
    address_text_ = last.AddressText();
    seen.address = address_text_;
    seen.protocol = last.agreed.alpn;
  }
  return seen;
}

const diagnostics::Verdict& Recorder::Judge(const Observation& seen) {
  // Made in its place: it is too large to be made elsewhere and moved.
  struct Made {
    operator diagnostics::Verdict() const {
      return diagnostics::Diagnose(seen);
    }
    const Observation& seen;
  };
  unusual_ = true;
  diagnostics::Verdict& verdict = verdict_.emplace(Made{seen});
  diagnostics::SendThrough(config_.errors.cdn, verdict);
  return verdict;
}

const diagnostics::Verdict& Recorder::JudgeAttempt() {
  assert(failed_);
  Observation seen = Frame();
  seen.kind = diagnostics::Kind::kAttempt;
  seen.attempt = *failed_;
  seen.attempt.address = seen.address;  // Frame has written its text anew
  return Judge(seen);
}

const diagnostics::Verdict& Recorder::JudgeRelayed(
    uint16_t status, const diagnostics::WriterFacts& writer,
    const diagnostics::TestimonyFacts* testimony) {
  Observation seen = Frame();
  seen.kind = diagnostics::Kind::kRelayed;
  seen.status = status;
  seen.writer = writer;
  if (testimony != nullptr) {
    seen.testimony = *testimony;
    seen.testimony->elapsed = Between(attempt().begun, attempt().last_byte);
  }
  if (attempt().tls) AddIdentity(attempt(), &seen.attempt);
  if (writer.score >= diagnostics::kNamed) generator_ = writer.generator;
  remarks_ = diagnostics::Remarks(seen);
  return Judge(seen);
}

std::unique_ptr<const diagnostics::Verdict> Recorder::Mask(uint16_t claimed) {
  assert(verdict_);
  if (verdict_->status != claimed) diagnostics::Mask(claimed, *verdict_);
  return std::make_unique<const diagnostics::Verdict>(
      diagnostics::MaskedStory(Frame(), claimed));
}

const diagnostics::Verdict& Recorder::JudgeRespond(uint16_t status) {
  Observation seen = Frame();
  seen.kind = diagnostics::Kind::kRespond;
  seen.status = status;
  return Judge(seen);
}

const diagnostics::Verdict& Recorder::JudgeDecision(
    diagnostics::Fault fault, const diagnostics::RequestFacts& request,
    std::string_view detail) {
  Observation seen = Frame();
  seen.kind = diagnostics::Kind::kDecision;
  seen.fault = fault;
  seen.request = request;
  seen.decision.detail = detail;
  if (fault == diagnostics::Fault::kLoopDetected) {
    const auto& servers = config_.upstreams[route_->upstream].servers;
    seen.decision.by_address = std::ranges::all_of(
        servers,
        [](const ServerConfig& server) { return server.host.empty(); });
  }
  return Judge(seen);
}

const diagnostics::Verdict& Recorder::JudgeCapacity(
    diagnostics::Fault fault, const diagnostics::DecisionFacts& facts,
    bool unix_sockets) {
  Observation seen = Frame();
  seen.kind = diagnostics::Kind::kDecision;
  seen.fault = fault;
  seen.decision = facts;
  seen.attempt.unix_socket = unix_sockets;
  return Judge(seen);
}

}  // namespace whichhop
