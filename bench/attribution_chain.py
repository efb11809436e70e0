"""A chain of hosts in network namespaces, as an operator would run it, with a hop that breaks.

    client - cdn - isp - tor - lb          whichhop at cdn, and at lb
                          |- sw1 - s1, s2  rack r1: apps; on s1 perhaps nginx before one
                          |- sw2 - s3      rack r2
                          `- back          db, auth and store, static files

A `Chain` is one such data center with one `Layout`; nothing in it is shared with another.
"""

import contextlib
import dataclasses
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

from harness import Client, Process, Proxy, request, wait_for
from nameserver import Nameserver
from namespaces import COUNTER, ROUTER, inside, ip, run, sysctl

HERE = os.path.dirname(os.path.abspath(__file__))
ROLES = "client cdn isp tor lb sw1 sw2 s1 s2 s3 back".split()
ROUTERS = "isp tor sw1 sw2".split()
# A cable: its net is 10.NET.0.0/24, the first end has .1, the second .2; both are called nNET.
CABLES = [(0, "client", "cdn"), (1, "isp", "cdn"), (2, "isp", "tor"), (3, "tor", "lb"),
          (10, "tor", "sw1"), (11, "tor", "sw2"), (21, "sw1", "s1"), (22, "sw1", "s2"),
          (23, "sw2", "s3"), (30, "tor", "back")]
ROUTES = {
    "client": ["default via 10.0.0.2"],
    # No default: what lies outside of 10/8 is nowhere to the proxies.
    "cdn": ["10.0.0.0/8 via 10.1.0.1"],
    "isp": ["10.0.0.0/8 via 10.2.0.2", "10.0.0.0/24 via 10.1.0.2"],
    "tor": ["10.0.0.0/15 via 10.2.0.1", "10.21.0.0/24 via 10.10.0.2",
            "10.22.0.0/24 via 10.10.0.2", "10.23.0.0/24 via 10.11.0.2"],
    "lb": ["10.0.0.0/8 via 10.3.0.1"],
    "sw1": ["default via 10.10.0.1"],
    "sw2": ["default via 10.11.0.1"],
    "s1": ["default via 10.21.0.1"],
    "s2": ["default via 10.22.0.1"],
    "s3": ["default via 10.23.0.1"],
    "back": ["default via 10.30.0.1"],
}
CDN, LB, S1, S2, S3 = "10.0.0.2", "10.3.0.2", "10.21.0.2", "10.22.0.2", "10.23.0.2"
STATIC, DB, AUTH, STORE = "10.30.0.2", "10.30.0.3", "10.30.0.4", "10.30.0.5"
ISP_ADDRESSES = "10.1.0.1, 10.2.0.1"
TOR_ADDRESSES = "10.2.0.2, 10.3.0.1, 10.10.0.1, 10.11.0.1, 10.30.0.1"
RACK_ADDRESSES = "10.10.0.2, 10.11.0.2, 10.21.0.1, 10.22.0.1, 10.23.0.1"
WEB, CART, FRONT = 8000, 8001, 8080  # ports of apps, and of the nginx before one
BEHIND = {"--db": f"{DB}:5432", "--auth": f"{AUTH}:8000", "--store": f"{STORE}:8000"}
NAME = "cart.internal"
EDGE_NAME = "lb.internal"


@dataclasses.dataclass(frozen=True)
class Layout:
    """What is deployed, beside what always is."""
    servers: tuple = (f"{S1}:{CART}",)  # of the upstream that is asked
    apps: tuple = ("s1",)  # where it has apps
    front: str = ""  # nginx before the app on s1: the inside of its location
    upstream: str = "is: app, believe: true"
    app: tuple = ()  # more of its options
    lb: str = ""  # more of its configuration
    lb_limits: str = ""
    cdn: str = ""
    cdn_dc: str = ""  # more of the upstream that lb is to the cdn
    dc: str = f"{LB}:80"
    lb_tls: str = ""  # of its listener
    resolves: bool = False  # names are looked up
    app_tls: bool = False  # the app speaks TLS itself
    front_tls: bool = False  # or the nginx before it does

    @property
    def upstream_tls(self):
        return self.app_tls or self.front_tls


