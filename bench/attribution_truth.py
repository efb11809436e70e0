"""What was broken in truth, for each fault that `bench/attribution` meets.

Decided by what was done to make the fault, never by what a verdict may say of it:

- a process was stopped, killed, hung, or told to write what is wrong: `app`;
- a host, its kernel or its cable was broken, or another service put on the port: `server`;
- a route, a router or a firewall on the way was broken: the router's hop. At lb the one way to
  the servers is the switch, so both routers are `tor` there: "at lb | at cdn";
- our own routes, ports or configuration: `self`, which is our position's hop;
- the client: what a page's code can do through a browser (a URL, a cookie, an upload) is
  `browser-app`'s; what browsers forbid to pages and do themselves (a request line, Host, framing,
  chunks, Expect, CONNECT and TRACE; "forbidden" in the Fetch standard) is `browser`'s;
- a client whose network loses segments: `router`; whose cable is out: `device`.
"""

# truth: {what was done: the faults' names}
LOOPBACK = {
    "app": {
        "stopped: bound, not listening": "refuse",
        "accepts no more, its queue is full": "backlog-full",
        "hung: never accepts": "never-accept",
        "hung: never answers": "hang 1xx-hang hang-head stall-body",
        "too slow": "drip",
        "ends without an answer": "empty reset-before-head 1xx-close truncate-head "
                                  "truncate-head-reset",
        "writes what is no HTTP": "garbage http09 bad-status-abc bad-status-20 bad-status-1000 "
                                  "bad-status-099 bad-status-600 bad-status-999 bad-version "
                                  "bad-field empty-name nul cl-twice cl-negative cl-overflow "
                                  "cl-te te-unknown te-gzip unsolicited-101 chunk-bad "
                                  "chunk-overflow chunk-bad-late chunk-long",
        "writes too much": "1xx-flood head-too-large many-fields",
        "dies inside the body": "truncate truncate-reset truncate-chunked "
                                "truncate-chunked-reset close-cut",
    },
    "server": {
        "the host drops SYNs": "drop-syn",
        "the host drops data": "unacked",
        "a mail server has the port": "smtp",
    },
    "browser": {
        "writes a bad request line": "two-spaces nul-in-line noise tls-hello",
        "speaks another version": "version-9 h2-preface",
        "writes no, two or a bad Host": "host-0 host-1 host-2 host-3 host-4",
        "frames wrongly": "framing-0 framing-1 framing-2 framing-3 framing-4 framing-5 "
                          "framing-6 framing-7 te-foo",
        "writes bad chunks": "chunk-size-zz chunk-size-huge chunk-no-crlf",
        "asks what no page may ask": "method-connect method-trace expect",
        "stops half-way": "half-a-head body-stalls",
    },
    "browser-app": {
        "sets huge cookies": "cookie",
        "makes a huge URL": "long-target",
        "uploads too much": "upload-announced upload-chunked",
    },
    "router": {"appends without end": "forwarded-for"},
    "self": {"a route is missing": "no-route"},
}
NETWORK = {
    "tor": {
        "its route is dead, and it says so": "unreachable-by-tor unreachable-by-tor-6",
        "its filter forbids, and says so": "prohibited-by-tor prohibited-by-tor-6",
        "its firewall rejects": "rejected-by-tor",
        "it swallows": "swallowed-by-tor swallowed-by-tor-6 "
                       "answers-swallowed-by-tor way-dead-after-success",
        "its route runs in a circle": "circle",
        "it swallows from after the handshake": "way-dead-before-request "
                                                "way-dead-before-request-6 "
                                                "answers-swallowed-on-reuse",
        "it swallows from after the request": "way-dead-before-answer unreachable-before-answer "
                                              "answers-swallowed-later",
        "it swallows from inside the body": "way-dead-in-body",
        "it is off": "switch-off",
        "it swallows long frames": "mtu-of-requests mtu-of-answers mtu-of-heads "
                                      "mtu-of-long-tails",
    },
    "tor | isp": {
        "its route is dead, and it says so": "unreachable-by-isp unreachable-by-isp-6",
        "its filter forbids, and says so": "prohibited-by-isp prohibited-by-isp-6",
        "it swallows": "swallowed-by-isp swallowed-by-isp-6",
        "it swallows from after the request": "isp-dead-before-answer",
    },
    "server": {
        "the host is off": "no-neighbour no-host no-host-6",
        "its cable is out": "host-unplugged host-dead-after-success",
        "rebooted, the app is not up yet": "host-rebooted",
        "its cable is out from after the handshake": "host-dead-before-request",
        "its cable is out from after the request": "host-dead-before-answer",
        "its cable is out from inside the body": "host-unplugged-in-body",
        "the host drops SYNs": "host-drops-syn",
        "the host's firewall rejects": "rejected-by-host",
    },
    "app": {
        "stopped": "nobody-listens nobody-listens-6",
        "killed": "app-killed app-killed-while-waited-for app-killed-in-body",
        "frozen": "app-frozen",
        "hung: never answers": "app-hangs app-stalls-in-body",
    },
    "self": {
        "no route of ours leads there": "no-way-out no-way-out-6 nowhere nowhere-6",
        "our own host forbids it": "forbidden-here forbidden-here-6",
        "our own route is dead": "dead-route-here dead-route-here-6",
        "our local ports are used up": "no-local-port",
    },
    "browser": {"stops half-way": "slow-client slow-upload slow-download"},
    "device": {"its cable is out": "unplugged-client unplugged-upload unplugged-download"},
    "router": {"loses segments": "lossy-client lossy-upload"},
}
TLS = {
    "server": {
        "does not speak TLS": "tls-http tls-ssh tls-noise",
        "its TLS is too old": "tls-old tls-chose-old",
        "has no cipher of ours": "tls-cipher",
        "its group is too small": "tls-small-dh",
        "has no certificate": "tls-nocert",
        "does not serve the name": "tls-sni",
        "speaks h2 alone": "tls-alpn",
        "breaks the handshake off": "tls-alert tls-farewell tls-fin tls-half-fin "
                                    "tls-certificate-fin tls-rst",
        "is silent in the handshake": "tls-stall tls-half-stall",
        "sends spoilt records": "tls-spoilt tls-body-spoilt",
        "breaks TLS off in the body": "tls-body-alert",
        "its certificate is out of date": "tlsv-expired tlsv-issuer-expired tlsv-not-yet",
        "its certificate is of a stranger": "tlsv-self-signed tlsv-other-ca tlsv-other-root",
        "its chain is not whole": "tlsv-no-issuer",
        "its certificate is for others": "tlsv-name tlsv-address",
        "its certificate is revoked": "tlsv-revoked",
        "its certificate is for clients": "tlsv-purpose",
        "its certificate is weak": "tlsv-small-key tlsv-weak-digest",
        "its certificate is corrupt": "tlsv-spoilt",
    },
    "app": {
        "ends without an answer": "tls-empty tls-empty-bare tls-empty-rst",
        "dies inside the body": "tls-cut tls-cut-rst tls-short",
    },
    "self": {
        "has no certificate for the server": "tls-client-cert-12 tls-client-cert-13",
        "its certificate is of a stranger": "tls-strange-cert-13",
        "its list of authorities is another's": "tlsv-our-ca",
        "its server_name is a typo": "tlsv-our-name",
        "its list of the revoked is too old": "tlsv-old-list",
        "its list of the revoked is another's": "tlsv-no-list",
        "its own certificate has expired": "ctls-expired-here",
    },
    "browser": {
        "its TLS is too old": "ctls-version",
        "has no cipher of ours": "ctls-cipher",
        "does not speak TLS": "ctls-http ctls-noise",
        "stops half-way": "ctls-fin ctls-rst ctls-stall",
        "does not know our authority": "ctls-distrusts-1_2 ctls-distrusts-1_3",
        "asks for a name that is not here": "ctls-sni-unknown ctls-sni-absent",
        "asks over another's connection": "ctls-misdirected",
        "shows no certificate": "ctls-cert-none ctls-cert-none-1_2",
        "its certificate is no good": "ctls-cert-self-signed ctls-cert-strange ctls-cert-expired "
                                      "ctls-cert-a-servers",
    },
}
RELAYED = {
    "app": {
        "stopped": "nginx-refused haproxy-refused cdn-refused lb-refused",
        "hung: never answers": "nginx-hang haproxy-hang cdn-hang lb-hang",
        "accepts no more, its queue is full": "nginx-queue cdn-queue",
        "ends without an answer": "nginx-empty nginx-reset haproxy-empty cdn-empty lb-empty",
        "writes what is no HTTP": "nginx-bad haproxy-bad",
        "throws": "app-500",
    },
    "server": {
        "the host drops SYNs": "haproxy-silent cdn-silent",
        "down for maintenance": "nginx-503",
    },
    "db": {
        "stopped": "db-refused-502 db-refused-500",
        "hung: never answers": "db-hang-504",
    },
    "datastore": {"the file is gone": "nginx-404"},
    "auth": {"knows nobody any more": "auth-401 auth-403"},
}
# Of a chain of hosts: the lb's own host is `lb`, the rack's switch is a switch, and what a server
# program before the app says of itself is `server`'s.
CHAIN = {
    "app": {
        "stopped": "app-stopped app-closed-its-port app-stopped-health-checked "
                   "one-app-of-three-stopped fronted-app-stopped",
        "killed": "app-killed-in-flight",
        "frozen": "app-frozen",
        "hung: never accepts": "app-accepts-no-more app-hangs-health-checked",
        "accepts no more, its queue is full": "app-queue-full",
        "hung: never answers": "app-hang app-half-head-hang app-stall one-app-of-three-hangs "
                               "fronted-app-hangs",
        "too slow": "app-slow",
        "ends without an answer": "app-empty app-reset app-half-head app-half-head-reset",
        "dies of the request": "app-dies-of-request fronted-app-dies",
        "writes what is no HTTP": "app-garbage app-http09 app-bad-status app-bad-length "
                                  "app-bad-chunk fronted-app-garbage",
        "writes too much": "app-huge-head",
        "dies inside the body": "app-cut app-cut-reset app-cut-chunks",
        "throws": "app-throw one-app-of-three-throws fronted-app-throws",
        "its own certificate is out of date": "app-certificate-expired",
        "does not speak TLS any more": "app-speaks-no-tls",
        "all its workers are busy, and it says so": "app-busy",
    },
    "server": {
        "the host is off": "host-off host-off-health-checked",
        "its cable is out from after the request": "host-off-while-waited-for",
        "rebooted, the app is not up yet": "host-rebooted",
        "the host has no way back": "host-answers-nobody",
        "the host drops SYNs": "host-drops-what-comes",
        "the host's firewall rejects": "host-firewall-icmp host-firewall-rst",
        "its nginx is stopped": "front-stopped",
        "its nginx is frozen": "front-frozen",
        "down for maintenance": "front-says-503",
        "its nginx has a limit that is too low": "front-limits-429 front-limits-503",
        "does not speak TLS": "server-speaks-no-tls",
        "its TLS is too old": "server-tls-is-old",
        "has no cipher of ours": "server-tls-has-no-cipher",
        "its certificate is out of date": "server-certificate-expired",
        "its certificate is for others": "server-certificate-wrong-name",
        "its certificate is of a stranger": "server-certificate-of-a-stranger",
    },
    "tor": {
        "it swallows": "rack-drops-one rack-drops-all rack-drops-answers tor-drops-the-rack "
                       "tor-drops-lb rack-of-a-pool-dropped",
        "it is off": "rack-off rack-off-of-a-pool tor-off",
        "it is off from after the request": "rack-off-while-waited-for",
        "its route is dead, and it says so": "rack-says-unreachable tor-says-rack-unreachable "
                                             "tor-says-unreachable",
        "its filter forbids, and says so": "rack-says-prohibited tor-says-prohibited",
        "its firewall rejects": "rack-firewall-icmp rack-firewall-rst tor-firewall-icmp",
        "its route runs in a circle": "rack-circle tor-circle",
        "it swallows from after the request": "rack-lost-while-waited-for",
        "it swallows long frames": "rack-narrow tor-narrow-answers",
    },
    "isp": {
        "it swallows": "isp-drops-lb isp-drops-all isp-drops-answers",
        "it is off": "isp-off",
        "its route is dead, and it says so": "isp-says-unreachable",
        "its filter forbids, and says so": "isp-says-prohibited",
        "its firewall rejects": "isp-firewall-rst",
        "it swallows from after the request": "isp-lost-while-waited-for",
    },
    "lb": {
        "stopped": "lb-stopped",
        "killed": "lb-killed-in-flight",
        "frozen": "lb-frozen",
        "its host is off": "lb-host-off",
        "its host drops SYNs": "lb-host-drops",
        "a route is missing": "lb-no-route",
        "its own host forbids it": "lb-prohibits",
        "its own route is dead": "lb-no-way-out lb-dead-route",
        "its local ports are used up": "lb-out-of-ports",
        "its certificate is out of date": "lb-certificate-expired",
        "its certificate is for others": "lb-certificate-wrong-name",
        "its certificate is of a stranger": "lb-certificate-of-a-stranger",
        "does not speak TLS": "lb-speaks-no-tls",
        "its TLS is too old": "lb-tls-is-old",
        "has no cipher of ours": "lb-tls-has-no-cipher",
        "its list of authorities is another's": "lb-has-another-authority",
    },
    "cdn": {
        "a route is missing": "cdn-no-route",
        "its own host forbids it": "cdn-prohibits",
        "its own route is dead": "cdn-no-way-out",
        "has no certificate for the lb": "cdn-has-no-certificate",
    },
    "dns": {
        "the name is gone": "lb-dns-nxdomain cdn-dns-nxdomain",
        "its servers fail": "lb-dns-servfail cdn-dns-servfail",
        "is silent": "lb-dns-silent cdn-dns-silent",
        "names an address that nobody has": "lb-dns-wrong-host cdn-dns-wrong-host",
        "names another host": "lb-dns-wrong-server cdn-dns-wrong-server",
    },
    "db": {
        "stopped": "db-stopped-500 db-stopped-502 db-stopped-503 db-stopped-not-blamed",
        "hung: never answers": "db-hangs-504",
        "frozen": "db-frozen-500",
    },
    "auth": {
        "stopped": "auth-stopped",
        "hung: never answers": "auth-hangs",
        "knows nobody any more": "auth-says-401 auth-says-403",
    },
    "datastore": {
        "the file is gone": "store-says-404",
        "stopped": "store-stopped",
    },
    "browser": {
        "stops half-way": "client-half-a-head client-body-stalls",
        "writes a bad request line": "client-bad-line",
        "frames wrongly": "client-two-lengths",
        "writes no, two or a bad Host": "client-bad-host",
    },
    "browser-app": {
        "sets huge cookies": "client-huge-cookie",
        "makes a huge URL": "client-long-target",
        "uploads too much": "client-uploads-too-much",
    },
    "router": {
        "appends without end": "router-appends",
        "loses segments": "router-loses",
    },
    "device": {"its cable is out": "device-unplugged"},
}

