"""All at once: reloads, servers that die and come back, clients that break off, limits, buffers and tunnels.

Whatever happens, nothing is lost that could be sent again, and when it is over nothing is left: no
request, no connection, no slot, no place among those that wait. WHICHHOP_CHAOS_SECONDS makes it a soak.
"""

import contextlib
import os
import random
import re
import signal
import socket
import subprocess
import threading
import time
import unittest

from exposition import scrape
from harness import (ORIGIN, PATIENCE, Client, Origin, Process, Proxy, RawOrigin, fetch, request,
                     wait_for)
from streaming_test import reset

SECONDS = float(os.environ.get("WHICHHOP_CHAOS_SECONDS", "8"))
HERE = os.path.dirname(os.path.abspath(__file__))
PEERS = os.path.join(HERE, "websockets.mjs")
HEADER = b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n"
ASKS = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]
CHECKED = "health_check: {path: /bytes/1, interval: 200ms, timeout: 2s, healthy: 1, unhealthy: 2}"
EJECTED = "eject: {consecutive_faults: 3, for: 1s}"
RETRIED = "retry: {attempts: 2, budget: 100%}"


class Server:
    """An origin that dies by KILL and comes back at its port."""

    def __init__(self, port=0):
        self.process = Process([ORIGIN, "--listen", f"127.0.0.1:{port}"], r"listening on (\S+)")
        self.port = self.process.port

    def die(self):
        self.process.stop()

    def come_back(self):
        self.__init__(self.port)


