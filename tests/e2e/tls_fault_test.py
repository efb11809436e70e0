"""Every fault of TLS that loopback can show, in both positions and both ways to number errors."""

import re
import tempfile
import unittest

import tls_client_table
import tls_fault_table
import tls_peers
import verdict
from documented import produced
from fault_matrix import MODES, FaultMatrix, ask_all, line_of
from harness import Proxy, fetch, free_port, wait_for
from namespaces import in_parallel
from nameserver import Nameserver
from tls_certificates import NAME, OTHER, Certificates
from tls_peers import TlsOrigin

ANSWERED = [case for case in tls_fault_table.ALL if not case.cut]


def make_certificates(test):
    folder = test.enterClassContext(tempfile.TemporaryDirectory(prefix="whichhop-tls-"))
    return Certificates(folder)


def start_peers(test, certificates):
    """One for each case: what one upstream shows must be no alibi for another."""
    return {case.name: test.enterClassContext(case.peer(certificates)).port
            for case in tls_fault_table.ALL}


class Upstreams(FaultMatrix, unittest.TestCase):
    """All faults are met at once, in every mode; the tests look at what came of it."""

    maxDiff = None
    cases = tls_fault_table.ALL

    @classmethod
    def setUpClass(cls):
        certificates = make_certificates(cls)
        ports = start_peers(cls, certificates)
        cls.proxies = {mode: cls.enterClassContext(Proxy(
            tls_fault_table.configuration(ports, certificates, *mode))) for mode in MODES}
        cls.answers = ask_all(cls, cls.proxies, tls_fault_table.ALL)
        operators = cls.enterClassContext(Proxy(tls_fault_table.configuration(
            ports, certificates, "cdn", "edge", 'operators: ["127.0.0.0/8"]')))
        cls.shown = ask_all(cls, {"operator": operators}, ANSWERED, "application/problem+json")
        cls.lines = {(mode, case): line_of(cls.proxies[mode], case, answer)
                     for (mode, case), answer in cls.answers.items()}

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

    def test_operators_see_what_the_log_says(self):
        for (_, case), answer in self.shown.items():
            with self.subTest(case=case.name):
                self.assertRegex("\n".join(answer.json()["evidence"]), case.says)
                self.assertRegex(answer["Proxy-Status"], r'; next-hop="127\.0\.0\.1:\d+"')
                self.assertRegex(answer["Proxy-Status"], r'; details="[\x20-\x7e]+"')
                self.assertEqual(answer["Cache-Control"], "private, no-store")
                self.assertEqual(verdict.of_json(answer.json()), case.verdict("cdn", "edge"))

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


