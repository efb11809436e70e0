"""Three hops deep: whichhop as the CDN, whichhop as the balancer, nginx on the server, an app.

A fault is put in at every level, and what each level says of it is compared with what is broken.
Where the outer proxies believe, innermost knowledge wins; where they do not, nothing moves.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import verdict
from harness import PATIENCE, Client, Proxy, RawOrigin, fetch, free_port, wait_for
from nameserver import NXDOMAIN, Nameserver

NGINX = """
worker_processes 1; daemon off; pid {folder}/pid; error_log stderr crit;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    client_max_body_size 1000;
    location / {{ proxy_pass http://127.0.0.1:{app}; proxy_read_timeout 600ms; }}
    location /patient/ {{ proxy_pass http://127.0.0.1:{app}; proxy_read_timeout 60s; }}
  }}
}}
"""


def find_nginx():
    path = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if path is None:
        print("SKIPPED: nginx is not installed", file=sys.stderr)
        raise unittest.SkipTest("nginx is not installed")
    return path


class Nginx:
    """On the server, before the app."""

    def __init__(self, app_port):
        self.folder = tempfile.TemporaryDirectory(prefix="whichhop-test-")
        os.chmod(self.folder.name, 0o755)  # its workers may be somebody else
        self.port = free_port()
        config = f"{self.folder.name}/nginx.conf"
        with open(config, "w", encoding="ascii") as file:
            file.write(NGINX.format(folder=self.folder.name, port=self.port, app=app_port))
        self.errors = open(f"{self.folder.name}/stderr", "wb")
        self.process = subprocess.Popen([find_nginx(), "-p", self.folder.name, "-c", config, "-e", "stderr"],
                                        stdin=subprocess.DEVNULL, stdout=self.errors, stderr=self.errors)
        wait_for(self._listens, "nginx to listen")

    def _listens(self):
        assert self.process.poll() is None, "nginx ended"
        try:
            Client(self.port).close()
            return True
        except OSError:
            return False

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()  # the master ends its workers
            self.process.wait(PATIENCE)
        self.errors.close()
        self.folder.cleanup()


def answer(status, *fields):
    return ("\r\n".join([f"HTTP/1.1 {status} X", *fields, "Content-Length: 0"]) + "\r\n\r\n").encode()


FORGED = ("Error-Cause: browser", "Error-Reporter: teapot", "Error-Cleared: app, db",
          'Error-Fault: forged; row="404"', 'Error-Id: "FORGED"',
          "Proxy-Status: x; error=http_request_error")

# What the app says to a path; None: nothing at all.
APP = {
    "/ok": answer(200),
    "/500": answer(500),
    "/500-db": answer(500, "Error-Cause: db"),
    "/502-db": answer(502, "Error-Cause: db", "Error-Reporter: app"),
    "/503-auth": answer(503, "Error-Cause: auth", "Error-Reporter: app"),
    "/502-gateway": answer(502, "Proxy-Status: app-gw; error=connection_refused"),
    "/504-at-once": answer(504, "Proxy-Status: app-gw; error=http_response_timeout"),
    "/502": answer(502),
    "/502-forged": answer(502, *FORGED),
    "/507-forged": answer(507, *FORGED[-1:]),
    "/507": answer(507),
    "/200-forged": answer(200, *FORGED),
    "/404": answer(404),
    "/empty": b"",
    "/garbage": b"no HTTP here\r\n\r\n",
    "/hang": None,
    "/patient/hang": None,
}


class App(RawOrigin):
    """Dies with the test: connections that it leaves hanging end with it."""

    def __init__(self):
        super().__init__(self._answer)
        self.paths = []

    def _answer(self, connection, _):
        while data := self.read_request(connection):
            path = data.split(b" ")[1].decode().partition("?")[0]
            self.paths.append(path)
            said = APP[path]
            if said is None:
                return connection.recv(1)  # until the other side gives up
            connection.sendall(said)
            if not said.endswith(b"\r\n\r\n") or not said.startswith(b"HTTP"):
                return None  # and closes
        return None


def hop_yaml(position, name, port, is_, believe, blocks="", upstream="", node=""):
    host = port if isinstance(port, str) else f"127.0.0.1:{port}"
    return (f'listen: ["127.0.0.1:0"]\n'
            f"node: {{workers: 1, name: {name}, position: {position}{node}}}\n{blocks}"
            f'upstreams: {{app: {{servers: ["{host}"], is: {is_}, believe: {str(believe).lower()}{upstream}}}}}\n'
            f"routes:\n"
            f"  - {{path: /closed, respond: 503}}\n  - {{upstream: app}}\n")


# So that a fault is the balancer's where it should be, and soon.
INNER = ("timeouts: {response_head: 2s, connect: 2s, dns: 1s}\n"
         "limits: {request_target: 300B, header_bytes: 4KiB}\n")
OUTER = "timeouts: {response_head: 30s, connect: 2s}\n"


class Chain:
    """edge (cdn) -> balancer (lb) -> what listens on `port`."""

    def __init__(self, port, believe=True, inner_believes=None, inner=INNER, **how):
        inner_believes = believe if inner_believes is None else inner_believes
        self.balancer = Proxy(hop_yaml("lb", "balancer", port, "server", inner_believes, inner, **how))
        edge = hop_yaml("cdn", "edge", self.balancer.port, "lb", believe, OUTER)
        self.edge = Proxy(edge.replace("  - {path: /closed, respond: 503}\n", ""))
        self.asked = 0

    def ask(self, path, **request):
        """The answer, and the log's lines of both proxies."""
        self.asked += 1
        target = path if "?" in path else f"{path}?{self.asked}"
        fields = [*request.pop("fields", ()), ("X-Request-Id", f"ask-{self.asked}")]
        response = fetch(self.edge.port, target, fields=fields, **request)
        mark = {"request_id": f"ask-{self.asked}"}
        lines = [verdict.logged(self.edge, **mark)]
        if self.balancer.process.poll() is None:
            lines.append(wait_for(lambda: next(
                (line for line in self.balancer.log() if line.get("request_id") == mark["request_id"]
                 or line.get("error_id") and line["error_id"] in (lines[0].get("upstream_claims") or "")),
                None), "the balancer's line"))
        return response, *lines

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.edge.stop()
        self.balancer.stop()


