#pragma once
// A worker's view of one upstream: its servers (endpoints), which of them is
// next, and their idle connections. Single-threaded; owned by the worker. What
// is known of servers for the whole process, who is in service, is told to it
// (Take); what may be in flight is counted for the whole process (Admission).

#include <algorithm>
#include <cassert>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/base/counter.h"
#include "proxy/base/ulid.h"
#include "proxy/net/resolver.h"
#include "proxy/net/tls_client.h"
#include "proxy/upstream/address_memory.h"
#include "proxy/upstream/admission.h"
#include "proxy/upstream/balance.h"
#include "proxy/upstream/connection.h"
#include "proxy/upstream/standing.h"
#include "proxy/upstream/usual_server.h"

namespace whichhop {

// One server and its idle connections, the most recently used first out. A
// server that is configured by name has the addresses that its name has now;
// connections to others are not used again.
class Endpoint final : private NameEvents {
 public:
  struct Spec {
    Address address;   // a literal one; else see `name`
    std::string text;  // the address as logs and fields show it
    unsigned weight = 1;
    ResolvedName* name = nullptr;    // if it has one; outlives the endpoint
    uint16_t port = 0;               // of `name`
    uint32_t max_requests = 0;       // in flight, per process; 0: no limit
    Gauge* connections = nullptr;    // open ones, counted here; outlives it
    const TlsClient* tls = nullptr;  // null: in the clear; outlives it
    std::string tls_host{};          // see TlsClient::New
    AddressBook* book = nullptr;     // shared memories; null: its own. So too
  };

  // Where to connect to.
  struct Route {
    Address first;
    Address other;  // of the other family, if there is one; else of size 0
  };

  Endpoint(Loop& loop, Spec spec, Duration idle_timeout);
  ~Endpoint();

  const std::string& text() const { return spec_.text; }
  unsigned weight() const { return spec_.weight; }
  uint32_t max_requests() const { return spec_.max_requests; }
  bool is_unix() const { return spec_.address.is_unix(); }
  const TlsClient* tls() const { return spec_.tls; }
  const std::string& tls_host() const { return spec_.tls_host; }
  TlsClientSessions& tls_sessions() { return tls_sessions_; }
  // Null if the server is configured by its address.
  ResolvedName* name() const { return spec_.name; }
  // Now; 1 if it is configured by its address.
  size_t addresses() const { return targets_.size(); }
  bool resolved() const { return !targets_.empty(); }
  bool Has(const Address& address) const {
    return IndexOf(address) < targets_.size();
  }

  // The addresses take turns. Requires: resolved().
  Route NextRoute();
  // `address` could not be connected to, or not soon, or TLS failed there: for
  // a while the others come first.
  void Avoid(const Address& address);
  bool avoids_all() const;

  // An idle connection, now `user`'s; null if there is none.
  std::unique_ptr<UpstreamConnection> TakeIdle(UpstreamEvents& user);
  // Keeps a connection for the next exchange: nothing may be unread or unsent.
  void PutIdle(std::unique_ptr<UpstreamConnection> connection);
  // An idle connection ended, or was idle for too long.
  void DropIdle(UpstreamConnection& connection);
  void DropAllIdle();
  // One socket whose connect was refused, for the next (Socket::ConnectAgain);
  // not open if there is none.
  void PutRefused(Socket socket) { refused_ = std::move(socket); }
  Socket TakeRefused() { return std::move(refused_); }
  void OnOpened(UpstreamConnection& connection);
  void OnClosed(UpstreamConnection& connection);

  // While a connect stays without an answer: a few connections that stand are
  // probed, until as many ends as begins.
  void BeginSiblingProbes();
  void EndSiblingProbes();
  // What connections to `address` that stand say of the last `window`, in
  // which they were probed.
  struct Flows {
    uint32_t acking = 0;  // acknowledged: the way there works, its kernel lives
    uint32_t silent = 0;  // let probes pass; one probe alone says nothing
  };
  Flows AskFlows(const Address& address, Duration window) const;

