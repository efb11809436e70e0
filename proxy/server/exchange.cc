#include "proxy/server/exchange.h"

#include "proxy/http/upgrade.h"
#include "proxy/server/generation.h"
#include "proxy/server/instance.h"
#include "proxy/server/loops_seen.h"
#include "proxy/server/request_facts.h"
#include "proxy/server/request_writer.h"
#include "proxy/server/router.h"
#include "proxy/server/worker.h"

namespace whichhop {

using diagnostics::Fault;

Exchange::Exchange(Worker& worker, Generation& generation)
    : worker_(worker),
      generation_(generation),
      request_parser_(config().limits.head()),
      request_body_(TrailerMode::kRefuse, config().limits.head()),
      up_pipe_(worker.pipes()),
      response_parser_(config().limits.head()),
      response_body_(TrailerMode::kDrop, config().limits.head()),
      down_pipe_(worker.pipes()),
      recorder_(config(), worker.tls_neighbours()) {}

const Config& Exchange::config() const { return generation_.config(); }

Exchange::~Exchange() { assert(session_ == nullptr && connection_ == nullptr); }

void Exchange::Begin(Session& session, std::string_view received) {
  session_ = &session;
  in_.Acquire(worker_.buffers());
  std::ranges::copy(received, in_.space());
  in_.Append(received.size());
  Reset();
  NoteReadable();
}

// What the last read left behind, or left not, counts no more.
void Exchange::NoteReadable() {
  input_pending_ = true;
  read_short_ = false;
}

void Exchange::Reset() {
  request_parser_.Reset();
  request_ = nullptr;
  const Ip& peer = session_->client();
  const bool known = session_->client_known();
  peer_trusted_ = known && IsTrusted(peer, config().trusted_proxies);
  client_ = {peer, known && !peer_trusted_};
  client_host_.clear();
  body_at_ = 0;
  request_phase_ = RequestPhase::kHead;
  waiting_ = Waiting::kNothing;
  client_probing_ = false;
  request_out_.Release(worker_.buffers());
  ForgetBufferedBody();
  fresh_ = false;
  ForgetPageRoom();
  if (long_page_) ForgetLongPage();
  up_in_.Clear();
  up_queue_.Clear();
  up_pipe_.Clear();
  splice_up_ = false;
  request_body_moved_ = false;
  stale_retried_ = false;
  write_error_ = 0;
  up_readable_ = false;
  response_phase_ = ResponsePhase::kNone;
  page_wait_ = PageWait::kOver;
  held_end_.reset();
  down_queue_.Clear();
  down_pipe_.Clear();
  splice_down_ = false;
  head_forwarded_ = false;
  close_after_ = false;
  upstream_body_.clear();
  claims_.Clear();
  story_.reset();
  made_request_ = false;
  error_id_ = {};
  status_ = 0;
  bytes_in_ = 0;
  bytes_out_ = 0;
  ended_ = {};
  recorder_.Begin(worker_.loop().now());
}

bool Exchange::BeginNext() {
  in_.Consume(body_at_);
  in_.Compact();
  if (in_.empty() && !input_pending_) return false;
  Reset();
  ReadHead();
  return true;
}

void Exchange::End() {
  tunnel_.reset();
  up_pipe_.Clear();
  down_pipe_.Clear();
  DropConnection();
  StopWaitingUpstream();
  in_.Release(worker_.buffers());
  request_out_.Release(worker_.buffers());
  // Last what is first taken again: the next answer is received into what the
  // processor's caches hold of this one.
  response_out_.Release(worker_.buffers());
  ForgetPageRoom();
  if (long_page_) ForgetLongPage();
  up_in_.Release(worker_.buffers());
  ForgetBufferedBody();
  body_ = std::string();
  session_ = nullptr;
}

void Exchange::MakeErrorId() {
  error_id_ = Ulid(WallMicroseconds() / 1000, worker_.rng().Next(),
                   worker_.rng().Next());
}

size_t Exchange::header_limit() const { return config().limits.header_bytes; }

std::string_view Exchange::request_id() const {
  if (request_ == nullptr) return {};
  if (made_request_) return made_request_id_.text();
  const Field* given = request_->fields.First(FieldId::kXRequestId);
  return given == nullptr ? std::string_view()
                          : ValueOf(request_data(), *given);
}

// A client that is waited for in vain is probed at last: who is merely slow
// answers, and who is cut off does not.
void Exchange::WaitDownstream(Waiting what, Duration limit) {
  StopProbingClient();
  waiting_ = what;
  client_probe_time_ =
      what == Waiting::kWrite ? Duration{} : std::min(limit / 2, kProbeTime);
  session_->ArmTimer(limit - client_probe_time_);
}

void Exchange::StopProbingClient() {
  if (std::exchange(client_probing_, false)) session_->socket().StopProbing();
}

void Exchange::StopWaiting() {
  if (waiting_ == Waiting::kNothing) return;
  waiting_ = Waiting::kNothing;
  session_->DisarmTimer();
  StopProbingClient();
}

void Exchange::OnDownstreamReadable() {
  NoteReadable();
  if (request_phase_ == RequestPhase::kHead) return ReadHead();
  if (tunnel_ != nullptr) {
    tunnel_->up().MarkReadable();
    return PumpTunnel();
  }
  if (buffering_) return BufferRequest();
  // The answer may have begun already: both directions go on.
  const bool wants_body = request_phase_ == RequestPhase::kBody &&
                          connection_ != nullptr &&
                          response_phase_ != ResponsePhase::kConnecting &&
                          response_phase_ != ResponsePhase::kSecuring &&
                          !UpstreamPending() && write_error_ == 0;
  if (wants_body) return PumpRequest();
  ProbeClient();
}

void Exchange::OnDownstreamWritable() {
  if (tunnel_ != nullptr) return PumpTunnel();
  if (!DownstreamPending()) return;
  switch (response_phase_) {
    case ResponsePhase::kNone:  // a 100 (Continue) of ours was blocked
      if (FlushDownstream()) BufferRequest();
      return;
    case ResponsePhase::kStarting:
    case ResponsePhase::kQueued:
    case ResponsePhase::kResolving:
    case ResponsePhase::kConnecting:
    case ResponsePhase::kSecuring:
    case ResponsePhase::kPeek:
    case ResponsePhase::kTunnel:
    case ResponsePhase::kDone:
      return;
    case ResponsePhase::kHead:  // an interim response was blocked
      if (FlushDownstream()) ReadResponse();
      return;
    case ResponsePhase::kBody:
      return PumpResponse();
    case ResponsePhase::kReply:
      return PumpReply();
  }
}

void Exchange::OnDownstreamTimeout() {
  const bool probe = client_probe_time_ > Duration{} && !client_probing_;
  if (waiting_ != Waiting::kNothing && probe) {
    client_probing_ = true;
    session_->socket().StartProbing();
    return session_->ArmTimer(client_probe_time_);
  }
  const Waiting waited = waiting_;
  waiting_ = Waiting::kNothing;
  switch (waited) {
    case Waiting::kNothing:
      return;
    case Waiting::kHead:
      if (!request_parser_.started()) return Finish(Session::After::kClose);
      ended_ = {'c', 'R'};
      bytes_in_ = in_.size();
      return Reply(Fault::kReqHeadTimeout, HeadFacts(*this, in_.size()), {});
    case Waiting::kBody:
      ended_ = {'c', 'R'};
      return RefuseBody(Fault::kReqbodyTimeout,
                        BodyFacts(*this, request_body_));
    case Waiting::kWrite:
      return OnClientGone(Fault::kClientSlowReader, {'c', 'D'});
  }
}

void Exchange::Cut() {
  if (!request_parser_.started()) return Finish(Session::After::kAbort);
  const char phase = PhaseLetter();
  if (phase == 'D') return OnClientGone(Fault::kDrainDeadline, {'P', phase});
  ended_ = {'P', phase};
  DropConnection();
  Reply(Fault::kDrainDeadline, {}, "the drain's deadline");
}

// Takes what the client sent into `in_`. False: it sent no more, and the
// exchange may be over.
bool Exchange::Receive() {
  const size_t space = in_.space_size();
  const IoResult got = session_->stream().Receive(in_.space(), space);
  if (got.kind == IoResult::Kind::kAgain) {
    input_pending_ = false;
    return true;
  }
  if (got.kind != IoResult::Kind::kBytes) {
    input_pending_ = false;
    OnDownstreamEnd();
    return false;
  }
  in_.Append(got.bytes);
  read_short_ = got.emptied;
  return true;
}

// The request is here whole. A short read has emptied the socket, so there is
// nothing to ask it for; unless the client's FIN came with the bytes: there
// will be no further edge for it.
void Exchange::OnRequestComplete() {
  request_phase_ = RequestPhase::kDone;
  if (read_short_ && !session_->peer_ended()) input_pending_ = false;
}

void Exchange::OnDownstreamEnd() {
  if (request_phase_ == RequestPhase::kHead) {
    // A connection that ends between requests ended well.
    if (!request_parser_.started()) return Finish(Session::After::kClose);
    ended_ = {'C', 'R'};
    bytes_in_ = in_.size();
    recorder_.JudgeDecision(Fault::kReqbodyTruncated,
                            HeadFacts(*this, in_.size()), {});
    return Finish(Session::After::kClose);
  }
  OnClientGone(Fault::kReqbodyTruncated, {'C', 'R'});
}

void Exchange::ReadHead() {
  for (;;) {
    if (!in_.empty()) {
      switch (request_parser_.Parse(in_.data(), in_.size())) {
        case ParseStatus::kDone:
          return StartRequest();
        case ParseStatus::kError:
          return RefuseHead(request_parser_.error());
        case ParseStatus::kNeedMore:
          break;
      }
    }
    if (!input_pending_) return AwaitHead();
    if (in_.space_size() == 0) {
      in_.Grow(worker_.buffers(), config().limits.header_bytes);
    }
    if (!Receive()) return;
  }
}

void Exchange::AwaitHead() {
  if (in_.empty()) return Finish(Session::After::kKeepAlive);
  if (waiting_ == Waiting::kHead) return;  // total, from the first byte
  WaitDownstream(Waiting::kHead, config().timeouts.request_head);
}

void Exchange::RefuseHead(const ParseError& error) {
  StopWaiting();
  body_at_ = in_.size();
  bytes_in_ = in_.size();
  ended_ = {'P', 'R'};
  Reply(FaultOf(error), RefusalFacts(*this, error, request_parser_, in_),
        RuleSentence(error.rule));
}

// A peer that is trusted may speak for somebody else.
void Exchange::IdentifyClient() {
  if (!peer_trusted_) return;
  client_ = FindClient(request_->fields, in_.data(), session_->client(),
                       config().trusted_proxies);
  client_.ip.AppendTo(client_host_);
}

void Exchange::StartRequest() {
  StopWaiting();
  request_ = &request_parser_.head();
  IdentifyClient();
  body_at_ = request_parser_.head_bytes();
  bytes_in_ = body_at_;
  request_body_.Start(request_->framing, request_->content_length);
  splice_up_ = request_body_.left() >= kSpliceFrom &&
               session_->stream().tls() == nullptr;
  request_phase_ = RequestPhase::kBody;
  if (request_body_.done()) OnRequestComplete();
  const Field* id = request_->fields.First(FieldId::kXRequestId);
  made_request_ = id == nullptr ||
                  request_->fields.Repeated(FieldId::kXRequestId) ||
                  !IsRequestId(ValueOf(in_.data(), *id));
  if (made_request_) {
    made_request_id_ = Ulid(WallMicroseconds() / 1000, worker_.rng().Next(),
                            worker_.rng().Next());
  }
  upgrade_ = request_->upgrade && NamesProtocol(in_.data(), request_->fields);
  if (RefuseByPolicy()) return;
  recorder_.TakeRoute(FindRoute(config(), *request_, in_.data()));
  if (recorder_.route() == nullptr) {
    ended_ = {'P', 'R'};
    return Reply(Fault::kRouteNone, {}, "no route matches host and path");
  }
  if (recorder_.route()->respond != 0) {
    return Respond(static_cast<uint16_t>(recorder_.route()->respond));
  }
  const std::string_view loop =
      LoopField(*request_, in_.data(), config().node.name, InstanceId());
  if (!loop.empty()) {
    NoteLoop(request_id(), worker_.loop().now());
    ended_ = {'P', 'R'};
    return Reply(Fault::kLoopDetected, {}, loop);
  }
  upstream().EarnRetry();
  if (WantsBuffer()) return BeginBuffering();
  StartAttempt();
}

// Requests that no route is asked about.
bool Exchange::RefuseByPolicy() {
  const Method method = request_->line.method;
  const uint64_t limit = config().limits.request_body;
  std::optional<Fault> fault;
  // A tunnel would be cut before long.
  if (worker_.refuses_requests() || (upgrade_ && worker_.draining())) {
    fault = Fault::kDrainNewRequest;
  } else if (session_->tls() != nullptr && (fault = RefusedByTls())) {
  } else if (method == Method::kConnect || method == Method::kTrace) {
    fault = Fault::kReqMethod;
  } else if (request_->expect == Expect::kUnknown) {
    fault = Fault::kReqExpect;
  } else if (request_->framing == Framing::kLength &&
             request_->content_length > limit) {
    fault = Fault::kReqbodyTooLarge;
  }
  if (!fault) return false;
  ended_ = {'P', 'R'};
  Reply(*fault, BodyFacts(*this, request_body_), {});
  return true;
}

// Who may come in by TLS, and whom it may ask for here.
std::optional<Fault> Exchange::RefusedByTls() {
  const TlsServer& tls = *session_->tls();
  const TlsLayer& connection = *session_->stream().tls();
  if (!tls.ClientAdmitted(connection)) return Fault::kCtlsClientCert;
  if (!tls.options().strict_sni) return std::nullopt;
  if (!TlsServer::NameServed(connection)) return Fault::kCtlsSniUnknown;
  const std::string_view host = HostName(request_->host.In(in_.data()));
  if (TlsServer::Covers(connection, host)) return std::nullopt;
  const bool named = !connection.facts().sni.empty();
  return named ? Fault::kReqMisdirected : Fault::kCtlsSniUnknown;
}

// What `in_` has of the request's body goes to the queue for the upstream.
void Exchange::QueueRequestBody() {
  const BodyReader::Taken taken =
      request_body_.Take(in_.data() + body_at_, in_.size() - body_at_);
  body_at_ += taken.consumed;
  bytes_in_ += taken.consumed;
  request_writer_.Add(taken.payload, &up_queue_);
  request_body_moved_ = request_body_moved_ || taken.consumed > 0;
  if (!request_body_.done()) return;
  request_writer_.AddEnd(request_body_.trailers(), &up_queue_);
  OnRequestComplete();
}

// False: the body can't go on now, or never.
bool Exchange::ReceiveRequestBody() {
  if (!input_pending_) {
    if (response_phase_ == ResponsePhase::kHead) StopWaitingUpstream();
    if (waiting_ == Waiting::kWrite) return false;
    WaitDownstream(Waiting::kBody, config().timeouts.request_body);
    return false;
  }
  if (splice_up_ && connection_->stream().tls() == nullptr) {
    return SpliceRequestBody();
  }
  // All of it was sent: its place behind the head is free again.
  in_.Truncate(request_parser_.head_bytes());
  body_at_ = in_.size();
  if (in_.space_size() == 0) {
    in_.Grow(worker_.buffers(), in_.capacity() + kBlockBytes);
  }
  return Receive();
}

// As ReceiveRequestBody; what comes needs no framing and is not looked at.
bool Exchange::SpliceRequestBody() {
  const auto got = up_pipe_.Fill(session_->socket(), request_body_.left());
  if (!got) {
    splice_up_ = false;
    return ReceiveRequestBody();
  }
  if (got->kind != IoResult::Kind::kBytes) {
    input_pending_ = false;
    if (got->kind == IoResult::Kind::kAgain) return true;
    OnDownstreamEnd();
    return false;
  }
  request_body_.Skip(got->bytes);
  bytes_in_ += got->bytes;
  request_body_moved_ = true;
  read_short_ = false;
  if (request_body_.done()) OnRequestComplete();
  return true;
}

void Exchange::RefuseBody() {
  ended_ = {'P', 'R'};
  const bool too_large = !request_body_.failed();
  diagnostics::RequestFacts facts = BodyFacts(*this, request_body_);
  if (!too_large) {
    facts.rule = RuleSentence(request_body_.error().rule);
    facts.offset = request_body_.error().offset;
  }
  RefuseBody(too_large ? Fault::kReqbodyTooLarge : Fault::kReqbodyChunkBad,
             facts);
}

void Exchange::RefuseBody(Fault fault, const diagnostics::RequestFacts& facts) {
  DropConnection();
  if (!head_forwarded_) {
    ForgetUnsentHead();
    return Reply(fault, facts, facts.rule);
  }
  // An answer has begun: nothing else can be said, but that it ends here.
  recorder_.JudgeDecision(fault, facts, facts.rule);
  Finish(Session::After::kAbort);
}

// Something came from a client whose turn it is not: the next request, its FIN
// or a RST. A FIN alone is no farewell (RFC 9112, section 9.6): it may wait for
// the answer still. A RST is.
void Exchange::ProbeClient() {
  if (session_->socket().TakeError() == 0) return;
  const char phase = PhaseLetter();
  const bool answering = phase == 'D';
  if (request_phase_ == RequestPhase::kBody && !answering) {
    return OnClientGone(Fault::kReqbodyTruncated, {'C', 'R'});
  }
  OnClientGone(answering      ? Fault::kClientAbortBody
               : phase == 'H' ? Fault::kClientAbortWaiting
                              : Fault::kClientAbortConnecting,
               {'C', phase});
}

// The phase that the exchange is in, as the log's `ended` says it.
char Exchange::PhaseLetter() const {
  switch (response_phase_) {
    case ResponsePhase::kNone:
      return 'R';
    case ResponsePhase::kQueued:
      return 'Q';
    case ResponsePhase::kStarting:
    case ResponsePhase::kResolving:
    case ResponsePhase::kConnecting:
    case ResponsePhase::kSecuring:
      return 'C';
    case ResponsePhase::kHead:
    case ResponsePhase::kPeek:
      return 'H';
    case ResponsePhase::kBody:
    case ResponsePhase::kTunnel:
    case ResponsePhase::kReply:
    case ResponsePhase::kDone:
      break;
  }
  return 'D';
}

// Nothing can be sent any more. A verdict that was made before stands.
void Exchange::OnClientGone(Fault fault, Ended ended) {
  if (recorder_.verdict() == nullptr) {
    recorder_.JudgeDecision(fault, BodyFacts(*this, request_body_), {});
  }
  ended_ = ended;
  Finish(Session::After::kAbort);
}

// No attempt is to begin after all.
void Exchange::ForgetTurnEnd() {
  const bool may_be_called = response_phase_ == ResponsePhase::kStarting ||
                             response_phase_ == ResponsePhase::kQueued;
  if (!may_be_called) return;
  worker_.ForgetTurnEnd(*this);
  response_phase_ = ResponsePhase::kNone;
}

void Exchange::Finish(Session::After after) {
  ForgetTurnEnd();
  StopWaiting();
  StopWaitingUpstream();
  // Neither side of a tunnel is to take a cut for an end.
  const bool cut = tunnel_ != nullptr && after == Session::After::kAbort;
  if (cut && connection_ != nullptr) connection_->socket().ResetOnClose();
  DropConnection();
  // A verdict that could not be sent is found in the log all the same.
  if (recorder_.verdict() != nullptr && error_id_.empty()) MakeErrorId();
  if (request_parser_.started()) {
    worker_.access_log().Write(*this);
    worker_.metrics().Count(*this, worker_.loop().now());
  }
  response_phase_ = ResponsePhase::kDone;
  session_->OnExchangeDone(after);
}

}  // namespace whichhop
