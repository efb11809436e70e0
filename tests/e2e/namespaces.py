"""A data center in network namespaces: proxy - isp - tor - hosts, and a client beside the proxy.

What breaks here is real: routes, links, ARP, and routers that say so. Needs root; `lacking()`
says why it cannot be had. All names carry our process id, and die with the context.
"""

import concurrent.futures
import contextlib
import ctypes
import dataclasses
import functools
import itertools
import os
import re
import select
import signal
import socket
import struct
import subprocess
import threading
import time
import unittest

import fault_table
import verdict
from documented import produced
from fault_table import hops_at
from harness import Client, Origin, Proxy, request, wait_for, yaml_for

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
COUNTER = itertools.count()

# Where things stand. Hosts behind tor: 10.9.0.N is an address of `origin`, one for each fault, so
# that no fault is another's alibi; a host of its own has 10.(20 + N).0.2.
ISP = "10.1.0.1 10.2.0.1 fd00:1::1 fd00:2::1".split()
TOR = "10.2.0.2 10.3.0.1 fd00:2::2 fd00:3::1".split()
ON_LINK = "10.1.0.99"
BEHIND_TOR = "10.3.0.99"
BEHIND_TOR_6 = "fd00:3::99"


def target(number, v6=False):
    """An address of the origin's host."""
    return f"fd00:9::{number}" if v6 else f"10.9.0.{number}"


def host_address(number):
    return f"10.{20 + number}.0.2"


def run(*words, lines=()):
    done = subprocess.run(words, input="\n".join(lines), text=True, capture_output=True)
    if done.returncode:
        raise OSError(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def ip(name, *lines):
    """Lines of ip(8), in a namespace."""
    run("ip", "-n", name, "-batch", "-", lines=lines)


@contextlib.contextmanager
def inside(name):
    """This thread, and what it starts, lives in the namespace; sockets stay there."""
    with open("/proc/thread-self/ns/net") as before, open(f"/run/netns/{name}") as there:
        def enter(file):
            if LIBC.setns(file.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), f"setns {name}")
        enter(there)
        try:
            yield
        finally:
            enter(before)


def delete(name):
    subprocess.run(["ip", "netns", "del", name], capture_output=True)


def sweep():
    """Deletes what a process left behind that was killed."""
    listing = subprocess.run(["ip", "netns", "list"], text=True, capture_output=True).stdout
    for name, pid in re.findall(r"^(whichhop-(\d+)-\S+)", listing, re.M):
        if not os.path.exists(f"/proc/{pid}"):
            delete(name)


@contextlib.contextmanager
def namespace(role):
    """A namespace with its loopback up; its name."""
    name = f"whichhop-{os.getpid()}-{next(COUNTER)}-{role}"
    try:
        run("ip", "netns", "add", name)
        ip(name, "link set lo up")
        yield name
    finally:
        delete(name)


def sysctl(name, settings):
    with inside(name):
        for key, value in settings.items():
            with contextlib.suppress(FileNotFoundError), open(f"/proc/sys/net/{key}", "w") as file:
                file.write(str(value))


@functools.cache
def lacking():
    """Why there can be no namespaces here; None if all is well."""
    try:
        sweep()
        with namespace("try") as name, namespace("peer") as peer:
            run("ip", "link", "add", "t0", "netns", name, "type", "veth",
                "peer", "name", "t1", "netns", peer)
            with inside(name):
                pass
    except OSError as error:
        return f"no network namespaces here: {error}"
    return None


def skip_where_lacking():
    """A module's setUpModule."""
    why = lacking()
    if why:
        print(f"\n*** SKIPPED: {why} ***\n", flush=True)
        raise unittest.SkipTest(why)


# No limit by the mask: one of 0 would empty, each time, the bucket that the errors of dead routes
# are counted in, too.
ROUTER = {"ipv4/ip_forward": 1, "ipv4/icmp_ratemask": 0, "ipv4/icmp_msgs_per_sec": 100000,
          "ipv4/conf/all/rp_filter": 0, "ipv4/conf/default/rp_filter": 0,
          "ipv6/conf/all/forwarding": 1, "ipv6/icmp/ratelimit": 0}


