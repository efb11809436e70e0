"""Ways to break one hop of a chain (attribution_chain.py). attribution_truth.py says which it is."""

import contextlib
import dataclasses
import signal
import socket
import struct
import threading

from attribution_chain import (CART, CDN, DB, EDGE_NAME, FRONT, LB, NAME, S1, S2, S3, Layout)
from harness import Client, Proxy, wait_for
from namespaces import deaf, hearing, inside
from nameserver import NXDOMAIN, SERVFAIL

HOST = "shop.example"


@dataclasses.dataclass(frozen=True)
class Break:
    """`act(chain)` breaks it: after requests that were answered ("warm"), before any ("cold"), or
    while one is waited for ("sent"). `visit(chain)` is a client that is broken itself, and the
    connection that it came by."""
    name: str
    act: object = None
    layout: Layout = Layout()
    when: str = "warm"
    target: str = "/cart"
    visit: object = None
    peers: bool = True  # others in our place meet it too


def tell(*words):
    return lambda chain: chain.app.tell(*words)


def of(service, *words):
    return lambda chain: chain.services[service].tell(*words)


def end(service):
    return lambda chain: chain.services[service].stop()


def send_signal(service, number):
    return lambda chain: chain.services[service].signal(number)


def route(role, line):
    return lambda chain: chain.ip(role, f"route add {line}")


def also(*acts):
    def act(chain):
        for each in acts:
            each(chain)
    return act


def fill_queue(chain):
    """The app accepts no more, and whoever connects finds the queue full."""
    chain.app.tell("deaf")
    with inside(chain.names["s1"]):
        for _ in range(12):
            filler = socket.socket()
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect((S1, CART))
            chain.callback(filler.close)


def deaf_host(role, address):
    """Its firewall drops what comes for it."""
    return lambda chain: chain.ip(role, f"route del local {address} table local",
                                  f"route add blackhole {address} table local")


def says_no(role, address, says_so, reset=False):
    """A firewall in `role` that answers each SYN to `address`, by ICMP or by RST."""
    def act(chain):
        if role in ("s1", "lb"):
            deaf_host(role, address)(chain)
        else:
            chain.ip(role, f"route add blackhole {address}")
        Firewall(chain, role, address, says_so, reset)
    return act


class Firewall:
    def __init__(self, chain, role, address, says_so, reset):
        with inside(chain.names[role]):
            self.tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
            self.raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self.tap.settimeout(0.2)
        self.address, self.says_so = socket.inet_aton(address), socket.inet_aton(says_so)
        self.answer = self.rst if reset else self.icmp
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        chain.callback(self.stop)

    def stop(self):
        self.ended.set()
        self.thread.join()
        self.tap.close()
        self.raw.close()

    def run(self):
        while not self.ended.is_set():
            try:
                packet, origin = self.tap.recvfrom(2048)
            except TimeoutError:
                continue
            if origin[2] != 0 or packet[16:20] != self.address or packet[9] != socket.IPPROTO_TCP:
                continue
            data = self.answer(packet)
            if data:
                with contextlib.suppress(OSError):
                    self.raw.sendto(data, (socket.inet_ntoa(packet[12:16]), 0))

    def icmp(self, packet):
        length = (packet[0] & 15) * 4
        body = struct.pack("!BBHI", 3, 3, 0, 0) + packet[:length + 8]
        body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
        return ip_head(len(body), socket.IPPROTO_ICMP, self.says_so, packet[12:16]) + body

    def rst(self, packet):
        """As `tcp-reset` of a firewall: in the name of whom the segment was for."""
        length = (packet[0] & 15) * 4
        segment = packet[length:]
        source, target, sequence, acknowledged = struct.unpack("!HHII", segment[:12])
        flags = segment[13]
        if flags & 4:
            return None
        if flags & 16:
            answer = struct.pack("!HHIIBBHHH", target, source, acknowledged, 0, 0x50, 4, 0, 0, 0)
        else:
            answer = struct.pack("!HHIIBBHHH", target, source, 0, sequence + 1 & 0xffffffff, 0x50,
                                 0x14, 0, 0, 0)
        pseudo = self.address + packet[12:16] + struct.pack("!BBH", 0, 6, len(answer))
        answer = answer[:16] + struct.pack("!H", checksum(pseudo + answer)) + answer[18:]
        return ip_head(len(answer), socket.IPPROTO_TCP, self.address, packet[12:16]) + answer


