"""Chains of hosts with one that breaks: a sample of them for real, and how they are counted."""

import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "tests", "e2e")]

import attribution_breaks  # noqa: E402
import attribution_chain  # noqa: E402
import attribution_chain_report  # noqa: E402
import attribution_meet  # noqa: E402
import attribution_truth  # noqa: E402
import namespaces  # noqa: E402
from attribution_meet import Chained, Said  # noqa: E402
from verdict import Verdict  # noqa: E402

SAMPLE = """app-stopped app-frozen app-cut app-dies-of-request fronted-app-stopped
    host-answers-nobody host-firewall-icmp rack-off-while-waited-for rack-firewall-icmp
    isp-says-prohibited isp-drops-all tor-firewall-icmp lb-stopped lb-frozen lb-out-of-ports
    cdn-no-way-out lb-dns-nxdomain cdn-dns-silent db-stopped-502 auth-says-401 store-says-404
    server-certificate-expired lb-certificate-expired client-half-a-head router-appends
    host-off-health-checked host-firewall-rst app-stopped-health-checked cdn-has-no-certificate
    app-certificate-expired""".split()
# What only further witnesses tell from others.
ALONE = """app-stopped host-firewall-rst app-stopped-health-checked server-certificate-expired
    cdn-has-no-certificate""".split()


class Sample(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        why = namespaces.lacking()
        if why:
            print(f"\n*** SKIPPED: {why} ***\n", flush=True)
            raise unittest.SkipTest(why)
        cases = [case for case in attribution_breaks.ALL if case.name in SAMPLE]
        cls.met, cls.unmet = attribution_meet.meet_all(cases)

    def test_every_fault_of_the_sample_is_met(self):
        self.assertEqual(self.unmet, {})
        self.assertEqual({met.name for met in self.met}, set(SAMPLE))

    def test_the_broken_hop_is_named_by_who_saw_it_and_cleared_by_nobody(self):
        for met in self.met:
            for said in met.said:
                with self.subTest(fault=met.name, at=said.at):
                    believed = attribution_chain.BELIEVES or said.lb is None
                    self.assertIn(met.broken, (said.cdn if believed else said.lb).cause)
                    for verdict in filter(None, (said.cdn, said.lb)):
                        self.assertNotIn(met.broken, verdict.cleared)


    def test_who_has_witnesses_is_named_alone_in_the_end(self):
        for met in self.met:
            if met.name in ALONE:
                with self.subTest(fault=met.name):
                    self.assertEqual(met.settled.cdn.cause, (met.broken,))


class Tables(unittest.TestCase):
    def test_every_break_has_one_truth(self):
        names = [case.name for case in attribution_breaks.ALL]
        told = [name for kinds in attribution_truth.CHAIN.values() for text in kinds.values()
                for name in text.split()]
        self.assertEqual(sorted(names), sorted(told))
        self.assertEqual(len(set(names)), len(names))

    def test_the_sample_is_of_them(self):
        self.assertLessEqual(set(SAMPLE), {case.name for case in attribution_breaks.ALL})


def met(name, broken, *causes, cleared=()):
    said = tuple(Said(float(at), 502, Verdict(cause=cause, cleared=cleared, row=("502A",)), None)
                 for at, cause in enumerate(causes))
    return Chained(name, broken, "broken", said)


class Report(unittest.TestCase):
    def reached(self, *results):
        report = attribution_chain_report.ChainReport(list(results), {})
        return [will_do for *_, will_do in report.goals()], report.passed()

    def test_all_goals_are_reached_by_who_is_always_right(self):
        self.assertEqual(self.reached(met("a", "app", ("app",))), ([True] * 4, True))

    def test_the_last_verdict_counts(self):
        wide = ("app", "server", "lb")
        self.assertEqual(self.reached(met("a", "app", wide, ("app",))), ([True] * 4, True))
        self.assertEqual(self.reached(met("a", "app", ("app",), wide)),
                         ([True, True, False, False], False))

    def test_a_hop_that_is_not_named_misses_the_goal(self):
        self.assertEqual(self.reached(met("a", "app", ("db",))), ([False, True, True, False], False))

    def test_who_was_cleared_once_misses_the_goal(self):
        result = met("a", "app", ("app",), cleared=("app",))
        self.assertEqual(self.reached(result), ([True, False, True, True], False))

    def test_what_is_beyond_misses_no_goal(self):
        name = next(iter(attribution_truth.BEYOND))
        self.assertTrue(self.reached(met("a", "app", ("app",)), met(name, "tor", ("db",)))[1])

    def test_what_could_not_be_met_fails_and_is_told(self):
        report = attribution_chain_report.ChainReport([met("a", "app", ("app",))], {"b": "no b"})
        self.assertFalse(report.passed())
        self.assertIn("*** NOT MET: b: no b ***", report.summary())

    def test_without_a_chain_no_goal_is_missed(self):
        self.assertEqual(self.reached(), ([], True))


if __name__ == "__main__":
    unittest.main()
