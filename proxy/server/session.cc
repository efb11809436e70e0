#include "proxy/server/session.h"

#include "proxy/server/exchange.h"
#include "proxy/server/generation.h"
#include "proxy/server/worker.h"

namespace whichhop {

namespace {

// How long, and how much, a client may go on sending behind our last answer.
constexpr auto kLingerTime = std::chrono::seconds(2);
constexpr uint32_t kLingerBytes = 1024 * 1024;

}  // namespace

Session::Session(Worker& worker, Socket socket, const Ip& client,
                 ProxyProtocol proxy_protocol,
                 std::shared_ptr<const TlsServer> tls)
    : worker_(worker),
      stream_(std::move(socket)),
      client_(client),
      client_host_(client.Text()),
      tls_(std::move(tls)),
      proxy_protocol_(proxy_protocol) {}

Session::~Session() { assert(closed_); }

bool Session::Start() {
  if (!watch_.Arm(worker_.loop(), socket().fd(), *this)) {
    closed_ = true;
    return false;
  }
  WaitForRequest();
  if (proxy_protocol_ == ProxyProtocol::kRequired && !worker_.draining()) {
    ArmTimer(worker_.config().timeouts.request_head);
  }
  return true;
}

void Session::ArmTimer(Duration delay) {
  timer_.Arm(worker_.loop().wheel(), delay, *this);
}

void Session::WaitForRequest() {
  idle_since_ = worker_.loop().now();
  worker_.idle_sessions().Add(*this);
  worker_.OnSessionIdle();
  ArmTimer(worker_.draining()
               ? worker_.drain_grace()
               : Duration(worker_.config().timeouts.client_idle));
}

void Session::OnReadable() {
  if (lingering_) return DiscardInput();
  if (proxy_protocol_ != ProxyProtocol::kOff) return ReceiveProxyHeader();
  if (tls_ != nullptr && stream_.tls() == nullptr) return BeginTls({});
  if (handshaking_) return GoOnWithHandshake();
  if (exchange_ == nullptr) BeginExchange({});
  RunExchange();
}

// `received` is the beginning of the request, if some of it was read already.
void Session::BeginExchange(std::string_view received) {
  worker_.idle_sessions().Remove(*this);
  worker_.OnSessionBusy();
  served_ = true;
  exchange_ = worker_.generation().TakeExchange();
  exchange_->Begin(*this, received);
}

void Session::RunExchange() {
  running_ = true;
  exchange_->OnDownstreamReadable();
  running_ = false;
  RunNext();
}

// Pipelined requests, one after the other: not one inside the other, or a
// client could choose the depth of our stack.
void Session::RunNext() {
  if (running_) return;
  running_ = true;
  while (next_ && !closed_) {
    next_ = false;
    if (exchange_->BeginNext()) continue;
    ReleaseExchange();
    WaitForRequest();
  }
  running_ = false;
}

void Session::OnWritable() {
  if (handshaking_) return GoOnWithHandshake();
  if (exchange_ != nullptr) return exchange_->OnDownstreamWritable();
  stream_.Flush();
}

void Session::OnTimer(Timer&) {
  if (exchange_ != nullptr) return exchange_->OnDownstreamTimeout();
  if (proxy_header_ != nullptr) {
    return RefuseProxyHeader(*proxy_header_, "it did not come whole in time",
                             'c');
  }
  if (handshaking_) return OnHandshakeLate();
  // A request that came in the very moment is not lost.
  const bool arrived = !lingering_ && Speaks();
  if (arrived) return OnReadable();
  stream_.SayGoodbye();
  Close();
}

bool Session::Speaks() { return stream_.Peek().kind == IoResult::Kind::kBytes; }

void Session::OnExchangeDone(After after) {
  switch (after) {
    case After::kKeepAlive:
      next_ = true;
      return RunNext();
    case After::kClose:
      stream_.SayGoodbye();
      return Close();
    case After::kCut:
      return Close();
    case After::kLinger:
      ReleaseExchange();
      return Linger();
    case After::kAbort:
      socket().ResetOnClose();
      return Close();
  }
}

void Session::Linger() {
  lingering_ = true;
  stream_.ShutdownWrite();
  ArmTimer(kLingerTime);
  DiscardInput();
}

void Session::DiscardInput() {
  char thrown_away[4096];
  while (lingered_bytes_ < kLingerBytes) {
    const IoResult got = socket().Receive(thrown_away, sizeof(thrown_away));
    if (got.kind == IoResult::Kind::kAgain) return;
    if (got.kind != IoResult::Kind::kBytes) break;
    lingered_bytes_ += static_cast<uint32_t>(got.bytes);
  }
  Close();
}

void Session::Drain(Duration grace) {
  // A PROXY header that has begun keeps its own deadline.
  const bool silent = exchange_ == nullptr && proxy_header_ == nullptr &&
                      !lingering_ && !handshaking_;
  if (silent) ArmTimer(grace);
}

void Session::Cut() {
  if (exchange_ != nullptr) return exchange_->Cut();
  stream_.SayGoodbye();
  Close();
}

bool Session::MayBeEvicted() const {
  constexpr auto kFirstWord = std::chrono::seconds(1);
  return served_ || worker_.loop().now() - idle_since_ >= kFirstWord;
}

bool Session::Evict() {
  if (!MayBeEvicted()) return false;
  if (!handshaking_ && Speaks()) return false;
  stream_.SayGoodbye();
  Close();
  return true;
}

void Session::ReleaseExchange() {
  if (exchange_ == nullptr) return;
  exchange_->End();
  Generation& generation = exchange_->generation();
  generation.GiveExchange(std::move(exchange_));
}

void Session::Close() {
  if (closed_) return;
  closed_ = true;
  watch_.Disarm();
  timer_.Disarm();
  worker_.idle_sessions().Remove(*this);
  LeaveHandshake();
  ReleaseExchange();
  proxy_header_.reset();
  socket().Close();
  worker_.OnSessionClosed(*this);
}

}  // namespace whichhop
