"""`whichhop probe`: an origin asked once from the command line, and the same verdicts as of a proxy."""

import concurrent.futures
import contextlib
import json
import os
import pty
import re
import socket
import subprocess
import tempfile
import unittest

import fault_table
import tls_fault_table
import verdict
from documented import in_order
from fault_table import hops_at
from harness import PATIENCE, WHICHHOP, Origin, RawOrigin, free_port, origin_answering
from nameserver import NXDOMAIN, REFUSED, SERVFAIL, Nameserver
from tls_certificates import NAME, Certificates
from tls_peers import TlsOrigin

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
TIMES = "dns: 600ms, connect: 500ms, tls: 1s, response_head: 1s, response_body: 1s"


def run(*arguments, environment=None):
    done = subprocess.run([WHICHHOP, "probe", *arguments], stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=4 * PATIENCE,
                          env={**os.environ, **(environment or {})})
    assert b"Sanitizer" not in done.stderr and b"runtime error" not in done.stderr, done.stderr
    return done


def probe(*arguments):
    """(exit code, the JSON object)."""
    done = run("--json", *arguments)
    assert done.stdout.count(b"\n") == 1, done
    return done.returncode, json.loads(done.stdout)


def states(report):
    return {step["step"]: step["state"] for step in report["steps"]}


@contextlib.contextmanager
def configuration(text):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(text)
        file.flush()
        yield file.name


def configured(servers="127.0.0.1:1", node="", upstream="", more=""):
    return configuration(
        f'listen: ["127.0.0.1:0"]\nnode: {{workers: 1{node}}}\ntimeouts: {{{TIMES}}}\n'
        f'upstreams: {{app: {{servers: ["{servers}"]{upstream}}}}}\nroutes: [{{upstream: app}}]\n{more}')


def in_parallel(function, things):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        return list(pool.map(function, things))


