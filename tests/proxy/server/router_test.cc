// Which route a request takes.

#include "proxy/server/router.h"

#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/proxy/server/heads.h"

namespace whichhop {
namespace {

RouteConfig Route(std::string host, std::string path,
                  std::vector<std::string> methods = {}) {
  RouteConfig route;
  route.host = std::move(host);
  route.path = std::move(path);
  route.methods = std::move(methods);
  return route;
}

// The number of the route of a request; -1: none.
int Find(const Config& config, std::string_view request) {
  const ParsedRequest parsed(request);
  const RouteConfig* route =
      FindRoute(config, parsed.head(), parsed.bytes.data());
  return route == nullptr ? -1 : static_cast<int>(route - &config.routes[0]);
}

std::string Get(std::string_view host, std::string_view target = "/") {
  return "GET " + std::string(target) +
         " HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n";
}

bool Matches(const RouteConfig& route, std::string_view request) {
  Config config;
  config.routes = {route};
  return Find(config, request) == 0;
}

struct HostRow {
  const char* route;
  const char* host;
  bool matches;
};

constexpr HostRow kHosts[] = {
    {"", "h.example", true},
    {"h.example", "h.example", true},
    {"h.example", "H.Example", true},
    {"h.example", "h.example:8080", true},
    {"h.example", "h.example:", true},
    {"h.example", "h.example.", true},
    {"h.example", "h.example.:80", true},
    {"h.example", "h.example..", false},
    {"h.example", "xh.example", false},
    {"h.example", "h.example.org", false},
    {"h.example", "example", false},
    {"*.example.com", "a.example.com", true},
    {"*.example.com", "A.EXAMPLE.COM:80", true},
    {"*.example.com", "a.b.example.com", true},
    {"*.example.com", "a.example.com.", true},
    {"*.example.com", "example.com", false},
    {"*.example.com", ".example.com", false},
    {"*.example.com", "aexample.com", false},
    {"*.example.com", "a.example.com.org", false},
    {"10.0.0.1", "10.0.0.1:80", true},
    {"10.0.0.1", "10.0.0.10", false},
    {"[::1]", "[::1]", true},
    {"[::1]", "[::1]:8080", true},
    {"[2001:db8::1]", "[2001:DB8::1]", true},
    {"[::1]", "[::2]", false},
};

TEST_CASE("hosts match in any case, without port and final dot") {
  for (const HostRow& row : kHosts) {
    CAPTURE(row.route, row.host);
    CHECK(Matches(Route(row.route, ""), Get(row.host)) == row.matches);
  }
}

TEST_CASE("a request without Host takes a route for all hosts alone") {
  const char* const request = "GET / HTTP/1.0\r\n\r\n";
  CHECK(Matches(Route("", ""), request));
  CHECK_FALSE(Matches(Route("h", ""), request));
  CHECK_FALSE(Matches(Route("*.h", ""), request));
}

TEST_CASE("the host of an absolute target counts, not the field") {
  const char* const request =
      "GET http://a.example:80/x HTTP/1.1\r\nHost: a.example:80\r\n\r\n";
  CHECK(Matches(Route("a.example", "/x"), request));
  CHECK_FALSE(Matches(Route("b.example", "/x"), request));
}

struct PathRow {
  const char* route;
  const char* target;
  bool matches;
};

constexpr PathRow kPaths[] = {
    {"", "/", true},
    {"/", "/any", true},
    {"/api", "/api", true},
    {"/api", "/api/v1", true},
    {"/api", "/apiary", true},  // a prefix of characters: use /api/
    {"/api/", "/apiary", false},
    {"/api/", "/api", false},
    {"/api", "/API", false},
    {"/api", "/ap", false},
    {"/api", "/x/api", false},
    {"/api", "/?/api", false},
    {"/api", "/api?x=1", true},
    {"/api/v1", "/api?/v1", false},
    {"/api", "/%61pi", true},
    {"/api", "/a%70%69/x", true},
    {"/a/b", "/a%2Fb", false},
    {"/a/b", "/a%2fb", false},
    {"/a%2Fb", "/a%2fb", true},
    {"/api", "//api", true},
    {"/api/v1", "/api///v1", true},
    {"/api", "/./api", true},
    {"/api", "/x/../api", true},
    {"/api", "/../api", true},
    {"/api", "/x/%2e%2E/api", true},
    {"/api", "/api/../admin", false},
    {"/admin", "/api/../admin", true},
    {"/admin", "/api/%2e%2e/admin", true},
    {"/admin", "/api/..%2Fadmin", false},
    {"/api/", "/api/x/..", true},
    {"/api", "/%zz/../api", true},
};

TEST_CASE("paths match by prefix, all spellings of a place as one") {
  for (const PathRow& row : kPaths) {
    CAPTURE(row.route, row.target);
    CHECK(Matches(Route("", row.route), Get("h", row.target)) == row.matches);
  }
}

// It means "/" (RFC 9110, section 4.2.3), and is forwarded so.
TEST_CASE("an empty path of an absolute target is the root") {
  for (const char* request : {"GET http://h HTTP/1.1\r\nHost: h\r\n\r\n",
                              "GET http://h?q HTTP/1.1\r\nHost: h\r\n\r\n"}) {
    CAPTURE(request);
    CHECK(Matches(Route("", ""), request));
    CHECK(Matches(Route("", "/"), request));
    CHECK_FALSE(Matches(Route("", "/x"), request));
  }
}

TEST_CASE("an asterisk is no path, and takes a route for all paths alone") {
  const char* const request = "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n";
  CHECK(Matches(Route("", ""), request));
  CHECK(Matches(Route("h", "", {"OPTIONS"}), request));
  CHECK_FALSE(Matches(Route("", "/"), request));
}

TEST_CASE("methods match by their exact names") {
  const RouteConfig route = Route("", "", {"GET", "PURGE"});
  CHECK(Matches(route, Get("h")));
  CHECK(Matches(route, "PURGE / HTTP/1.1\r\nHost: h\r\n\r\n"));
  CHECK_FALSE(Matches(route, "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n"));
  CHECK_FALSE(Matches(route, "get / HTTP/1.1\r\nHost: h\r\n\r\n"));
}

TEST_CASE("of routes that match the first is taken") {
  Config config;
  config.routes = {Route("a.example", "/x"), Route("*.example", "", {"GET"}),
                   Route("", "/x"), Route("a.example", "")};
  CHECK(Find(config, Get("a.example", "/x")) == 0);
  CHECK(Find(config, Get("a.example", "/y")) == 1);
  CHECK(Find(config, "POST /x HTTP/1.1\r\nHost: b.example\r\n\r\n") == 2);
  CHECK(Find(config, "POST / HTTP/1.1\r\nHost: a.example\r\n\r\n") == 3);
  CHECK(Find(config, "POST / HTTP/1.1\r\nHost: b.example\r\n\r\n") == -1);
}

TEST_CASE("without routes nothing matches") {
  CHECK(Find(Config(), Get("h")) == -1);
}

}  // namespace
}  // namespace whichhop
