#pragma once
// A worker's view of one upstream: its servers (endpoints), which of them is
// next, and their idle connections. Single-threaded; owned by the worker.

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "proxy/base/counter.h"
#include "proxy/net/resolver.h"
#include "proxy/upstream/connection.h"

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
    ResolvedName* name = nullptr;  // if it has one; outlives the endpoint
    uint16_t port = 0;             // of `name`
    Gauge* connections = nullptr;  // open ones, counted here; outlives it
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
  bool is_unix() const { return spec_.address.is_unix(); }
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
  // `address` could not be connected to, or not soon: for a while the others
  // come first.
  void Avoid(const Address& address);

  // An idle connection, now `user`'s; null if there is none.
  std::unique_ptr<UpstreamConnection> TakeIdle(UpstreamEvents& user);
  // Keeps a connection for the next exchange: nothing may be unread or unsent.
  void PutIdle(std::unique_ptr<UpstreamConnection> connection);
  // An idle connection ended, or was idle for too long.
  void DropIdle(UpstreamConnection& connection);
  void DropAllIdle();
  // A connection was opened (1) or closed (-1).
  void CountConnection(int change) {
    if (spec_.connections != nullptr) spec_.connections->Add(change);
  }

  // A connect failed: for a second other servers are asked, if there are any.
  void SawNoConnection() { left_alone_until_ = loop_.now() + kLeftAlone; }
  bool avoided() const { return loop_.now() < left_alone_until_; }

  // How long handshakes with the address took at best; Duration::max() before
  // the first. What answers a SYN much faster is not this server.
  Duration min_handshake(const Address& address) const;
  void SawHandshake(const Address& address, Duration took);

 private:
  struct Target {
    Address address;
    Duration min_handshake = Duration::max();
    Time avoided_until = kNoTime;
  };

  static constexpr size_t kMaxIdle = 1024;
  static constexpr Duration kLeftAlone = std::chrono::seconds(1);
  static constexpr Duration kAvoided = std::chrono::seconds(10);

  void OnAddresses(ResolvedName& name) override;
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
  std::vector<std::unique_ptr<UpstreamConnection>> idle_;
};

class Upstream {
 public:
  // `retry_percent`: retries to a hundred requests.
  Upstream(Loop& loop, std::string name, std::vector<Endpoint::Spec> servers,
           Duration idle_timeout, unsigned retry_percent);

  const std::string& name() const { return name_; }
  size_t servers() const { return endpoints_.size(); }

  // The next server, by smooth weighted round robin (each gets its share, and
  // never a burst); not `avoid`, nor one that could not be connected to just
  // now, if there is another. Never null.
  Endpoint* Choose(const Endpoint* avoid);

  // Retries are at most a share of requests, or an upstream that fails would
  // get its load twice. Each request earns its share of one; what is saved
  // lets a few be retried at once, however quiet it was before.
  void EarnRetry() { retries_ = std::min(retries_ + retry_share_, kMaxSaved); }
  bool SpendRetry();
  void DropAllIdle();

 private:
  bool AllAvoided(const Endpoint* avoid) const;

  struct Candidate {
    std::unique_ptr<Endpoint> endpoint;
    int64_t credit = 0;
  };

  static constexpr unsigned kRetry = 100;  // hundredths
  static constexpr unsigned kMaxSaved = 100 * kRetry;

  const std::string name_;
  std::vector<Candidate> endpoints_;
  const unsigned retry_share_;
  unsigned retries_ = kMaxSaved;
};

}  // namespace whichhop
