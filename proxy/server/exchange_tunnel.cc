// How an exchange becomes a tunnel: the upstream's 101 (RFC 9110, section 7.8),
// and what follows it until the connections end.

#include "proxy/http/upgrade.h"
#include "proxy/server/exchange.h"
#include "proxy/server/generation.h"
#include "proxy/server/worker.h"

namespace whichhop {

using diagnostics::AttemptEnd;
using diagnostics::Fault;
using diagnostics::Malformed;

// A 101 is here. It is taken if its protocol was asked for, and once the
// request was sent whole: until then the client speaks HTTP still.
void Exchange::OnSwitch() {
  const ResponseHead& head = response_parser_.head();
  const bool agreed = upgrade_ && ProtocolsAgree(in_.data(), request_->fields,
                                                 up_in_.data(), head.fields);
  if (!agreed) {
    AttemptFailure failure = Failure(AttemptEnd::kMalformed);
    failure.malformed = Malformed::kUnsolicited101;
    if (upgrade_)
      failure.rule = "the 101 names a protocol that was not asked for";
    return FailAttempt(failure);
  }
  if (write_error_ != 0) {
    return OnUpstreamEnd({IoResult::Kind::kError, 0, write_error_});
  }
  // PumpRequest comes back to it.
  if (request_phase_ != RequestPhase::kDone || UpstreamPending()) return;
  BeginTunnel();
}

void Exchange::BeginTunnel() {
  StopWaiting();
  StopWaitingUpstream();
  lease_.OnAnswered();
  status_ = 101;
  recorder_.attempt().status = status_;
  head_forwarded_ = true;
  response_phase_ = ResponsePhase::kTunnel;
  response_body_.Start(Framing::kUntilClose, 0);
  response_writer_.Start(false);
  GatherClaims();
  BufferPool& pool = worker_.buffers();
  tunnel_ =
      std::make_unique<Tunnel>(pool, session_->stream(), connection_->stream());
  // What came behind either head is the other protocol's already.
  Buffer& down = tunnel_->down().first(pool);
  WriteInterimHead(response_parser_.head(), up_in_.data(), pool, &down);
  up_in_.Consume(response_parser_.head_bytes());
  down.Add(pool, up_in_.view());
  const std::string_view ahead = in_.view().substr(body_at_);
  tunnel_->up().first(pool).Add(pool, ahead);
  bytes_in_ += ahead.size();
  // The request's head is for the log: a tunnel may last for hours.
  in_.Truncate(request_parser_.head_bytes());
  in_.Fit(pool);
  body_at_ = in_.size();
  request_out_.Release(pool);
  response_out_.Release(pool);
  up_in_.Release(pool);
  ArmTunnelTimer();
  PumpTunnel();
}

void Exchange::ArmTunnelTimer() {
  upstream_timer_.Arm(worker_.loop().wheel(), config().timeouts.tunnel, *this);
}

void Exchange::PumpTunnel() {
  const Tunnel::State state = tunnel_->Pump();
  const TunnelLane::Moved up = tunnel_->up().TakeMoved();
  const TunnelLane::Moved down = tunnel_->down().TakeMoved();
  bytes_in_ += up.received;
  bytes_out_ += down.sent;
  AttemptRecord& attempt = recorder_.attempt();
  attempt.sent += up.sent;
  attempt.received += down.received;
  response_body_.Skip(down.received);
  if (down.received > 0) attempt.last_byte = worker_.loop().now();
  switch (state) {
    case Tunnel::State::kOpen:
      if (up.sent + down.sent > 0) ArmTunnelTimer();
      return;
    case Tunnel::State::kEnded:
      NoteSuccess();
      return Finish(Session::After::kClose);
    case Tunnel::State::kClientGone:
      return OnClientGone(Fault::kClientAbortBody, {'C', 'D'});
    case Tunnel::State::kUpstreamGone:
      return OnUpstreamEnd({IoResult::Kind::kError, 0, tunnel_->error()});
  }
}

// Silence, both ways. Nobody's fault; but whoever did not take what it was sent
// is to see that something is missing.
void Exchange::OnTunnelIdle() {
  ended_ = {'P', 'D'};
  Finish(tunnel_->holds_bytes() ? Session::After::kAbort
                                : Session::After::kClose);
}

}  // namespace whichhop
