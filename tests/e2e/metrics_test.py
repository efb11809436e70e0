"""Probes and metrics: counts that agree with the log, listeners that bear anything, and Prometheus itself."""

import collections
import concurrent.futures
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from exposition import scrape
from harness import (PATIENCE, WHICHHOP, Client, Origin, Process, Proxy, RawOrigin, fetch, free_port,
                     request, wait_for, yaml_for)

CONF = pathlib.Path(__file__).resolve().parents[2] / "conf" / "prometheus"
PROBES = {"probes": 'address: "127.0.0.1:0"'}
# Every kind of line: relayed, produced, authored, refused, and of several attempts.
ASKED = ["/bytes/1000", "/bytes/0", "/status/404", "/status/503", "/fault/empty", "/teapot",
         "/dead/", "/nowhere"]


def side_port(proxy, key="probes"):
    """Where the last of these listeners is."""
    found = wait_for(lambda: re.findall(rf"{key} on \S+:(\d+)", proxy.text()), f"{key} to listen")
    return int(found[-1])


def yaml_of_faults(origin_port, workers=3):
    """Routes to an origin, to nobody, and to no upstream; none for other hosts."""
    dead = free_port()
    return f"""listen: ["127.0.0.1:0"]
node: {{workers: {workers}}}
probes: {{address: "127.0.0.1:0"}}
upstreams:
  app: {{servers: ["127.0.0.1:{origin_port}"]}}
  dead: {{servers: ["127.0.0.1:{dead}", "localhost:{dead}"]}}
routes:
  - {{path: /dead/, upstream: dead}}
  - {{path: /teapot, respond: 418}}
  - {{path: "/quote\\"d", respond: 204}}
  - {{host: test.example, upstream: app}}
"""


def counts_of(page, name, keys):
    """{values of `keys`: value} of a metric."""
    rows = page.samples.get(name, [])
    for labels, _ in rows:
        assert set(labels) <= set(keys), labels
    return collections.Counter(
        {tuple(labels.get(key, "") for key in keys): value for labels, value in rows if value})


def method_of(line):
    known = "GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH".split()
    method = line.get("http_request_method")
    return method if method in known else "_OTHER"


def text_of(status):
    return str(status) if status else ""


def server_counts(log):
    """What http_server_request_duration_seconds_count has to be after these lines."""
    return collections.Counter(
        (method_of(line), text_of(line["http_response_status_code"]), line.get("http_route", ""),
         line.get("error_type", "")) for line in log)


def error_counts(log):
    return collections.Counter(
        ("+".join(line["cause"]), "+".join(line["reporter"]), line["fault"],
         "+".join(line.get("row", [])), line["basis"], line.get("http_route", ""),
         line.get("upstream", "")) for line in log if "fault" in line)


SERVER = ("http_server_request_duration_seconds_count",
          ("http_request_method", "http_response_status_code", "http_route", "error_type"))
ERRORS = ("whichhop_errors_total",
          ("cause", "reporter", "fault", "row", "basis", "http_route", "upstream"))