class Network(contextlib.ExitStack):
    """proxy - isp - tor - origin; `self.proxy` and so on are the namespaces' names."""

    def __enter__(self):
        try:
            self._build()
        except BaseException:
            self.close()
            raise
        return self

    def _build(self):
        for role in ("client", "proxy", "isp", "tor", "origin"):
            setattr(self, role, self.enter_context(namespace(role)))
        for name in (self.isp, self.tor):
            sysctl(name, ROUTER)
        self.hosts = {}
        self.link(self.client, self.proxy, "0")
        self.link(self.isp, self.proxy, "1")
        self.link(self.isp, self.tor, "2")
        self.link(self.tor, self.origin, "3")
        ip(self.client, "route add default via 10.0.0.2")
        # No default route: what lies outside of 10/8 is nowhere to the proxy.
        ip(self.proxy, "route add 10.0.0.0/8 via 10.1.0.1", "route add fd00::/16 via fd00:1::1")
        ip(self.isp, "route add 10.0.0.0/8 via 10.2.0.2", "route add fd00::/16 via fd00:2::2",
           "route add 10.0.0.0/24 via 10.1.0.2")
        ip(self.tor, "route add 10.1.0.0/24 via 10.2.0.1", "route add fd00:1::/64 via fd00:2::1",
           "route add 10.9.0.0/16 via 10.3.0.2", "route add fd00:9::/64 via fd00:3::2")
        ip(self.origin, "route add default via 10.3.0.1", "route add fd00::/16 via fd00:3::1",
           "route add local 10.9.0.0/24 dev lo", "route add local fd00:9::/64 dev lo")

    def link(self, first, second, net):
        """A cable: `first` has 10.NET.0.1 on aNET, `second` has 10.NET.0.2 on bNET."""
        run("ip", "link", "add", f"a{net}", "netns", first, "type", "veth",
            "peer", "name", f"b{net}", "netns", second)
        for name, end, number in ((first, f"a{net}", 1), (second, f"b{net}", 2)):
            ip(name, f"addr add 10.{net}.0.{number}/24 dev {end}",
               f"addr add fd00:{net}::{number}/64 dev {end} nodad",
               # No segments in bulk: a veth lets those pass whatever their size.
               f"link set {end} gso_max_segs 1 up")

    def add_host(self, number):
        """A host on its own port of the switch; its namespace."""
        name = self.hosts[number] = self.enter_context(namespace(f"host{number}"))
        self.link(self.tor, name, str(20 + number))
        ip(name, f"route add default via 10.{20 + number}.0.1")
        return name

    def unplug(self, number):
        """Takes the host's link down."""
        ip(self.hosts[number], f"link set b{20 + number} down")

    def plug(self, number):
        ip(self.hosts[number], f"link set b{20 + number} up")
        ip(self.hosts[number], f"route add default via 10.{20 + number}.0.1")

    def narrow(self, number, answers):
        """Swallows long segments to the host, or its answers: a smaller MTU on the way, and a
        firewall that lets no ICMP through."""
        if answers:
            table = 100 + number
            ip(self.tor, f"route add 10.1.0.0/24 via 10.2.0.1 mtu lock 600 table {table}",
               f"rule add from {host_address(number)} table {table}")
            ip(self.hosts[number], "rule add pref 1 table local", "rule del pref 0",
               f"rule add pref 0 from 10.{20 + number}.0.1 blackhole")
        else:
            ip(self.hosts[number], f"link set b{20 + number} mtu 600")

    def reject(self, where, address, says_so):
        """A firewall in `where` that answers each SYN to `address` by ICMP 3/3 from `says_so`.

        The SYN itself must come no further: a route sees to that.
        """
        with inside(where):
            taps = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
            raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        stop, stopped = os.pipe()
        thread = threading.Thread(
            target=self._reject, args=(taps, raw, stop, address, says_so), daemon=True)
        thread.start()

        def end():
            os.close(stopped)
            thread.join()
            os.close(stop)
            taps.close()
            raw.close()
        self.callback(end)

    @staticmethod
    def _reject(taps, raw, stop, address, says_so):
        wanted, sender = socket.inet_aton(address), socket.inet_aton(says_so)
        while True:
            readable, _, _ = select.select([taps, stop], [], [])
            if stop in readable:
                return
            packet, origin = taps.recvfrom(2048)
            if origin[2] != 0 or packet[16:20] != wanted or packet[9] != socket.IPPROTO_TCP:
                continue
            length = (packet[0] & 15) * 4
            body = struct.pack("!BBHI", 3, 3, 0, 0) + packet[:length + 8]
            body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
            head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 0, 0, 64,
                               socket.IPPROTO_ICMP, 0, sender, packet[12:16])
            with contextlib.suppress(OSError):
                raw.sendto(head + body, (socket.inet_ntoa(packet[12:16]), 0))


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xffff:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


