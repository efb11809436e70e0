"""Servers that die, hang, refuse and come back, under load; limits, the line, buffered requests."""

import contextlib
import os
import signal
import socket
import struct
import tempfile
import threading
import time
import unittest

import verdict
from documented import produced
from harness import (PATIENCE, Client, Origin, Proxy, RawOrigin, fetch, free_port, request,
                     wait_for)

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
ASKS = [("Upgrade", "websocket"), ("Connection", "Upgrade")]
SWITCHES = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
BAD = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 3\r\n\r\nbad"


class Server:
    """A server that can be told to be sick, to hang, to die and to come back at its port."""

    def __init__(self, name, address=("127.0.0.1", 0)):
        self.name = name
        self.address = address
        self.answer = OK  # to requests; None: the connection is reset
        self.health = OK  # to probes; None: no answer at all
        self.hold = threading.Event()  # while it is clear, requests wait for their answer
        self.hold.set()
        self.lock = threading.Lock()
        self.requests, self.probes, self.running, self.most = 0, 0, 0, 0
        self.listener = None
        self.idle = set()  # connections between two requests
        self.start()

    def start(self):
        self.dead = False
        if isinstance(self.address, str):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.address)
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(self.address)
            self.listener.listen(128)
        else:
            family = socket.AF_INET6 if ":" in self.address[0] else socket.AF_INET
            self.listener = socket.create_server(self.address, family=family, backlog=128)
            self.address = self.listener.getsockname()[:2]
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    @property
    def text(self):
        if isinstance(self.address, str):
            return f"unix:{self.address}"
        host, port = self.address
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def die(self):
        """Refuses connections from here on, and ends those that are idle."""
        # A thread in accept() keeps the socket alive: only shutdown wakes it.
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with self.lock:
            self.dead = True
            for connection in self.idle:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError):
            while (head := self._read(connection)) is not None:
                with self.lock:
                    self.idle.discard(connection)
                if not self._respond(connection, head):
                    break
                with self.lock:
                    if self.dead:
                        break
                    self.idle.add(connection)
        with self.lock:
            self.idle.discard(connection)
        connection.close()

    def _read(self, connection):
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                return None
            data += more
        return data

    def _respond(self, connection, head):
        if head.startswith(b"GET /healthz "):
            with self.lock:
                self.probes += 1
            if self.health is None:
                connection.recv(1)
                return False
            connection.sendall(self.health)
            return False
        with self.lock:
            self.requests += 1
            self.running += 1
            self.most = max(self.most, self.running)
        self.hold.wait(PATIENCE)
        with self.lock:
            self.running -= 1
        if self.answer is None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        connection.sendall(self.answer)
        return True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.hold.set()
        self.die()


def configuration(servers, upstream="", node="", workers=1, **blocks):
    lines = ['listen: ["127.0.0.1:0"]',
             f"node: {{workers: {workers}{', ' + node if node else ''}}}"]
    lines += [f"{name}: {{{inside}}}" for name, inside in blocks.items()]
    texts = ", ".join(one if isinstance(one, str) and one.startswith("{") else f'"{one}"'
                      for one in servers)
    lines += ["upstreams:", f"  app: {{servers: [{texts}]{', ' + upstream if upstream else ''}}}",
              "routes:", "  - {upstream: app}"]
    return "\n".join(lines) + "\n"


CHECKED = "health_check: {interval: 100ms, timeout: 300ms, healthy: 2, unhealthy: 2}"


class Upstreams(unittest.TestCase):
    maxDiff = None

    def servers(self, *names):
        return [self._enter(Server(name)) for name in names]

    def _enter(self, context):
        self.addCleanup(context.__exit__, None, None, None)
        return context.__enter__()

    def proxy(self, servers, upstream="", **rest):
        texts = [one if isinstance(one, str) else one.text for one in servers]
        return self._enter(Proxy(configuration(texts, upstream, **rest)))

    def reload(self, proxy, yaml):
        with open(proxy.config_path, "w") as file:
            file.write(yaml + f"logs: {{access: {proxy.log_path}}}\n")
        before = proxy.text().count("reloaded")
        proxy.signal(signal.SIGHUP)
        wait_for(lambda: proxy.text().count("reloaded") > before, "the reload")

    def client(self, proxy):
        return self._enter(Client(proxy.port))

    def statuses(self, proxy, count=1, **how):
        return [fetch(proxy.port, **how).status for _ in range(count)]

    def held(self, proxy, server, target="/"):
        """A client whose request has reached the server, which holds it."""
        server.hold.clear()
        before = server.requests
        client = self.client(proxy)
        client.send(request(target))
        wait_for(lambda: server.requests > before, "the request to arrive")
        return client


