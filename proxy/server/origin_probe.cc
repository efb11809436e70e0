#include "proxy/server/origin_probe.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "diagnostics/classify.h"
#include "diagnostics/fingerprint.h"
#include "proxy/base/text.h"
#include "proxy/server/claims.h"
#include "proxy/server/malformed.h"
#include "proxy/server/page_head.h"
#include "proxy/server/walk_report.h"

namespace whichhop {

using diagnostics::AttemptEnd;
using diagnostics::AttemptPhase;
using diagnostics::Fault;
using diagnostics::kPageBytes;
using diagnostics::Malformed;

namespace {

Endpoint::Spec SpecOf(const UpstreamConfig& upstream, Resolver& resolver) {
  const ServerConfig& server = upstream.servers.front();
  Endpoint::Spec spec;
  spec.address = server.address;
  spec.text = server.text;
  if (!server.host.empty()) spec.name = &resolver.Name(server.host);
  spec.port = server.port;
  spec.tls = upstream.tls.get();
  spec.tls_host = server.tls_host();
  return spec;
}

// Not the loop's: one turn may see the whole of an answer, and would say that
// it took no time.
Time Now() { return SteadyClock::now(); }

bool IsTelling(FieldId id) {
  return id == FieldId::kServer || id == FieldId::kVia ||
         id == FieldId::kProxyStatus || id == FieldId::kLocation;
}

}  // namespace

OriginProbe::OriginProbe(Loop& loop, const Config& config,
                         OriginRequest request, OriginProbeEvents& events)
    : loop_(loop),
      config_(config),
      request_(std::move(request)),
      events_(events),
      resolver_(loop, {config.node.resolvers, config.timeouts.dns}),
      endpoint_(loop, SpecOf(config.upstreams.front(), resolver_), {}),
      recorder_(config, neighbours_),
      parser_(config.limits.head()),
      body_(TrailerMode::kDrop, config.limits.head()) {}

OriginProbe::~OriginProbe() {
  assert(step_ == Step::kNew || step_ == Step::kOver);
}

void OriginProbe::Start() { timer_.Arm(loop_.wheel(), Duration{}, *this); }

std::vector<Address> OriginProbe::addresses() const {
  if (endpoint_.name() != nullptr) return endpoint_.name()->addresses();
  return {config_.upstreams.front().servers.front().address};
}

void OriginProbe::Resolve() {
  recorder_.Begin(Now());
  recorder_.TakeRoute(&config_.routes.front());
  recorder_.BeginAttempt(endpoint_, Now());
  if (endpoint_.resolved()) return Connect();
  step_ = Step::kResolving;
  endpoint_.name()->Await(name_wait_, *this);
}

void OriginProbe::OnResolved() {
  recorder_.attempt().resolved = Now();
  if (endpoint_.resolved()) return Connect();
  AttemptFailure failure = Failure(AttemptEnd::kDns);
  failure.dns = AnswerOf(endpoint_.name()->outcome());
  failure.dns_extended = endpoint_.name()->extended_error();
  failure.limit = config_.timeouts.dns;
  Fail(failure);
}

void OriginProbe::Connect() {
  step_ = Step::kConnecting;
  UpstreamEvents& events = *this;
  int error = 0;
  connection_ = UpstreamConnection::Connect(loop_, endpoint_, events, &error);
  if (connection_ != nullptr) {
    target_ = connection_->address();
    Walk();
    if (connection_->connect_failed()) return OnConnected();
    return Wait(config_.timeouts.connect);
  }
  AttemptFailure failure = Failure(AttemptEnd::kErrno);
  failure.error = error;
  failure.synchronous = true;
  Fail(failure);
}

void OriginProbe::OnUpstreamWritable() {
  if (step_ == Step::kConnecting) return OnConnected();
  if (step_ == Step::kSecuring) return Secure();
  if (step_ == Step::kHead && !unsent_.empty()) Write();
}

void OriginProbe::OnUpstreamReadable() {
  if (step_ == Step::kSecuring) return Secure();
  if (step_ == Step::kHead || step_ == Step::kBody) Read();
}

void OriginProbe::OnConnected() {
  AttemptFailure failure;
  failure.error = connection_->TakeConnectError();
  failure.end = EndOf(failure.error);
  // A SYN is refused, not reset: the handshake was complete before.
  const bool reset = failure.end == AttemptEnd::kReset;
  if (reset) failure.phase = AttemptPhase::kRequest;
  if (failure.error != 0) return Fail(failure);
  connection_->MarkConnected();
  recorder_.attempt().connected = Now();
  step_ = Step::kSecuring;
  Wait(config_.timeouts.tls);
  Secure();
}

void OriginProbe::Secure() {
  switch (connection_->Secure(buffers_)) {
    case TlsLayer::Step::kAgain:
      return;
    case TlsLayer::Step::kFailed:
      return EndBy(connection_->secure_end());
    case TlsLayer::Step::kDone:
      break;
  }
  if (const TlsLayer* const tls = connection_->stream().tls()) {
    recorder_.NoteHandshake(*tls, Now());
  }
  step_ = Step::kHead;
  parser_.Reset(request_.method);
  in_.Acquire(buffers_);
  unsent_ = request_.head;
  Wait(config_.timeouts.response_head);
  Write();
}

void OriginProbe::Write() {
  AttemptRecord& attempt = recorder_.attempt();
  while (!unsent_.empty() && write_error_ == 0) {
    const iovec part{const_cast<char*>(unsent_.data()), unsent_.size()};
    const IoResult sent = connection_->stream().Send(&part, 1);
    unsent_.remove_prefix(sent.bytes);
    attempt.sent += sent.bytes;
    if (sent.kind == IoResult::Kind::kAgain) return;
    // The answer may lie in the receive queue: it is read before any verdict.
    if (sent.kind == IoResult::Kind::kError) write_error_ = sent.error;
  }
  if (write_error_ == 0 && attempt.written == kNoTime) {
    attempt.written = Now();
    Wait(config_.timeouts.response_head);
  }
  Read();
}

// Its end may be here already, and would have no edge of its own: so until it
// would block.
void OriginProbe::Read() {
  if (step_ == Step::kHead && !ReadHead()) return;
  if (step_ == Step::kBody) ReadBody();
}

IoResult OriginProbe::Receive() {
  const IoResult got =
      connection_->stream().Receive(in_.space(), in_.space_size());
  if (got.kind != IoResult::Kind::kBytes) return got;
  in_.Append(got.bytes);
  AttemptRecord& attempt = recorder_.attempt();
  attempt.received += got.bytes;
  attempt.last_byte = Now();
  if (attempt.first_byte == kNoTime) attempt.first_byte = attempt.last_byte;
  return got;
}

// True: the final head is here.
bool OriginProbe::ReadHead() {
  for (;;) {
    const ParseStatus status = in_.empty()
                                   ? ParseStatus::kNeedMore
                                   : parser_.Parse(in_.data(), in_.size());
    if (status == ParseStatus::kError) {
      Refuse(parser_.error());
      return false;
    }
    if (status == ParseStatus::kDone) {
      if (OnHead()) return true;
      if (step_ != Step::kHead) return false;
      continue;
    }
    if (in_.space_size() == 0) {
      in_.Grow(buffers_, std::max(config_.limits.header_bytes, kBlockBytes));
    }
    const IoResult got = Receive();
    if (got.kind == IoResult::Kind::kBytes) continue;
    const bool told = got.kind != IoResult::Kind::kAgain || write_error_ != 0;
    if (told) EndBy(got);
    return false;
  }
}

// True: it is the final one.
bool OriginProbe::OnHead() {
  const ResponseHead& head = parser_.head();
  const uint16_t status = head.line.status;
  AttemptRecord& attempt = recorder_.attempt();
  if (status < 200) {
    const bool flood = ++attempt.interim > kMaxInterim;
    if (flood || status == 101) {
      AttemptFailure failure = Failure(AttemptEnd::kMalformed);
      failure.malformed =
          flood ? Malformed::kInterimFlood : Malformed::kUnsolicited101;
      Fail(failure);
      return false;
    }
    in_.Consume(parser_.head_bytes());
    parser_.Reset(request_.method);
    return false;
  }
  attempt.status = status;
  head_.assign(in_.data(), parser_.head_bytes());
  answer_.reason = head.line.reason.In(head_.data());
  NoteFields();
  if (const Field* const date = head.fields.First(FieldId::kDate)) {
    recorder_.NoteDate(ValueOf(head_.data(), *date), Now());
  }
  body_.Start(head.framing, head.content_length);
  in_.Consume(parser_.head_bytes());
  step_ = Step::kBody;
  body_begun_ = Now();
  Wait(config_.timeouts.response_body);
  return true;
}

void OriginProbe::NoteFields() {
  for (const Field& field : parser_.head().fields.all()) {
    if (!IsTelling(field.id)) continue;
    answer_.fields.emplace_back(LineOf(head_.data(), field));
  }
}

// True: more is awaited.
bool OriginProbe::ReadBody() {
  for (;;) {
    if (!in_.empty() && !body_.done()) {
      const BodyReader::Taken taken = body_.Take(in_.data(), in_.size());
      page_ += taken.payload.substr(0, kPageBytes + 1 - page_.size());
      in_.Consume(taken.consumed);
      if (body_.failed()) {
        Refuse(body_.error());
        return false;
      }
    }
    if (body_.done() || BodyGoesOn()) {
      Succeed();
      return false;
    }
    in_.Compact();
    const IoResult got = Receive();
    if (got.kind == IoResult::Kind::kBytes) continue;
    if (got.kind == IoResult::Kind::kAgain) {
      Wait(config_.timeouts.response_body);
      return true;
    }
    if (EndsBody(got)) {
      Succeed();
    } else {
      EndBy(got);
    }
    return false;
  }
}

// Who wrote the error's page. What only others' answers tell is not known.
diagnostics::WriterFacts OriginProbe::Writer() const {
  const ResponseHead& head = parser_.head();
  diagnostics::WriterFacts writer;
  RecognizeWriter(head, {head_, page_, body_.done()}, recorder_.attempt(),
                  &writer);
  if (head.line.status != 407) return writer;
  writer.realm = FirstValue(head, head_.data(), FieldId::kProxyAuthenticate);
  return writer;
}

void OriginProbe::JudgeStatus() {
  Claims claims;
  const bool believed = config_.upstreams.front().believe;
  const FieldTable& fields = parser_.head().fields;
  if (Claims::In(fields, believed)) {
    claims.Gather(fields, head_.data(), believed);
  }
  recorder_.JudgeRelayed(recorder_.attempt().status, Writer(),
                         claims.any() ? &claims.facts() : nullptr);
}

// It flows, and may never end.
bool OriginProbe::BodyGoesOn() const {
  const Duration most = config_.timeouts.response_body;
  return Now() - body_begun_ >= most;
}

bool OriginProbe::EndsBody(const IoResult& got) {
  return got.kind == IoResult::Kind::kEnd &&
         !connection_->stream().ended_unclean() && body_.EndOfInput();
}

void OriginProbe::Wait(Duration limit) {
  if (std::exchange(probing_, false)) connection_->StopProbing();
  limit_ = limit;
  const bool stands = step_ != Step::kConnecting;
  const Duration probe_time =
      stands ? std::min(limit / 2, kProbeTime) : Duration{};
  timer_.Arm(loop_.wheel(), limit - probe_time, *this);
}

void OriginProbe::OnTimer(Timer&) {
  if (step_ == Step::kNew) return Resolve();
  if (step_ != Step::kConnecting && !std::exchange(probing_, true)) {
    connection_->StartProbing();
    timer_.Arm(loop_.wheel(), std::min(limit_ / 2, kProbeTime), *this);
    return;
  }
  AttemptFailure failure = Failure(AttemptEnd::kTimeout);
  failure.limit = limit_;
  Fail(failure);
}

AttemptPhase OriginProbe::Phase() const {
  switch (step_) {
    case Step::kNew:
    case Step::kResolving:
      return AttemptPhase::kResolve;
    case Step::kConnecting:
      return AttemptPhase::kConnect;
    case Step::kSecuring:
      return AttemptPhase::kTls;
    case Step::kHead:
      break;
    case Step::kBody:
    case Step::kWalking:
    case Step::kOver:
      return AttemptPhase::kBody;
  }
  if (!in_.empty()) return AttemptPhase::kHead;
  const bool writing = write_error_ != 0 || !unsent_.empty();
  return writing ? AttemptPhase::kRequest : AttemptPhase::kWait;
}

AttemptFailure OriginProbe::Failure(AttemptEnd end) const {
  AttemptFailure failure;
  failure.end = end;
  failure.phase = Phase();
  if (step_ == Step::kBody) {
    failure.head_forwarded = true;  // as it were: nothing could be told by it
    failure.body = &body_;
  } else {
    failure.head_bytes = in_.size();
    failure.first_bytes = in_.view();
  }
  return failure;
}

// After a failed write the receive queue ends in a bare EOF or in nothing: the
// write tells how it was. But an alert says more.
void OriginProbe::EndBy(const IoResult& end) {
  const bool alert = end.error == EPROTO;
  const bool written = write_error_ != 0 && !alert &&
                       (in_.empty() || end.kind == IoResult::Kind::kAgain);
  const int error = written ? write_error_ : end.error;
  const bool fin = !written && end.kind == IoResult::Kind::kEnd;
  AttemptFailure failure = Failure(fin ? AttemptEnd::kFin : EndOf(error));
  failure.error = error;
  Fail(failure);
}

void OriginProbe::Refuse(const ParseError& error) {
  AttemptFailure failure = Failure(AttemptEnd::kMalformed);
  failure.malformed = MalformedOf(error.kind);
  failure.rule = RuleSentence(error.rule);
  if (failure.malformed == Malformed::kHeadTooLarge) {
    failure.rule_bytes = in_.size();
  }
  Fail(failure);
}

void OriginProbe::Fail(const AttemptFailure& failure) {
  last_phase_ = failure.phase;
  late_ = failure.end == AttemptEnd::kTimeout;
  // Of two that were tried, the one that is left.
  if (connection_ != nullptr) target_ = connection_->address();
  if (endpoint_.name() != nullptr) recorder_.attempt().address = target_;
  recorder_.Fail(failure, connection_.get(), Now());
  EndWithWalk();
}

// Of an error all was read, too: one that is cut is more than that error.
void OriginProbe::Succeed() {
  last_phase_ = AttemptPhase::kBody;
  target_ = connection_->address();
  if (endpoint_.name() != nullptr) recorder_.attempt().address = target_;
  recorder_.attempt().ended = Now();
  answer_.endless = !body_.done();
  if (recorder_.attempt().status >= 400) JudgeStatus();
  EndWithWalk();
}

void OriginProbe::Walk() {
  if (target_->is_unix()) return;
  PathWalkEvents& events = *this;
  report_.reset();
  walk_begun_ = Now();
  walking_to_ = target_;
  walk_ = std::make_unique<PathWalk>(loop_, *target_, nullptr, events);
  walk_->Start();
}

void OriginProbe::DropWalk() {
  if (walk_ == nullptr) return;
  walk_->Close();
  loop_.Retire(std::move(walk_));
}

void OriginProbe::OnPathWalked(PathWalk&, PathReport report) {
  loop_.Retire(std::move(walk_));
  report_ = std::move(report);
  if (step_ == Step::kWalking) Judge();
}

// The walk is one of the way that was taken, and, of a connection that stood
// and fell silent, from after that.
bool OriginProbe::WalkTells() const {
  const AttemptRecord& attempt = recorder_.attempt();
  if (walking_to_ != target_) return false;
  const bool fell_silent = late_ && attempt.connected != kNoTime;
  return !fell_silent || walk_begun_ >= attempt.silent_since();
}

void OriginProbe::EndWithWalk() {
  Close();
  step_ = Step::kWalking;
  if (target_ && !target_->is_unix() && !WalkTells()) {
    DropWalk();
    Walk();
  }
  if (walk_ == nullptr) Judge();
}

// What failed, with what the walk knows of the way there.
void OriginProbe::Judge() {
  step_ = Step::kOver;
  const AttemptRecord& attempt = recorder_.attempt();
  if (attempt.fault) {
    const bool lost = diagnostics::IsSilence(*attempt.fault) ||
                      *attempt.fault == Fault::kConnectUnreachHost;
    if (lost && report_ && !target_->is_loopback()) {
      AddWalk(*report_, {}, config_.topology,
              std::max(attempt.ended, report_->ended), &recorder_.siblings());
    }
    recorder_.JudgeAttempt();
  }
  events_.OnOriginProbed(*this);
}

void OriginProbe::Close() {
  answer_.body_bytes = body_.received();
  timer_.Disarm();
  name_wait_.Cancel();
  in_.Release(buffers_);
  if (connection_ == nullptr) return;
  connection_->Close();
  loop_.Retire(std::move(connection_));
}

}  // namespace whichhop
