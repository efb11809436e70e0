#pragma once
// The addresses of the upstreams' names, kept while they are valid. One
// resolver a generation; a name that nobody asked for costs nothing.
//
// A name that was asked for once is looked up again whenever its TTL ends, and
// serves its old addresses meanwhile. A lookup that says that the name or its
// addresses are gone takes effect at once; one that fails (no answer, SERVFAIL,
// REFUSED) does not: the last good addresses serve for kStale beyond their TTL
// (RFC 8767), and are asked for again every kRetry.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "proxy/net/dns_channel.h"

namespace whichhop {

class ResolvedName;
class Resolver;

class NameEvents {
 public:
  // Its addresses are others than before, or are gone.
  virtual void OnAddresses(ResolvedName& name) = 0;

 protected:
  ~NameEvents() = default;
};

class NameWaiter {
 public:
  // The wait is over, and name.outcome() is what came of it.
  virtual void OnResolved() = 0;

 protected:
  ~NameWaiter() = default;
};

// A wait for a name's addresses: a by-value member of whoever waits. Its
// destruction ends it.
class NameWait {
 public:
  NameWait() = default;
  NameWait(const NameWait&) = delete;
  NameWait& operator=(const NameWait&) = delete;
  ~NameWait() { Cancel(); }

  // Nothing is called afterwards; no-op if nothing is awaited.
  void Cancel();
  bool waiting() const { return next_ != nullptr; }

 private:
  friend class ResolvedName;
  void Link(NameWait& list, NameWaiter& waiter);

  NameWait* next_ = nullptr;  // a circular list, or null
  NameWait* previous_ = nullptr;
  NameWaiter* waiter_ = nullptr;  // null: the head of a list
};

class ResolvedName final : private TimerEvents {
 public:
  static constexpr Duration kMinTtl = std::chrono::seconds(1);
  static constexpr Duration kMaxTtl = std::chrono::hours(1);
  static constexpr Duration kStale = std::chrono::seconds(60);
  static constexpr Duration kRetry = std::chrono::seconds(2);
  // A failure is told to whoever asks so soon after it.
  static constexpr Duration kNegative = std::chrono::seconds(2);
  // Of two families the later one has this long (RFC 8305, section 3).
  static constexpr Duration kSecondFamily = std::chrono::milliseconds(50);

  ResolvedName(Resolver& resolver, std::string host);
  ~ResolvedName();

  const std::string& host() const { return host_; }
  // What may be connected to, without a port; empty if it is not known.
  const std::vector<Address>& addresses() const { return addresses_; }
  // What the last lookup came to. Requires: one ended.
  DnsOutcome outcome() const { return outcome_; }
  // What a nameserver said of the reason why it failed (RFC 8914), if it did.
  std::optional<uint16_t> extended_error() const { return extended_; }
  // The last lookup failed, and only just: it is not asked for again yet.
  bool failed() const;
  // When a lookup last gave addresses; kNoTime: never.
  Time last_resolved() const { return last_resolved_; }

  // `events` must live as long as the resolver calls, that is, until no turn of
  // the loop follows.
  void Subscribe(NameEvents& events) { subscribers_.push_back(&events); }
  // Looks the name up, or joins who is waiting. `waiter` is called in a later
  // turn. Requires: addresses().empty() and not failed().
  void Await(NameWait& wait, NameWaiter& waiter);

 private:
  friend class Resolver;
  class Question;

  void Begin();
  void AskCandidate();
  void Ask(DnsChannel& channel, int family);
  void OnReply(Question& question, DnsReply reply);
  void OnTimer(Timer& timer) override;
  void EndCandidate();
  void End(DnsOutcome outcome);
  void TakeAddresses(std::vector<Address> addresses, Duration ttl);
  void TakeFailure(DnsOutcome outcome);
  void SetAddresses(std::vector<Address> addresses);
  void Answer();

  Resolver& resolver_;
  const std::string host_;
  std::vector<NameEvents*> subscribers_;
  NameWait waiting_;  // the head of the list

  std::vector<Address> addresses_;
  DnsOutcome outcome_ = DnsOutcome::kTimeout;
  std::optional<uint16_t> extended_;
  Time last_resolved_ = kNoTime;
  Time stale_at_ = kNoTime;   // the TTL's end
  Time failed_at_ = kNoTime;  // of the last lookup, if it failed

  // Of the running lookup.
  bool looking_up_ = false;
  uint64_t lookup_ = 0;  // answers to an earlier one are not heard
  int asking_ = 0;       // questions without an answer
  bool in_ask_ = false;  // whoever waits may not be called yet
  std::vector<std::string> candidates_;
  size_t candidate_ = 0;
  std::vector<Address> found_;
  Duration found_ttl_{};
  DnsOutcome worst_ = DnsOutcome::kNodata;     // of this candidate's questions
  DnsOutcome verdict_ = DnsOutcome::kTimeout;  // of the name as it is written
  Time deadline_ = kNoTime;
  Timer timer_;  // the lookup's deadline, else when to look up again
};

class Resolver {
 public:
  Resolver(Loop& loop, const DnsOptions& options);
  ~Resolver();

  // The same one for the same host, whatever its case. Valid while this is.
  ResolvedName& Name(const std::string& host);

  // What `older` knows of the names that both have: addresses that served
  // before a reload serve after it.
  void Inherit(const Resolver& older);
  // Nobody new will ask: nothing is looked up in the background any more.
  void Rest() { resting_ = true; }

 private:
  friend class ResolvedName;
  DnsChannel& udp();
  DnsChannel& tcp();

  Loop& loop_;
  const DnsOptions options_;
  bool resting_ = false;
  std::map<std::string, std::unique_ptr<ResolvedName>> names_;
  // Go first: what they were asked refers to names.
  std::unique_ptr<DnsChannel> udp_;
  std::unique_ptr<DnsChannel> tcp_;
};

}  // namespace whichhop
