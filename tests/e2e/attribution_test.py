"""Every relayed status, at both positions, whoever answers: exactly the documented hops."""

import unittest

import verdict
from documented import STATUSES, UNDOCUMENTED, relayed, row_of
from harness import Client, Origin, Proxy, request, wait_for

POSITIONS = ("lb", "cdn")
ANSWERS = (None, "lb", "server", "app")  # `is:`, or unset


def host(answers):
    return f"{answers or 'unset'}.example"


def configuration(position, port):
    """One upstream for each `is:`, chosen by Host."""
    upstreams, routes = "", ""
    for answers in ANSWERS:
        name = answers or "unset"
        kind = f"is: {answers}, " if answers else ""
        upstreams += f'  {name}: {{{kind}servers: ["127.0.0.1:{port}"]}}\n'
        routes += f"  - {{host: {host(answers)}, upstream: {name}}}\n"
    return (f'listen: ["127.0.0.1:0"]\nnode: {{name: here, workers: 1, position: {position}}}\n'
            f"upstreams:\n{upstreams}routes:\n{routes}")


def cases(statuses):
    return [(position, answers, status)
            for position in POSITIONS for answers in ANSWERS for status in statuses]


# A few verdicts in plain words, lest the expectation itself be wrong.
GOLDEN = [
    # position, is:, status: rows, cause, reporter, cleared
    ("lb", None, 502, "502B 502C", "app db", "server app", ""),
    ("lb", "lb", 502, "502A 502B 502C", "app db", "lb server app", ""),
    ("cdn", None, 504, "504A 504B 504C", "app db", "lb server app", ""),
    ("cdn", "server", 502, "502B 502C", "app db", "server app", ""),
    ("cdn", "app", 504, "504B", "db", "app", ""),
    ("lb", None, 503, "503", "server", "server",
     "browser-app browser device router image-host isp tor"),
    ("cdn", None, 503, "503", "server", "lb",
     "browser-app browser device router image-host isp tor"),
    ("cdn", "app", 503, "503", "server", "app",
     "browser-app browser device router image-host isp tor"),
    ("lb", None, 401, "401", "auth", "app", "browser-app browser router isp tor lb"),
    ("lb", "app", 522, "522", "isp tor lb app", "cdn",
     "browser-app browser device router image-host"),
    ("cdn", "lb", 407, "407", "cdn lb", "browser", ""),
    ("cdn", "lb", 418, "418", "", "teapot", "browser-app browser device router image-host isp tor "
     "lb server app db-host db store-host datastore auth-host auth"),
    ("cdn", "app", 599, "", "", "app", ""),
    ("cdn", None, 405, "", "", "server", ""),
]