def short(line):
    """rows | cause | reporter | basis, of a line of the log."""
    return " | ".join((" ".join(line["row"]) or "-", ",".join(line["cause"]) or "-",
                       ",".join(line["reporter"]) or "-", line["basis"]))


class ChainTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        find_nginx()
        cls.app = App()
        cls.addClassCleanup(cls.app.stop)
        cls.nginx = Nginx(cls.app.port)
        cls.addClassCleanup(cls.nginx.stop)

    def chain(self, *arguments, **keywords):
        return self.enterContext(Chain(*arguments, **keywords))

    def assert_named(self, truth, *lines):
        """No level clears what is broken, and each names it or nobody."""
        for line in lines:
            self.assertNotIn(truth, line["cleared"], line)
            self.assertTrue(not line["cause"] or truth in line["cause"], line)

    def assert_agree(self, response, line):
        """What the client reads is what the log says."""
        self.assertEqual(verdict.of_fields(response), verdict.of_json(line))

    def assert_signed(self, response, *names):
        """The members of Proxy-Status, the origin's side first."""
        members = [member.partition(";")[0] for member in response["Proxy-Status"].split(", ")]
        self.assertEqual(members, list(names))


# What is asked for, what is broken, the status, what the balancer says, and what the edge says of it.
BELIEVED = (
    ("/500", "app", 500, "500 | app | app | documented", "500 | app | app | claimed"),
    ("/500-db", "db", 500, "500 | db | app | claimed", "500 | db | app | claimed"),
    ("/502-db", "db", 502, "502B | db | app | claimed", "502B | db | app | claimed"),
    ("/503-auth", "auth", 503, "503 | auth | app | claimed", "503 | auth | app | claimed"),
    # nginx is all that was ever seen there, and its page says so.
    ("/empty", "app", 502, "502C | app | server | inferred", "502C | app | server | claimed"),
    # Of old HTTP, nginx thinks, and sends it on.
    ("/garbage", "app", 502, "502A | server,app | lb | observed", "502A | server,app | lb | claimed"),
    # nginx gives up, and says 504; or the balancer does before it.
    ("/hang", "app", 504, "504C | app | server | inferred", "504C | app | server | claimed"),
    ("/patient/hang", "app", 504, "504A | app | lb | observed", "504A | app | lb | claimed"),
    ("/closed", "lb", 503, "503 | lb | lb | observed", "503 | lb | lb | claimed"),
)

