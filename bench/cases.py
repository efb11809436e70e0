"""What is measured, by name: one table."""

import dataclasses

# The request of a browser: with wrk's own line and Host, 700 B.
BROWSER_FIELDS = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 "
                  "Firefox/128.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,"
              "image/avif,image/webp,image/png,image/svg+xml,*/*;q=0.8",
    "Accept-Language": "en-GB,en;q=0.7,de;q=0.3",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Referer": "https://shop.example/catalogue/shoes?page=2&sort=price",
    "Cookie": "session=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c; "
              "consent=1; theme=dark; _ga=GA1.2.1234567890.1718000000",
    "Upgrade-Insecure-Requests": "1",
    "Cache-Control": "max-age=0",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Site": "same-origin",
    "Sec-Fetch-User": "?1",
    "Priority": "u=0, i",
}


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    says: str
    kind: str = "cpu"  # how it is measured: a key of UNITS
    path: str = "/100B"
    setup: str = "plain"   # contestants.Place.setup
    fields: dict = dataclasses.field(default_factory=dict)
    refused: bool = False  # nobody listens upstream
    errors: bool = False   # every answer is to be a 4xx or 5xx
    # Who takes no part, and why.
    without: dict = dataclasses.field(default_factory=dict)
    only: tuple = ()       # no others take part

    @property
    def secure(self):
        return self.setup.startswith("tls")


UNITS = {
    "cpu": "CPU µs/request",
    "log": "CPU µs/request",
    "handshake": "CPU µs/request",
    "latency": "p50 µs",
    "syscalls": "calls/request",
    "instructions": "instructions/request",
    "memory": "KiB/connection",
}

# Labels beside those that are the proxies' names.
LOGGED = "whichhop, JSON log"
NO_PROXY = "no proxy"

CONNECTS_EACH_TIME = {
    "floor": "it connects once for each client, where a proxy keeps its "
             "upstream connections"}

ALL = [
    Case("keepalive-100B", "GET of 100 B, connections kept"),
    Case("browser-like",
         "heads as of a browser and an application: 700 B and 450 B",
         path="/app", fields=BROWSER_FIELDS),
    Case("10KiB", "GET of 10 KiB, connections kept", path="/10KiB"),
    Case("1MiB", "GET of 1 MiB, connections kept", path="/1MiB", setup="big"),
    Case("connection-per-request", "a connection for each GET of 100 B",
         fields={"Connection": "close"}, without=CONNECTS_EACH_TIME),
    Case("refused",
         "the origin refuses: whichhop's diagnosis, the others' static page",
         refused=True, errors=True, without={
             **CONNECTS_EACH_TIME,
             "nghttpx": "it stops asking a server that refused"}),
    Case("relayed-404",
         "the origin's 404, its body kept; whichhop adds all its fields",
         path="/404", setup="kept", errors=True),
    Case("refused-page",
         "the origin refuses a browser: whichhop's page with its diagram, the "
         "others' static page",
         fields=BROWSER_FIELDS, refused=True, errors=True, without={
             **CONNECTS_EACH_TIME,
             "nghttpx": "it stops asking a server that refused"}),
    Case("relayed-404-page",
         "the origin's stock 404 to a browser: whichhop's page in its place",
         path="/missing", fields=BROWSER_FIELDS, errors=True),
    Case("relayed-404-panel",
         "the application's own 404 page to a browser: whichhop's panel in it",
         path="/404.html", fields=BROWSER_FIELDS, errors=True),
    Case("json-log", "GET of 100 B with whichhop's JSON access log, and "
         "without", kind="log", only=("whichhop",)),
    Case("latency",
         "1,000 requests/s whatever comes back, from when each was due",
         kind="latency"),
    Case("system-calls", "of a kept-alive exchange, at 64 connections",
         kind="syscalls"),
    Case("instructions", "in user space, of a kept-alive exchange",
         kind="instructions",
         only=("whichhop", "before", "nginx", "haproxy", "h2o")),
    Case("idle-memory",
         "of an idle client connection that was used; user memory (Pss)",
         kind="memory", without={
             "floor": "it keeps an upstream connection for each client's"}),
]


NO_TLS = {"floor": "it speaks no TLS"}

ALL += [
    Case("tls-keepalive", "GET of 100 B over TLS 1.3, connections kept",
         setup="tls", without=NO_TLS),
    Case("tls-handshake",
         "a connection and a full handshake (ECDSA P-256) for each GET of "
         "100 B, no session resumed", kind="handshake", setup="tls",
         without=NO_TLS),
    Case("tls-1MiB", "GET of 1 MiB over TLS 1.3, connections kept",
         path="/1MiB", setup="tls", without=NO_TLS),
    Case("tls-both-sides",
         "GET of 100 B over TLS 1.3, which the origin speaks too",
         setup="tls-both", without={
             **NO_TLS,
             "trafficserver": "it is not set up here to verify an origin"}),
    Case("tls-system-calls", "of a kept-alive exchange over TLS 1.3",
         kind="syscalls", setup="tls", without=NO_TLS),
    Case("tls-instructions",
         "in user space, of a kept-alive exchange over TLS 1.3",
         kind="instructions", setup="tls",
         only=("whichhop", "before", "nginx", "haproxy")),
    Case("tls-idle-memory",
         "of an idle TLS connection of a client that was used; user memory "
         "(Pss)", kind="memory", setup="tls", without=NO_TLS),
]


def takes_part(case, name):
    return name not in case.without and (not case.only or name in case.only)


def entries(case, proxies):
    """[(label, proxy, setup)] of a case; the proxy is None for none."""
    taking = [proxy for proxy in proxies if takes_part(case, proxy.name)]
    found = [(proxy.name, proxy, case.setup) for proxy in taking]
    if case.kind == "log":
        found += [(LOGGED, proxy, "log") for proxy in taking]
    if case.kind == "latency":
        found.append((NO_PROXY, None, case.setup))
    return found


def named(names, beginnings):
    """Those of that name or beginning, in the table's order; all if there is
    none."""
    names, beginnings = names or [], tuple(beginnings or [])
    if not names and not beginnings:
        return ALL
    return [case for case in ALL
            if case.name in names or case.name.startswith(beginnings)]
