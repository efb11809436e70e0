"""Every fault of TLS that loopback can show, in both positions and both ways to number errors."""

import re
import tempfile
import unittest

import tls_fault_table
import verdict
from fault_test import MODES, in_every_mode, ask_all, line_of
from harness import Proxy
from tls_certificates import Certificates

ANSWERED = [case for case in tls_fault_table.ALL if not case.cut]


def make_certificates(test):
    folder = test.enterClassContext(tempfile.TemporaryDirectory(prefix="whichhop-tls-"))
    return Certificates(folder)


def start_peers(test, certificates):
    """One for each case: what one upstream shows must be no alibi for another."""
    return {case.name: test.enterClassContext(case.peer(certificates)).port
            for case in tls_fault_table.ALL}


class Upstreams(unittest.TestCase):
    """All faults are met at once, in every mode; the tests look at what came of it."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        certificates = make_certificates(cls)
        ports = start_peers(cls, certificates)
        cls.proxies = {mode: cls.enterClassContext(Proxy(
            tls_fault_table.configuration(ports, certificates, *mode))) for mode in MODES}
        cls.answers = ask_all(cls, cls.proxies, tls_fault_table.ALL)
        cls.lines = {(mode, case): line_of(cls.proxies[mode], case, answer)
                     for (mode, case), answer in cls.answers.items()}

    def about(self, cases):
        """(mode, case, answer, log line) of these."""
        for mode, case in in_every_mode(cases):
            yield mode, case, self.answers[mode, case], self.lines[mode, case]

    def test_each_fault_has_its_status(self):
        for mode, case, answer, line in self.about(ANSWERED):
            with self.subTest(mode=mode, case=case.name):
                self.assertEqual(answer.status, case.status(mode[1]))
                self.assertTrue(answer.complete)
                self.assertEqual(line["http_response_status_code"], answer.status)

    def test_each_fault_has_exactly_its_verdict(self):
        for mode, case, _, line in self.about(tls_fault_table.ALL):
            with self.subTest(mode=mode, case=case.name):
                self.assertEqual(verdict.of_json(line), case.verdict(*mode))

    def test_fields_and_text_say_what_the_log_says(self):
        for mode, case, answer, line in self.about(ANSWERED):
            with self.subTest(mode=mode, case=case.name):
                self.assertEqual(verdict.of_fields(answer), verdict.of_json(line))
                self.assertEqual(verdict.of_text(answer.body), verdict.of_json(line))

    def test_the_broken_hop_is_named_and_never_cleared(self):
        for mode, case, _, line in self.about(tls_fault_table.ALL):
            with self.subTest(mode=mode, case=case.name):
                broken = mode[0] if case.broken == "self" else case.broken
                self.assertIn(broken, line["cause"])
                self.assertNotIn(broken, line["cleared"])

    def test_each_fault_has_the_registered_error_type_and_its_parameters(self):
        for mode, case, answer, line in self.about(tls_fault_table.ALL):
            with self.subTest(mode=mode, case=case.name):
                self.assertEqual(line["error_type"], case.error.split(";")[0])
                if answer["Proxy-Status"] is not None:
                    self.assertEqual(answer["Proxy-Status"], f"here; error={case.error}")

    def test_a_status_is_received_only_where_a_status_line_was_parsed(self):
        for mode, case, _, line in self.about(ANSWERED):
            with self.subTest(mode=mode, case=case.name):
                self.assertIsNone(line["upstream_status"])

    def test_the_log_says_exactly_what_tls_showed(self):
        for mode, case, _, line in self.about(tls_fault_table.ALL):
            with self.subTest(mode=mode, case=case.name):
                self.assertRegex("\n".join(line["evidence"]), case.says)

    def test_the_log_has_evidence_of_every_suspect_and_every_alibi(self):
        for mode, case, _, line in self.about(tls_fault_table.ALL):
            with self.subTest(mode=mode, case=case.name):
                evidence = "\n".join(line["evidence"])
                for hop in line["cause"] + line["cleared"]:
                    self.assertRegex(evidence, rf"(?<![\w-]){hop}(?![\w-])")

    def test_the_public_sees_no_address_no_name_and_nothing_of_a_certificate(self):
        for mode, case, answer, _ in self.about(ANSWERED):
            with self.subTest(mode=mode, case=case.name):
                seen = str(answer.fields) + answer.body.decode()
                for secret in ("127.0.0.1", "next-hop", "details", "internal", "other.test", "CN=",
                               "authority", "depth", "verify", "notAfter", "TLS 1."):
                    if secret not in case.error:
                        self.assertNotIn(secret, seen)

    def test_an_error_of_ours_is_never_stored(self):
        for mode, case, answer, _ in self.about(ANSWERED):
            with self.subTest(mode=mode, case=case.name):
                self.assertEqual(answer["Cache-Control"], "no-store")

    def test_who_ended_it_and_when(self):
        for mode, case, _, line in self.about(tls_fault_table.ALL):
            with self.subTest(mode=mode, case=case.name):
                self.assertEqual(line["ended"], case.ended)

    def test_the_log_has_the_keys_of_tls(self):
        for mode, case, _, line in self.about(tls_fault_table.ALL):
            with self.subTest(mode=mode, case=case.name):
                shown = {key.removeprefix("upstream_tls_"): value for key, value in line.items()
                         if re.match("upstream_tls_(alert|verify)", key)}
                if "verify_code" in shown:  # by which alert we say so is OpenSSL's choice
                    self.assertGreater(shown.pop("alert"), 40)
                    self.assertEqual(shown.pop("alert_direction"), "sent")
                self.assertEqual(shown, dict(case.keys))

    def test_a_cut_body_never_looks_whole(self):
        for mode, case, answer, line in self.about(tls_fault_table.BODIES):
            with self.subTest(mode=mode, case=case.name):
                self.assertEqual((answer.status, answer.complete), (200, False))
                self.assertEqual(line["http_response_status_code"], 200)
                self.assertEqual(line["upstream_tls_protocol_version"], "1.3")


if __name__ == "__main__":
    unittest.main()
