"""Whose error page a relayed error is: of products that run here, of captured ones, and of drops.

Products that are not installed are skipped, and say so; the captured samples of all of them
(tests/diagnostics/samples) are sent by a scripted origin.
"""

import glob
import os
import re
import sys
import time
import unittest

import products
from harness import (Client, Proxy, RawOrigin, fetch, origin_answering, request, wait_for, yaml_for)

SAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "diagnostics", "samples")


def sample(name):
    with open(os.path.join(SAMPLES, f"{name}.http"), "rb") as file:
        return file.read()


def body_of(raw):
    return raw.partition(b"\r\n\r\n")[2]


def cause(response):
    return response["Error-Cause"]


def basis(response):
    return response["Error-Fault"].rpartition("basis=")[2]


# product: {case: (generator, cause, reporter)} at position lb. None: whatever it is, it is documented.
RUNNING = {
    "nginx": {"refused": ("nginx", "app", "server"), "hung": ("nginx", "app", "server"),
              "reset": ("nginx", "app", "server"), "own-503": ("nginx", "server", "server"),
              "own-500": ("nginx", "auth, server", "server"), "own-404": ("nginx", None, None)},
    "haproxy": {"refused": ("haproxy", "server", "server"), "hung": ("haproxy", "app", "server"),
                "reset": ("haproxy", "app", "server"), "garbage": ("haproxy", "app", "server"),
                "own-503": ("haproxy", "server", "server"), "own-500": ("haproxy", "server", "server"),
                "own-403": ("haproxy", None, None)},
    "apache": {"refused": ("apache-proxy", "server", "server"), "hung": ("apache-proxy", "app", "server"),
               "dns": ("apache-proxy", "server", "server"), "own-500": ("apache", "app, server", "server"),
               "own-404": ("apache", None, None)},
    "varnish": {"refused": ("varnish", "server", "server"), "own-404": ("varnish", None, None)},
    "h2o": {"refused": ("h2o", "app, server", "server"), "hung": ("h2o", "app", "server"),
            "garbage": ("h2o", "app", "server"), "own-404": ("h2o", None, None)},
    "trafficserver": {"refused": ("trafficserver", "app, server", "server"),
                      "hung": ("trafficserver", "app", "server"), "dns": ("trafficserver", "server", "server"),
                      "own-404": ("trafficserver", None, None)},
    "caddy": {"refused": ("caddy", "app", "server"), "hung": ("caddy", "app", "server"),
              "own-404": ("caddy", None, None)},
    "squid": {"hung": ("squid", "app", "server"), "reset": ("squid", "app", "server"),
              "denied": ("squid", None, None)},
    "lighttpd": {"refused": ("lighttpd", "app, server", "server"), "hung": ("lighttpd", "app", "server"),
                 "garbage": ("lighttpd", "app", "server"), "own-404": ("lighttpd", None, None)},
    "express": {"own-500": ("express", "app", "app"), "database": ("express", "db", "app"),
                "database-502": ("express", "db", "app"), "own-404": ("express", None, None)},
    "gunicorn": {"own-500": ("gunicorn", "app", "app")},
    "django": {"own-500": ("django", "app", "app"), "own-404": ("django", None, None)},
    "django-debug": {"database": ("django", "db", "app")},
    "werkzeug": {"own-500": ("werkzeug", "app", "app"), "own-502": ("werkzeug", "db", "app"),
                 "own-503": ("werkzeug", "app, db", "app"), "own-404": ("werkzeug", None, None)},
    "uvicorn": {"own-500": ("uvicorn", "app", "app"), "own-404": ("uvicorn", None, None)},
    "puma": {"own-500": ("puma", "app", "app")},
    "php-fpm": {"own-500": ("php-fpm", "app", "app"), "down": ("nginx", "app", "server"),
                "own-404": ("php-fpm", None, None)},
}


class Judged(unittest.TestCase):
    def check(self, proxy, target, expected, what):
        generator, suspects, reporter = expected
        before = len(proxy.log())
        response = fetch(proxy.port, target)
        with self.subTest(what):
            line = proxy.wait_for_log(before + 1)[before]
            self.assertEqual(line.get("upstream_generator"), generator, line)
            self.assertEqual(basis(response), "documented" if suspects is None else "inferred")
            if suspects is not None:
                self.assertEqual((cause(response), response["Error-Reporter"]), (suspects, reporter))
                self.assertTrue(any(evidence.startswith("X8") for evidence in line["evidence"]), line["evidence"])