class Balance(Upstreams):
    def shares(self, servers):
        return [server.requests for server in servers]

    def test_round_robin_keeps_the_weights(self):
        a, b = self.servers("a", "b")
        proxy = self.proxy([a, f'{{address: "{b.text}", weight: 3}}'])
        self.statuses(proxy, 40)
        self.assertEqual(self.shares([a, b]), [10, 30])

    def test_hash_keeps_a_client_at_its_server_and_spreads_clients(self):
        servers = self.servers("a", "b", "c")
        proxy = self.proxy(servers, "balance: hash")

        def server_of(client):
            before = self.shares(servers)
            with socket.create_connection(("127.0.0.1", proxy.port), PATIENCE,
                                          source_address=(client, 0)) as connection:
                connection.sendall(request(fields=[("Connection", "close")]))
                while connection.recv(65536):
                    pass
            return next(i for i in range(3) if self.shares(servers)[i] > before[i])

        clients = [f"127.0.1.{i}" for i in range(1, 41)]
        first = {client: server_of(client) for client in clients}
        self.assertEqual(set(first.values()), {0, 1, 2})
        self.assertEqual({client: server_of(client) for client in clients}, first)
        servers[0].die()
        moved = {client: server_of(client) for client in clients}
        for client in clients:
            if first[client] != 0:
                self.assertEqual(moved[client], first[client])
        servers[0].start()
        time.sleep(1.1)  # a server that refused is left alone for a second
        self.assertEqual({client: server_of(client) for client in clients}, first)

    def test_hash_goes_by_the_client_that_a_trusted_proxy_speaks_for(self):
        servers = self.servers("a", "b", "c")
        path = self.proxy(servers, "balance: hash").config_path
        with open(path) as file:
            yaml = file.read().partition("logs:")[0] + "trusted_proxies: [127.0.0.1]\n"
        proxy = self._enter(Proxy(yaml))

        def server_of(client):
            before = self.shares(servers)
            fetch(proxy.port, fields=[("X-Forwarded-For", client)])
            return next(i for i in range(3) if self.shares(servers)[i] > before[i])

        clients = [f"198.51.100.{i}" for i in range(20)]
        first = [server_of(client) for client in clients]
        self.assertEqual(set(first), {0, 1, 2})
        self.assertEqual([server_of(client) for client in clients], first)

    def test_least_requests_goes_round_a_server_that_is_stuck(self):
        stuck, free = self.servers("stuck", "free")
        proxy = self.proxy([stuck, free], "balance: least_requests")
        stuck.hold.clear()
        holders = [self.client(proxy).send(request()) for _ in range(2)]
        wait_for(lambda: stuck.requests == 1 and free.requests == 1, "both to be asked")
        self.assertEqual(self.statuses(proxy, 20), [200] * 20)
        self.assertEqual(stuck.requests, 1)
        stuck.hold.set()
        self.assertEqual([holder.read().status for holder in holders], [200, 200])

    def test_random_two_asks_all_and_the_less_busy_of_two(self):
        a, b = self.servers("a", "b")
        proxy = self.proxy([a, b], "balance: random_two")
        self.statuses(proxy, 60)
        self.assertGreater(min(self.shares([a, b])), 5)
        a.hold.clear()
        holders = []
        while a.running == 0:
            holders.append(self.client(proxy).send(request()))
            wait_for(lambda: sum(self.shares([a, b])) == 60 + len(holders), "it to arrive")
        stuck = a.requests
        self.assertEqual(self.statuses(proxy, 20), [200] * 20)
        self.assertEqual(a.requests, stuck)

    def test_ipv6_and_unix_servers_beside_ipv4_probed_and_counted(self):
        with tempfile.TemporaryDirectory() as folder:
            servers = [self._enter(Server("v4")), self._enter(Server("v6", ("::1", 0))),
                       self._enter(Server("unix", f"{folder}/s.sock"))]
            proxy = self.proxy(servers, CHECKED + ", max_connections: 5", limits="pending: 50")
            self.assertEqual(self.statuses(proxy, 30), [200] * 30)
            self.assertEqual(self.shares(servers), [10, 10, 10])
            wait_for(lambda: all(server.probes for server in servers), "probes of all")
            for server in servers[1:]:
                server.die()
            wait_for(lambda: self.only(proxy, servers, 0), "the dead to be out")
            for server in servers[1:]:
                server.start()
            wait_for(lambda: self.all_asked(proxy, servers), "all to be back")

    def only(self, proxy, servers, index):
        before = self.shares(servers)
        self.statuses(proxy, 6)
        return self.shares(servers)[index] - before[index] == 6

    def all_asked(self, proxy, servers):
        before = self.shares(servers)
        self.statuses(proxy, len(servers) * 2)
        return all(now > then for now, then in zip(self.shares(servers), before))


