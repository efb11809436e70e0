#!/usr/bin/env python3
"""The bench's own test: that it counts right and reports. It asserts no speed.

usage: run_test.py, with WHICHHOP, WHICHHOP_ORIGIN, WHICHHOP_LOAD and
WHICHHOP_FLOOR in the environment.
"""

import html.parser
import http.server
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import unittest
import xml.dom.minidom

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "tests", "e2e")]

import cases
import charts
import contestants
import goals
import rounds
from harness import WHICHHOP, Origin, Proxy, yaml_for

LOAD = os.environ["WHICHHOP_LOAD"]
FLOOR = os.environ["WHICHHOP_FLOOR"]
PATIENCE = 300  # seconds, for what takes five


def run_load(*arguments):
    """(exit code, report or None, stdout)."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "report.json")
        done = subprocess.run([LOAD, *arguments, "--json", path],
                              capture_output=True, text=True, timeout=PATIENCE)
        report = None
        if os.path.exists(path):
            with open(path) as file:
                report = json.load(file)
        return done.returncode, report, done.stdout


class Load(unittest.TestCase):
    """whichhop-load, on origins whose latency has a known lower bound."""

    @classmethod
    def setUpClass(cls):
        cls.origin = cls.enterClassContext(Origin())

    def load(self, path, *arguments):
        url = f"http://127.0.0.1:{self.origin.port}{path}"
        return run_load("--target", url, *arguments)

    def test_an_open_loop_counts_from_when_each_was_due(self):
        # One at a time takes 50 ms, and one is due every 10: the 20th is
        # answered after 1000 ms and was due at 190.
        code, seen, _ = self.load("/delay/50ms", "--connections", "1", "--rate",
                                  "100", "--requests", "40")
        self.assertEqual((code, seen["statuses"]), (0, {"200": 40}))
        self.assertGreater(seen["latency_us"]["p50"], 800e3)
        self.assertGreater(seen["latency_us"]["max"], 1600e3)
        self.assertGreater(seen["service_us"]["p50"], 49e3)
        self.assertLess(seen["service_us"]["p50"], seen["latency_us"]["p50"])

    def test_a_closed_loop_waits_for_the_last_answer(self):
        code, seen, _ = self.load("/delay/50ms", "--connections", "2",
                                  "--requests", "20")
        self.assertEqual(code, 0)
        self.assertGreater(seen["latency_us"]["p50"], 49e3)
        self.assertGreaterEqual(seen["seconds"], 0.5)
        self.assertEqual(seen["rate"], 0)

    def test_an_open_loop_asks_as_often_as_its_rate_says(self):
        code, seen, _ = self.load("/bytes/100", "--connections", "8", "--rate",
                                  "200", "--seconds", "1")
        self.assertEqual((code, seen["requests"]), (0, 200))
        self.assertGreaterEqual(seen["seconds"], 0.99)

    def test_quantiles_never_fall(self):
        _, seen, _ = self.load("/bytes/1KiB", "--requests", "500")
        for name in ("latency_us", "service_us"):
            values = [seen[name][q] for q in charts.QUANTILES]
            self.assertEqual(values, sorted(values))
            self.assertGreater(values[0], 0)

    def test_statuses_are_counted_and_are_no_loss(self):
        code, seen, text = self.load("/status/404", "--requests", "30")
        self.assertEqual((code, seen["statuses"]), (0, {"404": 30}))
        self.assertRegex(text, r"(?m)^ +30  404$")

    def test_no_answer_is_a_loss(self):
        code, seen, _ = self.load("/fault/empty", "--requests", "30")
        self.assertEqual((code, seen["lost"], seen["statuses"]),
                         (1, 30, {"0": 30}))
        self.assertEqual((seen["requests"], seen["latency_us"]["max"]), (30, 0))

    def test_a_cut_answer_is_a_loss(self):
        code, seen, _ = self.load("/fault/truncate", "--requests", "30")
        self.assertEqual((code, seen["lost"]), (1, 30))

    def test_what_was_due_and_never_sent_is_told(self):
        code, seen, text = self.load(
            "/delay/400ms", "--connections", "1", "--rate", "100", "--seconds",
            "1", "--deadline", "2")
        self.assertEqual(code, 1)
        self.assertEqual(seen["requests"] + seen["unsent"], 100)
        self.assertGreater(seen["unsent"], 90)
        self.assertIn("were due and never sent", text)

    def test_each_request_may_have_a_connection_of_its_own(self):
        code, seen, _ = self.load("/bytes/100", "--requests", "30", "--close",
                                  "--connections", "2")
        self.assertEqual((code, seen["statuses"]), (0, {"200": 30}))

    def test_a_name_and_a_path_are_understood(self):
        code, seen, _ = run_load(
            "--target", f"http://localhost:{self.origin.port}", "--path",
            "/bytes/7", "--requests", "5", "--connections", "1")
        self.assertEqual((code, seen["requests"]), (0, 5))

    def test_what_can_not_be_meant_is_refused(self):
        for arguments in (["--target", "nowhere"], ["--target", "http://:1/"],
                          ["--target", "127.0.0.1:1", "--connections", "0"],
                          ["--target", "127.0.0.1:1", "--rate", "-1"],
                          ["--target", "127.0.0.1:1", "--path", "x"],
                          ["--target", "http://127.0.0.1:1/x", "--verify"], []):
            with self.subTest(arguments):
                self.assertEqual(run_load(*arguments)[0], 2)


class Greeter(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        self.wfile.write(b"x" * 100000)

    def log_message(self, *_):
        pass


@unittest.skipUnless(shutil.which("openssl"), "SKIPPED: no openssl")
class LoadOverTls(unittest.TestCase):
    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        pair = [f"{folder}/cert", f"{folder}/key"]
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=bench", "-out",
             pair[0], "-keyout", pair[1]], check=True, capture_output=True)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*pair)
        self.context.set_alpn_protocols(["http/1.1"])
        self.names = set()
        self.context.sni_callback = lambda _, name, __: self.names.add(name)

    def test_an_https_url_is_asked_by_its_name(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Greeter)
        with server:
            server.daemon_threads = True
            server.socket = self.context.wrap_socket(server.socket,
                                                     server_side=True)
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                code, seen, text = run_load(
                    "--target", f"https://localhost:{server.server_port}/",
                    "--requests", "20", "--connections", "2")
            finally:
                server.shutdown()
                thread.join()
        self.assertEqual((code, seen["statuses"]), (0, {"200": 20}), text)
        self.assertEqual(self.names, {"localhost"})

    def test_who_speaks_no_tls_is_a_loss(self):
        # whichhop answers a hello that is no request line with a plain 400.
        with Proxy(yaml_for(1)) as proxy:
            code, seen, _ = run_load(
                "--target", f"https://127.0.0.1:{proxy.port}/", "--requests",
                "3", "--connections", "1")
        self.assertEqual((code, seen["lost"]), (1, 3))


class Page(html.parser.HTMLParser):
    """A page's elements and what they refer to."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.references = set(), []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.references += [value for name, value in attributes
                            if name in ("src", "href", "srcset", "data")]


