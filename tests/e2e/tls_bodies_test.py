"""What flows through TLS: any size, any pace, both ways, and how it ends."""

import hashlib
import os
import random
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from harness import (PATIENCE, Client, Origin, Process, Proxy, RawOrigin, request, wait_for,
                     yaml_for)
from streaming_test import CHUNKED, KIB, MIB, chunk, content, peak_memory, sanitized
from tls_certificates import NAME, Certificates
from tls_clients import (UPGRADES, VERSIONS, Nginx, TlsClient, client_context, listening, needs, nginx_tls, tls_of,
                         tls_yaml)
from tls_peers import TlsOrigin
from tunnel_test import HERE, PEERS

SIZE = 10 * MIB
WAYS = ((True, False), (False, True), (True, True))  # TLS to clients, to the server


class BodiesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="whichhop-tls-"))
        cls.c = Certificates(folder)
        cls.folder = folder
        cls.origin = cls.enterClassContext(Origin())
        cls.trusting = client_context(cls.c.ca)

    @classmethod
    def configure(cls, port, down, up, **blocks):
        """TLS toward clients, toward the server, or both."""
        yaml = yaml_for(port, upstream=f"tls: {{ca: {cls.c.ca}}}" if up else "", **blocks)
        return listening(yaml, tls_of(cls.c.good)) if down else yaml

    def client(self, proxy, down=True, **options):
        if not down:
            return self.enterContext(Client(proxy.port))
        return self.enterContext(TlsClient(proxy.port, self.trusting, **options))

    def check_memory(self, proxy, most=64 * MIB):
        if not sanitized(proxy):
            self.assertLess(peak_memory(proxy), most)