def ip_head(length, protocol, source, target):
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + length, 0, 0, 64, protocol, 0, source, target)


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xffff:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def connections(chain, role):
    """Those of its kernel that are neither listening nor over."""
    with inside(chain.names[role]), open("/proc/thread-self/net/tcp") as file:
        return [line for line in file.readlines()[1:] if line.split()[3] not in ("0A", "06", "07")]


def rebooted(chain):
    """Off without a word, and up again: its services are not, and its kernel knows no connection."""
    with inside(chain.names["s1"]), open("/proc/sys/net/ipv4/tcp_orphan_retries", "w") as file:
        file.write("1")
    chain.links("s1", "down")
    for name in ("web-s1", "cart-s1"):
        chain.services[name].stop()
    wait_for(lambda: not connections(chain, "s1"), "the connections of s1 to be forgotten")
    chain.links("s1", "up")
    chain.ip("s1", "route add default via 10.21.0.1")


def one_way(role, source):
    """What comes from there is swallowed."""
    return lambda chain: chain.ip(role, f"rule add from {source} blackhole")


def narrow_at(role, net):
    """The next cable takes short frames alone, and nobody says so."""
    return lambda chain: chain.ip(role, f"link set n{net} mtu 600")


def narrow_answers(chain):
    """tor takes long frames from the lb no more, and its ICMP is filtered on the lb."""
    chain.ip("tor", "route add 10.1.0.0/24 via 10.2.0.1 mtu lock 600 table 100",
             f"rule add from {LB} table 100")
    chain.ip("lb", "rule add pref 1 table local", "rule del pref 0",
             "rule add pref 0 from 10.3.0.1 blackhole")


def stop_lb(chain):
    """Those in its place too."""
    signal_lb(signal.SIGKILL)(chain)
    chain.lb.wait()


def signal_lb(number):
    def act(chain):
        for each in (chain.lb, *chain.peers.values()):
            each.signal(number)
    return act


def zone_says(answer):
    def act(chain):
        chain.zone.answer = answer
        chain.app.tell("leave")
    return act


def edge_zone_says(answer):
    """And the lb restarts, so that no connection is left."""
    def act(chain):
        chain.cdn_zone.answer = answer
        restart_lb(chain)
    return act


def restart_lb(chain, change=lambda yaml: yaml):
    """A new process: idle connections end."""
    chain.lb.signal(signal.SIGKILL)
    chain.lb.wait()
    with open(chain.lb.config_path) as file:
        yaml = "".join(line for line in file if not line.startswith("logs:"))
    chain.lb = chain.start("lb", lambda: Proxy(change(yaml)))


def lb_changes(old, new):
    """As an operator does who means well; `@` names certificates."""
    def act(chain):
        def change(yaml):
            assert chain.resolved(old) in yaml, old
            return yaml.replace(chain.resolved(old), chain.resolved(new))
        restart_lb(chain, change)
    return act


def another_balancer(*tls):
    """In place of the lb."""
    def act(chain):
        chain.lb.signal(signal.SIGKILL)
        chain.lb.wait()
        chain.service("lb", "app", f"{LB}:80").tell("tls", *map(chain.resolved, tls))
    return act


def tell_tls(*words):
    return lambda chain: chain.app.tell("tls", *map(chain.resolved, words))


