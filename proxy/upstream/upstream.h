#pragma once
// A worker's view of one upstream: its servers (endpoints), which of them is
// next, and their idle connections. Single-threaded; owned by the worker.

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "proxy/upstream/connection.h"

namespace whichhop {

// One server and its idle connections, the most recently used first out.
class Endpoint {
 public:
  struct Spec {
    Address address;
    std::string text;  // the address as logs and fields show it
    unsigned weight = 1;
  };

  Endpoint(Loop& loop, Spec spec, Duration idle_timeout);
  ~Endpoint();

  const Address& address() const { return spec_.address; }
  const std::string& text() const { return spec_.text; }
  unsigned weight() const { return spec_.weight; }

  // An idle connection, now `user`'s; null if there is none.
  std::unique_ptr<UpstreamConnection> TakeIdle(UpstreamEvents& user);
  // Keeps a connection for the next exchange: nothing may be unread or unsent.
  void PutIdle(std::unique_ptr<UpstreamConnection> connection);
  // An idle connection ended, or was idle for too long.
  void DropIdle(UpstreamConnection& connection);
  void DropAllIdle();

  // A connect failed: for a second others are asked, if there are any.
  void SawNoConnection() { avoid_until_ = loop_.now() + kAvoided; }
  bool avoided() const { return loop_.now() < avoid_until_; }

  // How long handshakes took at best; Duration::max() before the first. What
  // answers a SYN much faster is not this server.
  Duration min_handshake() const { return min_handshake_; }
  void SawHandshake(Duration took) {
    min_handshake_ = std::min(min_handshake_, took);
  }

 private:
  static constexpr size_t kMaxIdle = 1024;
  static constexpr Duration kAvoided = std::chrono::seconds(1);

  Loop& loop_;
  const Spec spec_;
  const Duration idle_timeout_;
  Duration min_handshake_ = Duration::max();
  Time avoid_until_ = kNoTime;
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
