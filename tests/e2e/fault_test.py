"""Every fault that loopback can show, in both positions and both ways to number errors."""

import contextlib
import ctypes
import select
import socket
import struct
import unittest

import fault_table
import verdict
from documented import produced
from fault_matrix import MODES, FaultMatrix, ask_all, line_of
from harness import (Client, Origin, Proxy, RawOrigin, fetch, origin_answering, request, wait_for,
                     yaml_for)

ANSWERED = [case for case in fault_table.ALL if not case.cut]


def start_origins(test):
    """One for each case: what one upstream shows must be no alibi for another."""
    ports = {}
    for case in fault_table.UPSTREAM + fault_table.SLOW + fault_table.UPLOAD:
        options = [case.listener] if case.listener else []
        ports[case.name] = test.enterClassContext(Origin(*options)).port
    return ports


def reset(client):
    """Closes with a RST."""
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


class Faults(FaultMatrix, unittest.TestCase):
    """All faults are met at once, in every mode; the tests look at what came of it."""

    maxDiff = None
    cases = fault_table.ALL

    @classmethod
    def setUpClass(cls):
        ports = start_origins(cls)
        cls.proxies = {mode: cls.enterClassContext(Proxy(fault_table.configuration(ports, *mode)))
                       for mode in MODES}
        cls.answers = ask_all(cls, cls.proxies, fault_table.ALL)
        cls.lines = {(mode, case): line_of(cls.proxies[mode], case, answer)
                     for (mode, case), answer in cls.answers.items()}

    def test_we_report_what_we_met_and_never_clear_ourselves(self):
        for mode, case, _, line in self.about(fault_table.ALL):
            with self.subTest(mode=mode, case=case.name):
                self.assertEqual(line["reporter"], [mode[0]])
                self.assertNotIn(mode[0], line["cleared"])
                self.assertFalse(set(line["cause"]) & set(line["cleared"]))

    def test_each_fault_has_the_registered_error_type(self):
        for mode, case, answer, line in self.about(fault_table.ALL):
            with self.subTest(mode=mode, case=case.name):
                self.assertEqual(line["error_type"], case.error)
                if answer["Proxy-Status"] is not None:
                    self.assertRegex(answer["Proxy-Status"], f"^here; error={case.error}(;|$)")

    def test_a_status_is_received_only_where_a_status_line_was_parsed(self):
        for mode, case, answer, line in self.about(fault_table.CONNECT + fault_table.WAIT[:3]):
            with self.subTest(mode=mode, case=case.name):
                self.assertNotIn("received-status", answer["Proxy-Status"])
                self.assertIsNone(line["upstream_status"])

    def test_the_log_has_evidence_of_every_suspect_and_every_alibi(self):
        for mode, case, _, line in self.about(fault_table.ALL):
            with self.subTest(mode=mode, case=case.name):
                evidence = "\n".join(line["evidence"])
                for hop in line["cause"] + line["cleared"]:
                    self.assertRegex(evidence, rf"(?<![\w-]){hop}(?![\w-])")

    def test_the_public_sees_no_address(self):
        for mode, case, answer, _ in self.about(ANSWERED):
            with self.subTest(mode=mode, case=case.name):
                seen = str(answer.fields) + answer.body.decode()
                self.assertNotIn("127.0.0.1", seen)
                self.assertNotIn("next-hop", seen)
                self.assertNotIn("details", seen)

    def test_an_error_of_ours_is_never_stored(self):
        for mode, case, answer, _ in self.about(ANSWERED):
            with self.subTest(mode=mode, case=case.name):
                self.assertEqual(answer["Cache-Control"], "no-store")

    def test_a_cut_body_never_looks_whole(self):
        for mode, case, answer, line in self.about(fault_table.BODY):
            with self.subTest(mode=mode, case=case.name):
                self.assertEqual((answer.status, answer.complete), (200, False))
                self.assertEqual(line["http_response_status_code"], 200)
                self.assertGreater(line["bytes_out"], len(answer.body))

    def test_a_body_that_is_broken_from_its_first_byte_is_answered_by_an_error(self):
        for mode, case, answer, _ in self.about(fault_table.BODY_AT_ONCE):
            with self.subTest(mode=mode, case=case.name):
                self.assertEqual(answer.status, case.status(mode[1]))
                self.assertEqual(verdict.of_fields(answer), case.verdict(*mode))

    def test_a_refused_method_names_those_that_are_allowed(self):
        for mode, case, answer, _ in self.about(fault_table.REQUEST):
            if case.fault == "req-method":
                with self.subTest(mode=mode, case=case.name):
                    self.assertRegex(answer["Allow"], r"\bGET\b")

    def test_a_request_that_was_refused_before_it_was_read_ends_its_connection(self):
        for mode, case, answer, _ in self.about(fault_table.REQUEST + fault_table.SLOW):
            if case.fault in ("req-line-bad", "req-framing-conflict", "req-te-unknown",
                              "req-head-timeout", "reqbody-timeout", "req-head-too-large"):
                with self.subTest(mode=mode, case=case.name):
                    self.assertEqual(answer["Connection"], "close")

    def test_where_we_asked_nobody_nobody_is_in_the_log(self):
        for mode, case, _, line in self.about(fault_table.REQUEST + fault_table.OWN):
            with self.subTest(mode=mode, case=case.name):
                self.assertFalse(line.get("attempts"))
                self.assertIsNone(line.get("upstream_status"))

    def test_who_ended_it_and_when(self):
        ended = {"refuse": "SC", "drop-syn": "sC", "hang": "sH", "empty": "SH",
                 "reset-before-head": "SH", "truncate": "SD", "stall-body": "sD",
                 "half-a-head": "cR", "body-stalls": "cR", "no-route": "PR"}
        for mode, case, _, line in self.about(fault_table.ALL):
            if case.name in ended:
                with self.subTest(mode=mode, case=case.name):
                    self.assertEqual(line["ended"], ended[case.name])