class Health(Upstreams):
    def out(self, proxy, server):
        """Whether ten requests in a row all go elsewhere."""
        before = server.requests
        return self.statuses(proxy, 10) and server.requests == before

    def test_a_server_whose_check_fails_is_asked_no_more_until_it_is_well(self):
        a, b = self.servers("a", "b")
        proxy = self.proxy([a, b], CHECKED)
        self.assertEqual(self.statuses(proxy, 4), [200] * 4)
        for health in (BAD, None, b"SSH-2.0-none\r\n"):
            b.health = health
            wait_for(lambda: self.out(proxy, b), f"b to be out for {health}")
            b.health = OK
            wait_for(lambda: not self.out(proxy, b), "b to be back")

    def test_a_redirect_is_healthy(self):
        a, b = self.servers("a", "b")
        a.health = b.health = b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"
        proxy = self.proxy([a, b], CHECKED)
        wait_for(lambda: a.probes > 5 and b.probes > 5, "probes")
        self.assertFalse(self.out(proxy, a) or self.out(proxy, b))

    def test_probes_are_made_once_a_process_and_told_to_all_workers(self):
        a, b = self.servers("a", "b")
        proxy = self.proxy([a, b], CHECKED.replace("100ms", "500ms"), workers=4)
        start, before = time.monotonic(), a.probes
        wait_for(lambda: a.probes >= before + 4, "probes")
        self.assertGreater(time.monotonic() - start, 1.4)
        a.health = BAD
        # Each connection is some worker's.
        wait_for(lambda: all(self.out(proxy, a) for _ in range(8)), "all workers to know")

    # Whose connection a server's kernel had taken when its listener closed.
    TAKEN = ("resp-rst", "resp-empty-fin", "connect-reset-after-established")

    def test_only_whom_a_dying_server_had_taken_sees_it_die_and_come_back(self):
        servers = self.servers("a", "b", "c")
        proxy = self.proxy(servers, CHECKED + ", retry: {attempts: 2, budget: 100%}", workers=2)
        stop, seen = threading.Event(), []

        def load():
            while not stop.is_set():
                with Client(proxy.port) as client:
                    for _ in range(20):
                        answer = client.send(request()).read()
                        fault = answer["Error-Fault"] or ""
                        seen.append((answer.status, fault.split(";")[0]))

        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        for server in servers[:2]:
            server.die()
            wait_for(lambda: len(seen) > 100, "load")
            server.start()
            probes = server.probes
            wait_for(lambda: server.probes > probes + 2, "it to be probed")
            asked = server.requests
            wait_for(lambda: server.requests > asked, "it to be asked")
        stop.set()
        for thread in threads:
            thread.join()
        failed = [one for one in seen if one != (200, "")]
        self.assertLessEqual({fault for _, fault in failed}, set(self.TAKEN))
        self.assertLessEqual(len(failed), len(threads) * 2)  # each client once a death

    def all_down(self, servers, probe_ends, **rest):
        """(the answer, its log line) once all servers are out."""
        proxy = self.proxy(servers, CHECKED, **rest)
        self.assertEqual(self.statuses(proxy), [200])
        wait_for(lambda: all(server.probes for server in servers), "first probes")
        for server in servers:
            probe_ends(server)
        answer = wait_for(lambda: (answer := fetch(proxy.port)).status != 200 and
                          "backend-all-down" in (answer["Error-Fault"] or "") and answer,
                          "all to be down")
        return proxy, answer, verdict.line_of(proxy, answer)

    def test_an_attempt_behind_which_all_were_down_says_how_it_failed(self):
        silent = self._enter(Origin("--drop-syn"))
        [sick] = self.servers("sick")
        sick.health = BAD
        proxy = self.proxy([f"127.0.0.1:{silent.port}", sick], CHECKED.replace("100ms", "1s"),
                           timeouts="connect: 4s")
        answer = fetch(proxy.port)
        self.assertEqual((answer.status, answer["Error-Fault"].split(";")[0]), (504, "connect-timeout"))
        line = verdict.line_of(proxy, answer)
        self.assertEqual((line["ended"], len(line["attempts"])), ("sC", 1))
        self.assertEqual(sick.requests, 0)

    def test_all_refused_is_a_503_of_the_lb(self):
        servers = self.servers("a", "b")
        proxy, answer, line = self.all_down(servers, Server.die)
        self.assertEqual(answer.status, 503)
        self.assertEqual(verdict.of_fields(answer), produced(
            "backend-all-down", "503", ["app", "server"], "lb"))
        self.assertEqual(answer["Retry-After"], "1")
        self.assertEqual(answer["Proxy-Status"], "whichhop; error=destination_unavailable")
        self.assertEqual(answer["Error-Cleared"],
                         "browser-app, browser, device, router, image-host, isp, tor")
        self.assertEqual((line["ended"], line.get("attempts")), ("SC", None))
        self.assertEqual(line["error_type"], "destination_unavailable")
        servers[0].start()
        wait_for(lambda: self.statuses(proxy) == [200], "the first to be back")

    def test_all_refused_is_a_521_at_the_edge(self):
        _, answer, _ = self.all_down(self.servers("a", "b"), Server.die, node="position: cdn")
        self.assertEqual(answer.status, 521)
        # Whether the refusal took as long as the host is far: on loopback that is a matter of luck.
        proven = [hop for hop in ("isp", "tor") if hop in answer["Error-Cleared"].split(", ")]
        self.assertEqual(verdict.of_fields(answer), produced(
            "backend-all-down", "521", ["app", "server", "lb"], "cdn", proven))
        self.assertEqual(answer["Retry-After"], "1")

    def test_all_sick_is_a_503_that_clears_the_way(self):
        for position in ("lb", "cdn"):
            with self.subTest(position=position):
                def sicken(server):
                    server.health = BAD
                _, answer, _ = self.all_down(self.servers("a", "b"), sicken,
                                             node=f"position: {position}")
                self.assertEqual(answer.status, 503)
                causes = ["app", "server"] + (["lb"] if position == "cdn" else [])
                self.assertEqual(verdict.of_fields(answer), produced(
                    "backend-all-down", "503", causes, position, ["isp", "tor"]))

    def test_hanging_probes_leave_the_app_alone(self):
        def hang(server):
            server.health = None
        _, answer, _ = self.all_down(self.servers("a", "b"), hang)
        self.assertEqual(verdict.of_fields(answer), produced(
            "backend-all-down", "503", ["app"], "lb", ["isp", "tor"]))

    def test_silence_is_a_522_at_the_edge_and_a_503_at_the_lb(self):
        for position, status, causes in (("cdn", 522, "isp tor lb server app"),
                                         ("lb", 503, "tor server app")):
            with self.subTest(position=position), Origin("--drop-syn") as origin:
                proxy = self.proxy([f"127.0.0.1:{origin.port}"], CHECKED,
                                   node=f"position: {position}", timeouts="connect: 200ms")
                answer = wait_for(lambda: (answer := fetch(proxy.port)) and "backend-all-down" in
                                  answer["Error-Fault"] and answer, "all to be down")
                self.assertEqual(answer.status, status)
                self.assertEqual(verdict.of_fields(answer), produced(
                    "backend-all-down", str(status), causes.split(), position))

    def test_operators_see_how_many(self):
        _, answer, line = self.all_down(self.servers("a", "b"), Server.die,
                                        errors="details: everyone")
        self.assertIn('details="2 of 2 servers ejected"', answer["Proxy-Status"])
        self.assertTrue(line["evidence"])

    def test_a_reload_keeps_who_is_out_and_probes_what_is_new(self):
        a, b, c = self.servers("a", "b", "c")
        slow = CHECKED.replace("100ms", "1s").replace("unhealthy: 2", "unhealthy: 1")
        proxy = self.proxy([a, b], slow, workers=2)
        wait_for(lambda: a.probes and b.probes, "first probes")
        b.health = BAD
        wait_for(lambda: self.out(proxy, b), "b to be out")
        probes = b.probes
        for _ in range(5):
            self.reload(proxy, configuration([a.text, b.text, c.text], slow, workers=2))
            self.assertTrue(self.out(proxy, b))
        # Five reloads in a moment made no probes of their own.
        self.assertLess(b.probes - probes, 5)
        wait_for(lambda: c.requests > 0 and c.probes > 0, "c to be asked and probed")
        b.health = OK
        wait_for(lambda: not self.out(proxy, b), "b to be back")

    def test_a_reload_without_checks_ends_them_and_asks_everybody(self):
        a, b = self.servers("a", "b")
        proxy = self.proxy([a, b], CHECKED)
        b.health = BAD
        wait_for(lambda: self.out(proxy, b), "b to be out")
        self.reload(proxy, configuration([a.text, b.text]))
        wait_for(lambda: not self.out(proxy, b), "b to be asked")
        probes = a.probes
        time.sleep(0.5)
        self.assertLessEqual(a.probes - probes, 1)