PORT, PORT_6, DROPS_SYN, NOBODY = 8000, 8001, 8002, 8003
DOOMED = range(8010, 8014)  # each has a process of its own, to be killed or stopped
# Long enough for ARP to give up, and for two keep-alive probes to stay unanswered.
TIMEOUTS = ("connect: 4500ms, response_head: 6s, response_body: 6s, request_head: 2s, "
            "upstream_idle: 60s")
MODES = [("lb", "gateway"), ("cdn", "edge"), ("lb", "edge"), ("cdn", "gateway")]


@dataclasses.dataclass(frozen=True)
class Case(fault_table.Case):
    """A fault of the network: `act(network)` is done before the request, between a first one and
    it on a connection that was kept (`when="warm"`) or closed ("closed"), or after it was sent
    ("sent")."""
    address: str = ""
    port: int = PORT
    act: object = None
    when: str = "before"

    @property
    def server(self):
        return f"[{self.address}]:{self.port}" if ":" in self.address else (
            f"{self.address}:{self.port}")


def route(where, line):
    return lambda network: ip(getattr(network, where), f"route add {line}")


def unplug(number):
    return lambda network: network.unplug(number)


REFUSED, TIMED_OUT = ("502 502A", "521 521"), ("504 504A", "522 522")
UNREACHABLE, OURS = ("502 502A", "523 523"), ("500 500", "500 500")
UNROUTABLE = "destination_ip_unroutable"
ALL_SILENT = "tor server app | isp tor lb server app"
PATH_LOST = "tor server | isp tor lb server"
FAR_HOST = "server tor | server lb tor"


def by_router(number, v6=False):
    """What routers say, and what they swallow: the same for both families."""
    tail = "-6" if v6 else ""
    port = PORT_6 if v6 else PORT

    def case(name, fault, statuses, suspects, error, broken, proven, line, where):
        nonlocal number
        number += 1
        there = target(number, v6)
        return Case(name + tail, fault, *statuses, suspects, error, broken, proven, path="/bytes/1",
                    address=there, port=port, act=route(where, f"{line} {there}"))

    return [
        case("unreachable-by-tor", "connect-unreach-host", UNREACHABLE, "tor", UNROUTABLE, "tor",
             " | isp", "unreachable", "tor"),
        case("unreachable-by-isp", "connect-unreach-host", UNREACHABLE, "tor | isp", UNROUTABLE,
             "tor | isp", "", "unreachable", "isp"),
        case("prohibited-by-tor", "connect-admin-prohibited", UNREACHABLE, "tor",
             "connection_refused", "tor", " | isp", "prohibit", "tor"),
        case("prohibited-by-isp", "connect-admin-prohibited", UNREACHABLE, "tor | isp",
             "connection_refused", "tor | isp", "", "prohibit", "isp"),
        case("swallowed-by-tor", "connect-timeout", TIMED_OUT, ALL_SILENT, "connection_timeout",
             "tor", "", "blackhole", "tor"),
        case("swallowed-by-isp", "connect-timeout", TIMED_OUT, ALL_SILENT, "connection_timeout",
             "tor | isp", "", "blackhole", "isp"),
        case("no-way-out", "connect-unreach-net-local", UNREACHABLE, "self", UNROUTABLE, "self", "",
             "unreachable", "proxy"),
        case("forbidden-here", "connect-local-prohibit", OURS, "self", "proxy_configuration_error",
             "self", "", "prohibit", "proxy"),
        case("dead-route-here", "connect-local-blackhole", OURS, "self",
             "proxy_configuration_error", "self", "", "blackhole", "proxy"),
    ]