class Counts(unittest.TestCase):
    """After a mix of requests over several workers."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        origin = cls.enterClassContext(Origin())
        cls.proxy = cls.enterClassContext(Proxy(yaml_of_faults(origin.port)))
        cls.probes = side_port(cls.proxy)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(cls.ask, range(24)))
        cls.ask_oddly()
        cls.requests = 24 * (len(ASKED) * 2 + 1) + 5
        cls.log = cls.proxy.wait_for_log(cls.requests)
        cls.page = wait_for(cls.whole_page, "all requests to be counted")

    @classmethod
    def whole_page(cls):
        page = scrape(cls.probes)
        idle = page.one("whichhop_connections", side="downstream") == 0
        return idle and page.sum(SERVER[0]) >= cls.requests and page

    @classmethod
    def ask(cls, number):
        """On one connection, each again pipelined; a POST in between."""
        with Client(cls.proxy.port) as client:
            for target in ASKED:
                host = "other.example" if target == "/nowhere" else "test.example"
                client.send(2 * request(target, host=host))
                assert client.read() and client.read(), target
            assert client.send(request("/sink", "POST", body=b"x" * 1000)).read()

    @classmethod
    def ask_oddly(cls):
        """A path that needs escapes, methods that nobody knows, no request at all."""
        fetch(cls.proxy.port, '/quote"d')
        fetch(cls.proxy.port, method="BREW")
        fetch(cls.proxy.port, method="TRACE")
        with Client(cls.proxy.port) as client:
            client.send(b"nonsense\r\n\r\n").read()
        with Client(cls.proxy.port) as client:  # leaves while it waits
            client.send(request("/fault/hang"))
            wait_for(lambda: scrape(cls.probes).one("http_server_active_requests") == 1, "a request")
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    def test_requests_are_the_logs_lines(self):
        self.assertEqual(len(self.log), self.requests)
        self.assertEqual(counts_of(self.page, *SERVER), server_counts(self.log))

    def test_errors_are_the_logs_verdicts(self):
        self.assertEqual(counts_of(self.page, *ERRORS), error_counts(self.log))
        self.assertGreater(len(counts_of(self.page, *ERRORS)), 6)

    def test_attempts_are_the_logs_attempts(self):
        wanted = collections.Counter()
        for line in self.log:
            wanted[line.get("upstream", "")] += len(line.get("attempts", []))
        found = collections.Counter()
        for labels, value in self.page.samples["http_client_request_duration_seconds_count"]:
            found[labels["upstream"]] += value
        self.assertEqual(found, +wanted)
        self.assertEqual(
            self.page.sum("http_client_request_duration_seconds_count", upstream="dead",
                          error_type="connection_refused"), found["dead"])

    def test_durations_are_the_logs(self):
        took = sum(line["duration_seconds"] for line in self.log)
        self.assertAlmostEqual(
            self.page.sum("http_server_request_duration_seconds_sum"), took, delta=1e-6 * len(self.log))

    def test_a_phase_is_counted_once_it_is_over(self):
        phase = "whichhop_upstream_phase_duration_seconds_count"
        connects = sum("connect_seconds" in line for line in self.log)
        first_bytes = sum("first_byte_seconds" in line for line in self.log)
        self.assertEqual(self.page.one(phase, phase="connect"), connects)
        self.assertGreaterEqual(self.page.one(phase, phase="first_byte"), first_bytes)
        self.assertGreater(self.page.one(phase, phase="dns"), 0)  # of localhost

    def test_what_is_open_is_none_once_all_have_left(self):
        self.assertEqual(self.page.one("http_server_active_requests"), 0)
        self.assertEqual(self.page.one("whichhop_connections", side="downstream"), 0)

    def test_both_formats_say_the_same(self):
        page = scrape(self.probes, openmetrics=True)
        self.assertEqual(counts_of(page, *SERVER), counts_of(self.page, *SERVER))
        self.assertEqual(counts_of(page, *ERRORS), counts_of(self.page, *ERRORS))
        self.assertEqual(page.types["whichhop_errors"], "counter")
        self.assertEqual(page.types["whichhop_build"], "info")
        self.assertEqual(self.page.types["whichhop_errors_total"], "counter")

    def test_labels_are_never_what_a_client_says(self):
        response = fetch(self.probes, "/metrics")
        for word in (b"BREW", b"nowhere", b"other.example", b"/bytes", b"/status"):
            self.assertNotIn(word, response.body)

    def test_the_process_tells_of_itself(self):
        page = self.page
        status = pathlib.Path(f"/proc/{self.proxy.pid}/status").read_text()
        resident = int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024
        self.assertLess(abs(page.one("process_resident_memory_bytes") - resident), resident)
        self.assertGreater(page.one("process_cpu_seconds_total"), 0)
        self.assertLess(abs(page.one("process_start_time_seconds") - time.time()), 600)
        self.assertLess(page.one("process_open_fds"), page.one("process_max_fds"))
        self.assertGreater(page.one("process_open_fds"), 10)
        version = subprocess.run([WHICHHOP, "version"], capture_output=True, text=True).stdout
        self.assertIn(f"whichhop {page.samples['whichhop_build_info'][0][0]['version']} ", version)
        self.assertEqual(len(page.samples["whichhop_upstream_up"]), 3)


class Serving(unittest.TestCase):
    def start(self, yaml):
        return self.enterContext(Proxy(yaml))

    def test_without_the_keys_nothing_listens(self):
        with Origin() as origin, Proxy(yaml_for(origin.port)) as proxy:
            self.assertEqual(fetch(proxy.port, "/bytes/5").status, 200)
            self.assertNotIn("probes on", proxy.text())
            self.assertNotIn("admin on", proxy.text())

    def test_both_serve_three_paths_and_nothing_else(self):
        proxy = self.start(yaml_for(9, **PROBES, admin='address: "127.0.0.1:0"'))
        for key in ("probes", "admin"):
            port = side_port(proxy, key)
            self.assertEqual(fetch(port, "/livez").body, b"alive\n")
            self.assertEqual(fetch(port, "/readyz?verbose").body, b"ready\n")
            self.assertEqual(fetch(port, "/readyz")["Content-Type"], "text/plain; charset=utf-8")
            for target in ("/", "/metrics/", "/livez/x", "//livez", "*"):
                method = "OPTIONS" if target == "*" else "GET"
                self.assertEqual(fetch(port, target, method).status, 405 if target == "*" else 404)
            self.assertIn(b"/metrics", fetch(port, "/").body)
        # No exchange, and no line.
        self.assertEqual(scrape(port).sum(SERVER[0]), 0)
        self.assertEqual(proxy.log(), [])

    def test_head_has_the_length_and_no_body(self):
        port = side_port(self.start(yaml_for(9, **PROBES)))
        for target in ("/livez", "/readyz", "/none"):
            with Client(port) as client:
                head = client.send(request(target, "HEAD")).read("HEAD")
                self.assertTrue(client.at_end())
            self.assertEqual(head["Content-Length"], str(len(fetch(port, target).body)))
            self.assertEqual(head["Connection"], "close")

    def test_other_methods_are_405(self):
        port = side_port(self.start(yaml_for(9, **PROBES)))
        for method in ("POST", "PUT", "DELETE", "BREW"):
            answer = fetch(port, "/livez", method, body=b"x" * 100_000)
            self.assertEqual((answer.status, answer["Allow"]), (405, "GET, HEAD"))

    def test_ready_ends_with_term_and_alive_with_the_process(self):
        with Origin() as origin:
            proxy = self.start(yaml_for(origin.port, **PROBES,
                                        timeouts=f"drain_delay: 1h, drain: {int(PATIENCE)}s"))
            port = side_port(proxy)
            self.assertEqual(fetch(port, "/readyz").status, 200)
            busy = Client(proxy.port).send(request("/fault/hang"))
            wait_for(lambda: scrape(port).one("http_server_active_requests") == 1, "the request")
            proxy.signal(signal.SIGTERM)
            wait_for(lambda: fetch(port, "/readyz").status == 503, "not ready")
            # The delay is there for balancers to see it: it serves on.
            self.assertEqual(fetch(port, "/readyz").body, b"not ready: draining\n")
            self.assertEqual(fetch(proxy.port, "/bytes/5").status, 200)
            self.assertEqual(fetch(port, "/livez").status, 200)
            # An answer is here a moment before it is over there.
            wait_for(lambda: scrape(port).one("http_server_active_requests") == 1, "the busy one alone")
            busy.close()
            proxy.signal(signal.SIGTERM)
            proxy.wait()

    def test_probes_answer_to_the_end_of_the_drain(self):
        def silent(connection, _):
            self.assertIsNotNone(origin.read_request(connection))
            release.wait()
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

        release = threading.Event()
        with RawOrigin(silent) as origin:
            proxy = self.start(yaml_for(origin.port, **PROBES))
            port = side_port(proxy)
            with Client(proxy.port) as client:
                client.send(request("/"))
                wait_for(lambda: origin.requests, "the request")
                proxy.signal(signal.SIGTERM)
                wait_for(lambda: fetch(port, "/readyz").status == 503, "not ready")
                wait_for(lambda: self.refused(proxy.port), "the listener to close")
                self.assertEqual(fetch(port, "/livez").status, 200)
                self.assertEqual(scrape(port).one("http_server_active_requests"), 1)
                release.set()
                self.assertEqual(client.read().status, 200)
            self.assertEqual(proxy.wait(), 0)
            self.assertTrue(self.refused(port))

    def refused(self, port):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) != 0

    def test_connections_are_counted_while_they_are_open(self):
        with Origin() as origin:
            proxy = self.start(yaml_for(origin.port, **PROBES, timeouts="upstream_idle: 1h"))
            port = side_port(proxy)

            def open_now(downstream, upstream):
                page = scrape(port)
                found = [page.one("whichhop_connections", side=side)
                         for side in ("downstream", "upstream")]
                return found == [downstream, upstream]

            with Client(proxy.port) as one, Client(proxy.port) as two:
                wait_for(lambda: open_now(2, 0), "two clients")
                one.send(request("/bytes/5")).read()
                wait_for(lambda: open_now(2, 1), "the pooled connection")
                two.send(request("/fault/empty")).read()
                wait_for(lambda: open_now(2, 0), "its end")
            wait_for(lambda: open_now(0, 0), "nobody")


    def test_a_server_that_is_out_of_service_is_down(self):
        with Origin() as origin, RawOrigin(lambda *_: None) as silent:
            checked = "health_check: {path: /bytes/1, interval: 100ms, timeout: 300ms, healthy: 1, unhealthy: 1}"
            yaml = yaml_for(origin.port, **PROBES, upstream=checked).replace(
                f'"127.0.0.1:{origin.port}"',
                f'"127.0.0.1:{origin.port}", "127.0.0.1:{silent.port}"')
            port = side_port(self.start(yaml))

            def up(server):
                return scrape(port).one("whichhop_upstream_up", upstream="app",
                                        server=f"127.0.0.1:{server.port}")
            wait_for(lambda: up(silent) == 0, "the server that does not answer")
            self.assertEqual(up(origin), 1)
            silent.script = lambda connection, _: connection.sendall(
                b"HTTP/1.1 204 No Content\r\n\r\n")
            wait_for(lambda: up(silent) == 1, "its return")


class Reload(unittest.TestCase):
    def write(self, proxy, yaml):
        with open(proxy.config_path, "w", encoding="utf-8") as file:
            file.write(yaml + f"logs: {{access: {proxy.log_path}}}\n")

    def reload(self, proxy, yaml, said="reloaded\n"):
        before = proxy.text().count(said)
        self.write(proxy, yaml)
        proxy.signal(signal.SIGHUP)
        wait_for(lambda: proxy.text().count(said) > before, said)

    def test_listeners_are_added_moved_and_removed(self):
        ports = [free_port(), free_port()]
        with Proxy(yaml_for(9)) as proxy:
            self.reload(proxy, yaml_for(9, probes=f'address: "127.0.0.1:{ports[0]}"'))
            self.assertEqual(fetch(ports[0], "/readyz").status, 200)
            self.reload(proxy, yaml_for(9, probes=f'address: "127.0.0.1:{ports[1]}"',
                                        admin=f'address: "127.0.0.1:{ports[0]}"').replace(
                                            str(ports[0]), "0"))
            self.assertEqual(fetch(ports[1], "/readyz").status, 200)
            self.assertEqual(fetch(side_port(proxy, "admin"), "/readyz").status, 200)
            wait_for(lambda: Serving.refused(self, ports[0]), "the old one to close")
            self.reload(proxy, yaml_for(9))
            wait_for(lambda: Serving.refused(self, ports[1]), "the last one to close")

    def test_port_0_is_kept(self):
        with Proxy(yaml_for(9, **PROBES)) as proxy:
            port = side_port(proxy)
            self.reload(proxy, yaml_for(9, **PROBES))
            self.assertEqual(fetch(port, "/livez").status, 200)
            self.assertEqual(len(re.findall("probes on", proxy.text())), 1)

    def test_an_address_in_use_changes_nothing(self):
        with socket.create_server(("127.0.0.1", 0)) as taken, Proxy(yaml_for(9, **PROBES)) as proxy:
            port = side_port(proxy)
            self.reload(proxy, yaml_for(
                9, routes="- {path: /new, respond: 204}",
                admin=f'address: "127.0.0.1:{taken.getsockname()[1]}"'), "serves on\n")
            self.assertEqual(fetch(proxy.port, "/new").status, 502)
            self.assertEqual(fetch(port, "/readyz").status, 200)
            self.assertEqual(scrape(port).one("whichhop_config_last_reload_successful"), 0)

    def test_an_address_in_use_at_the_start_is_exit_3(self):
        with socket.create_server(("127.0.0.1", 0)) as taken, tempfile.NamedTemporaryFile("w") as file:
            file.write(yaml_for(9, probes=f'address: "127.0.0.1:{taken.getsockname()[1]}"'))
            file.flush()
            done = subprocess.run([WHICHHOP, "run", "-c", file.name], capture_output=True, text=True,
                                  timeout=PATIENCE)
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertNotIn("listening on", done.stderr)

    def test_how_it_went_is_told_and_counts_stay(self):
        def success(port):
            page = scrape(port)
            return (page.one("whichhop_config_last_reload_successful"),
                    page.one("whichhop_config_last_reload_success_timestamp_seconds"))

        with Origin() as origin:
            yaml = yaml_of_faults(origin.port, workers=1)
            with Proxy(yaml) as proxy:
                port = side_port(proxy)
                fetch(proxy.port, "/bytes/5")
                started = success(port)
                self.assertEqual(started[0], 1)
                self.reload(proxy, "listen: nonsense\n", "serves on\n")
                self.assertEqual(success(port), (0, started[1]))
                # The same route at another place of the list is the same series.
                self.reload(proxy, yaml.replace("routes:", "routes:\n  - {path: /x, respond: 204}"))
                after = success(port)
                self.assertEqual(after[0], 1)
                self.assertGreater(after[1], started[1])
                fetch(proxy.port, "/bytes/5")
                wait_for(lambda: scrape(port).sum(SERVER[0], http_route="test.example/") == 2,
                         "both in one series")

    def test_the_number_of_series_is_bounded(self):
        """512 of requests: the rest is one series, and nothing is lost."""
        routes = "\n".join(f"- {{path: /r{n}/, respond: 204}}" for n in range(600))
        with Proxy(yaml_for(9, routes=routes, **PROBES)) as proxy:
            port = side_port(proxy)
            with Client(proxy.port) as client:
                for number in range(600):
                    self.assertEqual(client.send(request(f"/r{number}/")).read().status, 204)
            page = wait_for(lambda: (page := scrape(port)).sum(SERVER[0]) == 600 and page, "all")
            self.assertEqual(len(page.samples[SERVER[0]]), 512)
            self.assertEqual(page.sum(SERVER[0], http_route="_OTHER", error_type="_OTHER"), 600 - 511)


class Robustness(unittest.TestCase):
    """Whatever comes, the next probe is answered."""

    @classmethod
    def setUpClass(cls):
        cls.origin = cls.enterClassContext(Origin())
        cls.proxy = cls.enterClassContext(Proxy(yaml_for(cls.origin.port, **PROBES)))
        cls.port = side_port(cls.proxy)

    def tearDown(self):
        self.assertEqual(fetch(self.port, "/readyz").status, 200)

    def refusal(self, data):
        with Client(self.port) as client:
            with contextlib.suppress(ConnectionError):
                client.send(data)
            answer = client.read()
            if answer is not None:
                self.assertTrue(answer.complete and client.at_end())
            return answer and answer.status

    def test_garbage_is_refused(self):
        for data, status in ((b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
                             (b"GET /livez\r\n\r\n", 400), (b"GET /livez HTTP/1.1\r\n\r\n", 400),
                             (b"GET /livez HTTP/1.1\nHost: a\n\n", 400),
                             (b"GET /livez HTTP/3.0\r\nHost: a\r\n\r\n", 505),
                             (b"GET /" + b"a" * 3000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
                             (b"GET /livez HTTP/1.1\r\nHost: a\r\nA: " + b"a" * 9000, 431),
                             (b"GET /livez HTTP/1.1\r\nHost: a\r\n" + b"A: b\r\n" * 100, 431),
                             (b"GET /livez HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
                              501),
                             (request("/livez", version="1.0"), 200),
                             (b"GET http://a/livez HTTP/1.1\r\nHost: a\r\n\r\n", 200),
                             (request("/livez") * 50, 200)):
            self.assertEqual(self.refusal(data), status, data[:60])

    def test_a_huge_head_is_refused_before_it_is_here(self):
        self.assertEqual(self.refusal(b"GET /livez HTTP/1.1\r\nHost: a\r\nA: " + b"a" * 5_000_000), 431)

    def test_byte_by_byte_is_answered(self):
        with Client(self.port) as client:
            for byte in request("/livez"):
                client.send(bytes([byte]))
            self.assertEqual(client.read().status, 200)

    def test_a_client_that_ends_early_is_answered(self):
        with Client(self.port) as client:
            client.send(request("/livez")).socket.shutdown(socket.SHUT_WR)
            self.assertEqual(client.read().status, 200)

    def test_a_slow_client_is_let_go(self):
        with Client(self.port) as silent, Client(self.port) as slow:
            slow.send(b"GET /livez HTTP/1.1\r\n")
            self.assertEqual(slow.read().status, 408)
            self.assertTrue(slow.at_end())
            self.assertTrue(silent.at_end())

    def test_many_connections_do_not_keep_a_probe_out(self):
        clients = [Client(self.port) for _ in range(500)]
        self.assertEqual(fetch(self.port, "/livez").status, 200)
        descriptors = len(os.listdir(f"/proc/{self.proxy.pid}/fd"))
        self.assertLess(descriptors, 150)
        for client in clients:
            client.close()

    def test_a_client_that_reads_nothing_holds_up_nobody(self):
        clients = [Client(self.port).send(request("/metrics")) for _ in range(100)]
        self.assertEqual(fetch(self.port, "/livez").status, 200)
        for client in clients:
            client.close()

    def test_pages_are_whole_under_load(self):
        stop = threading.Event()

        def load():
            with Client(self.proxy.port) as client:
                while not stop.is_set():
                    client.send(request("/bytes/100")).read()

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            running = [pool.submit(load) for _ in range(4)]
            try:
                before = 0
                for number in range(30):
                    page = scrape(self.port, openmetrics=number % 2 == 1)
                    self.assertGreaterEqual(page.sum(SERVER[0]), before)
                    before = page.sum(SERVER[0])
            finally:
                stop.set()
            for one in running:
                one.result()
        self.assertGreater(before, 0)

    def test_a_probe_is_answered_while_the_workers_are_full(self):
        """One client at a time, and it hangs."""
        with Proxy(yaml_for(self.origin.port, **PROBES, limits="connections: 1")) as proxy:
            port = side_port(proxy)
            with Client(proxy.port) as first, Client(proxy.port) as second:
                first.send(request("/fault/hang"))
                second.send(request("/bytes/5"))
                wait_for(lambda: scrape(port).one("http_server_active_requests") == 1, "a request")
                self.assertEqual(fetch(port, "/readyz").status, 200)


@unittest.skipUnless(shutil.which("promtool"), "NEEDS Debian's prometheus, which is not installed")
class Promtool(unittest.TestCase):
    def run_tool(self, *words, text=None):
        return subprocess.run(["promtool", *words], input=text, capture_output=True, timeout=PATIENCE)

    def test_check_metrics_is_silent(self):
        with Origin() as origin, Proxy(yaml_of_faults(origin.port)) as proxy:
            for target in ASKED:
                fetch(proxy.port, target)
            port = side_port(proxy)
            wait_for(lambda: scrape(port).sum(SERVER[0]) == len(ASKED), "all requests")
            done = self.run_tool("check", "metrics", text=fetch(port, "/metrics").body)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"", b""))

    def test_the_configuration_and_the_rules_are_valid(self):
        done = self.run_tool("check", "config", str(CONF / "prometheus.yml"))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_the_rules_say_who_is_to_blame(self):
        text = pathlib.Path(__file__).with_name("prometheus_rules.yml").read_text()
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            file.write(text.replace("RULES", str(CONF / "rules.yml")))
            file.flush()
            done = self.run_tool("test", "rules", file.name)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


@unittest.skipUnless(shutil.which("prometheus"), "NEEDS Debian's prometheus, which is not installed")
class Prometheus(unittest.TestCase):
    """Itself scrapes us with the rules that ship."""

    def query(self, expression):
        with Client(self.port) as client:
            quoted = "".join(f"%{byte:02X}" for byte in expression.encode())
            client.send(request(f"/api/v1/query?query={quoted}", fields=[("Connection", "close")]))
            answer = client.read()
        return json.loads(answer.body)["data"]["result"] if answer.status == 200 else []

    def value(self, expression):
        result = self.query(expression)
        return float(result[0]["value"][1]) if result else None

    def start(self, probes, folder):
        config = pathlib.Path(folder, "prometheus.yml")
        text = (CONF / "prometheus.yml").read_text().replace("127.0.0.1:9902", f"127.0.0.1:{probes}")
        config.write_text(text.replace(": 15s", ": 1s"))
        shutil.copy(CONF / "rules.yml", folder)
        return Process(["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder}/data",
                        "--web.listen-address=127.0.0.1:0", "--log.level=info"],
                       r'Listening on" address=(\S+)')

    def test_it_scrapes_and_counts_as_we_do(self):
        with (Origin() as origin, Proxy(yaml_of_faults(origin.port)) as proxy,
              tempfile.TemporaryDirectory(prefix="whichhop-test-") as folder):
            for target in ASKED:
                fetch(proxy.port, target)
            with self.start(side_port(proxy), folder) as prometheus:
                self.port = prometheus.port
                wait_for(lambda: self.value("up") == 1, "up == 1")
                wait_for(lambda: self.value("sum(http_server_request_duration_seconds_count)")
                         == len(ASKED), "all requests")
                blamed = self.query('whichhop_errors_total{fault="resp-empty-fin"}')
                self.assertEqual([one["metric"]["cause"] for one in blamed], ["app"])
                self.assertEqual(self.value("whichhop_build_info"), 1)
                self.assertEqual(self.query("up == 0"), [])


if __name__ == "__main__":
    unittest.main()