# The same where nobody believes anybody: the edge knows its rows alone.
UNBELIEVED = {
    "/500": "500 | app | app | documented",
    "/500-db": "500 | app | app | documented",
    "/502-db": "502A 502B 502C | app,db | lb,server,app | documented",
    "/503-auth": "503 | server | lb | documented",
    "/empty": "502A 502B 502C | app,db | lb,server,app | documented",
    "/garbage": "502A 502B 502C | app,db | lb,server,app | documented",
    "/hang": "504A 504C | app | lb,server | inferred",
    "/patient/hang": "504A 504B 504C | app,db | lb,server,app | documented",
    "/closed": "503 | server | lb | documented",
}


class InTheApp(ChainTest):
    def test_an_answer_that_is_fine_has_no_word_of_blame(self):
        response, edge, balancer = self.chain(self.nginx.port).ask("/ok")
        self.assertEqual(response.status, 200)
        for name in ("Proxy-Status", "Error-Cause", "Error-Fault"):
            self.assertIsNone(response[name])
        self.assertNotIn("upstream_claims", edge)
        self.assertNotIn("upstream_claims", balancer)

    def test_what_the_innermost_knows_is_what_the_outermost_says(self):
        chain = self.chain(self.nginx.port)
        for path, truth, status, inner, outer in BELIEVED:
            with self.subTest(path):
                response, edge, balancer = chain.ask(path)
                self.assertEqual(response.status, status)
                self.assertEqual((short(balancer), short(edge)), (inner, outer))
                self.assert_named(truth, edge, balancer)
                self.assert_agree(response, edge)
                self.assert_signed(response, "balancer", "edge")
                self.assertEqual(edge["upstream_claims_taken"], "believed")
                self.assertIn(balancer["error_id"], edge["upstream_claims"])
                self.assertTrue([said for said in edge["evidence"] if said.startswith("claim: ")])

    def test_nothing_moves_where_nobody_is_believed(self):
        chain = self.chain(self.nginx.port, believe=False)
        for path, _, status, _, _ in BELIEVED:
            with self.subTest(path):
                response, edge, balancer = chain.ask(path)
                self.assertEqual(response.status, status)
                self.assertEqual(short(edge), UNBELIEVED[path])
                self.assertNotEqual(balancer["basis"], "claimed")
                self.assert_agree(response, edge)
                self.assertEqual(edge["upstream_claims_taken"], "ignored")

    def test_who_is_believed_need_not_believe(self):
        """The balancer does not believe its app, and the edge believes the balancer."""
        chain = self.chain(self.nginx.port, believe=True, inner_believes=False)
        _, edge, balancer = chain.ask("/502-db")
        self.assertEqual(short(balancer), "502B 502C | app,db | server,app | documented")
        self.assertEqual(short(edge), "502B 502C | app,db | server,app | claimed")
        self.assertEqual(balancer["upstream_claims_taken"], "ignored")

    def test_a_gateway_inside_the_app_is_heard(self):
        """By its Proxy-Status alone. nginx says nothing of itself: what answers the balancer seems to speak."""
        response, edge, balancer = self.chain(self.nginx.port).ask("/502-gateway")
        self.assertEqual(short(balancer), "502C | app,server | server | claimed")
        self.assertEqual(short(edge), "502C | app,server | server | claimed")
        self.assert_signed(response, "app-gw", "balancer", "edge")

    def test_a_timeout_that_comes_at_once_is_quarantined(self):
        _, edge, balancer = self.chain(self.nginx.port).ask("/504-at-once")
        if balancer["first_byte_seconds"] >= 0.01:
            self.skipTest("this machine is too slow for it")
        self.assertEqual(short(balancer), "504B 504C | app,db | server,app | documented")
        self.assertEqual(balancer["upstream_claims_taken"], "quarantined")
        self.assertRegex(" ".join(balancer["evidence"]), "quarantined .*came at once")
        self.assertEqual(short(edge), "504B 504C | app,db | server,app | claimed")

    def test_the_app_stopped(self):
        app = App()
        nginx = Nginx(app.port)
        self.addCleanup(nginx.stop)
        chain = self.chain(nginx.port)
        self.assertEqual(chain.ask("/ok")[0].status, 200)
        app.stop()
        self.addCleanup(app.stop)
        # An app that listens no more may still hold its connections.
        response, edge, balancer = wait_for(
            lambda: (said := chain.ask("/ok"))[0].status == 502 and said, "nginx to be refused")
        self.assertEqual(short(edge), "502C | app | server | claimed")
        self.assert_named("app", edge, balancer)
        self.assert_agree(response, edge)