class Chaos(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.servers = [Server() for _ in range(3)]
        for server in self.servers:
            self.addCleanup(lambda server=server: server.die())
        self.peers = self.enterContext(Process(["node", PEERS, "server"], r"listening on (\S+)"))
        self.random = random.Random(20)
        self.wrong = []  # what should not have been
        self.over = threading.Event()

    def yaml(self, upstream, limit=0, more="", limits="pending: 512"):
        servers = ", ".join(f'{{address: "127.0.0.1:{server.port}", max_connections: {limit}}}'
                            for server in self.servers)
        return f"""listen: ["127.0.0.1:0", {{address: "127.0.0.1:0", proxy_protocol: optional}}{more}]
node: {{workers: 3}}
probes: {{address: "127.0.0.1:0"}}
trusted_proxies: ["127.0.0.0/8"]
timeouts: {{upstream_idle: 500ms, queue: 5s, request_body: 5s, drain: 20s}}
limits: {{{limits}}}
upstreams:
  app: {{servers: [{servers}], {upstream}}}
  peers: {{servers: ["127.0.0.1:{self.peers.port}"], max_connections: 300}}
routes:
  - {{path: /ws, upstream: peers}}
  - {{upstream: app}}
"""

    def reload(self, yaml):
        with open(self.proxy.config_path, "w", encoding="utf-8") as file:
            file.write(yaml + f"logs: {{access: {self.proxy.log_path}}}\n")
        before = self.proxy.text().count("reloaded\n")
        self.proxy.signal(signal.SIGHUP)
        wait_for(lambda: self.proxy.text().count("reloaded\n") > before, "the reload")

    def port(self, index):
        return int(self.proxy.addresses[index].rpartition(":")[2])

    def gauges(self):
        page = scrape(self.probes)
        return [page.one("http_server_active_requests"),
                page.one("whichhop_connections", side="downstream"),
                page.one("whichhop_connections", side="upstream")]

    # What clients do, again and again.

    def judge(self, answer, what):
        if answer is None:
            self.wrong.append(f"{what}: no answer")
        elif answer.status not in (200, 502, 503, 504):
            self.wrong.append(f"{what}: {answer.status} {answer['Error-Fault']}")

    def ask_on_one_connection(self, rng):
        with Client(self.port(0)) as client:
            for _ in range(20):
                target = rng.choice(["/bytes/10", "/bytes/5000", "/bytes/40000?chunked", "/bytes/300000"])
                answer = client.send(request(target)).read()
                self.judge(answer, target)
                if answer is None or not answer.complete or answer["Connection"] == "close":
                    return

    def pipeline(self, rng):
        with Client(self.port(0)) as client:
            client.send(5 * request(f"/bytes/{rng.randrange(2000)}"))
            for _ in range(5):
                answer = client.read()
                self.judge(answer, "pipelined")
                if not answer or not answer.complete or answer["Connection"] == "close":
                    return

    def upload(self, rng):
        size = rng.choice([10, 1000, 70000, 400000])
        self.judge(fetch(self.port(0), "/sink", "POST", body=b"x" * size), "upload")

    def upload_slowly(self, _):
        with Client(self.port(0)) as client:
            client.send(b"POST /sink HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n")
            for part in (b"5\r\nhello\r\n", b"3\r\nyou\r\n", b"0\r\n\r\n"):
                client.send(part)
                time.sleep(0.02)
            self.judge(client.read(), "slow upload")

    def break_off(self, rng):
        """Resets while it waits in line, for a head, for the rest of a body, or amid its own."""
        client = Client(self.port(0))
        with contextlib.suppress(OSError):
            client.send(rng.choice([
                request("/delay/300ms/bytes/10"),
                request("/bytes/3000000"),
                request("/slow/1000/2000"),
                b"POST /sink HTTP/1.1\r\nHost: a.example\r\nContent-Length: 900000\r\n\r\n" + b"x" * 200000,
                b"GET / HTTP/1.1\r\nHos",
                request("/ws", fields=ASKS)]))
            if rng.random() < 0.5:
                client.socket.recv(1000)
        time.sleep(0.05 * rng.random())
        reset(client)

    def speak_for_another(self, rng):
        with Client(self.port(1)) as client:
            how = rng.randrange(4)
            if how == 0:
                self.judge(client.send(HEADER + request("/bytes/10")).read(), "PROXY")
            elif how == 1:
                client.send(HEADER[:20])
                time.sleep(0.02)
                self.judge(client.send(HEADER[20:] + request("/bytes/10")).read(), "PROXY in two")
            elif how == 2:
                client.send(b"PROXY NOBODY KNOWS\r\n").at_end()
            else:
                client.send(HEADER[:7])

    def converse(self, rng):
        story = rng.choice(["echo", "codes", "crossing", "many"])
        played = subprocess.run(
            ["node", PEERS, "client", f"ws://127.0.0.1:{self.port(0)}/ws", story],
            capture_output=True, text=True, timeout=4 * PATIENCE, check=False)
        if played.returncode != 0:
            self.wrong.append(f"{story}: {played.stderr}")

    def look(self, _):
        gauges = self.gauges()
        if min(gauges) < 0:
            self.wrong.append(f"gauges: {gauges}")
        time.sleep(0.1)

    def repeat(self, act, seed):
        rng = random.Random(seed)
        while not self.over.is_set():
            try:
                act(rng)
            except (OSError, AssertionError) as error:
                self.wrong.append(f"{act.__name__}: {error!r}")

    def kill_and_revive(self):
        """The first is always there: whatever may be sent again finds somebody."""
        while not self.over.is_set():
            server = self.random.choice(self.servers[1:])
            server.die()
            self.over.wait(0.3)
            server.come_back()
            self.over.wait(0.7)

    def rage(self, yamls):
        acts = [self.ask_on_one_connection] * 3 + [
            self.pipeline, self.upload, self.upload, self.upload_slowly, self.break_off, self.break_off,
            self.speak_for_another, self.converse, self.look]
        threads = [threading.Thread(target=self.repeat, args=(act, i)) for i, act in enumerate(acts)]
        threads.append(threading.Thread(target=self.kill_and_revive))
        for thread in threads:
            thread.start()
        try:
            deadline = time.monotonic() + SECONDS
            for number in range(1 << 30):
                if time.monotonic() > deadline:
                    break
                self.reload(yamls[number % len(yamls)])
                time.sleep(0.7)
        finally:
            self.over.set()
            for thread in threads:
                thread.join()

    def test_nothing_is_lost_and_nothing_is_left(self):
        everything = ", ".join([CHECKED, EJECTED, RETRIED, "buffer_request: true", "max_connections: 5"])
        self.proxy = self.enterContext(Proxy(self.yaml(everything, limit=2)))
        self.probes = int(wait_for(lambda: re.findall(r"probes on \S+:(\d+)", self.proxy.text()),
                                   "the probes")[-1])
        path = os.path.join(self.proxy.folder.name, "listener")
        self.rage([self.yaml(f"{EJECTED}, {RETRIED}, balance: least_requests"),
                   self.yaml(f"{CHECKED}, {RETRIED}, max_connections: 3", more=f', "unix:{path}"'),
                   self.yaml(f"{CHECKED}, {RETRIED}, buffer_request: true, balance: hash", limit=1),
                   self.yaml(everything, limit=2)])
        self.assertEqual(self.wrong, [])
        # One place of each kind: none that was not given back.
        self.reload(self.yaml(f"{RETRIED}, max_connections: 1", limit=1, limits="pending: 3"))
        wait_for(lambda: self.gauges() == [0, 0, 0], "all gauges to be 0")
        lines = len(self.proxy.log())
        self.assertEqual([fetch(self.port(0), "/bytes/10").status for _ in range(30)], [200] * 30)
        asked = {attempt["address"] for line in self.proxy.wait_for_log(lines + 30)[lines:]
                 for attempt in line["attempts"]}
        self.assertEqual(asked, {f"127.0.0.1:{server.port}" for server in self.servers})
        wait_for(lambda: self.gauges() == [0, 0, 0], "all gauges to be 0 again")
        self.check_retries()
        with Client(self.port(0)) as client:
            client.send(request("/delay/1s/bytes/10"))
            wait_for(lambda: self.gauges()[0] == 1, "a request")
            self.assertEqual(self.proxy.drain(), 0)
            self.assertEqual(client.read().status, 200)

    def check_retries(self):
        """What was never sent, or to a connection that had ended, was sent again: the first server lives."""
        again = [line for line in self.proxy.log() if line.get("fault", "").startswith("connect-")
                 or line.get("fault") == "stale-keepalive-race" and line["http_request_method"] == "GET"]
        self.assertEqual(again, [])


SWITCHES = b"HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
PART = b"POST %s HTTP/1.1\r\nHost: a.example\r\nContent-Length: 9000000\r\n%s\r\n" + b"x" * 100000


class Deadline(unittest.TestCase):
    """An exchange in each of its phases, as the drain's deadline cuts them all."""

    maxDiff = None

    def setUp(self):
        self.origin = self.enterContext(Origin())
        self.tunnels = self.enterContext(RawOrigin(self.switch))
        self.silent = self.enterContext(socket.socket(type=socket.SOCK_DGRAM))
        self.silent.bind(("127.0.0.1", 0))
        self.full = self.enterContext(socket.create_server(("127.0.0.1", 0), backlog=0))
        self.clients = []

    def switch(self, connection, _):
        """Floods whoever asks for /flood, and is silent to the others."""
        request = self.tunnels.read_request(connection)
        connection.sendall(SWITCHES)
        while b"/flood" in request:
            connection.sendall(b"x" * 65536)
        connection.recv(1)

    def yaml(self):
        port = self.origin.port
        lines = ['listen: ["127.0.0.1:0", {address: "127.0.0.1:0", proxy_protocol: optional}]',
                 f'node: {{workers: 2, resolvers: ["127.0.0.1:{self.silent.getsockname()[1]}"]}}',
                 "timeouts: {drain: 2s, queue: 60s, dns: 60s, connect: 60s}",
                 "probes: {address: \"127.0.0.1:0\"}", "upstreams:",
                 f'  app: {{servers: ["127.0.0.1:{port}"]}}',
                 f'  line: {{servers: ["127.0.0.1:{port}"], max_connections: 1}}',
                 f'  buffered: {{servers: ["127.0.0.1:{port}"], buffer_request: true}}',
                 f'  full: {{servers: ["127.0.0.1:{self.full.getsockname()[1]}"]}}',
                 f'  tunnels: {{servers: ["127.0.0.1:{self.tunnels.port}"]}}',
                 '  name: {servers: ["name.example:80"]}', "routes:"]
        routes = [("/fault/hang", "line"), ("/sink", "buffered"), ("/full", "full"), ("/name", "name"),
                  ("/silent", "tunnels"), ("/flood", "tunnels"), ("/", "app")]
        lines += [f"  - {{path: {path}, upstream: {upstream}}}" for path, upstream in routes]
        return "\n".join(lines) + "\n"

    def begin(self, port, data):
        self.clients.append(self.enterContext(Client(port)))
        self.clients[-1].socket.settimeout(0.5)
        with contextlib.suppress(TimeoutError):  # all that there is room for
            self.clients[-1].send(data)

    def fill(self, proxy):
        """How many requests there are now."""
        small = request("/fault/hang-head").replace(b"\r\nHost", b"\r\nX: y\r\nHost")
        asked = [
            request("/fault/hang"), request("/fault/hang"), request("/fault/hang"),  # two of them in line
            small, request("/fault/stall-body"),
            request("/bytes/90000000"), request("/bytes/90000000?chunked"),  # nobody reads them
            PART % (b"/fault/no-read", b""),  # spliced, until nobody takes it
            PART % (b"/sink", b""), PART % (b"/sink", b"Expect: 100-continue\r\n"),
            request("/name"), request("/silent", fields=ASKS), request("/flood", fields=ASKS),
            b"GET / HTTP/1.1\r\nHos"]
        for data in asked:
            self.begin(int(proxy.addresses[0].rpartition(":")[2]), data)
        for _ in range(4):  # of a queue of none, the kernel takes one or two
            self.begin(int(proxy.addresses[0].rpartition(":")[2]), request("/full"))
        self.begin(int(proxy.addresses[1].rpartition(":")[2]), HEADER[:10])
        return len(asked) + 4

    def test_each_is_cut_and_told_of(self):
        for reloaded in (False, True):
            with self.subTest(reloaded=reloaded), Proxy(self.yaml()) as proxy:
                requests = self.fill(proxy)
                probes = int(re.findall(r"probes on \S+:(\d+)", proxy.text())[-1])
                wait_for(lambda: scrape(probes).one("http_server_active_requests") == requests,
                         "all requests")
                if reloaded:  # they stay with the configuration that they began in
                    with open(proxy.config_path, "a", encoding="utf-8") as file:
                        file.write("topology: {isp: [192.0.2.0/24]}\n")
                    proxy.signal(signal.SIGHUP)
                    wait_for(lambda: "reloaded\n" in proxy.text(), "the reload")
                self.assertEqual(proxy.drain(), 4)
                self.assertEqual([line["fault"] for line in proxy.log()], ["drain-deadline"] * requests)
                phases = {line["ended"] for line in proxy.log()}
                self.assertEqual(phases, {"PR", "PQ", "PC", "PH", "PD"})


if __name__ == "__main__":
    unittest.main()
