"""What the relay changes and what it leaves alone, byte for byte, both ways."""

import re
import threading
import unittest

from harness import (Client, Origin, Proxy, RawOrigin, fetch, free_port,
                     origin_answering, request, wait_for, yaml_for)

IMF_DATE = re.compile(r"[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT")
ULID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
INSTANCE = r"\([0-9a-f]{8}\)"  # of a Via: which process it was


class Seen:
    """A request as an origin received it."""

    def __init__(self, data):
        head, _, self.body = data.partition(b"\r\n\r\n")
        self.line, *lines = head.decode("latin-1").split("\r\n")
        self.fields = [tuple(part.strip() for part in line.split(":", 1)) for line in lines]

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def __getitem__(self, name):
        values = self.all(name)
        assert len(values) <= 1, f"{name} stands {len(values)} times"
        return values[0] if values else None


def servers_yaml(ports, *, upstream="", rest=""):
    """One upstream of several servers: each a port, or a (port, weight)."""
    servers = ", ".join(
        f'{{address: "127.0.0.1:{p[0]}", weight: {p[1]}}}' if isinstance(p, tuple)
        else f'"127.0.0.1:{p}"' for p in ports)
    return ('listen: ["127.0.0.1:0"]\nnode: {workers: 1}\n'
            f"upstreams:\n  app: {{servers: [{servers}]{', ' + upstream if upstream else ''}}}\n"
            f"{rest}routes:\n  - {{upstream: app}}\n")


class RelayTest(unittest.TestCase):
    """One origin with a vocabulary, and one proxy before it, for a whole class."""

    blocks = {}

    @classmethod
    def setUpClass(cls):
        cls.origin = Origin()
        cls.addClassCleanup(cls.origin.stop)
        cls.proxy = Proxy(yaml_for(cls.origin.port, **cls.blocks))
        cls.addClassCleanup(cls.proxy.stop)

    def client(self):
        client = Client(self.proxy.port)
        self.addCleanup(client.close)
        return client

    def seen(self, raw, method="GET"):
        """What the origin's /echo saw of a request, given as its bytes."""
        response = self.client().send(raw).read(method)
        self.assertEqual(response.status, 200, response.body)
        return Seen(response.body)

    def echo(self, fields=(), **more):
        return self.seen(request("/echo", fields=fields, **more))