class RunningProducts(Judged):
    """Each behind whichhop, with its backend refused, hung and so on."""

    def product(self, name):
        kind = next(kind for kind in products.PRODUCTS if kind.name == name)
        try:
            with products.Backends() as backends, kind(backends) as product, Proxy(yaml_for(product.port)) as proxy:
                for case, expected in RUNNING[name].items():
                    self.check(proxy, product.cases[case], expected, f"{name} {case}")
        except products.Missing as missing:
            print(f"SKIPPED: {missing}", file=sys.stderr)
            self.skipTest(str(missing))


def _add_products():
    for name in RUNNING:
        def test(self, name=name):
            self.product(name)
        setattr(RunningProducts, f"test_{name.replace('-', '_')}", test)


_add_products()


class CapturedPages(Judged):
    """What a product sent once, sent again: byte for byte, but for what takes a stock page's place."""

    def relayed(self, name, **blocks):
        with origin_answering(sample(name), keep_alive=False) as origin, \
                Proxy(yaml_for(origin.port, **blocks)) as proxy:
            return fetch(proxy.port), proxy.wait_for_log()[0]

    def test_every_page_of_the_running_products(self):
        for product, cases in RUNNING.items():
            for case, expected in cases.items():
                name = f"{product}-{case}"
                if len(sample(name)) >= 8192:
                    continue  # longer than what is kept of it
                with origin_answering(sample(name), keep_alive=False) as origin, \
                        Proxy(yaml_for(origin.port)) as proxy:
                    self.check(proxy, "/", expected, name)

    def test_a_stock_page_is_replaced_and_logged(self):
        for name in ("nginx-refused", "haproxy-hung", "apache-own-404", "varnish-refused", "trafficserver-hung",
                     "h2o-refused", "lighttpd-refused"):
            with self.subTest(name):
                response, line = self.relayed(name)
                self.assertNotIn(body_of(sample(name))[:20], response.body)
                self.assertEqual(line["upstream_body"].encode(), body_of(sample(name))[:1024])
                self.assertIn("Accept", ", ".join(response.all("Vary")))

    def test_an_apps_page_is_added_to(self):
        for name in ("express-own-404", "express-own-500", "werkzeug-own-404", "tomcat-own-404", "gunicorn-own-500"):
            with self.subTest(name):
                response, line = self.relayed(name)
                theirs, panels = re.subn(b"<aside .*</aside>\n", b"", response.body, flags=re.S)
                self.assertEqual((theirs, panels), (body_of(sample(name)), 1))
                self.assertNotIn("upstream_body", line)

    def test_keep_keeps_and_still_tells_whose_page_it_is(self):
        for name in ("nginx-refused", "haproxy-hung", "squid-hung"):
            with self.subTest(name):
                response, line = self.relayed(name, errors="body: keep")
                self.assertEqual(response.body, body_of(sample(name)))
                self.assertEqual(line["upstream_generator"], name.partition("-")[0])
                self.assertEqual(basis(response), "inferred")

    def test_no_transform_keeps_a_stock_page(self):
        raw = sample("nginx-refused").replace(b"\r\nDate", b"\r\nCache-Control: private, no-transform\r\nDate")
        with origin_answering(raw, keep_alive=False) as origin, Proxy(yaml_for(origin.port)) as proxy:
            self.assertEqual(fetch(proxy.port).body, body_of(raw))

    def test_an_encoded_page_is_judged_by_its_head(self):
        raw = sample("nginx-refused").replace(b"\r\nDate", b"\r\nContent-Encoding: gzip\r\nDate")
        with origin_answering(raw, keep_alive=False) as origin, Proxy(yaml_for(origin.port)) as proxy:
            response = fetch(proxy.port)
            self.assertEqual((response.body, basis(response)), (body_of(raw), "documented"))

    def test_a_head_request_has_no_page(self):
        with origin_answering(sample("nginx-refused").partition(b"\r\n\r\n")[0] + b"\r\n\r\n",
                              keep_alive=False) as origin, Proxy(yaml_for(origin.port)) as proxy:
            response = fetch(proxy.port, method="HEAD")
            self.assertEqual((response.status, basis(response)), (502, "documented"))


