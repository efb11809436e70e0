#pragma once
// The configuration, checked and complete: what config_loader made of the
// YAML, with every default filled in. Immutable once loaded; workers share it
// by shared_ptr<const Config>. Units: durations in milliseconds, sizes in
// bytes.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "diagnostics/cdn.h"
#include "diagnostics/hop.h"
#include "diagnostics/page_template.h"
#include "proxy/http/head.h"
#include "proxy/net/address.h"
#include "proxy/upstream/balance.h"

namespace whichhop {

class TlsClient;
class TlsServer;

using std::chrono::milliseconds;

struct NodeConfig {
  std::string name = "whichhop";  // a token (RFC 9110); Proxy-Status and Via
  diagnostics::Position position = diagnostics::Position::kLb;
  int workers = 0;   // 0: one a core
  std::string user;  // drop privileges to it once bound; empty: stay
  std::vector<Address> resolvers;  // nameservers; empty: /etc/resolv.conf's

  bool operator==(const NodeConfig&) const = default;
};

// Whether connections begin with the header of a TCP balancer.
enum class ProxyProtocol : uint8_t { kOff, kOptional, kRequired };

struct ListenConfig {
  Address address;
  ProxyProtocol proxy_protocol = ProxyProtocol::kOff;
  std::shared_ptr<const TlsServer> tls = nullptr;  // null: plain
};

// A listener of the Admin.
struct AdminConfig {
  Address address;  // of size 0: off
};

struct TimeoutsConfig {
  milliseconds request_head{10'000};   // total, from its first byte
  milliseconds request_body{30'000};   // a stall
  milliseconds client_write{30'000};   // a stall while the client is sent to
  milliseconds client_idle{910'000};   // between requests
  milliseconds queue{1'000};           // for a slot of an upstream's limits
  milliseconds dns{5'000};             // an upstream's name, in all
  milliseconds connect{3'000};         // SYN to SYN-ACK
  milliseconds tls{5'000};             // a handshake, with either side
  milliseconds response_head{60'000};  // request written to head complete
  milliseconds response_body{30'000};  // a stall
  milliseconds upstream_idle{4'000};   // in the pool
  milliseconds tunnel{3'600'000};      // silence both ways, once switched
  milliseconds drain_delay{0};         // TERM to closing the listeners
  milliseconds drain{30'000};          // then to cutting connections

  bool operator==(const TimeoutsConfig&) const = default;
};

inline constexpr uint64_t kUnlimited = std::numeric_limits<uint64_t>::max();

struct LimitsConfig {
  size_t header_bytes = 32 * 1024;   // a whole head, request or response
  size_t header_fields = 128;        // field lines of a head
  size_t request_target = 8 * 1024;  // else 414; at most header_bytes
  uint64_t request_body = kUnlimited;
  // Client connections, per process. 0, the default: 65536, or as many as the
  // hard limit of descriptors allows.
  size_t connections = 0;
  // Those of them that are inside of the TLS handshake.
  size_t handshakes = 4096;
  // Requests that wait for a connection to an upstream, or for a slot of its
  // limits, per process; more are shed with a 503.
  size_t pending = 1024;
  size_t request_buffer = 1024 * 1024;  // of a body, where it is buffered
  size_t request_buffers = 256 * 1024 * 1024;  // of all of them, per process
  bool strict_query = false;  // refuse malformed percent-encoding

  HeadLimits head() const {
    return {header_bytes, header_fields, request_target, strict_query};
  }
  bool operator==(const LimitsConfig&) const = default;
};

struct ServerConfig {
  Address address;   // a literal one; else of size 0, and `host` has a name
  std::string text;  // as Address::ToString() writes it, or "name:port"
  unsigned weight = 1;
  std::string rack;   // servers of one rack share a switch
  std::string host;   // the name that the DNS is asked for, in lower case
  uint16_t port = 0;  // of `host`
  uint32_t max_connections = 0;  // requests in flight, per process; 0: no limit

  // By which name TLS knows it.
  std::string tls_host() const { return host.empty() ? address.Host() : host; }
};

struct RetryConfig {
  unsigned attempts = 1;  // after the first
  bool on_connect = true;
  bool on_stale = true;
  unsigned budget_percent = 20;  // of the requests to this upstream

  bool operator==(const RetryConfig&) const = default;
};

struct HealthCheckConfig {
  std::string path = "/healthz";  // of a GET to each server
  milliseconds interval{5'000};   // from one to the next
  milliseconds timeout{1'000};    // of all of one
  uint32_t healthy = 2;           // good ones in a row that bring one back
  uint32_t unhealthy = 3;         // bad ones in a row that take one out

  bool operator==(const HealthCheckConfig&) const = default;
};

struct EjectConfig {
  uint32_t consecutive_faults = 5;
  milliseconds time{30'000};  // how long it stays out

  bool operator==(const EjectConfig&) const = default;
};

struct UpstreamConfig {
  std::string name;
  diagnostics::Answers is = diagnostics::Answers::kUnset;
  std::vector<ServerConfig> servers;  // at least one
  Balance balance = Balance::kRoundRobin;
  uint32_t max_connections = 0;  // of all servers together; 0: no limit
  std::optional<HealthCheckConfig> health_check;  // absent: off
  std::optional<EjectConfig> eject;               // absent: off
  RetryConfig retry;
  bool buffer_request = false;  // read it whole before a server is asked
  bool believe = false;         // what it says of blame counts
  std::shared_ptr<const TlsClient> tls = nullptr;  // null: plain
};

// The public is told of another status than was met.
struct MaskConfig {
  uint16_t status = 0;   // 400 to 499
  uint16_t claimed = 0;  // so too; no other mask's `status`
};

// Of the routes, the first that matches is taken. Empty: matches all.
struct RouteConfig {
  std::string host;  // lower case, without port; or "*.suffix"; v6 in [ ]
  std::string path;  // a prefix of the path
  std::vector<std::string> methods;  // exact
  size_t upstream = 0;               // index in Config::upstreams
  int respond = 0;                   // a status to author here; 0: relay
  std::vector<MaskConfig> masks;
  std::string label;  // http_route of the log: host and path

  // What the public is told in place of this status: itself, where it may be
  // another's mask, and has to look like it. 0: nothing is masked by it.
  uint16_t Claimed(uint16_t met) const;
};

enum class Everyone : uint8_t { kNobody, kOperators, kEveryone };
enum class BodyPolicy : uint8_t { kAugment, kReplace, kKeep };

struct ErrorsConfig {
  diagnostics::Statuses statuses = diagnostics::Statuses::kGateway;  // resolved
  BodyPolicy body = BodyPolicy::kAugment;
  Everyone fields = Everyone::kEveryone;
  Everyone details = Everyone::kOperators;
  std::vector<Network> operators;
  std::string operator_ca;  // a file; who shows one of its is one too; or empty
  bool cors = false;
  diagnostics::Cdn cdn = diagnostics::Cdn::kNone;  // before us
  // In place of our HTML page; null: ours.
  std::shared_ptr<const diagnostics::PageTemplate> page = nullptr;
};

// Which hop a network is. Of several that hold an address the first counts.
struct TopologyConfig {
  diagnostics::Hop hop;
  Network network;
};

std::optional<diagnostics::Hop> HopAt(
    const std::vector<TopologyConfig>& topology, const Address& address);

struct LogsConfig {
  std::string access = "stdout";  // stdout | stderr | off | a path, with a /
  std::string operator_log = "stderr";
  bool query = false;  // log url_query

  bool operator==(const LogsConfig&) const = default;
};

struct Config {
  NodeConfig node;
  std::vector<ListenConfig> listen;
  std::vector<Network> trusted_proxies;
  AdminConfig admin;
  AdminConfig probes;
  TimeoutsConfig timeouts;
  LimitsConfig limits;
  std::vector<UpstreamConfig> upstreams;
  std::vector<RouteConfig> routes;
  ErrorsConfig errors;
  std::vector<TopologyConfig> topology;
  LogsConfig logs;
};

// The index of the one with that name, or address; past the end if none has.
size_t IndexOfUpstream(const Config& config, const std::string& name);
size_t IndexOfServer(const std::vector<ServerConfig>& servers,
                     const std::string& text);

}  // namespace whichhop
