"""The faults that can be met on loopback: how each is met, and what has to be said of it.

`URL` faults are a path of whichhop-origin, `LISTENER` faults an option of it, `CLIENT` faults are
bytes that a client sends. Suspects stand as "at lb | at cdn". `proven` are the hops that a
rule clears: the network up to the far end of our connection where bytes came back from there.
"""

import dataclasses

from documented import produced
from harness import request


def hops_at(position, hops):
    at_lb, _, at_cdn = hops.partition(" | ")
    return ((at_cdn or at_lb) if position == "cdn" else at_lb).replace("self", position).split()


@dataclasses.dataclass(frozen=True)
class Case:
    name: str  # also its host: NAME.test
    fault: str
    gateway: str  # "status row"
    edge: str
    suspects: str
    error: str  # the error type of RFC 9209
    broken: str  # the hop that is broken in truth: at loopback, our own doing
    proven: str = "tor | isp tor"  # what a rule clears
    path: str = "/"
    listener: str = ""
    bytes: bytes = b""
    cut: bool = False  # the status is spent when the fault is met

    @property
    def host(self):
        return f"{self.name}.test"

    @property
    def is_upstream(self):
        return not self.bytes

    def request(self, accept):
        return self.bytes or request(self.path, host=self.host, fields=[("Accept", accept)])

    def status(self, statuses):
        return int((self.edge if statuses == "edge" else self.gateway).split()[0])

    def verdict(self, position, statuses):
        _, *row = (self.edge if statuses == "edge" else self.gateway).split()
        suspects, proven = hops_at(position, self.suspects), hops_at(position, self.proven)
        return produced(self.fault, row[0] if row else None, suspects, position, proven)


def url(name, fault, gateway, edge, suspects, error, broken="app", path="", cut=False):
    return Case(name, fault, gateway, edge, suspects, error, broken,
                path="/fault/" + (path or name), cut=cut)


def listener(name, fault, gateway, edge, suspects, error, broken="server", proven=""):
    return Case(name, fault, gateway, edge, suspects, error, broken, proven, path="/bytes/1",
                listener="--" + name)


INCOMPLETE, PROTOCOL = "http_response_incomplete", "http_protocol_error"
TERMINATED, TIMEOUT = "connection_terminated", "http_response_timeout"
CODING = "http_response_transfer_coding"
FAR_END = "app | app lb"

