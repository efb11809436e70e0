"""What holds for every fault, in both positions and both ways to number errors."""

import verdict
from harness import Client

MODES = [("lb", "gateway"), ("cdn", "edge"), ("lb", "edge"), ("cdn", "gateway")]


def in_every_mode(cases):
    return [(mode, case) for mode in MODES for case in cases]


def ask_all(test, proxies, cases, accept="*/*"):
    """{(key, case): answer}: all at once, for many wait for their timeouts."""
    clients = {}
    for key, proxy in proxies.items():
        for case in cases:
            client = clients[key, case] = test.enterClassContext(Client(proxy.port))
            client.send(case.request(accept))
    return {key: client.read() for key, client in clients.items()}


def line_of(proxy, case, response):
    """The log's line on a case; the host is a case's own where there is no Error-Id."""
    if response is not None and response["Error-Id"]:
        return verdict.line_of(proxy, response)
    return verdict.logged(proxy, server_address=case.host)


class FaultMatrix:
    """For a TestCase whose `cases` have been asked: `answers` and `lines`, by (mode, case)."""

    @property
    def answered(self):
        return [case for case in self.cases if not case.cut]

    def about(self, cases):
        """(mode, case, answer, log line) of these."""
        for mode, case in in_every_mode(cases):
            yield mode, case, self.answers[mode, case], self.lines[mode, case]

    def test_each_fault_has_its_status(self):
        for mode, case, answer, line in self.about(self.answered):
            with self.subTest(mode=mode, case=case.name):
                self.assertEqual(answer.status, case.status(mode[1]))
                self.assertTrue(answer.complete)
                self.assertEqual(line["http_response_status_code"], answer.status)

    def test_each_fault_has_exactly_its_verdict(self):
        for mode, case, _, line in self.about(self.cases):
            with self.subTest(mode=mode, case=case.name):
                self.assertEqual(verdict.of_json(line), case.verdict(*mode))

    def test_fields_and_text_say_what_the_log_says(self):
        for mode, case, answer, line in self.about(self.answered):
            with self.subTest(mode=mode, case=case.name):
                self.assertEqual(verdict.of_fields(answer), verdict.of_json(line))
                self.assertEqual(verdict.of_text(answer.body), verdict.of_json(line))

    def test_the_broken_hop_is_named_and_never_cleared(self):
        for mode, case, _, line in self.about(self.cases):
            with self.subTest(mode=mode, case=case.name):
                broken = mode[0] if case.broken == "self" else case.broken
                self.assertIn(broken, line["cause"])
                self.assertNotIn(broken, line["cleared"])