class Clients(unittest.TestCase):
    """All faults of clients are met in every mode; the tests look at what came of it."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.certificates = make_certificates(cls)
        cls.proxies = {mode: cls.enterClassContext(Proxy(tls_client_table.configuration(
            cls.certificates, *mode))) for mode in MODES}
        cls.met = [(mode, *sight) for mode, sights in zip(MODES, in_parallel(cls.meet, MODES))
                   for sight in sights]

    @classmethod
    def meet(cls, mode):
        return list(tls_client_table.meet_all(cls.proxies[mode], cls.certificates))

    def test_each_fault_has_exactly_its_verdict(self):
        for mode, case, _, line in self.met:
            with self.subTest(mode=mode, case=case.name):
                self.assertEqual(verdict.of_json(line), case.verdict(mode[0]))
                self.assertEqual(line.get("error_type"), case.error)
                self.assertEqual(line["ended"], case.ended)

    def test_a_status_is_sent_where_one_can_be(self):
        for mode, case, answer, line in self.met:
            with self.subTest(mode=mode, case=case.name):
                status = int(case.status.split()[0]) if case.status else None
                self.assertEqual(answer and answer.status, status)
                self.assertEqual(line["http_response_status_code"], status)

    def test_fields_and_text_say_what_the_log_says(self):
        for mode, case, answer, line in self.met:
            if answer is not None:
                with self.subTest(mode=mode, case=case.name):
                    self.assertEqual(verdict.of_fields(answer), verdict.of_json(line))
                    self.assertEqual(verdict.of_text(answer.body), verdict.of_json(line))
                    self.assertEqual(verdict.error_id(answer), line["error_id"])
                    self.assertEqual(answer["Connection"], "close")

    def test_the_log_says_exactly_what_tls_showed(self):
        for mode, case, _, line in self.met:
            with self.subTest(mode=mode, case=case.name):
                self.assertRegex("\n".join(line["evidence"]), case.says)

    def test_the_log_has_the_keys_of_tls(self):
        for mode, case, _, line in self.met:
            with self.subTest(mode=mode, case=case.name):
                shown = {key.removeprefix("tls_"): value for key, value in line.items()
                         if re.match("tls_(alert|client_server|protocol)", key)}
                self.assertEqual(shown, dict(case.keys))
                self.assertGreaterEqual(line["tls_handshake_seconds"], 0)

    def test_nobody_behind_us_was_asked_and_none_is_cleared(self):
        for mode, case, _, line in self.met:
            with self.subTest(mode=mode, case=case.name):
                self.assertFalse(line.get("attempts"))
                self.assertFalse({"server", "app"} & set(line["cause"] + line["cleared"]))
                self.assertNotIn(mode[0], line["cleared"])

    def test_the_public_sees_no_address_no_name_and_nothing_of_a_certificate(self):
        for mode, case, answer, _ in self.met:
            if answer is not None:
                with self.subTest(mode=mode, case=case.name):
                    seen = str(answer.fields) + answer.body.decode()
                    for secret in ("127.0.0.1", "details", "internal", ".test", "CN=", "SNI",
                                   "verify", "first bytes"):
                        self.assertNotIn(secret, seen)

    def test_who_is_right_is_served(self):
        for mode in MODES:
            for listener, options in ((0, ()), (0, ("-tls1_2",)),
                                      (1, tls_client_table.shows("client"))):
                with self.subTest(mode=mode, listener=listener, options=options):
                    answer = tls_client_table.s_client(*tls_client_table.NAMED, *options)(
                        tls_client_table.port_of(self.proxies[mode], listener), self.certificates)
                    self.assertEqual(answer.status, 204)


def configuration(upstreams, certificates, position="lb", **blocks):
    """`upstreams`: {name: (servers, what its `tls` has that is not right, the rest of it)}, each for
    NAME.test; servers are ports, or texts."""
    def text(server):
        return server if isinstance(server, str) else f"127.0.0.1:{server}"
    lines = ['listen: ["127.0.0.1:0"]',
             f"node: {{name: here, workers: 1, position: {position}"
             f"{''.join(', ' + more for more in blocks.pop('node', []))}}}"]
    lines += [f"{name}: {{{inside}}}" for name, inside in blocks.items()]
    lines += ["upstreams:"]
    for name, (servers, tls, *rest) in upstreams.items():
        listed = ", ".join(f'"{text(server)}"' for server in servers)
        lines.append("  " + ", ".join([
            f"{name}: {{servers: [{listed}]",
            f"tls: {tls_fault_table.block(certificates, tls)}", *rest]) + "}")
    lines += ["routes:"]
    lines += [f"  - {{host: {name}.test, upstream: {name}}}" for name in upstreams]
    return "\n".join(lines) + "\n"


class Stories(unittest.TestCase):
    """Faults that need more than one step."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.certificates = make_certificates(cls)

    def proxy(self, upstreams, position="lb", **blocks):
        return self.enterContext(Proxy(configuration(
            upstreams, self.certificates, position, **blocks)))

    def peer(self, start):
        return self.enterContext(start(self.certificates))

    def good(self, script=None, **options):
        return self.enterContext(TlsOrigin(self.certificates.good, script, **options))

    def tried(self, line):
        return [attempt.get("fault") for attempt in line["attempts"]]

    # Retries: a handshake that failed carried no request.

    def bad_peers(self):
        by_name = {case.name: case for case in tls_fault_table.ALL}
        for name in ("tlsv-expired", "tls-fin", "tls-http", "tls-alert", "tls-stall"):
            yield by_name[name].fault, self.peer(by_name[name].peer)

    def test_what_tls_never_carried_is_asked_of_another_server(self):
        for fault, bad in self.bad_peers():
            for method in ("GET", "POST"):
                with self.subTest(fault=fault, method=method):
                    proxy = self.proxy({"app": ([bad.port, self.good().port], {})},
                                       timeouts="tls: 300ms")
                    answers = [fetch(proxy.port, method=method, host="app.test") for _ in range(3)]
                    self.assertEqual([answer.status for answer in answers], [200] * 3)
                    tried = [self.tried(line) for line in proxy.wait_for_log(3)]
                    self.assertIn([fault, None], tried)
                    self.assertLessEqual(sum(map(len, tried)), 5)
                    self.assertEqual(bad.requests, [])

    def test_what_may_have_been_carried_is_not(self):
        """A certificate of ours that is refused in TLS 1.3 is so behind the request."""
        ports = [self.peer(tls_fault_table.judging).port for _ in range(2)]
        proxy = self.proxy({"app": (ports, {})})
        for method in ("GET", "POST"):
            answer = fetch(proxy.port, method=method, host="app.test")
            line = verdict.line_of(proxy, answer)
            self.assertEqual(self.tried(line), ["tls-origin-client-cert-13"])

    def test_the_same_address_is_not_asked_again(self):
        for fault, bad in self.bad_peers():
            with self.subTest(fault=fault):
                proxy = self.proxy({"app": ([bad.port], {}, "retry: {attempts: 3}")},
                                   timeouts="tls: 300ms")
                line = verdict.line_of(proxy, fetch(proxy.port, host="app.test"))
                self.assertEqual((self.tried(line), bad.connections), ([fault], 1))

    def test_nothing_is_asked_again_where_connects_are_not(self):
        bad = self.peer(tls_fault_table.showing("expired"))
        proxy = self.proxy({"app": ([bad.port, self.good().port], {}, "retry: {on: [stale]}")})
        statuses = [fetch(proxy.port, host="app.test").status for _ in range(2)]
        self.assertEqual(sorted(statuses), [200, 502])
        self.assertTrue(all(len(line["attempts"]) == 1 for line in proxy.wait_for_log(2)))

    def test_a_server_that_is_down_is_no_other(self):
        bad = self.peer(tls_fault_table.showing("expired"))
        proxy = self.proxy({"app": ([bad.port, free_port()], {}, "retry: {attempts: 3}")})
        answer = fetch(proxy.port, host="app.test")
        self.assertEqual(answer.status, 502)
        faults = self.tried(verdict.line_of(proxy, answer))
        self.assertEqual(sorted(set(faults)), ["connect-refused-rst", "tlsv-expired"])

    def test_another_address_of_a_name_is_asked_and_the_bad_one_left_alone(self):
        good = self.good()
        bad = self.enterContext(TlsOrigin(self.certificates.expired, host="127.0.0.2",
                                          port=good.port))
        nameserver = self.enterContext(Nameserver(["127.0.0.1", "127.0.0.2"]))
        proxy = self.proxy({"app": ([f"{NAME}:{good.port}"], {"server_name": None})},
                           node=[f'resolvers: ["127.0.0.1:{nameserver.port}"]'])
        for _ in range(6):
            self.assertEqual(fetch(proxy.port, method="POST", host="app.test").status, 200)
        self.assertEqual(bad.connections, 1)
        tried = [self.tried(line) for line in proxy.wait_for_log(6)]
        self.assertEqual(tried.count(["tlsv-expired", None]), 1)

    # Probes.

    def test_where_every_probe_fails_in_tls_the_edge_says_how(self):
        checked = "health_check: {interval: 100ms, timeout: 400ms, unhealthy: 2}"
        peers = {fault: bad.port for fault, bad in self.bad_peers()}
        rows = {"tlsv-expired": "526", "tls-timeout": "525"}
        for position, statuses in MODES:
            proxy = self.proxy({fault: ([port], {}, checked) for fault, port in peers.items()},
                               position, errors=f"statuses: {statuses}", timeouts="tls: 300ms")
            for fault in peers:
                with self.subTest(position=position, statuses=statuses, fault=fault):
                    row = rows.get(fault, "525") if statuses == "edge" else "503"
                    answer = wait_for(lambda: self.all_down(proxy, fault), "no server to be up")
                    suspects = tls_fault_table.by_fault(fault).verdict(position, statuses).cause
                    self.assertEqual(answer.status, int(row))
                    expected = produced("backend-all-down", row, suspects, position,
                                        {"lb": ["tor"], "cdn": ["isp", "tor"]}[position])
                    self.assertEqual(verdict.of_fields(answer), expected)
                    line = verdict.line_of(proxy, answer)
                    self.assertEqual(verdict.of_json(line), expected)
                    self.assertFalse(line.get("attempts"))

    def all_down(self, proxy, fault):
        answer = fetch(proxy.port, host=f"{fault}.test")
        return verdict.of_fields(answer).fault == "backend-all-down" and answer

    # What other connections showed.

    def test_a_policy_that_works_elsewhere_is_not_what_is_wrong(self):
        old = self.peer(tls_fault_table.s_server("-tls1_2"))
        for position, alone, accompanied in (("lb", "server lb app", "server app"),
                                             ("cdn", "lb server cdn", "lb server")):
            strict = tls_fault_table.AGREES
            proxy = self.proxy({"old": ([old.port], strict), "new": ([self.good().port], strict)},
                               position)
            said = verdict.of_fields(fetch(proxy.port, host="old.test"))
            self.assertEqual((said.fault, said.cause), ("tls-version", tuple(alone.split())))
            self.assertEqual(fetch(proxy.port, host="new.test").status, 200)
            said = verdict.of_fields(fetch(proxy.port, host="old.test"))
            self.assertEqual((said.fault, said.cause), ("tls-version", tuple(accompanied.split())))
            self.assertNotIn(position, said.cleared)

    def test_a_server_that_has_a_certificate_for_another_name_lacks_ours(self):
        server = self.enterContext(tls_peers.server_for(OTHER, self.certificates.of_other_name))
        proxy = self.proxy({"here": ([server.port], {}),
                            "there": ([server.port], {"server_name": OTHER})})
        for fault in ("tls-cipher", "tls-no-cert-server"):
            answer = fetch(proxy.port, host="here.test")
            self.assertEqual(verdict.of_fields(answer).fault, fault)
            self.assertEqual(fetch(proxy.port, host="there.test").status, 200)

    def test_certificates_that_are_all_of_the_future_are_our_clocks(self):
        for position, statuses in MODES:
            with self.subTest(position=position, statuses=statuses):
                ports = [self.peer(tls_fault_table.showing(pair)).port
                         for pair in ("not_yet_valid", "not_yet_valid_too")]
                proxy = self.proxy({"one": ([ports[0]], {}), "two": ([ports[1]], {})}, position,
                                   errors=f"statuses: {statuses}")
                said = verdict.of_fields(fetch(proxy.port, host="one.test"))
                self.assertEqual(said.fault, "tlsv-not-yet-valid")
                answer = fetch(proxy.port, host="two.test")
                self.assertEqual(answer.status, 500)
                self.assertEqual(verdict.of_fields(answer), produced(
                    "self-clock-skew", "500", [position], position))

    def test_a_key_that_was_never_seen_may_be_someones_on_the_way(self):
        for position, cause, cleared in (("lb", "server app", False),
                                         ("cdn", "lb server isp", False)):
            origin = self.good(tls_peers.answer_once)
            proxy = self.proxy({"app": ([origin.port], {})}, position)
            self.assertEqual(fetch(proxy.port, host="app.test").status, 200)
            origin.context = tls_peers.server_context(self.certificates.self_signed_too)
            said = verdict.of_fields(fetch(proxy.port, host="app.test"))
            self.assertEqual((said.fault, said.cause), ("tlsv-self-signed", tuple(cause.split())))
            self.assertEqual("tor" in said.cleared and position == "cdn", cleared)

    # Nobody asked for the proof.

    def test_who_is_not_verified_is_believed_and_that_is_said(self):
        def refuse(connection, origin):
            tls_peers.answer_all(connection, origin,
                                 b"HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n")
        origin = self.enterContext(TlsOrigin(self.certificates.expired, refuse))
        proxy = self.proxy({"app": ([origin.port], {"verify": "false"})})
        line = verdict.line_of(proxy, fetch(proxy.port, host="app.test"))
        self.assertEqual(line["fault"], "relay-502")
        self.assertRegex("\n".join(line["evidence"]), r"not verified.*failed with 10 \(")

    # Who is an operator.

    def test_an_operator_is_known_by_a_certificate(self):
        c = self.certificates
        proxy = self.enterContext(Proxy(
            f'listen: [{{address: "127.0.0.1:0", tls: {{certificates: [{{cert: {c.good.cert}, '
            f"key: {c.good.key}}}]}}}}]\nerrors: {{operator_ca: {c.ca}}}\n"
            f'upstreams:\n  app: {{servers: ["127.0.0.1:{free_port()}"]}}\n'
            "routes:\n  - {upstream: app}\n"))
        for options, shown in ((tls_client_table.shows("client"), True), ((), False),
                               (tls_client_table.shows("strange_client"), False)):
            with self.subTest(options=options):
                answer = tls_client_table.s_client(*tls_client_table.NAMED, *options)(
                    proxy.port, c)
                self.assertEqual(answer.status, 502)
                self.assertEqual("next-hop" in answer["Proxy-Status"], shown)


if __name__ == "__main__":
    unittest.main()