class WhatTheOriginSees(RelayTest):
    def test_a_plain_request_arrives_with_the_way_it_came_and_nothing_else(self):
        seen = self.echo([("X-Request-Id", "abc"), ("Accept", "*/*")])
        self.assertEqual(seen.line, "GET /echo HTTP/1.1")
        self.assertEqual(sorted(seen.fields), sorted([
            ("Host", "test.example"),
            ("X-Request-Id", "abc"),
            ("Accept", "*/*"),
            ("Via", seen["Via"]),
            ("X-Forwarded-For", "127.0.0.1"),
            ("X-Forwarded-Proto", "http"),
            ("X-Forwarded-Host", "test.example"),
            ("Forwarded", "for=127.0.0.1;host=test.example;proto=http"),
        ]))
        self.assertEqual(seen.fields[0], ("Host", "test.example"))
        self.assertRegex(seen["Via"], f"^1.1 whichhop {INSTANCE}$")

    def test_fields_of_the_hop_stay_on_the_hop(self):
        seen = self.echo([
            ("Connection", "keep-alive, X-Private , x-SECOND"), ("Keep-Alive", "timeout=5"),
            ("Proxy-Connection", "keep-alive"), ("X-Private", "1"), ("X-Second", "2"),
            ("Upgrade", "websocket"), ("HTTP2-Settings", "AAMAAABk"), ("X-Public", "3"),
            ("TE", "gzip")])
        names = [name.lower() for name, _ in seen.fields]
        for name in ("connection", "keep-alive", "proxy-connection", "x-private", "x-second",
                     "upgrade", "http2-settings", "te"):
            self.assertNotIn(name, names)
        self.assertEqual(seen["X-Public"], "3")

    def test_connection_fields_are_read_in_every_shape(self):
        for values in (["X-A"], ["x-a"], ["close, X-A"], [",,X-A,,"], ["keep-alive", "X-A"],
                       ["X-A,X-A"], ["\tX-A\t"]):
            with self.subTest(values):
                fields = [("Connection", value) for value in values]
                seen = self.echo([*fields, ("X-A", "1"), ("X-A", "2"), ("X-B", "3")])
                self.assertEqual((seen.all("X-A"), seen["X-B"]), ([], "3"))

    def test_connection_can_not_take_away_what_the_message_needs(self):
        seen = self.echo([("Connection", "Host, X-Forwarded-For, Forwarded, Via, Content-Length")],
                         method="POST", body=b"four")
        self.assertEqual(seen["Host"], "test.example")
        self.assertEqual(seen["X-Forwarded-For"], "127.0.0.1")
        self.assertRegex(seen["Via"], f"^1.1 whichhop {INSTANCE}$")
        self.assertEqual((seen["Content-Length"], seen.body), ("4", b"four"))

    def test_te_trailers_is_asked_for_by_the_proxy_itself(self):
        seen = self.echo([("TE", "trailers, deflate;q=0.5"), ("Connection", "TE")])
        self.assertEqual((seen["TE"], seen["Connection"]), ("trailers", "TE"))

    def test_via_is_appended_and_names_the_version_that_was_received(self):
        self.assertRegex(", ".join(self.echo([("Via", "1.0 cache")]).all("Via")),
                         f"^1.0 cache, 1.1 whichhop {INSTANCE}$")
        self.assertRegex(self.echo(version="1.0")["Via"], f"^1.0 whichhop {INSTANCE}$")

    def test_nobody_is_believed_who_says_whom_he_forwards(self):
        seen = self.echo([
            ("X-Forwarded-For", "1.2.3.4"), ("X-Forwarded-Proto", "https"),
            ("X-Forwarded-Host", "evil.example"), ("Forwarded", "for=1.2.3.4"),
            ("X-Real-IP", "1.2.3.4"), ("CF-Connecting-IP", "1.2.3.4"),
            ("x-forwarded-for", "5.6.7.8")])
        self.assertEqual(seen["X-Forwarded-For"], "127.0.0.1")
        self.assertEqual(seen["X-Forwarded-Proto"], "http")
        self.assertEqual(seen["X-Forwarded-Host"], "test.example")
        self.assertEqual(seen["Forwarded"], "for=127.0.0.1;host=test.example;proto=http")
        self.assertIsNone(seen["X-Real-IP"])
        self.assertIsNone(seen["CF-Connecting-IP"])

    def test_a_request_id_that_is_a_token_is_kept(self):
        for value in ("a", "!#$%&'*+-.^_`|~09azAZ", "x" * 128):
            with self.subTest(value):
                self.assertEqual(self.echo([("X-Request-Id", value)])["X-Request-Id"], value)

    def test_any_other_request_id_is_made_anew(self):
        given = ("", "x" * 129, "a b", "a/b", "a\"b", "a,b", "\xe4", "a{b}")
        ids = {self.echo([("X-Request-Id", value)])["X-Request-Id"] for value in given}
        ids |= {self.echo()["X-Request-Id"] for _ in range(3)}
        self.assertEqual(len(ids), len(given) + 3)
        for made in ids:
            self.assertRegex(made, ULID)

    def test_two_request_ids_are_none(self):
        for values in (["one", "two"], ["one", "no token"]):
            with self.subTest(values):
                seen = self.echo([("X-Request-Id", value) for value in values])
                self.assertRegex(seen["X-Request-Id"], ULID)

    def test_trace_context_cookies_and_credentials_pass(self):
        fields = [("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
                  ("Cookie", "a=1; b=2"), ("Authorization", "Basic eDp5"),
                  ("Range", "bytes=0-1"), ("If-None-Match", '"e"')]
        seen = self.echo(fields)
        for name, value in fields:
            self.assertEqual(seen[name], value)

    def test_values_pass_as_they_are(self):
        for value in ("caf\xe9", "\xff\xfe", "a \t b", '"q,\\"x"', "a:b:c", "=?utf-8?q?x?=", "x" * 9000):
            with self.subTest(value[:20]):
                self.assertEqual(self.echo([("x-lower-case", value)])["x-lower-case"], value)
        raw = request("/echo").replace(b"\r\n\r\n", b"\r\nX-Empty:\r\nX-Tight:v\r\nX-Wide: \t v \t\r\n\r\n")
        seen = self.seen(raw)
        self.assertEqual((seen["X-Empty"], seen["X-Tight"], seen["X-Wide"]), ("", "v", "v"))

    def test_repeated_fields_keep_their_order(self):
        seen = self.echo([("X-N", "1"), ("x-n", "2"), ("X-Other", "o"), ("X-N", "3")])
        self.assertEqual(seen.all("X-N"), ["1", "2", "3"])

    def test_the_target_is_not_touched(self):
        for target in ("/echo?a=b&c=%20d%zz", "/echo?", "/echo/../echo", "/echo/%7Euser/./x//y",
                       "/echo?a?b", "/echo/\"<>\\^`{|}"):
            with self.subTest(target):
                response = fetch(self.proxy.port, target)
                self.assertEqual(Seen(response.body).line, f"GET {target} HTTP/1.1")

    def test_the_authority_of_an_absolute_target_is_the_host(self):
        recorder = origin_answering(OK)
        self.addCleanup(recorder.stop)
        proxy = Proxy(yaml_for(recorder.port))
        self.addCleanup(proxy.stop)
        for target, method, line, host in (
                ("http://a.example/x?y", "GET", "GET /x?y HTTP/1.1", "a.example"),
                ("http://a.example:81/", "GET", "GET / HTTP/1.1", "a.example:81"),
                ("http://a.example", "GET", "GET / HTTP/1.1", "a.example"),
                ("http://a.example?q", "GET", "GET /?q HTTP/1.1", "a.example"),
                ("HTTP://A.example/%41", "GET", "GET /%41 HTTP/1.1", "A.example"),
                ("http://[::1]:8/", "GET", "GET / HTTP/1.1", "[::1]:8"),
                ("http://a.example", "OPTIONS", "OPTIONS * HTTP/1.1", "a.example"),
                ("http://a.example/", "OPTIONS", "OPTIONS / HTTP/1.1", "a.example"),
                ("*", "OPTIONS", "OPTIONS * HTTP/1.1", "b.example")):
            with self.subTest(target=target, method=method):
                self.assertEqual(fetch(proxy.port, target, method, host="b.example").status, 200)
                seen = Seen(recorder.requests[-1])
                self.assertEqual((seen.line, seen["Host"]), (line, host))
                self.assertEqual(seen["X-Forwarded-Host"], host)

    def test_a_host_with_a_port_is_quoted_in_forwarded(self):
        seen = self.echo(host="a.example:8080")
        self.assertEqual(seen["Forwarded"], 'for=127.0.0.1;host="a.example:8080";proto=http')

    def test_an_http_1_0_request_without_a_host_gets_an_empty_one(self):
        seen = self.seen(b"GET /echo HTTP/1.0\r\n\r\n")
        self.assertEqual((seen.line, seen["Host"]), ("GET /echo HTTP/1.1", ""))

    def test_bodies_by_length_arrive_whole(self):
        for body in (b"x", b"\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", bytes(range(256)) * 40, b"z" * 200_000):
            with self.subTest(len(body)):
                seen = self.echo(method="POST", body=body)
                self.assertEqual((seen["Content-Length"], seen.body == body), (str(len(body)), True))
        self.assertEqual(self.echo([("Content-Length", "0")], method="POST")["Content-Length"], "0")
        seen = self.seen(request("/echo", "POST", [("Content-Length", "007")]) + b"0123456")
        self.assertEqual((seen["Content-Length"], seen.body), ("7", b"0123456"))

    def test_a_body_may_come_with_any_method(self):
        for method in ("GET", "DELETE", "OPTIONS", "PUT", "PATCH", "PURGE", "M-SEARCH", "get"):
            with self.subTest(method):
                seen = self.echo(method=method, body=b"body")
                self.assertEqual((seen.line, seen.body), (f"{method} /echo HTTP/1.1", b"body"))

    def test_chunked_bodies_arrive_whole_and_chunked(self):
        head = request("/echo", "POST", [("Transfer-Encoding", "chunked")])
        for chunks, body in ((b"0\r\n\r\n", b""),
                             (b"1\r\na\r\n0\r\n\r\n", b"a"),
                             (b"000001\r\na\r\n00\r\n\r\n", b"a"),
                             (b"a\r\n0123456789\r\nA\r\nabcdefghij\r\n0\r\n\r\n", b"0123456789abcdefghij"),
                             (b"2;x\r\n\r\n\r\n3;y=1;z=\"q;\\\" r\"\r\nabc\r\n0;last\r\n\r\n", b"\r\nabc")):
            with self.subTest(chunks):
                seen = self.seen(head + chunks, "POST")
                self.assertEqual((seen["Transfer-Encoding"], seen["Content-Length"], seen.body),
                                 ("chunked", None, body))

    def test_the_trailers_of_a_request_pass(self):
        head = request("/echo", "POST", [("Transfer-Encoding", "chunked"), ("Trailer", "X-Sum")])
        seen = self.seen(head + b"2\r\nok\r\n0\r\nX-Sum: 1\r\nx-more:2\r\n\r\n", "POST")
        self.assertEqual(seen.body.partition(b"ok")[2].split(b"\r\n")[1:3], [b"X-Sum: 1", b"x-more: 2"])
        self.assertEqual(seen["Trailer"], "X-Sum")

    def test_a_body_in_single_bytes_arrives_whole(self):
        client = self.client()
        raw = request("/echo", "POST", [("Transfer-Encoding", "chunked")]) + b"3\r\nabc\r\n0\r\nX: y\r\n\r\n"
        for at in range(len(raw)):
            client.send(raw[at:at + 1])
        self.assertTrue(Seen(client.read().body).body.startswith(b"abc"))

    def test_an_expectation_is_met_by_the_origin(self):
        client = self.client()
        client.send(request("/echo", "POST", [("Expect", "100-continue"), ("Content-Length", "4")]))
        self.assertEqual(client.read_head().status, 100)
        response = client.send(b"body").read("POST")
        self.assertEqual((response.status, response.interim), (200, []))
        self.assertEqual(Seen(response.body)["Expect"], "100-continue")

    def test_a_client_that_does_not_wait_for_its_100_is_served_too(self):
        client = self.client()
        client.send(request("/echo", "POST", [("Expect", "100-Continue")], b"body"))
        response = client.read("POST")
        self.assertEqual((response.status, Seen(response.body).body), (200, b"body"))

    def test_other_expectations_fail_here(self):
        for value in ("200-ok", "100-continue, x", ""):
            with self.subTest(value):
                self.assertEqual(fetch(self.proxy.port, "/echo", "POST", [("Expect", value)], b"b").status, 417)

    def test_connect_and_trace_are_refused_with_what_is_allowed(self):
        for target, method in (("a.example:443", "CONNECT"), ("/echo", "TRACE")):
            with self.subTest(method):
                response = fetch(self.proxy.port, target, method)
                self.assertEqual(response.status, 405)
                self.assertNotIn(method, response["Allow"])


class WhatATrustedClientSays(RelayTest):
    @classmethod
    def setUpClass(cls):
        cls.origin = Origin()
        cls.addClassCleanup(cls.origin.stop)
        yaml = yaml_for(cls.origin.port) + "trusted_proxies: [127.0.0.0/8]\n"
        cls.proxy = Proxy(yaml)
        cls.addClassCleanup(cls.proxy.stop)

    def test_is_kept_and_appended_to(self):
        seen = self.echo([
            ("X-Forwarded-For", "1.2.3.4"), ("X-Forwarded-For", "5.6.7.8, 9.9.9.9"),
            ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "shop.example"),
            ("Forwarded", "for=1.2.3.4;proto=https"), ("X-Real-IP", "1.2.3.4"),
            ("CF-Connecting-IP", "1.2.3.4")])
        self.assertEqual(", ".join(seen.all("X-Forwarded-For")),
                         "1.2.3.4, 5.6.7.8, 9.9.9.9, 127.0.0.1")
        self.assertEqual(seen["X-Forwarded-Proto"], "https")
        self.assertEqual(seen["X-Forwarded-Host"], "shop.example")
        self.assertEqual(", ".join(seen.all("Forwarded")),
                         "for=1.2.3.4;proto=https, for=127.0.0.1;host=test.example;proto=http")
        self.assertEqual((seen["X-Real-IP"], seen["CF-Connecting-IP"]), ("1.2.3.4", "1.2.3.4"))

    def test_is_made_where_it_is_missing(self):
        seen = self.echo([("X-Forwarded-For", "")])
        self.assertEqual(seen["X-Forwarded-For"], "127.0.0.1")
        self.assertEqual(seen["X-Forwarded-Proto"], "http")
        self.assertEqual(seen["X-Forwarded-Host"], "test.example")