class OnTheServer(ChainTest):
    def test_nginx_stopped(self):
        for believe in (True, False):
            with self.subTest(believe=believe):
                nginx = Nginx(self.app.port)
                self.addCleanup(nginx.stop)
                chain = self.chain(nginx.port, believe=believe)
                self.assertEqual(chain.ask("/ok")[0].status, 200)
                nginx.stop()
                response, edge, balancer = chain.ask("/ok")
                self.assertEqual(response.status, 502)
                self.assertEqual((balancer["fault"], balancer["reporter"]), ("connect-refused-rst", ["lb"]))
                self.assert_agree(response, edge)
                # What listens there is the server's own program. The edge alone can't know of it.
                self.assert_named("server", balancer, *([edge] if believe else []))
                self.assertEqual(edge["basis"], "claimed" if believe else "documented")
                self.assertEqual(edge["row"], ["502A"] if believe else ["502A", "502B", "502C"])
                self.assertEqual(edge["cause"] == balancer["cause"], believe)

    def test_a_limit_of_nginx(self):
        """413 has no row: all that is known is who answered."""
        chain = self.chain(self.nginx.port)
        response, edge, balancer = chain.ask("/ok", method="POST", body=b"x" * 2000)
        self.assertEqual(response.status, 413)
        self.assertEqual(short(balancer), "- | - | server | observed")
        self.assertEqual(short(edge), "- | - | lb | observed")
        self.assertEqual(edge["upstream_claims_taken"], "ignored")


class AtTheBalancer(ChainTest):
    def test_the_balancer_stopped(self):
        chain = self.chain(self.nginx.port)
        self.assertEqual(chain.ask("/ok")[0].status, 200)
        chain.balancer.process.terminate()
        chain.balancer.wait()
        response, edge = chain.ask("/ok")
        self.assertEqual((response.status, edge["fault"], edge["basis"]), (521, "connect-refused-rst", "observed"))
        self.assert_named("lb", edge)
        self.assert_agree(response, edge)
        self.assert_signed(response, "edge")

    def test_the_balancer_gives_up_before_nginx_does(self):
        chain = self.chain(self.nginx.port, inner=INNER.replace("response_head: 2s", "response_head: 300ms"))
        response, edge, balancer = chain.ask("/hang")
        self.assertEqual((response.status, balancer["fault"]), (504, "resp-timeout-ttfb"))
        self.assertEqual(short(edge), "504A | app | lb | claimed")
        self.assert_named("app", edge, balancer)

    def test_the_name_of_its_upstream_does_not_exist(self):
        nameserver = Nameserver(NXDOMAIN)
        self.addCleanup(nameserver.socket.close)
        for believe in (True, False):
            chain = self.chain("app.test:80", believe=believe,
                               node=f', resolvers: ["127.0.0.1:{nameserver.port}"]')
            response, edge, balancer = chain.ask("/ok")
            self.assertEqual((response.status, balancer["fault"]), (502, "dns-nxdomain"))
            self.assert_agree(response, edge)
            if believe:
                self.assertEqual(short(edge), "502A | dns,lb | lb | claimed")
                self.assert_named("dns", edge, balancer)
            else:
                self.assertEqual(short(edge), "502A 502B 502C | app,db | lb,server,app | documented")

    def test_its_limits_are_told_by_it(self):
        chain = self.chain(self.nginx.port)
        cases = (("/ok?" + "q" * 400, (), 414, "req-target-too-long"),
                 ("/ok", [("X-Large", "x" * 5000)], 431, "req-head-too-large"))
        for path, fields, status, fault in cases:
            with self.subTest(fault):
                response, edge, balancer = chain.ask(path, fields=fields)
                self.assertEqual((response.status, balancer["fault"]), (status, fault))
                self.assertEqual((edge["basis"], edge["reporter"]), ("claimed", ["lb"]))
                self.assertEqual(edge["cause"], balancer["cause"])
                self.assert_agree(response, edge)

    def test_no_claim_makes_a_retry_or_an_ejection(self):
        with App() as app:
            chain = self.chain(app.port, upstream=", eject: {consecutive_faults: 1, for: 60s}, "
                                                  "retry: {attempts: 3, on: [connect, stale]}")
            for _ in range(5):
                response, edge, balancer = chain.ask("/502-gateway")
                self.assertEqual((response.status, edge["fault"], balancer["fault"]),
                                 (502, "relay-502", "relay-502"))
                self.assertEqual(len(balancer["attempts"]), 1)
            self.assertEqual(app.paths, ["/502-gateway"] * 5)
            self.assertEqual(chain.ask("/ok")[0].status, 200)


