"""An error's own body through whichhop: augmented, replaced or kept, exactly as errors.body says."""

import gzip
import json
import os
import re
import time
import unittest

import markup
from harness import Client, Proxy, RawOrigin, fetch, origin_answering, request, yaml_for

KEPT = (("Set-Cookie", "a=b"), ("Retry-After", "7"), ("Allow", "GET"), ("WWW-Authenticate", "Basic"),
        ("Access-Control-Allow-Origin", "*"), ("Content-Security-Policy", "default-src 'none'"))
# Of the origin's own bytes.
DESCRIBES = (("ETag", '"1"'), ("Content-MD5", "aGVsbG8="), ("Digest", "md5=aGVsbG8="),
             ("Content-Digest", "sha-256=:aGVsbG8=:"), ("Repr-Digest", "sha-256=:aGVsbG8=:"),
             ("Accept-Ranges", "bytes"), ("Last-Modified", "Sun, 01 Nov 2026 00:00:00 GMT"))
REACT = (b'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop</title>'
         b'<script defer src="/static/js/main.js"></script></head><body><noscript>You need to enable JavaScript.'
         b'</noscript><div id="root"></div><script>var html = "</body>";</script></body></html>')
PROBLEM = b'{"type":"https://x.example/p","title":"No","status":503}'


