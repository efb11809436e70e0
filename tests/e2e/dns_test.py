"""Upstreams by name: what the DNS says becomes addresses, or a fault of its own."""

import contextlib
import signal
import socket
import threading
import time
import unittest

import verdict
from harness import Client, Process, Proxy, WHICHHOP, fetch, free_port, request, wait_for
from nameserver import FORMERR, NOTIMP, NXDOMAIN, REFUSED, SERVFAIL, Nameserver

GATEWAY = {"position": "lb", "cleared": ()}
EDGE = {"position": "cdn", "cleared": ("browser-app", "browser", "device", "router")}
OK = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"

# What the nameserver does; fault, gateway's status and row, cause at first, error type, rcode.
FAULTS = (
    (NXDOMAIN, "dns-nxdomain", 502, "502A", ("dns", "self"), "dns_error", "NXDOMAIN"),
    ([], "dns-nodata", 502, "502A", ("dns",), "dns_error", "NOERROR"),
    (SERVFAIL, "dns-servfail", 502, "502A", ("dns",), "dns_error", "SERVFAIL"),
    (("servfail", 22), "dns-servfail", 502, "502A", ("dns",), "dns_error", "SERVFAIL"),
    (NOTIMP, "dns-servfail", 502, "502A", ("dns",), "dns_error", "NOTIMP"),
    (FORMERR, "dns-servfail", 502, "502A", ("dns",), "dns_error", "FORMERR"),
    (REFUSED, "dns-refused", 502, "502A", ("dns", "self"), "dns_error", "REFUSED"),
    ("silence", "dns-timeout", 504, "504A", ("dns",), "dns_timeout", None),
    ("closed", "dns-timeout", 504, "504A", ("dns",), "dns_timeout", None),
    ("truncated", "dns-tcp-fallback-failed", 502, "502A", ("dns",), "dns_error", None),
)


def yaml_for(nameserver, port, position="lb", name="app.test", timeouts="dns: 600ms", servers=None):
    servers = servers or f'"{name}:{port}"'
    return (f'listen: ["127.0.0.1:0"]\n'
            f'node: {{workers: 1, position: {position}, resolvers: ["127.0.0.1:{nameserver}"]}}\n'
            f'timeouts: {{{timeouts}}}\nupstreams: {{app: {{servers: [{servers}]}}}}\n'
            f'routes: [{{upstream: app}}]\n')


