"""Each time limit by itself, and who is not to blame while it runs."""

import socket
import threading
import time
import unittest

from harness import PATIENCE, Client, Origin, Proxy, RawOrigin, fetch, request, wait_for, yaml_for

MIB = 1 << 20
CHUNKED = ("Transfer-Encoding", "chunked")
# What a timer may be late by, where one core has much to do.
LATE = 2.0


def fault_of(response):
    return (response["Error-Fault"] or "").split(";")[0]


class TimeoutTest(unittest.TestCase):
    def origin(self, script):
        origin = RawOrigin(script)
        self.addCleanup(origin.stop)
        return origin

    def proxy(self, port, timeouts, **blocks):
        proxy = Proxy(yaml_for(port, timeouts=timeouts, **blocks))
        self.addCleanup(proxy.stop)
        return proxy

    def bench(self, timeouts, **blocks):
        origin = Origin()
        self.addCleanup(origin.stop)
        return self.proxy(origin.port, timeouts, **blocks)

    def client(self, proxy):
        client = Client(proxy.port)
        self.addCleanup(client.close)
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return client

    def drip(self, client, data, pause):
        """Byte after byte in a thread of its own, until the peer had enough."""
        stop = threading.Event()
        self.addCleanup(stop.set)

        def run():
            for at in range(len(data)):
                if stop.wait(pause):
                    return
                try:
                    client.socket.sendall(data[at:at + 1])
                except OSError:
                    return

        threading.Thread(target=run, daemon=True).start()

    def timed(self, limit, act):
        """What act() gives, which takes as long as the limit says."""
        begun = time.monotonic()
        result = act()
        took = time.monotonic() - begun
        self.assertGreater(took, limit * 0.9)
        self.assertLess(took, limit + LATE)
        return result


class OfTheClient(TimeoutTest):
    def test_request_head_is_a_total_that_a_drip_does_not_prolong(self):
        proxy = self.bench("request_head: 700ms")
        client = self.client(proxy)
        self.drip(client, b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 100, 0.1)
        response = self.timed(0.7, client.read)
        self.assertEqual((response.status, fault_of(response), response["Connection"]),
                         (408, "req-head-timeout", "close"))
        line = proxy.wait_for_log()[0]
        self.assertEqual((line["ended"], line["fault"]), ("cR", "req-head-timeout"))

    def test_request_head_runs_for_every_request_anew(self):
        proxy = self.bench("request_head: 700ms")
        client = self.client(proxy)
        for number in range(3):
            self.drip(client, request(f"/bytes/{number}")[:-2], 0.002)
            threading.Event().wait(0.4)
            client.send(b"\r\n")
            self.assertEqual(client.read().status, 200)
        client.send(b"GET")
        self.assertEqual(self.timed(0.7, client.read).status, 408)

    def test_request_head_of_a_pipelined_rest(self):
        client = self.client(self.bench("request_head: 500ms"))
        client.send(request("/bytes/2") + b"GET / HT")
        self.assertEqual(len(client.read().body), 2)
        self.assertEqual(client.read().status, 408)

    def test_client_idle_closes_without_a_word(self):
        for before in (b"", request("/bytes/1")):
            with self.subTest(len(before)):
                proxy = self.bench("client_idle: 500ms")
                client = self.client(proxy)
                if before:
                    self.assertEqual(client.send(before).read().status, 200)
                self.assertTrue(self.timed(0.5, client.at_end))
                self.assertEqual(len(proxy.log()), 1 if before else 0)

    def test_client_idle_does_not_run_inside_a_request(self):
        client = self.client(self.bench("client_idle: 200ms"))
        self.assertEqual(client.send(request("/delay/1s/bytes/3")).read().status, 200)
        self.assertTrue(client.at_end())

    def test_request_body_is_a_stall(self):
        for head, part in (([("Content-Length", "100")], b"x" * 10), ([CHUNKED], b"5\r\nhe"),
                           ([("Content-Length", "100")], b"")):
            with self.subTest(part):
                proxy = self.bench("request_body: 600ms")
                client = self.client(proxy)
                client.send(request("/sink", "POST", head) + part)
                response = self.timed(0.6, client.read)
                self.assertEqual((response.status, fault_of(response), response["Connection"]),
                                 (408, "reqbody-timeout", "close"))
                self.assertTrue(client.at_end())
                self.assertEqual(proxy.wait_for_log()[0]["ended"], "cR")

    def test_request_body_is_no_total(self):
        client = self.client(self.bench("request_body: 600ms"))
        client.send(request("/sink", "POST", [("Content-Length", "12")]))
        self.drip(client, b"x" * 12, 0.1)
        self.assertEqual(client.read().body.split()[0], b"bytes=12")

    def test_request_body_aborts_the_request_upstream(self):
        ended = threading.Event()

        def script(connection, _):
            while connection.recv(65536):
                pass
            ended.set()

        client = self.client(self.proxy(self.origin(script).port, "request_body: 300ms"))
        client.send(request("/", "POST", [("Content-Length", "9")]) + b"x")
        self.assertEqual(client.read().status, 408)
        self.assertTrue(ended.wait(PATIENCE))

    def test_request_body_does_not_speak_into_an_answer_that_has_begun(self):
        def script(connection, _):
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbegin")
            while connection.recv(65536):
                pass

        client = self.client(self.proxy(self.origin(script).port, "request_body: 400ms"))
        client.send(request("/", "POST", [("Content-Length", "100")]) + b"x")
        self.assertEqual(client.read_head().status, 200)
        client.socket.settimeout(5)
        self.assertEqual(client._exactly(1000), b"begin")

    def test_client_write_is_a_stall_of_the_reader(self):
        proxy = self.bench("client_write: 600ms, response_body: 10s")
        client = self.client(proxy)
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.send(request("/bytes/1GiB"))
        line = proxy.wait_for_log()[0]
        self.assertEqual((line["fault"], line["ended"]), ("client-slow-reader", "cD"))
        self.assertLess(line["duration_seconds"], 0.6 + LATE)
        self.assertGreater(line["duration_seconds"], 0.5)

    def test_client_write_is_no_total(self):
        proxy = self.bench("client_write: 1s")
        client = self.client(proxy)
        size = 24 * MIB
        client.send(request(f"/bytes/{size}"))
        client.read_head()
        at = len(client.buffer)
        pause = threading.Event()
        begun = time.monotonic()
        while at < size:
            # Slowly at first, longer in all than the limit; then all the rest.
            if time.monotonic() - begun < 2.5:
                pause.wait(0.05)
            got = len(client.socket.recv(256 * 1024))
            self.assertGreater(got, 0)
            at += got
        self.assertEqual(at, size)


