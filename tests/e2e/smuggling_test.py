"""Bytes that two readers could read differently: none of them passes, either way."""

import signal
import threading
import unittest

from answer_cases import FORGED, LENGTH, answer
from attack_cases import CHUNKED, REFUSED, SMUGGLED, chunks, get, length, post
from harness import Client, Proxy, RawOrigin, fetch, request, wait_for, yaml_for
from recorder import Recorder, end_of_message


class Requests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.origin = Recorder()
        cls.addClassCleanup(cls.origin.stop)
        cls.proxy = Proxy(yaml_for(cls.origin.port, timeouts="request_head: 3s, request_body: 3s"))
        cls.addClassCleanup(cls.proxy.stop)

    def after_all_else(self):
        """What reached the origin, once a last request that is well came through."""
        self.assertEqual(fetch(self.proxy.port, "/barrier").status, 200)
        requests, torn = self.origin.take()
        self.assertEqual(requests[-1].path, "/barrier")
        return [seen.data for seen in requests[:-1]], torn

    def check_refused(self, raw, status):
        """Whole, and cut into two at each of some places."""
        places = {len(raw)} if len(raw) > 5000 else {len(raw), 1, len(raw) // 2, len(raw) - 1}
        for place in sorted(places):
            with Client(self.proxy.port) as client:
                client.socket.setsockopt(6, 1, 1)  # TCP_NODELAY
                client.send(raw[:place])
                try:
                    client.send(raw[place:] + SMUGGLED)
                except OSError:
                    pass  # it was refused already
                response = client.read()
                self.assertIsNotNone(response, "closed without an answer")
                self.assertEqual((response.status, response["Connection"], response.complete),
                                 (status, "close", True))
                self.assertTrue(client.at_end(), client.buffer)
            requests, torn = self.after_all_else()
            self.assertEqual(requests, [])
            for part in torn:
                self.assertNotIn(b"smuggled", part)

    def test_no_cut_of_it_makes_an_attack_pass(self):
        for case in REFUSED:
            with self.subTest(case.name):
                self.check_refused(case.raw, case.status)

    def test_a_bad_chunk_behind_good_ones_ends_the_request_at_the_origin_too(self):
        good = b"1000\r\n" + b"x" * 4096 + b"\r\n"
        with Client(self.proxy.port) as client:
            client.send(post(CHUNKED, good))
            client.send(good * 3 + b"ZZ\r\n" + SMUGGLED)
            response = client.read()
            self.assertEqual((response.status, response["Connection"]), (400, "close"))
            self.assertTrue(client.at_end())
        requests, torn = self.after_all_else()
        self.assertEqual(requests, [])
        for part in torn:
            self.assertIsNone(end_of_message(part))
            self.assertNotIn(b"smuggled", part)

    def test_a_request_that_ends_early_is_none(self):
        for raw in (get()[:-2], get()[:-1], get()[:10], length(b"5")[:-1], chunks(b"5\r\nhell"), chunks(b"0\r\n")):
            with self.subTest(raw), Client(self.proxy.port) as client:
                client.send(raw)
                client.socket.shutdown(1)
                response = client.read()
                self.assertIn(response.status if response else None, (None, 400, 408))
                requests, torn = self.after_all_else()
                self.assertEqual(requests, [])


class Attacked(unittest.TestCase):
    """An origin that says what it should not to /attack, and to all else its path."""

    def attack(self, answer, *, method="GET", fields=(), timeouts="", close=False, raw=None):
        """The attacked client's connection, its answer, and how the others fared."""
        def script(connection, _):
            while (seen := origin.read_request(connection)):
                path = seen.split(b" ")[1]
                if path == b"/attack":
                    connection.sendall(answer)
                    if close:
                        return
                else:
                    body = b"" if seen.startswith(b"HEAD") else path
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(path), body))

        origin = RawOrigin(script)
        self.addCleanup(origin.stop)
        proxy = Proxy(yaml_for(origin.port, timeouts=timeouts or "response_body: 3s, response_head: 3s"))
        self.addCleanup(proxy.stop)
        other = Client(proxy.port)
        self.addCleanup(other.close)
        self.assertEqual(other.send(request("/warm")).read().body, b"/warm")
        client = Client(proxy.port)
        self.addCleanup(client.close)
        client.send(raw or request("/attack", method, fields))
        response = client.read(method)
        # The others get their own answers, whatever lies on the connection still.
        for number in range(3):
            self.assertEqual(other.send(request(f"/other{number}")).read().body, b"/other%d" % number)
            self.assertEqual(fetch(proxy.port, f"/new{number}").body, b"/new%d" % number)
        head = fetch(proxy.port, "/head", "HEAD")
        self.assertEqual((head.status, head["Content-Length"]), (200, "5"))
        self.proxy, self.origin, self.client = proxy, origin, client
        return response