class Answering:
    """A server at one address and port; says `body` to every request."""

    def __init__(self, host, port, body):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.create_server((host, port), family=family, backlog=64)
        self.port = self.listener.getsockname()[1]
        self.body = body
        self.open = []
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            self.open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError):
            while b"\r\n\r\n" in connection.recv(65536):
                connection.sendall(OK % (len(self.body), self.body))

    def stop(self):
        # accept() in another thread keeps the port unless it is shut down.
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.open:
            connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class DnsTest(unittest.TestCase):
    maxDiff = None

    def nameserver(self, answer, ttl=60):
        return self.enterContext(Nameserver(answer, ttl))

    def serve(self, host, port=0, body=b"here"):
        return self.enterContext(Answering(host, port, body))

    def proxy(self, *arguments, **keywords):
        return self.enterContext(Proxy(yaml_for(*arguments, **keywords)))

    def check(self, response, line, mode, fault, status, row, cause, kind, rcode):
        edge = mode["position"] == "cdn"
        status, row = (523, "523") if edge else (status, row)
        cause = tuple(mode["position"] if hop == "self" else hop for hop in cause)
        self.assertEqual(response.status, status)
        expected = verdict.Verdict(cause, (mode["position"],), mode["cleared"], fault, (row,),
                                   "observed")
        self.assertEqual(verdict.of_fields(response), expected)
        self.assertEqual(verdict.of_json(line), expected)
        member = response["Proxy-Status"]
        self.assertIn(f"error={kind}", member)
        if rcode:
            self.assertIn(f'rcode="{rcode}"', member)
        else:
            self.assertNotIn("rcode", member)
        self.assertEqual(line["error_type"], kind)
        self.assertEqual(line["ended"][1], "C")
        self.assertIsNone(line["upstream_status"])
        self.assertIn("dns_seconds", line)
        self.assertNotIn("connect_seconds", line)
        self.assertEqual(line["attempts"][0]["fault"], fault)

    def test_each_fault_has_its_verdict_in_both_modes(self):
        for answer, *expected in FAULTS:
            for mode in (GATEWAY, EDGE):
                with self.subTest(answer=answer, **mode):
                    if answer == "closed":
                        port = free_port()
                    else:
                        port = self.nameserver(answer).port
                    with Proxy(yaml_for(port, 80, mode["position"])) as proxy:
                        response = fetch(proxy.port)
                        line, = proxy.wait_for_log()
                        self.check(response, line, mode, *expected)
                        self.assertEqual(line["upstream_address"], "app.test:80")

    def test_the_nameservers_own_reason_is_told(self):
        with Proxy(yaml_for(self.nameserver(("servfail", 22)).port, 80)) as proxy:
            self.assertEqual(fetch(proxy.port)["Proxy-Status"],
                             'whichhop; error=dns_error; rcode="SERVFAIL"; info-code=22')
            line, = proxy.wait_for_log()
            self.assertIn("SERVFAIL, extended error 22 (No Reachable Authority)",
                          str(line["evidence"]))

    def test_a_name_that_resolved_before_is_no_typo_of_ours(self):
        server = self.serve("127.0.0.1")
        nameserver = self.nameserver(["127.0.0.1"], ttl=1)
        with Proxy(yaml_for(nameserver.port, server.port)) as proxy:
            self.assertEqual(fetch(proxy.port).status, 200)
            nameserver.answer = NXDOMAIN
            response = wait_for(lambda: (r := fetch(proxy.port)).status == 502 and r, "a 502")
            self.assertEqual(response["Error-Fault"].split(";")[0], "dns-nxdomain")
            self.assertEqual(response["Error-Cause"], "dns")
            # It is back within the short time that a failure is remembered.
            nameserver.answer = ["127.0.0.1"]
            wait_for(lambda: fetch(proxy.port).status == 200, "a 200")

    def test_an_address_is_asked_for_once_and_logged(self):
        server = self.serve("127.0.0.1")
        nameserver = self.nameserver(["127.0.0.1"])
        proxy = self.proxy(nameserver.port, server.port)
        for _ in range(3):
            self.assertEqual(fetch(proxy.port).body, b"here")
        self.assertEqual(sorted(nameserver.questions), [("app.test", 1), ("app.test", 28)])
        first, *rest = proxy.wait_for_log(3)
        self.assertIn("dns_seconds", first)
        self.assertIn("connect_seconds", first)
        self.assertTrue(all("dns_seconds" not in line for line in rest))
        for line in (first, *rest):
            self.assertEqual(line["upstream_address"], f"127.0.0.1:{server.port}")

    def test_requests_that_wait_share_one_question(self):
        server = self.serve("127.0.0.1")
        nameserver = self.nameserver("silence")
        proxy = self.proxy(nameserver.port, server.port, timeouts="dns: 3s")
        clients = [self.enterContext(Client(proxy.port)).send(request()) for _ in range(20)]
        wait_for(lambda: len(nameserver.questions) == 2, "both questions")
        nameserver.answer = ["127.0.0.1"]  # to the second try, a second later
        self.assertEqual({client.read().status for client in clients}, {200})
        self.assertEqual(len(nameserver.questions), 4)

    def test_a_new_address_moves_the_traffic_without_a_reload(self):
        old = self.serve("127.0.0.1", body=b"old")
        self.serve("127.0.0.2", old.port, body=b"new")
        nameserver = self.nameserver(["127.0.0.1"], ttl=1)
        proxy = self.proxy(nameserver.port, old.port)
        with Client(proxy.port) as client:
            def body():
                return client.send(request()).read().body
            self.assertEqual(body(), b"old")
            self.assertEqual(old.connections, 1)
            nameserver.answer = ["127.0.0.2"]
            # The pooled connection to the old address is never idle for long, and is let go.
            wait_for(lambda: body() == b"new", "the new address")
            self.assertEqual(body(), b"new")

    def test_traffic_goes_round_over_the_addresses(self):
        one = self.serve("127.0.0.1", body=b"1")
        self.serve("127.0.0.2", one.port, body=b"2")
        nameserver = self.nameserver(["127.0.0.1", "127.0.0.2"])
        proxy = self.proxy(nameserver.port, one.port, timeouts="upstream_idle: 1ms")
        bodies = []
        for _ in range(6):
            bodies.append(fetch(proxy.port).body)
            time.sleep(0.05)
        self.assertEqual((bodies.count(b"1"), bodies.count(b"2")), (3, 3))

    def test_connections_that_are_kept_take_turns_too(self):
        one = self.serve("127.0.0.1", body=b"1")
        two = self.serve("127.0.0.2", one.port, body=b"2")
        proxy = self.proxy(self.nameserver(["127.0.0.1", "127.0.0.2"]).port, one.port)
        bodies = [fetch(proxy.port).body for _ in range(10)]
        self.assertEqual((bodies.count(b"1"), bodies.count(b"2")), (5, 5))
        self.assertEqual((one.connections, two.connections), (1, 1))

    def test_another_address_is_tried_where_one_refuses(self):
        server = self.serve("127.0.0.1")
        nameserver = self.nameserver(["127.0.0.1", "127.0.0.2"])
        proxy = self.proxy(nameserver.port, server.port, timeouts="upstream_idle: 1ms")
        for _ in range(4):
            self.assertEqual(fetch(proxy.port).status, 200)
            time.sleep(0.05)
        attempts = [line["attempts"] for line in proxy.wait_for_log(4)]
        refused = [tries for tries in attempts if len(tries) == 2]
        # Once: for a while that address comes last.
        self.assertEqual(len(refused), 1)
        for tries in refused:
            self.assertEqual([try_["address"] for try_ in tries],
                             [f"127.0.0.2:{server.port}", f"127.0.0.1:{server.port}"])
            self.assertEqual(tries[0]["fault"], "connect-refused-rst")

    def test_both_families_serve_and_one_that_fails_is_no_error(self):
        for host in ("127.0.0.1", "::1"):
            with self.subTest(host=host), Answering(host, 0, b"here") as server:
                nameserver = self.nameserver(["127.0.0.1", "::1"])
                with Proxy(yaml_for(nameserver.port, server.port)) as proxy:
                    for _ in range(4):
                        self.assertEqual(fetch(proxy.port).status, 200)
                    shown = f"[{host}]" if ":" in host else host
                    for line in proxy.wait_for_log(4):
                        self.assertEqual(line["upstream_address"], f"{shown}:{server.port}")
                        self.assertEqual(len(line["attempts"]), 1)

    def test_a_family_that_is_silent_costs_a_quarter_of_a_second_once(self):
        server = self.serve("127.0.0.1")
        silent = self.enterContext(socket.create_server(
            ("::1", server.port), family=socket.AF_INET6, backlog=0))
        self.enterContext(contextlib.closing(silent))
        # Its queue is full: further SYNs are dropped.
        fillers = []
        for _ in range(4):
            filler = socket.socket(socket.AF_INET6)
            filler.setblocking(False)
            filler.connect_ex(("::1", server.port))
            fillers.append(self.enterContext(filler))
        time.sleep(0.2)
        nameserver = self.nameserver(["127.0.0.1", "::1"])
        proxy = self.proxy(nameserver.port, server.port,
                           timeouts="upstream_idle: 1ms, connect: 2s")
        for _ in range(6):
            self.assertEqual(fetch(proxy.port).status, 200)
            time.sleep(0.05)
        slow = [line for line in proxy.wait_for_log(6) if line["duration_seconds"] > 0.2]
        self.assertLessEqual(len(slow), 1)
        self.assertTrue(all(line["duration_seconds"] < 1.5 for line in slow), slow)

    def test_the_last_good_addresses_serve_while_the_nameserver_fails(self):
        for answer in (SERVFAIL, REFUSED, "silence"):
            with self.subTest(answer=answer):
                server = self.serve("127.0.0.1")
                nameserver = self.nameserver(["127.0.0.1"], ttl=1)
                with Proxy(yaml_for(nameserver.port, server.port)) as proxy:
                    self.assertEqual(fetch(proxy.port).status, 200)
                    nameserver.answer = answer
                    asked = len(nameserver.questions)
                    wait_for(lambda: len(nameserver.questions) >= asked + 4, "two more lookups")
                    self.assertEqual(fetch(proxy.port).status, 200)

    def test_addresses_outlive_a_reload_though_the_nameserver_is_gone(self):
        server = self.serve("127.0.0.1")
        nameserver = self.nameserver(["127.0.0.1"])
        proxy = self.proxy(nameserver.port, server.port)
        self.assertEqual(fetch(proxy.port).status, 200)
        nameserver.answer = "silence"
        proxy.signal(signal.SIGHUP)
        wait_for(lambda: "reloaded" in proxy.text(), "the reload")
        self.assertEqual(fetch(proxy.port).status, 200)
        self.assertEqual(proxy.drain(), 0)

    def test_another_server_answers_for_a_name_that_does_not_resolve(self):
        server = self.serve("127.0.0.1")
        nameserver = self.nameserver(NXDOMAIN)
        proxy = self.proxy(nameserver.port, 0,
                           servers=f'"gone.test:80", "127.0.0.1:{server.port}"')
        for _ in range(2):
            self.assertEqual(fetch(proxy.port).status, 200)
        faults = [[try_.get("fault") for try_ in line["attempts"]] for line in proxy.wait_for_log(2)]
        self.assertIn(["dns-nxdomain", None], faults)

    def test_a_client_that_leaves_while_the_name_is_looked_up_blames_nobody(self):
        nameserver = self.nameserver("silence")
        proxy = self.proxy(nameserver.port, 80, timeouts="dns: 20s")
        with Client(proxy.port) as client:
            client.send(request())
            wait_for(lambda: nameserver.questions, "a question")
            linger = b"\1\0\0\0\0\0\0\0"
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        line, = proxy.wait_for_log()
        self.assertEqual((line["fault"], line["ended"]), ("client-abort-connecting", "CC"))
        self.assertEqual(proxy.drain(), 0)

    def test_a_drain_ends_what_is_looked_up(self):
        nameserver = self.nameserver("silence")
        proxy = self.proxy(nameserver.port, 80, timeouts="dns: 20s, drain: 100ms")
        with Client(proxy.port) as client:
            client.send(request())
            wait_for(lambda: nameserver.questions, "a question")
            proxy.signal(signal.SIGTERM)
            self.assertEqual(client.read().status, 503)
        self.assertEqual(proxy.wait(), 4)

    def test_an_answer_that_was_cut_comes_whole_over_tcp(self):
        server = self.serve("127.0.0.1")
        nameserver = self.enterContext(Nameserver("truncated", over_tcp=["127.0.0.1"]))
        proxy = self.proxy(nameserver.port, server.port, timeouts="dns: 10s")
        self.assertEqual(fetch(proxy.port).body, b"here")

    def test_localhost_needs_no_nameserver(self):
        server = self.serve("127.0.0.1")
        command = [WHICHHOP, "reverse-proxy", "--from", "127.0.0.1:0", "--to",
                   f"http://localhost:{server.port}"]
        with Process(command, r"listening on (\S+)") as proxy:
            self.assertEqual(fetch(proxy.port).body, b"here")


if __name__ == "__main__":
    unittest.main()
