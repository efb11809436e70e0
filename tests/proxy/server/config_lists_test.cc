// Broken listeners, servers and routes: each is one item of its list.

#include <string>
#include <string_view>

#include "tests/proxy/server/config_broken.h"

namespace whichhop {

namespace {

// Each is an item of `listen`.
constexpr Broken kListeners[] = {
    {"\":8080\"", "3:5: `[::]:8080` is a duplicate; the first is on line 2"},
    {"\"[::]:8080\"",
     "3:5: `[::]:8080` is a duplicate; the first is on line 2"},
    {"{address: \":8080\"}",
     "3:15: `[::]:8080` is a duplicate; the first is on line 2"},
    {"localhost:80",
     "3:5: `localhost:80`: an IP address is expected, not a host name; did you "
     "mean `127.0.0.1:80`?"},
    {"127.0.0.1", "3:5: `127.0.0.1` needs a port: HOST:PORT"},
    {"8081", "3:5: `8081` is no address; did you mean `:8081`?"},
    {"\"127.0.0.1:65536\"",
     "3:5: `127.0.0.1:65536` is no address; one is 127.0.0.1:80, \"[::1]:80\" "
     "or unix:/PATH"},
    {"127.0.0.1:http",
     "3:5: `127.0.0.1:http` is no address; one is 127.0.0.1:80, \"[::1]:80\" "
     "or unix:/PATH"},
    {"\"::1:80\"", "3:5: `::1:80` needs brackets and a port: \"[::1]:80\""},
    {"\"[::1]\"", "3:5: `[::1]` needs a port: HOST:PORT"},
    {"[127.0.0.1:80]", "3:5: text is expected, not a list"},
    {"{adress: \":81\"}", "3:6: unknown key `adress`; did you mean `address`?"},
    {"{}", "3:5: `address` is missing here"},
    {"{address: \":81\", proxy_protocol: on}",
     "3:38: `off`, `optional` or `required` is expected, not `on`"},
    {"{address: \":81\", proxy_protocol: require}",
     "3:38: `off`, `optional` or `required` is expected, not `require`; did "
     "you mean `required`?"},
    {"{address: [\":81\"]}", "3:15: text is expected, not a list"},
    {"null", "3:5: text is expected, not nothing"},
    {"http://127.0.0.1:80",
     "3:5: `http://127.0.0.1:80` is a URL; an address is HOST:PORT"},
    {"unix:run/x.sock",
     "3:5: `unix:run/x.sock` needs an absolute path: unix:/PATH"},
    {"unix:", "3:5: unknown key `unix`\n3:5: `address` is missing here"},
    {"\"*:80\"",
     "3:5: `*:80` is no address; one is 127.0.0.1:80, \"[::1]:80\" or "
     "unix:/PATH"},
    {"\"[fe80::1%eth0]:80\"",
     "3:5: `[fe80::1%eth0]:80` is no address; one is 127.0.0.1:80, "
     "\"[::1]:80\" or unix:/PATH"},
    {"256.0.0.1:80",
     "3:5: `256.0.0.1:80` is no address; one is 127.0.0.1:80, \"[::1]:80\" or "
     "unix:/PATH"},
    {"010.0.0.1:80",
     "3:5: `010.0.0.1:80` is no address; one is 127.0.0.1:80, \"[::1]:80\" or "
     "unix:/PATH"},
    {"\"127.0.0.1: 80\"",
     "3:5: `127.0.0.1: 80` is no address; one is 127.0.0.1:80, \"[::1]:80\" or "
     "unix:/PATH"},
    {"\"\"", "3:5: text is expected, not ``"},
};

// Each is an item of the servers of an upstream.
constexpr Broken kServers[] = {
    {"10.0.0.5:8000",
     "7:9: `10.0.0.5:8000` is a duplicate; the first is on line 6"},
    {"{address: 10.0.0.5:8000, weight: 2}",
     "7:19: `10.0.0.5:8000` is a duplicate; the first is on line 6"},
    {"app.internal", "7:9: `app.internal` needs a port: HOST:PORT"},
    {"app.internal:0", "7:9: `app.internal:0`: a port is 1 to 65535"},
    {"app.internal:65536", "7:9: `app.internal:65536`: a port is 1 to 65535"},
    {"-app.internal:80",
     "7:9: `-app.internal:80` is no address; one is 127.0.0.1:80, \"[::1]:80\" "
     "or unix:/PATH"},
    {"app..internal:80",
     "7:9: `app..internal:80` is no address; one is 127.0.0.1:80, \"[::1]:80\" "
     "or unix:/PATH"},
    {"http://app.internal:8000",
     "7:9: `http://app.internal:8000` is a URL; an address is HOST:PORT"},
    {"10.0.0.6", "7:9: `10.0.0.6` needs a port: HOST:PORT"},
    {"10.0.0.6:0", "7:9: `10.0.0.6:0`: a server has no port 0"},
    {":8000", "7:9: `:8000` is every address and none; name the server's"},
    {"0.0.0.0:8000",
     "7:9: `0.0.0.0:8000` is every address and none; name the server's"},
    {"\"[::]:8000\"",
     "7:9: `[::]:8000` is every address and none; name the server's"},
    {"http://10.0.0.6:8000",
     "7:9: `http://10.0.0.6:8000` is a URL; an address is HOST:PORT"},
    {"{address: 10.0.0.6:80, weight: 0}",
     "7:40: an integer from 1 to 256 is expected, not `0`"},
    {"{address: 10.0.0.6:80, weight: 257}",
     "7:40: an integer from 1 to 256 is expected, not `257`"},
    {"{address: 10.0.0.6:80, rack: \"r 1\"}",
     "7:38: `r 1` is no name: letters, digits, `_`, `.` and `-`"},
    {"{address: 10.0.0.6:80, wieght: 2}",
     "7:32: unknown key `wieght`; did you mean `weight`?"},
    {"{weight: 2}", "7:9: `address` is missing here"},
    {"10.0.0.256:80",
     "7:9: `10.0.0.256:80` is no address; one is 127.0.0.1:80, \"[::1]:80\" or "
     "unix:/PATH"},
};

// Each is an item of `routes`, and there is an upstream `app`.
constexpr Broken kRoutes[] = {
    {"{}", "5:5: a route needs `upstream` or `respond`"},
    {"{path: /b}", "5:5: a route needs `upstream` or `respond`"},
    {"{upstream: app, respond: 200}",
     "5:21: a route has `upstream` or `respond`, never both"},
    {"{upstream: ap}", "5:16: no upstream is named `ap`; did you mean `app`?"},
    {"{upstream: payments}", "5:16: no upstream is named `payments`"},
    {"{upstream: [app]}", "5:16: text is expected, not a list"},
    {"{upstream: }", "5:6: text is expected, not nothing"},
    {"app", "5:5: a map is expected, not `app`"},
    {"{path: b, upstream: app}", "5:12: `b` must begin with `/`"},
    {"{path: \"\", upstream: app}", "5:12: text is expected, not ``"},
    {"{path: \"/b?c\", upstream: app}",
     "5:12: `/b?c`: a path has no query and no fragment"},
    {"{path: /b#c, upstream: app}",
     "5:12: `/b#c`: a path has no query and no fragment"},
    {"{path: /b c, upstream: app}",
     "5:12: `/b c`: percent-encode what is not visible ASCII"},
    {"{path: /\xc3\xa9, upstream: app}",
     "5:12: `/\xc3\xa9`: percent-encode what is not visible ASCII"},
    {"{path: /b/*, upstream: app}",
     "5:12: `/b/*`: a path is a prefix; leave the `*` out"},
    {"{path: //b, upstream: app}",
     "5:12: `//b` is never seen; requests for it are compared as `/b`"},
    {"{path: /b/../c, upstream: app}",
     "5:12: `/b/../c` is never seen; requests for it are compared as `/c`"},
    {"{path: /%61, upstream: app}",
     "5:12: `/%61` is never seen; requests for it are compared as `/a`"},
    {"{path: /%c3%a9, upstream: app}",
     "5:12: `/%c3%a9` is never seen; requests for it are compared as "
     "`/%C3%A9`"},
    {"{path: /a, upstream: app}",
     "5:5: this route is a duplicate; the first is on line 4"},
    {"{path: /a, respond: 404}",
     "5:5: this route is a duplicate; the first is on line 4"},
    {"{host: shop.example:80, upstream: app}",
     "5:12: `shop.example:80`: a host stands here without its port"},
    {"{host: https://shop.example, upstream: app}",
     "5:12: `https://shop.example` is more than a host"},
    {"{host: \"shop example\", upstream: app}",
     "5:12: `shop example` is no host; one is shop.example, \"*.example\" or "
     "an IP address"},
    {"{host: -shop.example, upstream: app}",
     "5:12: `-shop.example` is no host; one is shop.example, \"*.example\" or "
     "an IP address"},
    {"{host: shop..example, upstream: app}",
     "5:12: `shop..example` is no host; one is shop.example, \"*.example\" or "
     "an IP address"},
    {"{host: shop.example., upstream: app}",
     "5:12: `shop.example.` is no host; one is shop.example, \"*.example\" or "
     "an IP address"},
    {"{host: \"shop.*\", upstream: app}",
     "5:12: `shop.*` is no host; one is shop.example, \"*.example\" or an IP "
     "address"},
    {"{host: \"*\", upstream: app}",
     "5:12: `*` is no host; one is shop.example, \"*.example\" or an IP "
     "address"},
    {"{host: \"*.\", upstream: app}",
     "5:12: `*.` is no host; one is shop.example, \"*.example\" or an IP "
     "address"},
    {"{host: \"::1\", upstream: app}",
     "5:12: `::1` needs brackets and quotes: \"[::1]\""},
    {"{host: 10.0.0.256, upstream: app}",
     "5:12: `10.0.0.256` is no host; one is shop.example, \"*.example\" or an "
     "IP address"},
    {"{host: \"[10.0.0.1]\", upstream: app}",
     "5:12: `[10.0.0.1]` is no host; one is shop.example, \"*.example\" or an "
     "IP address"},
    {"{host: caf\xc3\xa9.example, upstream: app}",
     "5:12: `caf\xc3\xa9.example` is no host; one is shop.example, "
     "\"*.example\" or an IP address"},
    {"{methods: GET, upstream: app}",
     "5:15: a list is expected, not `GET`; put it in [ ]"},
    {"{methods: [], upstream: app}", "5:15: this list can't be empty"},
    {"{methods: [get], upstream: app}",
     "5:16: `get`: methods are case-sensitive; did you mean `GET`?"},
    {"{methods: [GE T], upstream: app}", "5:16: `GE T` is no method"},
    {"{methods: [GET, POST, GET], upstream: app}",
     "5:27: `GET` is a duplicate; the first is on line 5"},
    {"{method: [GET], upstream: app}",
     "5:6: unknown key `method`; did you mean `methods`?"},
    {"{respond: 199}",
     "5:15: an integer from 200 to 599 is expected, not `199`"},
    {"{respond: 100}",
     "5:15: an integer from 200 to 599 is expected, not `100`"},
    {"{respond: 600}",
     "5:15: an integer from 200 to 599 is expected, not `600`"},
    {"{respond: 0418}",
     "5:15: an integer from 200 to 599 is expected, not `0418`; did you mean "
     "`418`?"},
    {"{respond: teapot}",
     "5:15: an integer from 200 to 599 is expected, not `teapot`"},
    {"{respond: \"418\"}",
     "5:15: an integer from 200 to 599 is expected, not `418`; leave the "
     "quotes out"},
    {"{upstream: app, mask: {401: 500}}",
     "5:33: an integer from 400 to 499 is expected, not `500`"},
    {"{upstream: app, mask: {502: 404}}",
     "5:28: an integer from 400 to 499 is expected, not `502`"},
    {"{upstream: app, mask: {404: 401}}",
     "5:33: `401` needs a WWW-Authenticate, which a mask has not"},
    {"{upstream: app, mask: {404: 426}}",
     "5:33: `426` needs an Upgrade, which a mask has not"},
    {"{upstream: app, mask: {401: 419}}", "5:33: nobody knows a status `419`"},
    {"{upstream: app, mask: {404: 404}}", "5:33: `404` is masked itself"},
    {"{upstream: app, mask: {403: 404, 404: 410}}",
     "5:33: `404` is masked itself"},
    {"{upstream: app, mask: {401: 404, 401: 410}}",
     "5:38: duplicate key `401`; the first is on line 5"},
    {"{upstream: app, mask: 404}", "5:27: a map is expected, not `404`"},
    {"{upstream: app, pth: /x}",
     "5:21: unknown key `pth`; did you mean `path`?"},
};

}  // namespace

TEST_CASE("a listener has an address of its own") {
  CheckErrors(kListeners, "listen:\n  - \":8080\"\n  - ",
              "\nroutes: [{respond: 200}]\n");
}

TEST_CASE("a server has a literal address that can be connected to") {
  CheckErrors(kServers,
              "listen: [\":8080\"]\nroutes: [{upstream: app}]\nupstreams:\n"
              "  app:\n    servers:\n      - 10.0.0.5:8000\n      - ",
              "\n");
}

TEST_CASE("a route matches what can be and does one thing") {
  CheckErrors(kRoutes,
              "listen: [\":8080\"]\nupstreams: {app: {servers: "
              "[\"127.0.0.1:9000\"]}}\nroutes:\n  - {path: /a, upstream: app}"
              "\n  - ",
              "\n");
}

}  // namespace whichhop