class Ejection(Upstreams):
    EJECT = "eject: {consecutive_faults: 3, for: 1s}"

    def faults(self, proxy, count):
        """Asks until `count` requests have failed; how many were asked."""
        asked = failed = 0
        while failed < count:
            asked += 1
            failed += fetch(proxy.port).status == 502
        return asked

    def test_faults_in_a_row_eject_a_server_for_a_while(self):
        sick, well = self.servers("sick", "well")
        sick.answer = None
        proxy = self.proxy([sick, well], self.EJECT, workers=2)
        self.faults(proxy, 3)
        ejected = time.monotonic()
        wait_for(lambda: self.statuses(proxy, 10) == [200] * 10, "it to be ejected")
        asked = sick.requests
        self.assertLessEqual(asked, 5)  # what was on its way as the news spread
        wait_for(lambda: (self.statuses(proxy), sick.requests > asked)[1], "it to be back")
        self.assertGreater(time.monotonic() - ejected, 0.9)
        sick.answer = OK
        wait_for(lambda: self.statuses(proxy, 10) == [200] * 10, "all to be well")

    def test_a_relayed_error_ejects_nobody(self):
        sick, well = self.servers("sick", "well")
        sick.answer = BAD
        proxy = self.proxy([sick, well], self.EJECT)
        self.assertEqual(self.statuses(proxy, 20).count(500), 10)

    def test_a_success_between_faults_resets_the_count(self):
        flaky, well = self.servers("flaky", "well")
        proxy = self.proxy([flaky, well], self.EJECT)
        for _ in range(4):
            flaky.answer = None
            self.assertLess(self.faults(proxy, 2), 10)  # it takes its turns
            flaky.answer = OK
            before = flaky.requests
            wait_for(lambda: (self.statuses(proxy), flaky.requests > before)[1], "a success")
            # The news of it travels in messages: another turn and it is there.
            self.statuses(proxy, 4)
        flaky.answer = None
        self.faults(proxy, 3)

    def tunnel(self, proxy):
        """Both sides end in order, if the server switches at all."""
        with Client(proxy.port) as client:
            if client.send(request(fields=ASKS)).read_head().status == 101:
                client.socket.shutdown(socket.SHUT_WR)
                self.assertTrue(client.at_end())

    def test_so_does_a_tunnel_that_ends_well(self):
        flaky, well = self.servers("flaky", "well")
        proxy = self.proxy([flaky, well], self.EJECT)
        for _ in range(4):
            flaky.answer = None
            self.assertLess(self.faults(proxy, 2), 10)
            flaky.answer = SWITCHES
            before = flaky.requests
            wait_for(lambda: (self.tunnel(proxy), flaky.requests > before)[1], "a tunnel")
            self.statuses(proxy, 4)  # a 101 that nobody asked for is no fault of the transport

    def test_the_last_server_is_never_ejected(self):
        [alone] = self.servers("alone")
        alone.answer = None
        proxy = self.proxy([alone], self.EJECT)
        self.assertEqual(self.statuses(proxy, 8), [502] * 8)
        self.assertEqual(alone.requests, 8)

    def test_hanging_counts_and_the_others_serve(self):
        hung, well = self.servers("hung", "well")
        hung.hold.clear()
        proxy = self.proxy([hung, well], self.EJECT.replace("1s", "60s"),
                           timeouts="response_head: 200ms")
        failed = 0
        while failed < 3:
            failed += fetch(proxy.port).status == 504
        self.assertEqual(self.statuses(proxy, 10), [200] * 10)