def front_changes(old, new):
    """A new nginx; `@` names certificates."""
    def act(chain):
        assert old in chain.layout.front, old
        chain.front.stop()
        chain.start_front(chain.layout.front.replace(old, new))
    return act


def out_of_ports(role, net):
    """Every local port is taken."""
    def act(chain):
        with inside(chain.names[role]):
            with open("/proc/sys/net/ipv4/ip_local_port_range", "w") as file:
                file.write("40000 40003")
            for port in range(40000, 40004):
                taken = socket.socket()
                taken.bind((net, port))
                taken.listen()
                chain.callback(taken.close)
        chain.app.tell("leave")
    return act


# --- clients ---

def says(data):
    def visit(chain, port=80):
        client = chain.client(port)
        client.send(data)
        return client
    return visit


def lossy(data):
    """Its network loses what comes for a while: SYN-ACKs first."""
    def visit(chain, port=80):
        with inside(chain.names["client"]):
            connection = socket.socket()
        connection.settimeout(30)
        deaf(connection)
        timer = threading.Timer(1.5, hearing, [connection])
        timer.start()
        connection.connect((CDN, port))
        timer.join()
        client = Client.__new__(Client)
        client.socket, client.buffer = connection, b""
        client.send(data)
        return client
    return visit


def unplugged(data):
    def visit(chain):
        client = chain.client()
        client.send(data)
        chain.background_traffic.stop()
        chain.ip("client", "link set n0 down")
        return client
    return visit


def get(*fields, target="/cart", line=None, host=HOST):
    return "\r\n".join([line or f"GET {target} HTTP/1.1", f"Host: {host}", *fields, "", ""]).encode()


FRONTED = {"servers": (f"{S1}:{FRONT}",), "upstream": "is: server"}
PASS = f"proxy_pass http://127.0.0.1:{CART};"


def front(http="", location=PASS, listen=";", **more):
    return Layout(front=f"proxy_connect_timeout 2s; proxy_read_timeout 2s; {http} "
                        f"server {{ listen {FRONT}{listen} location / {{ {location} }} }}",
                  **{**FRONTED, **more})


POOL = Layout(servers=(f"{S1}:{CART}", f"{S2}:{CART}", f"{S3}:{CART}"), apps=("s1", "s2", "s3"),
              upstream="is: app, believe: true, retry: {attempts: 0}")
POOL_ALONE = Layout(upstream="is: app, believe: true, health_check: {path: /healthz, "
                             "interval: 1s, timeout: 1s, unhealthy: 2}")
BY_NAME = Layout(servers=(f"{NAME}:{CART}",), resolves=True)
BY_EDGE_NAME = Layout(dc=f"{EDGE_NAME}:80", resolves=True)
TLS = "tls: {ca: @ca, server_name: app.internal}"
GOOD = "certificates: [{cert: @good.cert, key: @good.key}]"
EDGE_TLS = Layout(lb_tls=GOOD + ", strict_sni: false", cdn_dc=TLS)
APP_TLS = Layout(upstream="is: app, believe: true, " + TLS, app_tls=True)
SERVER_PAIR = "ssl_certificate @good.cert; ssl_certificate_key @good.key;"
FRONT_TLS = front(listen=f" ssl; {SERVER_PAIR}", upstream="is: server, " + TLS, front_tls=True)
SMALL_QUEUE = Layout(app=("--backlog", "1"))
PLAIN_502, PLAIN_500 = Layout(app=("--blames",)), Layout(app=("--blames", "--says", "500"))
PLAIN_503 = Layout(app=("--blames", "--says", "503"))
SILENT_502 = Layout(app=())  # the app says 502, and not whose fault it is
SENT, COLD, OURS = {"when": "sent"}, {"when": "cold"}, {"peers": False}