class WhatTheClientSees(unittest.TestCase):
    def relayed(self, answer, raw=None, method="GET", keep_alive=True):
        """The answer that a client gets where the origin says `answer`."""
        origin = origin_answering(answer, keep_alive)
        self.addCleanup(origin.stop)
        proxy = Proxy(yaml_for(origin.port))
        self.addCleanup(proxy.stop)
        client = Client(proxy.port)
        self.addCleanup(client.close)
        self.last_client = client
        return client.send(raw or request(method=method)).read(method)

    def test_status_line_and_fields_pass_in_order(self):
        response = self.relayed(
            b"HTTP/1.1 299 Perfectly \xe4 fine\r\nserver: x\r\nSet-Cookie: a=1\r\nX: caf\xe9\r\n"
            b"Set-Cookie: b=2\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nX-Empty:\r\n"
            b"Content-Length: 2\r\n\r\nok")
        self.assertEqual((response.status, response.reason, response.body), (299, "Perfectly \xe4 fine", b"ok"))
        self.assertEqual(sorted(response.fields), sorted([
            ("server", "x"), ("Set-Cookie", "a=1"), ("X", "caf\xe9"), ("Set-Cookie", "b=2"),
            ("Date", "Thu, 01 Jan 1970 00:00:00 GMT"), ("X-Empty", ""), ("Content-Length", "2")]))
        self.assertEqual(response.all("Set-Cookie"), ["a=1", "b=2"])

    def test_a_missing_date_is_added(self):
        self.assertRegex(self.relayed(OK)["Date"], IMF_DATE)

    def test_an_empty_reason_stays_empty(self):
        for line in (b"HTTP/1.1 200 ", b"HTTP/1.1 200"):
            with self.subTest(line):
                response = self.relayed(line + b"\r\nContent-Length: 0\r\n\r\n")
                self.assertEqual((response.status, response.reason), (200, ""))

    def test_fields_of_the_hop_stay_on_the_hop(self):
        response = self.relayed(
            b"HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Private\r\nKeep-Alive: timeout=5\r\n"
            b"Proxy-Connection: keep-alive\r\nX-Private: 1\r\nX-Public: 2\r\nUpgrade: h2c\r\n"
            b"Content-Length: 2\r\n\r\nok")
        names = {name.lower() for name, _ in response.fields}
        self.assertEqual(names, {"x-public", "content-length", "date"})

    def test_claims_of_blame_are_dropped_whatever_the_status(self):
        response = self.relayed(
            b"HTTP/1.1 200 OK\r\nError-Cause: db\r\nerror-reporter: app\r\nError-Cleared: lb\r\n"
            b"Error-Fault: x\r\nError-Id: \"y\"\r\nContent-Length: 2\r\n\r\nok")
        self.assertEqual([n for n, _ in response.fields if n.lower().startswith("error-")], [])

    def test_what_a_proxy_must_mend_is_mended(self):
        response = self.relayed(
            b"HTTP/1.1 200 OK\r\nX-Fold: a\r\n  b\r\n\tc\r\nX-Bad : 1\r\nContent-Length: 2\r\n\r\nok")
        self.assertEqual((response["X-Fold"].split(), response["X-Bad"]), (["a", "b", "c"], "1"))
        raw_names = [name for name, _ in response.fields]
        self.assertIn("X-Bad", raw_names)

    def test_a_length_that_is_repeated_is_said_once(self):
        for method in ("GET", "HEAD"):
            for lengths in (b"Content-Length: 2\r\nContent-Length: 2", b"Content-Length: 2, 2"):
                with self.subTest(lengths, method=method):
                    body = b"ok" if method == "GET" else b""
                    response = self.relayed(b"HTTP/1.1 200 OK\r\n" + lengths + b"\r\n\r\n" + body, method=method)
                    self.assertEqual((response["Content-Length"], response.body), ("2", body))

    def test_every_framing_reaches_every_version(self):
        """(framing of the origin, version of the client) -> how the client is told."""
        by_length = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
        chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nT: 1\r\n\r\n"
        by_close = b"HTTP/1.1 200 OK\r\n\r\nhello"
        old = b"HTTP/1.0 200 OK\r\n\r\nhello"
        old_length = b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"
        old_kept = b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello"
        new, plain, kept = ("1.1", None), ("1.0", None), ("1.0", "keep-alive")
        for answer, until_close, (version, connection), framing, stays in (
                (by_length, False, new, "length", True),
                (by_length, False, ("1.1", "close"), "length", False),
                (by_length, False, plain, "length", False),
                (by_length, False, kept, "length", True),
                (chunked, False, new, "chunked", True),
                (chunked, False, plain, "close", False),
                (chunked, False, kept, "close", False),
                (by_close, True, new, "chunked", True),
                (by_close, True, plain, "close", False),
                (by_close, True, kept, "close", False),
                (old, True, new, "chunked", True),
                (old, True, plain, "close", False),
                (old_length, True, new, "length", True),
                (old_length, True, kept, "length", True),
                (old_kept, False, new, "length", True)):
            with self.subTest(answer=answer[:40], version=version, connection=connection):
                fields = [("Connection", connection)] if connection else []
                response = self.relayed(answer, request(version=version, fields=fields),
                                        keep_alive=not until_close)
                self.assertEqual((response.body, response.complete), (b"hello", True))
                told = ("chunked" if response["Transfer-Encoding"] else
                        "length" if response["Content-Length"] else "close")
                self.assertEqual(told, framing)
                if stays:
                    again = self.last_client.send(request(version=version, fields=fields)).read()
                    self.assertEqual(again.body, b"hello")
                    wanted = "keep-alive" if version == "1.0" else None
                    self.assertEqual(response["Connection"], wanted)
                else:
                    self.assertTrue(self.last_client.at_end())
                    self.assertEqual(response["Connection"], "close")

    def test_trailers_pass_in_order_but_for_those_that_frame(self):
        origin = origin_answering(
            b"HTTP/1.1 200 OK\r\nTrailer: X-A\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n"
            b"X-A: 1\r\nContent-Length: 9\r\nx-b:2\r\nTransfer-Encoding: x\r\nSet-Cookie: a=b\r\n\r\n")
        self.addCleanup(origin.stop)
        with Proxy(yaml_for(origin.port)) as proxy, Client(proxy.port) as client:
            client.send(request(fields=[("TE", "trailers"), ("Connection", "close, TE")]))
            self.assertEqual(client.read_head()["Trailer"], "X-A")
            while client._more():
                pass
            self.assertEqual(client.buffer.partition(b"0\r\n")[2], b"X-A: 1\r\nx-b: 2\r\n\r\n")

    def test_a_head_request_learns_the_length_and_keeps_its_connection(self):
        for answer, length in ((b"HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n", "12345"),
                               (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", None),
                               (b"HTTP/1.1 200 OK\r\n\r\n", None)):
            with self.subTest(answer):
                response = self.relayed(answer, method="HEAD")
                self.assertEqual(response["Content-Length"], length)
                again = self.last_client.send(request(method="HEAD")).read("HEAD")
                self.assertEqual((again.status, self.last_client.buffer), (200, b""))

    def test_204_and_304_end_with_their_heads(self):
        for answer in (b"HTTP/1.1 204 No Content\r\nX: y\r\n\r\n",
                       b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
                       b"HTTP/1.1 304 Not Modified\r\nETag: \"e\"\r\nContent-Length: 5\r\n\r\n",
                       b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n"):
            with self.subTest(answer):
                response = self.relayed(answer)
                self.assertIsNone(response["Transfer-Encoding"])
                if response.status == 204:
                    self.assertIsNone(response["Content-Length"])
                else:
                    self.assertIn(response["Content-Length"], ("5", None))
                again = self.last_client.send(request()).read()
                self.assertEqual((again.status, self.last_client.buffer), (response.status, b""))

    def test_interim_responses_pass(self):
        answer = (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: X-H\r\nX-H: 1\r\n\r\n"
                  b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </b>\r\n\r\n" + OK)
        origin = origin_answering(answer)
        self.addCleanup(origin.stop)
        with Proxy(yaml_for(origin.port)) as proxy, Client(proxy.port) as client:
            client.send(request())
            first = client.read_head()
            self.assertEqual((first.status, first.fields), (103, [("Link", "</a>")]))
            response = client.read()
            self.assertEqual((response.interim, response.status, response.body), ([102, 103], 200, b"ok"))
            client.send(request())
            self.assertEqual(client.read().interim, [103, 102, 103])

    def test_http_1_0_is_spared_interim_responses(self):
        response = self.relayed(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
                                b"HTTP/1.1 100 Continue\r\n\r\n" + OK, request(version="1.0"))
        self.assertEqual((response.interim, response.status, response.body), ([], 200, b"ok"))

    def test_an_answer_before_the_request_is_complete_is_relayed(self):
        def script(connection, _):
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig")
            connection.recv(65536)

        with RawOrigin(script) as origin, Proxy(yaml_for(origin.port)) as proxy, Client(proxy.port) as client:
            client.send(request(method="POST", fields=[("Content-Length", "1000000000")]) + b"x" * 1000)
            response = client.read("POST")
            self.assertEqual((response.status, response.body, response["Connection"]), (413, b"big", "close"))


class Pipelining(RelayTest):
    def test_two_hundred_mixed_requests_in_one_write_are_answered_in_order(self):
        yaml = yaml_for(self.origin.port, routes="- {path: /tea, respond: 418}\n- {path: /gone, respond: 204}",
                        errors="body: keep")
        asked = []
        raw = b""
        for number in range(200):
            tag = f"t{number}"
            fields = [("X-Test-Id", tag)]
            target, method, body, status, length = (
                ("/bytes/1000", "GET", b"", 200, 1000),
                ("/bytes/3000?chunk=700", "GET", b"", 200, 3000),
                ("/bytes/777", "HEAD", b"", 200, 0),
                ("/status/404", "GET", b"", 404, None),
                ("/tea", "GET", b"", 418, None),
                ("/sink", "POST", b"x" * number, 200, None),
                ("/fault/empty", "POST", b"", 502, None),
                ("/status/204", "GET", b"", 204, 0),
                ("/gone", "GET", b"", 204, 0),
                ("/trailers", "GET", b"", 200, 8),
                ("/early-hints", "GET", b"", 200, None),
                ("/status/503?body=broken", "GET", b"", 503, 6),
                ("/tea", "HEAD", b"", 418, 0),
                ("/bytes/50?close", "GET", b"", 200, 50),
                ("/sink", "POST", "chunked", 200, None),
                ("/fault/truncate-head", "POST", b"", 502, None),
            )[number % 16]
            if body == "chunked":
                raw += request(target, method, [*fields, ("Transfer-Encoding", "chunked")])
                raw += b"3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n"
            else:
                raw += request(target, method, fields, body)
            asked.append((target, method, tag, status, length))
        with Proxy(yaml) as proxy, Client(proxy.port) as client:
            client.send(raw)
            for target, method, tag, status, length in asked:
                what = f"{tag} {method} {target}"
                response = client.read(method)
                self.assertEqual((response.status, response.complete), (status, True), what)
                if status == 200:
                    self.assertEqual(response["X-Test-Id"], tag, what)
                if length is not None:
                    self.assertEqual(len(response.body), length, what)
            self.assertEqual(client.buffer, b"")
            last = client.send(request("/bytes/5")).read()
            self.assertEqual(len(last.body), 5)

    def test_two_requests_in_one_write_are_two_requests(self):
        client = self.client()
        client.send(request("/bytes/1") + request("/bytes/2"))
        self.assertEqual((len(client.read().body), len(client.read().body)), (1, 2))

    def test_what_follows_a_close_is_not_answered(self):
        client = self.client()
        client.send(request("/bytes/1", fields=[("Connection", "close")]) + request("/bytes/2") * 3)
        self.assertEqual((client.read().body, client.at_end()), (b"0", True))

    def test_empty_lines_between_requests_are_skipped_once(self):
        client = self.client()
        client.send(request("/bytes/1") + b"\r\n" + request("/bytes/2"))
        self.assertEqual((len(client.read().body), len(client.read().body)), (1, 2))

    def test_a_broken_request_ends_the_line_behind_those_before_it(self):
        client = self.client()
        client.send(request("/bytes/1") + request("/bytes/2") + b"BROKEN\r\n\r\n" + request("/bytes/3"))
        self.assertEqual([client.read().status for _ in range(3)], [200, 200, 400])
        self.assertTrue(client.at_end())


class Connections(unittest.TestCase):
    def counts(self, proxy):
        text = fetch(proxy.port, "/count").body.decode()
        return tuple(int(n) for n in re.findall(r"=(\d+)", text))

    def test_one_connection_upstream_serves_many_clients(self):
        with Origin() as origin, Proxy(yaml_for(origin.port)) as proxy:
            for number in range(20):
                self.assertEqual(fetch(proxy.port, f"/bytes/{number}").status, 200)
            for target, method, body in (("/bytes/9?chunk=3", "GET", b""), ("/status/404", "GET", b""),
                                         ("/sink", "POST", b"abc"), ("/bytes/9", "HEAD", b""),
                                         ("/status/204", "GET", b""), ("/early-hints", "GET", b""),
                                         ("/trailers", "GET", b""), ("/status/500?body=x", "GET", b"")):
                fetch(proxy.port, target, method, body=body)
            self.assertEqual(self.counts(proxy), (29, 1))

    def test_parallel_clients_get_connections_of_their_own_and_leave_them_to_others(self):
        with Origin() as origin, Proxy(yaml_for(origin.port)) as proxy:
            clients = [Client(proxy.port) for _ in range(10)]
            for client in clients:
                client.send(request("/delay/300ms/bytes/3"))
            self.assertEqual([client.read().status for client in clients], [200] * 10)
            for client in clients:
                self.assertEqual(client.send(request("/bytes/3")).read().status, 200)
                client.close()
            requests, connections = self.counts(proxy)
            self.assertEqual((requests, connections), (21, 10))

    def test_an_idle_connection_is_closed_in_time(self):
        ended = []

        def script(connection, _):
            while origin.read_request(connection):
                connection.sendall(OK)
            ended.append(True)

        with RawOrigin(script) as origin:
            with Proxy(yaml_for(origin.port, timeouts="upstream_idle: 200ms")) as proxy:
                fetch(proxy.port)
                wait_for(lambda: ended, "the idle connection to be closed")
                fetch(proxy.port)
                self.assertEqual(origin.connections, 2)

    def test_a_connection_that_died_in_the_pool_costs_the_client_nothing(self):
        for path in ("/fault/stale-reset", "/fault/stale-fin", "/fault/close-after-response",
                     "/fault/idle-408"):
            with self.subTest(path), Origin() as origin, Proxy(yaml_for(origin.port)) as proxy:
                for _ in range(5):
                    self.assertEqual(fetch(proxy.port, path).status, 200)
                    self.assertEqual(fetch(proxy.port, "/bytes/10").status, 200)

    def test_a_stale_connection_is_no_excuse_to_send_a_post_twice(self):
        with Origin() as origin, Proxy(yaml_for(origin.port)) as proxy:
            self.assertEqual(fetch(proxy.port, "/fault/stale-reset").status, 200)
            self.assertEqual(fetch(proxy.port, "/sink", "POST", body=b"pay").status, 502)

    def test_a_retry_of_a_request_is_the_request(self):
        def script(connection, number):
            origin.read_request(connection)
            if number == 1:
                connection.sendall(OK)
                origin.read_request(connection)
                return  # a FIN instead of an answer
            connection.sendall(OK)

        with RawOrigin(script) as origin, Proxy(yaml_for(origin.port)) as proxy:
            fetch(proxy.port)
            self.assertEqual(fetch(proxy.port, "/again?x=y", fields=[("X-A", "b")]).status, 200)
            self.assertEqual(len(origin.requests), 3)
            self.assertEqual(origin.requests[1], origin.requests[2])

    def test_servers_take_turns_by_weight(self):
        origins = [origin_answering(OK) for _ in range(3)]
        for origin in origins:
            self.addCleanup(origin.stop)
        ports = [(origins[0].port, 1), (origins[1].port, 2), (origins[2].port, 5)]
        with Proxy(servers_yaml(ports)) as proxy, Client(proxy.port) as client:
            for _ in range(80):
                self.assertEqual(client.send(request()).read().status, 200)
        self.assertEqual([len(origin.requests) for origin in origins], [10, 20, 50])

    def test_turns_are_interleaved(self):
        origins = [origin_answering(OK.replace(b"ok", b"o%d" % n)) for n in range(2)]
        for origin in origins:
            self.addCleanup(origin.stop)
        with Proxy(servers_yaml([(origins[0].port, 3), (origins[1].port, 3)])) as proxy:
            bodies = [fetch(proxy.port).body for _ in range(6)]
        self.assertEqual(bodies, [b"o0", b"o1"] * 3)

    def test_where_one_server_refuses_another_answers(self):
        with origin_answering(OK) as origin:
            with Proxy(servers_yaml([free_port(), origin.port])) as proxy:
                for method, body in (("GET", b""), ("POST", b"once"), ("GET", b""), ("PUT", b"x" * 50_000)):
                    response = fetch(proxy.port, "/", method, body=body)
                    self.assertEqual(response.status, 200, method)
                attempts = [line["attempts"] for line in proxy.wait_for_log(4)]
                self.assertIn(2, [len(tried) for tried in attempts])
                self.assertEqual(attempts[0][0]["fault"], "connect-refused-rst")

    def test_where_all_servers_refuse_the_client_is_told(self):
        with Proxy(servers_yaml([free_port(), free_port(), free_port()])) as proxy:
            response = fetch(proxy.port)
            self.assertEqual((response.status, response["Error-Fault"].split(";")[0]),
                             (502, "connect-refused-rst"))
            self.assertEqual(len(proxy.wait_for_log()[0]["attempts"]), 2)

    def test_without_retries_there_are_none(self):
        with origin_answering(OK) as origin:
            yaml = servers_yaml([free_port(), origin.port], upstream="retry: {attempts: 0}")
            with Proxy(yaml) as proxy:
                self.assertEqual(sorted(fetch(proxy.port).status for _ in range(2)), [200, 502])

    def test_an_origin_of_http_1_0_is_served_with_a_connection_each(self):
        with origin_answering(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", False) as origin:
            with Proxy(yaml_for(origin.port)) as proxy, Client(proxy.port) as client:
                for _ in range(5):
                    self.assertEqual(client.send(request()).read().body, b"ok")
            self.assertEqual((origin.connections, len(origin.requests)), (5, 5))


class Routes(unittest.TestCase):
    ROUTES = """
- {host: only.example, respond: 401}
- {host: "*.wild.example", respond: 402}
- {path: /admin, respond: 403}
- {path: /a/b/, respond: 405}
- {path: /get-only, methods: [GET, HEAD], respond: 409}
- {host: both.example, path: /x, respond: 410}
- {path: "/caf%C3%A9", respond: 411}
"""

    @classmethod
    def setUpClass(cls):
        cls.origin = origin_answering(OK)
        cls.addClassCleanup(cls.origin.stop)
        cls.proxy = Proxy(yaml_for(cls.origin.port, routes=cls.ROUTES))
        cls.addClassCleanup(cls.proxy.stop)

    def check(self, table):
        for target, host, method, status in table:
            with self.subTest(target=target, host=host, method=method):
                self.assertEqual(fetch(self.proxy.port, target, method, host=host).status, status)

    def test_by_host(self):
        self.check([
            ("/", "only.example", "GET", 401), ("/", "ONLY.Example", "GET", 401),
            ("/", "only.example:8080", "GET", 401), ("/", "only.example.", "GET", 401),
            ("/", "only.example.:80", "GET", 401), ("/", "xonly.example", "GET", 200),
            ("/", "only.example.org", "GET", 200), ("http://only.example/", "x.example", "GET", 401),
            ("http://x.example/", "only.example", "GET", 200), ("/", "[::1]:80", "GET", 200)])

    def test_by_wildcard_host(self):
        self.check([
            ("/", "a.wild.example", "GET", 402), ("/", "a.b.wild.example", "GET", 402),
            ("/", "A.WILD.example:1", "GET", 402), ("/", "wild.example", "GET", 200),
            ("/", ".wild.example", "GET", 200), ("/", "awild.example", "GET", 200)])

    def test_by_method(self):
        self.check([("/get-only", "x", "GET", 409), ("/get-only", "x", "HEAD", 409),
                    ("/get-only", "x", "POST", 200), ("/get-only", "x", "get", 200)])

    def test_by_host_and_path(self):
        self.check([("/x", "both.example", "GET", 410), ("/y", "both.example", "GET", 200),
                    ("/x", "other.example", "GET", 200)])

    def test_by_path_whatever_way_it_is_written(self):
        self.check([
            (target, "x", "GET", 403) for target in (
                "/admin", "/admin/", "/admin/x?y", "/a/../admin", "/%61dmin", "/%61%64%6D%69%6e",
                "/./admin", "/x/y/../../admin", "/../admin", "/../../admin", "//admin", "///admin",
                "/x//..//admin", "/%2e/admin", "/%2E%2e/admin", "/a/%2e%2E/admin", "/x/.%2e/admin",
                "/a/./b/../.././admin", "http://x/admin", "http://x/a/../admin", "HTTP://x//%61dmin")])

    def test_by_a_path_that_it_is_not(self):
        self.check([
            (target, "x", "GET", 200) for target in (
                "/", "/x/admin", "/admin/..", "/admin/../x", "/ADMIN", "/adm", "/%2561dmin", "/?/admin",
                "/x?/admin", "/a/b", "/a/%2fb/", "/admi%6", "/...admin")] +
            [("/a/b/", "x", "GET", 405), ("/a/c/../b/", "x", "GET", 405),
             ("/caf%c3%a9", "x", "GET", 411), ("/caf%C3%A9/x", "x", "GET", 411)])

    def test_slashes_that_are_encoded_do_not_separate_but_do_not_hide_either(self):
        # What an origin takes %2f for is its own affair: here it is no slash.
        self.check([("/a%2f..%2fadmin", "x", "GET", 200), ("/%2fadmin", "x", "GET", 200)])

    def test_options_asterisk_goes_to_routes_without_a_path(self):
        self.check([("*", "x", "OPTIONS", 200), ("*", "only.example", "OPTIONS", 401)])

    def test_the_origin_sees_the_path_as_it_was_written(self):
        fetch(self.proxy.port, "/x/../%7Ey//z")
        self.assertTrue(self.origin.requests[-1].startswith(b"GET /x/../%7Ey//z HTTP/1.1\r\n"))

    def test_no_route_is_a_fault_of_ours(self):
        yaml = ('listen: ["127.0.0.1:0"]\nnode: {workers: 1}\n'
                f'upstreams: {{app: {{servers: ["127.0.0.1:{self.origin.port}"]}}}}\n'
                "routes:\n  - {path: /only, upstream: app}\n")
        with Proxy(yaml) as proxy:
            response = fetch(proxy.port, "/other")
            self.assertEqual(response["Error-Fault"].split(";")[0], "route-none")
            self.assertEqual(response["Error-Cause"], "lb")
            self.assertEqual(fetch(proxy.port, "/only").status, 200)


class OwnAnswers(unittest.TestCase):
    STATUSES = (200, 204, 301, 404, 418, 503)

    @classmethod
    def setUpClass(cls):
        routes = "\n".join(f"- {{path: /{s}, respond: {s}}}" for s in cls.STATUSES)
        cls.proxy = Proxy(yaml_for(free_port(), routes=routes))
        cls.addClassCleanup(cls.proxy.stop)

    def test_a_status_can_be_authored_here(self):
        with Client(self.proxy.port) as client:
            for status in self.STATUSES:
                for method in ("GET", "HEAD", "POST"):
                    with self.subTest(status=status, method=method):
                        body = b"ignored" if method == "POST" else b""
                        response = client.send(request(f"/{status}", method, body=body)).read(method)
                        self.assertEqual((response.status, response.complete), (status, True))
                        self.assertRegex(response["Date"], IMF_DATE)
                        if status < 400:
                            self.assertEqual(response.body, b"")
                            self.assertIsNone(response["Error-Fault"])
                        else:
                            self.assertEqual(bool(response.body), method != "HEAD")
                            self.assertRegex(response["Error-Fault"], r"^respond\b.*basis=observed")
                            self.assertEqual(response["Error-Cause"], "lb")
                            self.assertEqual(response["Error-Reporter"], "lb")

    def test_a_body_that_nobody_reads_does_not_become_a_request(self):
        with Client(self.proxy.port) as client:
            smuggled = request("/200")
            client.send(request("/404", "POST", body=smuggled) + request("/418"))
            self.assertEqual([client.read().status for _ in range(2)], [404, 418])
            self.assertEqual(client.buffer, b"")

    def test_a_body_that_has_not_come_ends_the_connection(self):
        with Client(self.proxy.port) as client:
            client.send(request("/404", "POST", [("Content-Length", "100")]))
            response = client.read()
            self.assertEqual((response.status, response["Connection"]), (404, "close"))
            client.send(request("/200") + b"x" * 100)
            self.assertTrue(client.at_end())

    def test_an_http_1_0_client_is_answered_in_kind(self):
        with Client(self.proxy.port) as client:
            client.send(request("/418", version="1.0", fields=[("Connection", "keep-alive")]))
            self.assertEqual(client.read()["Connection"], "keep-alive")
            client.send(request("/418", version="1.0"))
            self.assertEqual((client.read()["Connection"], client.at_end()), ("close", True))


class RelayedErrors(unittest.TestCase):
    EMPTY = {
        "by length": (b"HTTP/1.1 503 Nope\r\nContent-Length: 0\r\nRetry-After: 7\r\n\r\n", True),
        "chunked": (b"HTTP/1.1 503 Nope\r\nRetry-After: 7\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", True),
        "chunked, with zeros, extension, trailer":
            (b"HTTP/1.1 503 Nope\r\nRetry-After: 7\r\nTransfer-Encoding: chunked\r\n\r\n000;x=y\r\nT: 1\r\n\r\n", True),
        "until close": (b"HTTP/1.1 503 Nope\r\nRetry-After: 7\r\n\r\n", False),
        "until close, 1.0": (b"HTTP/1.0 503 Nope\r\nRetry-After: 7\r\n\r\n", False),
    }
    FULL = {
        "by length": (b"HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\n", b"oops", b"", True),
        "chunked": (b"HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n3\r\nops\r\n0\r\n\r\n",
                    b"oops", b"", True),
        "chunked, late": (b"HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n000", b"oops",
                          b"4\r\noops\r\n0\r\n\r\n", True),
        "until close": (b"HTTP/1.1 500 Oops\r\n\r\n", b"oops", b"", False),
        "until close, late": (b"HTTP/1.1 500 Oops\r\n\r\n", b"oops", b"oops", False),
    }

    def proxied(self, script, errors="", upstream=""):
        origin = RawOrigin(script)
        self.addCleanup(origin.stop)
        proxy = Proxy(yaml_for(origin.port, upstream=upstream, **({"errors": errors} if errors else {})))
        self.addCleanup(proxy.stop)
        return origin, proxy

    def answering(self, *pieces, keep_alive=True, errors=""):
        """A proxy before an origin that sends its answer in pieces, each a moment after the last."""
        def script(connection, _):
            while origin.read_request(connection):
                for number, piece in enumerate(pieces):
                    if number > 0:
                        pause.wait(0.05)
                    connection.sendall(piece)
                if not keep_alive:
                    return

        pause = threading.Event()  # never set: a pause that needs no sleep
        origin, proxy = self.proxied(script, errors)
        return proxy

    def test_without_a_body_they_get_ours(self):
        for name, (answer, keep_alive) in self.EMPTY.items():
            head, blank, body = answer.partition(b"\r\n\r\n")
            for pieces in ((answer,), (head + blank, body)):
                with self.subTest(name, pieces=len(pieces)):
                    proxy = self.answering(*[p for p in pieces if p], keep_alive=keep_alive)
                    with Client(proxy.port) as client:
                        for _ in range(2):
                            response = client.send(request()).read()
                            self.assertEqual((response.status, response.reason, response["Retry-After"]),
                                             (503, "Nope", "7"))
                            self.assertIn(b"503", response.body)
                            self.assertTrue(response["Content-Type"].startswith("text/plain"))
                            self.assertEqual(response["Content-Length"], str(len(response.body)))
                            self.assertEqual(response["Vary"], "Accept")
                            self.assertTrue(response["Error-Fault"].startswith("relay-503"))
                            self.assertIn("received-status=503", response["Proxy-Status"])

    def test_with_a_body_they_keep_it(self):
        for name, (head, body, late, keep_alive) in self.FULL.items():
            with self.subTest(name):
                first = head if late or b"chunked" in head else head + body
                proxy = self.answering(*([first, late] if late else [first]), keep_alive=keep_alive)
                with Client(proxy.port) as client:
                    for _ in range(2):
                        response = client.send(request()).read()
                        self.assertEqual((response.status, response.body, response.complete), (500, body, True))
                        self.assertTrue(response["Error-Fault"].startswith("relay-500"))

    def test_an_answer_to_head_stays_without_a_body_and_the_connection_with_us(self):
        # Of 77 bytes a stock page may be, which would give way to ours.
        for length, told in ((b"0", True), (b"77", False), (b"5000", True)):
            with self.subTest(length):
                proxy = self.answering(b"HTTP/1.1 404 No\r\nContent-Length: " + length + b"\r\n\r\n")
                with Client(proxy.port) as client:
                    for _ in range(2):
                        response = client.send(request(method="HEAD")).read("HEAD")
                        self.assertEqual((response.status, client.buffer), (404, b""))
                        self.assertEqual(response["Content-Length"] is not None, told)
                        if length == b"5000":
                            self.assertEqual(response["Content-Length"], "5000")
                        elif told:
                            self.assertGreater(int(response["Content-Length"]), 0)

    def test_the_body_that_is_offered_to_head_is_the_one_that_get_gets(self):
        proxy = self.answering(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")
        get = fetch(proxy.port)
        head = fetch(proxy.port, method="HEAD")
        self.assertEqual(head["Content-Length"], get["Content-Length"])

    def test_keep_is_always_theirs(self):
        for name, (answer, keep_alive) in self.EMPTY.items():
            with self.subTest(name):
                proxy = self.answering(answer, keep_alive=keep_alive, errors="body: keep")
                response = fetch(proxy.port)
                self.assertEqual((response.status, response.body, response.complete), (503, b"", True))
                self.assertTrue(response["Error-Fault"].startswith("relay-503"))

    def test_replace_is_always_ours(self):
        answer = (b"HTTP/1.1 500 Oops\r\nContent-Type: text/html\r\nETag: \"a\"\r\nContent-MD5: xx\r\n"
                  b"Content-Encoding: gzip\r\nLast-Modified: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
                  b"Accept-Ranges: bytes\r\nRetry-After: 3\r\nSet-Cookie: a=b\r\nAllow: GET\r\n"
                  b"WWW-Authenticate: Basic\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: 4\r\n\r\noops")
        proxy = self.answering(answer, errors="body: replace")
        with Client(proxy.port) as client:
            for _ in range(2):
                response = client.send(request()).read()
                self.assertNotIn(b"oops", response.body)
                self.assertIn(b"500", response.body)
                for gone in ("ETag", "Content-MD5", "Content-Encoding", "Last-Modified", "Accept-Ranges"):
                    self.assertIsNone(response[gone])
                for kept in ("Retry-After", "Set-Cookie", "Allow", "WWW-Authenticate",
                             "Access-Control-Allow-Origin"):
                    self.assertIsNotNone(response[kept])
        self.assertEqual(proxy.wait_for_log()[0]["upstream_body"], "oops")

    def test_a_407_of_the_origin_is_no_business_of_the_clients(self):
        proxy = self.answering(b"HTTP/1.1 407 Pay\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n")
        response = fetch(proxy.port)
        self.assertEqual((response.status, response["Proxy-Authenticate"]), (502, None))
        self.assertTrue(response["Error-Fault"].startswith("relay-407"))

    def late(self, upstream="", **second):
        """(what two requests got, how many the origin saw) where a connection's second one is told 408."""
        def script(connection, number):
            origin.read_request(connection)
            connection.sendall(OK)
            if number == 1 and origin.read_request(connection):
                connection.sendall(b"HTTP/1.1 408 Late\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

        origin, proxy = self.proxied(script, upstream=upstream)
        return [fetch(proxy.port).status, fetch(proxy.port, **second).status], len(origin.requests)

    def test_a_408_of_a_connection_that_was_idle_is_asked_again(self):
        self.assertEqual(self.late(), ([200, 200], 3))
        self.assertEqual(self.late("buffer_request: true", method="PUT", body=b"all"), ([200, 200], 3))

    def test_but_not_what_may_do_harm_if_it_comes_twice(self):
        """Nobody knows whether the app took the request before it said so (RFC 9110, section 9.2.2)."""
        self.assertEqual(self.late(method="POST"), ([200, 408], 2))
        self.assertEqual(self.late("buffer_request: true", method="POST", body=b"pay"), ([200, 408], 2))
        self.assertEqual(self.late("retry: {attempts: 0}"), ([200, 408], 2))

    def test_a_408_of_a_fresh_connection_is_relayed(self):
        proxy = self.answering(b"HTTP/1.1 408 Late\r\nContent-Length: 0\r\n\r\n", keep_alive=False)
        self.assertEqual(fetch(proxy.port).status, 408)

    def test_every_status_keeps_its_number(self):
        with Origin() as origin, Proxy(yaml_for(origin.port)) as proxy, Client(proxy.port) as client:
            for status in (400, 401, 402, 403, 404, 405, 406, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417,
                           418, 421, 422, 425, 426, 428, 429, 431, 451, 499, 500, 501, 502, 503, 504, 505, 508,
                           511, 520, 521, 522, 523, 524, 525, 526, 530, 599):
                with self.subTest(status):
                    response = client.send(request(f"/status/{status}")).read()
                    self.assertEqual(response.status, status)
                    self.assertTrue(response["Error-Fault"].startswith(f"relay-{status}"))


if __name__ == "__main__":
    unittest.main()
