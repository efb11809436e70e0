#pragma once
// A Session is one client connection: it waits for requests, hands each to an
// Exchange, and decides what becomes of the connection after it. Owned by the
// worker, on whose loop it lives; dies by Close().

#include <memory>
#include <string>

#include "proxy/net/loop.h"
#include "proxy/net/socket.h"
#include "proxy/server/config.h"

namespace whichhop {

class Exchange;
class Worker;
struct ProxyHeader;

class Session final : public Retired, private WatchEvents, private TimerEvents {
 public:
  // What becomes of the connection after an exchange.
  enum class After : uint8_t {
    kKeepAlive,  // the next request may come, or is already here
    kClose,      // a FIN, once what was written is gone
    kLinger,     // a FIN, but the client may still be sending: what it sends is
                 // thrown away for a while, or a RST would overtake our answer
    kAbort,      // a RST: the client must see that something is missing
  };

  Session(Worker& worker, Socket socket, const Ip& client,
          ProxyProtocol proxy_protocol);
  ~Session() override;

  // False if the kernel takes no more registrations: the session is closed.
  [[nodiscard]] bool Start();

  Socket& socket() { return socket_; }
  const Socket& socket() const { return socket_; }
  // Who connected, or whom a PROXY header says that it connected for.
  const Ip& client() const { return client_; }
  // False: the peer is a balancer that did not say for whom it connected, or is
  // not believed. What comes is not its own: it has no right by its address.
  bool client_known() const { return client_known_; }
  // Its host as text, as fields and logs show it.
  const std::string& client_host() const { return client_host_; }
  bool peer_ended() const { return watch_.peer_ended(); }
  bool idle() const { return exchange_ == nullptr; }

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

 private:
  friend class IdleSessions;
  friend class Worker;

  void OnReadable() override;
  void OnWritable() override;
  void OnTimer(Timer& timer) override;
  void WaitForRequest();
  void BeginExchange(std::string_view received);
  void RunExchange();
  void RunNext();
  void Linger();
  void DiscardInput();
  void Close();
  void ReleaseExchange();

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
  Socket socket_;
  Watch watch_;
  Timer timer_;
  Ip client_;
  std::string client_host_;
  std::unique_ptr<Exchange> exchange_;  // while a request is on its way
  // What came of a PROXY header that is not here whole.
  std::unique_ptr<std::string> proxy_header_;
  size_t index_ = 0;               // in the worker's list
  Session* older_idle_ = nullptr;  // in the worker's list of idle ones
  Session* newer_idle_ = nullptr;
  Time idle_since_ = kNoTime;
  ProxyProtocol proxy_protocol_;  // off once its header was taken
  bool client_known_ = true;
  bool listed_idle_ = false;
  bool served_ = false;  // it had an exchange
  uint32_t lingered_bytes_ = 0;
  bool lingering_ = false;
  bool running_ = false;  // the exchange is being called: it is not to recurse
  bool next_ = false;     // it is done, and may look for the next request
  bool closed_ = false;
};

// The sessions of a worker that wait for a request, the longest idle first.
class IdleSessions {
 public:
  void Add(Session& session);
  void Remove(Session& session);  // no-op if it is not listed
  Session* oldest() { return oldest_; }

 private:
  Session* oldest_ = nullptr;
  Session* newest_ = nullptr;
};

}  // namespace whichhop