class OfTheOrigin(TimeoutTest):
    def test_connect_is_bounded(self):
        # A queue that is full: SYNs are dropped by the kernel.
        full = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.addCleanup(full.close)
        waiting = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(full.getsockname())
            waiting.append(one)
            self.addCleanup(one.close)
        proxy = self.proxy(full.getsockname()[1], "connect: 700ms", upstream="retry: {attempts: 0}")
        response = self.timed(0.7, lambda: fetch(proxy.port))
        self.assertEqual((response.status, fault_of(response)), (504, "connect-timeout"))
        self.assertEqual(proxy.wait_for_log()[0]["ended"], "sC")

    def test_response_head_is_bounded(self):
        for path, fault in (("hang", "resp-timeout-ttfb"), ("hang-head", "head-timeout"),
                            ("1xx-hang", "resp-1xx-then-hang")):
            with self.subTest(path):
                proxy = self.bench("response_head: 1200ms")
                response = self.timed(1.2, lambda: fetch(proxy.port, f"/fault/{path}"))
                self.assertEqual((response.status, fault_of(response)), (504, fault))
                self.assertEqual(proxy.wait_for_log()[0]["ended"], "sH")

    def test_response_head_is_a_total_that_a_drip_does_not_prolong(self):
        proxy = self.bench("response_head: 700ms")
        response = self.timed(0.7, lambda: fetch(proxy.port, "/fault/drip"))
        self.assertEqual((response.status, fault_of(response)), (504, "head-timeout"))

    def test_response_head_that_takes_its_time_is_waited_for(self):
        proxy = self.bench("response_head: 20s")
        self.assertEqual(fetch(proxy.port, "/fault/drip").status, 200)

    def test_response_head_bounds_an_origin_that_does_not_read(self):
        proxy = self.bench("response_head: 700ms, request_body: 20s")
        client = self.client(proxy)
        client.send(request("/fault/no-read", "POST", [("Content-Length", str(64 * MIB))]))

        def upload():
            try:
                client.socket.sendall(bytes(64 * MIB))
            except OSError:
                pass

        threading.Thread(target=upload, daemon=True).start()
        response = client.read()
        self.assertEqual((response.status, fault_of(response)), (504, "write-timeout-zero-window"))

    def test_response_body_is_a_stall(self):
        proxy = self.bench("response_body: 600ms")
        client = self.client(proxy)
        client.send(request("/fault/stall-body"))
        response = self.timed(0.6, client.read)
        self.assertEqual((response.body, response.complete, client.at_end()), (b"ok", False, True))
        line = proxy.wait_for_log()[0]
        self.assertEqual((line["fault"], line["ended"]), ("body-stall", "sD"))

    def test_response_body_is_no_total(self):
        response = fetch(self.bench("response_body: 600ms").port, "/slow/15/10")
        self.assertEqual((len(response.body), response.complete), (15, True))

    def test_response_body_bounds_the_wait_for_an_errors_first_byte_too(self):
        def script(connection, _):
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n")
            connection.recv(65536)

        proxy = self.proxy(self.origin(script).port, "response_body: 500ms")
        response = self.timed(0.5, lambda: fetch(proxy.port))
        # Its head was not sent yet: the error of the wait, or theirs; but an answer.
        self.assertIn(response.status, (500, 504))
        self.assertTrue(response.complete)

    def test_upstream_idle_closes_what_the_pool_keeps(self):
        ended = []

        def script(connection, _):
            while origin.read_request(connection):
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            ended.append(time.monotonic())

        origin = self.origin(script)
        proxy = self.proxy(origin.port, "upstream_idle: 500ms")
        for number in range(1, 3):
            fetch(proxy.port)
            begun = time.monotonic()
            wait_for(lambda: len(ended) == number, "the end of the idle connection")
            self.assertGreater(ended[-1] - begun, 0.4)
            self.assertLess(ended[-1] - begun, 0.5 + LATE)


