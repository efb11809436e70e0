"""The access log: a line for each exchange, what stands in it, and that it costs nobody a stall."""

import concurrent.futures
import contextlib
import datetime
import json
import os
import pty
import re
import signal
import socket
import statistics
import struct
import subprocess
import tempfile
import time
import unittest

from harness import (WHICHHOP, Client, Origin, Proxy, fetch, free_port, origin_answering, request,
                     wait_for, yaml_for)


def is_text(value):
    return isinstance(value, str) and value != ""


def is_count(value):
    return type(value) is int and value >= 0


def is_count_or_null(value):
    return value is None or is_count(value)


def is_seconds(value):
    return isinstance(value, float) and 0 <= value < 3600


def is_words(value):
    return isinstance(value, list) and all(map(is_text, value))


def matches(pattern):
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def is_attempts(value):
    return isinstance(value, list) and value and all(
        is_text(one["address"]) and is_count(one["ms"]) and one.get("reused") in (None, True) and
        ("fault" not in one or is_text(one["fault"])) and
        set(one) <= {"address", "ms", "reused", "fault"} for one in value)


ULID = "[0-7][0-9A-HJKMNP-TV-Z]{25}"
ALWAYS = {
    "event_name": matches("exchange"),
    "timestamp": matches(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"),
    "severity_text": matches("INFO|WARN|ERROR"),
    "node": is_text, "position": matches("lb|cdn"), "client_address": is_text,
    "http_response_status_code": is_count_or_null,
    "bytes_in": is_count, "bytes_out": is_count, "duration_seconds": is_seconds,
    "ended": matches("[-CSPcs][-RQCHD]"),
}
OF_A_REQUEST = {
    "request_id": is_text, "http_request_method": is_text, "server_address": is_text,
    "url_path": is_text, "network_protocol_version": matches(r"1\.[01]"),
}
OF_AN_ATTEMPT = {
    "http_route": is_text, "upstream": is_text, "upstream_address": is_text,
    "upstream_status": is_count_or_null, "attempts": is_attempts,
}
OF_AN_ERROR = {
    "error_id": matches(ULID), "cause": is_words, "reporter": is_words, "cleared": is_words,
    "row": is_words, "fault": is_text, "basis": matches("observed|documented|testified|inferred"),
    "evidence": is_words,
}
SOMETIMES = {
    "trace_id": matches("[0-9a-f]{32}"), "url_query": is_text, "http_route": is_text,
    "upstream": is_text, "user_agent_original": lambda value: isinstance(value, str),
    "dns_seconds": is_seconds, "connect_seconds": is_seconds, "tls_seconds": is_seconds,
    "first_byte_seconds": is_seconds, "error_type": is_text, "upstream_body": is_text,
    "request_id": lambda value: isinstance(value, str), "documented": lambda value: True,
}


def reset(client):
    """Ends a connection by a RST."""
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


class Keys(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.origin = cls.enterClassContext(Origin())
        cls.proxy = cls.enterClassContext(Proxy(yaml_for(
            cls.origin.port, node="name: edge-7", routes="- {path: /tea, respond: 418}\n"
            "- {path: /here, respond: 200}")))
        cls.seen = 0

    def line(self, *parts, **options):
        """The line of one request that is answered."""
        response = fetch(self.proxy.port, *parts, **options)
        return self.next(), response

    def next(self):
        log = self.proxy.wait_for_log(self.seen + 1)
        self.assertEqual(len(log), self.seen + 1)
        type(self).seen += 1
        return log[-1]

    def check(self, line, *required):
        self.assertEqual(next(iter(line)), "event_name")
        known = dict(SOMETIMES)
        for keys in required:
            known.update(keys)
            self.assertLessEqual(set(keys), set(line))
        for key, value in line.items():
            self.assertIn(key, known)
            self.assertTrue(known[key](value), f"{key}: {value!r}")

    def test_of_a_good_answer(self):
        line, _ = self.line("/bytes/100?x=1", fields=[
            ("User-Agent", "test/1.0 (a b)"), ("X-Request-Id", "mine-1"),
            ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")])
        self.check(line, ALWAYS, OF_A_REQUEST, OF_AN_ATTEMPT)
        expected = {
            "severity_text": "INFO", "node": "edge-7", "position": "lb", "request_id": "mine-1",
            "trace_id": "0af7651916cd43dd8448eb211c80319c", "client_address": "127.0.0.1",
            "http_request_method": "GET", "server_address": "test.example",
            "url_path": "/bytes/100", "http_response_status_code": 200, "http_route": "/",
            "network_protocol_version": "1.1", "user_agent_original": "test/1.0 (a b)",
            "upstream": "app", "upstream_address": f"127.0.0.1:{self.origin.port}",
            "upstream_status": 200, "ended": "--"}
        self.assertEqual({key: line[key] for key in expected}, expected)
        for absent in list(OF_AN_ERROR) + ["url_query", "error_type"]:
            self.assertNotIn(absent, line)

    def test_of_a_relayed_error(self):
        line, response = self.line("/status/503")
        self.check(line, ALWAYS, OF_A_REQUEST, OF_AN_ATTEMPT, OF_AN_ERROR)
        self.assertEqual((line["severity_text"], line["upstream_status"], line["fault"]),
                         ("ERROR", 503, "relay-503"))
        self.assertEqual(response["Error-Id"], f'"{line["error_id"]}"')

    def test_of_a_clients_error(self):
        self.assertEqual(self.line("/status/404")[0]["severity_text"], "WARN")

    def test_of_an_error_of_ours(self):
        line, response = self.line("/fault/empty")
        self.check(line, ALWAYS, OF_A_REQUEST, OF_AN_ATTEMPT, OF_AN_ERROR)
        self.assertEqual(line["error_type"], "http_response_incomplete")
        self.assertIsNone(line["upstream_status"])
        self.assertEqual(line["attempts"][-1]["fault"], "resp-empty-fin")
        self.assertEqual(response["Error-Id"], f'"{line["error_id"]}"')

    def test_of_a_cut_answer_with_the_status_that_was_sent(self):
        line, response = self.line("/fault/truncate")
        self.check(line, ALWAYS, OF_A_REQUEST, OF_AN_ATTEMPT, OF_AN_ERROR)
        self.assertEqual((line["http_response_status_code"], line["upstream_status"]), (200, 200))
        self.assertEqual((line["severity_text"], line["fault"]), ("ERROR", "body-cl-short-fin"))
        self.assertIsNone(response["Error-Id"])

    def test_of_an_authored_status(self):
        line, _ = self.line("/tea")
        self.check(line, ALWAYS, OF_A_REQUEST, OF_AN_ERROR)
        self.assertEqual((line["http_response_status_code"], line["http_route"]), (418, "/tea"))
        self.assertNotIn("upstream_address", line)
        line, _ = self.line("/here")
        self.check(line, ALWAYS, OF_A_REQUEST)
        self.assertEqual(line["severity_text"], "INFO")

    def test_of_what_is_no_request(self):
        with Client(self.proxy.port) as client:
            self.assertEqual(client.send(b"what is this\r\n\r\n").read().status, 400)
        line = self.next()
        self.check(line, ALWAYS, OF_AN_ERROR)
        self.assertEqual((line["http_response_status_code"], line["ended"]), (400, "PR"))

    def test_of_a_replaced_body_its_beginning(self):
        stock = b"<html><head><title>502 Bad Gateway</title></head></html>"
        answer = (b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: %d\r\n"
                  b"\r\n" % len(stock)) + stock
        with origin_answering(answer) as origin, \
                Proxy(yaml_for(origin.port, errors="body: replace")) as proxy:
            fetch(proxy.port)
            self.assertEqual(proxy.wait_for_log()[0]["upstream_body"], stock.decode())

    def test_a_retry_has_an_attempt_of_its_own(self):
        with Origin() as origin, Proxy(yaml_for(origin.port)) as proxy:
            fetch(proxy.port, "/fault/stale-fin")
            self.assertEqual(fetch(proxy.port, "/bytes/10").status, 200)
            line = proxy.wait_for_log(2)[1]
            self.assertEqual([(one.get("reused"), one.get("fault")) for one in line["attempts"]],
                             [(True, "stale-keepalive-race"), (None, None)])
            self.assertNotIn("fault", line)
            self.assertEqual(line["ended"], "--")

    def test_bytes_are_those_of_the_client_connection(self):
        for target, method, body in (("/bytes/1000", "GET", b""), ("/sink", "POST", b"x" * 70000),
                                     ("/bytes/200KiB", "GET", b""), ("/status/404", "GET", b""),
                                     ("/fault/empty", "GET", b""), ("/bytes/10", "HEAD", b"")):
            with self.subTest(target=target), Client(self.proxy.port) as client:
                data = request(target, method, [("Connection", "close")], body)
                client.send(data)
                received = 0
                while more := client.socket.recv(65536):
                    received += len(more)
                line = self.next()
                self.assertEqual((line["bytes_in"], line["bytes_out"]), (len(data), received))

    def test_bytes_of_pipelined_requests_are_each_ones_own(self):
        requests = [request(f"/bytes/{number}") for number in (1, 10, 100)]
        with Client(self.proxy.port) as client:
            client.send(b"".join(requests))
            for _ in requests:
                self.assertEqual(client.read().status, 200)
        lines = self.proxy.wait_for_log(self.seen + 3)[self.seen:]
        type(self).seen += 3
        self.assertEqual([line["bytes_in"] for line in lines], list(map(len, requests)))

    def test_times(self):
        with Origin() as origin, Proxy(yaml_for(origin.port)) as proxy, Client(proxy.port) as client:
            for target in ("/delay/300ms/slow/300/1000", "/bytes/10"):
                client.send(request(target)).read()
            slow, fast = proxy.wait_for_log(2)
            self.assertGreaterEqual(slow["first_byte_seconds"], 0.3)
            self.assertGreaterEqual(slow["duration_seconds"], slow["first_byte_seconds"] + 0.15)
            self.assertLess(slow["connect_seconds"], 0.3)
            self.assertLess(fast["duration_seconds"], 0.3)
            self.assertNotIn("connect_seconds", fast)  # it was there already
            then = datetime.datetime.fromisoformat(slow["timestamp"])
            age = datetime.datetime.now(datetime.timezone.utc) - then
            self.assertLess(abs(age.total_seconds()), 10)

    def test_the_query_is_kept_only_if_asked_for(self):
        for query, logged in (("false", None), ("true", "token=secret&a=%20b")):
            with self.subTest(query=query), Origin() as origin, \
                    tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "access.log")
                yaml = yaml_for(origin.port) + f"logs: {{access: {path}, query: {query}}}\n"
                with Proxy(yaml) as proxy:
                    proxy.log_path = path
                    fetch(proxy.port, "/bytes/10?token=secret&a=%20b")
                    line = proxy.wait_for_log()[0]
                    self.assertEqual(line.get("url_query"), logged)
                    self.assertEqual(line["url_path"], "/bytes/10")
                    if logged is None:
                        self.assertNotIn("secret", json.dumps(line))


# what is asked, how the client goes on: status, fault, ended
ENDINGS = [
    ("/bytes/100", 200, None, "--"),
    ("/status/404", 404, "relay-404", "--"),
    ("/status/502", 502, "relay-502", "--"),
    ("/fault/empty", 502, "resp-empty-fin", "SH"),
    ("/fault/reset-before-head", 502, "resp-rst", "SH"),
    ("/fault/garbage", 502, "head-not-http", "SH"),
    ("/fault/truncate-head", 502, "head-truncated", "SH"),
    ("/fault/hang", 504, "resp-timeout-ttfb", "sH"),
    ("/fault/hang-head", 504, "head-timeout", "sH"),
    ("/fault/truncate", 200, "body-cl-short-fin", "SD"),
    ("/fault/truncate-chunked", 200, "body-chunk-truncated", "SD"),
    ("/fault/chunk-bad-late", 200, "body-chunk-malformed", "SD"),
    ("/fault/stall-body", 200, "body-stall", "sD"),
]


class Ended(unittest.TestCase):
    """Who ended it, and in which phase."""

    def expect(self, proxy, status, fault, ended):
        line = proxy.wait_for_log()[0]
        self.assertEqual((line["http_response_status_code"], line.get("fault"), line["ended"]),
                         (status, fault, ended))
        self.assertEqual(len(proxy.log()), 1)

    def test_by_the_upstream_or_its_timeout(self):
        limits = "response_head: 300ms, response_body: 300ms"
        with Origin() as origin:
            for target, *expected in ENDINGS:
                with self.subTest(target=target), \
                        Proxy(yaml_for(origin.port, timeouts=limits)) as proxy:
                    fetch(proxy.port, target)
                    self.expect(proxy, *expected)

    def test_by_a_connect(self):
        with Proxy(yaml_for(free_port())) as proxy:
            fetch(proxy.port)
            self.expect(proxy, 502, "connect-refused-rst", "SC")
        for breakage, fault in (("--drop-syn", "connect-timeout"),
                                ("--backlog-full", "connect-timeout-backlog")):
            with self.subTest(breakage=breakage), Origin(breakage) as origin, \
                    Proxy(yaml_for(origin.port, timeouts="connect: 300ms")) as proxy:
                self.assertEqual(fetch(proxy.port).status, 504)
                line = proxy.wait_for_log()[0]
                self.assertEqual(line["ended"], "sC")
                self.assertIn(line["fault"], (fault, "connect-timeout"))  # as far as it could see

    def test_by_the_client_that_leaves(self):
        with Origin() as origin, Origin("--drop-syn") as silent:
            for port, data, fault, ended in (
                    (origin.port, request("/fault/hang"), "client-abort-waiting", "CH"),
                    (silent.port, request("/"), "client-abort-connecting", "CC"),
                    (origin.port, b"GET / HTTP/1.1\r\nHo", "reqbody-truncated", "CR"),
                    (origin.port, b"POST /sink HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab",
                     "reqbody-truncated", "CR")):
                with self.subTest(data=data), Proxy(yaml_for(port)) as proxy:
                    client = Client(proxy.port).send(data)
                    time.sleep(0.2)
                    reset(client)
                    self.expect(proxy, None, fault, ended)

    def test_by_the_client_that_leaves_inside_the_answer(self):
        with Origin() as origin, Proxy(yaml_for(origin.port)) as proxy:
            client = Client(proxy.port).send(request("/bytes/64MiB"))
            client.read_head()
            reset(client)
            self.expect(proxy, 200, "client-abort-body", "CD")

    def test_by_the_client_that_is_slow(self):
        limits = "request_head: 300ms, request_body: 300ms, client_write: 500ms"
        with Origin() as origin:
            for data, status, fault, ended in (
                    (b"GET / HTTP/1.1\r\nHo", 408, "req-head-timeout", "cR"),
                    (b"POST /sink HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab", 408,
                     "reqbody-timeout", "cR"),
                    (request("/bytes/64MiB"), 200, "client-slow-reader", "cD")):
                with self.subTest(data=data), \
                        Proxy(yaml_for(origin.port, timeouts=limits)) as proxy, \
                        Client(proxy.port) as client:
                    client.send(data)
                    self.expect(proxy, status, fault, ended)

    def test_by_the_proxy(self):
        with Origin() as origin:
            for data, status, fault in (
                    (b"GET / HTTP/1.1\r\n\r\n", 400, "req-host"),
                    (b"GET /\r\n\r\n", 400, None),
                    (b"G@T / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "req-line-bad"),
                    (request(method="TRACE"), 405, "req-method"),
                    (request("/" + "x" * 9000), 414, "req-target-too-long"),
                    (request(fields=[("Expect", "nonsense")]), 417, "req-expect"),
                    (request("/tea"), 418, "respond")):
                with self.subTest(data=data[:60]), Client(self.port(origin)) as client:
                    answer = client.send(data).read()
                    if fault is None:  # HTTP/0.9 is no HTTP/1, in whichever words
                        self.assertIn(answer.status, (400, 505))
                        continue
                    self.assertEqual(answer.status, status)
                    line = self.proxy.wait_for_log()[0]
                    self.assertEqual((line["fault"], line["ended"]), (fault, "PR"))

    def port(self, origin):
        """Of a proxy with an empty log."""
        self.proxy = self.enterContext(Proxy(yaml_for(
            origin.port, routes="- {path: /tea, respond: 418}")))
        return self.proxy.port

    def test_by_the_drains_deadline_in_the_phase_that_it_cut(self):
        with Origin() as origin, Origin("--drop-syn") as silent:
            for port, target, ended in ((silent.port, "/", "PC"), (origin.port, "/fault/hang", "PH"),
                                        (origin.port, "/fault/stall-body", "PD")):
                with self.subTest(ended=ended), \
                        Proxy(yaml_for(port, timeouts="drain: 300ms, connect: 20s")) as proxy, \
                        Client(proxy.port) as client:
                    client.send(request(target))
                    time.sleep(0.2)
                    self.assertEqual(proxy.drain(), 4)
                    line, = proxy.log()
                    self.assertEqual((line["fault"], line["ended"]), ("drain-deadline", ended))


HOSTILE = [
    b'quote " backslash \\ slash /', b"\xff\xfe latin \xe9", "é ü 漢 🙂".encode(),
    b"esc \x1b[31m", b"bell \x07", b"nul \x00", b"tab \t in", b"del \x7f",
    b"c1 \xc2\x9b31m", b"overlong \xc0\xaf", b"surrogate \xed\xa0\x80", b"beyond \xf4\x90\x80\x80",
    b"cut \xe2\x82", "\u2028 \u202e".encode(), b"{\"json\":1}\\u0041", b"</script>", b"%s %n %x",
]


class Hostile(unittest.TestCase):
    """Whatever comes from the wire, a line stays one line of JSON that no terminal obeys."""

    @classmethod
    def setUpClass(cls):
        cls.origin = cls.enterClassContext(Origin())
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.path = os.path.join(cls.folder, "access.log")
        yaml = yaml_for(cls.origin.port) + f"logs: {{access: {cls.path}, query: true}}\n"
        cls.proxy = cls.enterClassContext(Proxy(yaml))
        cls.proxy.log_path = cls.path

    def say(self, data):
        """The one line that this connection leaves."""
        before = len(self.proxy.log())
        with Client(self.proxy.port) as client:
            answer = client.send(data).read()
            self.assertIsNotNone(answer)
        line = self.proxy.wait_for_log(before + 1)[before]
        self.assertEqual(line["http_response_status_code"], answer.status)
        with open(self.path, "rb") as file:
            raw = file.read().splitlines(keepends=True)[before]
        raw.decode("utf-8")  # or it raises
        self.assertTrue(raw.endswith(b"}\n"))
        controls = set(raw[:-1]) & (set(range(0x20)) | {0x7F})
        self.assertEqual(controls, set(), raw)
        self.assertNotRegex(raw, b"\xc2[\x80-\x9f]", "a C1 control")
        return line, answer

    def test_user_agents(self):
        for text in HOSTILE:
            with self.subTest(text=text):
                line, answer = self.say(b"GET /bytes/1 HTTP/1.1\r\nHost: a.example\r\nUser-Agent: " +
                                        text + b"\r\n\r\n")
                if answer.status == 200:
                    self.assertEqual(line["user_agent_original"].lower(), shown(text).lower())

    def test_paths_and_queries(self):
        for text in HOSTILE:
            text = text.replace(b" ", b"_")
            for target in (b"/bytes/" + text, b"/bytes/1?" + text):
                with self.subTest(target=target):
                    self.say(b"GET " + target + b" HTTP/1.1\r\nHost: a.example\r\n\r\n")

    def test_hosts_methods_and_ids(self):
        for text in HOSTILE:
            for data in (b"GET /bytes/1 HTTP/1.1\r\nHost: " + text + b"\r\n\r\n",
                         text.replace(b" ", b"_") + b" / HTTP/1.1\r\nHost: a\r\n\r\n",
                         b"GET /bytes/1 HTTP/1.1\r\nHost: a\r\nX-Request-Id: " + text + b"\r\n\r\n",
                         b"GET /bytes/1 HTTP/1.1\r\nHost: a\r\ntraceparent: 00-" + text +
                         b"f" * 60 + b"\r\n\r\n",
                         b"GET /bytes/1 HTTP/1.1\r\nHost: a\r\n" + text + b": v\r\n\r\n"):
                with self.subTest(data=data):
                    self.say(data)

    def test_a_trace_id_is_one_or_absent(self):
        for text, logged in ((b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                              "0af7651916cd43dd8448eb211c80319c"),
                             (b"00-" + b"/" * 32 + b"-b7ad6b7169203331-01", None),
                             (b"x" * 60, None)):
            with self.subTest(text=text):
                line, _ = self.say(b"GET /bytes/1 HTTP/1.1\r\nHost: a\r\ntraceparent: " + text +
                                   b"\r\n\r\n")
                self.assertEqual(line.get("trace_id"), logged)

    def test_what_an_origin_says_in_a_replaced_body(self):
        for text in HOSTILE:
            answer = b"HTTP/1.1 502 Bad\r\nContent-Length: %d\r\n\r\n" % len(text) + text
            with self.subTest(text=text), origin_answering(answer) as origin, \
                    Proxy(yaml_for(origin.port, errors="body: replace")) as proxy:
                fetch(proxy.port)
                line = proxy.wait_for_log()[0]
                with open(proxy.log_path, "rb") as file:
                    raw = file.read()
                self.assertEqual(set(raw[:-1]) & set(range(0x20)), set())
                self.assertEqual(line["upstream_body"].lower(), shown(text).lower())


def shown(data):
    """What a JSON string shows of bytes: themselves where they are UTF-8, else \\xNN."""
    return data.decode("utf-8", "backslashreplace")


class Flow(unittest.TestCase):
    def test_lines_are_there_at_once(self):
        with Origin() as origin, Proxy(yaml_for(origin.port)) as proxy:
            delays = []
            for count in range(1, 11):
                fetch(proxy.port, "/bytes/10")
                begun = time.monotonic()
                proxy.wait_for_log(count)
                delays.append(time.monotonic() - begun)
            self.assertLess(statistics.median(delays), 0.15, delays)
            self.assertLess(max(delays), 1, delays)

    def test_no_line_is_torn_or_lost_among_20000_of_four_workers(self):
        yaml = (yaml_for(9, routes="- {path: /here, respond: 204}")
                .replace("workers: 1", "workers: 4"))
        with Proxy(yaml) as proxy:
            with concurrent.futures.ThreadPoolExecutor(20) as pool:
                list(pool.map(lambda client: pipelined(proxy.port, client, 1000), range(20)))
            self.assertEqual(proxy.drain(), 0)
            with open(proxy.log_path, encoding="utf-8") as file:
                ids = [json.loads(line)["request_id"] for line in file]
            self.assertEqual(len(ids), 20_000)
            self.assertEqual(set(ids), {f"c{client}-{number}" for client in range(20)
                                        for number in range(1000)})
            # What one connection asked in order stands in order.
            own = [key for key in ids if key.startswith("c7-")]
            self.assertEqual(own, [f"c7-{number}" for number in range(1000)])

    def test_the_last_lines_are_written_before_the_process_ends(self):
        with Origin() as origin:
            for _ in range(10):
                with Proxy(yaml_for(origin.port)) as proxy:
                    fetch(proxy.port, "/bytes/10")
                    self.assertEqual(proxy.drain(), 0)
                    self.assertEqual(len(proxy.log()), 1)


def pipelined(port, client, count):
    """So many requests in batches, each with an id of its own, all answered 204."""
    with Client(port) as connection:
        for first in range(0, count, 100):
            connection.send(b"".join(request("/here", fields=[("X-Request-Id", f"c{client}-{number}")])
                                     for number in range(first, first + 100)))
            for _ in range(100):
                assert connection.read().status == 204


class StuckReader(unittest.TestCase):
    """A log that nobody reads loses lines, whole ones, and stalls nobody."""

    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.fifo = os.path.join(folder, "fifo")
        os.mkfifo(self.fifo)
        self.yaml = (yaml_for(9, routes="- {path: /here, respond: 204}") +
                     f"logs: {{access: {self.fifo}}}\n")

    def test_requests_go_on_and_the_process_ends(self):
        reader = os.open(self.fifo, os.O_RDWR | os.O_NONBLOCK)  # has it open, and does not read
        self.addCleanup(os.close, reader)
        with Proxy(self.yaml) as proxy:
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                list(pool.map(lambda client: pipelined(proxy.port, client, 12_000), range(4)))
            latencies = []
            for _ in range(20):
                begun = time.monotonic()
                self.assertEqual(fetch(proxy.port, "/here").status, 204)
                latencies.append(time.monotonic() - begun)
            self.assertLess(statistics.median(latencies), 0.2, latencies)
            proxy.signal(signal.SIGTERM)
            self.assertEqual(proxy.wait(15), 0)

    def test_when_it_reads_again_it_finds_whole_lines(self):
        reader = os.open(self.fifo, os.O_RDWR | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        with Proxy(self.yaml) as proxy:
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                list(pool.map(lambda client: pipelined(proxy.port, client, 12_000), range(4)))
            text = b""

            def more():
                nonlocal text
                with contextlib.suppress(BlockingIOError):
                    while data := os.read(reader, 1 << 20):
                        text += data

            def caught_up():
                more()
                fetch(proxy.port, "/here", fields=[("X-Request-Id", "afterwards")])
                time.sleep(0.1)
                more()
                return b"afterwards" in text and text.endswith(b"\n")
            wait_for(caught_up, "lines of now")
            lines = [json.loads(line) for line in text.splitlines()]
            ids = [line["request_id"] for line in lines if line["request_id"] != "afterwards"]
            self.assertEqual(len(ids), len(set(ids)))
            self.assertTrue(0 < len(ids) < 48_000, len(ids))

    def test_a_fifo_that_nobody_has_open_does_not_hold_the_start(self):
        """It may be refused, as what can't be opened is, or serve; it can't hang."""
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(self.yaml)
            file.flush()
            process = subprocess.Popen([WHICHHOP, "-c", file.name], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            try:
                os.set_blocking(process.stdout.fileno(), False)
                said = b""

                def spoke():
                    nonlocal said
                    said += process.stdout.read() or b""
                    return b"listening on" in said or process.poll() is not None
                wait_for(spoke, "a start or a refusal", 5)
                self.assertIn(process.poll(), (None, 1))
            finally:
                process.kill()
                process.wait()
                process.stdout.close()


class OnATerminal(unittest.TestCase):
    def lines(self, environment, requests):
        with Origin() as origin, tempfile.NamedTemporaryFile("w", suffix=".yaml") as file, \
                tempfile.TemporaryFile() as err:
            file.write(yaml_for(origin.port))
            file.flush()
            master, terminal = pty.openpty()
            process = subprocess.Popen(
                [WHICHHOP, "-c", file.name], stdin=subprocess.DEVNULL, stdout=terminal, stderr=err,
                env={**os.environ, **environment})
            os.close(terminal)
            try:
                def port():
                    with open(f"/proc/self/fd/{err.fileno()}") as copy:
                        return re.findall(r"listening on \S+:(\d+)", copy.read())
                port = int(wait_for(port, "an address")[0])
                for data in requests:
                    with Client(port) as client:
                        client.send(data).read()
                text = b""
                while text.count(b"\n") < len(requests):
                    text += os.read(master, 65536)
                return text.replace(b"\r\n", b"\n").splitlines()
            finally:
                process.kill()
                process.wait()
                os.close(master)

    def test_it_speaks_to_people(self):
        requests = [request("/bytes/10"), request("/fault/empty"),
                    b"GET /bytes/\xc2\x9b31m HTTP/1.1\r\nHost: a.example\r\n\r\n"]
        good, bad, _ = plain = self.lines({"NO_COLOR": "1"}, requests)
        for line in plain:
            self.assertTrue(line.decode().isprintable(), line)
            self.assertFalse(line.startswith(b"{"))
        self.assertIn(b"200 GET test.example/bytes/10", good)
        for words in (b"502 GET test.example/fault/empty", b"(app)", b"id="):
            self.assertIn(words, bad)

    def test_in_colour_unless_told_otherwise(self):
        os.environ.pop("NO_COLOR", None)
        for line in self.lines({"TERM": "xterm"}, [request("/bytes/10"), request("/status/503")]):
            self.assertIn(b"\x1b[", line)
            bare = re.sub(rb"\x1b\[\d*m", b"", line)
            self.assertTrue(bare.decode().isprintable(), bare)


if __name__ == "__main__":
    unittest.main()
