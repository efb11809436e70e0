"""Routes, links and routers that fail: every verdict on them, in both positions and both modes."""

import unittest

import namespaces
import verdict
from documented import produced
from namespaces import CASES, MODES, NO_GOLDEN, VISITS


setUpModule = namespaces.skip_where_lacking


class NetworkTest(unittest.TestCase):
    maxDiff = None

    def check(self, answer, line, expected, status, error):
        """One answer and its line of the log against what has to be said; the answer is None or
        spent where no status could be sent."""
        self.assertEqual(verdict.of_json(line), expected)
        self.assertTrue(line["evidence"])
        if status is None:
            return
        self.assertEqual(verdict.of_fields(answer), expected)
        self.assertEqual(answer.status, status)
        self.assertEqual(answer["Proxy-Status"].split("; ")[:2], ["here", f"error={error}"])
        self.assertEqual(line["error_id"], verdict.error_id(answer))


class Upstream(NetworkTest):
    """All faults are met at once, in every mode; the tests look at what came of it."""

    @classmethod
    def setUpClass(cls):
        cls.met = namespaces.meet(cases=CASES + NO_GOLDEN)

    def of(self, case):
        return [(mode, *self.met[mode, case]) for mode in MODES]

    def named(self, name):
        case = next(case for case in CASES if case.name == name)
        return {mode: line for mode, _, line in self.of(case)}

    def test_every_fault_of_the_network_has_its_verdict(self):
        for case in CASES:
            for mode, answer, line in self.of(case):
                with self.subTest(case=case.name, mode=mode):
                    status = None if case.cut else case.status(mode[1])
                    self.check(answer, line, case.verdict(*mode), status, case.error)

    def test_a_body_that_was_lost_looks_cut(self):
        for case in CASES:
            if case.cut:
                for mode, answer, _ in self.of(case):
                    with self.subTest(case=case.name, mode=mode):
                        self.assertEqual((answer.status, answer.complete), (200, False))

    def test_the_broken_hop_is_a_suspect_and_none_is_cleared_that_is_broken(self):
        for case in CASES:
            self.names_the_truth(case)

    def names_the_truth(self, case):
        for mode, _, line in self.of(case):
            with self.subTest(case=case.name, mode=mode):
                broken, = namespaces.hops_at(mode[0], case.broken)
                self.assertIn(broken, line["cause"])
                self.assertNotIn(broken, line["cleared"])

    def test_a_switch_that_is_off_is_a_suspect(self):
        self.names_the_truth(namespaces.SWITCH_OFF)

    def test_a_way_that_loses_long_segments_alone_is_a_suspect(self):
        for case in namespaces.LONG_LOST:
            self.names_the_truth(case)

    @unittest.expectedFailure  # acknowledgements pass, and nothing shows that more was sent
    def test_a_way_that_loses_every_segment_of_an_answer_is_a_suspect(self):
        self.names_the_truth(namespaces.ALL_LOST)

    def test_a_router_is_quoted_with_its_address(self):
        for name, words in (("unreachable-by-tor", "icmp 3/1 from 10.2.0.2"),
                            ("unreachable-by-isp", "icmp 3/1 from 10.1.0.1"),
                            ("prohibited-by-tor", "icmp 3/13 from 10.2.0.2"),
                            ("prohibited-by-tor-6", "icmpv6 1/1 from fd00:2::2"),
                            ("circle", "icmp 11/0 from 10."),
                            ("rejected-by-tor", "icmp 3/3 from 10.2.0.2"),
                            ("rejected-by-host", "icmp 3/3 from 10.9.0.53"),
                            ("no-neighbour", "icmp 3/1 from 10.1.0.2"),
                            ("no-host", "icmp 3/1 from 10.2.0.2")):
            for mode, line in self.named(name).items():
                with self.subTest(name=name, mode=mode):
                    self.assertIn(words, " ".join(line["evidence"]))

    def test_a_slow_app_and_a_dead_way_are_two_verdicts(self):
        for slow, dead in (("app-hangs", "way-dead-before-answer"),
                           ("app-stalls-in-body", "way-dead-in-body")):
            slow, dead = self.named(slow), self.named(dead)
            for mode in MODES:
                with self.subTest(mode=mode, slow=slow):
                    self.assertIn("app", slow[mode]["cause"])
                    self.assertIn("tor", slow[mode]["cleared"])
                    self.assertIn("tor", dead[mode]["cause"])
                    self.assertIn("app", dead[mode]["cleared"])


class OfTheClient(NetworkTest):
    @classmethod
    def setUpClass(cls):
        cls.met = namespaces.visit_all(MODES)

    def test_a_slow_client_and_a_lossy_one_are_two_verdicts(self):
        for visit in VISITS:
            for mode in MODES:
                with self.subTest(visit=visit.name, mode=mode):
                    self.check(*self.met[mode, visit], visit.verdict(mode[0]),
                               408 if visit.answered else None, "http_request_error")


class OfOurselves(NetworkTest):
    def test_no_local_port_is_left(self):
        for mode in MODES:
            with self.subTest(mode=mode):
                expected = produced("connect-no-local-port", "503", [mode[0]], mode[0])
                self.check(*namespaces.run_out_of_ports(mode), expected, 503,
                           "proxy_internal_error")


if __name__ == "__main__":
    unittest.main()