def one_way(number):
    """From the host's address nothing comes through; to it, all."""
    return lambda network: ip(network.tor, f"rule add from {target(number)} blackhole")


def reboot(number):
    """The host is gone without a word, and back without the app: its kernel knows no connection, so
    that none of its FINs comes late."""
    def act(network):
        network.unplug(number)
        run("ip", "netns", "exec", network.hosts[number], "ss", "-K", "state", "connected")
        network.on_host[number].stop()
        network.plug(number)
    return act


def circle(network):
    route("tor", f"{target(51)} via 10.2.0.1")(network)


def firewall_at_tor(network):
    route("tor", f"blackhole {target(52)}")(network)
    network.reject(network.tor, target(52), "10.2.0.2")


def firewall_on_host(network):
    ip(network.origin, f"route add blackhole {target(53)} table local")
    network.reject(network.origin, target(53), target(53))


def upstream(name, fault, statuses, suspects, error, broken, proven, address, act=None, **more):
    return Case(name, fault, *statuses, suspects, error, broken, proven,
                path=more.pop("path", "/bytes/1"), address=address, act=act, **more)


WARM, CLOSED, SENT = {"when": "warm"}, {"when": "closed"}, {"when": "sent"}
INCOMPLETE = ("502 502A", "520 520")
CASES = [
    *by_router(10), *by_router(30, v6=True),
    upstream("nowhere", "connect-unreach-net-local", UNREACHABLE, "self", UNROUTABLE, "self", "",
             "192.0.2.1"),
    upstream("nowhere-6", "connect-unreach-net-local", UNREACHABLE, "self", UNROUTABLE, "self", "",
             "2001:db8::1"),
    upstream("circle", "connect-ttl-exceeded", UNREACHABLE, "tor", UNROUTABLE, "tor", " | isp",
             target(51), circle),
    upstream("rejected-by-tor", "connect-refused-icmp", REFUSED, "tor", "connection_refused", "tor",
             " | isp", target(52), firewall_at_tor),
    upstream("rejected-by-host", "connect-refused-icmp", REFUSED, "server | server lb",
             "connection_refused", "server", "tor | isp tor", target(53), firewall_on_host),
    upstream("no-neighbour", "connect-unreach-arp", UNREACHABLE, FAR_HOST, UNROUTABLE, "server", "",
             ON_LINK),
    upstream("no-host", "connect-unreach-arp", UNREACHABLE, FAR_HOST, UNROUTABLE, "server",
             " | isp", BEHIND_TOR),
    upstream("no-host-6", "connect-unreach-arp", UNREACHABLE, FAR_HOST, UNROUTABLE, "server",
             " | isp", BEHIND_TOR_6),
    upstream("host-unplugged", "connect-unreach-arp", UNREACHABLE, FAR_HOST, UNROUTABLE, "server",
             " | isp", host_address(1), unplug(1)),
    upstream("host-drops-syn", "connect-timeout", TIMED_OUT, ALL_SILENT, "connection_timeout",
             "server", "", target(54), port=DROPS_SYN),
    upstream("nobody-listens", "connect-refused-rst", REFUSED, "app server | app server lb",
             "connection_refused", "app", "", target(55), port=NOBODY),
    upstream("nobody-listens-6", "connect-refused-rst", REFUSED, "app server | app server lb",
             "connection_refused", "app", "", target(55, v6=True), port=NOBODY),
    # It served us a moment ago: its RST comes from as far as it is. Its kernel closed for it.
    upstream("app-killed", "connect-refused-rst", REFUSED, "app | app lb",
             "connection_refused", "app", "tor server | isp tor server", target(56),
             lambda network: network.doomed[8010].stop(), port=8010, **WARM),
    upstream("app-killed-while-waited-for", "resp-empty-fin", INCOMPLETE, "app | app lb",
             "http_response_incomplete", "app", "tor | isp tor", target(64),
             lambda network: network.doomed[8011].stop(), port=8011, path="/fault/hang", **SENT),
    upstream("app-killed-in-body", "body-cl-short-fin", INCOMPLETE,
             "app server | app server lb", "http_response_incomplete", "app", "tor | isp tor",
             target(65), lambda network: network.doomed[8012].stop(), port=8012,
             path="/slow/100KiB/1000", cut=True, **SENT),
    upstream("app-frozen", "resp-timeout-ttfb", ("504 504A", "524 524"), "app | app lb",
             "http_response_timeout", "app", "tor | isp tor", target(66),
             lambda network: network.doomed[8013].signal(signal.SIGSTOP), port=8013, **WARM),
    upstream("host-rebooted", "connect-refused-rst", REFUSED, "app server | app server lb",
             "connection_refused", "server", "tor | isp tor", host_address(5), reboot(5), **WARM),
    # What worked a moment ago is no alibi for what is dead now.
    upstream("way-dead-after-success", "connect-timeout", TIMED_OUT, ALL_SILENT,
             "connection_timeout", "tor", "", target(67), route("tor", f"blackhole {target(67)}"),
             **CLOSED),
    upstream("host-dead-after-success", "connect-unreach-arp", UNREACHABLE, FAR_HOST, UNROUTABLE,
             "server", " | isp", host_address(6), unplug(6), **CLOSED),
    # One way only: what we send arrives, and nothing comes back.
    upstream("answers-swallowed-by-tor", "connect-timeout", TIMED_OUT, ALL_SILENT,
             "connection_timeout", "tor", "", target(68), one_way(68)),
    upstream("answers-swallowed-on-reuse", "write-timeout-unacked", TIMED_OUT, PATH_LOST,
             "connection_write_timeout", "tor", "app", target(69), one_way(69), **WARM),
    upstream("answers-swallowed-later", "resp-path-lost", TIMED_OUT, PATH_LOST,
             "connection_timeout", "tor", "app", target(70), one_way(70), path="/fault/hang",
             **SENT),
    # Short segments pass, long ones don't, and nobody says so.
    upstream("mtu-of-requests", "write-timeout-unacked", TIMED_OUT, PATH_LOST,
             "connection_write_timeout", "tor", "app", host_address(7),
             lambda network: network.narrow(7, answers=False), path="/bytes/1?" + "q" * 4000,
             **WARM),
    upstream("way-dead-before-request", "write-timeout-unacked", TIMED_OUT, PATH_LOST,
             "connection_write_timeout", "tor", "app", target(57),
             route("tor", f"blackhole {target(57)}"), **WARM),
    upstream("way-dead-before-request-6", "write-timeout-unacked", TIMED_OUT, PATH_LOST,
             "connection_write_timeout", "tor", "app", target(57, v6=True),
             route("tor", f"blackhole {target(57, v6=True)}"), port=PORT_6, **WARM),
    upstream("host-dead-before-request", "write-timeout-unacked", TIMED_OUT, PATH_LOST,
             "connection_write_timeout", "server", "app", host_address(2), unplug(2), **WARM),
    upstream("way-dead-before-answer", "resp-path-lost", TIMED_OUT, PATH_LOST, "connection_timeout",
             "tor", "app", target(58), route("tor", f"blackhole {target(58)}"), path="/fault/hang",
             **SENT),
    upstream("isp-dead-before-answer", "resp-path-lost", TIMED_OUT, PATH_LOST, "connection_timeout",
             "tor | isp", "app", target(59), route("isp", f"blackhole {target(59)}"),
             path="/fault/hang", **SENT),
    upstream("host-dead-before-answer", "resp-path-lost", TIMED_OUT, PATH_LOST,
             "connection_timeout", "server", "app", host_address(3), unplug(3),
             path="/fault/hang", **SENT),
    # What a router says of a connection that stands is soft: our own timer ends it.
    upstream("unreachable-before-answer", "resp-path-lost", TIMED_OUT, PATH_LOST,
             "connection_timeout", "tor", "app", target(63), route("tor", f"unreachable {target(63)}"),
             path="/fault/hang", **SENT),
    upstream("app-hangs", "resp-timeout-ttfb", ("504 504A", "524 524"), "app | app lb",
             "http_response_timeout", "app", "tor | isp tor", target(60), path="/fault/hang"),
    upstream("app-stalls-in-body", "body-stall", ("504 504A", "524 524"), "app | app lb",
             "connection_read_timeout", "app", "tor | isp tor", target(61),
             path="/fault/stall-body", cut=True),
    upstream("way-dead-in-body", "body-stall", ("504 504A", "524 524"),
             "tor server | lb isp tor server", "connection_read_timeout", "tor", "app", target(62),
             route("tor", f"blackhole {target(62)}"), path="/slow/100KiB/1000", cut=True, **SENT),
    upstream("host-unplugged-in-body", "body-stall", ("504 504A", "524 524"),
             "tor server | lb isp tor server", "connection_read_timeout", "server", "app",
             host_address(4), unplug(4), path="/slow/100KiB/1000", cut=True, **SENT),
]

