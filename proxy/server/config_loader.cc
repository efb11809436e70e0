#include "proxy/server/config_loader.h"

#include <algorithm>
#include <map>
#include <utility>

#include "diagnostics/model.h"
#include "proxy/base/text.h"
#include "proxy/server/config_checks.h"
#include "proxy/server/config_pages.h"
#include "proxy/server/config_rows.h"
#include "proxy/server/config_suggest.h"
#include "proxy/server/config_text.h"
#include "proxy/server/config_tls.h"
#include "proxy/server/config_units.h"
#include "proxy/server/schema.h"
#include "proxy/server/server_address.h"

namespace whichhop {

namespace {

using diagnostics::Answers;
using diagnostics::Position;
using diagnostics::Statuses;

constexpr uint64_t kKiB = 1024;
constexpr uint64_t kMiB = 1024 * kKiB;

// --- node ------------------------------------------------------------------

constexpr Word<Position> kPositions[] = {{"lb", Position::kLb},
                                         {"cdn", Position::kCdn}};

void ReadWorkers(const ConfigNode& node, NodeConfig& owner,
                 ConfigErrors& errors) {
  const Word<uint64_t> one_a_core{"auto", 0};
  const auto workers = ReadInteger(node, {1, 1024}, errors, one_a_core);
  Assign<&NodeConfig::workers>(owner, workers);
}

// "" is the default: stay who we are.
void ReadUser(const ConfigNode& node, NodeConfig& owner, ConfigErrors& errors) {
  if (node.kind == ConfigNode::Kind::kWord && node.text.empty()) return;
  Text<&NodeConfig::user, LabelProblem>(node, owner, errors);
}

void ReadResolvers(const ConfigNode& node, NodeConfig& owner,
                   ConfigErrors& errors) {
  for (const ConfigNode& item : ReadList(node, AtLeast::kNone, errors)) {
    const auto text = ReadChecked(item, ResolverAddressProblem, errors);
    if (text) owner.resolvers.push_back(*Address::Parse(*text));
  }
}

constexpr Row<NodeConfig> kNodeRows[] = {
    {{"name"}, Text<&NodeConfig::name, NodeNameProblem>},
    {{"position"}, Choice<&NodeConfig::position, kPositions>},
    {{"workers"}, ReadWorkers},
    {{"user"}, ReadUser},
    {{"resolvers"}, ReadResolvers},
};

// --- listen ----------------------------------------------------------------

constexpr Word<ProxyProtocol> kProxyProtocols[] = {
    {"off", ProxyProtocol::kOff},
    {"optional", ProxyProtocol::kOptional},
    {"required", ProxyProtocol::kRequired}};

// A listener, and who may prove to be an operator there.
struct ListenDraft : ListenConfig {
  const std::string& operator_ca;
};

void ReadListenTlsOf(const ConfigNode& node, ListenDraft& draft,
                     ConfigErrors& errors) {
  ReadListenTls(node, draft.operator_ca, draft, errors);
}

// What is spoken: of what there will be, one is there.
void ReadProtocols(const ConfigNode& node, ListenDraft&, ConfigErrors& errors) {
  constexpr Word<bool> kProtocols[] = {{"h2", false}, {"http/1.1", true}};
  std::map<std::string, size_t> seen;
  for (const ConfigNode& item : ReadList(node, AtLeast::kOne, errors)) {
    const auto supported = ReadWord(item, kProtocols, errors);
    if (!supported) continue;
    RefuseTwice(seen, item.text, Quote(item.text), item.place, errors);
    if (*supported) continue;
    errors.push_back(
        {item.place, Quote(item.text) + " is not supported by this version"});
  }
}

constexpr Row<ListenDraft> kListenRows[] = {
    {{"address", Presence::kRequired},
     AddressText<&ListenDraft::address, ListenAddressProblem>},
    {{"tls"}, ReadListenTlsOf, ListListenTlsKeys},
    {{"protocols"}, ReadProtocols},
    {{"proxy_protocol"}, Choice<&ListenDraft::proxy_protocol, kProxyProtocols>},
};

// The place of an address that stands alone or in a map.
ConfigPlace AddressPlace(const ConfigNode& item) {
  const ConfigNode* address = item.Find("address");
  return address == nullptr ? item.place : address->place;
}

// Stands after errors, which say who an operator is.
void ReadListen(const ConfigNode& node, Config& config, ConfigErrors& errors) {
  std::map<std::string, size_t> seen;
  for (const ConfigNode& item : ReadList(node, AtLeast::kOne, errors)) {
    ListenDraft listen{{}, config.errors.operator_ca};
    if (item.kind == ConfigNode::Kind::kMap) {
      ReadMap(item, kListenRows, listen, errors);
    } else {
      AddressText<&ListenDraft::address, ListenAddressProblem>(item, listen,
                                                               errors);
    }
    if (listen.address.size() == 0) continue;  // it had its error
    const std::string text = listen.address.ToString();
    const bool chosen_by_kernel =
        !listen.address.is_unix() && listen.address.port() == 0;
    if (!chosen_by_kernel) {
      RefuseTwice(seen, text, Quote(text), AddressPlace(item), errors);
    }
    config.listen.push_back(listen);
  }
}

// --- admin, probes -----------------------------------------------------------

constexpr Row<AdminConfig> kAdminRows[] = {
    {{"address", Presence::kRequired},
     AddressText<&AdminConfig::address, ListenAddressProblem>},
};

// Adds an error where `owner`, another key's, has the address already.
void RefuseAddressOf(std::string_view owner, const Address& taken,
                     const Address& address, ConfigPlace place,
                     ConfigErrors& errors) {
  if (!(taken == address)) return;
  errors.push_back({place, Quote(address.ToString()) + " is the address of `" +
                               std::string(owner) + "` already"});
}

// Stands after listen; probes after admin.
template <AdminConfig Config::*kMember>
void ReadAdmin(const ConfigNode& node, Config& config, ConfigErrors& errors) {
  AdminConfig& admin = config.*kMember;
  ReadMap(node, kAdminRows, admin, errors);
  const Address& address = admin.address;
  const bool chosen_by_kernel = !address.is_unix() && address.port() == 0;
  if (address.size() == 0 || chosen_by_kernel) return;
  const ConfigPlace place = AddressPlace(node);
  for (const ListenConfig& listen : config.listen) {
    RefuseAddressOf("listen", listen.address, address, place, errors);
  }
  if (&admin == &config.admin) return;
  RefuseAddressOf("admin", config.admin.address, address, place, errors);
}

// --- timeouts, limits ------------------------------------------------------

constexpr Row<TimeoutsConfig> kTimeoutRows[] = {
    {{"request_head"}, Interval<&TimeoutsConfig::request_head>},
    {{"request_body"}, Interval<&TimeoutsConfig::request_body>},
    {{"client_write"}, Interval<&TimeoutsConfig::client_write>},
    {{"client_idle"}, Interval<&TimeoutsConfig::client_idle>},
    {{"queue"}, Interval<&TimeoutsConfig::queue>},
    {{"dns"}, Interval<&TimeoutsConfig::dns>},
    {{"connect"}, Interval<&TimeoutsConfig::connect>},
    {{"tls"}, Interval<&TimeoutsConfig::tls>},
    {{"response_head"}, Interval<&TimeoutsConfig::response_head>},
    {{"response_body"}, Interval<&TimeoutsConfig::response_body>},
    {{"upstream_idle"}, Interval<&TimeoutsConfig::upstream_idle>},
    {{"tunnel"}, Interval<&TimeoutsConfig::tunnel>},
    {{"drain_delay"}, Interval<&TimeoutsConfig::drain_delay, 0>},
    {{"drain"}, Interval<&TimeoutsConfig::drain>},
};

// Stands after header_bytes, which holds the request target too.
void ReadRequestTarget(const ConfigNode& node, LimitsConfig& limits,
                       ConfigErrors& errors) {
  const Range<uint64_t> range{256, limits.header_bytes};
  Assign<&LimitsConfig::request_target>(limits, ReadSize(node, range, errors));
}

constexpr Row<LimitsConfig> kLimitRows[] = {
    {{"header_bytes"}, Size<&LimitsConfig::header_bytes, kKiB, kMiB>},
    {{"header_fields"}, Integer<&LimitsConfig::header_fields, 8, 1000>},
    {{"request_target"}, ReadRequestTarget},
    {{"request_body"}, SizeOrUnlimited<&LimitsConfig::request_body>},
    {{"connections"}, Integer<&LimitsConfig::connections, 1, 4'000'000>},
    {{"handshakes"}, Integer<&LimitsConfig::handshakes, 1, 4'000'000>},
    {{"pending"}, Integer<&LimitsConfig::pending, 1, 4'000'000>},
    {{"request_buffer"}, Size<&LimitsConfig::request_buffer, kKiB, 64 * kMiB>},
    {{"request_buffers"},
     Size<&LimitsConfig::request_buffers, kMiB, 1024 * 1024 * kMiB>},
    {{"strict_query"}, Bool<&LimitsConfig::strict_query>},
};

void ReadLimits(const ConfigNode& node, Config& config, ConfigErrors& errors) {
  LimitsConfig& limits = config.limits;
  ReadMap(node, kLimitRows, limits, errors);
  limits.request_target = std::min(limits.request_target, limits.header_bytes);
}

// --- upstreams -------------------------------------------------------------

constexpr uint64_t kMaxConnections = 4'000'000;

void ReadServer(const ConfigNode& node, ServerConfig& server,
                ConfigErrors& errors) {
  const auto text = ReadChecked(node, ServerAddressProblem, errors);
  if (text) ReadServerAddress(*text, &server);
}

constexpr Row<ServerConfig> kServerRows[] = {
    {{"address", Presence::kRequired}, ReadServer},
    {{"weight"}, Integer<&ServerConfig::weight, 1, 256>},
    {{"rack"}, Text<&ServerConfig::rack, LabelProblem>},
    {{"max_connections"},
     Integer<&ServerConfig::max_connections, 0, kMaxConnections>},
};

void ReadServers(const ConfigNode& node, UpstreamConfig& upstream,
                 ConfigErrors& errors) {
  std::map<std::string, size_t> seen;
  for (const ConfigNode& item : ReadList(node, AtLeast::kOne, errors)) {
    ServerConfig server;
    if (item.kind == ConfigNode::Kind::kMap) {
      ReadMap(item, kServerRows, server, errors);
    } else {
      ReadServer(item, server, errors);
    }
    if (server.text.empty()) continue;  // it had its error
    RefuseTwice(seen, server.text, Quote(server.text), AddressPlace(item),
                errors);
    upstream.servers.push_back(std::move(server));
  }
}

constexpr Word<bool RetryConfig::*> kRetryCauses[] = {
    {"connect", &RetryConfig::on_connect}, {"stale", &RetryConfig::on_stale}};

void ReadRetryOn(const ConfigNode& node, RetryConfig& retry,
                 ConfigErrors& errors) {
  retry.on_connect = false;
  retry.on_stale = false;
  std::map<std::string, size_t> seen;
  for (const ConfigNode& item : ReadList(node, AtLeast::kNone, errors)) {
    const auto cause = ReadWord(item, kRetryCauses, errors);
    if (!cause) continue;
    RefuseTwice(seen, item.text, Quote(item.text), item.place, errors);
    retry.** cause = true;
  }
}

// A share of the requests: 20%.
void ReadBudget(const ConfigNode& node, RetryConfig& retry,
                ConfigErrors& errors) {
  const std::optional<std::string> text = ReadText(node, errors);
  if (!text) return;
  std::string_view number = *text;
  const bool percent = number.ends_with('%');
  if (percent) number.remove_suffix(1);
  const auto value = ParseInteger(number);
  if (percent && value && *value <= 100) {
    retry.budget_percent = static_cast<unsigned>(*value);
    return;
  }
  errors.push_back({node.place,
                    "a percentage from 0% to 100% is expected, "
                    "not " +
                        Quote(*text)});
}

constexpr Row<RetryConfig> kRetryRows[] = {
    {{"attempts"}, Integer<&RetryConfig::attempts, 0, 10>},
    {{"on"}, ReadRetryOn},
    {{"budget"}, ReadBudget},
};

constexpr Word<Answers> kAnswers[] = {
    {"lb", Answers::kLb}, {"server", Answers::kServer}, {"app", Answers::kApp}};

constexpr Word<Balance> kBalances[] = {
    {"round_robin", Balance::kRoundRobin},
    {"least_requests", Balance::kLeastRequests},
    {"random_two", Balance::kRandomTwo},
    {"hash", Balance::kHash}};

constexpr uint64_t kMaxInARow = 1000;

constexpr Row<HealthCheckConfig> kHealthCheckRows[] = {
    {{"path"}, Text<&HealthCheckConfig::path, ProbePathProblem>},
    {{"interval"}, Interval<&HealthCheckConfig::interval, 100>},
    {{"timeout"}, Interval<&HealthCheckConfig::timeout, 10>},
    {{"healthy"}, Integer<&HealthCheckConfig::healthy, 1, kMaxInARow>},
    {{"unhealthy"}, Integer<&HealthCheckConfig::unhealthy, 1, kMaxInARow>},
};

constexpr Row<EjectConfig> kEjectRows[] = {
    {{"consecutive_faults"},
     Integer<&EjectConfig::consecutive_faults, 1, kMaxInARow>},
    {{"for"}, Interval<&EjectConfig::time>},
};

constexpr Row<UpstreamConfig> kUpstreamRows[] = {
    {{"is"}, Choice<&UpstreamConfig::is, kAnswers>},
    {{"servers", Presence::kRequired}, ReadServers, KeysOf<kServerRows>},
    {{"balance"}, Choice<&UpstreamConfig::balance, kBalances>},
    {{"max_connections"},
     Integer<&UpstreamConfig::max_connections, 0, kMaxConnections>},
    {{"health_check"},
     OptionalBlock<&UpstreamConfig::health_check, kHealthCheckRows>,
     KeysOf<kHealthCheckRows>},
    {{"eject"},
     OptionalBlock<&UpstreamConfig::eject, kEjectRows>,
     KeysOf<kEjectRows>},
    {{"buffer_request"}, Bool<&UpstreamConfig::buffer_request>},
    {{"believe"}, Bool<&UpstreamConfig::believe>},
    {{"retry"}, Block<&UpstreamConfig::retry, kRetryRows>, KeysOf<kRetryRows>},
    {{"tls"}, ReadUpstreamTls, ListUpstreamTlsKeys},
    NotYet<UpstreamConfig>("protocol"),
};

void ReadUpstreams(const ConfigNode& node, Config& config,
                   ConfigErrors& errors) {
  for (const ConfigNode& member : ReadMembers(node, errors)) {
    const std::string problem = LabelProblem(member.key);
    if (!problem.empty()) errors.push_back({member.key_place, problem});
    UpstreamConfig upstream;
    upstream.name = member.key;
    ReadMap(member, kUpstreamRows, upstream, errors);
    CheckVerifiable(member, upstream, errors);
    config.upstreams.push_back(std::move(upstream));
  }
}

// --- routes ----------------------------------------------------------------

// A route and the upstreams that it may name.
struct RouteDraft {
  RouteConfig route;
  const std::vector<UpstreamConfig>& upstreams;
};

template <auto kMember, Problem kProblem>
void RouteText(const ConfigNode& node, RouteDraft& draft,
               ConfigErrors& errors) {
  Text<kMember, kProblem>(node, draft.route, errors);
}

void ReadMethods(const ConfigNode& node, RouteDraft& draft,
                 ConfigErrors& errors) {
  std::map<std::string, size_t> seen;
  for (const ConfigNode& item : ReadList(node, AtLeast::kOne, errors)) {
    const auto method = ReadChecked(item, MethodProblem, errors);
    if (!method) continue;
    RefuseTwice(seen, *method, Quote(*method), item.place, errors);
    draft.route.methods.push_back(*method);
  }
}

void ReadUpstreamName(const ConfigNode& node, RouteDraft& draft,
                      ConfigErrors& errors) {
  const std::optional<std::string> name = ReadText(node, errors);
  if (!name) return;
  const auto found =
      std::ranges::find(draft.upstreams, *name, &UpstreamConfig::name);
  draft.route.upstream = static_cast<size_t>(found - draft.upstreams.begin());
  if (found != draft.upstreams.end()) return;
  std::vector<std::string_view> names;
  for (const UpstreamConfig& upstream : draft.upstreams) {
    names.push_back(upstream.name);
  }
  errors.push_back({node.place, "no upstream is named " + Quote(*name) +
                                    DidYouMean(*name, names)});
}

void ReadRespond(const ConfigNode& node, RouteDraft& draft,
                 ConfigErrors& errors) {
  Integer<&RouteConfig::respond, 200, 599>(node, draft.route, errors);
}

constexpr Range<uint64_t> kMaskable{400, 499};
constexpr std::string_view kNoPhrase = "Unknown Status";

// Says what such a status needs that only who means it could give (RFC 9110,
// sections 11.6.1, 11.7.1 and 15.5.22); empty: nothing.
std::string_view ClaimNeeds(uint64_t status) {
  if (status == 401) return "a WWW-Authenticate";
  if (status == 407) return "a Proxy-Authenticate";
  if (status == 426) return "an Upgrade";
  return {};
}

// Of one status, as its key or its value stands there.
std::optional<uint16_t> ReadMaskable(const ConfigNode& node,
                                     ConfigErrors& errors) {
  const auto status = ReadInteger(node, kMaskable, errors);
  if (!status) return std::nullopt;
  return static_cast<uint16_t>(*status);
}

std::optional<uint16_t> ReadClaimed(const ConfigNode& node,
                                    ConfigErrors& errors) {
  const auto status = ReadMaskable(node, errors);
  if (!status) return std::nullopt;
  const std::string_view needed = ClaimNeeds(*status);
  if (!needed.empty()) {
    errors.push_back({node.place, Quote(node.text) + " needs " +
                                      std::string(needed) +
                                      ", which a mask has not"});
    return std::nullopt;
  }
  if (diagnostics::ReasonPhrase(*status) != kNoPhrase) return status;
  errors.push_back({node.place, "nobody knows a status " + Quote(node.text)});
  return std::nullopt;
}

// A mask of a mask would tell of the first.
void RefuseChains(const ConfigNode& node, const std::vector<MaskConfig>& masks,
                  ConfigErrors& errors) {
  for (const ConfigNode& member : node.children) {
    const bool chained = std::ranges::any_of(masks, [&](MaskConfig mask) {
      return std::to_string(mask.status) == member.text;
    });
    if (!chained) continue;
    errors.push_back({member.place, Quote(member.text) + " is masked itself"});
  }
}

void ReadMask(const ConfigNode& node, RouteDraft& draft, ConfigErrors& errors) {
  std::vector<MaskConfig>& masks = draft.route.masks;
  for (const ConfigNode& member : ReadMembers(node, errors)) {
    ConfigNode key = member;
    key.text = member.key;
    key.place = member.key_place;
    const auto status = ReadMaskable(key, errors);
    const auto claimed = ReadClaimed(member, errors);
    if (status && claimed) masks.push_back({*status, *claimed});
  }
  RefuseChains(node, masks, errors);
}

constexpr Row<RouteDraft> kRouteRows[] = {
    {{"host"}, RouteText<&RouteConfig::host, HostProblem>},
    {{"path"}, RouteText<&RouteConfig::path, PathProblem>},
    {{"methods"}, ReadMethods},
    {{"upstream"}, ReadUpstreamName},
    {{"respond"}, ReadRespond},
    {{"mask"}, ReadMask},
};

// Adds the error if not exactly one thing happens on the route.
void CheckAction(const ConfigNode& node, ConfigErrors& errors) {
  const ConfigNode* respond = node.Find("respond");
  const bool relays = node.Find("upstream") != nullptr;
  if (relays != (respond != nullptr)) return;
  const ConfigPlace place = relays ? respond->key_place : node.place;
  errors.push_back(
      {place, relays ? "a route has `upstream` or `respond`, never both"
                     : "a route needs `upstream` or `respond`"});
}

// What a route matches, alike for routes that match the same.
std::string MatchKey(RouteConfig route) {
  std::ranges::sort(route.methods);
  std::string key = route.host + ' ' + route.path;
  for (const std::string& method : route.methods) key += ' ' + method;
  return key;
}

void ReadRoutes(const ConfigNode& node, Config& config, ConfigErrors& errors) {
  std::map<std::string, size_t> seen;
  for (const ConfigNode& item : ReadList(node, AtLeast::kOne, errors)) {
    const size_t errors_before = errors.size();
    RouteDraft draft{{}, config.upstreams};
    ReadMap(item, kRouteRows, draft, errors);
    if (item.kind != ConfigNode::Kind::kMap) continue;
    CheckAction(item, errors);
    if (errors.size() != errors_before) continue;
    RouteConfig& route = draft.route;
    std::ranges::transform(route.host, route.host.begin(), LowerAscii);
    route.label = route.host + (route.path.empty() ? "/" : route.path);
    RefuseTwice(seen, MatchKey(route), "this route", item.place, errors);
    config.routes.push_back(std::move(route));
  }
}

// --- errors, logs ----------------------------------------------------------

constexpr Word<Everyone> kAudiences[] = {{"nobody", Everyone::kNobody},
                                         {"operators", Everyone::kOperators},
                                         {"everyone", Everyone::kEveryone}};
constexpr Word<BodyPolicy> kBodyPolicies[] = {{"augment", BodyPolicy::kAugment},
                                              {"replace", BodyPolicy::kReplace},
                                              {"keep", BodyPolicy::kKeep}};
constexpr Word<std::optional<Statuses>> kStatuses[] = {
    {"auto", std::nullopt},
    {"gateway", Statuses::kGateway},
    {"edge", Statuses::kEdge}};

void ReadStatuses(const ConfigNode& node, ErrorsConfig& owner,
                  ConfigErrors& errors) {
  const auto word = ReadWord(node, kStatuses, errors);
  if (word && *word) owner.statuses = **word;  // auto: as it is by now
}

constexpr Word<diagnostics::Cdn> kCdns[] = {
    {"none", diagnostics::Cdn::kNone},
    {"cloudflare", diagnostics::Cdn::kCloudflare}};

constexpr Row<ErrorsConfig> kErrorRows[] = {
    {{"statuses"}, ReadStatuses},
    {{"body"}, Choice<&ErrorsConfig::body, kBodyPolicies>},
    {{"fields"}, Choice<&ErrorsConfig::fields, kAudiences>},
    {{"details"}, Choice<&ErrorsConfig::details, kAudiences>},
    {{"operators"}, Networks<&ErrorsConfig::operators>},
    {{"cors"}, Bool<&ErrorsConfig::cors>},
    {{"operator_ca"}, ReadOperatorCa},
    {{"cdn"}, Choice<&ErrorsConfig::cdn, kCdns>},
    {{"pages"}, ReadPages, ListPagesKeys},
};

constexpr Row<LogsConfig> kLogRows[] = {
    {{"access"}, Text<&LogsConfig::access, LogTargetProblem>},
    {{"operator"}, Text<&LogsConfig::operator_log, LogTargetProblem>},
    {{"query"}, Bool<&LogsConfig::query>},
};

// --- topology --------------------------------------------------------------

void ReadTopology(const ConfigNode& node, Config& config,
                  ConfigErrors& errors) {
  std::vector<std::string_view> hops;
  for (const auto& text : diagnostics::kHopTexts) hops.push_back(text.name);
  for (const ConfigNode& member : ReadMembers(node, errors)) {
    const auto hop = diagnostics::ParseHop(member.key);
    if (!hop) {
      errors.push_back({member.key_place, "no hop is named " +
                                              Quote(member.key) +
                                              DidYouMean(member.key, hops)});
    }
    for (const ConfigNode& item : ReadList(member, AtLeast::kOne, errors)) {
      const auto text = ReadChecked(item, NetworkProblem, errors);
      if (!text || !hop) continue;
      config.topology.push_back({*hop, *Network::Parse(*text)});
    }
  }
}

// --- The whole -------------------------------------------------------------

// `auto` statuses follow the position.
void ReadNode(const ConfigNode& node, Config& config, ConfigErrors& errors) {
  ReadMap(node, kNodeRows, config.node, errors);
  const bool cdn = config.node.position == Position::kCdn;
  config.errors.statuses = cdn ? Statuses::kEdge : Statuses::kGateway;
}

// Adds the error if `errors.operator_ca` is there and nobody asks for a
// certificate of it.
void CheckOperatorCa(const ConfigNode& root, ConfigErrors& errors) {
  const ConfigNode* const block = root.Find("errors");
  const ConfigNode* const path =
      block == nullptr ? nullptr : block->Find("operator_ca");
  const ConfigNode* const listen = root.Find("listen");
  if (path == nullptr || listen == nullptr) return;
  const bool asks = std::ranges::any_of(
      listen->children,
      [](const ConfigNode& item) { return item.Find("tls") != nullptr; });
  if (asks) return;
  errors.push_back(
      {path->key_place, "`operator_ca` needs a listener with `tls`"});
}

// In the order of reading: `node` before `errors`, which stand before `listen`;
// upstreams before routes.
constexpr Row<Config> kConfigRows[] = {
    {{"node"}, ReadNode, KeysOf<kNodeRows>},
    {{"errors"}, Block<&Config::errors, kErrorRows>, KeysOf<kErrorRows>},
    {{"listen", Presence::kRequired}, ReadListen, KeysOf<kListenRows>},
    {{"admin"}, ReadAdmin<&Config::admin>, KeysOf<kAdminRows>},
    {{"probes"}, ReadAdmin<&Config::probes>, KeysOf<kAdminRows>},
    {{"trusted_proxies"}, Networks<&Config::trusted_proxies>},
    {{"timeouts"},
     Block<&Config::timeouts, kTimeoutRows>,
     KeysOf<kTimeoutRows>},
    {{"limits"}, ReadLimits, KeysOf<kLimitRows>},
    {{"upstreams"}, ReadUpstreams, KeysOf<kUpstreamRows>},
    {{"routes", Presence::kRequired}, ReadRoutes, KeysOf<kRouteRows>},
    {{"topology"}, ReadTopology},
    {{"logs"}, Block<&Config::logs, kLogRows>, KeysOf<kLogRows>},
};

}  // namespace

std::optional<Config> LoadConfig(std::string_view yaml, ConfigErrors& errors) {
  errors.clear();
  const ConfigNode root = ParseConfigTree(yaml, errors);
  Config config;
  if (root.kind == ConfigNode::Kind::kNothing && errors.empty()) {
    errors.push_back({root.place, "the configuration is empty"});
  } else {
    ReadMap(root, kConfigRows, config, errors);
    CheckOperatorCa(root, errors);
  }
  if (errors.empty()) return config;
  std::ranges::stable_sort(errors, {}, &ConfigError::place);
  return std::nullopt;
}

std::vector<std::string> ConfigKeys() {
  std::vector<std::string> keys;
  ListKeys(kConfigRows, "", keys);
  return keys;
}

}  // namespace whichhop