CONNECT = [
    listener("refuse", "connect-refused-rst", "502 502A", "521 521",
             "app server | app server lb", "connection_refused"),
    listener("drop-syn", "connect-timeout", "504 504A", "522 522",
             "tor server app | isp tor lb server app", "connection_timeout"),
    listener("backlog-full", "connect-timeout", "504 504A", "522 522",
             "tor server app | isp tor lb server app", "connection_timeout", broken="app"),
    listener("unacked", "write-timeout-unacked", "504 504A", "522 522",
             "tor server | isp tor lb server", "connection_write_timeout", proven="app"),
    listener("never-accept", "resp-timeout-ttfb", "504 504A", "524 524", FAR_END, TIMEOUT,
             broken="app", proven="tor | isp tor"),
]
WAIT = [
    url("hang", "resp-timeout-ttfb", "504 504A", "524 524", FAR_END, TIMEOUT),
    url("empty", "resp-empty-fin", "502 502A", "520 520", FAR_END, INCOMPLETE),
    url("reset-before-head", "resp-rst", "502 502A", "520 520", "app server | app server lb",
        TERMINATED),
    url("1xx-close", "resp-1xx-then-close", "502 502A", "520 520", FAR_END, INCOMPLETE),
    url("1xx-hang", "resp-1xx-then-hang", "504 504A", "524 524", FAR_END, TIMEOUT),
    url("1xx-flood", "resp-1xx-flood", "502 502A", "520 520", "app", PROTOCOL),
]
HEAD = [
    url("smtp", "head-not-http", "502 502A", "520 520", "server app", PROTOCOL, broken="server"),
    url("garbage", "head-not-http", "502 502A", "520 520", "server app", PROTOCOL,
        broken="server"),
    url("http09", "head-http09", "502 502A", "520 520", "app", PROTOCOL),
    *(url(f"bad-status-{token}", "head-bad-status", "502 502A", "520 520", "app", PROTOCOL,
          path=f"bad-status/{token}") for token in ("abc", "20", "1000", "099", "600", "999")),
    url("bad-version", "head-bad-version", "502 502A", "520 520", "app server", PROTOCOL,
        path="bad-version/HTTP/2.0"),
    url("truncate-head", "head-truncated", "502 502A", "520 520", "app server", INCOMPLETE),
    url("truncate-head-reset", "head-truncated", "502 502A", "520 520", "app server",
        TERMINATED),
    url("hang-head", "head-timeout", "504 504A", "524 524", "app", TIMEOUT),
    url("drip", "head-timeout", "504 504A", "524 524", "app", TIMEOUT),
    url("head-too-large", "head-too-large", "502 502A", "520 520", "app",
        "http_response_header_section_size"),
    url("many-fields", "head-too-large", "502 502A", "520 520", "app",
        "http_response_header_section_size"),
    *(url(name, "head-bad-field", "502 502A", "520 520", FAR_END, PROTOCOL)
      for name in ("bad-field", "empty-name", "nul")),
    *(url(name, "head-cl-invalid", "502 502A", "520 520", FAR_END, PROTOCOL)
      for name in ("cl-twice", "cl-negative", "cl-overflow")),
    url("cl-te", "head-cl-te", "502 502A", "520 520", FAR_END, PROTOCOL),
    *(url(name, "head-te-unsupported", "502 502A", "520 520", "app", CODING)
      for name in ("te-unknown", "te-gzip")),
    url("unsolicited-101", "head-unsolicited-101", "502 502A", "520 520", "app",
        "http_upgrade_failed"),
]
BODY_AT_ONCE = [
    *(url(name, "body-chunk-malformed", "502 502A", "520 520", FAR_END, CODING, cut=True)
      for name in ("chunk-bad", "chunk-overflow")),
]
BODY = [
    url("truncate", "body-cl-short-fin", "502 502A", "520 520", "app server | app server lb",
        INCOMPLETE, cut=True),
    url("truncate-reset", "body-cl-short-rst", "502 502A", "520 520", FAR_END, TERMINATED,
        cut=True),
    # No probe was answered: the network may have lost what is missing.
    dataclasses.replace(
        url("stall-body", "body-stall", "504 504A", "524 524",
            "app tor server | app lb isp tor server", "connection_read_timeout", cut=True),
        proven=""),
    url("truncate-chunked", "body-chunk-truncated", "502 502A", "520 520",
        "app server | app server lb", INCOMPLETE, cut=True),
    url("truncate-chunked-reset", "body-chunk-truncated", "502 502A", "520 520",
        "app server | app server lb", INCOMPLETE, cut=True),
    url("chunk-bad-late", "body-chunk-malformed", "502 502A", "520 520", FAR_END, CODING, cut=True),
    url("chunk-long", "body-chunk-malformed", "502 502A", "520 520", FAR_END, CODING, cut=True),
    url("close-cut", "body-close-delimited-cut", "502 502A", "520 520",
        "server app | server app lb", TERMINATED, cut=True),
]


def client(name, fault, status, suspects, data, error="http_request_error", broken="browser"):
    return Case(name, fault, status, status, suspects, error, broken, proven="", bytes=data)


def get(*fields, line="GET / HTTP/1.1", host="Host: client.test"):
    return "\r\n".join([line, *([host] if host else []), *fields, "", ""]).encode("latin-1")


def post(*fields, body, name):
    return get(*fields, line="POST / HTTP/1.1", host=f"Host: {name}.test") + body


XFF = ", ".join(f"203.0.113.{i % 250}" for i in range(1400))
MANY = [f"X-{i}: v" for i in range(200)]
CHUNKED = "Transfer-Encoding: chunked"