class OfNobody(TimeoutTest):
    # A pause that is far beyond the deadline; and the deadline is beyond the
    # second that a kernel may take to find that a window is open again.
    DEADLINE = "1500ms"
    PAUSE = 2.5

    def test_a_slow_reader_is_no_stall_of_the_origin(self):
        proxy = self.bench(f"response_body: {self.DEADLINE}, client_write: 20s")
        client = self.client(proxy)
        size = 32 * MIB
        client.send(request(f"/bytes/{size}")).read_head()
        threading.Event().wait(self.PAUSE)  # nothing is read
        at = len(client.buffer)
        while at < size and (got := len(client.socket.recv(MIB))):
            at += got
        self.assertEqual(at, size)
        self.assertNotIn("fault", proxy.wait_for_log()[0])

    def test_a_slow_origin_is_no_stall_of_the_client(self):
        """The client would send on, but the origin does not read for a while."""
        size = 32 * MIB

        def script(connection, _):
            data = b""
            while b"\r\n\r\n" not in data:
                data += connection.recv(4096)
            left = size - len(data.partition(b"\r\n\r\n")[2])
            threading.Event().wait(self.PAUSE)
            while left > 0 and (piece := connection.recv(MIB)):
                left -= len(piece)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

        proxy = self.proxy(self.origin(script).port, f"request_body: {self.DEADLINE}, response_head: 20s")
        client = self.client(proxy)
        try:
            client.send(request("/", "POST", [("Content-Length", str(size))]) + bytes(size))
        except OSError as error:
            self.fail(f"{error}: {proxy.wait_for_log()}")
        self.assertEqual(client.read().body, b"ok")

    def test_waiting_for_the_answer_is_no_stall_of_the_client(self):
        proxy = self.bench("request_body: 300ms, request_head: 300ms, client_write: 300ms, response_body: 300ms")
        client = self.client(proxy)
        client.send(request("/delay/1200ms/sink", "POST", body=b"abc"))
        self.assertEqual(client.read().body.split()[0], b"bytes=3")

    def test_a_slow_upload_is_no_wait_for_the_origin(self):
        client = self.client(self.bench("response_head: 400ms, request_body: 5s, response_body: 400ms"))
        client.send(request("/sink", "POST", [("Content-Length", "15")]))
        self.drip(client, b"x" * 15, 0.1)
        self.assertEqual(client.read().body.split()[0], b"bytes=15")

    def test_a_client_that_is_slow_to_send_while_the_answer_flows_is_the_one_to_blame(self):
        """Both are silent, but the answer waits for the rest of the request."""
        def script(connection, _):
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbegin")
            while connection.recv(65536):
                pass

        proxy = self.proxy(self.origin(script).port, "request_body: 500ms, response_body: 10s")
        client = self.client(proxy)
        client.send(request("/", "POST", [("Content-Length", "100")]) + b"x")
        client.read_head()
        line = proxy.wait_for_log()[0]
        self.assertEqual((line["fault"], line["ended"][0]), ("reqbody-timeout", "c"))

    def test_a_connection_that_serves_is_never_idle(self):
        client = self.client(self.bench("client_idle: 700ms, upstream_idle: 200ms"))
        for _ in range(8):
            self.assertEqual(client.send(request("/delay/100ms/bytes/1")).read().status, 200)
            threading.Event().wait(0.1)

    def test_many_idle_clients_cost_the_busy_ones_nothing(self):
        proxy = self.bench("client_idle: 20s")
        idle = [self.client(proxy) for _ in range(500)]
        client = self.client(proxy)
        for _ in range(50):
            self.assertEqual(client.send(request("/bytes/10")).read().status, 200)
        for one in idle[::50]:
            self.assertEqual(one.send(request("/bytes/1")).read().status, 200)


if __name__ == "__main__":
    unittest.main()