class WhatIsUsual(Judged):
    """The same page is a balancer's or the server's: what usually answers there tells."""

    def judged(self, usual):
        good = b"HTTP/1.1 200 OK\r\nServer: " + usual + b"\r\nContent-Length: 2\r\n\r\nok"
        bad = sample("nginx-refused")

        def script(connection, number):
            origin.read_request(connection)
            connection.sendall(good if number < 4 else bad)

        origin = RawOrigin(script)
        with origin, Proxy(yaml_for(origin.port, node="position: cdn")) as proxy:
            for _ in range(3):
                self.assertEqual(fetch(proxy.port).body, b"ok")
            response = fetch(proxy.port)
            return (response["Error-Fault"].partition('"')[2].partition('"')[0], response["Error-Reporter"],
                    proxy.wait_for_log(4)[3]["evidence"])

    def test_another_product_wrote_it(self):
        row, reporter, evidence = self.judged(b"gunicorn")
        self.assertEqual((row, reporter), ("502A", "lb"))
        self.assertTrue(any("gunicorn usually answers there" in each for each in evidence), evidence)

    def test_the_usual_box_wrote_it(self):
        row, reporter, _ = self.judged(b"nginx/1.22.1")
        self.assertEqual((row, reporter), ("502C", "server"))


class PagesInPieces(unittest.TestCase):
    """An error is held back for its page's beginning: for a moment, and then relayed as it came."""

    def drip(self, pieces, gap, head, before_end=None):
        def script(connection, _):
            origin.read_request(connection)
            connection.sendall(head)
            for piece in pieces:
                time.sleep(gap)
                connection.sendall(piece)
            if before_end:
                before_end(connection)

        origin = RawOrigin(script)
        return origin

    def test_a_page_in_pieces_is_read_together(self):
        raw = sample("nginx-refused")
        head, _, body = raw.partition(b"\r\n\r\n")
        with self.drip([body[:40], body[40:90], body[90:]], 0.01, head + b"\r\n\r\n") as origin, \
                Proxy(yaml_for(origin.port, errors="body: keep")) as proxy:
            response = fetch(proxy.port)
            self.assertEqual((response.body, basis(response)), (body, "inferred"))

    def test_a_chunked_page_is_read_without_its_chunks(self):
        body = body_of(sample("nginx-refused"))
        head = b"HTTP/1.1 502 Bad Gateway\r\nServer: nginx\r\nTransfer-Encoding: chunked\r\n\r\n"
        pieces = [b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:30], body[30:100], body[100:])]
        for policy, expected in (("keep", body), ("augment", None)):
            with self.subTest(policy), self.drip([*pieces, b"0\r\n\r\n"], 0.005, head) as origin, \
                    Proxy(yaml_for(origin.port, errors=f"body: {policy}")) as proxy:
                response = fetch(proxy.port)
                self.assertEqual(basis(response), "inferred")
                if expected:
                    self.assertEqual(response.body, expected)
                else:
                    self.assertNotIn(b"<center>", response.body)

    def test_errors_in_drops_are_held_for_a_moment_only(self):
        pieces = [b"%d " % n for n in range(20)]
        head = b"HTTP/1.1 500 Oops\r\nContent-Type: text/plain\r\n\r\n"
        with self.drip(pieces, 0.2, head) as origin, Proxy(yaml_for(origin.port)) as proxy, \
                Client(proxy.port) as client:
            begun = time.monotonic()
            client.send(request())
            self.assertEqual(client.read_head().status, 500)
            # 4 s of drops: the head did not wait for more than its share.
            self.assertLess(time.monotonic() - begun, 2.5)
            data = b""
            while b"19 " not in data:
                data += client.socket.recv(4096)
        origin.stop()

    def test_events_never_wait(self):
        head = b"HTTP/1.1 503 Busy\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n"
        with self.drip([], 0, head, before_end=lambda connection: connection.recv(1)) as origin, \
                Proxy(yaml_for(origin.port)) as proxy, Client(proxy.port) as client:
            client.send(request())
            self.assertEqual(client.read_head().status, 503)
            self.assertIn(b"data: 1", client.buffer or client.socket.recv(4096))

    def test_a_cut_page_is_relayed_as_far_as_it_came(self):
        body = b"half of an error"
        head = b"HTTP/1.1 500 Oops\r\nContent-Length: 100\r\n\r\n"
        with self.drip([body], 0.01, head) as origin, Proxy(yaml_for(origin.port)) as proxy:
            response = fetch(proxy.port)
            self.assertEqual((response.status, response.body, response.complete), (500, body, False))
            self.assertEqual(proxy.wait_for_log()[0]["fault"], "body-cl-short-fin")

    def test_a_page_that_only_the_end_delimits_is_whole(self):
        body = b"x" * 3000
        with self.drip([body[:1000], body[1000:]], 0.005, b"HTTP/1.1 500 Oops\r\n\r\n") as origin, \
                Proxy(yaml_for(origin.port)) as proxy:
            response = fetch(proxy.port)
            self.assertEqual((response.body, response.complete), (body, True))

    def test_long_errors_pass_as_they_are(self):
        body = os.urandom(300_000)
        for head in (b"HTTP/1.1 500 Oops\r\nContent-Length: %d\r\n\r\n" % len(body), b"HTTP/1.1 500 Oops\r\n\r\n"):
            with self.drip([body], 0, head) as origin, Proxy(yaml_for(origin.port)) as proxy:
                self.assertEqual(fetch(proxy.port).body, body)

    def test_the_connection_of_a_replaced_page_is_kept(self):
        raw = sample("haproxy-hung").replace(b"connection: close\r\n", b"")
        with origin_answering(raw) as origin, Proxy(yaml_for(origin.port)) as proxy, Client(proxy.port) as client:
            for _ in range(5):
                self.assertEqual(client.send(request()).read().status, 504)
            self.assertEqual(origin.connections, 1)