class Large(BodiesTest):
    """Through nginx where the server is to speak TLS: its records are not ours."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.nginx = cls.enterClassContext(Nginx(nginx_tls(cls.c.good, cls.origin.port), UPGRADES))
        cls.proxies = {(down, up): cls.enterClassContext(Proxy(cls.configure(
            cls.nginx.port if up else cls.origin.port, down, up))) for down, up in WAYS}
        cls.data = random.Random(4).randbytes(SIZE)

    def in_every_way(self):
        for (down, up), proxy in self.proxies.items():
            with self.subTest(down=down, up=up):
                yield proxy, self.client(proxy, down)

    def test_down_by_length_in_chunks_and_until_the_close(self):
        expected = hashlib.sha256(content(0, SIZE)).digest()
        for proxy, client in self.in_every_way():
            for how in ("", "?chunk=77777", "?close"):
                response = client.send(request(f"/bytes/{SIZE}{how}", host=NAME)).read()
                self.assertEqual((response.status, response.complete, len(response.body)), (200, True, SIZE))
                self.assertEqual(hashlib.sha256(response.body).digest(), expected)
            self.check_memory(proxy)

    def upload(self, client, head, pieces):
        """What came back. /echo answers at the end alone, so that nobody waits for anybody."""
        def send():
            client.send(head)
            for piece in pieces:
                client.send(piece)
        sender = threading.Thread(target=send, daemon=True)
        sender.start()
        sender.join(PATIENCE)
        self.assertFalse(sender.is_alive())
        response = client.read()
        self.assertEqual((response.status, response.complete), (200, True))
        return response.body

    def test_up_and_down_again_by_length_and_in_chunks(self):
        rng = random.Random(5)
        cuts = sorted(rng.sample(range(1, SIZE), 300))
        pieces = [self.data[start:end] for start, end in zip([0, *cuts], [*cuts, SIZE])]
        for proxy, client in self.in_every_way():
            head = request("/echo", "POST", [("Content-Length", str(SIZE))], host=NAME)
            echoed = self.upload(client, head, pieces)
            self.assertTrue(echoed.endswith(b"\r\n\r\n" + self.data))
            head = request("/echo", "POST", [CHUNKED], host=NAME)
            echoed = self.upload(client, head, [*map(chunk, pieces), b"0\r\n\r\n"])
            self.assertTrue(echoed.endswith(b"\r\n\r\n" + self.data))
            self.check_memory(proxy)

    def test_many_small_answers_on_one_connection(self):
        for _, client in self.in_every_way():
            client.send(b"".join(request(f"/bytes/{size}", host=NAME) for size in range(200)))
            self.assertEqual([len(client.read().body) for _ in range(200)], list(range(200)))

    def test_sizes_about_a_record(self):
        for _, client in self.in_every_way():
            for size in (16383, 16384, 16385, 32767, 32768, 32769, 65535, 65536, 65537):
                client.send(request("/echo", "POST", host=NAME, body=self.data[:size]))
                self.assertTrue(client.read().body.endswith(b"\r\n\r\n" + self.data[:size]))

    def test_100_continue_comes_before_the_body(self):
        curl = needs("curl")
        path = os.path.join(self.folder, "patient")
        with open(path, "wb") as file:
            file.write(b"x" * 10_000)
        for (down, up), proxy in self.proxies.items():
            with self.subTest(down=down, up=up):
                done = subprocess.run(
                    [curl, "-sSv", "-q", "--noproxy", "*", "--cacert", self.c.ca, "--max-time", str(PATIENCE),
                     "-H", "Expect: 100-continue", "--expect100-timeout", "60", "--data-binary", f"@{path}",
                     f"http{'s' if down else ''}://127.0.0.1:{proxy.port}/sink"],
                    capture_output=True, text=True, check=False)
                self.assertIn("< HTTP/1.1 100 Continue", done.stderr)
                self.assertIn("bytes=10000", done.stdout)


class Pace(BodiesTest):
    """Who does not read stops who sends, and nothing piles up between them."""

    TOTAL = 96 * MIB
    STANDS = 48 * MIB  # what kernels and TLS may hold, and much more

    def when_it_stands_still(self, sent):
        seen = [-1, 0.0]

        def still():
            now = time.monotonic()
            if sent[0] != seen[0]:
                seen[:] = sent[0], now
            return sent[0] > 0 and now - seen[1] > 0.5
        wait_for(still, "it to stand still")
        return sent[0]

    def in_every_way(self, script):
        for down, up in WAYS:
            with self.subTest(down=down, up=up):
                origin = TlsOrigin(self.c.good, script) if up else RawOrigin(lambda connection, _: script(
                    connection, origin))
                with origin, Proxy(self.configure(origin.port, down, up)) as proxy:
                    yield proxy, self.client(proxy, down)

    def test_a_slow_reader_stops_the_server_and_gets_everything(self):
        piece = random.Random(6).randbytes(64 * KIB)
        sent = [0]

        def script(connection, origin):
            origin.read_request(connection)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % self.TOTAL)
            while sent[0] < self.TOTAL:
                connection.sendall(piece)
                sent[0] += len(piece)

        for proxy, client in self.in_every_way(script):
            sent[0] = 0
            client.send(request(host=NAME)).read_head()
            self.assertLess(self.when_it_stands_still(sent), self.STANDS)
            self.check_memory(proxy)
            got = hashlib.sha256(client.buffer)
            left = self.TOTAL - len(client.buffer)
            while left > 0:
                data = client.socket.recv(MIB)
                self.assertTrue(data)
                got.update(data)
                left -= len(data)
            self.assertEqual((left, got.digest()), (0, hashlib.sha256(piece * (self.TOTAL // len(piece))).digest()))
            self.check_memory(proxy)

    def test_a_slow_server_stops_the_client_and_gets_everything(self):
        piece = random.Random(7).randbytes(64 * KIB)
        go_on = threading.Event()
        digests = []

        def script(connection, _):
            data = b""
            while b"\r\n\r\n" not in data:
                data += connection.recv(4096)
            body = data.partition(b"\r\n\r\n")[2]
            go_on.wait(PATIENCE)
            got, left = hashlib.sha256(body), self.TOTAL - len(body)
            while left > 0:
                data = connection.recv(MIB)
                if not data:
                    return
                got.update(data)
                left -= len(data)
            digests.append(got.digest())
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

        expected = hashlib.sha256(piece * (self.TOTAL // len(piece))).digest()
        for proxy, client in self.in_every_way(script):
            go_on.clear()
            sent = [0]

            def upload():
                client.send(request("/", "POST", [("Content-Length", str(self.TOTAL))], host=NAME))
                while sent[0] < self.TOTAL:
                    client.send(piece)
                    sent[0] += len(piece)
            sender = threading.Thread(target=upload, daemon=True)
            sender.start()
            self.assertLess(self.when_it_stands_still(sent), self.STANDS)
            self.check_memory(proxy)
            go_on.set()
            sender.join(PATIENCE)
            self.assertEqual(client.read().body, b"ok")
            self.assertEqual(digests.pop(), expected)
            self.check_memory(proxy)


class Ends(BodiesTest):
    """Truncation is visible in TLS: what is whole ends with close_notify, what is cut without (RFC 9112, 9.8)."""

    def ending(self, target, version="1.1", tls="1.3"):
        with TlsClient(self.proxy.port, client_context(self.c.ca, tls)) as client:
            client.send(request(target, host=NAME, version=version, fields=[("Connection", "close")]))
            response = client.read()
            while client._more():
                pass
            return response, client.ending

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.proxy = cls.enterClassContext(Proxy(tls_yaml(cls.origin.port, tls_of(cls.c.good))))

    def test_what_is_whole_ends_with_close_notify(self):
        for tls in VERSIONS:
            for target, version in (("/bytes/70000", "1.1"), ("/bytes/70000?chunked", "1.1"),
                                    ("/bytes/70000?close", "1.1"), ("/bytes/70000", "1.0"),
                                    ("/bytes/70000?chunked", "1.0"), ("/bytes/70000?close", "1.0")):
                with self.subTest(tls=tls, target=target, version=version):
                    response, ending = self.ending(target, version, tls)
                    self.assertEqual((response.body, response.complete, ending),
                                     (content(0, 70000), True, "close_notify"))

    def test_an_error_of_ours_is_whole(self):
        for target in ("/fault/empty", "/fault/garbage"):
            response, ending = self.ending(target)
            self.assertEqual((response.status, response.complete, ending), (502, True, "close_notify"))

    def test_what_is_cut_ends_without(self):
        for tls in VERSIONS:
            for target, version in (("/fault/truncate", "1.1"), ("/fault/truncate-reset", "1.1"),
                                    ("/fault/truncate-chunked", "1.1"), ("/fault/truncate-chunked-reset", "1.1"),
                                    ("/fault/truncate-chunked", "1.0"), ("/fault/close-cut", "1.0"),
                                    ("/fault/close-cut", "1.1"), ("/fault/chunk-bad-late", "1.0")):
                with self.subTest(tls=tls, target=target, version=version):
                    response, ending = self.ending(target, version, tls)
                    self.assertEqual(response.status, 200)
                    self.assertIn(ending, ("cut", "reset"))

    def test_a_cut_of_tls_upstream_is_passed_on(self):
        until_close = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf of it"

        def bare(connection, origin):
            origin.read_request(connection)
            connection.sendall(until_close)
            connection.shutdown(socket.SHUT_WR)

        def whole(connection, origin):
            origin.read_request(connection)
            connection.sendall(until_close)
            connection.unwrap()

        for script, expected in ((bare, ("cut", "reset")), (whole, ("close_notify",))):
            with self.subTest(expected), TlsOrigin(self.c.good, script) as origin, Proxy(
                    self.configure(origin.port, True, True)) as proxy:
                client = self.client(proxy)
                client.send(request(host=NAME, version="1.0"))
                self.assertEqual(client.read().body, b"half of it")
                while client._more():
                    pass
                self.assertIn(client.ending, expected)

    def test_a_client_that_says_goodbye_is_answered_so(self):
        for tls in VERSIONS:
            client = TlsClient(self.proxy.port, client_context(self.c.ca, tls))
            self.addCleanup(client.close)
            self.assertEqual(client.send(request("/bytes/5", host=NAME)).read().status, 200)
            client.socket.unwrap()  # waits for the other's; raises without one

    def test_an_idle_connection_is_ended_with_close_notify(self):
        with Proxy(tls_yaml(self.origin.port, tls_of(self.c.good), timeouts="client_idle: 200ms")) as proxy:
            client = self.client(proxy)
            client.send(request("/bytes/5", host=NAME)).read()
            self.assertTrue(client.at_end())
            self.assertEqual(client.ending, "close_notify")


    def test_a_drain_finishes_what_flows_and_says_goodbye(self):
        proxy = self.enterContext(Proxy(tls_yaml(self.origin.port, tls_of(self.c.good))))
        idle, busy = self.client(proxy), self.client(proxy)
        idle.send(request("/bytes/5", host=NAME)).read()
        busy.send(request("/slow/30/30", host=NAME)).read_head()
        proxy.signal(signal.SIGTERM)
        self.assertEqual(busy._exactly(30), content(0, 30))
        for client in (idle, busy):
            self.assertTrue(client.at_end())
            self.assertEqual(client.ending, "close_notify")
        self.assertEqual(proxy.wait(), 0)


class WebSocket(BodiesTest):
    """npm's ws on both sides."""

    def test_stories_pass_through_tls_on_either_side(self):
        needs("node")
        if not os.path.isdir(os.path.join(HERE, "node_modules", "ws")):
            raise AssertionError("ws is not installed: npm ci --prefix tests/e2e")
        server = self.enterContext(Process(["node", PEERS, "server"], r"listening on (\S+)"))
        nginx = self.enterContext(Nginx(nginx_tls(self.c.good, server.port), UPGRADES))
        environment = os.environ | {"NODE_EXTRA_CA_CERTS": self.c.ca}
        for down, up in WAYS:
            proxy = self.enterContext(Proxy(self.configure(nginx.port if up else server.port, down, up)))
            for story in ("echo", "greeting", "crossing", "ping"):
                with self.subTest(down=down, up=up, story=story):
                    done = subprocess.run(
                        ["node", PEERS, "client", f"ws{'s' if down else ''}://127.0.0.1:{proxy.port}/", story],
                        capture_output=True, text=True, timeout=4 * PATIENCE, check=False, env=environment)
                    self.assertEqual(done.returncode, 0, done.stderr)
            self.check_memory(proxy)


if __name__ == "__main__":
    unittest.main()