class Disclosure(unittest.TestCase):
    """Who is shown what we know."""

    # Nothing is known of these but what their fault says.
    TERSE = {"1xx-flood", "unsolicited-101", "method-connect", "method-trace", "expect", "teapot"}
    SHOWN = {
        "everyone": "details: everyone",
        "an operator": 'details: operators, operators: ["127.0.0.0/8"]',
    }
    HIDDEN = {
        "nobody": 'details: nobody, operators: ["127.0.0.0/8"]',
        "an operator elsewhere": 'details: operators, operators: ["192.0.2.0/24"]',
    }

    @classmethod
    def setUpClass(cls):
        ports = start_origins(cls)
        cls.proxies = {who: cls.enterClassContext(Proxy(
            fault_table.configuration(ports, "cdn", "edge", errors)))
            for who, errors in (cls.SHOWN | cls.HIDDEN).items()}
        cls.answers = ask_all(cls, cls.proxies, ANSWERED, "application/problem+json")

    def about(self, among):
        return [(who, case, self.answers[who, case]) for who in among for case in ANSWERED]

    def test_details_are_shown_to_everyone_or_to_operators(self):
        for who, case, answer in self.about(self.SHOWN):
            with self.subTest(who=who, case=case.name):
                if case.name not in self.TERSE:
                    self.assertRegex(answer["Proxy-Status"], r'; details="[\x20-\x7e]+"')

    def test_the_next_hop_is_named_where_we_asked_one(self):
        for who, case, answer in self.about(self.SHOWN):
            with self.subTest(who=who, case=case.name):
                if case.is_upstream and case not in fault_table.OWN:
                    self.assertRegex(answer["Proxy-Status"], r'; next-hop="127\.0\.0\.1:\d+"')

    def test_operators_get_evidence_and_an_answer_that_no_cache_may_share(self):
        for who, case, answer in self.about(["an operator"]):
            with self.subTest(who=who, case=case.name):
                self.assertEqual(answer["Cache-Control"], "private, no-store")
                if answer["Content-Type"] == "application/problem+json":
                    self.assertTrue(answer.json()["evidence"])

    def test_nobody_else_gets_a_detail(self):
        for who, case, answer in self.about(self.HIDDEN):
            with self.subTest(who=who, case=case.name):
                seen = str(answer.fields) + answer.body.decode()
                for secret in ("127.0.0.1", "next-hop", "details", "evidence"):
                    self.assertNotIn(secret, seen)

    def test_the_problem_document_says_what_the_fields_say(self):
        for who, case, answer in self.about(self.proxies):
            if answer["Content-Type"] == "application/problem+json":
                with self.subTest(who=who, case=case.name):
                    self.assertEqual(verdict.of_json(answer.json()), verdict.of_fields(answer))
                    self.assertEqual(answer.json()["status"], answer.status)