class Run(unittest.TestCase):
    """bench/run itself, end to end."""

    def run_bench(self, *arguments):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        out = os.path.join(folder, "report")
        done = subprocess.run(
            [sys.executable, "-B", os.path.join(HERE, "run"), "--whichhop",
             WHICHHOP, "--load", LOAD, "--floor", FLOOR, "--out", out,
             *arguments], capture_output=True, text=True, timeout=PATIENCE)
        self.assertTrue(os.path.isdir(out), done.stdout + done.stderr)
        texts = {}
        for name in ("report.json", "report.md", "report.html"):
            with open(os.path.join(out, name)) as file:
                texts[name] = file.read()
        self.assert_self_contained(texts["report.html"])
        return done, json.loads(texts["report.json"]), texts["report.md"]

    def assert_self_contained(self, text):
        page = Page(text)
        self.assertEqual(page.references, [])
        self.assertNotIn("script", page.tags)
        self.assertNotIn("url(", text)
        drawings = re.findall(r"<svg.*?</svg>", text, re.S)
        self.assertTrue(drawings)
        for drawing in drawings:
            xml.dom.minidom.parseString(drawing)

    @unittest.skipUnless(shutil.which("wrk") and shutil.which("nginx"),
                         "SKIPPED: wrk and nginx are not both installed")
    def test_a_comparison_is_measured_and_reported(self):
        done, report, page = self.run_bench(
            "--quick", "--case", "keepalive-100B", "--proxy", "whichhop",
            "--proxy", "nginx", "--proxy", "floor")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        rows = report["cases"]["keepalive-100B"]["rows"]
        self.assertEqual(list(rows), ["whichhop", "nginx", "floor"])
        for row in rows.values():
            self.assertGreater(row["value"], 0)
            self.assertGreater(row["per_second"], 0)
        self.assertAlmostEqual(
            rows["nginx"]["ratio"],
            rows["whichhop"]["value"] / rows["nginx"]["value"])
        self.assertEqual([goal["met"] is None for goal in report["goals"]],
                         [False, True, False])  # no HAProxy in this run
        self.assertTrue(report["facts"]["kernel"])
        self.assertIn("proxy_pass", report["configurations"]["nginx"]
                      ["nginx.conf"])
        self.assertIn("## keepalive-100B", page)

    @unittest.skipUnless(all(map(shutil.which, ("wrk", "nginx", "openssl"))),
                         "SKIPPED: wrk, nginx or openssl is not installed")
    def test_a_comparison_over_tls_is_measured(self):
        cases_of_tls = ("tls-keepalive", "tls-handshake", "tls-both-sides",
                        "tls-idle-memory")
        done, report, page = self.run_bench(
            "--quick", "--proxy", "whichhop", "--proxy", "nginx",
            *(word for name in cases_of_tls for word in ("--case", name)))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(set(report["cases"]), set(cases_of_tls))
        for name, case in report["cases"].items():
            with self.subTest(name):
                self.assertEqual(list(case["rows"]), ["whichhop", "nginx"])
                self.assertGreater(case["rows"]["whichhop"]["value"], 0)
        self.assertIn("ssl_certificate", report["configurations"]["nginx, tls"]
                      ["nginx.conf"])
        self.assertNotIn("PRIVATE KEY", page)

    def test_cases_are_chosen_by_how_they_begin(self):
        chosen = [case.name for case in cases.named(["refused"], ["tls-"])]
        self.assertEqual(chosen[0], "refused")
        self.assertTrue(all(name.startswith("tls-") for name in chosen[1:]))
        self.assertEqual(cases.named([], ["nothing"]), [])
        self.assertEqual(cases.named(None, None), cases.ALL)

    def test_a_target_is_loaded_and_its_verdicts_hold(self):
        with Origin() as origin, Proxy(yaml_for(origin.port)) as proxy:
            done, report, page = self.run_bench(
                "--target", f"http://127.0.0.1:{proxy.port}", "--verify",
                "--faults", "50%", "--duration", "1", "--connections", "8")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        facts = report["facts"]
        self.assertEqual((facts["lost"], facts["crossed"],
                          facts["mislabelled"]), ("0", "0", "0"))
        self.assertIn("p99.9", page)

    def test_a_target_that_names_no_hop_is_found_out(self):
        # Else --verify would verify nothing.
        with Origin() as origin, Proxy(yaml_for(
                origin.port, errors="fields: nobody")) as proxy:
            done, report, _ = self.run_bench(
                "--target", f"http://127.0.0.1:{proxy.port}", "--verify",
                "--faults", "50%", "--duration", "1", "--connections", "8")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertGreater(int(report["facts"]["mislabelled"]), 0)

    def test_an_open_loop_on_a_target(self):
        with Origin() as origin:
            done, report, _ = self.run_bench(
                "--target", f"http://127.0.0.1:{origin.port}/bytes/100",
                "--rate", "100", "--duration", "1", "--connections", "4")
        self.assertEqual(done.returncode, 0, done.stdout)
        result, = report["cases"].values()
        self.assertEqual(result["load"]["requests"], 100)
        self.assertEqual(list(result["rows"]),
                         ["from when it was due", "from when it was sent"])


