"""100,000 verified requests, one in twenty of them a fault: nothing lost, crossed or mislabelled.

The load generator (bench/load) judges what the clients saw; this test compares the access log
with it, and looks at what the proxy itself needed.
"""

import collections
import os
import re
import signal
import socket
import struct
import subprocess
import time
import unittest

from harness import Client, Origin, Proxy, RawOrigin, request, wait_for, yaml_for

LOAD = os.environ.get("WHICHHOP_LOAD", "/tmp/build-load/bench/whichhop-load")
REQUESTS = 100_000
CONNECTIONS = 64
WORKERS = 2
DEADLINE = 1500  # seconds: sanitizers, on a core of which others have their share
MOST_MEMORY = 128 << 20


def kinds_of(report):
    """{(method, path, status, fault): requests} as the load generator has counted them."""
    kinds = collections.Counter()
    rows = re.findall(r"^ +(\d+)  (\d{3})  (\S+) +(\S+)  (\S+)$", report, re.M)
    for count, status, method, target, fault in rows:
        path = target.partition("?")[0]
        kinds[method, path, int(status), None if fault == "-" else fault] += int(count)
    return kinds


def kind_of(line):
    """The same of a line of the log; what died with a pooled connection counts as meant."""
    kind = (line["http_request_method"], line["url_path"])
    if is_stale(line):
        return *kind, 200, None
    return *kind, line["http_response_status_code"], line.get("fault")


def is_stale(line):
    return line.get("fault") in ("stale-keepalive-race", "write-early-close")


def peak_memory(pid):
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(r"^VmHWM:\s+(\d+) kB", file.read(), re.M)[1]) << 10


def is_sanitized(pid):
    with open(f"/proc/{pid}/maps") as file:
        return re.search(r"lib[at]san\.so", file.read()) is not None


class Load(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.origin = cls.enterClassContext(Origin())
        yaml = yaml_for(cls.origin.port).replace("workers: 1", f"workers: {WORKERS}")
        cls.proxy = cls.enterClassContext(Proxy(yaml))
        done = subprocess.run(
            [LOAD, "--target", f"127.0.0.1:{cls.proxy.port}", "--requests", str(REQUESTS),
             "--connections", str(CONNECTIONS), "--faults", "5%", "--verify",
             "--deadline", str(DEADLINE)],
            stdout=subprocess.PIPE, text=True, timeout=DEADLINE + 60)
        cls.report, cls.code = done.stdout, done.returncode
        print(*cls.report.splitlines()[-5:], sep="\n")
        cls.memory = peak_memory(cls.proxy.pid)
        cls.sanitized = is_sanitized(cls.proxy.pid)
        cls.exit = cls.proxy.drain()
        cls.log = cls.proxy.log()

    def test_1_nothing_is_lost_crossed_or_mislabelled(self):
        self.assertIn(f"{REQUESTS} requests, 0 lost, 0 crossed, 0 mislabelled\n", self.report,
                      self.report[:3000])
        self.assertEqual(self.code, 0)

    def test_2_the_log_has_one_line_for_each_request(self):
        ids = collections.Counter(line["request_id"] for line in self.log)
        missing = [number for number in range(REQUESTS) if f"load-{number}" not in ids]
        self.assertEqual(missing[:20], [])
        self.assertEqual([key for key, count in ids.items() if count > 1][:20], [])
        self.assertEqual(len(self.log), REQUESTS)

    def test_3_the_log_names_the_fault_that_each_client_met(self):
        met, logged = kinds_of(self.report), collections.Counter(map(kind_of, self.log))
        self.assertEqual(sum(met.values()), REQUESTS)
        differences = {kind: (met[kind], logged[kind])
                       for kind in met | logged if met[kind] != logged[kind]}
        self.assertEqual(differences, {}, "{kind: (met, logged)}")
        stale = int(re.search(r"^(\d+) stale$", self.report, re.M)[1])
        self.assertEqual(sum(map(is_stale, self.log)), stale)

    def test_4_every_error_id_of_the_log_is_unique(self):
        ids = [line["error_id"] for line in self.log if "error_id" in line]
        self.assertEqual(len(ids), len(set(ids)))

    def test_5_no_fault_of_an_origin_that_acts_at_once_waits_for_a_timeout(self):
        late = [(line["url_path"], line.get("fault"), line["duration_seconds"])
                for line in self.log if (line.get("fault") or "").endswith(("timeout", "ttfb", "stall"))]
        self.assertEqual(late, [])

    def test_6_memory_stays_bounded(self):
        if self.sanitized:
            self.skipTest("a sanitizer has memory of its own")
        self.assertLess(self.memory, MOST_MEMORY)

    def test_7_after_it_term_ends_with_0(self):
        self.assertEqual(self.exit, 0)


def pause(proxy):
    """Stops all its threads; they have stopped when it returns."""
    def stopped():
        with open(f"/proc/{proxy.pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "T"
    proxy.signal(signal.SIGSTOP)
    wait_for(stopped, "the proxy to stop")


def reset(connection):
    """Ends it by a RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class BytesAndResetAtOnce(unittest.TestCase):
    """What the load meets now and then, each time: the proxy sleeps while both arrive."""

    def proxied(self, answer):
        def script(connection, _):
            origin.read_request(connection)
            pause(proxy)
            connection.sendall(answer)
            reset(connection)
            time.sleep(0.2)
            proxy.signal(signal.SIGCONT)

        with RawOrigin(script) as origin, Proxy(yaml_for(
                origin.port, timeouts="response_head: 3s, response_body: 3s")) as proxy:
            with Client(proxy.port) as client:
                begun = time.monotonic()
                response = client.send(request()).read()
                self.assertLess(time.monotonic() - begun, 2, "it waited for a timeout")
            return response, proxy.wait_for_log()[0]["fault"]

    def test_inside_the_head(self):
        response, fault = self.proxied(b"HTTP/1.1 200 OK\r\nContent-Le")
        self.assertEqual((response.status, fault), (502, "head-truncated"))

    def test_inside_a_body_of_known_length(self):
        response, fault = self.proxied(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nok")
        self.assertEqual((response.complete, fault), (False, "body-cl-short-rst"))

    def test_inside_a_chunked_body(self):
        response, fault = self.proxied(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n")
        self.assertEqual((response.complete, fault), (False, "body-chunk-truncated"))

    def test_inside_a_body_that_its_end_delimits(self):
        response, fault = self.proxied(b"HTTP/1.1 200 OK\r\n\r\nhalf of it")
        self.assertEqual((response.complete, fault), (False, "body-close-delimited-cut"))

    def test_of_a_client_that_asks_and_leaves(self):
        # No edge tells of it: it is found when there is something to say to the client.
        with Origin() as origin, Proxy(yaml_for(origin.port, timeouts="response_head: 2s")) as proxy:
            client = Client(proxy.port)
            pause(proxy)
            client.send(request("/fault/hang"))
            reset(client.socket)
            proxy.signal(signal.SIGCONT)
            line = proxy.wait_for_log()[0]
            self.assertIn(line["fault"], ("client-abort-waiting", "client-abort-connecting"))


if __name__ == "__main__":
    unittest.main()