class Responses(Attacked):
    def test_nothing_of_a_broken_head_reaches_the_client(self):
        for data in (answer(b"Set-Cookie: stolen=1\r\nX: a\rb\r\n" + LENGTH),
                     answer(b"Set-Cookie: stolen=1\r\nContent-Length: 2\r\nContent-Length: 3\r\n")):
            self.assertIsNone(self.attack(data)["Set-Cookie"])

    def test_a_101_is_not_an_answer_to_an_upgrade_that_we_did_not_forward(self):
        websocket = (b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                     b"Upgrade: websocket\r\n\r\n" + FORGED)
        for fields, data in (([("Upgrade", "websocket")], websocket),
                             ([("Connection", "Upgrade")], websocket),
                             ([("Connection", "Upgrade"), ("Upgrade", "other")], websocket),
                             ([("Connection", "Upgrade"), ("Upgrade", "h2c, other")],
                              websocket.replace(b"websocket", b"h2c"))):
            with self.subTest(fields):
                response = self.attack(data, fields=fields)
                self.assertEqual(response.status, 502)
                self.assertNotIn(b"forged", response.body)

    def test_bodies_where_none_may_be_are_not_bodies(self):
        for method, data in (
                ("GET", answer(LENGTH, line=b"HTTP/1.1 204 No Content\r\n")),
                ("GET", answer(b"", FORGED, b"HTTP/1.1 204 No Content\r\n")),
                ("GET", answer(CHUNKED, b"2\r\nok\r\n0\r\n\r\n", b"HTTP/1.1 204 No Content\r\n")),
                ("GET", answer(LENGTH, line=b"HTTP/1.1 304 Not Modified\r\n")),
                ("GET", answer(LENGTH, FORGED, b"HTTP/1.1 304 Not Modified\r\n")),
                ("HEAD", answer(LENGTH)),
                ("HEAD", answer(CHUNKED, b"2\r\nok\r\n0\r\n\r\n")),
                ("HEAD", answer(b"Content-Length: 500\r\n", FORGED)),
                ("HEAD", answer(b"", FORGED, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n"))):
            with self.subTest(method, data=data):
                response = self.attack(data, method=method)
                self.assertIn(response.status, (200, 204, 304, 404))
                self.assertEqual(self.client.buffer, b"")
                self.assertEqual(self.client.send(request("/next")).read().body, b"/next")

    def test_what_follows_an_answer_is_thrown_away_with_its_connection(self):
        for data in (answer(LENGTH, b"okEXTRA"), answer(LENGTH) + FORGED, answer(LENGTH) + FORGED * 1000,
                     answer(CHUNKED, b"2\r\nok\r\n0\r\n\r\n") + FORGED, answer(CHUNKED, b"2\r\nok\r\n0\r\n\r\n\r\n"),
                     answer(b"Content-Length: 0\r\n", b"", b"HTTP/1.1 404 No\r\n") + FORGED,
                     answer(CHUNKED, b"0\r\n\r\n", b"HTTP/1.1 503 No\r\n") + FORGED):
            with self.subTest(data[:80]):
                response = self.attack(data)
                self.assertIn(response.status, (200, 404, 503))
                self.assertNotIn(b"forged", response.body)
                self.assertNotIn(b"EXTRA", response.body)
                self.assertEqual(self.client.buffer, b"")
                self.assertEqual(self.client.send(request("/next")).read().body, b"/next")
                self.assertGreaterEqual(self.origin.connections, 2)

    def test_what_follows_an_answer_is_not_the_answer_to_a_pipelined_request(self):
        for data in (answer(LENGTH) + FORGED, answer(b"", FORGED, b"HTTP/1.1 204 No Content\r\n"),
                     answer(CHUNKED, b"2\r\nok\r\n0\r\n\r\n") + FORGED,
                     answer(b"Content-Length: 0\r\n", b"", b"HTTP/1.1 404 No\r\n") + FORGED,
                     answer(b"Content-Length: 0\r\n", b"", b"HTTP/1.1 407 Pay\r\n"),
                     answer(b"Content-Length: 0\r\n", b"", b"HTTP/1.1 407 Pay\r\n") + FORGED,
                     b"XYZZY\r\n\r\n" + FORGED):
            with self.subTest(data[:80]):
                response = self.attack(data, raw=request("/attack") + request("/next"))
                self.assertNotIn(b"forged", response.body)
                self.assertEqual(self.client.read().body, b"/next")

    def test_trailers_can_not_frame_or_speak_in_our_name(self):
        response = self.attack(answer(
            CHUNKED, b"2\r\nok\r\n0\r\nContent-Length: 100\r\nError-Cause: db\r\nSet-Cookie: a=b\r\n\r\n"))
        self.assertEqual((response.body, response.complete), (b"ok", True))

    def test_a_first_chunk_that_is_none_is_a_502(self):
        for body in (b"ZZ\r\nok\r\n", b"FFFFFFFFFFFFFFFFF\r\nok\r\n", b"-1\r\n", b"\n", b" 2\r\nok\r\n0\r\n\r\n"):
            with self.subTest(body):
                response = self.attack(answer(CHUNKED, body))
                self.assertEqual((response.status, (response["Error-Fault"] or "").split(";")[0]),
                                 (502, "body-chunk-malformed"))

    LATER = (b"ZZ\r\nok\r\n", b"2\r\nokXX\r\n0\r\n\r\n", b"2\nok\r\n0\r\n\r\n", b"0\r\nX\r\n\r\n" + FORGED)

    def test_a_later_chunk_that_is_none_cuts_the_answer(self):
        for body in self.LATER:
            with self.subTest(body):
                go_on = threading.Event()

                def script(connection, _):
                    origin.read_request(connection)
                    connection.sendall(answer(CHUNKED, b"5\r\nhello\r\n"))
                    go_on.wait(30)
                    connection.sendall(body)
                    origin.read_request(connection)

                with RawOrigin(script) as origin, Proxy(yaml_for(origin.port)) as proxy, Client(proxy.port) as client:
                    self.assertEqual(client.send(request()).read_head().status, 200)
                    self.assertEqual(client._until(b"hello\r\n"), b"5\r\n")
                    go_on.set()
                    while client._more():
                        pass
                    self.assertIn(client.buffer, (b"", b"2\r\nok\r\n"))
                    self.assertEqual(proxy.wait_for_log()[0]["ended"], "SD")

    def test_a_later_chunk_that_is_none_and_came_with_the_head_cuts_it_too_or_is_a_502(self):
        for body in self.LATER:
            with self.subTest(body):
                response = self.attack(answer(CHUNKED, b"5\r\nhello\r\n" + body))
                # A head that was not sent yet can be taken back.
                self.assertIn((response.status, response.complete), ((200, False), (502, True)))
                self.assertNotIn(b"forged", response.body)
                if response.status == 200:
                    self.assertTrue(self.client.at_end())
                else:
                    self.assertNotIn(b"hello", response.body)

    def test_an_interim_response_ends_with_its_head(self):
        for body in (b"hello" + FORGED, b"2\r\nok\r\n0\r\n\r\n" + FORGED):
            response = self.attack(b"HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n" + body)
            self.assertEqual((response.interim, response.status), ([103], 502))

    def test_an_interim_response_and_no_more_is_not_asked_for_twice(self):
        response = self.attack(b"HTTP/1.1 103 Early Hints\r\n\r\n", close=True)
        self.assertEqual((response.interim, response.status), ([103], 502))
        self.assertEqual(response["Error-Fault"].split(";")[0], "resp-1xx-then-close")
        self.assertEqual(sum(b"/attack" in seen for seen in self.origin.requests), 1)

    def test_lines_that_look_like_heads_inside_a_body_are_body(self):
        response = self.attack(answer(b"Content-Length: %d\r\n" % len(FORGED), FORGED))
        self.assertEqual(response.body, FORGED)

    def test_two_clients_at_once_never_get_each_others_answers(self):
        def script(connection, _):
            while (seen := origin.read_request(connection)):
                path = seen.split(b" ")[1]
                extra = FORGED if b"x" in path else b""
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(path), path) + extra)

        wrong = []

        def ask(name):
            with Client(proxy.port) as client:
                for number in range(150):
                    path = f"/{name}{number}{'x' * (number % 3 == 0)}"
                    response = client.send(request(path)).read()
                    if response is None or response.body != path.encode():
                        wrong.append((path, response and response.body))
                        return

        with RawOrigin(script) as origin, Proxy(yaml_for(origin.port)) as proxy:
            threads = [threading.Thread(target=ask, args=(name,)) for name in "abcdef"]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertEqual(wrong, [])


class UnaskedBytes(unittest.TestCase):
    """What an origin says on a connection that nobody asked anything on."""

    def setUp(self):
        self.sockets = []

        def script(connection, _):
            self.sockets.append(connection)
            while (seen := self.origin.read_request(connection)):
                path = seen.split(b" ")[1]
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(path), path))

        self.origin = RawOrigin(script)
        self.addCleanup(self.origin.stop)
        self.proxy = Proxy(yaml_for(self.origin.port))
        self.addCleanup(self.proxy.stop)
        self.client = Client(self.proxy.port)
        self.addCleanup(self.client.close)
        self.assertEqual(self.client.send(request("/warm")).read().body, b"/warm")

    def test_end_the_connection_while_it_is_idle(self):
        for data in (FORGED, b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n", b"\r\n", b"x"):
            with self.subTest(data):
                before = self.origin.connections
                self.sockets[-1].sendall(data)
                # It is gone when a request of somebody else opens a new one.
                self.assertEqual(fetch(self.proxy.port, "/after").body, b"/after")
                wait_for(lambda: self.origin.connections > before, "a connection of its own")

    def check_at_the_same_moment(self, act, method="GET", body=b""):
        """A request and `act` arrive while the proxy sleeps: it wakes and finds both."""
        stat = f"/proc/{self.proxy.pid}/stat"
        self.proxy.signal(signal.SIGSTOP)
        wait_for(lambda: open(stat).read().rpartition(")")[2].split()[0] == "T", "the proxy to stop")
        self.client.send(request("/mine", method, body=body))
        act(self.sockets[-1])
        self.proxy.signal(signal.SIGCONT)
        response = self.client.read(method)
        self.assertEqual((response.status, response.body), (200, b"/mine"))

    def test_are_no_answer_to_a_request_that_comes_at_the_same_moment(self):
        self.check_at_the_same_moment(lambda socket: socket.sendall(FORGED))

    def test_are_no_answer_to_a_post_either(self):
        self.check_at_the_same_moment(lambda socket: socket.sendall(FORGED), "POST", b"body")

    def test_an_end_that_is_here_already_costs_a_post_nothing(self):
        self.check_at_the_same_moment(lambda socket: socket.shutdown(1), "POST", b"body")


if __name__ == "__main__":
    unittest.main()