class Remarks(unittest.TestCase):
    def remarks(self, raw, **blocks):
        with origin_answering(raw, keep_alive=False) as origin, Proxy(yaml_for(origin.port, **blocks)) as proxy:
            response = fetch(proxy.port)
            return response, proxy.wait_for_log()[0]

    def test_a_401_without_a_challenge(self):
        response, line = self.remarks(b"HTTP/1.1 401 No\r\nContent-Length: 3\r\n\r\nno!")
        self.assertEqual((response.status, response.body, response["WWW-Authenticate"]), (401, b"no!", None))
        self.assertEqual(line["upstream_remarks"], "noncompliant-401")
        _, line = self.remarks(b"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 3\r\n\r\nno!")
        self.assertNotIn("upstream_remarks", line)

    def test_a_404_that_may_hide_a_401(self):
        secret = b"HTTP/1.1 404 Not Found\r\nVary: Cookie\r\nContent-Length: 15\r\n\r\nsecret, go away"
        plain = b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone"
        good = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

        def script(connection, _):
            while (data := origin.read_request(connection)) is not None:
                there = b"Authorization:" in data
                connection.sendall(good if there else secret if b"/secret" in data else plain)

        origin = RawOrigin(script)
        with origin, Proxy(yaml_for(origin.port)) as proxy:
            for target, fields in (("/x", ()), ("/y", ()), ("/secret", ()), ("/y", ()),
                                   ("/page", [("Authorization", "Basic eDp5")]), ("/page", ())):
                response = fetch(proxy.port, target, fields=fields)
            self.assertEqual((response.status, cause(response)), (404, "image-host, datastore"))
            lines = proxy.wait_for_log(6)
            self.assertEqual([line.get("upstream_remarks") for line in lines],
                             [None, None, "possible-mask", None, None, None])

    def test_a_login_page_of_a_portal(self):
        _, line = self.remarks(b"HTTP/1.1 511 Login\r\nContent-Type: text/html\r\n\r\n"
                               b"<!-- <WISPAccessGatewayParam> -->")
        self.assertEqual((line["upstream_remarks"], line["cause"]), ("possible-portal", ["router"]))

    def test_a_407_keeps_its_realm_in_the_log(self):
        response, line = self.remarks(b"HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=\"squid\"\r\n"
                                      b"Content-Length: 0\r\n\r\n")
        self.assertEqual((response.status, response["Proxy-Authenticate"]), (502, None))
        self.assertTrue(any('Basic realm="squid"' in each for each in line["evidence"]), line["evidence"])


class Samples(unittest.TestCase):
    def test_those_that_run_here_were_captured_too(self):
        captured = {os.path.basename(path)[:-len(".http")] for path in glob.glob(os.path.join(SAMPLES, "*.http"))}
        for product, cases in RUNNING.items():
            for case in cases:
                self.assertIn(f"{product}-{case}", captured)


if __name__ == "__main__":
    unittest.main()