class Parts(unittest.TestCase):
    def test_ratios_are_the_median_of_the_rounds_own(self):
        ours = [{"value": 1}, {"value": 20}, {"value": 3}]
        theirs = [{"value": 2}, {"value": 40}, {"value": 4}]
        self.assertEqual(rounds.ratio(ours, theirs), 0.5)
        self.assertIsNone(rounds.ratio(None, theirs))

    def test_goals_are_met_missed_or_not_measured(self):
        def row(value, ratio=None):
            return {"value": value, "ratio": ratio, "samples": [value]}

        def met(name, **rows):
            rows = {label.replace("_", " "): row for label, row in rows.items()}
            return [goal["met"] for goal in goals.check({name: {"rows": rows}})]

        self.assertEqual(met("keepalive-100B", whichhop=row(7, 1),
                             nginx=row(10, 0.7), haproxy=row(10, 0.7)),
                         [True, False, None])
        # The best of the peers counts: the greatest ratio.
        self.assertEqual(met("connection-per-request", whichhop=row(9, 1),
                             nginx=row(10, 0.9), h2o=row(9, 1.0)), [False])
        self.assertEqual(met("latency", whichhop=row(140), no_proxy=row(100)),
                         [True])
        self.assertEqual(met("latency", whichhop=row(150), no_proxy=row(100)),
                         [False])
        self.assertEqual(met("latency", whichhop=row(150)), [None])
        self.assertEqual(met("json-log", whichhop=row(10),
                             **{cases.LOGGED: row(10.5)}), [True])
        self.assertEqual(met("system-calls"), [None])

    def test_every_goal_is_of_a_case(self):
        names = [case.name for case in cases.ALL]
        self.assertEqual([goal.case for goal in goals.ALL
                          if goal.case not in names], [])

    def test_a_browsers_head_has_700_bytes(self):
        fields = {"Host": "127.0.0.1:40000", **cases.BROWSER_FIELDS}
        head = "GET /app HTTP/1.1\r\n" + "".join(
            f"{name}: {value}\r\n" for name, value in fields.items()) + "\r\n"
        self.assertAlmostEqual(len(head), 700, delta=10)

    def test_names_beside_lines_never_overlap(self):
        places = charts.spread([(10, "a"), (11, "b"), (100, "c")])
        self.assertGreaterEqual(places["b"] - places["a"], 18)
        self.assertEqual(places["c"], 100)


if __name__ == "__main__":
    unittest.main()