REQUEST = [
    client("two-spaces", "req-line-bad", "400 400", "browser router cdn | browser router",
           get(line="GET  / HTTP/1.1")),
    client("nul-in-line", "req-line-bad", "400 400", "browser router cdn | browser router",
           get(line="GET /a\0b HTTP/1.1")),
    client("noise", "req-line-bad", "400 400", "browser router cdn | browser router",
           b"GARBAGE\r\n\r\n"),
    client("tls-hello", "req-line-bad", "400 400", "browser router cdn | browser router",
           b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + bytes(range(154)) + b"\r\n\r\n"),
    client("version-9", "req-version", "505 505", "browser", get(line="GET / HTTP/9.9")),
    client("h2-preface", "req-version", "505 505", "browser",
           b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    client("cookie", "req-head-too-large", "431 431", "browser browser-app",
           get("Cookie: " + "c" * 40000)),
    client("forwarded-for", "req-head-too-large", "431 431", "router cdn isp tor | router",
           get("X-Forwarded-For: " + (XFF + ", ") * 2, "Cookie: a=b"), broken="router"),
    client("long-target", "req-target-too-long", "414", "browser-app",
           get(line=f"GET /{'a' * 10000} HTTP/1.1"), broken="browser-app"),
    *(client(f"host-{i}", "req-host", "400 400", "browser-app browser cdn | browser-app browser", data,
             broken="browser-app")
      for i, data in enumerate([get(host=None), get("Host: other.test"), get(host="Host: a b"),
                                get(host="Host: a/b"), get(host="Host: u@a")])),
    *(client(f"framing-{i}", "req-framing-conflict", "400 400",
             "browser-app browser cdn | browser-app browser", data, broken="browser-app")
      for i, data in enumerate([
          get("Content-Length: 3", CHUNKED) + b"0\r\n\r\n",
          get("Content-Length: 3", "Content-Length: 4") + b"abcd",
          get("Content-Length: -3"), get("Content-Length: 3x") + b"abc",
          get("Content-Length: +3") + b"abc", get("Content-Length: 36893488147419103234"),
          get(CHUNKED, line="POST / HTTP/1.0") + b"0\r\n\r\n",
          get("Transfer-Encoding: chunked, gzip") + b"0\r\n\r\n"])),
    client("te-foo", "req-te-unknown", "501", "browser-app browser",
           get("Transfer-Encoding: foo", line="POST / HTTP/1.1"), broken="browser-app"),
    *(client(f"method-{name.lower()}", "req-method", "405", "browser-app browser",
             get(line=f"{name} {target} HTTP/1.1"), error="http_request_denied",
             broken="browser-app")
      for name, target in (("CONNECT", "client.test:443"), ("TRACE", "/"))),
    client("expect", "req-expect", "417", "browser-app browser", get("Expect: 200-ok"),
           broken="browser-app"),
]
SLOW = [
    client("half-a-head", "req-head-timeout", "408", "browser", b"GET / HTTP/1.1\r\nHost: half"),
    client("body-stalls", "reqbody-timeout", "408", "browser",
           post("Content-Length: 1000", body=b"0123456789", name="body-stalls")),
]
UPLOAD = [
    *(client(name, "reqbody-chunk-bad", "400 400", "browser-app browser cdn | browser-app browser",
             post(CHUNKED, body=body, name=name), broken="browser-app")
      for name, body in (("chunk-size-zz", b"ZZ\r\nok\r\n0\r\n\r\n"),
                         ("chunk-size-huge", b"FFFFFFFFFFFFFFFFF\r\nok\r\n0\r\n\r\n"),
                         ("chunk-no-crlf", b"2\r\nokXX0\r\n\r\n"))),
    client("upload-announced", "reqbody-too-large", "413", "browser-app",
           post("Content-Length: 10000000000", body=b"", name="upload-announced"),
           broken="browser-app"),
    client("upload-chunked", "reqbody-too-large", "413", "browser-app",
           post(CHUNKED, body=b"8000\r\n" + b"u" * 0x8000 + b"\r\n", name="upload-chunked"),
           broken="browser-app"),
]
OWN = [
    Case("no-route", "route-none", "404 404", "404 404", "self", "destination_not_found", "self",
         proven=""),
    Case("teapot", "respond", "418 418", "418 418", "self", "proxy_internal_response", "self",
         proven=""),
]

UPSTREAM = CONNECT + WAIT + HEAD + BODY_AT_ONCE + BODY
CLIENT = REQUEST + SLOW + UPLOAD
ALL = UPSTREAM + CLIENT + OWN


def configuration(ports, position, statuses, errors=""):
    """A proxy that can meet every case: an upstream of its own for each, chosen by Host."""
    upstreams, routes = "", ""
    for case in ALL:
        port = ports.get(case.name)
        if case.name == "teapot":
            routes += f"  - {{host: {case.host}, respond: 418}}\n"
        elif port:
            upstreams += f'  {case.name}: {{servers: ["127.0.0.1:{port}"]}}\n'
            routes += f"  - {{host: {case.host}, upstream: {case.name}}}\n"
    return (
        f'listen: ["127.0.0.1:0"]\nnode: {{name: here, workers: 1, position: {position}}}\n'
        "timeouts: {connect: 500ms, response_head: 1s, response_body: 1s, request_head: 1s,"
        " request_body: 1s}\n"
        "limits: {request_body: 16KiB}\n"
        f"errors: {{statuses: {statuses}{', ' + errors if errors else ''}}}\n"
        f"upstreams:\n{upstreams}routes:\n{routes}")