class Forgery(ChainTest):
    def assert_nothing_of(self, response):
        self.assertNotIn("FORGED", str(response.fields))
        self.assertNotIn("teapot", str(response.fields))
        self.assertNotIn("browser", response["Error-Cause"] or "")

    def test_who_is_not_believed_moves_nothing(self):
        chain = self.chain(self.nginx.port, believe=False)
        _, plain_edge, plain_balancer = chain.ask("/502")
        response, edge, balancer = chain.ask("/502-forged")
        for forged, plain in ((edge, plain_edge), (balancer, plain_balancer)):
            self.assertEqual(verdict.of_json(forged), verdict.of_json(plain))
            self.assertEqual(forged["upstream_claims_taken"], "ignored")
        self.assert_nothing_of(response)
        self.assertIn("Error-Cause: browser", balancer["upstream_claims"])
        self.assertRegex(" ".join(balancer["evidence"]), r"claim: .*browser.* ignored \(believe: false\)")
        self.assert_signed(response, "x", "balancer", "edge")

    def test_who_is_believed_and_contradicts_itself_moves_nothing(self):
        chain = self.chain(self.nginx.port)
        response, edge, balancer = chain.ask("/502-forged")
        self.assertEqual(short(balancer), "502B 502C | app,db | server,app | documented")
        self.assertEqual(balancer["upstream_claims_taken"], "quarantined")
        # The balancer's own word is not tainted by what it did not take.
        self.assertEqual(short(edge), "502B 502C | app,db | server,app | claimed")
        self.assert_nothing_of(response)

    def test_nobody_is_believed_through_a_balancer_that_does_not_believe(self):
        chain = self.chain(self.nginx.port, believe=True, inner_believes=False)
        for path, plain in (("/502-forged", "/502"), ("/507-forged", "/507")):
            with self.subTest(path):
                response, edge, _ = chain.ask(path)
                _, expected, _ = chain.ask(plain)
                self.assertEqual(verdict.of_json(edge), verdict.of_json(expected))
                self.assert_nothing_of(response)

    def test_a_success_has_no_blame_to_forge(self):
        for believe in (True, False):
            chain = self.chain(self.nginx.port, believe=believe)
            response, edge, balancer = chain.ask("/200-forged")
            self.assertEqual(response.status, 200)
            self.assertEqual([name for name, _ in response.fields if name.lower().startswith("error-")], [])
            self.assertEqual(balancer["upstream_claims_taken"], "ignored")
            self.assertNotIn("cause", edge)

    def test_nobody_speaks_in_our_name_who_is_believed(self):
        with RawOrigin(lambda connection, _: (self.origin.read_request(connection), connection.sendall(
                answer(502, "Proxy-Status: balancer; error=dns_error, edge; error=dns_error",
                       "Error-Cause: app")))) as self.origin:
            chain = self.chain(self.origin.port)
            response, _, _ = chain.ask("/x")
            self.assert_signed(response, "balancer", "edge")
            self.assertNotIn("dns_error", response["Proxy-Status"])


if __name__ == "__main__":
    unittest.main()
