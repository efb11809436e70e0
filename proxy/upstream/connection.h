#pragma once
// A connection to a server of an upstream. Owned by the exchange that uses it
// or, between exchanges, by its endpoint's pool; it lives on one loop. It moves
// no bytes of its own accord: its user reads and writes stream(), after the
// handshake of TLS if the endpoint wants one.
//
// Where the server's name has addresses of both families, two connects may run
// at once (RFC 8305): the second begins when the first has failed, or has taken
// kHeadStart. Its user knows nothing of the race but address().

#include <cstdint>
#include <memory>

#include "proxy/net/loop.h"
#include "proxy/net/stream.h"

namespace whichhop {

class AddressMemory;
class Endpoint;

class UpstreamEvents {
 public:
  // As WatchEvents; also how a connect ends: the first Send tells which way.
  virtual void OnUpstreamReadable() = 0;
  virtual void OnUpstreamWritable() = 0;

 protected:
  ~UpstreamEvents() = default;
};

class UpstreamConnection final : public Retired,
                                 private WatchEvents,
                                 private TimerEvents {
 public:
  static constexpr Duration kHeadStart = std::chrono::milliseconds(250);

  // Begins a connect. Requires: endpoint.resolved(). Null with *error set to
  // the errno if the kernel refuses at once; otherwise `user` hears how it
  // ends, unless connect_failed() then: that it has failed, nobody is told.
  static std::unique_ptr<UpstreamConnection> Connect(Loop& loop,
                                                     Endpoint& endpoint,
                                                     UpstreamEvents& user,
                                                     int* error);
  ~UpstreamConnection() override;

  Stream& stream() { return stream_; }
  const Stream& stream() const { return stream_; }
  Socket& socket() { return stream_.socket(); }
  const Socket& socket() const { return stream_.socket(); }
  Endpoint& endpoint() { return endpoint_; }
  // That it is connected to; while it is not, the one that was tried first, or
  // the one that is left.
  const Address& address() const { return address_; }

  // The peer's refusal came before Connect returned, as it does on loopback.
  bool connect_failed() const { return refused_; }
  // How the connect failed, once OnUpstreamWritable was called or if
  // connect_failed(); 0: it did not.
  int TakeConnectError();

  // See Socket::TakeIcmpError.
  std::optional<IcmpError> TakeIcmpError();

  // The peer sent a FIN.
  bool peer_ended() const { return watch_.peer_ended(); }

  // The user learned that the handshake is complete.
  void MarkConnected();
  bool connected() const { return connect_time_ != Duration::min(); }
  Duration connect_time() const { return connect_time_; }
  Time connect_begun() const { return begun_; }

  // The first call, on one that is connected, begins the handshake of TLS; it
  // is called again whenever the connection has something to tell, until it is
  // done or has failed. kDone at once where the endpoint wants none.
  TlsLayer::Step Secure(BufferPool& pool);
  // How it failed.
  IoResult secure_end() const;

  bool reused() const { return exchanges_ > 1; }
  uint32_t exchanges() const { return exchanges_; }  // the running one too
  Duration idle_before() const { return idle_before_; }

  // Of its address; null if the endpoint's name has moved on.
  AddressMemory* memory() const;
  // The peer ended it, in order, though nobody wanted it to end.
  void NoteEnd();

  // Those that BeginSiblingProbes began were answered, or something was
  // acknowledged since. What the peer sends again and again, for it hears
  // nothing of us, is no sign of that.
  bool AcknowledgesSince(const TcpFacts& facts) const {
    return probed_as_sibling_ && (facts.bytes_acked > acked_before_ ||
                                  facts.bare_segments > bare_before_);
  }

  // Keep-alive probes, one a second. Whoever starts them stops them, and others
  // may have started them too.
  void StartProbing();
  void StopProbing();

  // Silent from here on, and closed; whoever owns it retires it.
  void Close();

 private:
  friend class Endpoint;
  class Rival;
  void ProbeAsSibling();
  UpstreamConnection(Loop& loop, Endpoint& endpoint, const Address& address,
                     const Address& other, Socket socket, UpstreamEvents& user);

  void OnReadable() override;
  void OnWritable() override;
  void OnTimer(Timer& timer) override;
  bool ConnectGoesOn();
  void BeginRival();
  void OnRivalConnected();
  bool TakeRivalsPlace();
  void DropRival();

  Loop& loop_;
  Endpoint& endpoint_;
  Address address_;
  Address other_;                 // to be tried too; of size 0: none
  std::unique_ptr<Rival> rival_;  // while two connects run
  int connect_error_ = 0;         // taken from the socket
  bool refused_ = false;          // before Connect returned
  bool icmp_taken_ = false;
  Stream stream_;
  Watch watch_;
  Timer idle_timer_;      // idle in the pool; before: the rival's start
  UpstreamEvents* user_;  // null while it is idle in the pool
  Time begun_;
  Duration connect_time_ = Duration::min();
  Time idle_since_ = kNoTime;
  Duration idle_before_{};
  uint32_t exchanges_ = 1;
  size_t pool_index_ = 0;  // while idle
  size_t open_index_ = 0;  // among the endpoint's open ones
  uint32_t probers_ = 0;
  bool probed_as_sibling_ = false;
  // As the probes began: what the peer had acknowledged, and how often barely.
  uint64_t acked_before_ = 0;
  uint32_t bare_before_ = 0;
};

}  // namespace whichhop
