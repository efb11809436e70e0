// The handshake of TLS with a client: before it, nothing can be said in HTTP;
// if it fails, the log says why.

#include <cerrno>

#include "proxy/server/refusal.h"
#include "proxy/server/session.h"
#include "proxy/server/tls_evidence.h"
#include "proxy/server/worker.h"

namespace whichhop {

using diagnostics::AttemptEnd;
using diagnostics::Fault;

struct HandshakeEnd {
  Fault fault;
  std::string_view detail;  // for operators
  char who;                 // as in Ended
  std::optional<AttemptEnd> how = std::nullopt;
};

namespace {

// A method and a space: HTTP in the clear. TLS begins with 0x16.
bool SpeaksHttp(const TlsFacts& facts) {
  const std::string_view first(facts.first_bytes.data(),
                               facts.first_bytes_size);
  const size_t letters = first.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ");
  return letters >= 3 && letters != std::string_view::npos &&
         first[letters] == ' ';
}

Fault FaultOf(const TlsFacts& facts) {
  if (SpeaksHttp(facts)) return Fault::kCtlsPlainHttp;
  if (facts.problem == TlsProblem::kVersion) return Fault::kCtlsVersion;
  if (facts.problem == TlsProblem::kCipher) return Fault::kCtlsCipher;
  return Fault::kCtlsAbort;
}

}  // namespace

// `received` is its beginning, if some of it was read already. Only now, since
// a connection that says nothing should cost nothing.
void Session::BeginTls(std::string_view received) {
  auto layer = TlsLayer::Make(tls_->New(), socket(), worker_.buffers(),
                              worker_.loop().now());
  if (layer == nullptr) return Close();  // no memory
  if (!received.empty()) layer->Feed(received);
  stream_.Secure(std::move(layer));
  handshaking_ = true;
  worker_.OnHandshakeBegun(*this);
  ArmTimer(worker_.config().timeouts.tls);
  GoOnWithHandshake();
}

void Session::GoOnWithHandshake() {
  switch (stream_.tls()->Handshake()) {
    case TlsLayer::Step::kAgain:
      return;
    case TlsLayer::Step::kFailed:
      return OnHandshakeFailed();
    case TlsLayer::Step::kDone:
      break;
  }
  LeaveHandshake();
  worker_.metrics().handshakes.Count(HandshakeCounters::kDownstream,
                                     stream_.tls()->facts().agreed);
  WaitForRequest();
  // What came with the handshake's end has no edge of its own: a request, or
  // the connection's end, of which a read that took no more than was there, and
  // a ticket that could not be sent, say nothing.
  if (stream_.Peek().kind != IoResult::Kind::kAgain) OnReadable();
}

void Session::LeaveHandshake() {
  if (!handshaking_) return;
  handshaking_ = false;
  worker_.handshakes().Remove(*this);
}

void Session::OnHandshakeFailed() {
  const TlsLayer& tls = *stream_.tls();
  // Whoever says nothing at all has only looked whether we are here.
  if (tls.facts().bytes_received == 0) return Close();
  const IoResult how = tls.end();
  const bool ours = how.error == EPROTO && !tls.facts().received.fatal;
  const bool fin = how.kind == IoResult::Kind::kEnd;
  RefuseHandshake({FaultOf(tls.facts()),
                   {},
                   ours ? 'P' : 'C',
                   fin ? AttemptEnd::kFin : EndOf(how.error)});
}

void Session::OnHandshakeLate() {
  RefuseHandshake({Fault::kCtlsAbort, {}, 'c', AttemptEnd::kTimeout});
}

void Session::GiveUpHandshake() {
  RefuseHandshake(
      {Fault::kCtlsAbort,
       "limits.handshakes is reached, and this one was there for longest",
       'P'});
}

void Session::RefuseHandshake(const HandshakeEnd& end) {
  const Config& config = worker_.config();
  diagnostics::ClientTlsFacts facts = EvidenceOf(stream_.tls()->facts(), *tls_);
  facts.end = end.how;
  // Of one that we gave up, what it has shown so far says nothing.
  const bool given_up = !end.detail.empty();
  Refusal refusal = Refuse(config, end.fault, end.detail, client_,
                           worker_.rng(), given_up ? nullptr : &facts);
  refusal.age = worker_.loop().now() - idle_since_;
  refusal.tls = &stream_.tls()->facts();
  refusal.bytes_in = facts.received;
  refusal.ended = {end.who, 'R'};
  const bool answers = refusal.verdict.status != 0;
  if (answers) AnswerInClear(&refusal);
  worker_.metrics().CountRefusal(refusal.verdict);
  worker_.access_log().Write(refusal, config);
  if (!answers) return Close();
  LeaveHandshake();
  worker_.idle_sessions().Remove(*this);
  worker_.OnSessionBusy();
  Linger();
}

// To one who does not speak TLS.
void Session::AnswerInClear(Refusal* refusal) {
  const std::string answer =
      RefusalAnswer(worker_.config(), *refusal,
                    worker_.wall_text().HttpDate(WallMicroseconds()));
  const iovec part{const_cast<char*>(answer.data()), answer.size()};
  const IoResult sent = socket().Send(&part, 1);
  refusal->bytes_out = sent.bytes;
  refusal->status = sent.bytes > 0 ? refusal->verdict.status : 0;
}

}  // namespace whichhop