class Healthy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.origin = cls.enterClassContext(Origin())
        cls.url = f"http://127.0.0.1:{cls.origin.port}"

    def test_all_steps_of_a_healthy_origin(self):
        code, report = probe(self.url + "/bytes/100")
        self.assertEqual(code, 0)
        self.assertTrue(report["healthy"])
        self.assertIsNone(report["verdict"])
        self.assertEqual(states(report),
                         {"dns": "skipped", "tcp": "ok", "tls": "skipped", "http": "ok"})
        self.assertEqual(report["address"], f"127.0.0.1:{self.origin.port}")
        response = report["response"]
        self.assertEqual((response["status"], response["body_bytes"], response["complete"]),
                         (200, 100, True))
        times = [step["seconds"] for step in report["steps"] if "seconds" in step]
        self.assertTrue(all(0 < each <= report["seconds"] for each in times), times)
        hop, = report["route"]
        self.assertEqual((hop["ttl"], hop["answer"], hop["address"]), (1, "target", "127.0.0.1"))

    def test_a_name_is_looked_up(self):
        code, report = probe(f"http://localhost:{self.origin.port}/bytes/1")
        self.assertEqual((code, states(report)["dns"]), (0, "ok"))
        self.assertIn("127.0.0.1", report["addresses"])

    def test_a_redirect_is_an_answer(self):
        with origin_answering(b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n") as origin:
            code, report = probe(f"http://127.0.0.1:{origin.port}/")
        self.assertEqual(code, 0)
        self.assertEqual(report["response"]["fields"], ["Location: /x"])

    def test_a_body_without_an_end_is_read_for_its_time(self):
        def drip(connection, _):
            origin.read_request(connection)
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                connection.sendall(b"x" * 1000)
        origin = self.enterContext(RawOrigin(drip))
        code, report = probe("--timeout", "1s", f"http://127.0.0.1:{origin.port}/")
        self.assertEqual((code, report["response"]["complete"]), (0, False))
        self.assertGreater(report["response"]["body_bytes"], 0)

    def test_an_ipv6_address(self):
        with Origin("--listen", "[::1]:0") as origin:
            code, report = probe(f"http://[::1]:{origin.port}/bytes/1")
        self.assertEqual((code, report["route"][0]["address"]), (0, "::1"))

    def test_a_unix_socket_has_no_route(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "s")
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(path)
                listener.listen()
                code, report = probe("--timeout", "500ms", "--connect-to", f"unix:{path}",
                                     "http://app.test/")
        self.assertEqual((code, report["route"]), (1, None))
        self.assertEqual(report["verdict"]["fault"], "resp-timeout-ttfb")


class Request(unittest.TestCase):
    """What the origin is asked."""

    def ask(self, *arguments, path="/a/b?c=d#e"):
        origin = self.enterContext(origin_answering(OK))
        code, report = probe(*arguments, f"http://127.0.0.1:{origin.port}{path}")
        asked = [data for data in origin.requests if data]
        self.assertEqual((code, len(asked)), (0, 1))
        line, *fields = asked[0].decode().rstrip().split("\r\n")
        return origin, report, line, dict(field.split(": ", 1) for field in fields)

    def test_a_get_of_the_path_and_query(self):
        origin, report, line, fields = self.ask()
        self.assertEqual(line, "GET /a/b?c=d HTTP/1.1")
        self.assertEqual(fields, {"Host": f"127.0.0.1:{origin.port}", "User-Agent": "whichhop",
                                  "Accept": "*/*", "X-Request-Id": report["request_id"],
                                  "Connection": "close"})

    def test_a_query_without_a_path(self):
        self.assertEqual(self.ask(path="?c")[2], "GET /?c HTTP/1.1")

    def test_head_and_fields_of_ones_own(self):
        origin = self.enterContext(origin_answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"))
        code, _ = probe("-I", "-H", "host: shop.example", "-H", "X-A: b c",
                        f"http://127.0.0.1:{origin.port}/")
        asked = origin.requests[0].decode()
        self.assertEqual(code, 0)
        self.assertTrue(asked.startswith("HEAD / HTTP/1.1\r\n"))
        self.assertEqual(re.findall(r"(?im)^host: *(.*?)\r$", asked), ["shop.example"])
        self.assertIn("X-A: b c\r\n", asked)

    def test_another_address_than_the_urls(self):
        with origin_answering(OK) as origin:
            code, report = probe("--connect-to", f"127.0.0.1:{origin.port}", "http://shop.example/")
            self.assertEqual(code, 0)
            self.assertIn(b"Host: shop.example\r\n", origin.requests[0])
        self.assertEqual(states(report)["dns"], "skipped")


class Usage(unittest.TestCase):
    def test_what_makes_no_sense_is_told_and_exits_2(self):
        for arguments in ([], ["foo"], ["ftp://a/"], ["http://"], ["http://a b/"], ["http://a/\x01"],
                          ["http://u:p@a/"], ["http://a:99999/"], ["http://a/", "http://b/"],
                          ["--timeout", "5", "http://a/"], ["--timeout", "0s", "http://a/"],
                          ["--header", "nocolon", "http://a/"], ["-H", "A: b\r\nC: d", "http://a/"],
                          ["-H", "Content-Length: 3", "http://a/"], ["--connect-to", "a b", "http://a/"],
                          ["-H", "Transfer-Encoding: chunked", "http://a/"], ["--nonsense", "http://a/"],
                          ["--ca", "/nonexistent", "https://a/"]):
            with self.subTest(arguments=arguments):
                done = run(*arguments)
                self.assertEqual((done.returncode, done.stdout), (2, b""))
                self.assertTrue(done.stderr.startswith(b"whichhop") or b"probe: " in done.stderr)
                self.assertNotIn(b"\x01", done.stderr)

    def test_help(self):
        done = run("--help")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertIn(b"--connect-to", done.stdout)

    def test_a_configuration_that_is_wrong_exits_1(self):
        with configuration("nonsense: 1\n") as path:
            done = run("-c", path, "http://127.0.0.1:1/")
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn(b":1:1: ", done.stderr)


def expected(case, position, statuses):
    """As of a proxy's client, but nobody's request came the way before us."""
    there = case.verdict(position, statuses)
    cleared = in_order([hop for hop in hops_at(position, case.proven) if hop in there.cleared])
    return verdict.Verdict(there.cause, there.reporter, cleared, there.fault, there.row, there.basis)


MODES = [("lb", "gateway"), ("cdn", "edge")]


class Faults(unittest.TestCase):
    """The whole table of what can break on loopback."""
    maxDiff = None

    def check(self, probed):
        for (mode, case), (code, report) in probed.items():
            with self.subTest(mode=mode, case=case.name):
                self.assertEqual((code, report["healthy"]), (1, False))
                self.assertEqual(verdict.of_json(report["verdict"]), expected(case, *mode))
                broken = mode[0] if case.broken == "self" else case.broken
                self.assertIn(broken, report["verdict"]["cause"])
                self.assertIn("failed", states(report).values())
                if case.cut:
                    self.assertEqual(report["response"]["complete"], False)

    def test_every_fault_of_an_upstream_has_the_verdict_that_a_proxy_gives(self):
        origin = self.enterContext(Origin())
        ports = {case.name: self.enterContext(Origin(case.listener)).port if case.listener
                 else origin.port for case in fault_table.UPSTREAM}
        files = {mode: self.enterContext(configured(
            node=f", position: {mode[0]}", more=f"errors: {{statuses: {mode[1]}}}\n"))
                 for mode in MODES}
        asked = [(mode, case) for mode in MODES for case in fault_table.UPSTREAM]
        self.check(dict(zip(asked, in_parallel(
            lambda each: probe("-c", files[each[0]],
                               f"http://127.0.0.1:{ports[each[1].name]}{each[1].path}"), asked))))

    def test_every_fault_of_tls_has_too(self):
        certificates = Certificates(self.enterContext(tempfile.TemporaryDirectory()))
        ports = {case.name: self.enterContext(case.peer(certificates)).port
                 for case in tls_fault_table.ALL}
        files = {mode: self.enterContext(configuration(
            tls_fault_table.configuration(ports, certificates, *mode))) for mode in MODES}
        asked = [(mode, case) for mode in MODES for case in tls_fault_table.ALL]
        self.check(dict(zip(asked, in_parallel(
            lambda each: probe("-c", files[each[0]], f"https://127.0.0.1:{ports[each[1].name]}/"),
            asked))))

    def test_a_relayed_error_clears_nobody_whom_nobody_asked_through(self):
        origin = self.enterContext(Origin())
        code, report = probe(f"http://127.0.0.1:{origin.port}/status/503")
        self.assertEqual(code, 1)
        self.assertEqual(verdict.of_json(report["verdict"]), verdict.Verdict(
            ("server",), ("server",), (), "relay-503", ("503",), "documented"))
        self.assertEqual(report["response"]["status"], 503)


class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.certificates = Certificates(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.port = cls.enterClassContext(TlsOrigin(cls.certificates.good)).port
        cls.url = f"https://127.0.0.1:{cls.port}/"

    def test_an_authority_that_is_believed(self):
        code, report = probe("--ca", self.certificates.ca, self.url)
        self.assertEqual((code, states(report)["tls"], report["tls"]["verified"]), (0, "ok", True))
        self.assertEqual(report["tls"]["version"], "TLS 1.3")

    def test_one_that_is_not(self):
        code, report = probe("--ca", self.certificates.other_ca, self.url)
        self.assertEqual((code, states(report)["tls"], states(report)["http"]),
                         (1, "failed", "not reached"))
        self.assertEqual(report["verdict"]["fault"], "tlsv-unknown-ca")

    def test_any(self):
        code, report = probe("--insecure", self.url)
        self.assertEqual((code, report["tls"]["verified"]), (0, False))

    def test_the_urls_name_is_asked_for_wherever_it_goes(self):
        arguments = ["--ca", self.certificates.ca, "--connect-to", f"127.0.0.1:{self.port}"]
        self.assertEqual(probe(*arguments, f"https://{NAME}/")[0], 0)
        code, report = probe(*arguments, "https://wrong.test/")
        self.assertEqual((code, report["verdict"]["fault"]), (1, "tlsv-host-mismatch"))

    def test_what_a_configuration_says_of_this_server(self):
        with configured(f"127.0.0.1:{self.port}",
                        upstream=f", tls: {{ca: {self.certificates.ca}}}") as path:
            self.assertEqual(probe("-c", path, self.url)[0], 0)


class Dns(unittest.TestCase):
    def probe(self, answer, *arguments, port=1):
        nameserver = Nameserver(answer)
        with configured(node=f', resolvers: ["127.0.0.1:{nameserver.port}"]') as path:
            return probe("-c", path, *arguments, f"http://app.test.:{port}/")

    def test_every_way_not_to_get_an_address(self):
        for answer, fault in ((NXDOMAIN, "dns-nxdomain"), ([], "dns-nodata"), (REFUSED, "dns-refused"),
                              (SERVFAIL, "dns-servfail"), ("silence", "dns-timeout")):
            with self.subTest(fault=fault):
                code, report = self.probe(answer)
                self.assertEqual((code, report["verdict"]["fault"]), (1, fault))
                self.assertEqual(report["verdict"]["cause"][0], "dns")
                self.assertEqual(set(list(states(report).values())[1:]), {"not reached", "skipped"})
                self.assertEqual((report["address"], report["route"]), (None, None))

    def test_an_address_of_several(self):
        with origin_answering(OK) as origin:
            code, report = self.probe(["127.0.0.1", "127.0.0.2"], port=origin.port)
        self.assertEqual(sorted(report["addresses"]), ["127.0.0.1", "127.0.0.2"])
        self.assertIn(report["address"].split(":")[0], report["addresses"])


def on_terminal(*arguments, environment):
    """What it writes to a terminal."""
    ours, theirs = pty.openpty()
    subprocess.run([WHICHHOP, "probe", *arguments], stdin=subprocess.DEVNULL, stdout=theirs,
                   env={**os.environ, **environment}, timeout=4 * PATIENCE)
    os.close(theirs)
    text = b""
    with contextlib.suppress(OSError):  # EIO: all was read
        while more := os.read(ours, 65536):
            text += more
    os.close(ours)
    return text.decode()


class Text(unittest.TestCase):
    def test_people_read_steps_and_verdict(self):
        port = free_port()
        done = run(f"http://127.0.0.1:{port}/")
        text = done.stdout.decode()
        self.assertEqual(done.returncode, 1)
        for line in (rf"  tcp +failed +[\d.]+ ms +127\.0\.0\.1:{port}$", r"  http +not reached$",
                     r"not healthy: connect-refused-rst$", r"  cause +app, server$",
                     r"  reporter +lb \(this probe\)$", r"    - server: "):
            self.assertRegex(text, re.compile("^" + line, re.M))
        self.assertNotIn("\x1b", text)

    def test_colours_on_a_terminal_unless_they_are_not_wanted(self):
        url = f"http://127.0.0.1:{free_port()}/"
        self.assertIn("\x1b[31m", on_terminal(url, environment={"NO_COLOR": ""}))
        self.assertNotIn("\x1b", on_terminal(url, environment={"NO_COLOR": "1"}))

    def test_nothing_from_the_wire_reaches_the_terminal_raw(self):
        nasty = b"HTTP/1.1 200 O\xffK\r\nServer: a\x9b31mb\r\nContent-Length: 0\r\n\r\n"
        with origin_answering(nasty) as origin:
            url = f"http://127.0.0.1:{origin.port}/"
            text, (code, report) = run(url).stdout, probe(url)
        text.decode("utf-8")
        self.assertNotIn(b"\x9b", text)
        self.assertIn(rb"a\x9B31mb", text)
        self.assertEqual((code, report["response"]["fields"]), (0, [r"Server: a\x9B31mb"]))


if __name__ == "__main__":
    unittest.main()
