// What a valid configuration becomes.

#include "proxy/server/config_loader.h"

#include <chrono>
#include <string>
#include <string_view>

#include "tests/catch.h"

namespace whichhop {

namespace {

using diagnostics::Answers;
using diagnostics::Position;
using diagnostics::Statuses;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::string_view kLeast =
    "listen: [\"127.0.0.1:8080\"]\n"
    "upstreams: {app: {servers: [\"127.0.0.1:9000\"]}}\n"
    "routes: [{upstream: app}]\n";

// The configuration that `yaml` says; the test fails if it says none.
Config Load(std::string_view yaml) {
  ConfigErrors errors;
  const auto config = LoadConfig(yaml, errors);
  for (const ConfigError& error : errors) {
    FAIL_CHECK(FormatConfigError("yaml", error));
  }
  REQUIRE(config);
  return *config;
}

// The least that serves, and `yaml`.
Config LoadLeastAnd(std::string_view yaml) {
  return Load(std::string(kLeast) + std::string(yaml));
}

// A configuration with that one route.
RouteConfig LoadRoute(std::string_view route) {
  return Load(
             "listen: [\":80\"]\nupstreams: {a: {servers: [10.0.0.1:1]}, b: "
             "{servers: [10.0.0.2:1]}}\nroutes:\n  - " +
             std::string(route))
      .routes[0];
}

}  // namespace

TEST_CASE("a server may have a name, which nameservers of our own know") {
  const Config config = Load(
      "listen: [\":80\"]\n"
      "node: {resolvers: [\"127.0.0.1:5353\", \"[::1]:53\"]}\n"
      "timeouts: {dns: 2s}\n"
      "upstreams: {a: {servers: [App.Internal:8000, {address: \"my_app.:80\"}, "
      "\"10.0.0.1:1\"]}}\n"
      "routes: [{upstream: a}]\n");
  const auto& servers = config.upstreams[0].servers;
  CHECK(servers[0].text == "app.internal:8000");
  CHECK(servers[0].host == "app.internal");
  CHECK(servers[0].port == 8000);
  CHECK(servers[0].address.size() == 0);
  CHECK(servers[1].host == "my_app.");
  CHECK(servers[2].host.empty());
  CHECK(config.node.resolvers.size() == 2);
  CHECK(config.timeouts.dns == seconds(2));
}

TEST_CASE("what the least configuration leaves out has its default") {
  const Config config = Load(kLeast);
  CHECK(config.node.name == "whichhop");
  CHECK(config.node.position == Position::kLb);
  CHECK(config.node.workers == 0);
  CHECK(config.trusted_proxies.empty());
  CHECK(config.timeouts.client_idle == seconds(910));
  CHECK(config.timeouts.dns == seconds(5));
  CHECK(config.node.resolvers.empty());
  CHECK(config.timeouts.connect == seconds(3));
  CHECK(config.timeouts.upstream_idle == seconds(4));
  CHECK(config.timeouts.tunnel == hours(1));
  CHECK(config.limits.header_bytes == 32768);
  CHECK(config.limits.request_target == 8192);
  CHECK(config.limits.request_body == kUnlimited);
  CHECK(config.upstreams[0].is == Answers::kUnset);
  CHECK(config.upstreams[0].servers[0].weight == 1);
  CHECK(config.upstreams[0].balance == Balance::kRoundRobin);
  CHECK(config.upstreams[0].max_connections == 0);
  CHECK(config.upstreams[0].servers[0].max_connections == 0);
  CHECK_FALSE(config.upstreams[0].health_check);
  CHECK_FALSE(config.upstreams[0].eject);
  CHECK_FALSE(config.upstreams[0].buffer_request);
  CHECK_FALSE(config.upstreams[0].believe);
  CHECK(config.timeouts.queue == seconds(1));
  CHECK(config.limits.request_buffer == 1024 * 1024);
  CHECK(config.upstreams[0].retry.attempts == 1);
  CHECK(config.upstreams[0].retry.on_connect);
  CHECK(config.upstreams[0].retry.on_stale);
  CHECK(config.errors.statuses == Statuses::kGateway);
  CHECK(config.errors.details == Everyone::kOperators);
  CHECK(config.logs.access == "stdout");
  CHECK(config.logs.operator_log == "stderr");
}

TEST_CASE("an upstream's servers, checks and limits") {
  const Config config = Load(
      "listen: [\":80\"]\n"
      "timeouts: {queue: 250ms}\n"
      "limits: {request_buffer: 64KiB}\n"
      "upstreams:\n"
      "  a:\n"
      "    servers: [{address: \"[::1]:1\", max_connections: 4}]\n"
      "    balance: random_two\n"
      "    max_connections: 9\n"
      "    health_check: {path: \"/up?deep=1\", interval: 1s, timeout: 10ms,\n"
      "                   healthy: 1, unhealthy: 9}\n"
      "    eject: {consecutive_faults: 2, for: 1m}\n"
      "    buffer_request: true\n"
      "    believe: true\n"
      "  b: {servers: [\"unix:/b\"], balance: hash, health_check: {}, eject: "
      "{}}\n"
      "  c: {servers: [\"127.0.0.1:1\"], balance: least_requests}\n"
      "routes: [{upstream: a}]\n");
  const UpstreamConfig& a = config.upstreams[0];
  CHECK(a.servers[0].max_connections == 4);
  CHECK(a.balance == Balance::kRandomTwo);
  CHECK(a.max_connections == 9);
  CHECK(a.health_check ==
        HealthCheckConfig{"/up?deep=1", seconds(1), milliseconds(10), 1, 9});
  CHECK(a.eject == EjectConfig{2, seconds(60)});
  CHECK(a.buffer_request);
  CHECK(a.believe);
  CHECK(config.timeouts.queue == milliseconds(250));
  CHECK(config.limits.request_buffer == 65536);
  const UpstreamConfig& b = config.upstreams[1];
  CHECK(b.balance == Balance::kHash);
  CHECK(b.health_check == HealthCheckConfig());
  CHECK(b.eject == EjectConfig());
  CHECK(config.upstreams[2].balance == Balance::kLeastRequests);
}

TEST_CASE("the least configuration names its listener, server and route") {
  const Config config = Load(kLeast);
  REQUIRE(config.listen.size() == 1);
  CHECK(config.listen[0].address.ToString() == "127.0.0.1:8080");
  REQUIRE(config.upstreams.size() == 1);
  CHECK(config.upstreams[0].name == "app");
  CHECK(config.upstreams[0].servers[0].text == "127.0.0.1:9000");
  REQUIRE(config.routes.size() == 1);
  CHECK(config.routes[0].upstream == 0);
  CHECK(config.routes[0].respond == 0);
  CHECK(config.routes[0].label == "/");
}

TEST_CASE("every key of node is read") {
  const Config config =
      LoadLeastAnd("node: {name: edge-1, position: cdn, workers: 4}\n");
  CHECK(config.node.name == "edge-1");
  CHECK(config.node.position == Position::kCdn);
  CHECK(config.node.workers == 4);
  CHECK(LoadLeastAnd("node: {workers: auto}\n").node.workers == 0);
}

TEST_CASE("admin and probes are off unless they have an address") {
  const Config off = LoadLeastAnd("");
  CHECK(off.admin.address.size() == 0);
  CHECK(off.probes.address.size() == 0);
  const Config on = LoadLeastAnd(
      "probes: {address: \"0.0.0.0:9902\"}\n"
      "admin: {address: \"unix:/run/whichhop-admin.sock\"}\n");
  CHECK(on.admin.address.ToString() == "unix:/run/whichhop-admin.sock");
  CHECK(on.probes.address.ToString() == "0.0.0.0:9902");
}

TEST_CASE("listeners may all leave their port to the kernel") {
  const Config config = LoadLeastAnd(
      "admin: {address: \"127.0.0.1:0\"}\n"
      "probes: {address: \"127.0.0.1:0\"}\n");
  CHECK(config.admin.address == config.probes.address);
}

TEST_CASE("every timeout is read, in any unit") {
  const Config config = LoadLeastAnd(
      "timeouts: {request_head: 1ms, request_body: 2s, client_write: 3m,\n"
      "  client_idle: 4h, connect: 5ms, response_head: 6s, response_body: 7m,\n"
      "  upstream_idle: 8h, tunnel: 10h, drain_delay: 9s, drain: 720h}\n");
  const TimeoutsConfig& timeouts = config.timeouts;
  CHECK(timeouts.request_head == milliseconds(1));
  CHECK(timeouts.request_body == seconds(2));
  CHECK(timeouts.client_write == minutes(3));
  CHECK(timeouts.client_idle == hours(4));
  CHECK(timeouts.connect == milliseconds(5));
  CHECK(timeouts.response_head == seconds(6));
  CHECK(timeouts.response_body == minutes(7));
  CHECK(timeouts.upstream_idle == hours(8));
  CHECK(timeouts.tunnel == hours(10));
  CHECK(timeouts.drain_delay == seconds(9));
  CHECK(timeouts.drain == hours(720));
}

TEST_CASE("every limit is read") {
  const Config config = LoadLeastAnd(
      "limits: {header_bytes: 1MiB, header_fields: 1000, request_target: "
      "1MiB,\n"
      "  request_body: 3GiB, connections: 4000000, strict_query: true}\n");
  CHECK(config.limits.header_bytes == 1048576);
  CHECK(config.limits.header_fields == 1000);
  CHECK(config.limits.request_target == 1048576);
  CHECK(config.limits.request_body == 3221225472);
  CHECK(config.limits.connections == 4000000);
  CHECK(config.limits.strict_query);
}

TEST_CASE("a body limit of nothing is a limit, and unlimited a word") {
  CHECK(LoadLeastAnd("limits: {request_body: 0B}\n").limits.request_body == 0);
  CHECK(
      LoadLeastAnd("limits: {request_body: unlimited}\n").limits.request_body ==
      kUnlimited);
}

TEST_CASE("a small head makes the default request target smaller") {
  const Config config = LoadLeastAnd("limits: {header_bytes: 4KiB}\n");
  CHECK(config.limits.request_target == 4096);
}

TEST_CASE("every key of an upstream is read") {
  const Config config = Load(
      "listen: [\":80\"]\nroutes: [{respond: 200}]\nupstreams:\n"
      "  one: {is: app, servers: [unix:/run/a.sock], retry: {attempts: 0}}\n"
      "  two:\n"
      "    is: lb\n"
      "    servers: [{address: \"[::1]:80\", weight: 256, rack: r-1}]\n"
      "    retry: {on: [stale], attempts: 10}\n"
      "  three: {is: server, servers: [10.0.0.1:1], retry: {on: []}}\n");
  REQUIRE(config.upstreams.size() == 3);
  CHECK(config.upstreams[0].is == Answers::kApp);
  CHECK(config.upstreams[0].servers[0].text == "unix:/run/a.sock");
  CHECK(config.upstreams[0].retry.attempts == 0);
  CHECK(config.upstreams[1].is == Answers::kLb);
  CHECK(config.upstreams[1].servers[0].address.ToString() == "[::1]:80");
  CHECK(config.upstreams[1].servers[0].weight == 256);
  CHECK(config.upstreams[1].servers[0].rack == "r-1");
  CHECK(config.upstreams[1].retry.attempts == 10);
  CHECK(config.upstreams[1].retry.on_stale);
  CHECK_FALSE(config.upstreams[1].retry.on_connect);
  CHECK(config.upstreams[2].is == Answers::kServer);
  CHECK_FALSE(config.upstreams[2].retry.on_stale);
}

TEST_CASE("every key of a route is read") {
  const RouteConfig route = LoadRoute(
      "{host: Shop.Example, path: /api/, methods: [GET, PURGE], upstream: b}");
  CHECK(route.host == "shop.example");
  CHECK(route.path == "/api/");
  CHECK(route.methods == std::vector<std::string>{"GET", "PURGE"});
  CHECK(route.upstream == 1);
  CHECK(route.label == "shop.example/api/");
  CHECK(LoadRoute("{path: /coffee, respond: 418}").respond == 418);
}

TEST_CASE("a route may name an upstream that stands below it") {
  CHECK(Load("routes: [{upstream: b}]\n"
             "upstreams: {a: {servers: [10.0.0.1:1]}, b: {servers: "
             "[10.0.0.1:1]}}\nlisten: [\":80\"]\n")
            .routes[0]
            .upstream == 1);
}

TEST_CASE("a route's host is a name, a suffix or an address") {
  for (const std::string host :
       {"localhost", "a_b.example", "\"*.example\"", "10.0.0.1", "\"[::1]\"",
        "xn--caf-dma.example", "1.example"}) {
    CHECK(LoadRoute("{host: " + host + ", upstream: a}").label.ends_with("/"));
  }
}

TEST_CASE("routes that differ in a method are two") {
  const Config config = LoadLeastAnd("node: {}\n");
  CHECK(config.routes.size() == 1);
  CHECK(Load("listen: [\":80\"]\nroutes:\n"
             "  - {path: /a, methods: [GET], respond: 200}\n"
             "  - {path: /a, methods: [GET, PUT], respond: 404}\n"
             "  - {path: /a, respond: 405}\n")
            .routes.size() == 3);
}

TEST_CASE("listeners on a port of the kernel's choice are many") {
  CHECK(Load("listen: [127.0.0.1:0, 127.0.0.1:0, {address: unix:/run/w}]\n"
             "routes: [{respond: 200}]\n")
            .listen.size() == 3);
}

TEST_CASE("a listener takes PROXY headers only where it is told to") {
  const Config config = Load(
      "listen: [\":80\", {address: \":81\"}, {address: \":82\", "
      "proxy_protocol: off}, {address: \":83\", proxy_protocol: optional}, "
      "{address: \":84\", proxy_protocol: required}]\n"
      "routes: [{respond: 200}]\n");
  REQUIRE(config.listen.size() == 5);
  for (size_t i = 0; i < 3; ++i) {
    CHECK(config.listen[i].proxy_protocol == ProxyProtocol::kOff);
  }
  CHECK(config.listen[3].proxy_protocol == ProxyProtocol::kOptional);
  CHECK(config.listen[4].proxy_protocol == ProxyProtocol::kRequired);
}

TEST_CASE("networks hold the addresses in them") {
  const Config config =
      LoadLeastAnd("trusted_proxies: [10.0.0.0/8, \"2001:db8::/32\", ::1]\n");
  REQUIRE(config.trusted_proxies.size() == 3);
  CHECK(config.trusted_proxies[0].Contains(*Address::Parse("10.1.2.3:4")));
  CHECK(config.trusted_proxies[1].Contains(*Address::Parse("[2001:db8::1]:4")));
  CHECK_FALSE(config.trusted_proxies[2].Contains(*Address::Parse("[::2]:4")));
}

TEST_CASE("every key of errors and logs is read") {
  const Config config = LoadLeastAnd(
      "errors: {statuses: edge, body: keep, fields: nobody, details: everyone,"
      " operators: [192.0.2.1], cors: true}\n"
      "logs: {access: \"off\", operator: ./w.log, query: true}\n");
  CHECK(config.errors.statuses == Statuses::kEdge);
  CHECK(config.errors.body == BodyPolicy::kKeep);
  CHECK(config.errors.fields == Everyone::kNobody);
  CHECK(config.errors.details == Everyone::kEveryone);
  CHECK(config.errors.operators.size() == 1);
  CHECK(config.errors.cors);
  CHECK(config.logs.access == "off");
  CHECK(config.logs.operator_log == "./w.log");
  CHECK(config.logs.query);
}

TEST_CASE("automatic statuses follow the position, wherever it stands") {
  const auto statuses = [](std::string_view yaml) {
    return LoadLeastAnd(yaml).errors.statuses;
  };
  CHECK(statuses("node: {position: lb}\n") == Statuses::kGateway);
  CHECK(statuses("node: {position: cdn}\n") == Statuses::kEdge);
  CHECK(statuses("errors: {statuses: auto}\nnode: {position: cdn}\n") ==
        Statuses::kEdge);
  CHECK(statuses("errors: {statuses: gateway}\nnode: {position: cdn}\n") ==
        Statuses::kGateway);
}

TEST_CASE("words of ours are words, not what YAML makes of them") {
  const Config config =
      LoadLeastAnd("node: {name: 010}\nlogs: {access: off}\n");
  CHECK(config.node.name == "010");
  CHECK(config.logs.access == "off");
}

TEST_CASE("how the YAML is written does not matter") {
  const std::string json =
      "\xEF\xBB\xBF{\"listen\": [\":80\"],\r\n\"routes\": [{\"respond\": "
      "200}]}\r\n";
  CHECK(Load(json).listen.size() == 1);
  CHECK(Load("%YAML 1.2\n---\n? listen\n: - \":80\"\n\t\n\t# a tab\nroutes:\n"
             "- respond: 200\t# coffee\n...\n")
            .routes[0]
            .respond == 200);
}

TEST_CASE("loading again forgets the errors of before") {
  ConfigErrors errors;
  CHECK_FALSE(LoadConfig("[]", errors));
  CHECK(LoadConfig(kLeast, errors));
  CHECK(errors.empty());
}

TEST_CASE("a topology says which hop a network is") {
  const Config config =
      LoadLeastAnd("topology: {isp: [198.51.100.0/24], tor: [10.0.0.1]}\n");
  REQUIRE(config.topology.size() == 2);
  CHECK(config.topology[0].hop == diagnostics::Hop::kIsp);
  CHECK(config.topology[1].network.Contains(*Address::Parse("10.0.0.1:80")));
}

TEST_CASE("a topology names hops of the model and networks") {
  ConfigErrors errors;
  CHECK_FALSE(LoadConfig(
      std::string(kLeast) + "topology: {tors: [10.0.0.1], isp: [10.0.0.300]}\n",
      errors));
  REQUIRE(errors.size() == 2);
  CHECK(errors[0].message == "no hop is named `tors`; did you mean `tor`?");
  CHECK(errors[0].place.column == 12);
  CHECK(errors[1].place.column == 36);
}

TEST_CASE("a retry budget is a percentage") {
  const auto with = [](const std::string& budget) {
    return "listen: [\":80\"]\nroutes: [{upstream: a}]\nupstreams: {a: {"
           "servers: [\"127.0.0.1:1\"], retry: {budget: " +
           budget + "}}}\n";
  };
  CHECK(Load(with("5%")).upstreams[0].retry.budget_percent == 5);
  for (const char* wrong : {"5", "101%", "-1%", "5.5%", "%", "5 %"}) {
    ConfigErrors errors;
    CHECK_FALSE(LoadConfig(with(wrong), errors));
    REQUIRE(errors.size() == 1);
    CHECK(errors[0].place.column == 59);
  }
}

}  // namespace whichhop