def raw(body, kind="text/html", status="500 Oops", fields=(), chunked=False, trailers=b""):
    """The bytes of a response. `kind` None: no Content-Type."""
    lines = [f"HTTP/1.1 {status}"] + ([f"Content-Type: {kind}"] if kind else [])
    lines += [f"{name}: {value}" for name, value in fields]
    lines.append("Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode()
    if not chunked:
        return head + body
    pieces = [body[at:at + 1000] for at in range(0, len(body), 1000)]
    return head + b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n" + trailers + b"\r\n"


def through(data, policy="augment", method="GET", version="1.1", errors="", fields=()):
    """The answer and its log line."""
    with origin_answering(data, keep_alive=False) as origin, \
            Proxy(yaml_for(origin.port, errors=f"body: {policy}{errors}")) as proxy:
        return (fetch(proxy.port, method=method, version=version, fields=fields), proxy.wait_for_log()[0])


class Bodies(unittest.TestCase):
    def added(self, response, body):
        """What stands in the answer that was not in the origin's body."""
        self.assertTrue(response.complete)
        got = response.body
        self.assertGreater(len(got), len(body))
        common = len(os.path.commonprefix([got, body]))
        places = [at for at in range(common, -1, -1) if got.endswith(body[at:])]
        self.assertTrue(places, f"{body!r} is not in {got!r}")
        # What is added may begin as what stands behind it does.
        at = next((at for at in places if got.startswith(b"<aside", at)), places[0])
        return body[:at], got[at:len(got) - len(body) + at]

    def check_untouched(self, data, body, policy="augment", **options):
        response, line = through(data, policy, **options)
        self.assertEqual((response.body, response.complete), (body, True))
        self.assertNotIn("upstream_body", line)
        self.assertIsNotNone(response["Error-Fault"])
        return response

    def check_fields(self, response, vary=()):
        for name, value in KEPT:
            self.assertEqual(response[name], value, name)
        for name, _ in DESCRIBES:
            self.assertIsNone(response[name], name)
        self.assertEqual(response.all("Vary"), list(vary))


class Augmented(Bodies):
    def test_a_page_gets_a_panel(self):
        for chunked in (False, True):
            with self.subTest(chunked=chunked):
                response, line = through(raw(REACT, "text/html; charset=utf-8", fields=KEPT + DESCRIBES,
                                             chunked=chunked))
                before, panel = self.added(response, REACT)
                self.assertTrue(before.endswith(b'"</body>";</script>'), before)
                self.assertTrue(panel.startswith(b"<aside ") and panel.endswith(b"</aside>\n"), panel)
                self.assertIn(response["Error-Id"].strip('"').encode(), panel)
                self.assertNotIn(b"Evidence", panel)
                self.assertEqual(response["Content-Type"], "text/html; charset=utf-8")
                self.assertEqual(int(response["Content-Length"]), len(response.body))
                self.check_fields(response, ["Accept-Language"])
                self.assertNotIn("upstream_body", line)

    def test_a_json_object_gets_a_member(self):
        for kind, body in (("application/json", b'{"error": "no such order"}\n'), ("application/problem+json", PROBLEM),
                           ("application/vnd.api+json;charset=utf-8", b"{}")):
            with self.subTest(kind):
                response, _ = through(raw(body, kind, "503 Busy", KEPT + DESCRIBES))
                self.added(response, body)
                said = response.json()
                hops = said.pop("error_hops")
                self.assertEqual(said, json.loads(body))
                self.assertEqual(list(hops), ["error_id", "cause", "reporter", "cleared", "fault", "row", "basis",
                                              "documented"])
                self.assertEqual(", ".join(hops["cause"]), response["Error-Cause"])
                self.assertEqual(response["Content-Type"], kind)
                self.check_fields(response)

    def test_a_text_gets_a_paragraph(self):
        response, _ = through(raw(b"no such order", "text/plain", "404 Not Found", KEPT + DESCRIBES))
        before, said = self.added(response, b"no such order")
        self.assertEqual(before, b"no such order")
        self.assertTrue(said.startswith(b"\n\n404 Not Found: "), said)
        self.assertIn(b"\nCause: image-host, datastore\n", said)
        self.check_fields(response)

    def test_a_panel_is_in_the_language_of_the_browser(self):
        for language, word in (("de-AT", b"Ursache"), ("en", b"Cause"), ("fr", b"Cause")):
            with self.subTest(language):
                response, _ = through(raw(REACT), fields=[("Accept-Language", language)])
                _, panel = self.added(response, REACT)
                self.assertIn(b'<aside lang="de"' if language == "de-AT" else b'<aside lang="en"', panel)
                self.assertIn(word, panel)
                self.assertEqual(response.all("Vary"), ["Accept-Language"])
        response, _ = through(raw(REACT, fields=[("Vary", "Cookie")]))
        self.assertEqual(response.all("Vary"), ["Cookie", "Accept-Language"])
        response, _ = through(raw(b"{}", "application/json"), fields=[("Accept-Language", "de")])
        self.assertEqual(response.all("Vary"), [])

    def test_a_panel_has_no_style_where_a_policy_may_forbid_it(self):
        meta = b'<meta http-equiv="Content-Security-Policy" content="style-src \'self\'">'
        for name, field, body in (
                ("by a field", "Content-Security-Policy", REACT),
                ("reported alone", "content-security-policy-report-only", REACT),
                ("in the page", "X-Other", REACT.replace(b"<title>", meta + b"<title>"))):
            with self.subTest(name):
                response, _ = through(raw(body, fields=[(field, "default-src 'none'; report-uri /csp")]))
                _, panel = self.added(response, body)
                self.assertNotIn(b"style=", panel)
                self.assertEqual(response[field], "default-src 'none'; report-uri /csp")
        response, _ = through(raw(REACT.replace(b"<title>", b'<meta name="content" content="a"><title>')))
        self.assertIn(b"style=", response.body)

    def test_a_page_of_ours_is_under_no_policy_but_its_own(self):
        policies = [("Content-Security-Policy", "default-src 'self'"),
                    ("Content-Security-Policy-Report-Only", "default-src 'none'; report-uri /csp")]
        response, _ = through(raw(REACT, fields=policies), "replace", fields=[("Accept", "text/html")])
        self.assertIn("sha256-", response["Content-Security-Policy"])
        self.assertIsNone(response["Content-Security-Policy-Report-Only"])

    def test_operators_see_the_evidence(self):
        for body, kind in ((b"<html></html>", "text/html"), (b"{}", "application/json"), (b"a", "text/plain")):
            with self.subTest(kind):
                response, _ = through(raw(body, kind), errors=', operators: ["127.0.0.0/8"]')
                self.assertIn(b"vidence", response.body)
                self.assertIn("no-store", response["Cache-Control"])

    def test_a_hostile_url_is_escaped(self):
        with origin_answering(raw(b"<html></html>"), keep_alive=False) as origin, \
                Proxy(yaml_for(origin.port, errors='operators: ["127.0.0.0/8"]')) as proxy:
            response = fetch(proxy.port, "/'%22</aside><script>alert(1)</script>")
            self.assertNotIn(b"<script", response.body)
            self.assertEqual(response.body.count(b"</aside>"), 1)

    def test_an_http_1_0_client_gets_a_length(self):
        response, _ = through(raw(b"{}", "application/json", chunked=True, trailers=b"X-T: 1\r\n"), version="1.0")
        self.assertEqual(int(response["Content-Length"]), len(response.body))
        self.assertIn("error_hops", response.json())

    def test_trailers_pass_but_for_what_describes_the_bytes(self):
        data = raw(b"{}", "application/json", fields=[("Trailer", "X-Took, Repr-Digest")], chunked=True,
                   trailers=b"X-Took: 3\r\nRepr-Digest: sha-256=:aGVsbG8=:\r\n")
        with origin_answering(data) as origin, Proxy(yaml_for(origin.port)) as proxy, Client(proxy.port) as client:
            client.send(request(fields=[("Connection", "close")]))
            answer = b""
            while more := client.socket.recv(65536):
                answer += more
        self.assertIn(b"error_hops", answer)
        self.assertTrue(answer.endswith(b"\r\n0\r\nX-Took: 3\r\n\r\n"), answer)
        signed = data.replace(b"X-Took: 3", b"Signature: a=:YQ==:")
        self.check_untouched(signed, b"{}")

    def test_what_only_the_end_delimits(self):
        data = raw(b"{}", "application/json").replace(b"Content-Length: 2\r\n", b"")
        response, _ = through(data)
        self.assertIn("error_hops", response.json())

    def test_64_kib_fit(self):
        for size, chunked in ((65536, False), (65536, True), (40000, True)):
            with self.subTest(size, chunked=chunked):
                body = b'{"a":"' + b"x" * (size - 8) + b'"}'
                response, _ = through(raw(body, "application/json", chunked=chunked))
                self.assertEqual(response.json()["a"], "x" * (size - 8))
                self.assertIn("error_hops", response.json())

    def test_connections_on_both_sides_are_kept(self):
        with origin_answering(raw(b'{"a":"' + b"x" * 50000 + b'"}', "application/json")) as origin, \
                Proxy(yaml_for(origin.port)) as proxy, Client(proxy.port) as client:
            for _ in range(5):
                self.assertIn("error_hops", client.send(request()).read().json())
            self.assertEqual(origin.connections, 1)

    def test_the_page_is_still_valid(self):
        response, _ = through(raw(REACT), errors=', operators: ["127.0.0.0/8"]')
        self.assertEqual(markup.faults({"page": response.body}, no_inline_style="off", doctype_style="off"),
                         {"page": []})


class Untouched(Bodies):
    PAGE = b"<html><body>a</body></html>"

    def test_by_its_head(self):
        cases = {
            "another type": raw(b"a{}", "text/css"), "no type": raw(self.PAGE, None),
            "gzip": raw(gzip.compress(self.PAGE), fields=[("Content-Encoding", "gzip")]),
            "a part": raw(self.PAGE, fields=[("Content-Range", "bytes 0-26/99")]),
            "no-transform": raw(self.PAGE, fields=[("Cache-Control", "private, no-transform")]),
            "utf-16": raw("<html>a</html>".encode("utf-16"), "text/html; charset=utf-16"),
            "utf-16 undeclared": raw("<html>a</html>".encode("utf-16")),
            "iso-2022-jp": raw(self.PAGE, "text/html; charset=iso-2022-jp"),
            "an attachment": raw(self.PAGE, fields=[("Content-Disposition", "attachment; filename=a.html")]),
            "signed": raw(b"{}", "application/json", fields=[("Signature-Input", "a=()"), ("Signature", "a=:YQ==:")]),
            "signed otherwise": raw(b"{}", "application/json", fields=[("X-Hub-Signature-256", "aa")]),
            "jose": raw(b"{}", "application/jose+json"),
            "multipart": raw(b"--a--", "multipart/mixed; boundary=a"),
            "grpc": raw(b"\0\0\0\0\0", "application/grpc"), "grpc-web": raw(b"AAAA", "application/grpc-web-text"),
            "empty grpc": raw(b"", "application/grpc"),
            "65 KiB": raw(b"a" * 65 * 1024, "text/plain"),
            "65 KiB in chunks": raw(b"a" * 65 * 1024, "text/plain", chunked=True),
            "1 MiB": raw(os.urandom(1 << 20), "text/plain"),
            "tiny chunks beyond the bound": raw(b"", "text/plain", chunked=True).removesuffix(b"0\r\n\r\n") +
            b"1\r\na\r\n" * 20000 + b"0\r\n\r\n",
        }
        for name, data in cases.items():
            with self.subTest(name):
                body = fetch_from(data)
                response = self.check_untouched(data, body)
                for field, value in re.findall(rb"(?m)^(Content-[A-Z][\w-]+): (.*)\r", data.partition(b"\r\n\r\n")[0]):
                    self.assertEqual(response[field.decode()], value.decode())

    def test_by_its_body(self):
        for kind, body in (("text/html", b"<p>a fragment</p>"), ("text/html", b"<html><frameset>"),
                           ("application/json", b"[1]"), ("application/json", b'{"a":1'),
                           ("application/json", b'{"error_hops":1}'), ("text/plain", b'{"a": 1}')):
            with self.subTest(body):
                response = self.check_untouched(raw(body, kind, fields=DESCRIBES), body)
                for name, value in DESCRIBES:
                    self.assertEqual(response[name], value)

    def test_keep_keeps_all(self):
        for data, body in ((raw(REACT, fields=DESCRIBES), REACT), (raw(b"{}", "application/json"), b"{}"),
                           (raw(b"a", "text/plain", chunked=True), b"a"), (raw(b""), b""),
                           (raw(PROBLEM, "application/problem+json"), PROBLEM)):
            self.check_untouched(data, body, "keep")

    def test_replace_replaces_all(self):
        for data in (raw(REACT, fields=KEPT[:5] + DESCRIBES), raw(b"{}", "application/json"),
                     raw(gzip.compress(b"a"), fields=[("Content-Encoding", "gzip")]), raw(b"a" * 200_000)):
            response, line = through(data, "replace")
            self.assertTrue(response.body.startswith(b"500 Internal Server Error\n"))
            self.assertEqual(response["Content-Type"], "text/plain; charset=utf-8")
            self.assertIn("upstream_body", line)
            for name, _ in DESCRIBES + (("Content-Encoding", ""),):
                self.assertIsNone(response[name])

    def test_successes_are_nobodys_business(self):
        with origin_answering(raw(b"{}", "application/json", "200 OK", DESCRIBES)) as origin, \
                Proxy(yaml_for(origin.port)) as proxy:
            response = fetch(proxy.port)
            self.assertEqual((response.body, response["ETag"]), (b"{}", '"1"'))


def fetch_from(data):
    """The body of a response as it is, without whichhop."""
    with origin_answering(data, keep_alive=False) as origin:
        return fetch(origin.port).body


class Head(Bodies):
    def head(self, fields, kind, policy="augment"):
        lines = [f"{name}: {value}" for name, value in (("Content-Type", kind), *fields)]
        data = ("HTTP/1.1 404 Not Found\r\n" + "\r\n".join(lines) + "\r\n\r\n").encode()
        return through(data, policy, method="HEAD")[0]

    def test_nothing_is_said_of_a_length_that_a_get_may_not_have(self):
        # Of XML too: a stock page may be.
        for kind, policy in (("text/html", "augment"), ("application/xml", "augment"), ("application/xml", "replace")):
            with self.subTest(kind, policy=policy):
                response = self.head((("Content-Length", "26"), *DESCRIBES), kind, policy)
                self.assertIsNone(response["Content-Length"])
                for name, _ in DESCRIBES:
                    self.assertIsNone(response[name])

    def test_what_a_get_would_not_change_is_said(self):
        for length, kind, more in (("5000", "image/png", ()), ("70000", "text/html", ()),
                                   ("26", "application/xml", (("Content-Encoding", "gzip"),)),
                                   ("26", "text/html", (("Cache-Control", "no-transform"),))):
            response = self.head((("Content-Length", length), *DESCRIBES, *more), kind)
            self.assertEqual((response["Content-Length"], response["ETag"]), (length, '"1"'))


class InPieces(Bodies):
    def origin(self, pieces, gap, kind="text/plain", length=None):
        def script(connection, _):
            origin.read_request(connection)
            framing = f"Content-Length: {length}\r\n" if length else ""
            connection.sendall(f"HTTP/1.1 500 Oops\r\nContent-Type: {kind}\r\n{framing}\r\n".encode())
            for piece in pieces:
                time.sleep(gap)
                connection.sendall(piece)

        origin = RawOrigin(script)
        return origin

    def test_pieces_within_a_second_are_put_together(self):
        with self.origin([b'{"a"', b":1", b"}"], 0.05, "application/json") as origin, \
                Proxy(yaml_for(origin.port)) as proxy:
            self.assertIn("error_hops", fetch(proxy.port).json())

    def test_a_slow_body_goes_on_as_it_is(self):
        with self.origin([b"%d " % n for n in range(10)], 0.3) as origin, Proxy(yaml_for(origin.port)) as proxy, \
                Client(proxy.port) as client:
            begun = time.monotonic()
            response = client.send(request()).read_head()
            # 3 s of drops: the head has waited for one.
            self.assertLess(time.monotonic() - begun, 2.5)
            self.assertEqual(response.status, 500)
            data = b""
            while b"9 " not in data:
                data += client.socket.recv(4096)
            self.assertNotIn(b"Error id", data)

    def test_a_long_stream_waits_for_64_kib_alone(self):
        with self.origin([b"x" * 70_000, b"y" * 10, b"z"], 0.4) as origin, Proxy(yaml_for(origin.port)) as proxy:
            self.assertEqual(fetch(proxy.port).body, b"x" * 70_000 + b"y" * 10 + b"z")

    def test_a_cut_body_is_relayed_as_far_as_it_came(self):
        with self.origin([b"half"], 0.01, length=100) as origin, Proxy(yaml_for(origin.port)) as proxy:
            response = fetch(proxy.port)
            self.assertEqual((response.status, response.body, response.complete), (500, b"half", False))
            self.assertEqual(proxy.wait_for_log()[0]["fault"], "body-cl-short-fin")


if __name__ == "__main__":
    unittest.main()