class Limits(Upstreams):
    def test_a_limit_of_one_holds_over_four_workers_and_nobody_starves(self):
        [server] = self.servers("a")
        proxy = self.proxy([server], "max_connections: 1", workers=4, timeouts="queue: 60s")
        seen = []

        def ask():
            seen.extend(self.statuses(proxy, 25))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(seen, [200] * 200)
        self.assertEqual(server.most, 1)

    def test_a_servers_limit_sends_requests_to_the_other(self):
        a, b = self.servers("a", "b")
        proxy = self.proxy([f'{{address: "{a.text}", max_connections: 1}}', b])
        a.hold.clear()
        holders = [self.client(proxy).send(request()) for _ in range(2)]
        wait_for(lambda: a.requests == 1 and b.requests == 1, "both to be asked")
        self.assertEqual(self.statuses(proxy, 10), [200] * 10)
        self.assertEqual((a.requests, b.requests), (1, 11))
        a.hold.set()
        self.assertEqual([holder.read().status for holder in holders], [200, 200])

    def test_those_that_wait_are_served_in_their_order(self):
        [server] = self.servers("a")
        proxy = self.proxy([server], "max_connections: 1", timeouts="queue: 60s")
        order, lock = [], threading.Lock()
        original = server._respond

        def respond(connection, head):
            with lock:
                order.append(head.split(b" ")[1].decode())
            return original(connection, head)

        server._respond = respond
        first = self.held(proxy, server, "/0")
        clients = []
        for i in range(1, 9):
            clients.append(self.client(proxy).send(request(f"/{i}")))
            # A later request's answer on another path shows that this one was taken up: the
            # proxy has one worker, which reads connections as they come.
            self.taken_up(proxy)
        server.hold.set()
        self.assertEqual([client.read().status for client in [first, *clients]], [200] * 9)
        self.assertEqual(order, [f"/{i}" for i in range(9)])

    def taken_up(self, proxy):
        self.assertEqual(fetch(proxy.port, method="TRACE").status, 405)

    def full(self, hold_seconds, pending=1, queue="60s", **rest):
        [server] = self.servers("a")
        proxy = self.proxy([server], "max_connections: 1", limits=f"pending: {pending}",
                           timeouts=f"queue: {queue}", **rest)
        holder = self.held(proxy, server)
        time.sleep(hold_seconds)
        return server, proxy, holder

    def test_a_full_line_blames_the_app_that_holds_every_slot(self):
        for position in ("lb", "cdn"):
            with self.subTest(position=position):
                server, proxy, holder = self.full(1.2, node=f"position: {position}")
                waiter = self.client(proxy).send(request("/waits"))
                self.taken_up(proxy)
                answer = fetch(proxy.port)
                self.assertEqual(answer.status, 503)
                causes = ["app"] + (["lb"] if position == "cdn" else [])
                self.assertEqual(verdict.of_fields(answer), produced(
                    "backend-conn-limit", "503", causes, position, ["isp", "tor"]))
                self.assertEqual(answer["Proxy-Status"],
                                 "whichhop; error=connection_limit_reached")
                self.assertIsNone(answer["Retry-After"])
                line = verdict.line_of(proxy, answer)
                self.assertEqual((line["ended"], line.get("attempts")), ("PQ", None))
                self.assertRegex(" ".join(line["evidence"]),
                                 "all 1 requests in flight are acknowledged and unanswered")
                server.hold.set()
                self.assertEqual([holder.read().status, waiter.read().status], [200, 200])

    def test_a_full_line_of_young_requests_blames_our_limit(self):
        server, proxy, holder = self.full(0)
        waiter = self.client(proxy).send(request("/waits"))
        self.taken_up(proxy)
        answer = fetch(proxy.port)
        if answer["Error-Cause"] != "app":  # on a machine that took a second for that
            self.assertEqual(verdict.of_fields(answer), produced(
                "backend-conn-limit", "503", ["lb"], "lb"))
        server.hold.set()
        self.assertEqual([holder.read().status, waiter.read().status], [200, 200])

    def test_tunnels_that_hold_every_slot_blame_our_limit(self):
        """They were answered, by their 101: however long they last, nobody is slow."""
        [server] = self.servers("a")
        server.answer = SWITCHES
        proxy = self.proxy([server], "max_connections: 1", timeouts="queue: 1200ms")
        tunnel = self.client(proxy).send(request(fields=ASKS))
        self.assertEqual(tunnel.read_head().status, 101)
        answer = fetch(proxy.port)
        self.assertEqual(verdict.of_fields(answer), produced(
            "backend-queue-timeout", "503", ["lb"], "lb"))

    def test_the_line_is_waited_in_for_so_long(self):
        server, proxy, holder = self.full(1.1, pending=10, queue="300ms", workers=2)
        start = time.monotonic()
        answer = fetch(proxy.port)
        self.assertGreaterEqual(time.monotonic() - start, 0.3)
        self.assertEqual(answer.status, 503)
        self.assertEqual(verdict.of_fields(answer), produced(
            "backend-queue-timeout", "503", ["app"], "lb", ["isp", "tor"]))
        self.assertEqual(answer["Proxy-Status"], "whichhop; error=connection_limit_reached")
        self.assertEqual(verdict.line_of(proxy, answer)["ended"], "sQ")
        server.hold.set()
        self.assertEqual(holder.read().status, 200)
        self.assertEqual(self.statuses(proxy, 5), [200] * 5)

    def test_a_client_that_goes_leaves_the_line(self):
        server, proxy, holder = self.full(0, pending=2)
        gone = Client(proxy.port).send(request("/gone"))
        stays = self.client(proxy).send(request("/stays"))
        self.taken_up(proxy)
        gone.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        gone.close()
        line = verdict.logged(proxy, url_path="/gone")
        self.assertEqual((line["ended"], line["fault"]), ("CQ", "client-abort-connecting"))
        also = self.client(proxy).send(request("/also"))  # its place is free
        self.taken_up(proxy)
        server.hold.set()
        self.assertEqual([one.read().status for one in (holder, stays, also)], [200] * 3)
        self.assertEqual(server.requests, 3)

    def test_a_reload_keeps_what_is_in_flight_and_who_waits(self):
        server, proxy, holder = self.full(0, pending=10, workers=2)
        waiter = self.client(proxy).send(request("/waits"))
        self.taken_up(proxy)
        self.reload(proxy, configuration([server.text], "max_connections: 1", workers=2,
                                         timeouts="queue: 200ms"))
        answer = fetch(proxy.port)
        self.assertEqual(answer["Error-Fault"].split(";")[0], "backend-queue-timeout")
        server.hold.set()
        self.assertEqual([holder.read().status, waiter.read().status], [200, 200])
        self.assertEqual(server.most, 1)

    def test_slots_come_back_whatever_ends_an_exchange(self):
        [server] = self.servers("a")
        proxy = self.proxy([server], "max_connections: 1", timeouts="queue: 5s, response_head: 1s")
        server.answer = None
        self.assertEqual(self.statuses(proxy, 3), [502] * 3)
        server.answer = OK
        holder = self.held(proxy, server)
        holder.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        holder.close()
        server.hold.set()
        server.answer = b"HTTP/1.1 500 x\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100000
        self.assertEqual(self.statuses(proxy, 3), [500] * 3)
        server.answer = b"HTTP/1.1 200 x\r\nContent-Length: 9\r\n\r\ncut"
        server.die()
        self.assertIn(fetch(proxy.port).status, (502, 503))
        server.start()
        server.answer = OK
        wait_for(lambda: self.statuses(proxy, 3) == [200] * 3, "slots to be free")