# isp gets no ARP answer of the next router, and says so 3 s later. No verdict on it is golden.
SWITCH_OFF = upstream("switch-off", "", UNREACHABLE, "", UNROUTABLE, "tor", "", "10.40.0.2",
                      route("isp", "10.40.0.0/24 via 10.2.0.99"))
# Short segments pass, long ones don't. The last one of these answers is short: the kernel keeps it
# behind the hole that the others leave.
LONG_LOST = [
    upstream("mtu-of-answers", "", TIMED_OUT, "", "", "tor", "", host_address(8),
             lambda network: network.narrow(8, answers=True), path="/bytes/10336", cut=True,
             **WARM),
    upstream("mtu-of-heads", "", TIMED_OUT, "", "", "tor", "", host_address(9),
             lambda network: network.narrow(9, answers=True), path="/delay/500ms/head-field/9000",
             **WARM),
]
# Of this answer no segment passes: the kernel knows of none.
ALL_LOST = upstream("mtu-of-long-tails", "", TIMED_OUT, "", "", "tor", "", host_address(10),
                    lambda network: network.narrow(10, answers=True), path="/bytes/10000", cut=True,
                    **WARM)
NO_GOLDEN = [SWITCH_OFF, *LONG_LOST, ALL_LOST]


def topology(position):
    """At lb the only router between us and the servers is the switch: both are called so."""
    if position == "lb":
        return f"tor: [{', '.join(repr(each) for each in ISP + TOR)}]"
    return f"isp: [{', '.join(map(repr, ISP))}], tor: [{', '.join(map(repr, TOR))}]"


