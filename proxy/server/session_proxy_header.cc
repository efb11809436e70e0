// What a connection says before HTTP on a listener that takes the PROXY
// protocol: for whom a TCP balancer opened it.

#include <algorithm>

#include "proxy/net/proxy_header.h"
#include "proxy/server/refusal.h"
#include "proxy/server/session.h"
#include "proxy/server/worker.h"

namespace whichhop {

namespace {

// The first 16 bytes of what was sent instead, in hex.
std::string FirstBytes(std::string_view received) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  for (const char c : received.substr(0, 16)) {
    text += kHex[static_cast<uint8_t>(c) >> 4];
    text += kHex[static_cast<uint8_t>(c) & 15];
  }
  return text;
}

}  // namespace

void Session::ReceiveProxyHeader() {
  char bytes[kProxyHeaderMax];
  size_t size = 0;
  if (proxy_header_ != nullptr) {
    size = proxy_header_->size();
    std::ranges::copy(*proxy_header_, bytes);
  }
  for (;;) {
    const IoResult got = socket().Receive(bytes + size, sizeof(bytes) - size);
    const std::string_view before(bytes, size);
    if (got.kind == IoResult::Kind::kAgain) return AwaitProxyHeader(before);
    if (got.kind != IoResult::Kind::kBytes) return OnProxyHeaderEnd(before);
    size += got.bytes;
    if (OnProxyHeaderBytes({bytes, size})) return;
  }
}

// False: more of them are needed, and there is room for them.
bool Session::OnProxyHeaderBytes(std::string_view received) {
  const ProxyHeader header = ReadProxyHeader(received);
  switch (header.status) {
    case ProxyHeader::Status::kNeedMore:
      return false;
    case ProxyHeader::Status::kDone:
      TakeProxyHeader(header);
      BeginHttp(received.substr(header.bytes));
      return true;
    case ProxyHeader::Status::kNone:
      if (proxy_protocol_ == ProxyProtocol::kOptional) {
        BeginHttp(received);
      } else {
        RefuseProxyHeader(received, "it does not begin as one", 'P');
      }
      return true;
    case ProxyHeader::Status::kBad:
      RefuseProxyHeader(received, header.why, 'P');
      return true;
  }
  return true;
}

// Who must send a header is believed. Where it may, anybody can reach us, and
// it is only believed of those who are trusted to speak for others.
void Session::TakeProxyHeader(const ProxyHeader& header) {
  const bool believed = proxy_protocol_ == ProxyProtocol::kRequired ||
                        IsTrusted(client_, worker_.config().trusted_proxies);
  client_known_ = header.client && believed;
  if (!client_known_) return;
  client_ = Ip(*header.client);
  client_host_ = client_.Text();
}

// `received` is the beginning of a request, or of a handshake, or nothing yet.
void Session::BeginHttp(std::string_view received) {
  proxy_protocol_ = ProxyProtocol::kOff;
  proxy_header_.reset();
  DisarmTimer();
  if (tls_ != nullptr) return BeginTls(received);
  BeginExchange(received);
  RunExchange();
}

// The deadline is one for the whole header: where one is required, from the
// beginning of the connection.
void Session::AwaitProxyHeader(std::string_view received) {
  if (received.empty()) return;
  if (proxy_header_ == nullptr) {
    proxy_header_ = std::make_unique<std::string>();
    worker_.idle_sessions().Remove(*this);
    worker_.OnSessionBusy();
    if (proxy_protocol_ == ProxyProtocol::kOptional) {
      ArmTimer(worker_.config().timeouts.request_head);
    }
  }
  *proxy_header_ = received;
}

// Whoever says nothing at all has only looked whether we are here.
void Session::OnProxyHeaderEnd(std::string_view received) {
  if (received.empty()) return Close();
  RefuseProxyHeader(received, "it is cut", 'C');
}

// Nothing is answered: the peer is a balancer, and does not speak HTTP.
void Session::RefuseProxyHeader(std::string_view received, std::string_view why,
                                char who) {
  std::string detail(why);
  detail += "; first bytes " + FirstBytes(received);
  const Config& config = worker_.config();
  Refusal refusal = Refuse(config, diagnostics::Fault::kClientProxyprotoBad,
                           detail, client_, worker_.rng());
  refusal.age = worker_.loop().now() - idle_since_;
  refusal.bytes_in = received.size();
  refusal.ended = {who, 'R'};
  worker_.metrics().CountRefusal(refusal.verdict);
  worker_.access_log().Write(refusal, config);
  Close();
}

}  // namespace whichhop