class Buffered(Upstreams):
    BUFFER = "buffer_request: true"

    def origin(self, script):
        origin = RawOrigin(lambda connection, number: script(origin, connection, number))
        return self._enter(origin)

    def echo(self):
        def script(origin, connection, _):
            while origin.read_request(connection) is not None:
                connection.sendall(OK)
        return self.origin(script)

    def test_a_slow_upload_holds_no_connection_to_a_server(self):
        origin = self.echo()
        proxy = self.proxy([f"127.0.0.1:{origin.port}"], self.BUFFER)
        client = self.client(proxy)
        whole = request("/up", "POST", body=b"0123456789" * 1000)
        client.send(whole[:5000])
        self.assertEqual(fetch(proxy.port, method="TRACE").status, 405)  # the first part is read
        self.assertEqual(origin.connections, 0)
        client.send(whole[5000:])
        self.assertEqual(client.read().status, 200)
        self.assertTrue(origin.requests[0].endswith(b"0123456789" * 1000))

    def test_chunks_are_gathered(self):
        bodies = []

        def script(origin, connection, _):
            data = b""
            while not data.endswith(b"0\r\n\r\n"):
                data += connection.recv(65536)
            bodies.append(data.partition(b"\r\n\r\n")[2])
            connection.sendall(OK.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))

        origin = self.origin(script)
        proxy = self.proxy([f"127.0.0.1:{origin.port}"], self.BUFFER)
        client = self.client(proxy)
        client.send(request("/", "POST", [("Transfer-Encoding", "chunked")]))
        for part in (b"3\r\nabc\r\n", b"4\r\ndefg\r\n"):
            client.send(part)
            self.assertEqual(fetch(proxy.port, method="TRACE").status, 405)
        client.send(b"0\r\n\r\n")
        self.assertEqual(client.read().status, 200)
        self.assertEqual(bodies, [b"7\r\nabcdefg\r\n0\r\n\r\n"])
        empty = request("/", "POST", [("Transfer-Encoding", "chunked")]) + b"0\r\n\r\n"
        self.assertEqual(self.client(proxy).send(empty).read().status, 200)
        self.assertEqual(bodies[1], b"0\r\n\r\n")

    def test_what_exceeds_the_buffer_streams(self):
        body = b"x" * 100_000
        for framing in ("length", "chunked"):
            with self.subTest(framing=framing):
                got = []

                def script(origin, connection, _):
                    data = b""
                    while data.partition(b"\r\n\r\n")[2].count(b"x") < len(body):
                        data += connection.recv(65536)
                    got.append(data.partition(b"\r\n\r\n")[2].count(b"x"))
                    connection.sendall(OK)

                origin = self.origin(script)
                proxy = self.proxy([f"127.0.0.1:{origin.port}"], self.BUFFER,
                                   limits="request_buffer: 16KiB")
                client = self.client(proxy)
                if framing == "length":
                    data = request("/", "POST", body=body)
                else:
                    data = request("/", "POST", [("Transfer-Encoding", "chunked")])
                    data += b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"
                client.send(data[:70_000])
                wait_for(lambda: origin.connections, "it to stream")
                client.send(data[70_000:])
                self.assertEqual(client.read().status, 200)
                self.assertEqual(got, [len(body)])

    def stale(self, upstream):
        """The statuses of two PUTs on a connection; the second meets an end."""
        def script(origin, connection, number):
            origin.read_request(connection)
            connection.sendall(OK)
            if number == 1:
                origin.read_request(connection)
                return  # instead of an answer
            while origin.read_request(connection) is not None:
                connection.sendall(OK)

        origin = self.origin(script)
        proxy = self.proxy([f"127.0.0.1:{origin.port}"], upstream)
        client = self.client(proxy)
        statuses = [client.send(request("/", "PUT", body=b"body" * 20_000)).read().status
                    for _ in range(2)]
        return statuses, origin

    def test_a_buffered_body_is_sent_again_if_an_idle_connection_had_ended(self):
        statuses, origin = self.stale(self.BUFFER)
        self.assertEqual(statuses, [200, 200])
        self.assertEqual([len(one) > 80_000 for one in origin.requests], [True] * 3)
        self.assertEqual(origin.requests[1], origin.requests[2])

    def test_one_that_streamed_is_not(self):
        statuses, _ = self.stale("")
        self.assertEqual(statuses, [200, 502])

    def test_a_body_goes_to_another_server_if_the_first_refuses(self):
        origin = self.echo()
        proxy = self.proxy([f"127.0.0.1:{free_port()}", f"127.0.0.1:{origin.port}"], self.BUFFER)
        for _ in range(4):
            self.assertEqual(fetch(proxy.port, method="POST", body=b"b" * 5000).status, 200)
        self.assertEqual(len(origin.requests), 4)

    def test_a_client_that_waits_for_100_is_told_to_go_on(self):
        origin = self.echo()
        proxy = self.proxy([f"127.0.0.1:{origin.port}"], self.BUFFER)
        client = self.client(proxy)
        whole = request("/", "POST", [("Expect", "100-continue")], body=b"0123456789")
        client.send(whole[:-10])
        self.assertEqual(client.read_head().status, 100)
        self.assertEqual(origin.connections, 0)
        client.send(whole[-10:])
        self.assertEqual(client.read().status, 200)

    def test_a_client_that_leaves_or_stalls_was_no_servers_affair(self):
        origin = self.echo()
        proxy = self.proxy([f"127.0.0.1:{origin.port}"], self.BUFFER,
                           timeouts="request_body: 300ms")
        client = self.client(proxy).send(request("/slow", "POST", body=b"12345")[:-1])
        self.assertEqual(client.read().status, 408)
        self.client(proxy).send(request("/gone", "POST", body=b"12345")[:-1]).close()
        line = verdict.logged(proxy, url_path="/gone")
        self.assertEqual((line["fault"], line["ended"]), ("reqbody-truncated", "CR"))
        self.assertEqual(origin.connections, 0)

    def test_bad_chunks_and_large_bodies_are_refused_before_a_server_is_asked(self):
        origin = self.echo()
        proxy = self.proxy([f"127.0.0.1:{origin.port}"], self.BUFFER, limits="request_body: 1KiB")
        head = request("/", "POST", [("Transfer-Encoding", "chunked")])
        self.assertEqual(self.client(proxy).send(head + b"zz\r\n").read().status, 400)
        large = b"800\r\n" + b"x" * 0x800 + b"\r\n"
        self.assertEqual(self.client(proxy).send(head + large).read().status, 413)
        self.assertEqual(origin.connections, 0)


if __name__ == "__main__":
    unittest.main()