  // The handshake of TLS was completed just now; when it last was since this
  // configuration serves, kNoTime: never.
  void SawSecured() { secured_ = loop_.now(); }
  Time secured() const { return secured_; }

  // Since when its name leads to `address`, if it led elsewhere before, to
  // somebody who answered; kNoTime: it did not.
  Time moved_to(const Address& address) const;

  // What the process knows of an address; null if the name has moved on.
  AddressMemory* memory(const Address& address);
  // Calls visit(Address, const AddressMemory&) for each that it has now.
  template <typename Visitor>
  void ForEachAddress(const Visitor& visit) const {
    for (const Target& target : targets_) visit(target.address, *target.memory);
  }

  // No connection came of it: for a second other servers are asked, if there
  // are any.
  void SawNoConnection() { left_alone_until_ = loop_.now() + kLeftAlone; }
  bool avoided() const { return loop_.now() < left_alone_until_; }

  // How long handshakes with the address took at best; Duration::max() before
  // the first. What answers a SYN much faster is not this server.
  Duration min_handshake(const Address& address) const;
  void SawHandshake(const Address& address, Duration took);

  // What the server calls itself (the Server field) in good answers. Of all its
  // addresses, where it has several; this worker's alone.
  void SawServer(std::string_view server) {
    usual_server_.Note(server, loop_.now());
  }
  std::optional<std::string_view> usual_server() const {
    return usual_server_.Get(loop_.now());
  }

 private:
  struct Target {
    Address address;
    std::shared_ptr<AddressMemory> memory;
    Time moved = kNoTime;
    Duration min_handshake = Duration::max();
    Time avoided_until = kNoTime;
  };

  static constexpr size_t kMaxIdle = 1024;
  static constexpr size_t kMaxSiblings = 8;  // that are probed, or asked
  static constexpr Duration kLeftAlone = std::chrono::seconds(1);
  static constexpr Duration kAvoided = std::chrono::seconds(10);

  void OnAddresses(ResolvedName& name) override;
  std::shared_ptr<AddressMemory> MemoryOf(const Address& address);
  // addresses() if there is no such one.
  size_t IndexOf(const Address& address) const;
  size_t NextTarget();
  std::unique_ptr<UpstreamConnection> Extract(size_t index);

  Loop& loop_;
  const Spec spec_;
  const Duration idle_timeout_;
  std::vector<Target> targets_;
  size_t next_ = 0;  // of targets_
  Time left_alone_until_ = kNoTime;
  Time secured_ = kNoTime;
  std::vector<std::unique_ptr<UpstreamConnection>> idle_;
  std::vector<UpstreamConnection*> open_;  // in no order
  Socket refused_;
  TlsClientSessions tls_sessions_;
  UsualServer usual_server_;
  uint32_t sibling_probes_ = 0;
};

class Upstream;

// A request's place at a server, from when one was chosen until the exchange
// with it is over. A by-value member of whoever sends it.
class Lease {
 public:
  Lease() = default;
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() { assert(upstream_ == nullptr); }

  // Requires: held.
  Endpoint& endpoint() const { return *endpoint_; }
  bool held() const { return upstream_ != nullptr; }
  size_t index() const { return index_; }  // of the endpoint
  // The whole request was written to `socket`, which stays open until the
  // answer begins or the lease is given back.
  void OnAsked(const Socket& socket);
  void OnAnswered();
  // Whether others are to hear of a success: once.
  [[nodiscard]] bool TakeSuspicion();
  // Whoever waits for it is called. No-op if it is not held.
  void GiveBack();

