"""errors.cdn: whose errors a CDN before us would hide behind a page of its own get a status that it lets pass."""

import tempfile
import unittest

import fault_table
import tls_fault_table
import verdict
from fault_matrix import MODES, ask_all, line_of
from fault_test import start_origins
from harness import Client, Origin, Proxy, fetch, free_port, origin_answering, request, wait_for, yaml_for
from tls_certificates import Certificates

CLOUDFLARE = "cdn: cloudflare"
HIDDEN = {502, 504, *range(520, 528), 530}
# No server has begun the request; of all other faults behind us one may have.
NOT_BEGUN = {"connect-refused-rst", "connect-timeout"}
BEGUN_IN_TLS = {"tls-origin-client-cert-13"}


def sent(case, status):
    """(what is sent in place of this status, the log's unsent_status)."""
    if status not in HIDDEN:
        return status, None
    never_begun = case.fault in NOT_BEGUN or (
        case.fault.startswith("tls") and case.fault not in BEGUN_IN_TLS)
    return (503 if never_begun else 500), status


class Produced:
    """For a TestCase with `cases`, and `proxies` by (position, statuses)."""

    maxDiff = None

    def about(self):
        for (mode, case), answer in self.answers.items():
            yield mode, case, answer, self.lines[mode, case]

    def test_what_is_sent_is_seen_and_the_log_has_both(self):
        mapped = set()
        for mode, case, answer, line in self.about():
            with self.subTest(mode=mode, case=case.name):
                expected, unsent = sent(case, case.status(mode[1]))
                self.assertNotIn(answer.status, HIDDEN)
                self.assertEqual((answer.status, line["http_response_status_code"],
                                  line.get("unsent_status")), (expected, expected, unsent))
                self.assertNotIn("cdn_page", line)
                told = any(f"in place of a {unsent}: a {expected} is sent" in each
                           for each in line["evidence"])
                self.assertEqual(told, unsent is not None)
                mapped.add((unsent, expected))
        self.assertLessEqual(self.expected_pairs, mapped)

    def test_the_verdict_is_that_of_the_status_that_is_not_sent(self):
        for mode, case, answer, line in self.about():
            with self.subTest(mode=mode, case=case.name):
                self.assertEqual(verdict.of_json(line), case.verdict(*mode))
                self.assertEqual(verdict.of_fields(answer), case.verdict(*mode))
                self.assertIn(f"error={line['error_type']}", answer["Proxy-Status"])

    def test_a_body_says_the_status_that_is_sent_and_may_not_be_stored(self):
        for mode, case, answer, _ in self.about():
            with self.subTest(mode=mode, case=case.name):
                self.assertTrue(answer.body.startswith(f"{answer.status} ".encode()))
                self.assertEqual(answer["Cache-Control"], "no-store")
                self.assertIsNone(answer["Retry-After"])


class Faults(Produced, unittest.TestCase):
    expected_pairs = {(502, 503), (504, 503), (502, 500), (504, 500), (520, 500), (521, 503),
                      (522, 503), (524, 500), (None, 400), (None, 404)}

    @classmethod
    def setUpClass(cls):
        ports = start_origins(cls)
        cls.cases = [case for case in fault_table.ALL if not case.cut]
        cls.proxies = {mode: cls.enterClassContext(
            Proxy(fault_table.configuration(ports, *mode, CLOUDFLARE))) for mode in MODES}
        cls.answers = ask_all(cls, cls.proxies, cls.cases)
        cls.lines = {(mode, case): line_of(cls.proxies[mode], case, answer)
                     for (mode, case), answer in cls.answers.items()}

    def test_head_gets_the_same_without_a_body(self):
        proxy = self.proxies["lb", "gateway"]
        for case in fault_table.CONNECT[:1] + fault_table.WAIT[:3] + fault_table.OWN:
            with self.subTest(case=case.name), Client(proxy.port) as client:
                client.send(case.request("*/*").replace(b"GET ", b"HEAD ", 1))
                got, same = client.read("HEAD"), self.answers[("lb", "gateway"), case]
                self.assertEqual((got.status, got.body), (same.status, b""))
                self.assertEqual(got["Error-Fault"], same["Error-Fault"])
                self.assertEqual(got["Content-Length"], same["Content-Length"])

    def test_every_kind_of_body_says_the_status_that_is_sent(self):
        proxy = self.proxies["lb", "gateway"]
        case = fault_table.CONNECT[0]
        for accept, said in (("text/html", b"<title>503 Service Unavailable</title>"),
                             ("application/json", b'"title":"Service Unavailable","status":503'),
                             ("text/plain", b"503 Service Unavailable\n")):
            with Client(proxy.port) as client:
                got = client.send(case.request(accept)).read()
                self.assertEqual(got.status, 503)
                self.assertIn(said, got.body)


class TlsFaults(Produced, unittest.TestCase):
    expected_pairs = {(502, 503), (525, 503), (526, 503)}

    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="whichhop-tls-"))
        certificates = Certificates(folder)
        cls.cases = [case for case in tls_fault_table.ALL if not case.cut]
        ports = {case.name: cls.enterClassContext(case.peer(certificates)).port
                 for case in tls_fault_table.ALL}
        cls.proxies = {mode: cls.enterClassContext(Proxy(tls_fault_table.configuration(
            ports, certificates, *mode, CLOUDFLARE))) for mode in MODES[:2]}
        cls.answers = ask_all(cls, cls.proxies, cls.cases)
        cls.lines = {(mode, case): line_of(cls.proxies[mode], case, answer)
                     for (mode, case), answer in cls.answers.items()}


