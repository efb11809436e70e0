"""A route that masks statuses: the public can't tell the masked from the genuine, operators can."""

import re
import unittest

import verdict
from harness import Client, Proxy, RawOrigin, fetch, request

OPERATORS = 'operators: ["127.0.0.0/8"]'
STORY = verdict.Verdict(
    ("image-host", "datastore"), ("browser",),
    ("browser-app", "device", "router", "isp", "tor", "lb", "server", "app", "db-host", "db",
     "store-host", "auth-host", "auth"), "relay-404", ("404",), "documented")


def answer(status, *fields, body=b"", chunked=False):
    lines = [f"HTTP/1.1 {status} Theirs", *fields]
    if chunked:
        lines.append("Transfer-Encoding: chunked")
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    else:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


# The ways in which an origin's 401, 403 and 404 differ, each of which would tell.
ORIGINS = {
    "/genuine": answer(404, "Content-Type: text/html",
                       body=b"<html><body>no such page</body></html>"),
    "/empty": answer(404),
    "/stock": answer(404, "Server: nginx/1.24.0", "Content-Type: text/html", body=(
        b"<html>\r\n<head><title>404 Not Found</title></head>\r\n<body>\r\n<center><h1>404 Not Found"
        b"</h1></center>\r\n<hr><center>nginx/1.24.0</center>\r\n</body>\r\n</html>\r\n")),
    "/chunked": answer(404, "Cache-Control: max-age=60", "ETag: \"a\"", "Age: 3", body=b"none",
                       chunked=True),
    "/gone": b"HTTP/1.1 404 X\r\nConnection: close\r\n\r\nuntil the end",
    "/login": answer(401, 'WWW-Authenticate: Basic realm="secret"', "Set-Cookie: s=1",
                     "Vary: Authorization", "X-Auth: gate", "Server: gate/1.0",
                     "Proxy-Status: gate; error=http_request_denied",
                     "Error-Cause: auth", "Content-Type: application/json", body=b'{"login": 1}'),
    "/bare": answer(401),
    "/forbidden": answer(403, "Access-Control-Allow-Origin: *", "Retry-After: 7", "Date: Mon, 01 Jan "
                         "2024 00:00:00 GMT", "X-Request-Id: theirs", body=b"you may not"),
    "/hinted": b"HTTP/1.1 103 Early Hints\r\nLink: </login.css>\r\n\r\n" + answer(403),
    "/late": b"HTTP/1.1 403 X\r\nContent-Length: 100000\r\n\r\nthe rest never comes",
}
MET = {path: int(re.search(rb"HTTP/1.1 (4\d\d)", data)[1]) for path, data in ORIGINS.items()}


def configuration(port, errors="", more=""):
    return (
        'listen: ["127.0.0.1:0"]\nnode: {workers: 1}\n'
        "timeouts: {response_body: 2s}\n"
        f"{f'errors: {{{errors}}}' if errors else ''}\n"
        f'upstreams:\n  app: {{servers: ["127.0.0.1:{port}"], believe: true}}\nroutes:\n'
        f"{more}  - {{host: open.test, upstream: app}}\n"
        "  - {path: /own, respond: 403, mask: {403: 404}}\n"
        "  - {upstream: app, mask: {401: 404, 403: 404}}\n")


def shape(data):
    """The bytes of an answer, but for what no two answers have in common."""
    data = re.sub(rb"(?m)^Date: [^\r]*", b"Date: then", data)
    return re.sub(rb"[0-9A-HJKMNP-TV-Z]{26}", b"ID", data)


def bytes_of(port, path, method="GET", fields=(), version="1.1", host="test.example"):
    """The bytes of the answer to a request behind which the connection is closed.

    All paths are equally long: who sees details sees the path too.
    """
    path = path.ljust(10, "-")
    fields = [*fields, ("Connection", "close")] if version == "1.1" else fields
    with Client(port) as client:
        client.send(request(path, method, fields, host=host, version=version))
        data = b""
        while more := client.socket.recv(65536):
            data += more
    return shape(data).replace(path.encode(), b"/PATH")


