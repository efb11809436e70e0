// The attempts of an exchange: connecting, writing the request, and reading
// up to the head of the final response.

#include <algorithm>
#include <cerrno>
#include <utility>

#include "proxy/server/exchange.h"
#include "proxy/server/generation.h"
#include "proxy/server/request_writer.h"
#include "proxy/server/witnesses.h"
#include "proxy/server/worker.h"

namespace whichhop {

using diagnostics::AttemptEnd;
using diagnostics::AttemptPhase;
using diagnostics::DnsAnswer;
using diagnostics::Fault;
using diagnostics::Malformed;

namespace {

// 1xx heads before the final one: 103 and 102 are few.
constexpr uint32_t kMaxInterim = 1000;

}  // namespace

// Not in the middle of a turn: the same turn may have brought what idle
// connections said of themselves, a FIN or bytes that nobody asked for. They
// are heard first, and at no cost: else the request could meet an end that was
// here already, or take another's bytes for its answer.
void Exchange::StartAttempt() {
  response_phase_ = ResponsePhase::kStarting;
  worker_.CallAtTurnEnd(*this);
}

void Exchange::OnTurnEnd() { Attempt(fresh_); }

void Exchange::Attempt(bool fresh) {
  if (!Admit(fresh)) return;
  ended_ = {};  // that of an attempt before
  Endpoint& endpoint = lease_.endpoint();
  recorder_.BeginAttempt(endpoint, worker_.loop().now());
  response_parser_.Reset(request_->line.method);
  response_phase_ = ResponsePhase::kConnecting;
  up_queue_.Clear();
  write_error_ = 0;
  if (!fresh) connection_ = endpoint.TakeIdle(*this);
  if (connection_ != nullptr) {
    RemovePending();
    recorder_.attempt().reused = true;
    const TlsLayer* const tls = connection_->stream().tls();
    if (tls != nullptr) recorder_.NoteTls(*tls);
    NoteAddress();
    return WriteRequest();
  }
  if (!AddPending()) return;
  if (!endpoint.resolved()) return Resolve(endpoint);
  Connect(endpoint);
}

// A lookup that has failed just now is not repeated for each request.
void Exchange::Resolve(Endpoint& endpoint) {
  response_phase_ = ResponsePhase::kResolving;
  resolved_for_ = &endpoint;
  if (endpoint.name()->failed()) return OnResolved();
  endpoint.name()->Await(name_wait_, *this);
}

void Exchange::OnResolved() {
  Endpoint& endpoint = *resolved_for_;
  recorder_.attempt().resolved = worker_.loop().now();
  if (endpoint.resolved()) return Connect(endpoint);
  AttemptFailure failure = Failure(AttemptEnd::kDns);
  failure.dns = AnswerOf(endpoint.name()->outcome());
  failure.dns_extended = endpoint.name()->extended_error();
  failure.limit = config().timeouts.dns;
  FailAttempt(failure);
}

void Exchange::Connect(Endpoint& endpoint) {
  response_phase_ = ResponsePhase::kConnecting;
  AttemptFailure failure;
  connection_ = UpstreamConnection::Connect(worker_.loop(), endpoint, *this,
                                            &failure.error);
  if (connection_ != nullptr) {
    NoteAddress();
    if (connection_->connect_failed()) return OnConnected();
    return WaitUpstream(config().timeouts.connect);
  }
  failure.end = AttemptEnd::kErrno;
  failure.synchronous = true;
  FailAttempt(failure);
}

// Of several of a name: the one that this attempt goes to.
void Exchange::NoteAddress() {
  if (connection_->endpoint().name() == nullptr) return;
  recorder_.attempt().address = connection_->address();
}

// False: too many wait for a connection already, and this one is shed.
bool Exchange::AddPending() {
  if (!pending_) pending_ = worker_.AddPending();
  if (pending_) return true;
  ended_ = {'P', 'C'};
  recorder_.ForgetAttempt();
  DropConnection();
  Reply(Fault::kAcceptOverload, {}, "limits.pending is reached");
  return false;
}

void Exchange::RemovePending() {
  if (pending_) worker_.RemovePending();
  pending_ = false;
}

void Exchange::WriteRequest() {
  response_phase_ = ResponsePhase::kHead;
  if (!request_out_.held()) ComposeRequest();
  up_queue_.Add(request_out_.view());
  if (buffered_) {
    QueueBufferedBody();  // what there may be of it yet follows
  } else if (request_phase_ == RequestPhase::kBody && body_at_ < in_.size()) {
    QueueRequestBody();
    if (request_body_.failed()) return RefuseBody();
  }
  PumpRequest();
}

void Exchange::ComposeRequest() {
  const Passage& passage = generation_.passage();
  const ForwardedBy by{
      passage.via,
      session_->client_host(),
      peer_trusted_,
      session_->tls() == nullptr ? "http" : "https",
      made_request_ ? made_request_id_.text() : std::string_view(),
      upgrade_,
      passage.cdn_loop};
  request_out_.Acquire(worker_.buffers());
  WriteRequestHead(*request_, in_.data(), by, worker_.buffers(), &request_out_);
  request_writer_.Start(request_->framing == Framing::kChunked);
}

// Writes what there is of the request, and reads more of it when that is gone.
void Exchange::PumpRequest() {
  const uint64_t limit = config().limits.request_body;
  while (write_error_ == 0) {
    if (UpstreamPending() && !FlushUpstream()) return;
    if (request_phase_ == RequestPhase::kDone) break;
    if (body_at_ < in_.size()) {
      QueueRequestBody();
      if (request_body_.failed() || request_body_.received() > limit) {
        return RefuseBody();
      }
    } else if (!ReceiveRequestBody()) {
      return;
    }
  }
  if (waiting_ == Waiting::kBody) StopWaiting();
  recorder_.attempt().written = worker_.loop().now();
  if (response_phase_ != ResponsePhase::kHead) return;
  lease_.OnAsked(connection_->socket());
  WaitUpstream(config().timeouts.response_head);
  // An answer that came before the request was complete waits for us.
  if (up_readable_ || !up_in_.empty()) ReadResponse();
}

// True: nothing is left to write.
bool Exchange::FlushUpstream() {
  const IoResult sent = Send(up_queue_, up_pipe_, connection_->stream());
  recorder_.attempt().sent += sent.bytes;
  if (sent.kind == IoResult::Kind::kBytes) return true;
  if (sent.kind == IoResult::Kind::kAgain) {
    // Our own reads are paused: the client is not slow.
    if (waiting_ == Waiting::kBody) StopWaiting();
    if (response_phase_ != ResponsePhase::kHead) return false;
    WaitUpstream(config().timeouts.response_head);
    return false;
  }
  // The answer may lie in the receive queue: it is read before any verdict.
  write_error_ = sent.error;
  up_queue_.Clear();
  up_pipe_.Clear();
  OnUpstreamReadable();
  return false;
}

void Exchange::OnConnected() {
  AttemptFailure failure;
  failure.error = connection_->TakeConnectError();
  failure.end = EndOf(failure.error);
  NoteAddress();
  // A SYN is refused, not reset: the handshake was complete before.
  const bool reset = failure.end == AttemptEnd::kReset;
  if (reset) failure.phase = AttemptPhase::kRequest;
  if (failure.error != 0) return FailAttempt(failure);
  connection_->MarkConnected();
  NoteGoodTimes(generation_, worker_.crew().walks(), connection_->address(),
                connection_->memory(), worker_.loop().now());
  recorder_.attempt().connected = worker_.loop().now();
  StopWaitingUpstream();
  if (connection_->endpoint().tls() != nullptr) {
    response_phase_ = ResponsePhase::kSecuring;
    WaitUpstream(config().timeouts.tls);
  }
  Secure();
}

// The handshake of TLS, if the server wants one; then the request.
void Exchange::Secure() {
  switch (connection_->Secure(worker_.buffers())) {
    case TlsLayer::Step::kAgain:
      return;
    case TlsLayer::Step::kFailed:
      return OnUpstreamEnd(connection_->secure_end());
    case TlsLayer::Step::kDone:
      break;
  }
  RemovePending();
  if (const TlsLayer* const tls = connection_->stream().tls()) {
    recorder_.NoteHandshake(*tls, worker_.loop().now());
    connection_->endpoint().SawSecured();
    StopWaitingUpstream();
    up_readable_ = tls->may_have_more();
  }
  WriteRequest();
}

void Exchange::OnUpstreamWritable() {
  if (response_phase_ == ResponsePhase::kConnecting) return OnConnected();
  if (response_phase_ == ResponsePhase::kSecuring) return Secure();
  if (tunnel_ != nullptr) return PumpTunnel();
  if (UpstreamPending()) PumpRequest();
}

void Exchange::OnUpstreamReadable() {
  up_readable_ = true;
  switch (response_phase_) {
    case ResponsePhase::kNone:
    case ResponsePhase::kStarting:
    case ResponsePhase::kQueued:
    case ResponsePhase::kResolving:
    case ResponsePhase::kConnecting:  // how it ended, OnUpstreamWritable finds
    case ResponsePhase::kReply:
    case ResponsePhase::kDone:
      return;
    case ResponsePhase::kSecuring:
      return Secure();
    case ResponsePhase::kHead:
      return ReadResponse();
    case ResponsePhase::kPeek:
      return ReadPage();
    case ResponsePhase::kBody:
      if (!DownstreamPending()) PumpResponse();
      return;
    case ResponsePhase::kTunnel:
      tunnel_->down().MarkReadable();
      return PumpTunnel();
  }
}

// Of a wait's limit.
Duration Exchange::ProbeTime(Duration limit) const {
  if (response_phase_ != ResponsePhase::kConnecting) {
    return std::min(limit / 2, kProbeTime);
  }
  for (const Duration time : kSiblingTimes) {
    if (limit > time) return time;
  }
  return {};
}

// For at most `limit`. Its last part tells a slow server from a dead path: the
// probes of the kernel are answered by the one and not by the other. Of a
// connect it tells a full queue from a dead path: other connections answer.
void Exchange::WaitUpstream(Duration limit) {
  StopWaitingUpstream();
  upstream_limit_ = limit;
  probe_time_ = connection_ == nullptr ? Duration{} : ProbeTime(limit);
  upstream_timer_.Arm(worker_.loop().wheel(), limit - probe_time_, *this);
}

void Exchange::StopWaitingUpstream() {
  upstream_timer_.Disarm();
  const Probing probed = std::exchange(probing_, Probing::kNobody);
  if (connection_ == nullptr || probed == Probing::kNobody) return;
  if (probed == Probing::kPeer) return connection_->StopProbing();
  connection_->endpoint().EndSiblingProbes();
}

void Exchange::Probe() {
  if (response_phase_ == ResponsePhase::kConnecting) {
    probing_ = Probing::kSiblings;
    connection_->endpoint().BeginSiblingProbes();
  } else {
    probing_ = Probing::kPeer;
    connection_->StartProbing();
  }
  upstream_timer_.Arm(worker_.loop().wheel(), probe_time_, *this);
}

void Exchange::OnTimer(Timer&) {
  if (tunnel_ != nullptr) return OnTunnelIdle();
  if (page_wait_ == PageWait::kRunning) return OnPageLate();
  if (response_phase_ == ResponsePhase::kQueued) {
    return RefuseFull(Fault::kBackendQueueTimeout, {'s', 'Q'});
  }
  const bool probed = probing_ != Probing::kNobody;
  if (probe_time_ > Duration{} && !probed) return Probe();
  AttemptFailure failure = Failure(AttemptEnd::kTimeout);
  if (probing_ == Probing::kSiblings) {
    const Endpoint::Flows flows =
        connection_->endpoint().AskFlows(connection_->address(), probe_time_);
    failure.siblings.flows_acking = flows.acking;
    failure.siblings.flows_silent = flows.silent;
  }
  failure.limit = upstream_limit_;
  FailAttempt(failure);
}

// Takes what the upstream sent into `up_in_`. A short read does not say that
// the socket is empty: a RST may have come with the bytes, and without an edge
// of its own. Whoever has the whole response does not ask; whoever waits for
// more reads until it would block.
IoResult Exchange::ReceiveUpstream() {
  const size_t space = up_in_.space_size();
  const IoResult got = connection_->stream().Receive(up_in_.space(), space);
  NoteReceived(got);
  if (got.kind == IoResult::Kind::kBytes) up_in_.Append(got.bytes);
  up_read_short_ = got.emptied;
  return got;
}

void Exchange::NoteReceived(const IoResult& got) {
  if (got.kind != IoResult::Kind::kBytes) {
    up_readable_ = false;
    return;
  }
  AttemptRecord& attempt = recorder_.attempt();
  attempt.received += got.bytes;
  attempt.last_byte = worker_.loop().now();
  if (attempt.first_byte == kNoTime) attempt.first_byte = attempt.last_byte;
}

void Exchange::ReadResponse() {
  up_in_.Acquire(worker_.buffers());
  // An interim response that the client has not taken yet comes first.
  while (response_phase_ == ResponsePhase::kHead && !DownstreamPending()) {
    if (!up_in_.empty()) {
      switch (response_parser_.Parse(up_in_.data(), up_in_.size())) {
        case ParseStatus::kDone:
          if (!OnResponseHead()) return;
          continue;
        case ParseStatus::kError:
          return OnResponseRefused(response_parser_.error());
        case ParseStatus::kNeedMore:
          break;
      }
    }
    if (!up_readable_) return;
    if (up_in_.space_size() == 0) {
      up_in_.Grow(worker_.buffers(),
                  std::max(config().limits.header_bytes, kBlockBytes));
    }
    const IoResult got = ReceiveUpstream();
    if (got.kind == IoResult::Kind::kAgain && write_error_ == 0) return;
    if (got.kind != IoResult::Kind::kBytes) return OnUpstreamEnd(got);
  }
}

// True: it was an interim one, and the next may be here.
bool Exchange::OnResponseHead() {
  const ResponseHead& head = response_parser_.head();
  const uint16_t status = head.line.status;
  if (status == 101) {
    OnSwitch();
    return false;
  }
  if (status < 200) {
    if (ForwardInterim()) return true;
    AttemptFailure failure = Failure(AttemptEnd::kMalformed);
    failure.malformed = Malformed::kInterimFlood;
    FailAttempt(failure);
    return false;
  }
  OnFinalHead();
  return false;
}

void Exchange::OnFinalHead() {
  const ResponseHead& head = response_parser_.head();
  recorder_.attempt().status = head.line.status;
  if (const Field* const date = head.fields.First(FieldId::kDate)) {
    recorder_.NoteDate(ValueOf(up_in_.data(), *date), worker_.loop().now());
  }
  lease_.OnAnswered();
  StopWaitingUpstream();
  // The server gave up on the connection as we took it: not our client's 408.
  if (head.line.status == 408 && recorder_.attempt().reused &&
      MayRetry(Fault::kStaleKeepaliveRace)) {
    DropConnection();
    up_in_.Clear();
    return Attempt(true);
  }
  response_body_.Start(head.framing, head.content_length);
  if (head.line.status >= 400) return PeekBody();
  if (!recorder_.attempt().reused) NoteServer();
  if (head.line.status < 300 && request_->fields.Has(FieldId::kAuthorization)) {
    worker_.mask_signs().NoteAnswered(Url(), worker_.loop().now());
  }
  BeginResponse(BodyOf::kUpstream);
}

// Once a connection: what usually answers there hardly changes within one.
void Exchange::NoteServer() {
  const Field* const server =
      response_parser_.head().fields.First(FieldId::kServer);
  lease_.endpoint().SawServer(
      server == nullptr ? std::string_view() : ValueOf(up_in_.data(), *server));
}

// False: there were too many.
bool Exchange::ForwardInterim() {
  if (++recorder_.attempt().interim > kMaxInterim) return false;
  // HTTP/1.0 knows none (RFC 9110, section 15.2). Where something is masked,
  // hints of what is to come are signs.
  const bool sign = !recorder_.route()->masks.empty() &&
                    response_parser_.head().line.status != 100;
  if (request_->line.minor_version > 0 && !sign) {
    response_out_.Acquire(worker_.buffers());
    response_out_.Clear();
    WriteInterimHead(response_parser_.head(), up_in_.data(), worker_.buffers(),
                     &response_out_);
    down_queue_.Add(response_out_.view());
  }
  up_in_.Consume(response_parser_.head_bytes());
  response_parser_.Reset(request_->line.method);
  if (!down_queue_.empty()) FlushDownstream();
  return true;  // ReadResponse looks whether the exchange goes on
}

// The lease is the last to go: whoever waits for it finds what is left.
void Exchange::DropConnection() {
  name_wait_.Cancel();
  slot_wait_.End();
  RemovePending();
  if (connection_ != nullptr) {
    StopWaitingUpstream();
    lease_.OnAnswered();  // or it is the end of waiting for one
    connection_->Close();
    worker_.loop().Retire(std::move(connection_));
  }
  lease_.GiveBack();
}

// Back to the pool, if nothing can be left on it from this exchange.
void Exchange::KeepOrDropConnection() {
  StopWaitingUpstream();
  NoteSuccess();
  bool clean = response_parser_.head().keep_alive && up_in_.empty() &&
               !UpstreamPending() && write_error_ == 0 &&
               request_phase_ == RequestPhase::kDone;
  // A read that took no more than the body does not tell whether that is all,
  // and for what is here already there will be no edge.
  if (clean && up_readable_ && !up_read_short_) {
    clean = connection_->stream().Peek().kind == IoResult::Kind::kAgain;
  }
  if (!clean) return DropConnection();
  Endpoint& endpoint = connection_->endpoint();
  endpoint.PutIdle(std::move(connection_));
  lease_.GiveBack();
}

}  // namespace whichhop