BOTH = [("lb", "gateway", 502, "502A", "tor"), ("cdn", "edge", 520, "520", "isp tor")]


def proxy_at(position, port, **blocks):
    return Proxy(yaml_for(port, node=f"name: here, position: {position}", **blocks))


def upload(port, target, size=8_000_000):
    """A POST by a client that reads the answer though it could not send all of its body."""
    with Client(port) as client:
        with contextlib.suppress(ConnectionError):
            client.send(request(target, "POST", body=b"x" * size))
        return client.read()


def drop_payload(listener):
    """The kernel drops what carries bytes to the connections of this listener: handshakes pass."""
    load_offset, header_size = [(0x30, 12), (0x74, 4), (0x64, 2)], [(0x07, 0), (0x80, 0), (0x1c, 0)]
    code = b"".join(struct.pack("HBBI", op, 0, 0, k) for op, k in load_offset + header_size)
    code += struct.pack("HBBI", 0x15, 0, 1, 0)  # nothing behind the header?
    code += struct.pack("HBBI", 0x06, 0, 0, 0xffff) + struct.pack("HBBI", 0x06, 0, 0, 0)
    program = ctypes.create_string_buffer(code)
    listener.setsockopt(socket.SOL_SOCKET, 26, struct.pack("HL", len(code) // 8,
                                                           ctypes.addressof(program)))


def deaf(connection):
    """The kernel drops whatever comes to it."""
    program = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0))
    connection.setsockopt(socket.SOL_SOCKET, 26, struct.pack("HL", 1, ctypes.addressof(program)))


