#!/usr/bin/env python3
"""The origin's own test: each URL and each broken listener, by raw sockets.

usage: origin_test.py WHICHHOP-ORIGIN
"""

import re
import signal
import socket
import subprocess
import sys
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

BINARY = None
QUIET = 0.35  # seconds without a byte that mean "it stays open"

OK = b"HTTP/1.1 200 OK\r\n"

# path, what the answer holds, how it ends: "fin", "rst" or "open".
FAULTS = [
    ("/fault/reset-before-head", b"", "rst"),
    ("/fault/empty", b"", "fin"),
    ("/fault/hang", b"", "open"),
    ("/fault/half-close", b"ok", "fin"),
    ("/fault/half-close?empty", b"", "fin"),
    ("/fault/close-after-response", b"ok", "fin"),
    ("/fault/idle-408", b" 408 ", "fin"),
    ("/fault/read-then-reset", b"", "rst"),
    ("/fault/no-read", b"", "open"),
    ("/fault/unacked", b"", "open"),
    ("/fault/truncate-head", b"Content-Le", "fin"),
    ("/fault/truncate-head-reset", b"Content-Le", "rst"),
    ("/fault/hang-head", b"Content-Le", "open"),
    ("/fault/garbage", b"XYZZY", "fin"),
    ("/fault/smtp", b"220 ", "fin"),
    ("/fault/http09", b"<html>", "fin"),
    ("/fault/bad-status/1000", b"HTTP/1.1 1000 Odd", "fin"),
    ("/fault/bad-version", b"HTTP/2.0 200 OK", "fin"),
    ("/fault/bad-version/HTTP/3", b"HTTP/3 200 OK", "fin"),
    ("/fault/bad-field", b"\r\nXBad\r\n", "fin"),
    ("/fault/empty-name", b"\r\n: v\r\n", "fin"),
    ("/fault/nul", b"a\0b", "fin"),
    ("/fault/space-before-colon", b"X-Bad : 1", "open"),
    ("/fault/obs-fold", b"X-Fold: a\r\n b\r\n", "open"),
    ("/fault/many-fields/500", b"X-499: v", "open"),
    ("/fault/cl-twice", b"Content-Length: 3", "fin"),
    ("/fault/cl-negative", b"Content-Length: -2", "fin"),
    ("/fault/cl-overflow", b"36893488147419103234", "fin"),
    ("/fault/cl-te", b"Transfer-Encoding: chunked", "fin"),
    ("/fault/te-unknown", b"Transfer-Encoding: foo", "fin"),
    ("/fault/te-gzip", b"gzip, chunked", "fin"),
    ("/fault/unsolicited-101", b"HTTP/1.1 101 ", "open"),
    ("/fault/unsolicited-206", b"HTTP/1.1 206 ", "open"),
    ("/fault/unsolicited-304", b"HTTP/1.1 304 ", "open"),
    ("/fault/1xx-close", b"HTTP/1.1 100 ", "fin"),
    ("/fault/1xx-hang", b"HTTP/1.1 102 ", "open"),
    ("/fault/two-responses", b"forged", "open"),
    ("/fault/204-with-body", b"\r\n\r\nok", "open"),
    ("/fault/truncate", b"\r\n\r\nok", "fin"),
    ("/fault/truncate-reset", b"\r\n\r\nok", "rst"),
    ("/fault/stall-body", b"\r\n\r\nok", "open"),
    ("/fault/truncate-chunked", b"2\r\nok\r\n", "fin"),
    ("/fault/truncate-chunked-reset", b"2\r\nok\r\n", "rst"),
    ("/fault/chunk-bad", b"\r\nZZ\r\n", "fin"),
    ("/fault/chunk-bad-late", b"2\r\nok\r\nZZ\r\n", "fin"),
    ("/fault/chunk-overflow", b"FFFFFFFFFFFFFFFFF", "fin"),
    ("/fault/chunk-long", b"2\r\nokXX", "fin"),
    ("/fault/close-cut", b"only the beginning", "rst"),
    ("/fault/excess", b"okEXTRA", "open"),
    ("/fault/bad-gzip", b"Content-Encoding: gzip", "open"),
]