def configuration(position, statuses, cases):
    upstreams = "".join(f'  {case.name}: {{servers: ["{case.server}"]}}\n' for case in cases)
    routes = "".join(f"  - {{host: {case.host}, upstream: {case.name}}}\n" for case in cases)
    return (f'listen: ["127.0.0.1:0"]\nnode: {{name: here, workers: 1, position: {position}}}\n'
            f"timeouts: {{{TIMEOUTS}}}\nerrors: {{statuses: {statuses}}}\n"
            f"topology: {{{topology(position)}}}\nupstreams:\n{upstreams}routes:\n{routes}")


def start_origins(network):
    def start(name, *options):
        with inside(name):
            origin = Origin(*options)
        network.callback(lambda: origin.output.closed or origin.stop())
        return origin
    network.on_host = {number: start(network.add_host(number), "--listen", f"0.0.0.0:{PORT}")
                       for number in range(1, 11)}
    start(network.origin, "--listen", f"0.0.0.0:{PORT}")
    start(network.origin, "--listen", f"[::]:{PORT_6}")
    start(network.origin, "--listen", f"0.0.0.0:{DROPS_SYN}", "--drop-syn")
    network.doomed = {port: start(network.origin, "--listen", f"0.0.0.0:{port}")
                      for port in DOOMED}


