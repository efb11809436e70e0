#pragma once
// A Session is one client connection: it waits for requests, hands each to an
// Exchange, and decides what becomes of the connection after it. Owned by the
// worker, on whose loop it lives; dies by Close().

#include <memory>
#include <string>

#include "proxy/net/loop.h"
#include "proxy/net/stream.h"
#include "proxy/net/tls_server.h"
#include "proxy/server/config.h"

namespace whichhop {

class Exchange;
class Worker;
struct HandshakeEnd;
struct ProxyHeader;
struct Refusal;

class Session;

// A session's place in a list of its worker's.
struct SessionLinks {
  Session* older = nullptr;
  Session* newer = nullptr;
  bool listed = false;
};

class Session final : public Retired, private WatchEvents, private TimerEvents {
 public:
  // What becomes of the connection after an exchange.
  enum class After : uint8_t {
    kKeepAlive,  // the next request may come, or is already here
    kClose,      // a FIN, once what was written is gone
    kLinger,     // a FIN, but the client may still be sending: what it sends is
                 // thrown away for a while, or a RST would overtake our answer
    kCut,    // a FIN alone: the framing tells that something is missing, and
             // TLS is not to say that all is well
    kAbort,  // a RST: the client must see that something is missing
  };

  Session(Worker& worker, Socket socket, const Ip& client,
          ProxyProtocol proxy_protocol, std::shared_ptr<const TlsServer> tls);
  ~Session() override;

  // False if the kernel takes no more registrations: the session is closed.
  [[nodiscard]] bool Start();

  Stream& stream() { return stream_; }
  const Stream& stream() const { return stream_; }
  Socket& socket() { return stream_.socket(); }
  const Socket& socket() const { return stream_.socket(); }
  // Of its listener; null: in the clear.
  const TlsServer* tls() const { return tls_.get(); }
  // Who connected, or whom a PROXY header says that it connected for.
  const Ip& client() const { return client_; }
  // False: the peer is a balancer that did not say for whom it connected, or is
  // not believed. What comes is not its own: it has no right by its address.
  bool client_known() const { return client_known_; }
  // Its host as text, as fields and logs show it.
  const std::string& client_host() const { return client_host_; }
  bool peer_ended() const { return watch_.peer_ended(); }
  bool idle() const { return exchange_ == nullptr; }

  // Its places in the worker's lists, for those alone.
  SessionLinks idle_links_;
  SessionLinks handshake_links_;

  // One timer serves the client's side: what it means is known by whoever
  // armed it last.
  void ArmTimer(Duration delay);
  void DisarmTimer() { timer_.Disarm(); }

  // The exchange is over. Its last call: it may be given another request, or
  // to another session, before this returns.
  void OnExchangeDone(After after);

  // The worker drains: an idle connection is closed once `grace` has passed
  // without a request; others close behind the exchange that runs.
  void Drain(Duration grace);
  // The drain's deadline: cuts the connection.
  void Cut();
  // Closes to make room for another, unless it has only just come or has
  // something to say. Requires: idle().
  bool Evict();
  // Whether it is here for long enough. Requires: idle().
  bool MayBeEvicted() const;
  // Too many are inside the handshake, and it is for longest.
  void GiveUpHandshake();

 private:
  friend class Worker;

  void OnReadable() override;
  void OnWritable() override;
  void OnTimer(Timer& timer) override;
  void WaitForRequest();
  bool Speaks();
  void BeginExchange(std::string_view received);
  void RunExchange();
  void RunNext();
  void Linger();
  void DiscardInput();
  void Close();
  void ReleaseExchange();

  // session_tls.cc
  void BeginTls(std::string_view received);
  void GoOnWithHandshake();
  void OnHandshakeFailed();
  void OnHandshakeLate();
  void RefuseHandshake(const HandshakeEnd& end);
  void AnswerInClear(Refusal* refusal);
  void LeaveHandshake();

  // session_proxy_header.cc
  void ReceiveProxyHeader();
  bool OnProxyHeaderBytes(std::string_view received);
  void TakeProxyHeader(const ProxyHeader& header);
  void BeginHttp(std::string_view received);
  void AwaitProxyHeader(std::string_view received);
  void OnProxyHeaderEnd(std::string_view received);
  void RefuseProxyHeader(std::string_view received, std::string_view why,
                         char who);

  Worker& worker_;
  Stream stream_;
  Watch watch_;
  Timer timer_;
  Ip client_;
  std::string client_host_;
  const std::shared_ptr<const TlsServer> tls_;
  std::unique_ptr<Exchange> exchange_;  // while a request is on its way
  // What came of a PROXY header that is not here whole.
  std::unique_ptr<std::string> proxy_header_;
  size_t index_ = 0;  // in the worker's list
  Time idle_since_ = kNoTime;
  ProxyProtocol proxy_protocol_;  // off once its header was taken
  bool handshaking_ = false;
  bool client_known_ = true;
  bool served_ = false;  // it had an exchange
  uint32_t lingered_bytes_ = 0;
  bool lingering_ = false;
  bool running_ = false;  // the exchange is being called: it is not to recurse
  bool next_ = false;     // it is done, and may look for the next request
  bool closed_ = false;
};

// Sessions of a worker, the one that is in it for longest first.
template <auto kLinks>
class SessionList {
 public:
  void Add(Session& session);
  void Remove(Session& session);  // no-op if it is not listed
  Session* oldest() const { return oldest_; }
  size_t size() const { return size_; }

 private:
  Session* oldest_ = nullptr;
  Session* newest_ = nullptr;
  size_t size_ = 0;
};

// Those that wait for a request, and those inside the handshake of TLS, who
// wait for one too.
using IdleSessions = SessionList<&Session::idle_links_>;
using Handshakes = SessionList<&Session::handshake_links_>;

template <auto kLinks>
void SessionList<kLinks>::Add(Session& session) {
  SessionLinks& links = session.*kLinks;
  if (links.listed) return;
  links = {newest_, nullptr, true};
  (newest_ == nullptr ? oldest_ : (newest_->*kLinks).newer) = &session;
  newest_ = &session;
  ++size_;
}

template <auto kLinks>
void SessionList<kLinks>::Remove(Session& session) {
  SessionLinks& links = session.*kLinks;
  if (!links.listed) return;
  (links.older == nullptr ? oldest_ : (links.older->*kLinks).newer) =
      links.newer;
  (links.newer == nullptr ? newest_ : (links.newer->*kLinks).older) =
      links.older;
  links = {};
  --size_;
}

}  // namespace whichhop
