"""Protocols that are switched to (RFC 9110, section 7.8): WebSocket and any other, end to end."""

import os
import signal
import socket
import struct
import subprocess
import threading
import time
import unittest

from harness import (PATIENCE, Client, Origin, Process, Proxy, RawOrigin, fetch, request, wait_for,
                     yaml_for)
from streaming_test import MIB, StreamTest, peak_memory, reset, sanitized

HERE = os.path.dirname(os.path.abspath(__file__))
PEERS = os.path.join(HERE, "websockets.mjs")
ASKS = [("Connection", "Upgrade"), ("Upgrade", "Custom/2, other")]
SWITCHES = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: custom/2\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class WebSocket(unittest.TestCase):
    """npm's ws on both sides."""

    @classmethod
    def setUpClass(cls):
        if not os.path.isdir(os.path.join(HERE, "node_modules", "ws")):
            raise AssertionError("ws is not installed: npm ci --prefix tests/e2e")
        cls.server = cls.enterClassContext(Process(["node", PEERS, "server"], r"listening on (\S+)"))
        cls.proxy = cls.enterClassContext(Proxy(yaml_for(cls.server.port)))

    def play(self, story):
        done = subprocess.run(["node", PEERS, "client", f"ws://127.0.0.1:{self.proxy.port}/", story],
                              capture_output=True, text=True, timeout=4 * PATIENCE, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_messages_come_back_as_they_were_sent(self):
        self.play("echo")

    def test_what_the_server_says_with_its_101_arrives(self):
        self.play("greeting")

    def test_messages_of_16_mib_pass_in_bounded_memory(self):
        self.play("large")
        if not sanitized(self.proxy):
            self.assertLess(peak_memory(self.proxy), 64 * MIB)

    def test_messages_pass_each_other(self):
        self.play("crossing")

    def test_fragments_and_what_stands_between_them_pass(self):
        self.play("fragmented")

    def test_pings_are_answered_both_ways(self):
        self.play("ping")

    def test_close_codes_pass_both_ways(self):
        self.play("codes")

    def test_many_at_once(self):
        self.play("many")

    def test_a_refusal_is_relayed_as_it_is(self):
        self.play("refused")

    def test_plain_requests_are_served_beside_them(self):
        self.assertEqual(fetch(self.proxy.port).body, b"plain")


class TunnelTest(StreamTest):
    def switching(self, serve, first=SWITCHES):
        """An origin that sends `first`, then does what serve(connection) says."""
        def script(connection, _):
            if origin.read_request(connection) is None:
                return
            connection.sendall(first)
            serve(connection)

        origin = self.origin(script)
        return origin

    def tunnel(self, proxy, more=b""):
        """A client behind its 101."""
        client = self.client(proxy)
        client.send(request(fields=ASKS) + more)
        self.assertEqual(client.read_head().status, 101)
        return client


def echo(connection):
    while data := connection.recv(65536):
        connection.sendall(data)
    connection.shutdown(socket.SHUT_WR)


class Switching(TunnelTest):
    def seen(self, fields, version="1.1"):
        """The lines that the origin sees of a request that it answers in HTTP."""
        def script(connection, _):
            while origin.read_request(connection):
                connection.sendall(OK)

        origin = self.origin(script)
        proxy = self.proxy(origin.port)
        self.assertEqual(fetch(proxy.port, fields=fields, version=version).body, b"ok")
        return origin.requests[0].decode("latin-1").split("\r\n")

    def test_an_offer_is_passed_on(self):
        lines = self.seen(ASKS)
        self.assertIn("Upgrade: Custom/2, other", lines)
        self.assertIn("Connection: Upgrade", lines)

    def test_an_offer_in_several_fields_beside_te_is_one(self):
        lines = self.seen([("Connection", "te , upgrade"), ("TE", "trailers"), ("Upgrade", "a,b"), ("Upgrade", "c")])
        self.assertIn("Upgrade: a, b, c", lines)
        self.assertIn("TE: trailers", lines)
        self.assertIn("Connection: TE, Upgrade", lines)

    def test_http_in_another_version_is_not_offered(self):
        for value in ("h2c", "H2C", "h2c, h2", "HTTP/2.0", ", ,", ""):
            with self.subTest(value):
                lines = self.seen([("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", value),
                                   ("HTTP2-Settings", "AAMAAABk")])
                for line in lines:
                    self.assertNotRegex(line, "(?i)upgrade|http2-settings")
        self.assertIn("Upgrade: websocket", self.seen([("Connection", "Upgrade"), ("Upgrade", "h2c, websocket")]))

    def test_an_offer_that_is_none_stays(self):
        for fields, version in (([("Upgrade", "websocket")], "1.1"), ([("Connection", "upgrade")], "1.1"),
                                (ASKS, "1.0")):
            with self.subTest(fields, version=version):
                for line in self.seen(fields, version):
                    self.assertNotRegex(line, "(?i)upgrade")

    def test_the_101_says_what_follows_and_keeps_its_fields(self):
        first = (b"HTTP/1.1 101 As You Like\r\nConnection: upgrade, X-Hop\r\nX-Hop: 1\r\nUpgrade: CUSTOM/2\r\n"
                 b"Sec-Thing: 7\r\nError-Cause: app\r\nContent-Length: 5\r\nProxy-Status: x\r\n\r\n")
        proxy = self.proxy(self.switching(echo, first).port)
        client = self.client(proxy)
        client.send(request(fields=ASKS))
        head = client.read_head()
        self.assertEqual((head.status, head.reason), (101, "As You Like"))
        self.assertEqual(sorted(head.fields),
                         [("Connection", "Upgrade"), ("Sec-Thing", "7"), ("Upgrade", "CUSTOM/2")])
        client.send(b"ping")
        self.assertEqual(client._exactly(4), b"ping")

    def test_a_101_that_was_not_asked_for_is_a_fault(self):
        for fields, upgrade in (([], b"custom/2"), (ASKS, b"third"), (ASKS, b"custom/2, third"), (ASKS, b""),
                                ([("Connection", "Upgrade"), ("Upgrade", "h2c, other")], b"h2c")):
            with self.subTest(fields, upgrade=upgrade):
                first = b"HTTP/1.1 101 Switch\r\nConnection: Upgrade\r\nUpgrade: " + upgrade + b"\r\n\r\n"
                response = fetch(self.proxy(self.switching(echo, first).port).port, fields=fields)
                self.assertEqual(response.status, 502)
                self.assertTrue(response["Error-Fault"].startswith("head-unsolicited-101"))

    def test_another_answer_is_an_answer(self):
        answers = [OK, b"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno",
                   b"HTTP/1.1 426 Upgrade Required\r\nConnection: Upgrade\r\nUpgrade: h2c, custom/3\r\n"
                   b"Content-Length: 2\r\n\r\nno"]

        def script(connection, _):
            while origin.read_request(connection):
                connection.sendall(answers[len(origin.requests) - 1])

        origin = self.origin(script)
        client = self.client(self.proxy(origin.port))
        seen = [client.send(request(fields=ASKS)).read() for _ in answers]
        self.assertEqual([response.status for response in seen], [200, 404, 426])
        self.assertEqual([response["Upgrade"] for response in seen], [None, None, "custom/3"])
        self.assertEqual(seen[2]["Connection"], "Upgrade")
        self.assertEqual(origin.connections, 1)

    def test_interim_responses_come_before_it(self):
        proxy = self.proxy(self.switching(echo, b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" + SWITCHES).port)
        client = self.client(proxy)
        client.send(request(fields=ASKS))
        self.assertEqual([client.read_head().status for _ in range(2)], [103, 101])

    def test_what_comes_right_behind_either_head_is_not_lost(self):
        for size in (1, 5000, 40_000, 300_000):
            with self.subTest(size):
                data = os.urandom(size)
                proxy = self.proxy(self.switching(echo, SWITCHES + data).port)
                client = self.tunnel(proxy, more=data)
                self.assertEqual(client._exactly(2 * size), 2 * data)

    def test_a_request_behind_an_offer_that_was_not_taken_is_a_request(self):
        def script(connection, _):
            while origin.read_request(connection):
                connection.sendall(OK)

        origin = self.origin(script)
        client = self.client(self.proxy(origin.port))
        client.send(request("/1", fields=ASKS) + request("/2"))
        self.assertEqual([client.read().body for _ in range(2)], [b"ok", b"ok"])

    def test_a_body_comes_before_the_other_protocol(self):
        """The upstream switches early: the client still speaks HTTP, and is believed to its body's end."""
        for fields, pieces, arrived in (
                ([("Content-Length", "10")], (b"01234", b"56789then"), b"0123456789then"),
                ([("Transfer-Encoding", "chunked")], (b"5\r\n01234\r\n", b"3\r\n567\r\n0\r\n\r\nthen"),
                 b"5\r\n01234\r\n3\r\n567\r\n0\r\n\r\nthen")):
            with self.subTest(fields):
                got = []

                def script(connection, _):
                    data = b""
                    while b"01234" not in data:
                        data += connection.recv(65536)
                    connection.sendall(SWITCHES + b"early")
                    while not data.endswith(b"then"):
                        data += connection.recv(65536)
                    got.append(data.partition(b"\r\n\r\n")[2])
                    connection.sendall(b"bye")

                client = self.client(self.proxy(self.origin(script).port))
                client.send(request("/", "POST", ASKS + fields) + pieces[0])
                client.socket.settimeout(0.3)
                with self.assertRaises(TimeoutError):  # it does not see the 101 inside of its request
                    client.socket.recv(1)
                client.socket.settimeout(PATIENCE)
                client.send(pieces[1])
                self.assertEqual(client.read_head().status, 101)
                self.assertEqual(client._exactly(8), b"earlybye")
                self.assertEqual(got, [arrived])


class Ending(TunnelTest):
    def line(self, proxy):
        return proxy.wait_for_log()[0]

    def test_each_side_may_have_said_all_before_the_other(self):
        for first in ("client", "origin"):
            with self.subTest(first):
                def serve(connection):
                    if first == "origin":
                        connection.sendall(b"all")
                        connection.shutdown(socket.SHUT_WR)
                    data = b""
                    while more := connection.recv(65536):
                        data += more
                    if first == "client":
                        connection.sendall(b"you said " + data)
                    heard.append(data)

                heard = []
                proxy = self.proxy(self.switching(serve).port)
                client = self.tunnel(proxy)
                if first == "origin":
                    self.assertEqual(client._exactly(3), b"all")
                    self.assertTrue(client.at_end())
                client.send(b"enough").socket.shutdown(socket.SHUT_WR)
                if first == "client":
                    self.assertEqual(client._exactly(15), b"you said enough")
                    self.assertTrue(client.at_end())
                line = self.line(proxy)
                self.assertEqual(heard, [b"enough"])
                self.assertEqual((line["http_response_status_code"], line["upstream_status"], line["ended"]),
                                 (101, 101, "--"))
                self.assertNotIn("fault", line)

    def test_the_log_counts_bytes_and_time_to_the_end(self):
        proxy = self.proxy(self.switching(echo).port)
        raw = request(fields=ASKS)
        client = self.tunnel(proxy)
        begun = time.monotonic()
        client.send(b"x" * 100_000)
        client._exactly(100_000)
        threading.Event().wait(0.3)
        self.assertEqual(proxy.log(), [])
        lasted = time.monotonic() - begun
        client.socket.shutdown(socket.SHUT_WR)
        self.assertTrue(client.at_end())
        line = self.line(proxy)
        self.assertEqual(line["bytes_in"], len(raw) + 100_000)
        self.assertEqual(line["bytes_out"], len(SWITCHES) + 100_000)
        self.assertGreaterEqual(line["duration_seconds"], lasted)

    def test_a_client_that_resets_is_told_to_the_upstream(self):
        ended = []

        def serve(connection):
            try:
                connection.recv(1)
                ended.append("FIN")
            except ConnectionResetError:
                ended.append("RST")

        proxy = self.proxy(self.switching(serve).port)
        reset(self.tunnel(proxy))
        line = self.line(proxy)
        self.assertEqual((line["ended"], line["fault"], line["http_response_status_code"]),
                         ("CD", "client-abort-body", 101))
        wait_for(lambda: ended, "the upstream to hear of it")
        self.assertEqual(ended, ["RST"])

    def test_an_upstream_that_resets_is_told_to_the_client_behind_its_last_words(self):
        def serve(connection):
            connection.recv(1)
            connection.sendall(b"last words")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        proxy = self.proxy(self.switching(serve).port)
        client = self.tunnel(proxy).send(b"x")
        got = b""
        with self.assertRaises(ConnectionResetError):
            while more := client.socket.recv(65536):
                got += more
        self.assertEqual(got, b"last words")
        line = self.line(proxy)
        self.assertEqual((line["ended"], line["fault"], line["http_response_status_code"]),
                         ("SD", "body-close-delimited-cut", 101))

    def test_silence_both_ways_ends_it(self):
        proxy = self.proxy(self.switching(echo).port, timeouts="tunnel: 300ms")
        client = self.tunnel(proxy).send(b"x")
        self.assertEqual(client._exactly(1), b"x")
        begun = time.monotonic()
        self.assertTrue(client.at_end())
        self.assertGreater(time.monotonic() - begun, 0.2)
        self.assertEqual(self.line(proxy)["ended"], "PD")

    def test_silence_one_way_does_not(self):
        for speaker in ("client", "origin"):
            with self.subTest(speaker):
                pause = threading.Event()

                def serve(connection):
                    if speaker == "origin":
                        for _ in range(20):
                            pause.wait(0.1)
                            connection.sendall(b"x")
                    else:
                        data = b""
                        while len(data) < 20:
                            data += connection.recv(100)
                        connection.sendall(data)

                client = self.tunnel(self.proxy(self.switching(serve).port, timeouts="tunnel: 1s"))
                if speaker == "client":
                    for _ in range(20):
                        pause.wait(0.1)
                        client.send(b"x")
                self.assertEqual(client._exactly(20), b"x" * 20)


class Bounds(TunnelTest):
    TOTAL = 128 * MIB

    def test_a_slow_reader_stops_the_sender_and_gets_everything(self):
        piece = os.urandom(MIB)
        for reader in ("client", "origin"):
            with self.subTest(reader):
                sent = [0]
                got = [0]
                go_on = threading.Event()

                def write(connection):
                    while sent[0] < self.TOTAL:
                        connection.sendall(piece)
                        sent[0] += len(piece)

                def read(connection):
                    buffer = bytearray(MIB)
                    while got[0] < self.TOTAL:
                        size = connection.recv_into(buffer, MIB - got[0] % MIB)
                        self.assertGreater(size, 0)
                        at = got[0] % MIB
                        self.assertEqual(buffer[:size], piece[at:at + size])
                        got[0] += size

                def serve(connection):
                    if reader == "client":
                        return write(connection)
                    go_on.wait(PATIENCE)
                    read(connection)

                proxy = self.proxy(self.switching(serve).port)
                client = self.tunnel(proxy)
                if reader == "origin":
                    threading.Thread(target=write, args=(client.socket,), daemon=True).start()
                last = [0, time.monotonic()]

                def still():
                    if sent[0] != last[0]:
                        last[:] = sent[0], time.monotonic()
                    return sent[0] > 0 and time.monotonic() - last[1] > 0.5

                wait_for(still, "the sender to stand still")
                self.assertLess(sent[0], 64 * MIB)
                go_on.set()
                if reader == "client":
                    got[0] = len(client.buffer)  # came with the head
                    self.assertEqual(client.buffer, piece[:got[0]])
                    read(client.socket)
                wait_for(lambda: got[0] == self.TOTAL, "everything to arrive")
                self.check_memory(proxy)

    def test_idle_ones_keep_no_blocks(self):
        """A thousand tunnels, each of which has moved a message: what they keep is no 32 KiB each."""
        proxy = self.proxy(self.switching(echo).port)
        before = None
        for number in range(600):
            client = self.tunnel(proxy).send(b"x" * 40_000)
            client._exactly(40_000)
            if number == 99:
                before = peak_memory(proxy)
        if not sanitized(proxy):
            self.assertLess((peak_memory(proxy) - before) / 500, 32 << 10)


class Draining(TunnelTest):
    def test_the_deadline_cuts_it(self):
        proxy = self.proxy(self.switching(echo).port, timeouts="drain: 1s")
        client = self.tunnel(proxy)
        proxy.signal(signal.SIGTERM)
        client.send(b"still here")
        self.assertEqual(client._exactly(10), b"still here")
        with self.assertRaises(ConnectionResetError):
            client.socket.recv(1)
        self.assertEqual(proxy.wait(), 4)
        line = proxy.wait_for_log()[0]
        self.assertEqual((line["fault"], line["ended"], line["http_response_status_code"]),
                         ("drain-deadline", "PD", 101))

    def test_one_that_ends_in_time_is_not_cut(self):
        proxy = self.proxy(self.switching(echo).port)
        client = self.tunnel(proxy)
        proxy.signal(signal.SIGTERM)
        client.send(b"bye").socket.shutdown(socket.SHUT_WR)
        self.assertEqual(client._exactly(3), b"bye")
        self.assertTrue(client.at_end())
        self.assertEqual(proxy.wait(), 0)

    def test_none_begins_while_it_drains(self):
        with Origin() as origin:
            proxy = self.proxy(origin.port)
            waiting, client = self.client(proxy), self.client(proxy)
            waiting.send(request("/delay/3s/bytes/1"))  # keeps the process here
            client.send(request("/bytes/1")).read()
            proxy.signal(signal.SIGTERM)
            wait_for(lambda: refuses(proxy.port), "the listener to close")
            response = client.send(request("/bytes/1", fields=ASKS)).read()
            self.assertEqual((response.status, response["Connection"]), (503, "close"))
            self.assertTrue(response["Error-Fault"].startswith("drain-new-request"))
            self.assertEqual(waiting.read().body, b"0")
            self.assertEqual(proxy.wait(), 0)


def refuses(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return True
    return False


if __name__ == "__main__":
    unittest.main()