class Stories(unittest.TestCase):
    """Faults that need more than one step."""

    maxDiff = None

    def test_a_get_on_a_stale_connection_is_tried_again_and_the_log_has_both(self):
        for way in ("stale-reset", "stale-fin"):
            with self.subTest(way=way), Origin() as origin, proxy_at("lb", origin.port) as proxy:
                self.assertEqual(fetch(proxy.port, f"/fault/{way}").status, 200)
                answer = fetch(proxy.port, "/bytes/7")
                self.assertEqual((answer.status, len(answer.body)), (200, 7))
                self.assertIsNone(answer["Error-Fault"])
                attempts = proxy.wait_for_log(2)[1]["attempts"]
                self.assertEqual([attempt.get("fault") for attempt in attempts],
                                 ["stale-keepalive-race", None])

    def test_a_post_on_a_stale_connection_is_never_sent_twice(self):
        for position, _, status, row, proven in BOTH:
            for way in ("stale-reset", "stale-fin"):
                with self.subTest(position=position, way=way), Origin() as origin, \
                        proxy_at(position, origin.port) as proxy:
                    self.assertEqual(fetch(proxy.port, f"/fault/{way}").status, 200)
                    answer = fetch(proxy.port, "/sink", "POST", body=b"order")
                    suspects = {"lb": "server app", "cdn": "server lb app"}[position]
                    self.assertEqual(answer.status, status)
                    self.assertEqual(verdict.of_fields(answer), produced(
                        "stale-keepalive-race", row, suspects.split(), position, proven.split()))
                    self.assertEqual(len(verdict.line_of(proxy, answer)["attempts"]), 1)

    def test_a_refused_connection_is_tried_on_another_server_and_the_log_has_both(self):
        for method in ("GET", "POST"):
            with self.subTest(method=method), Origin("--refuse") as refusing, Origin() as origin:
                yaml = yaml_for(refusing.port).replace(
                    f'"127.0.0.1:{refusing.port}"',
                    f'"127.0.0.1:{refusing.port}", "127.0.0.1:{origin.port}"')
                with Proxy(yaml) as proxy:
                    for _ in range(4):
                        self.assertEqual(fetch(proxy.port, "/sink", method).status, 200)
                    tried = [[attempt.get("fault") for attempt in line["attempts"]]
                             for line in proxy.wait_for_log(4)]
                    self.assertIn(["connect-refused-rst", None], tried)
                    self.assertIn([None], tried)

    def test_a_connection_that_the_origin_closed_when_idle_is_no_error(self):
        with Origin() as origin, proxy_at("lb", origin.port) as proxy:
            for _ in range(3):
                self.assertEqual(fetch(proxy.port, "/fault/close-after-response").status, 200)

    def test_an_answer_that_came_before_the_upload_was_read_is_relayed(self):
        with Origin() as origin, proxy_at("lb", origin.port, upstream="is: app") as proxy:
            answer = upload(proxy.port, "/fault/early-413")
            self.assertEqual(answer.status, 413)
            said = verdict.of_fields(answer)
            self.assertEqual((said.fault, said.cause, said.reporter, said.row, said.basis),
                             ("relay-413", (), ("app",), (), "observed"))

    def test_an_upload_that_is_cut_by_the_origin_blames_the_far_end(self):
        for position, _, status, row, proven in BOTH:
            with self.subTest(position=position), Origin() as origin, \
                    proxy_at(position, origin.port) as proxy:
                answer = upload(proxy.port, "/fault/read-then-reset/1000")
                suspects = {"lb": "server app", "cdn": "server app lb"}[position]
                self.assertEqual(answer.status, status)
                self.assertEqual(verdict.of_fields(answer), produced(
                    "write-early-close", row, suspects.split(), position, proven.split()))

    def test_an_origin_that_reads_no_upload_is_alive_and_hung(self):
        for position, statuses, status in (("lb", "gateway", 504), ("cdn", "edge", 524)):
            with self.subTest(position=position), Origin() as origin, \
                    proxy_at(position, origin.port, timeouts="response_head: 1s") as proxy:
                answer = upload(proxy.port, "/fault/no-read")
                self.assertEqual(answer.status, status)
                said = verdict.of_fields(answer)
                self.assertEqual(said.fault, "write-timeout-zero-window")
                self.assertEqual(said.cause, ("app",) if position == "lb" else ("app", "lb"))
                self.assertIn("tor", said.cleared)

    def connect_in_vain(self, position, statuses, between):
        """The second of two requests, whose connect finds the queue full; the first is in it."""
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            with proxy_at(position, listener.getsockname()[1], timeouts="connect: 3s",
                          errors=f"statuses: {statuses}") as proxy, \
                    Client(proxy.port) as first, Client(proxy.port) as second:
                first.send(request())
                wait_for(lambda: select.select([listener], [], [], 0)[0], "the first connection")
                between(listener)
                answer = second.send(request()).read()
                return answer, verdict.line_of(proxy, answer)

    def test_a_full_queue_of_an_address_whose_connections_live_is_the_apps(self):
        for position, statuses, status, row, _ in BOTH:
            status, row = {"lb": (504, "504A"), "cdn": (522, "522")}[position]
            with self.subTest(position=position):
                answer, line = self.connect_in_vain(position, statuses, lambda _: None)
                suspects, proven = {"lb": ("app", "tor server"),
                                    "cdn": ("app lb", "isp tor")}[position]
                expected = produced("connect-timeout-backlog", row, suspects.split(), position,
                                    proven.split())
                self.assertEqual(answer.status, status)
                self.assertEqual(verdict.of_fields(answer), expected)
                self.assertEqual(verdict.of_json(line), expected)
                self.assertIn("; error=connection_timeout", answer["Proxy-Status"])
                self.assertIn("still acknowledge", str(line["evidence"]))

    def test_connections_that_answer_no_probe_are_no_alibi(self):
        held = []

        def die(listener):
            held.append(listener.accept()[0])
            deaf(held[-1])
            deaf(listener)
        for position, statuses, *_ in BOTH:
            with self.subTest(position=position):
                answer, _ = self.connect_in_vain(position, statuses, die)
                said = verdict.of_fields(answer)
                self.assertEqual(said.fault, "connect-timeout")
                self.assertIn("tor", said.cause)
                held.pop().close()

    def test_a_connection_that_is_dropped_at_once_is_no_answer_to_the_request(self):
        """Whatever carries bytes is lost: none of the request is acknowledged before the RST."""
        for position, _, status, row, proven in BOTH:
            with self.subTest(position=position):
                origin = RawOrigin(lambda connection, _: connection.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)))
                drop_payload(origin.listener)
                with proxy_at(position, origin.port) as proxy:
                    answer = fetch(proxy.port)
                    suspects = {"lb": "server app", "cdn": "lb server app"}[position]
                    self.assertEqual(answer.status, status)
                    self.assertEqual(verdict.of_fields(answer), produced(
                        "connect-reset-after-established", row, suspects.split(), position,
                        proven.split()))
                    self.assertIn("; error=connection_terminated", answer["Proxy-Status"])
                    self.assertTrue(verdict.line_of(proxy, answer)["evidence"])
                origin.listener.close()

    def test_a_refusal_after_a_contact_may_clear_the_way_and_nothing_else(self):
        """Timing alone says whether it was the target that refused: both answers are honest."""
        origin = origin_answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
                                  b"Connection: close\r\n\r\n", keep_alive=False)
        with proxy_at("cdn", origin.port) as proxy:
            self.assertEqual(fetch(proxy.port).status, 200)
            origin.stop()
            answer = wait_for(lambda: (got := fetch(proxy.port)).status != 200 and got, "a refusal")
            self.assertEqual(answer.status, 521)
            said = verdict.of_fields(answer)
            self.assertEqual(said.cause, ("app", "server", "lb"))
            client = ("browser-app", "browser", "device", "router", "image-host")
            self.assertIn(said.cleared, (client, client + ("isp", "tor")))

    def test_after_an_error_the_next_request_on_the_connection_is_served(self):
        with Origin() as origin, proxy_at("lb", origin.port) as proxy, Client(proxy.port) as client:
            for target, status in (("/bytes/3", 200), ("/fault/empty", 502), ("/bytes/3", 200),
                                   ("/status/503", 503), ("/fault/garbage", 502),
                                   ("/bytes/3", 200)):
                client.send(request(target))
                self.assertEqual(client.read().status, status)

    def test_a_reset_right_behind_bytes_is_seen_at_once(self):
        """The bytes and the end may come in one event, or in two: the verdict is the same."""
        ends = {"truncate-head-reset": "head-truncated", "truncate-reset": "body-cl-short-rst",
                "truncate-chunked-reset": "body-chunk-truncated",
                "close-cut": "body-close-delimited-cut"}
        timeouts = "response_head: 3s, response_body: 3s"
        with Origin() as origin, proxy_at("lb", origin.port, timeouts=timeouts) as proxy:
            for path, fault in list(ends.items()) * 10:
                count = len(proxy.log())
                fetch(proxy.port, f"/fault/{path}")
                line = proxy.wait_for_log(count + 1)[-1]
                self.assertEqual((line["url_path"], line["fault"]), (f"/fault/{path}", fault))

    def test_a_client_that_leaves_while_we_connect_is_the_one_who_left(self):
        with Origin("--drop-syn") as origin, \
                proxy_at("lb", origin.port, routes="- {path: /here, respond: 204}") as proxy:
            client = Client(proxy.port).send(request("/gone"))
            self.let_it_arrive(client, proxy, later="/here")
            self.assert_left(proxy, "client-abort-connecting", "/gone")

    def test_a_client_that_leaves_while_the_origin_works_is_the_one_who_left(self):
        with Origin() as origin, \
                proxy_at("lb", origin.port, timeouts="response_head: 3s") as proxy:
            client = Client(proxy.port).send(request("/fault/hang"))
            self.let_it_arrive(client, proxy)
            self.assert_left(proxy, "client-abort-waiting", "/fault/hang")

    def test_a_client_that_leaves_inside_the_body_is_the_one_who_left(self):
        with Origin() as origin, proxy_at("lb", origin.port) as proxy:
            client = Client(proxy.port).send(request("/bytes/256MiB"))
            self.assertEqual(client.read_head().status, 200)
            reset(client)
            line = self.assert_left(proxy, "client-abort-body", "/bytes/256MiB")
            self.assertEqual(line["http_response_status_code"], 200)

    def let_it_arrive(self, client, proxy, later="/bytes/1"):
        """A later request that was answered shows that the earlier one was taken up."""
        self.assertIn(fetch(proxy.port, later).status, (200, 204))
        reset(client)

    def assert_left(self, proxy, fault, path):
        line = verdict.logged(proxy, url_path=path)
        self.assertEqual(line["fault"], fault)
        self.assertLessEqual(set(line["cause"]), {"browser", "device", "router"})
        self.assertTrue(line["cause"])
        self.assertEqual(line["reporter"], ["lb"])
        self.assertEqual(line["ended"][0], "C")
        for hop in ("server", "app", "lb"):
            self.assertNotIn(hop, line["cause"] + line["cleared"])
        return line

    def test_a_client_that_is_done_sending_still_gets_its_answer(self):
        with Origin() as origin, proxy_at("lb", origin.port) as proxy:
            with Client(proxy.port) as client:
                client.send(request("/delay/300ms/bytes/5"))
                client.socket.shutdown(socket.SHUT_WR)
                answer = client.read()
                self.assertEqual((answer.status, len(answer.body)), (200, 5))

    def test_an_upload_that_its_client_cuts_is_the_clients(self):
        for ending in ("FIN", "RST"):
            with self.subTest(ending=ending), Origin() as origin, \
                    proxy_at("lb", origin.port) as proxy:
                client = Client(proxy.port).send(
                    b"POST /sink HTTP/1.1\r\nHost: cut.test\r\nContent-Length: 1000\r\n\r\n"
                    b"0123456789")
                self.let_it_arrive(client, proxy) if ending == "RST" else client.close()
                line = verdict.logged(proxy, url_path="/sink")
                self.assertEqual(verdict.of_json(line), produced(
                    "reqbody-truncated", None, ("browser", "device", "router"), "lb"))

    def test_a_connection_without_a_request_is_no_error(self):
        with Origin() as origin, proxy_at("lb", origin.port) as proxy:
            Client(proxy.port).close()
            reset(Client(proxy.port))
            fetch(proxy.port, "/status/404")
            self.assertEqual([line.get("fault") for line in proxy.wait_for_log(1)], ["relay-404"])

    def test_a_407_gets_the_number_of_the_mode_and_not_of_the_position(self):
        for position, statuses, status in (("lb", "edge", 520), ("cdn", "gateway", 502)):
            with self.subTest(position=position), Origin() as origin, \
                    proxy_at(position, origin.port, errors=f"statuses: {statuses}") as proxy:
                self.assertEqual(fetch(proxy.port, "/status/407").status, status)


if __name__ == "__main__":
    unittest.main()