# Have tests of their own below.
ELSEWHERE = {
    "/", "/bytes", "/echo", "/status", "/delay", "/early-hints", "/trailers",
    "/sink", "/slow", "/head-field", "/cookies", "/count",
    "/fault/stale-reset", "/fault/stale-fin", "/fault/early-413",
    "/fault/drip", "/fault/1xx-flood", "/fault/head-too-large",
}


class Origin:
    """One process of the origin, with its address."""

    def __init__(self, *options):
        self.process = subprocess.Popen([BINARY, *options],
                                        stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        match = re.fullmatch(r"listening on \[?([0-9a-f.:]+?)\]?:(\d+)\n", line)
        assert match, line
        self.address = (match[1], int(match[2]))

    def connect(self, timeout=5):
        return socket.create_connection(self.address, timeout=timeout)

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        code = self.process.wait(5)
        self.process.stdout.close()
        return code


def request(path, method="GET", body=b"", fields=()):
    lines = [f"{method} {path} HTTP/1.1", "Host: test", *fields]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def read_all(connection, quiet=QUIET):
    """All bytes until the end or `quiet` seconds of silence, and the end."""
    connection.settimeout(quiet)
    data = bytearray()
    try:
        while piece := connection.recv(65536):
            data += piece
        return bytes(data), "fin"
    except socket.timeout:
        return bytes(data), "open"
    except ConnectionResetError:
        return bytes(data), "rst"


def content(size):
    records = -(-size // 16)
    return b"".join(b"%015x\n" % (16 * i) for i in range(records))[:size]


def dechunk(data):
    plain, sizes = b"", []
    while True:
        line, _, data = data.partition(b"\r\n")
        size = int(line, 16)
        sizes.append(size)
        if size == 0:
            return plain, sizes, data
        plain, data = plain + data[:size], data[size + 2:]


class OriginCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.origin = Origin("--listen", "127.0.0.1:0")

    @classmethod
    def tearDownClass(cls):
        cls.origin.stop()

    def ask(self, *args, quiet=QUIET, **kwargs):
        with self.origin.connect() as connection:
            connection.sendall(request(*args, **kwargs))
            return read_all(connection, quiet)

    def answer(self, *args, **kwargs):
        """Head and body of an answer after which the connection ends."""
        fields = [*kwargs.pop("fields", ()), "Connection: close"]
        data, end = self.ask(*args, fields=fields, quiet=5, **kwargs)
        self.assertEqual(end, "fin")
        head, _, body = data.partition(b"\r\n\r\n")
        return head + b"\r\n", body


class Healthy(OriginCase):
    def test_the_page_lists_what_is_tested_here(self):
        _, page = self.answer("/")
        listed = set(re.findall(r"^(/[^\s\[]*)", page.decode(), re.M))
        listed = {re.sub(r"(?<=.)/[A-Z].*", "", path) for path in listed}
        tested = {row[0].split("?")[0] for row in FAULTS} | ELSEWHERE
        missing = {path for path in listed if path not in tested and
                   not any(row.startswith(path + "/") for row in tested)}
        self.assertEqual(missing, set())

    def test_bytes_by_length(self):
        head, body = self.answer("/bytes/100001")
        self.assertIn(b"Content-Length: 100001\r\n", head)
        self.assertEqual(body, content(100001))

    def test_bytes_take_a_unit(self):
        self.assertEqual(len(self.answer("/bytes/3KiB")[1]), 3072)

    def test_bytes_chunked(self):
        head, body = self.answer("/bytes/1000?chunk=300")
        self.assertIn(b"Transfer-Encoding: chunked\r\n", head)
        self.assertEqual(dechunk(body),
                         (content(1000), [300, 300, 300, 100, 0], b"\r\n"))

    def test_bytes_until_close(self):
        data, end = self.ask("/bytes/5?close")
        self.assertNotIn(b"Content-Length", data)
        self.assertTrue(data.endswith(b"\r\n\r\n00000"))
        self.assertEqual(end, "fin")

    def test_bytes_that_no_memory_holds_begin_at_once(self):
        with self.origin.connect() as connection:
            connection.sendall(request("/bytes/10GiB"))
            self.assertIn(b"Content-Length: 10737418240\r\n",
                          connection.recv(4096))

    def test_head_has_no_body(self):
        head, body = self.answer("/bytes/100", method="HEAD")
        self.assertIn(b"Content-Length: 100\r\n", head)
        self.assertEqual(body, b"")

    def test_echo_is_what_was_sent(self):
        sent = request("/echo", "POST", b"a\0b", ["x-oDd:  1 "])
        with self.origin.connect() as connection:
            connection.sendall(sent)
            data, _ = read_all(connection)
        self.assertTrue(data.endswith(sent))
        self.assertIn(b"X-Body-Bytes: 3\r\n", data)

    def test_echo_of_chunks(self):
        body = b"3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nX-T: 1\r\n\r\n"
        sent = request("/echo?raw", "POST", b"",
                       ["Transfer-Encoding: chunked"]) + body
        with self.origin.connect() as connection:
            connection.sendall(sent)
            raw, _ = read_all(connection)
            connection.sendall(sent.replace(b"?raw", b""))
            plain, _ = read_all(connection)
        self.assertTrue(raw.endswith(sent))
        self.assertIn(b"X-Body-Chunks: 2\r\n", plain)
        self.assertTrue(plain.endswith(b"abcde\r\nX-T: 1\r\n"))

    def test_absolute_form(self):
        self.assertEqual(self.answer("http://h:1/bytes/2?x")[1], b"00")

    def test_status_is_bare_unless_asked(self):
        data, _ = self.ask("/status/503")
        self.assertRegex(data, rb"\AHTTP/1.1 503 [^\r]*\r\n"
                               rb"Content-Length: 0\r\n\r\n\Z")

    def test_status_with_everything(self):
        head, body = self.answer(
            "/status/599?server=nginx&body=a%20b&type=x/y"
            "&field=Via:1.1%20v&field=Retry-After:3")
        self.assertTrue(head.startswith(b"HTTP/1.1 599 "))
        for line in (b"Server: nginx", b"Content-Type: x/y", b"Via: 1.1 v",
                     b"Retry-After: 3"):
            self.assertIn(line + b"\r\n", head)
        self.assertEqual(body, b"a b")

    def test_status_204_and_304_have_no_length(self):
        for status in (204, 304):
            data, _ = self.ask(f"/status/{status}")
            self.assertNotIn(b"Content-Length", data)

    def test_delay_then_the_rest_with_its_query(self):
        start = time.monotonic()
        head, body = self.answer("/delay/300ms/status/418?body=tea&x=/300ms")
        self.assertGreater(time.monotonic() - start, 0.3)
        self.assertIn(b" 418 ", head)
        self.assertEqual(body, b"tea")

    def test_delay_alone_answers(self):
        self.assertEqual(self.answer("/delay/1ms")[1], b"00")

    def test_early_hints(self):
        data, _ = self.ask("/early-hints")
        self.assertTrue(data.startswith(b"HTTP/1.1 103 Early Hints\r\nLink:"))
        self.assertIn(OK, data)

    def test_trailers(self):
        head, body = self.answer("/trailers")
        self.assertIn(b"Trailer: X-Checksum, X-Last\r\n", head)
        plain, _, trailers = dechunk(body)
        self.assertEqual(plain, b"trailers")
        self.assertIn(b"X-Last: yes\r\n", trailers)

    def test_sink_hashes(self):
        body = bytes(range(256)) * 4096
        hashed = 0xcbf29ce484222325
        for octet in body:
            hashed = (hashed ^ octet) * 0x100000001b3 & (1 << 64) - 1
        _, text = self.answer("/sink", method="PUT", body=body)
        self.assertEqual(text, b"bytes=1048576 fnv1a64=%x\n" % hashed)

    def test_sink_sends_100_when_waited_for(self):
        with self.origin.connect() as connection:
            connection.sendall(
                request("/sink", "PUT", b"",
                        ["Expect: 100-continue", "Content-Length: 2"]))
            self.assertEqual(connection.recv(100),
                             b"HTTP/1.1 100 Continue\r\n\r\n")
            connection.sendall(b"hi")
            self.assertIn(b"bytes=2 ", read_all(connection)[0])

    def test_slow(self):
        start = time.monotonic()
        _, body = self.answer("/slow/50/100")
        self.assertEqual(body, content(50))
        self.assertGreater(time.monotonic() - start, 0.35)

    def test_head_field_and_cookies(self):
        self.assertIn(b"x" * 5000 + b"\r\n", self.answer("/head-field/5000")[0])
        self.assertEqual(self.answer("/cookies/7")[0].count(b"Set-Cookie:"), 7)

    def test_id_comes_back_on_success_only(self):
        line = b"X-Test-Id: 42\r\n"
        for path in ("/bytes/1", "/status/204", "/sink", "/early-hints"):
            self.assertIn(line, self.ask(path, fields=["x-test-id: 42"])[0])
        self.assertIn(line, self.ask("/bytes/1?id=42")[0])
        self.assertNotIn(line, self.ask("/status/404?id=42")[0])

    def test_keep_alive_and_pipelining(self):
        with self.origin.connect() as connection:
            connection.sendall(request("/bytes/1") * 3)
            self.assertEqual(read_all(connection)[0].count(OK), 3)

    def test_http_1_0_closes(self):
        with self.origin.connect() as connection:
            connection.sendall(b"GET /bytes/1 HTTP/1.0\r\n\r\n")
            self.assertEqual(read_all(connection)[1], "fin")

    def test_count(self):
        def counted():
            text = self.answer("/count")[1]
            return [int(number) for number in re.findall(rb"\d+", text)]
        requests, connections = counted()
        self.ask("/bytes/1")
        self.assertEqual(counted(), [requests + 2, connections + 2])

    def test_malformed_requests_are_told_why(self):
        long_and_chunked = ["Content-Length: 1", "Transfer-Encoding: chunked"]
        for fields, why in ((long_and_chunked, b"and Transfer-Encoding"),
                            (["Content-Length: x"], b"not a number"),
                            (["No-Colon"], b"without a colon"),
                            (["A : b"], b"not a token")):
            data, _ = self.ask("/echo", fields=fields)
            self.assertTrue(data.startswith(b"HTTP/1.1 400 "), fields)
            self.assertIn(why, data)

    def test_unknown_path(self):
        self.assertIn(b" 404 ", self.answer("/bytesize")[0])


class Faults(OriginCase):
    def test_every_row_of_the_table(self):
        def answer(row):
            return self.ask(row[0], quiet=QUIET if row[2] == "open" else 5)
        with ThreadPoolExecutor(16) as pool:  # most of it is waiting
            answers = list(pool.map(answer, FAULTS))
        for (path, holds, end), (data, seen) in zip(FAULTS, answers):
            with self.subTest(path):
                self.assertIn(holds, data)
                if not holds:
                    self.assertEqual(data, b"")
                self.assertEqual(seen, end)

    def test_stale_on_the_second_request(self):
        for path, end in (("/fault/stale-reset", "rst"),
                          ("/fault/stale-fin", "fin")):
            with self.origin.connect() as connection:
                connection.sendall(request(path))
                self.assertEqual(read_all(connection)[1], "open")
                connection.sendall(request("/bytes/1"))
                self.assertEqual(read_all(connection), (b"", end))

    def test_closed_after_response_resets_the_next(self):
        with self.origin.connect() as connection:
            connection.sendall(request("/fault/close-after-response"))
            self.assertEqual(read_all(connection)[1], "fin")
            connection.sendall(request("/bytes/1"))
            time.sleep(0.05)
            with self.assertRaises(BrokenPipeError):
                connection.sendall(request("/bytes/1"))

    def test_half_closed_takes_the_next_in_silence(self):
        with self.origin.connect() as connection:
            connection.sendall(request("/fault/half-close"))
            self.assertEqual(read_all(connection)[1], "fin")
            for _ in range(2):
                connection.sendall(request("/bytes/1"))
                time.sleep(0.05)

    def test_early_answer_then_reset(self):
        with self.origin.connect() as connection:
            head = request("/fault/early-413", "POST", b"",
                           ["Content-Length: 100000000"])
            connection.sendall(head + b"x" * 1000)
            data, end = read_all(connection)
            self.assertTrue(data.startswith(b"HTTP/1.1 413 "))
            self.assertEqual(end, "rst")

    def test_no_read_stops_the_writer(self):
        for path in ("/fault/no-read", "/fault/unacked"):
            with self.origin.connect() as connection:
                connection.settimeout(1)
                connection.sendall(request(path, "POST", b"",
                                           ["Content-Length: 100000000"]))
                with self.assertRaises(socket.timeout):
                    connection.sendall(b"x" * 100000000)

    def test_drip(self):
        with self.origin.connect() as connection:
            connection.sendall(request("/fault/drip"))
            start, got = time.monotonic(), b""
            while len(got) < 5:
                got += connection.recv(100)
            self.assertGreater(time.monotonic() - start, 0.35)
            self.assertTrue(OK.startswith(got))

    def test_floods(self):
        data, _ = self.ask("/fault/1xx-flood/100")
        self.assertEqual(data.count(b" 102 "), 100)
        self.assertIn(OK, data)
        self.assertGreater(len(self.ask("/fault/head-too-large")[0]), 300 << 10)


class Listeners(unittest.TestCase):
    def started(self, *options):
        origin = Origin(*options)
        self.addCleanup(
            lambda: origin.process.poll() is None and origin.stop())
        return origin

    def test_refuse(self):
        with self.assertRaises(ConnectionRefusedError):
            self.started("--refuse").connect()

    def test_drop_syn_and_full_backlog(self):
        for option in ("--drop-syn", "--backlog-full"):
            origin = self.started(option)
            with self.assertRaises(socket.timeout):
                origin.connect(timeout=0.5)

    def test_never_accept_and_unacked_complete_the_handshake(self):
        for option in ("--never-accept", "--unacked"):
            with self.started(option).connect() as connection:
                connection.sendall(request("/bytes/1"))
                self.assertEqual(read_all(connection), (b"", "open"))

    def test_unacked_is_never_acknowledged(self):
        unacked_at = 24  # tcpi_unacked in struct tcp_info
        for option, unacked in (("--unacked", 1), ("--never-accept", 0)):
            with self.started(option).connect() as connection:
                connection.sendall(request("/bytes/1"))
                time.sleep(0.1)
                info = connection.getsockopt(socket.IPPROTO_TCP,
                                             socket.TCP_INFO, 104)
                self.assertEqual(
                    int.from_bytes(info[unacked_at:unacked_at + 4],
                                   sys.byteorder), unacked)

    def test_ends_after_accepting(self):
        for option, data, end in (("--reset-accepted", b"", "rst"),
                                  ("--close-accepted", b"", "fin"),
                                  ("--banner", b"220 mail.example ESMTP ready"
                                               b"\r\n", "open")):
            with self.started(option).connect() as connection:
                self.assertEqual(read_all(connection), (data, end))

    def test_threads_bound_what_is_served_at_once(self):
        origin = self.started("--threads", "1")
        with origin.connect() as first, origin.connect() as second:
            first.sendall(request("/bytes/1"))
            self.assertIn(OK, read_all(first)[0])
            second.sendall(request("/bytes/1"))
            self.assertEqual(read_all(second), (b"", "open"))
            first.close()
            self.assertIn(OK, read_all(second)[0])

    def test_ipv6_and_signals(self):
        for how in (signal.SIGTERM, signal.SIGINT):
            origin = self.started("--listen", "[::1]:0")
            with origin.connect() as connection:
                connection.sendall(request("/fault/hang"))
                self.assertEqual(origin.stop(how), 0)

    def test_usage(self):
        for options in (["--nonsense"], ["extra"], ["--threads", "x"]):
            done = subprocess.run([BINARY, *options], capture_output=True)
            self.assertEqual(done.returncode, 2)
        done = subprocess.run([BINARY, "--listen", "nowhere"],
                              capture_output=True)
        self.assertEqual(done.returncode, 3)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    BINARY = sys.argv.pop(1)
    unittest.main()