APP = [
    Break("app-stopped", end("cart-s1")),
    Break("app-killed-in-flight", lambda chain: chain.app.stop(), target="/cart",
          **SENT),
    Break("app-closed-its-port", tell("close")),
    Break("app-frozen", send_signal("cart-s1", signal.SIGSTOP)),
    Break("app-accepts-no-more", tell("deaf")),
    Break("app-queue-full", fill_queue, SMALL_QUEUE),
    *(Break(f"app-{mode}", tell(mode)) for mode in (
        "hang", "slow", "empty", "reset", "half-head", "half-head-reset", "half-head-hang",
        "garbage", "http09", "bad-status", "bad-length", "huge-head", "cut", "cut-reset", "stall",
        "cut-chunks", "bad-chunk", "throw", "busy")),
    Break("app-dies-of-request", tell("die")),
    Break("app-stopped-health-checked", end("cart-s1"), POOL_ALONE),
    Break("app-hangs-health-checked", tell("deaf"), POOL_ALONE),
    Break("one-app-of-three-throws", tell("throw"), POOL),
    Break("one-app-of-three-stopped", end("cart-s1"), POOL),
    Break("one-app-of-three-hangs", tell("hang"), POOL),
    Break("fronted-app-stopped", end("cart-s1"), front()),
    Break("fronted-app-hangs", tell("hang"), front()),
    Break("fronted-app-dies", tell("die"), front()),
    Break("fronted-app-garbage", tell("bad-status"), front()),
    Break("fronted-app-throws", tell("throw"), front()),
]
SERVER = [
    Break("host-off", lambda chain: chain.links("s1", "down")),
    Break("host-off-health-checked", lambda chain: chain.links("s1", "down"), POOL_ALONE),
    Break("host-off-while-waited-for", lambda chain: chain.links("s1", "down"), **SENT),
    Break("host-rebooted", rebooted),
    Break("host-answers-nobody", lambda chain: chain.ip("s1", "route add blackhole 10.3.0.0/24")),
    Break("host-drops-what-comes", deaf_host("s1", S1)),
    Break("host-firewall-icmp", says_no("s1", S1, S1)),
    Break("host-firewall-rst", says_no("s1", S1, S1, reset=True)),
    Break("front-stopped", lambda chain: chain.front.stop(), front()),
    Break("front-frozen", lambda chain: chain.front.signal(signal.SIGSTOP), front()),
    Break("front-says-503", None, front(location="return 503;"), **COLD),
    Break("front-limits-429", None,
          front(http="limit_req_zone $host zone=all:32k rate=1r/m; limit_req_status 429;",
                location="limit_req zone=all; " + PASS), **COLD),
    Break("front-limits-503", None,
          front(http="limit_req_zone $host zone=all:32k rate=1r/m;",
                location="limit_req zone=all; " + PASS), **COLD),
]
RACK = [
    Break("rack-drops-one", route("sw1", f"blackhole {S1}")),
    Break("rack-drops-all", also(route("sw1", "blackhole 10.21.0.2"),
                                 route("sw1", "blackhole 10.22.0.2"))),
    Break("rack-off", lambda chain: chain.links("sw1", "down")),
    Break("rack-off-while-waited-for", lambda chain: chain.links("sw1", "down"), **SENT),
    Break("rack-says-unreachable", route("sw1", f"unreachable {S1}")),
    Break("rack-says-prohibited", route("sw1", f"prohibit {S1}")),
    Break("rack-firewall-icmp", says_no("sw1", S1, "10.10.0.2")),
    Break("rack-firewall-rst", says_no("sw1", S1, "10.10.0.2", reset=True)),
    Break("rack-drops-answers", one_way("sw1", S1)),
    Break("rack-circle", route("sw1", f"{S1} via 10.10.0.1")),
    Break("rack-lost-while-waited-for", route("sw1", f"blackhole {S1}"), **SENT),
    Break("rack-narrow", narrow_at("s1", 21), target="/cart?" + "q" * 3000),
    Break("tor-drops-the-rack", also(route("tor", "blackhole 10.21.0.2"),
                                     route("tor", "blackhole 10.22.0.2"))),
    Break("rack-off-of-a-pool", lambda chain: chain.links("sw1", "down"), POOL),
    Break("rack-of-a-pool-dropped", also(route("tor", "blackhole 10.21.0.2"),
                                         route("tor", "blackhole 10.22.0.2")), POOL),
    Break("tor-says-rack-unreachable", route("tor", f"unreachable {S1}")),
]
EDGE_NETWORK = [
    *(Break(f"{role}-{name}", route(role, f"{kind} {LB}"))
      for role in ("isp", "tor") for name, kind in (
          ("drops-lb", "blackhole"), ("says-unreachable", "unreachable"),
          ("says-prohibited", "prohibit"))),
    Break("isp-drops-all", route("isp", "blackhole 10.0.0.0/9")),
    Break("isp-off", lambda chain: chain.links("isp", "down")),
    Break("isp-drops-answers", one_way("isp", LB)),
    Break("isp-lost-while-waited-for", route("isp", f"blackhole {LB}"), **SENT),
    Break("isp-firewall-rst", says_no("isp", LB, "10.1.0.1", reset=True)),
    Break("tor-off", lambda chain: chain.links("tor", "down")),
    Break("tor-firewall-icmp", says_no("tor", LB, "10.2.0.2")),
    Break("tor-circle", route("tor", f"{LB} via 10.2.0.1")),
    Break("tor-narrow-answers", narrow_answers),
]
BALANCER = [
    Break("lb-stopped", stop_lb),
    Break("lb-killed-in-flight", stop_lb, **SENT),
    Break("lb-frozen", signal_lb(signal.SIGSTOP)),
    Break("lb-host-off", lambda chain: chain.links("lb", "down")),
    Break("lb-host-drops", deaf_host("lb", LB)),
    Break("lb-no-route", peers=False, layout=Layout(cdn="  - {path: /help, upstream: dc}\n"), target="/help",
          **COLD),
    Break("lb-prohibits", route("lb", f"prohibit {S1}")),
    Break("lb-no-way-out", route("lb", f"unreachable {S1}")),
    Break("lb-dead-route", route("lb", f"blackhole {S1}")),
    Break("lb-out-of-ports", out_of_ports("lb", LB)),
]
CDN_ITSELF = [
    Break("cdn-no-route", peers=False, target="/elsewhere", **COLD),
    Break("cdn-prohibits", also(route("cdn", f"prohibit {LB}"), restart_lb)),
    Break("cdn-no-way-out", also(route("cdn", f"unreachable {LB}"), restart_lb)),
]
ZONES = [
    # What was known serves on where the zone is silent or fails: those are met by who knows nothing.
    *(Break(f"lb-dns-{name}", zone_says(answer), BY_NAME, when) for name, answer, when in (
        ("nxdomain", NXDOMAIN, "warm"), ("servfail", SERVFAIL, "cold"),
        ("silent", "silence", "cold"), ("wrong-host", ["10.21.0.77"], "warm"),
        ("wrong-server", [DB], "warm"))),
    *(Break(f"cdn-dns-{name}", edge_zone_says(answer), BY_EDGE_NAME, when)
      for name, answer, when in (
        ("nxdomain", NXDOMAIN, "warm"), ("servfail", SERVFAIL, "cold"),
        ("silent", "silence", "cold"), ("wrong-host", ["10.3.0.77"], "warm"),
        ("wrong-server", [DB], "warm"))),
]
BEHIND_APP = [
    *(Break(f"db-stopped-{status}", end("db"), layout) for status, layout in (
        (500, PLAIN_500), (502, PLAIN_502), (503, PLAIN_503))),
    Break("db-hangs-504", of("db", "hang"), PLAIN_502),
    Break("db-frozen-500", send_signal("db", signal.SIGSTOP), PLAIN_500),
    Break("db-stopped-not-blamed", end("db"), SILENT_502),
    Break("auth-stopped", end("auth"), PLAIN_503),
    Break("auth-hangs", of("auth", "hang"), PLAIN_502),
    Break("auth-says-401", of("auth", "unknown")),
    Break("auth-says-403", of("auth", "forbid")),
    Break("store-says-404", of("store", "missing"), target="/img/1"),
    Break("store-stopped", end("store"), PLAIN_502, target="/img/1"),
]
WRONG_CERTIFICATES = [("expired", "expired"), ("wrong-name", "of_other_name"),
                      ("of-a-stranger", "of_other_ca")]