class Relayed(unittest.TestCase):
    """An upstream's own status stays; of those whose body the CDN shows none of, the log tells."""

    def test_the_status_is_theirs_and_the_log_says_whose_page_is_seen(self):
        with Origin() as origin, Proxy(yaml_for(origin.port, errors=CLOUDFLARE)) as proxy:
            for status in (400, 404, 500, 501, 502, 503, 504, 505, *range(520, 528), 530):
                for method in ("GET", "HEAD"):
                    with self.subTest(status=status, method=method):
                        answer = fetch(proxy.port, f"/status/{status}", method)
                        line = verdict.line_of(proxy, answer)
                        self.assertEqual((answer.status, line["http_response_status_code"]),
                                         (status, status))
                        self.assertEqual(line.get("cdn_page"),
                                         "cloudflare" if status in HIDDEN else None)
                        self.assertNotIn("unsent_status", line)
                        told = any("the visitor does not see this body" in each
                                   for each in line["evidence"])
                        self.assertEqual(told, status in HIDDEN)
                        self.assertTrue(answer["Error-Fault"].startswith(f"relay-{status};"))

    def test_what_becomes_of_its_body_stays_as_it_was(self):
        page = b'{"why": "db"}'
        theirs = (b"HTTP/1.1 502 Theirs\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                  % len(page)) + page
        with origin_answering(theirs) as origin:
            bodies = {}
            for policy in ("augment", "replace", "keep"):
                with Proxy(yaml_for(origin.port, errors=f"{CLOUDFLARE}, body: {policy}")) as proxy:
                    answer = fetch(proxy.port)
                    self.assertEqual(answer.status, 502)
                    bodies[policy] = answer.body
            self.assertEqual(bodies["keep"], page)
            self.assertIn(b'"error_hops"', bodies["augment"])
            self.assertTrue(bodies["replace"].startswith(b"502 Bad Gateway\n"))

    def test_a_407_of_theirs_is_an_error_of_ours(self):
        with Origin() as origin, Proxy(yaml_for(origin.port, errors=CLOUDFLARE)) as proxy:
            answer = fetch(proxy.port, "/status/407")
            line = verdict.line_of(proxy, answer)
            self.assertEqual((answer.status, line["unsent_status"], line["upstream_status"]),
                             (500, 502, 407))

    def test_a_body_that_is_cut_keeps_the_status_that_was_sent(self):
        with Origin() as origin, Proxy(yaml_for(origin.port, errors=CLOUDFLARE)) as proxy:
            with Client(proxy.port) as client:
                client.send(request("/fault/truncate", host="cut.test")).read()
            line = verdict.logged(proxy, server_address="cut.test")
            self.assertEqual((line["http_response_status_code"], line["fault"]),
                             (200, "body-cl-short-fin"))
            self.assertNotIn("unsent_status", line)


class Combined(unittest.TestCase):
    def test_nothing_changes_without_the_key(self):
        for errors in ("", "cdn: none"):
            with Proxy(yaml_for(free_port(), **({"errors": errors} if errors else {}))) as proxy:
                answer = fetch(proxy.port)
                line = verdict.line_of(proxy, answer)
                self.assertEqual(answer.status, 502)
                self.assertNotIn("unsent_status", line)
                self.assertNotIn("cdn_page", line)

    def test_a_status_that_a_route_authors_is_the_operators_word(self):
        routes = "- {path: /502, respond: 502}\n- {path: /503, respond: 503}"
        with Proxy(yaml_for(free_port(), errors=CLOUDFLARE, routes=routes)) as proxy:
            line = verdict.line_of(proxy, answer := fetch(proxy.port, "/502"))
            self.assertEqual((answer.status, line["cdn_page"]), (502, "cloudflare"))
            line = verdict.line_of(proxy, answer := fetch(proxy.port, "/503"))
            self.assertEqual(answer.status, 503)
            self.assertNotIn("cdn_page", line)

    def test_a_mask_tells_the_same_story(self):
        routes = "- {path: /login, respond: 403, mask: {403: 404}}"
        said = []
        for errors in ("cors: false", CLOUDFLARE):
            with Proxy(yaml_for(free_port(), errors=errors, routes=routes)) as proxy:
                line = verdict.line_of(proxy, answer := fetch(proxy.port, "/login"))
                self.assertEqual((line["masked_status"], line.get("unsent_status")), (403, None))
                said.append((answer.status, verdict.of_fields(answer), verdict.of_text(answer.body)))
        self.assertEqual(said[0], said[1])
        self.assertEqual(said[0][0], 404)

    def test_retry_after_stands_where_it_is_known(self):
        """All servers down is a 521 of edges, and a 503 of gateways: that one is seen."""
        yaml = yaml_for(free_port(), node="position: cdn", errors=CLOUDFLARE,
                        upstream="health_check: {path: /, interval: 100ms, unhealthy: 1}")
        with Proxy(yaml) as proxy:
            def down():
                answer = fetch(proxy.port)
                return answer if "backend-all-down" in answer["Error-Fault"] else None
            answer = wait_for(down, "the server to be down")
            self.assertEqual((answer.status, answer["Retry-After"]), (503, "1"))
            line = verdict.line_of(proxy, answer)
            self.assertEqual((line["unsent_status"], line["row"]), (521, ["521"]))

    def test_operators_read_why(self):
        with Proxy(yaml_for(free_port(), errors=CLOUDFLARE + ', operators: ["127.0.0.0/8"]')) as proxy:
            answer = fetch(proxy.port)
            self.assertIn(b"cloudflare shows a page of its own in place of a 502: a 503 is sent", answer.body)


if __name__ == "__main__":
    unittest.main()