def act(network, cases, when):
    for case in cases:
        if case.act and case.when == when:
            case.act(network)


# The first request of those that have one before the fault.
FIRST = {"warm": "/bytes/1", "closed": "/fault/close-after-response"}


def meet_one(mode, cases):
    """{case: (answer or None, line of the log)}: all at once, for they wait long."""
    with Network() as network:
        start_origins(network)
        act(network, cases, "before")
        with inside(network.proxy):
            proxy = network.enter_context(Proxy(configuration(*mode, cases)))
            asked = {case: network.enter_context(Client(proxy.port)) for case in cases}
        for case, client in asked.items():
            if case.when in FIRST:
                client.send(request(FIRST[case.when], host=case.host))
                assert client.read().status == 200, case.name
        for when in FIRST:
            act(network, cases, when)
        for case, client in asked.items():
            client.send(case.request("*/*"))
        time.sleep(1)  # the requests are there, and of the bodies a little came
        act(network, cases, "sent")
        answers = {case: client.read() for case, client in asked.items()}
        return {case: (answer, failed(proxy, case)) for case, answer in answers.items()}


def failed(proxy, case):
    """The log's line on a case: a warm one has a line of its first request, too."""
    return wait_for(lambda: next((line for line in proxy.log() if line.get("fault") and
                                  line["server_address"] == case.host), None), case.name)


def in_parallel(function, things):
    with concurrent.futures.ThreadPoolExecutor(len(things)) as pool:
        return list(pool.map(function, things))


def in_each_mode(modes, meet_in):
    """{(mode, case): ...} of {case: ...}, each mode in a network of its own: a router says so
    few times a second that the modes would rob each other of it."""
    return {(mode, case): what for mode, cases in zip(modes, in_parallel(meet_in, modes))
            for case, what in cases.items()}


def meet(modes=MODES, cases=None):
    return in_each_mode(modes, lambda mode: meet_one(mode, CASES if cases is None else cases))


def deaf(connection):
    """Loses what comes to this connection: SYN-ACKs, before it connects."""
    drop = struct.pack("HBBI", 6, 0, 0, 0)  # ret 0
    program = ctypes.create_string_buffer(drop)
    connection.setsockopt(socket.SOL_SOCKET, 26, struct.pack("HL", 1, ctypes.addressof(program)))


def hearing(connection):
    connection.setsockopt(socket.SOL_SOCKET, 27, 0)


def connect_lossy(network, port):
    """A client whose network loses the first SYN-ACKs."""
    with inside(network.client):
        connection = socket.socket()
    connection.settimeout(30)
    deaf(connection)
    timer = threading.Timer(2.5, hearing, [connection])
    timer.start()
    connection.connect(("10.0.0.2", port))
    timer.join()
    return connection


def connect_well(network, port):
    with inside(network.client):
        return socket.create_connection(("10.0.0.2", port), timeout=30)


HALF_HEAD = b"GET / HTTP/1.1\r\nHost: "
HALF_BODY = b"POST /sink HTTP/1.1\r\nContent-Length: 1000\r\nHost: a.test\r\n\r\nhalf"
DOWNLOAD, LONG_DOWNLOAD = request("/bytes/50MiB"), request("/bytes/10GiB")
CLIENT_NETWORK = "device router isp tor | device router"


@dataclasses.dataclass(frozen=True)
class Visit:
    """A client that stops half-way: by itself, or since its network loses or is gone."""
    name: str
    fault: str
    suspects: str
    broken: str
    bytes: bytes
    connect: object = connect_well
    unplugged: bool = False

    @property
    def answered(self):
        return self.bytes in (HALF_HEAD, HALF_BODY) and not self.unplugged

    def verdict(self, position):
        return produced(self.fault, None, hops_at(position, self.suspects), position)