IN_TLS = [
    *(Break(f"lb-certificate-{name}",
            lb_changes("@good.cert, key: @good.key", f"@{pair}.cert, key: @{pair}.key"), EDGE_TLS, **OURS)
      for name, pair in WRONG_CERTIFICATES),
    Break("lb-speaks-no-tls",
          lb_changes(f"tls: {{{GOOD}, strict_sni: false}}", "protocols: [http/1.1]"), EDGE_TLS,
          **OURS),
    Break("lb-tls-is-old", another_balancer("@good.cert", "@good.key", "TLSv1_1"), EDGE_TLS,
          **OURS),
    Break("lb-tls-has-no-cipher", another_balancer("@good.cert", "@good.key", "TLSv1_2",
                                                   "AES256-SHA256"), EDGE_TLS, **OURS),
    Break("cdn-has-no-certificate",
          lb_changes(GOOD, GOOD + ", client_ca: @ca"), EDGE_TLS, **OURS),
    *(Break(f"server-certificate-{name}",
            front_changes("@good.cert; ssl_certificate_key @good.key",
                          f"@{pair}.cert; ssl_certificate_key @{pair}.key"), FRONT_TLS)
      for name, pair in WRONG_CERTIFICATES),
    Break("server-speaks-no-tls", front_changes(f" ssl; {SERVER_PAIR}", ";"), FRONT_TLS),
    Break("server-tls-is-old",
          front_changes(SERVER_PAIR, SERVER_PAIR + " ssl_protocols TLSv1.1;"), FRONT_TLS),
    Break("server-tls-has-no-cipher",
          front_changes(SERVER_PAIR, SERVER_PAIR + " ssl_protocols TLSv1.2; "
                        "ssl_ciphers AES256-SHA256;"), FRONT_TLS),
    Break("app-certificate-expired", tell_tls("@expired.cert", "@expired.key"), APP_TLS),
    Break("app-speaks-no-tls", tell("plain"), APP_TLS),
    Break("lb-has-another-authority", lb_changes("ca: @ca", "ca: @other_ca"), FRONT_TLS, **OURS),
]
VISITS = [
    Break("client-half-a-head", visit=says(get()[:20])),
    Break("client-body-stalls", visit=says(get("Content-Length: 1000", line="POST /cart HTTP/1.1")
                                           + b"half")),
    Break("client-bad-line", visit=says(get(line="GET  /cart HTTP/1.1"))),
    Break("client-two-lengths", visit=says(get("Content-Length: 3", "Content-Length: 4") + b"abcd")),
    Break("client-bad-host", visit=says(get(host="a b"))),
    Break("client-huge-cookie", visit=says(get("Cookie: " + "c" * 40000))),
    Break("client-long-target", visit=says(get(target="/cart?" + "q" * 10000))),
    Break("client-uploads-too-much", visit=says(get("Content-Length: 1000000",
                                                    line="POST /cart HTTP/1.1"))),
    Break("router-appends", visit=says(get("X-Forwarded-For: " + "203.0.113.9, " * 3000))),
    Break("router-loses", visit=lossy(get()[:20])),
    Break("device-unplugged", visit=unplugged(get()[:20]), **OURS),
]

ALL = [*APP, *SERVER, *RACK, *EDGE_NETWORK, *BALANCER, *CDN_ITSELF, *ZONES, *BEHIND_APP, *IN_TLS,
       *VISITS]