 private:
  friend class Upstream;
  Upstream* upstream_ = nullptr;
  Endpoint* endpoint_ = nullptr;
  size_t index_ = 0;
  Flight flight_;
};

class Upstream {
 public:
  struct Options {
    Duration idle_timeout{};
    unsigned retry_percent = 20;  // retries to a hundred requests
    Balance balance = Balance::kRoundRobin;
    uint32_t max_requests = 0;  // in flight, per process; 0: no limit
    // Of this upstream; needed where it or a server has a limit.
    std::shared_ptr<Admission> admission;
  };

  // What a request wants of a server.
  struct Wish {
    const Endpoint* avoid = nullptr;  // another one, if there is one
    uint64_t key = 0;                 // for Balance::kHash
  };

  enum class Entry : uint8_t {
    kAdmitted,
    kFull,     // all that may be in flight is, or others wait already
    kAllDown,  // no server is in service
  };

  Upstream(Loop& loop, std::string name, std::vector<Endpoint::Spec> servers,
           Options options);
  ~Upstream();

  const std::string& name() const { return name_; }
  size_t servers() const { return endpoints_.size(); }
  Endpoint& server(size_t index) { return *endpoints_[index]; }
  const Endpoint& server(size_t index) const { return *endpoints_[index]; }
  bool all_unix() const { return all_unix_; }  // reached by Unix sockets
  Balance balance() const { return options_.balance; }

  // The next server, as Balance says. Servers that are down are out of the
  // question; of the others those come first that are neither ejected nor
  // refused a connection just now nor `wish.avoid`, and one that is full is
  // waited for. Null: none may be asked now.
  Endpoint* Choose(const Wish& wish);

  // One that is not down.
  bool HasOther(const Endpoint& than) const;

  // A server for a request, as a lease on it. `from_line`: it is the head of
  // the line, and answered its call.
  [[nodiscard]] Entry Admit(const Wish& wish, bool from_line, Lease* lease);
  // Null where nothing has a limit: then there is never a line.
  Admission* admission() const { return options_.admission.get(); }
  // The requests in flight that stand in the way, and the limit that they
  // meet. Requires: admission().
  struct Fullness {
    FlightSurvey survey;
    uint32_t limit = 0;
  };
  Fullness AskFullness(Time now) const;

  // What is known of a server now.
  void Take(size_t server, const Standing& standing);
  const Standing& standing(size_t server) const { return standings_[server]; }
  // Of this worker.
  uint32_t in_flight(size_t server) const { return known_[server].in_flight; }
  bool all_down() const { return up_ == 0; }
  uint32_t up() const { return up_; }

  // Retries are at most a share of requests, or an upstream that fails would
  // get its load twice. Each request earns its share of one; what is saved
  // lets a few be retried at once, however quiet it was before.
  void EarnRetry() {
    retries_ = std::min(retries_ + options_.retry_percent, kMaxSaved);
  }
  bool SpendRetry();
  void DropAllIdle();

 private:
  friend class Lease;

  // Why a server is asked only if no other may be; the least counts.
  enum class Reluctance : uint8_t { kNone, kRefused, kEjected, kAvoid, kDown };

  // servers() if none may be asked now.
  size_t ChooseIndex(const Wish& wish);
  Reluctance ReluctanceFor(size_t index, const Endpoint* avoid) const;
  size_t Pick(uint64_t key);
  bool TakeSlots(size_t index);

  static constexpr unsigned kRetry = 100;  // hundredths
  static constexpr unsigned kMaxSaved = 100 * kRetry;

  const std::string name_;
  const Options options_;
  std::vector<std::unique_ptr<Endpoint>> endpoints_;
  std::vector<Pickable> known_;                // of each
  std::vector<Standing> standings_;            // of each
  std::vector<std::shared_ptr<Slots>> slots_;  // of each; null: no limit
  std::vector<Reluctance> reluctances_;        // of the running choice
  uint32_t up_;                                // not down
  bool all_unix_ = true;
  FlightShard flights_;
  Rng rng_;
  unsigned retries_ = kMaxSaved;
};

}  // namespace whichhop