VISITS = [
    Visit("slow-client", "req-head-timeout", "browser", "browser", HALF_HEAD),
    Visit("lossy-client", "req-head-timeout", CLIENT_NETWORK, "router", HALF_HEAD, connect_lossy),
    Visit("slow-upload", "reqbody-timeout", "browser", "browser", HALF_BODY),
    Visit("lossy-upload", "reqbody-timeout", CLIENT_NETWORK, "router", HALF_BODY, connect_lossy),
    Visit("slow-download", "client-slow-reader", "browser", "browser", DOWNLOAD),
    Visit("unplugged-download", "client-slow-reader", CLIENT_NETWORK, "device", LONG_DOWNLOAD,
          unplugged=True),
    # We send nothing that it could leave unacknowledged, but probes.
    Visit("unplugged-client", "req-head-timeout", CLIENT_NETWORK, "device", HALF_HEAD,
          unplugged=True),
    Visit("unplugged-upload", "reqbody-timeout", CLIENT_NETWORK, "device", HALF_BODY,
          unplugged=True),
]


def said_over(connection):
    """A Client of a connection that stands."""
    client = Client.__new__(Client)
    client.socket, client.buffer = connection, b""
    return client


def drain(connection):
    with contextlib.suppress(OSError):
        while connection.recv(1 << 20):
            pass


def visit(mode, visits):
    """{visit: (answer or None, line of the log)}"""
    position, statuses = mode
    with Network() as network:
        with inside(network.proxy):
            origin = network.enter_context(Origin())
            proxies = {each: network.enter_context(Proxy(
                yaml_for(origin.port, node=f"name: here, position: {position}",
                         timeouts="request_head: 6s, request_body: 6s, client_write: 2s",
                         errors=f"statuses: {statuses}").replace("127.0.0.1:0", "10.0.0.2:0")))
                       for each in visits}

        def pay(each):
            connection = each.connect(network, proxies[each].port)
            connection.sendall(each.bytes)
            network.callback(connection.close)
            if each.bytes == LONG_DOWNLOAD:
                threading.Thread(target=drain, args=[connection], daemon=True).start()
            answer = said_over(connection).read() if each.answered else None
            time.sleep(0.5 if each.unplugged else 0)
            return answer
        with_cable = [each for each in visits if not each.unplugged]
        without = [each for each in visits if each.unplugged]
        answers = dict(zip(with_cable, in_parallel(pay, with_cable)))
        lines = {each: proxies[each].wait_for_log()[-1] for each in with_cable}
        answers |= dict(zip(without, in_parallel(pay, without)))
        ip(network.client, "link set a0 down")
        lines |= {each: proxies[each].wait_for_log()[-1] for each in without}
        return {each: (answers[each], lines[each]) for each in visits}


def visit_all(modes=MODES, visits=None):
    return in_each_mode(modes, lambda mode: visit(mode, VISITS if visits is None else visits))


def run_out_of_ports(mode):
    """The third request to a host when the kernel has two local ports: (answer, line)."""
    position, statuses = mode
    with namespace("ports") as name, inside(name), contextlib.ExitStack() as stack:
        origin = stack.enter_context(Origin())
        proxy = stack.enter_context(Proxy(
            yaml_for(origin.port, node=f"name: here, position: {position}",
                     errors=f"statuses: {statuses}")))
        sysctl(name, {"ipv4/ip_local_port_range": "40000 40001"})
        for number in range(3):
            connection = stack.enter_context(socket.socket())
            connection.bind(("127.0.0.1", 50000 + number))
            connection.settimeout(30)
            connection.connect(("127.0.0.1", proxy.port))
            connection.sendall(request("/fault/hang" if number < 2 else "/bytes/1"))
            time.sleep(0.2)  # the next one finds this one's port taken
        answer = said_over(connection).read()
        return answer, verdict.line_of(proxy, answer)
