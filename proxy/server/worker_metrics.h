#pragma once
// What one worker counts. Owned by it and written on its thread alone; the
// admin thread reads meanwhile. Counting an exchange takes no lock, no system
// call and, unless it is the first of its kind, no memory.
//
// A series is one of a kind, not of an exchange: its labels are names of the
// configuration, statuses and words of our own tables, never what a client
// says. Even so each list has a bound; what comes beyond it is counted in one
// last series, all of whose labels are `_OTHER`.

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "diagnostics/verdict.h"
#include "proxy/base/counter.h"
#include "proxy/net/tls_facts.h"
#include "proxy/server/histogram.h"
#include "proxy/server/labels.h"
#include "proxy/server/series.h"

namespace whichhop {

class Exchange;
struct AttemptRecord;
struct Config;
struct RouteConfig;

// The parts of an attempt that it went through.
enum class UpstreamPhase : uint8_t { kDns, kConnect, kTls, kFirstByte };
inline constexpr std::string_view kUpstreamPhases[] = {"dns", "connect", "tls",
                                                       "first_byte"};

// Handshakes of TLS that were completed.
class HandshakeCounters {
 public:
  enum Side : uint8_t { kDownstream, kUpstream };
  static constexpr std::string_view kSides[] = {"downstream", "upstream"};
  static constexpr std::string_view kVersions[] = {"1.2", "1.3"};
  static constexpr std::string_view kResumed[] = {"false", "true"};

  void Count(Side side, const TlsAgreement& agreed) {
    counters_[side][agreed.version == 0x0304 ? 1 : 0][agreed.resumed ? 1 : 0]
        .Add();
  }
  uint64_t value(size_t side, size_t version, size_t resumed) const {
    return counters_[side][version][resumed].value();
  }

 private:
  Counter counters_[2][2][2];
};

// What a route is called in metrics: numbers that stay, whatever is reloaded.
struct RouteIds {
  uint16_t route = 0;  // 0: none
  uint16_t upstream = 0;

  bool operator==(const RouteIds&) const = default;
};

class WorkerMetrics {
 public:
  // Series of a worker, and of the process.
  static constexpr size_t kMaxServerSeries = 512;
  static constexpr size_t kMaxClientSeries = 256;
  static constexpr size_t kMaxErrorSeries = 1024;
  // The labels of the last.
  static const std::string_view kServerOverflow;
  static const std::string_view kClientOverflow;
  static const std::string_view kErrorOverflow;

  WorkerMetrics();

  // One for each route of `config`, in order.
  std::vector<RouteIds> IdsOf(const Config& config);
  // Requires: the exchange is about to end; its facts are final.
  void Count(const Exchange& exchange, Time now);
  // A connection that was ended before it said what it wants.
  void CountRefusal(const diagnostics::Verdict& verdict) {
    CountError(verdict, {});
  }

  Gauge active_requests;
  Gauge downstream_connections;
  Gauge upstream_connections;
  Counter log_dropped;  // lines
  HandshakeCounters handshakes;

  // For any thread.
  const SeriesList<Histogram>& server() const { return server_; }
  const SeriesList<Histogram>& client() const { return client_; }
  const SeriesList<Counter>& errors() const { return errors_; }
  const Histogram& phase(UpstreamPhase phase) const {
    return phases_[static_cast<size_t>(phase)];
  }

 private:
  // What an exchange without an error is known by, and where it is counted:
  // most are as the one before them.
  struct Usual {
    const RouteConfig* route = nullptr;
    uint32_t method_and_status = 0;
    Histogram* server = nullptr;
    Histogram* client = nullptr;
  };

  // The same of a verdict: all that the labels of its series say.
  struct UsualError {
    bool Is(const diagnostics::Verdict& verdict, RouteIds ids) const;

    diagnostics::HopList cause;
    diagnostics::HopList reporter;
    diagnostics::RowSet rows;
    diagnostics::FixedText<40> id;
    diagnostics::Basis basis = diagnostics::Basis::kObserved;
    RouteIds route;
    Counter* counter = nullptr;  // null: of none yet
  };

  // The rest is rare. Kept out of Count(), which is small for it.
  [[gnu::noinline, gnu::cold]] void CountUnusual(const Exchange& exchange,
                                                 Time now);
  uint16_t IdOf(const std::string& name);
  Histogram& Server(const Exchange& exchange, RouteIds ids);
  Histogram& AddServer(const Exchange& exchange, RouteIds ids, uint64_t key);
  Histogram& Client(const AttemptRecord& attempt, uint16_t upstream);
  void CountAttempt(const AttemptRecord& attempt, uint16_t upstream, Time now);
  Histogram& AddClient(const AttemptRecord& attempt, uint16_t upstream,
                       uint64_t key);
  void CountPhases(const AttemptRecord& attempt);
  void CountFirstByte(const AttemptRecord& attempt);
  void CountError(const diagnostics::Verdict& verdict, RouteIds ids);
  Counter& Error(const diagnostics::Verdict& verdict, RouteIds ids);
  Histogram& phase(UpstreamPhase phase) {
    return phases_[static_cast<size_t>(phase)];
  }

  SeriesList<Histogram> server_;
  SeriesList<Histogram> client_;
  SeriesList<Counter> errors_;
  Histogram phases_[std::size(kUpstreamPhases)];

  // The worker's alone.
  Usual usual_;
  // An outage is the same few errors over and over: each has a place by its
  // fault and route, and whoever comes to it last keeps it.
  std::array<UsualError, 32> usual_errors_;
  std::vector<std::string> names_;  // of routes and upstreams; an id each
  SeriesIndex<Histogram> server_index_;
  SeriesIndex<Histogram> client_index_;
  std::unordered_map<std::string, Counter*> error_index_;
  Labels labels_;     // of the series that is looked for
  std::string text_;  // of one of them
};

}  // namespace whichhop