class Attribution(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.origin = cls.enterClassContext(Origin())
        cls.proxies, cls.clients = {}, {}
        for position in POSITIONS:
            proxy = cls.enterClassContext(Proxy(configuration(position, cls.origin.port)))
            cls.proxies[position] = proxy
            cls.clients[position] = cls.enterClassContext(Client(proxy.port))

    def ask(self, position, answers, target, method="GET", accept="*/*"):
        client = self.clients[position]
        client.send(request(target, method, [("Accept", accept)], host=host(answers)))
        response = client.read(method)
        if "close" in (response["Connection"] or ""):
            self.clients[position] = self.enterClassContext(Client(self.proxies[position].port))
        return response

    def logs(self, position, responses):
        """The log lines of these answers, by Error-Id."""
        keys = {verdict.error_id(response) for response in responses}

        def found():
            lines = {line.get("error_id"): line for line in self.proxies[position].log()}
            return keys <= lines.keys() and lines
        return wait_for(found, "the log lines of all errors")

    def test_a_documented_status_names_exactly_the_hops_of_its_rows(self):
        for position, answers, status in cases(STATUSES):
            with self.subTest(position=position, answers=answers, status=status):
                response = self.ask(position, answers, f"/status/{status}")
                expected = relayed(status, position, answers)
                self.assertEqual(verdict.of_fields(response), expected)
                if status != 407:
                    self.assertEqual(response.status, status)
                    self.assertEqual(response["Proxy-Status"], f"here; received-status={status}")

    def test_the_golden_verdicts(self):
        for position, answers, status, rows, cause, reporter, cleared in GOLDEN:
            with self.subTest(position=position, answers=answers, status=status):
                said = verdict.of_fields(self.ask(position, answers, f"/status/{status}"))
                self.assertEqual((said.row, said.cause, said.reporter, said.cleared), tuple(
                    tuple(words.split()) for words in (rows, cause, reporter, cleared)))

    def test_no_suspect_and_no_reporter_is_ever_cleared(self):
        for position, answers, status in cases(STATUSES + UNDOCUMENTED):
            with self.subTest(position=position, answers=answers, status=status):
                said = verdict.of_fields(self.ask(position, answers, f"/status/{status}"))
                self.assertFalse(set(said.cleared) & set(said.cause + said.reporter))

    def test_a_status_without_a_row_blames_nobody_and_is_reported_by_who_answered(self):
        for position, answers, status in cases(UNDOCUMENTED):
            with self.subTest(position=position, answers=answers, status=status):
                response = self.ask(position, answers, f"/status/{status}")
                self.assertEqual(response.status, status)
                self.assertEqual(response["Proxy-Status"], f"here; received-status={status}")
                self.assertEqual(verdict.of_fields(response), relayed(status, position, answers))
                for absent in ("Error-Cause", "Error-Cleared"):
                    self.assertIsNone(response[absent])
                self.assertNotIn("row", response["Error-Fault"])

    def test_a_407_never_reaches_a_client_that_asked_no_proxy(self):
        for position, answers, status in cases([407]):
            with self.subTest(position=position, answers=answers, status=status):
                response = self.ask(position, answers, "/status/407?field=Proxy-Authenticate:Basic")
                self.assertEqual(response.status, 502 if position == "lb" else 520)
                self.assertIsNone(response["Proxy-Authenticate"])
                said = verdict.of_fields(response)
                self.assertEqual((said.fault, said.row), ("relay-407", ("407",)))
                self.assertEqual(response["Proxy-Status"],
                                 "here; error=http_protocol_error; received-status=407")

    def test_fields_problem_document_text_and_log_tell_one_story(self):
        for position in POSITIONS:
            answered = []
            for answers in ANSWERS:
                for status in STATUSES + UNDOCUMENTED:
                    for accept in ("application/problem+json", "*/*"):
                        response = self.ask(position, answers, f"/status/{status}", accept=accept)
                        answered.append((answers, status, accept, response))
            lines = self.logs(position, [response for *_, response in answered])
            for answers, status, accept, response in answered:
                with self.subTest(position=position, answers=answers, status=status, accept=accept):
                    self.one_story(status, response, lines[verdict.error_id(response)])

    def test_text_has_the_diagram_where_it_was_asked_for_by_name(self):
        for accept, drawn in (("text/plain", True), ("*/*", False), ("text/*", False)):
            with self.subTest(accept):
                response = self.ask("lb", "app", "/status/502", accept=accept)
                self.assertEqual(verdict.of_text(response.body), verdict.of_fields(response))
                self.assertEqual("╔═ DB ═" in response.body.decode(), drawn)
                self.assertEqual(response["Content-Type"], "text/plain; charset=utf-8")

    def one_story(self, status, response, line):
        said = verdict.of_fields(response)
        self.assertEqual(verdict.of_json(line), said)
        self.assertEqual(line["http_response_status_code"], response.status)
        self.assertEqual(line["upstream_status"], status)
        self.assertTrue(line["evidence"])
        rows = {name: row_of(name) for name in said.row}
        self.assertEqual(verdict.documented_of(line), rows)
        self.assertEqual(response["Vary"], "Accept")
        if response["Content-Type"].startswith("text/plain"):
            self.assertEqual(verdict.of_text(response.body), said)
            self.assertIn(verdict.error_id(response), response.body.decode())
            return
        self.assertEqual(response["Content-Type"], "application/problem+json")
        problem = response.json()
        self.assertEqual(verdict.of_json(problem), said)
        self.assertEqual(verdict.documented_of(problem), rows)
        self.assertEqual((problem["type"], problem["status"], problem["error_id"]),
                         ("about:blank", response.status, verdict.error_id(response)))
        self.assertNotIn("evidence", problem)

    def test_what_is_no_error_carries_no_word_of_ours(self):
        statuses = [200, 201, 202, 203, 204, 205, 207, 226, 300, 301, 302, 303, 307, 308, 399]
        for position, answers, status in cases(statuses):
            with self.subTest(position=position, answers=answers, status=status):
                response = self.ask(position, answers, f"/status/{status}")
                self.assertEqual(response.status, status)
                names = {name.lower() for name, _ in response.fields}
                self.assertFalse({name for name in names if name.startswith("error-")})
                self.assertNotIn("proxy-status", names)

    def test_a_head_request_has_the_fields_of_its_get_and_no_body(self):
        for position, answers, status in cases(STATUSES):
            with self.subTest(position=position, answers=answers, status=status):
                get = self.ask(position, answers, f"/status/{status}")
                head = self.ask(position, answers, f"/status/{status}", method="HEAD")
                self.assertEqual(head.status, get.status)
                self.assertEqual(verdict.of_fields(head), verdict.of_fields(get))
                self.assertEqual(head["Content-Length"], get["Content-Length"])

    def test_every_error_has_an_id_of_its_own(self):
        ids = [verdict.error_id(self.ask("lb", None, "/status/502")) for _ in range(50)]
        self.assertEqual(len(set(ids)), 50)

    def test_evidence_of_our_own_leg_narrows_no_relayed_row(self):
        """A sibling that answers, a connection that works: transport is no alibi."""
        self.assertEqual(self.ask("lb", None, "/bytes/10").status, 200)
        said = verdict.of_fields(self.ask("lb", None, "/status/502"))
        self.assertEqual(said, relayed(502, "lb", None))


if __name__ == "__main__":
    unittest.main()