# Nothing that reaches us tells of the broken hop: the documented row of a bare status leaves it out,
# or what the kernel knows is the same when another is broken. They are scored like all others, but
# don't decide the exit code.
BEYOND = {
    "mtu-of-long-tails": "acknowledgements pass and no segment of the answer does: so looks a "
                         "hung app too",
    "tor-narrow-answers": "the same, of an answer's head",
    "isp-drops-answers": "it swallows what the lb's address sends; routers behind it are heard, so "
                         "that a walk shows the way to them whole",
    "isp-firewall-rst": "a RST in the lb's name, as soon as the lb's own would come",
    "rack-firewall-rst": "a RST in the server's name, as soon as the server's own would come",
    "front-frozen": "a server's program that is frozen acknowledges and says nothing, as it does "
                    "while it waits for a hung app",
    "haproxy-refused": "HAProxy says 503 of a refusal, and the row of 503 blames the server alone",
    "cdn-silent": "522, and its row leaves out the server, whose silence looks the same",
    "db-refused-500": "a bare 500 says nothing of what lies behind the app",
}

LEFT_OUT = {
    "teapot": "nothing is broken: we were told to say 418",
    "stale-keepalive-race": "two timers met; nobody is broken",
    "400, 413, 414, 431 relayed": "page or browser: the bare status doesn't say, nor can a test",
    "401, 403, 429 for good reason": "a client without rights or patience: no hop is broken",
    "407, 511": "of forward proxies and captive portals; never behind a reverse proxy",
    "505 relayed": "we speak 1.1 to every upstream",
    "body-content-coding": "whichhop does not decode",
}


def truths(table):
    """{fault's name: (hops as "at lb | at cdn", what was done)}"""
    return {name: (hop, done) for hop, kinds in table.items()
            for done, names in kinds.items() for name in names.split()}