class Service:
    """A process of attribution_services.py."""

    def __init__(self, *words):
        self.process = Process(
            [sys.executable, "-S", "-E", "-B", os.path.join(HERE, "attribution_services.py"),
             *words], r"listening on (\S+)", stdin=subprocess.PIPE)

    def tell(self, *words):
        told = self.process.text().count("\nok")
        self.process.process.stdin.write((" ".join(words) + "\n").encode())
        self.process.process.stdin.flush()
        wait_for(lambda: self.process.text().count("\nok") > told, words[0])

    def __getattr__(self, name):  # signal, stop, pid
        return getattr(self.process, name)


NGINX = """user root root; worker_processes 1; daemon off; pid ROOT/pid;
error_log ROOT/error; events {{ worker_connections 256; }}
http {{ access_log off; {temporary}
  proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
  {http}
}}
"""


class Server:
    """nginx or HAProxy, with this configuration; at `address` it listens."""

    def __init__(self, name, command, text, address):
        self.folder = tempfile.TemporaryDirectory(prefix="whichhop-chain-")
        self.root = self.folder.name
        os.chmod(self.root, 0o755)
        path = os.path.join(self.root, "configuration")
        with open(path, "w") as file:
            file.write(text.replace("ROOT", self.root))
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen([*command, path], stdout=self.errors, stderr=self.errors)
        try:
            wait_for(lambda: self.listens(name, address), f"{name} at {address}")
        except BaseException:
            self.stop()
            raise

    @classmethod
    def nginx(cls, http, address):
        temporary = "".join(f"{what}_temp_path ROOT/{what};" for what in (
            "client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        return cls("nginx", ["nginx", "-e", "stderr", "-c"],
                   NGINX.format(temporary=temporary, http=http), address)

    @classmethod
    def haproxy(cls, text, address):
        return cls("haproxy", ["haproxy", "-q", "-db", "-f"], text, address)

    def listens(self, name, address):
        if self.process.poll() is not None:
            self.errors.seek(0)
            raise AssertionError(f"{name}: {self.errors.read().decode()}")
        try:
            Client(int(address.rpartition(":")[2]), address.rpartition(":")[0]).close()
        except ConnectionRefusedError:
            return False
        return True

    def signal(self, number):
        """To all of it."""
        for pid in [self.process.pid, *children(self.process.pid)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def stop(self):
        if self.process.poll() is None:
            self.signal(signal.SIGKILL)
            self.process.wait()
        if not self.errors.closed:
            self.errors.close()
            self.folder.cleanup()


def children(pid):
    with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(each) for each in file.read().split()]
    return []


class Chain(contextlib.ExitStack):
    """`names` are those of the namespaces, by role; `app` is the one behind what is asked."""

    def __init__(self, layout, certificates):
        super().__init__()
        self.layout = layout
        self.certificates = certificates
        self.services = {}
        self.zone = self.cdn_zone = self.front = None
        self.peers = {}  # those in our place at lb, by name
        try:
            self._build()
            self._serve()
            self._proxy()
        except BaseException:
            self.close()
            raise

    # --- cables ---

    def _build(self):
        number = next(COUNTER)
        self.names = {role: f"whichhop-{os.getpid()}-{number}-{role}" for role in ROLES}
        self.callback(lambda: run("ip", "-force", "-batch", "-", lines=[
            f"netns del {name}" for name in self.names.values()]))
        run("ip", "-batch", "-", lines=[f"netns add {name}" for name in self.names.values()] + [
            f"link add n{net} netns {self.names[first]} type veth "
            f"peer name n{net} netns {self.names[second]}" for net, first, second in CABLES])
        for role in ROLES:
            ends = [(net, 1 if role == first else 2) for net, first, second in CABLES
                    if role in (first, second)]
            ip(self.names[role], "link set lo up",
               *(line for net, end in ends for line in (
                   f"addr add 10.{net}.0.{end}/24 dev n{net}",
                   # No segments in bulk: a veth lets those pass whatever their size.
                   f"link set n{net} gso_max_segs 1 up")),
               *(f"route add {route}" for route in ROUTES[role]))
        ip(self.names["back"], *(f"addr add {each}/24 dev n30" for each in (DB, AUTH, STORE)))
        for role in ROUTERS:
            sysctl(self.names[role], ROUTER)

    def ip(self, role, *lines):
        ip(self.names[role], *lines)

    def links(self, role, state):
        """All cables of a host, at its end."""
        self.ip(role, *(f"link set n{net} {state}" for net, first, second in CABLES
                        if role in (first, second)))

    # --- who serves ---

    def start(self, role, make):
        """What `make()` starts there, stopped at the end."""
        with inside(self.names[role]):
            started = make()
        self.callback(lambda: stopped(started))
        return started

    def service(self, role, *words):
        return self.start(role, lambda: Service(*words))

    def _serve(self):
        behind = [word for pair in BEHIND.items() for word in pair]
        for name, role, *words in [
                ("db", "back", "db", f"{DB}:5432"), ("auth", "back", "auth", f"{AUTH}:8000"),
                ("store", "back", "store", f"{STORE}:8000"),
                ("static", "back", "store", f"{STATIC}:8000"),
                *((f"web-{role}", role, "app", f"0.0.0.0:{WEB}") for role in ("s1", "s2", "s3")),
                *((f"cart-{role}", role, "app", f"0.0.0.0:{CART}", *behind, *self.layout.app)
                  for role in self.layout.apps)]:
            self.services[name] = self.service(role, *words)
        self.app = self.services.get("cart-s1")
        if self.layout.app_tls:
            self.app.tell("tls", self.resolved("@good.cert"), self.resolved("@good.key"))
        if self.layout.front:
            self.start_front(self.layout.front)

    def start_front(self, http):
        self.front = self.start("s1", lambda: Server.nginx(self.resolved(http), f"{S1}:{FRONT}"))

    def _proxy(self):
        resolvers = cdn_resolvers = ""
        if self.layout.resolves:
            self.zone = self.start("lb", lambda: Nameserver([S1], ttl=1))
            self.cdn_zone = self.start("cdn", lambda: Nameserver([LB], ttl=1))
            resolvers = f', resolvers: ["127.0.0.1:{self.zone.port}"]'
            cdn_resolvers = f', resolvers: ["127.0.0.1:{self.cdn_zone.port}"]'
        self.lb = self.start("lb", lambda: Proxy(self.resolved(self.lb_yaml(resolvers))))
        self.cdn = self.start("cdn", lambda: Proxy(self.resolved(self.cdn_yaml(cdn_resolvers))))

    def resolved(self, text):
        """With the paths of certificates for `@good.cert` and the like."""
        def path(match):
            value = self.certificates
            for name in match[1].split("."):
                value = getattr(value, name)
            return value
        return re.sub(r"@(\w+(?:\.\w+)?)", path, believed(text))

    def lb_yaml(self, resolvers):
        web = ", ".join(f'{{address: "{host}:{WEB}", rack: {rack}}}'
                        for host, rack in ((S1, "r1"), (S2, "r1"), (S3, "r2")))
        cart = ", ".join(f'{{address: "{server}", rack: {"r2" if server.startswith(S3) else "r1"}}}'
                         for server in self.layout.servers)
        listen = (f'{{address: "{LB}:80", tls: {{{self.layout.lb_tls}}}}}' if self.layout.lb_tls
                  else f'"{LB}:80"')
        return f"""\
node: {{name: lb-1, position: lb, workers: 1{resolvers}}}
listen: [{listen}]
trusted_proxies: [10.1.0.2]
timeouts: {{connect: 4s, tls: 2s, response_head: 5s, response_body: 5s, dns: 2s,
            upstream_idle: 20s, request_head: 8s, request_body: 8s}}
limits: {{{self.layout.lb_limits or "pending: 1024"}}}
topology:
  tor: [{TOR_ADDRESSES}, {RACK_ADDRESSES}]
  server: [{S1}, {S2}, {S3}]
upstreams:
  web:
    is: app
    servers: [{web}]
    health_check: {{path: /healthz, interval: 1s, timeout: 1s}}
    eject: {{consecutive_faults: 5, for: 5s}}
  cart: {{servers: [{cart}]{also(self.layout.upstream)}}}
routes:
  - {{path: /web, upstream: web}}
  - {{path: /cart, upstream: cart}}
  - {{path: /img, upstream: cart}}
{self.layout.lb}"""

    def cdn_yaml(self, resolvers):
        return f"""\
node: {{name: edge-1, position: cdn, workers: 1{resolvers}}}
listen: ["{CDN}:80"]
timeouts: {{connect: 4s, tls: 3s, response_head: 12s, response_body: 8s, dns: 2s,
            upstream_idle: 20s, request_head: 6s, request_body: 6s, client_write: 6s}}
limits: {{request_body: 64KiB}}
topology:
  isp: [{ISP_ADDRESSES}]
  tor: [{TOR_ADDRESSES}]
  lb: [{LB}]
upstreams:
  dc:
    is: lb
    believe: true
    servers: [{{address: "{self.layout.dc}", rack: edge}}]
    {self.layout.cdn_dc}
  static: {{is: server, servers: [{{address: "{STATIC}:8000", rack: edge}}]}}
routes:
  - {{path: /static, upstream: static}}
  - {{path: /web, upstream: dc}}
  - {{path: /cart, upstream: dc}}
  - {{path: /img, upstream: dc}}
{self.layout.cdn}"""

    def zone_address(self, role="lb"):
        """Of its nameserver; None where names are not looked up."""
        zone = self.zone if role == "lb" else self.cdn_zone
        return f"127.0.0.1:{zone.port}" if zone else None

    def joined_pem(self):
        """The good certificate and its key, in one file."""
        folder = tempfile.TemporaryDirectory(prefix="whichhop-chain-")
        self.callback(folder.cleanup)
        path = os.path.join(folder.name, "both.pem")
        with open(path, "w") as file:
            for part in (self.certificates.good.cert, self.certificates.good.key):
                with open(part) as source:
                    file.write(source.read())
        return path

    # --- who asks ---

    def client(self, port=80):
        with inside(self.names["client"]):
            return Client(port, CDN)

    def background(self):
        """Asks for what has nothing to do with the fault, all the time."""
        traffic = Background(self)
        self.callback(traffic.stop)
        return traffic


def also(text):
    return f", {text}" if text else ""


def stopped(started):
    if isinstance(started, Service):
        started = started.process
    if isinstance(started, Process):
        if not started.output.closed:
            started.stop()
    else:
        started.stop()


@contextlib.contextmanager
def quietly():
    with contextlib.suppress(OSError, AssertionError):
        yield


class Background:
    """A few requests a second, to the web servers through the lb, and to the static files."""
    PATHS = ("/web", "/static", "/web")

    def __init__(self, chain):
        self.chain = chain
        self.answered = 0
        self.ended = threading.Event()
        self.threads = [threading.Thread(target=self._ask, args=(path,), daemon=True)
                        for path in self.PATHS]
        for thread in self.threads:
            thread.start()

    def _ask(self, path):
        count = 0
        while not self.ended.is_set():
            with quietly(), self.chain.client() as client:
                client.socket.settimeout(10)
                while not self.ended.wait(0.4):
                    count += 1
                    client.send(request(path, fields=[("X-Request-Id", f"bg{path}-{count}")],
                                        host="shop.example"))
                    response = client.read()
                    if response is None:
                        break
                    self.answered += response.status == 200
            self.ended.wait(0.2)

    def stop(self):
        self.ended.set()
        for thread in self.threads:
            thread.join()


BELIEVES = True


def believed(yaml):
    return yaml if BELIEVES else yaml.replace("    believe: true\n", "").replace(
        ", believe: true", "").replace("believe: true, ", "")


def find_out_about_believe(whichhop):
    """Sets BELIEVES."""
    global BELIEVES
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write('listen: ["127.0.0.1:0"]\nupstreams:\n  a: {servers: ["127.0.0.1:9"], '
                   'believe: true}\nroutes:\n  - {upstream: a}\n')
        file.flush()
        done = subprocess.run([whichhop, "check", "-c", file.name], capture_output=True)
        BELIEVES = done.returncode == 0
