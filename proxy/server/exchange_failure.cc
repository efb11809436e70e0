// How an attempt of an exchange fails: what the socket and the codecs said
// becomes facts, and the facts a retry, an error or a cut.

#include <cerrno>
#include <utility>

#include "proxy/server/exchange.h"
#include "proxy/server/generation.h"
#include "proxy/server/malformed.h"
#include "proxy/server/worker.h"

namespace whichhop {

using diagnostics::AttemptEnd;
using diagnostics::AttemptPhase;
using diagnostics::Fault;
using diagnostics::Malformed;

namespace {

AttemptEnd EndOf(const IoResult& end) {
  const bool fin = end.kind == IoResult::Kind::kEnd;
  return fin ? AttemptEnd::kFin : whichhop::EndOf(end.error);
}

}  // namespace

void Exchange::OnUpstreamEnd(const IoResult& end) {
  AttemptFailure failure = Failure(EndOf(end));
  failure.error = end.error;
  // After a failed write the receive queue ends in a bare EOF or in nothing:
  // the write tells how it was.
  // But an alert says more.
  const bool told = end.error == EPROTO;
  if (write_error_ != 0 && !told &&
      (up_in_.empty() || end.kind == IoResult::Kind::kAgain)) {
    failure = Failure(EndOf({IoResult::Kind::kError, 0, write_error_}));
    failure.error = write_error_;
  }
  FailAttempt(failure);
}

void Exchange::OnResponseRefused(const ParseError& error) {
  AttemptFailure failure = Failure(AttemptEnd::kMalformed);
  failure.malformed = MalformedOf(error.kind);
  failure.rule = RuleSentence(error.rule);
  if (failure.malformed == Malformed::kHeadTooLarge) {
    failure.rule_bytes = up_in_.size();
  }
  FailAttempt(failure);
}

AttemptPhase Exchange::AttemptPhaseNow() const {
  if (response_phase_ == ResponsePhase::kResolving) {
    return AttemptPhase::kResolve;
  }
  if (response_phase_ == ResponsePhase::kConnecting) {
    return AttemptPhase::kConnect;
  }
  if (response_phase_ == ResponsePhase::kSecuring) return AttemptPhase::kTls;
  if (response_phase_ != ResponsePhase::kHead) return AttemptPhase::kBody;
  if (!up_in_.empty()) return AttemptPhase::kHead;
  const bool writing = write_error_ != 0 || UpstreamPending() ||
                       request_phase_ == RequestPhase::kBody;
  return writing ? AttemptPhase::kRequest : AttemptPhase::kWait;
}

// What an attempt that ends now has come to.
AttemptFailure Exchange::Failure(AttemptEnd end) const {
  AttemptFailure failure;
  failure.end = end;
  failure.phase = AttemptPhaseNow();
  failure.head_forwarded = head_forwarded_;
  if (failure.phase == AttemptPhase::kBody) {
    failure.body = &response_body_;
  } else {
    failure.head_bytes = up_in_.size();
    failure.first_bytes = up_in_.view();
  }
  return failure;
}

void Exchange::FailAttempt(AttemptFailure failure) {
  if (connection_ != nullptr) NoteAddress();  // of two, the one that is left
  const Fault fault =
      recorder_.Fail(failure, connection_.get(), worker_.loop().now());
  AskSiblings(failure, fault);
  const bool unusable = failure.phase == AttemptPhase::kConnect ||
                        failure.phase == AttemptPhase::kTls;
  if (unusable && connection_ != nullptr && !IsOurs(fault)) {
    connection_->endpoint().Avoid(connection_->address());
    connection_->endpoint().SawNoConnection();
  }
  StopWaitingUpstream();  // not before: the kernel was asked of the probes
  // A client that is gone is told of nobody's failure, and blames nobody. Of a
  // connect that was answered that is not asked: it failed as soon.
  const bool at_once = failure.phase == AttemptPhase::kConnect &&
                       failure.end == AttemptEnd::kErrno;
  if (!failure.head_forwarded && !at_once &&
      session_->socket().TakeError() != 0) {
    return OnClientGone(PhaseLetter() == 'C' ? Fault::kClientAbortConnecting
                                             : Fault::kClientAbortWaiting,
                        {'C', PhaseLetter()});
  }
  NoteFault(failure, fault);
  const bool timeout = failure.end == AttemptEnd::kTimeout;
  ended_ = {failure.synchronous ? 'P' : timeout ? 's' : 'S', PhaseLetter()};
  if (failure.head_forwarded) return CutResponse();
  const bool retry = MayRetry(fault);
  DropConnection();
  up_in_.Clear();
  ForgetUnsentHead();
  if (retry) return Attempt(fault == Fault::kStaleKeepaliveRace);
  recorder_.JudgeAttempt();
  SendReply();
}

// Once more only where it can't do harm (RFC 9110, section 9.2.2): a pooled
// connection that had ended, once and charged to nobody, if the request is
// idempotent; and another server, if nothing was written to this one.
bool Exchange::MayRetry(Fault fault) {
  const RetryConfig& retry =
      config().upstreams[recorder_.route()->upstream].retry;
  if (request_body_moved_ || retry.attempts == 0) return false;
  if (fault == Fault::kStaleKeepaliveRace) {
    const bool first = !std::exchange(stale_retried_, true);
    return first && retry.on_stale && IsIdempotent(request_->line.method);
  }
  const size_t retries = recorder_.attempts().size() - (stale_retried_ ? 2 : 1);
  return retry.on_connect && retries < retry.attempts &&
         AnotherMayAnswer(fault) && upstream().SpendRetry();
}

// Another server, or another address, if nothing was asked of this one. Whoever
// is not reached may be a moment later; TLS shows the same again.
bool Exchange::AnotherMayAnswer(Fault fault) {
  const Endpoint& tried = *recorder_.attempt().endpoint;
  switch (diagnostics::GetFault(fault).retry) {
    case diagnostics::Retry::kAlways:
      return upstream().servers() > 1 || tried.addresses() > 1;
    case diagnostics::Retry::kRejected:
      return recorder_.attempt().sent == 0 &&
             (upstream().HasOther(tried) || !tried.avoids_all());
    case diagnostics::Retry::kNever:
    case diagnostics::Retry::kIdempotent:
    case diagnostics::Retry::kTooLate:
      break;
  }
  return false;
}

}  // namespace whichhop