class Masks(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.origin = self.enterContext(RawOrigin(self.script))

    def script(self, connection, _):
        while (head := self.origin.read_request(connection)) is not None:
            path = head.split(b" ")[1].decode().rstrip("-")
            connection.sendall(ORIGINS[path])
            if path == "/gone":
                return

    def proxy(self, errors="", more=""):
        return self.enterContext(Proxy(configuration(self.origin.port, errors, more)))

    def same(self, proxy, paths=(*ORIGINS, "/own"), **how):
        """What each of the paths answers, which is the same bytes."""
        expected = bytes_of(proxy.port, "/genuine", **how)
        self.assertTrue(expected.startswith(b"HTTP/1.1 404 Not Found\r\n"), expected)
        for path in paths:
            with self.subTest(path=path, **{key: str(value) for key, value in how.items()}):
                self.assertEqual(bytes_of(proxy.port, path, **how), expected)
        return expected

    def test_the_public_gets_the_same_bytes_for_the_masked_and_the_genuine(self):
        proxy = self.proxy()
        for accept in ("text/html", "application/json", "application/problem+json", "text/plain",
                       "image/png"):
            self.same(proxy, fields=[("Accept", accept)])
        self.same(proxy, fields=[("Accept", "text/html"), ("Accept-Language", "de")])
        self.same(proxy, fields=[("Authorization", "Basic eDp5"), ("Cookie", "a=b")])

    def test_no_field_of_the_origins_comes_with_it(self):
        self.assertEqual(
            re.findall(rb"(?m)^([A-Za-z-]+):(?= )", self.same(self.proxy()).split(b"\r\n\r\n")[0]),
            [b"Date", b"Content-Type", b"Vary", b"Content-Length", b"Cache-Control", b"Connection",
             b"Proxy-Status", b"Error-Cause", b"Error-Reporter", b"Error-Cleared", b"Error-Fault",
             b"Error-Id"])

    def test_it_is_so_for_head_and_for_http_1_0(self):
        proxy = self.proxy()
        # To a HEAD none of them has a body.
        head = bytes_of(proxy.port, "/own", method="HEAD")
        self.assertTrue(head.endswith(b"\r\n\r\n"))
        self.assertNotEqual(int(re.search(rb"Content-Length: (\d+)", head)[1]), 0)
        self.same(proxy, version="1.0")

    def test_head_of_the_masked_and_the_genuine_is_the_same(self):
        heads = {path: data.split(b"\r\n\r\n")[0] + b"\r\n\r\n" for path, data in ORIGINS.items()
                 if path not in ("/hinted", "/gone", "/late")}

        def script(connection, _):
            while (head := origin.read_request(connection)) is not None:
                connection.sendall(heads[head.split(b" ")[1].decode().rstrip("-")])
        origin = self.enterContext(RawOrigin(script))
        proxy = self.enterContext(Proxy(configuration(origin.port)))
        self.same(proxy, (*heads, "/own"), method="HEAD")

    def test_it_is_so_whatever_becomes_of_other_bodies_and_whoever_gets_fields(self):
        for errors in ("body: keep", "body: replace", "fields: nobody", "details: everyone",
                       "details: nobody, " + OPERATORS, "cors: true", "statuses: edge"):
            self.same(self.proxy(errors))

    def test_connections_go_on_behind_both(self):
        proxy = self.proxy()
        with Client(proxy.port) as client:
            for path in [*ORIGINS, "/own"] * 2:
                client.send(request(path))
                got = client.read()
                with self.subTest(path=path):
                    self.assertEqual((got.status, got.complete, got["Connection"], got.interim),
                                     (404, True, None, []))

    def test_the_story_is_that_of_a_404_that_nobody_looked_at(self):
        proxy = self.proxy()
        for path in (*ORIGINS, "/own"):
            with self.subTest(path=path):
                got = fetch(proxy.port, path)
                self.assertEqual(verdict.of_fields(got), STORY)
                self.assertEqual(verdict.of_text(got.body), STORY)
                self.assertEqual(got["Proxy-Status"], "whichhop; received-status=404")

    def test_the_log_has_the_truth(self):
        proxy = self.proxy()
        for path, met in MET.items():
            with self.subTest(path=path):
                line = verdict.line_of(proxy, fetch(proxy.port, path))
                self.assertEqual((line["http_response_status_code"], line["upstream_status"],
                                  line["fault"], line.get("masked_status")),
                                 (404, met, f"relay-{met}", met if met != 404 else None))
                masks = "the route masks" in "\n".join(line["evidence"])
                self.assertEqual(masks, met != 404)
        line = verdict.line_of(proxy, fetch(proxy.port, "/login"))
        self.assertEqual(line["upstream_body"], '{"login": 1}')
        self.assertIn("Error-Cause: auth", line["upstream_claims"])
        line = verdict.line_of(proxy, fetch(proxy.port, "/own"))
        self.assertEqual((line["fault"], line["masked_status"]), ("respond", 403))

    def test_operators_are_told_the_truth_under_the_status_that_is_claimed(self):
        proxy = self.proxy(OPERATORS)
        for path, met in MET.items():
            with self.subTest(path=path):
                got = fetch(proxy.port, path, fields=[("Accept", "application/json")])
                said = verdict.of_fields(got)
                self.assertEqual((got.status, said.fault), (404, f"relay-{met}"))
                self.assertEqual(said, verdict.of_json(got.json()))
                self.assertEqual(got.json()["status"], 404)
                masked = re.search(r"; masked=(\d+)", got["Error-Fault"])
                self.assertEqual(int(masked[1]) if masked else 404, met)
                self.assertIn(f"received-status={met}", got["Proxy-Status"])
                self.assertEqual(got["Cache-Control"], "private, no-store")
        got = fetch(proxy.port, "/login")
        self.assertIn("gate; error=http_request_denied, whichhop;", got["Proxy-Status"])

    def test_other_statuses_and_other_routes_are_relayed_as_ever(self):
        proxy = self.proxy()
        got = fetch(proxy.port, "/login", host="open.test")
        self.assertEqual((got.status, got["WWW-Authenticate"]), (401, 'Basic realm="secret"'))
        self.assertEqual(got["Set-Cookie"], "s=1")
        ORIGINS["/busy"] = answer(429, "Retry-After: 3", body=b"x")
        ORIGINS["/fine"] = answer(200, "Set-Cookie: a=b", body=b"here")
        self.addCleanup(ORIGINS.pop, "/busy")
        self.addCleanup(ORIGINS.pop, "/fine")
        got = fetch(proxy.port, "/busy")
        self.assertEqual((got.status, got["Retry-After"]), (429, "3"))
        got = fetch(proxy.port, "/fine")
        self.assertEqual((got.status, got["Set-Cookie"], got.body), (200, "a=b", b"here"))

    def test_how_the_body_comes_does_not_tell(self):
        """A body that trickles is not waited for: nothing is sent of it."""
        line = verdict.line_of(proxy := self.proxy(), fetch(proxy.port, "/late"))
        self.assertLess(line["duration_seconds"], 2)


if __name__ == "__main__":
    unittest.main()
