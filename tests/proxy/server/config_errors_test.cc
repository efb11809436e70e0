// Broken values and documents: where each error stands and what it says.

#include <string>
#include <string_view>

#include "tests/proxy/server/config_broken.h"

namespace whichhop {

namespace {

// Stands below a document that lacks nothing else.
constexpr std::string_view kRest =
    "listen: [\":8080\"]\n"
    "upstreams: {app: {servers: [\"127.0.0.1:9000\"]}}\n"
    "routes: [{upstream: app}]\n";

// Each document is followed by kRest.
constexpr Broken kValues[] = {
    {"lissten: []\n", "1:1: unknown key `lissten`; did you mean `listen`?"},
    {"listen : 1\nlisten: 2\n",
     "1:10: a list is expected, not `1`; put it in [ ]\n2:1: duplicate key "
     "`listen`; the first is on line 1\n3:1: duplicate key `listen`; the first "
     "is on line 1"},
    {"admin: {}\n", "1:8: `address` is missing here"},
    {"admin: \"127.0.0.1:9901\"\n",
     "1:8: a map is expected, not `127.0.0.1:9901`"},
    {"admin: {adress: \":9901\"}\n",
     "1:9: unknown key `adress`; did you mean "
     "`address`?"},
    {"probes: {address: \"localhost:9902\"}\n",
     "1:19: `localhost:9902`: an IP address is expected, not a host name; did "
     "you mean `127.0.0.1:9902`?"},
    {"admin: {address: \":8080\"}\n",
     "1:18: `[::]:8080` is the address of `listen` already"},
    {"probes: {address: \":9901\"}\nadmin: {address: \":9901\"}\n",
     "1:19: `[::]:9901` is the address of `admin` already"},
    {"frobnicate: 1\n", "1:1: unknown key `frobnicate`"},
    {"node: {name: \"a b\"}\n",
     "1:14: `a b` is no token: letters, digits and !#$%&'*+-.^_`|~"},
    {"node: {name: \"\"}\n", "1:14: text is expected, not ``"},
    {"node: {name: [a]}\n", "1:14: text is expected, not a list"},
    {"node: {position: LB}\n",
     "1:18: `lb` or `cdn` is expected, not `LB`; did you mean `lb`?"},
    {"node: {position: edge}\n", "1:18: `lb` or `cdn` is expected, not `edge`"},
    {"node: {workers: 0}\n",
     "1:17: `auto` or an integer from 1 to 1024 is expected, not `0`"},
    {"node: {workers: atuo}\n",
     "1:17: `auto` or an integer from 1 to 1024 is expected, not `atuo`; did "
     "you mean `auto`?"},
    {"node: {workers: 4 }\nnode: {}\n",
     "2:1: duplicate key `node`; the first is on line 1"},
    {"node: {resolvers: [ns.internal:53]}\n",
     "1:20: `ns.internal:53`: an IP address is expected, not a host name"},
    {"node: {resolvers: [\"127.0.0.1:0\"]}\n",
     "1:20: `127.0.0.1:0` is no nameserver; one is 127.0.0.1:53"},
    {"node: lb\n", "1:7: a map is expected, not `lb`"},
    {"node:\n", "1:1: a map is expected, not nothing"},
    {"node: ~\n", "1:7: a map is expected, not nothing"},
    {"node: []\n", "1:7: a map is expected, not a list"},
    {"trusted_proxies: 10.0.0.0/8\n",
     "1:18: a list is expected, not `10.0.0.0/8`; put it in [ ]"},
    {"trusted_proxies: [10.0.0.5/8]\n",
     "1:19: `10.0.0.5/8` has bits beyond its prefix; did you mean `10.0.0.0/8` "
     "or `10.0.0.5`?"},
    {"trusted_proxies: [\"2001:db8::1/32\"]\n",
     "1:19: `2001:db8::1/32` has bits beyond its prefix; did you mean "
     "`2001:db8::/32` or `2001:db8::1`?"},
    {"trusted_proxies: [10.0.0.0/33]\n",
     "1:19: `10.0.0.0/33` is no network; one is 10.0.0.0/8, \"2001:db8::/32\" "
     "or an IP address"},
    {"trusted_proxies: [proxy.internal]\n",
     "1:19: `proxy.internal` is no network; one is 10.0.0.0/8, "
     "\"2001:db8::/32\" or an IP address"},
    {"trusted_proxies: [\"::ffff:10.0.0.0/104\"]\n",
     "1:19: `::ffff:10.0.0.0/104`: write it as the IPv4 network that it is"},
    {"trusted_proxies: [null]\n", "1:19: text is expected, not nothing"},
    {"timeouts: {connect: 10}\n",
     "1:21: a duration (an integer with ms, s, m or h) is expected, not `10`; "
     "did you mean `10s`?"},
    {"timeouts: {connect: 10 s}\n",
     "1:21: a duration (an integer with ms, s, m or h) is expected, not `10 "
     "s`; did you mean `10s`?"},
    {"timeouts: {connect: 10sec}\n",
     "1:21: a duration (an integer with ms, s, m or h) is expected, not "
     "`10sec`; did you mean `10s`?"},
    {"timeouts: {connect: 1.5s}\n",
     "1:21: a duration (an integer with ms, s, m or h) is expected, not "
     "`1.5s`; did you mean `1500ms`?"},
    {"timeouts: {connect: 2 Minutes}\n",
     "1:21: a duration (an integer with ms, s, m or h) is expected, not `2 "
     "Minutes`; did you mean `2m`?"},
    {"timeouts: {connect: 1d}\n",
     "1:21: a duration (an integer with ms, s, m or h) is expected, not `1d`; "
     "did you mean `24h`?"},
    {"timeouts: {connect: 010s}\n",
     "1:21: a duration (an integer with ms, s, m or h) is expected, not "
     "`010s`; did you mean `10s`?"},
    {"timeouts: {connect: -1s}\n",
     "1:21: a duration (an integer with ms, s, m or h) is expected, not `-1s`"},
    {"timeouts: {connect: 1m30s}\n",
     "1:21: a duration (an integer with ms, s, m or h) is expected, not "
     "`1m30s`"},
    {"timeouts: {connect: 0s}\n",
     "1:21: a duration from 1ms to 720h is expected, not `0s`"},
    {"timeouts: {connect: 721h}\n",
     "1:21: a duration from 1ms to 720h is expected, not `721h`"},
    {"timeouts: {connect: 99999999999999999999s}\n",
     "1:21: a duration (an integer with ms, s, m or h) is expected, not "
     "`99999999999999999999s`"},
    {"timeouts: {connect: 9223372036854775807h}\n",
     "1:21: a duration (an integer with ms, s, m or h) is expected, not "
     "`9223372036854775807h`"},
    {"timeouts: {connect: }\n",
     "1:12: a duration (an integer with ms, s, m or h) is expected, not "
     "nothing"},
    {"timeouts: {connect: {s: 1}}\n",
     "1:21: a duration (an integer with ms, s, m or h) is expected, not a map"},
    {"timeouts: {drain_delay: 0}\n",
     "1:25: a duration (an integer with ms, s, m or h) is expected, not `0`; "
     "did you mean `0s`?"},
    {"timeouts: {conect: 1s}\n",
     "1:12: unknown key `conect`; did you mean `connect`?"},
    {"timeouts: {request-head: 1s}\n",
     "1:12: unknown key `request-head`; did you mean `request_head`?"},
    {"limits: {header_bytes: 5MB}\n",
     "1:24: a size (an integer with B, KiB, MiB or GiB) is expected, not "
     "`5MB`; did you mean `5MiB`?"},
    {"limits: {header_bytes: 64K}\n",
     "1:24: a size (an integer with B, KiB, MiB or GiB) is expected, not "
     "`64K`; did you mean `64KiB`?"},
    {"limits: {header_bytes: 32768}\n",
     "1:24: a size (an integer with B, KiB, MiB or GiB) is expected, not "
     "`32768`; did you mean `32KiB`?"},
    {"limits: {header_bytes: 1.5KiB}\n",
     "1:24: a size (an integer with B, KiB, MiB or GiB) is expected, not "
     "`1.5KiB`; did you mean `1536B`?"},
    {"limits: {header_bytes: 1023B}\n",
     "1:24: a size from 1KiB to 1MiB is expected, not `1023B`"},
    {"limits: {header_bytes: 2MiB}\n",
     "1:24: a size from 1KiB to 1MiB is expected, not `2MiB`"},
    {"limits: {header_bytes: unlimited}\n",
     "1:24: a size (an integer with B, KiB, MiB or GiB) is expected, not "
     "`unlimited`"},
    {"limits: {header_bytes: 17179869184GiB}\n",
     "1:24: a size (an integer with B, KiB, MiB or GiB) is expected, not "
     "`17179869184GiB`"},
    {"limits: {request_target: 33KiB}\n",
     "1:26: a size from 256B to 32KiB is expected, not `33KiB`"},
    {"limits: {header_bytes: 1KiB, request_target: 2KiB}\n",
     "1:46: a size from 256B to 1KiB is expected, not `2KiB`"},
    {"limits: {request_target: 255B}\n",
     "1:26: a size from 256B to 32KiB is expected, not `255B`"},
    {"limits: {request_body: infinite}\n",
     "1:24: `unlimited` or a size (an integer with B, KiB, MiB or GiB) is "
     "expected, not `infinite`"},
    {"limits: {request_body: Unlimited}\n",
     "1:24: `unlimited` or a size (an integer with B, KiB, MiB or GiB) is "
     "expected, not `Unlimited`; did you mean `unlimited`?"},
    {"limits: {request_body: -1}\n",
     "1:24: `unlimited` or a size (an integer with B, KiB, MiB or GiB) is "
     "expected, not `-1`"},
    {"limits: {header_fields: 7}\n",
     "1:25: an integer from 8 to 1000 is expected, not `7`"},
    {"limits: {header_fields: 1001}\n",
     "1:25: an integer from 8 to 1000 is expected, not `1001`"},
    {"limits: {header_fields: 010}\n",
     "1:25: an integer from 8 to 1000 is expected, not `010`; did you mean "
     "`10`?"},
    {"limits: {header_fields: 0x80}\n",
     "1:25: an integer from 8 to 1000 is expected, not `0x80`"},
    {"limits: {header_fields: 0o200}\n",
     "1:25: an integer from 8 to 1000 is expected, not `0o200`"},
    {"limits: {header_fields: 1e2}\n",
     "1:25: an integer from 8 to 1000 is expected, not `1e2`"},
    {"limits: {header_fields: 128.0}\n",
     "1:25: an integer from 8 to 1000 is expected, not `128.0`"},
    {"limits: {header_fields: +128}\n",
     "1:25: an integer from 8 to 1000 is expected, not `+128`"},
    {"limits: {header_fields: 1_000}\n",
     "1:25: an integer from 8 to 1000 is expected, not `1_000`"},
    {"limits: {header_fields: \"128\"}\n",
     "1:25: an integer from 8 to 1000 is expected, not `128`; leave the quotes "
     "out"},
    {"limits: {connections: 0}\n",
     "1:23: an integer from 1 to 4000000 is expected, not `0`"},
    {"limits: {connections: 18446744073709551616}\n",
     "1:23: an integer from 1 to 4000000 is expected, not "
     "`18446744073709551616`"},
    {"limits: {connections: true}\n",
     "1:23: an integer from 1 to 4000000 is expected, not `true`"},
    {"limits: {strict_query: yes}\n",
     "1:24: true or false is expected, not `yes`; did you mean `true`?"},
    {"limits: {strict_query: Off}\n",
     "1:24: true or false is expected, not `Off`; did you mean `false`?"},
    {"limits: {strict_query: True}\n",
     "1:24: true or false is expected, not `True`; did you mean `true`?"},
    {"limits: {strict_query: 1}\n", "1:24: true or false is expected, not `1`"},
    {"limits: {strict_query: \"true\"}\n",
     "1:24: true or false is expected, not `true`; leave the quotes out"},
    {"errors: {statuses: gatway}\n",
     "1:20: `auto`, `gateway` or `edge` is expected, not `gatway`; did you "
     "mean `gateway`?"},
    {"errors: {body: off}\n",
     "1:16: `augment`, `replace` or `keep` is expected, not `off`"},
    {"errors: {fields: operator}\n",
     "1:18: `nobody`, `operators` or `everyone` is expected, not `operator`; "
     "did you mean `operators`?"},
    {"errors: {details: yes}\n",
     "1:19: `nobody`, `operators` or `everyone` is expected, not `yes`"},
    {"errors: {operators: [*]}\n",
     "1:23: aliases are not supported; quote a word with a `*`"},
    {"errors: {operators: [0.0.0.0/0, 1.2.3]}\n",
     "1:33: `1.2.3` is no network; one is 10.0.0.0/8, \"2001:db8::/32\" or an "
     "IP address"},
    {"errors: {cors: on}\n",
     "1:16: true or false is expected, not `on`; did you mean `true`?"},
    {"logs: {access: stdot}\n",
     "1:16: `stdout`, `stderr`, `off` or a path with a `/` is expected, not "
     "`stdot`; did you mean `stdout`?"},
    {"logs: {access: access.log}\n",
     "1:16: `stdout`, `stderr`, `off` or a path with a `/` is expected, not "
     "`access.log`"},
    {"logs: {access: /var/log/}\n", "1:16: `/var/log/` is a directory"},
    {"logs: {operator: yes}\n",
     "1:18: `stdout`, `stderr`, `off` or a path with a `/` is expected, not "
     "`yes`"},
    {"logs: {query: off}\n",
     "1:15: true or false is expected, not `off`; did you mean `false`?"},
};

// Each document stands alone.
constexpr Broken kDocuments[] = {
    {"", "1:1: the configuration is empty"},
    {"# nothing\n", "1:1: the configuration is empty"},
    {"---\n", "2:1: the configuration is empty"},
    {"null\n", "1:1: the configuration is empty"},
    {"just text\n", "1:1: a map is expected, not `just text`"},
    {"- listen\n", "1:1: a map is expected, not a list"},
    {"42\n", "1:1: a map is expected, not `42`"},
    {"[a\n", "2:1: the `[` has no `]`, or a `,` is missing"},
    {"a: b\n---\n",
     "1:1: unknown key `a`\n1:1: `listen` is missing here\n1:1: `routes` is "
     "missing here\n2:1: a second document starts here, and a configuration is "
     "one"},
    {"{}\n", "1:1: `listen` is missing here\n1:1: `routes` is missing here"},
    {"listen: []\nroutes: []\n",
     "1:9: this list can't be empty\n2:9: this list can't be empty"},
    {"listen: [\":80\"]\nroutes: [{respond: 200}]\n---\nlisten: []\n",
     "3:1: a second document starts here, and a configuration is one"},
    {"listen: [\":80\"]\nroutes: [{respond: 200}]\n...\nlogs: {}\n",
     "4:1: this belongs to nothing above it; check the brackets and the "
     "indentation"},
    {"{listen: [\":80\"], routes: [{respond: 200}]} x\n",
     "1:45: this belongs to nothing above it; check the brackets and the "
     "indentation"},
    {"listen: [\":80\"]\nroutes:\n\t- {respond: 200}\n",
     "3:1: a tab can't indent; use spaces"},
    {"\tlisten: [\":80\"]\n", "1:1: a tab can't indent; use spaces"},
    {"listen: [\":80\"]\n \troutes: []\n",
     "2:1: a tab can't indent; use spaces"},
    {"listen: &all [\":80\"]\nroutes: [{respond: 200}]\n",
     "1:9: anchors are not supported; quote a word with a `&`"},
    {"listen: [\":80\"]\nroutes: [{respond: 200, host: *all}]\n",
     "2:31: aliases are not supported; quote a word with a `*`"},
    {"listen: [\":80\"]\nroutes: [{respond: 200, host: *.example}]\n",
     "2:31: aliases are not supported; quote a word with a `*`"},
    {"listen: [\":80\"]\nroutes:\n  - &r {respond: 200}\n  - *r\n",
     "3:5: anchors are not supported; quote a word with a `&`\n4:5: aliases "
     "are not supported; quote a word with a `*`"},
    {"<<: {}\nlisten: [\":80\"]\nroutes: [{respond: 200}]\n",
     "1:1: merge keys are not supported"},
    {"listen: !!seq [\":80\"]\nroutes: [{respond: 200}]\n",
     "1:9: tags are not supported; quote a word with a `!`"},
    {"listen: [! \":80\"]\nroutes: [{respond: 200}]\n",
     "1:10: tags are not supported; quote a word with a `!`"},
    {"listen: [!!binary gIGC]\nroutes: [{respond: 200}]\n",
     "1:10: tags are not supported; quote a word with a `!`"},
    {"%TAG ! tag:x,2000:\n---\nlisten: !y [\":80\"]\nroutes: [{respond: "
     "200}]\n",
     "3:9: tags are not supported; quote a word with a `!`"},
    {"? [a]\n: b\nlisten: [\":80\"]\nroutes: [{respond: 200}]\n",
     "1:3: a key can't be a list; quote a word that begins with a bracket"},
    {"\"\": 1\nlisten: [\":80\"]\nroutes: [{respond: 200}]\n",
     "1:1: a key is missing here"},
    {": 1\nlisten: [\":80\"]\nroutes: [{respond: 200}]\n",
     "1:1: a key is missing here"},
    {"? listen\nroutes: [{respond: 200}]\n",
     "1:3: a list is expected, not nothing"},
    {"listen: [\":80\"\nroutes: [{respond: 200}]\n",
     "2:1: the `[` has no `]`, or a `,` is missing"},
    {"listen: {a: b\n", "2:1: the `{` has no `}`, or a `,` is missing"},
    {"listen: [\":80\"]]\n", "1:16: this bracket closes nothing"},
    {"listen: \":80\nroutes: []\n", "1:9: these quotes never close"},
    {"listen: ':80''\nroutes: []\n", "1:9: these quotes never close"},
    {"listen: [\":80\"] x\n",
     "1:17: this does not fit the map above; check indentation, quotes, "
     "brackets"},
    {"listen: @here\n", "1:9: a word with this character needs quotes"},
    {"listen: a: b\n",
     "1:10: a `:` can't stand here; quote a word that holds it"},
    {"listen: [\":80\"]\n routes: []\n",
     "2:2: this does not fit the map above; check indentation, quotes, "
     "brackets"},
    {"listen:\n  - \":80\"\n - \":81\"\n",
     "3:2: this does not fit the map above; check indentation, quotes, "
     "brackets"},
    {"a: b\n- c\n",
     "2:1: this does not fit the map above; check indentation, quotes, "
     "brackets"},
    {"listen: [[::]:80]\nroutes: [{respond: 200}]\n",
     "1:10: a key can't be a list; quote a word that begins with a bracket"},
    {"listen: [\"\\q\"]\n", "1:13: not YAML: `unknown escape character: q`"},
    {"listen: [\"\\x1b[2J\"]\nroutes: [{respond: 200}]\n",
     "1:10: a word can't hold control characters or line breaks"},
    {"\"\\x9b2J\": 1\nlisten: [\":80\"]\nroutes: [{respond: 200}]\n",
     "1:1: a word can't hold control characters or line breaks"},
    {"listen: [\":80\"]\nroutes: [{respond: 200}]\nlogs:\n  access: |\n    "
     "./a\n    ./b\n",
     "4:11: a word can't hold control characters or line breaks"},
    {"listen: [\x04\":80\"]\nroutes: []\n",
     "1:10: a control character can't stand here"},
    {"listen: [\":80\"]\rroutes: []\n",
     "1:16: a control character can't stand here"},
    {"listen: \x7f\n", "1:9: a control character can't stand here"},
    {"listen: \xff\n", "1:9: this is not UTF-8, and a configuration is"},
    {"\xfe\xff\x00l\x00i\n", "1:1: this is not UTF-8, and a configuration is"},
    {"# \xed\xa0\x80\n", "1:3: this is not UTF-8, and a configuration is"},
    {"# \xc0\xaf\n", "1:3: this is not UTF-8, and a configuration is"},
    {"# \xf4\x90\x80\x80\n", "1:3: this is not UTF-8, and a configuration is"},
    {"# \xe2\x82\n", "1:3: this is not UTF-8, and a configuration is"},
    {"listen: [\":80\"]\r\nroutes: [{respond: 200}]\r\nloggs: {}\r\n",
     "3:1: unknown key `loggs`; did you mean `logs`?"},
    {"\xef\xbb\xbflisten: [\":80\"]\nroutes: [{}]\n",
     "2:10: a route needs `upstream` or `respond`"},
    {"routes: [{respond: 200}]\n", "1:1: `listen` is missing here"},
    {"listen: [\":80\"]\n", "1:1: `routes` is missing here"},
    {"lissten: [\":80\"]\nroutes: [{respond: 200}]\n",
     "1:1: unknown key `lissten`; did you mean `listen`?"},
    {"listen: [\":80\"]\nupstreams: {app: {}}\nroutes: [{upstream: app}]\n",
     "2:18: `servers` is missing here"},
    {"listen: [\":80\"]\nupstreams: {app: {server: [\":80\"]}}\nroutes: "
     "[{respond: 200}]\n",
     "2:19: unknown key `server`; did you mean `servers`?"},
    {"listen: [\":80\"]\nupstreams: {app: {servers: []}}\nroutes: [{respond: "
     "200}]\n",
     "2:28: this list can't be empty"},
    {"listen: [\":80\"]\nupstreams: {app: [\"10.0.0.5:80\"]}\nroutes: "
     "[{upstream: app}]\n",
     "2:18: a map is expected, not a list"},
    {"listen: [\":80\"]\nupstreams: {my app: {servers: "
     "[\"10.0.0.5:80\"]}}\nroutes: [{respond: 200}]\n",
     "2:13: `my app` is no name: letters, digits, `_`, `.` and `-`"},
    {"listen: [\":80\"]\nupstreams: []\nroutes: [{respond: 200}]\n",
     "2:12: a map is expected, not a list"},
    {"listen: [\":80\"]\nupstreams:\n  app: {servers: [\"10.0.0.5:80\"]}\n  "
     "app: {servers: [\"10.0.0.6:80\"]}\nroutes: [{upstream: app}]\n",
     "4:3: duplicate key `app`; the first is on line 3"},
    {"listen: [\":80\"]\nupstreams: {app: {servers: [\"10.0.0.5:80\"], is: "
     "sever}}\nroutes: [{upstream: app}]\n",
     "2:49: `lb`, `server` or `app` is expected, not `sever`; did you mean "
     "`server`?"},
    {"listen: [\":80\"]\nupstreams: {app: {servers: [\"10.0.0.5:80\"], is: "
     "cdn}}\nroutes: [{upstream: app}]\n",
     "2:49: `lb`, `server` or `app` is expected, not `cdn`"},
    {"listen: [\":80\"]\nupstreams: {app: {servers: [\"10.0.0.5:80\"], retry: "
     "{attempts: 11}}}\nroutes: [{upstream: app}]\n",
     "2:63: an integer from 0 to 10 is expected, not `11`"},
    {"listen: [\":80\"]\nupstreams: {app: {servers: [\"10.0.0.5:80\"], retry: "
     "{on: [connect, 502]}}}\nroutes: [{upstream: app}]\n",
     "2:67: `connect` or `stale` is expected, not `502`"},
    {"listen: [\":80\"]\nupstreams: {app: {servers: [\"10.0.0.5:80\"], retry: "
     "{on: [stale, stale]}}}\nroutes: [{upstream: app}]\n",
     "2:65: `stale` is a duplicate; the first is on line 2"},
    {"listen: [\":80\"]\nupstreams: {app: {servers: [\"10.0.0.5:80\"], retry: "
     "{on: stale}}}\nroutes: [{upstream: app}]\n",
     "2:57: a list is expected, not `stale`; put it in [ ]"},
    {"listen: [\":80\"]\nupstreams: {app: {servers: [\"10.0.0.5:80\"], retry: "
     "1}}\nroutes: [{upstream: app}]\n",
     "2:52: a map is expected, not `1`"},
    {"listen: [\":80\"]\nupstreams: {app: {servers: [\"10.0.0.5:80\"], "
     "balance: "
     "least_request}}\nroutes: [{upstream: app}]\n",
     "2:54: `round_robin`, `least_requests`, `random_two` or `hash` is "
     "expected, not `least_request`; did you mean `least_requests`?"},
    {"listen: [\":80\"]\nupstreams: {app: {servers: [\"10.0.0.5:80\"], "
     "health_check: {path: healthz}}}\nroutes: [{upstream: app}]\n",
     "2:66: `healthz` must begin with `/`"},
    {"listen: [\":80\"]\nupstreams: {app: {servers: [\"10.0.0.5:80\"], "
     "health_check: {path: \"/a b\"}}}\nroutes: [{upstream: app}]\n",
     "2:66: `/a b`: percent-encode what is not visible ASCII"},
    {"listen: [\":80\"]\nupstreams: {app: {servers: [\"10.0.0.5:80\"], "
     "health_check: {path: \"/a#b\"}}}\nroutes: [{upstream: app}]\n",
     "2:66: `/a#b`: a request has no fragment"},
    {"listen: [\":80\"]\nupstreams: {app: {servers: [\"10.0.0.5:80\"], "
     "health_check: {interval: 50ms}}}\nroutes: [{upstream: app}]\n",
     "2:70: a duration from 100ms to 720h is expected, not `50ms`"},
    {"listen: [\":80\"]\nupstreams: {app: {servers: [\"10.0.0.5:80\"], "
     "health_check: {unhealty: 3}}}\nroutes: [{upstream: app}]\n",
     "2:60: unknown key `unhealty`; did you mean `unhealthy`?"},
    {"listen: [\":80\"]\nupstreams: {app: {servers: [\"10.0.0.5:80\"], eject: "
     "{consecutive_faults: 0}}}\nroutes: [{upstream: app}]\n",
     "2:73: an integer from 1 to 1000 is expected, not `0`"},
    {"listen: [\":80\"]\nupstreams: {app: {servers: [\"10.0.0.5:80\"], "
     "max_connections: -1}}\nroutes: [{upstream: app}]\n",
     "2:62: an integer from 0 to 4000000 is expected, not `-1`"},
    {"listen: [\":80\"]\nroutes: {path: /, respond: 200}\n",
     "2:9: a list is expected, not a map"},
};

}  // namespace

TEST_CASE("a value that its key can't have is refused at the value") {
  CheckErrors(kValues, "", std::string(kRest));
}

TEST_CASE("a document that is no configuration is refused where it breaks") {
  CheckErrors(kDocuments, "", "");
}

TEST_CASE("all errors of a document are told, in the order of the file") {
  CHECK(ErrorsOf("routes:\n"
                 "  - {upstream: web, respond: 200}\n"
                 "  - {path: api, upstrem: app}\n"
                 "timeouts: {connect: 3 s, connect: 4s, drian: 1s}\n"
                 "upstreams:\n"
                 "  app: {servers: [app:80], is: proxy}\n"
                 "errors: {operators_ca: ca.pem}\n") ==
        "1:1: `listen` is missing here\n"
        "2:16: no upstream is named `web`\n"
        "2:21: a route has `upstream` or `respond`, never both\n"
        "3:5: a route needs `upstream` or `respond`\n"
        "3:12: `api` must begin with `/`\n"
        "3:17: unknown key `upstrem`; did you mean `upstream`?\n"
        "4:21: a duration (an integer with ms, s, m or h) is expected, not "
        "`3 s`; did you mean `3s`?\n"
        "4:26: duplicate key `connect`; the first is on line 4\n"
        "4:39: unknown key `drian`; did you mean `drain`?\n"
        "6:32: `lb`, `server` or `app` is expected, not `proxy`\n"
        "7:10: unknown key `operators_ca`; did you mean `operator_ca`?\n");
}

TEST_CASE("keys that a later version has are not taken for misspelt ones") {
  constexpr std::string_view kDocument =
      "listen: [\":80\"]\n"
      "upstreams: {app: {servers: [\"127.0.0.1:1\"], protocol: h2}}\n"
      "routes: [{upstream: app}]\n";
  ConfigErrors errors;
  CHECK_FALSE(LoadConfig(kDocument, errors));
  CHECK(errors.size() == 1);
  for (const ConfigError& error : errors) {
    CHECK_THAT(error.message,
               Catch::Matchers::EndsWith("is not supported by this version"));
  }
}

TEST_CASE("nesting without end is refused, whatever opens it") {
  for (const std::string open :
       {"[", "{", "- ", "? ", "[a: ", "{a: ", "- ? "}) {
    std::string yaml;
    while (yaml.size() < 100'000) yaml += open;
    CHECK_THAT(ErrorsOf(yaml), Catch::Matchers::Contains("nested too deeply"));
  }
}

TEST_CASE("whatever a message quotes is printable and short") {
  const std::string long_key(1000, 'k');
  CHECK(ErrorsOf(long_key + ": 1\n" + std::string(kRest)) ==
        "1:1: unknown key `" + std::string(60, 'k') + "...`\n");
  CHECK(ErrorsOf("\"\xC3\xA9\": 1\n" + std::string(kRest)) ==
        "1:1: unknown key `\xC3\xA9`\n");
}

}  // namespace whichhop
