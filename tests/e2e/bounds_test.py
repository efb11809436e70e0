"""What happens at the bounds: descriptors, waiting requests, origins that come and go."""

import concurrent.futures
import os
import signal
import threading
import time
import unittest

import harness
from harness import Client, Origin, Proxy, fetch, request, wait_for, yaml_for


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class FewDescriptors(unittest.TestCase):
    def limited(self, soft, yaml):
        """A proxy that may open `soft` descriptors, and no more."""
        command = harness.WHICHHOP
        script = harness.tempfile.NamedTemporaryFile("w", suffix=".sh", delete=False)
        script.write(f"#!/bin/sh\nulimit -n {soft}\nexec {command} \"$@\"\n")
        script.close()
        os.chmod(script.name, 0o755)
        self.addCleanup(os.unlink, script.name)
        harness.WHICHHOP = script.name
        try:
            return self.enterContext(Proxy(yaml))
        finally:
            harness.WHICHHOP = command

    def test_a_thousand_clients_share_a_hundred_descriptors(self):
        with Origin() as origin:
            # 300: what the process needs for itself, and room for some 80 clients.
            proxy = self.limited(300, yaml_for(origin.port))
            with concurrent.futures.ThreadPoolExecutor(100) as pool:
                answers = list(pool.map(lambda _: fetch(proxy.port, "/bytes/100"), range(1000)))
            self.assertEqual([answer for answer in answers if answer is None or answer.status != 200], [])
            self.assertEqual(fetch(proxy.port, "/bytes/1").status, 200)

    def test_idle_clients_beyond_the_bound_neither_spin_it_nor_kill_it(self):
        with Origin() as origin:
            proxy = self.limited(300, yaml_for(origin.port))
            idle = [Client(proxy.port) for _ in range(400)]
            for client in idle:
                self.addCleanup(client.close)
            time.sleep(1.1)  # whoever has only just come is given a second for its first word
            before = cpu_seconds(proxy.pid)
            time.sleep(1)
            self.assertLess(cpu_seconds(proxy.pid) - before, 0.3)
            self.assertEqual(fetch(proxy.port, "/bytes/1").status, 200)
            self.assertIsNone(proxy.process.poll())


class WaitingRequests(unittest.TestCase):
    def test_beyond_pending_a_request_is_shed_at_once_and_says_so(self):
        with Origin("--drop-syn") as origin, Proxy(yaml_for(
                origin.port, limits="pending: 5", timeouts="connect: 2s",
                errors="details: everyone")) as proxy:
            waiting = [Client(proxy.port).send(request("/")) for _ in range(5)]
            for client in waiting:
                self.addCleanup(client.close)
            answer = wait_for(lambda: (found := self.asked(proxy)) and found.status == 503 and found, "shedding")
            self.assertEqual(answer["Retry-After"], "1")
            self.assertEqual(answer["Error-Cause"], "lb")
            self.assertTrue(answer["Error-Fault"].startswith("accept-overload;"))
            self.assertEqual({client.read().status for client in waiting}, {504})
            self.assertEqual(self.asked(proxy, patience=5).status, 504)  # there is room again

    def asked(self, proxy, patience=0.5):
        with Client(proxy.port) as client:
            client.socket.settimeout(patience)
            try:
                return client.send(request("/")).read()
            except TimeoutError:
                return None


class OriginsThatComeAndGo(unittest.TestCase):
    """20,000 requests on 64 connections while one of two origins dies, refuses, hangs and returns, and the
    configuration is loaded again every second: what can safely be retried is never lost."""

    REQUESTS = 20_000

    def test_lose_nothing_that_can_be_retried(self):
        with Origin() as steady, Origin() as first:
            port = first.port
            yaml = yaml_for(steady.port, timeouts="response_head: 5s, connect: 1s").replace(
                f'"127.0.0.1:{steady.port}"', f'"127.0.0.1:{steady.port}", "127.0.0.1:{port}"')
            with Proxy(yaml) as proxy:
                stop = threading.Event()
                troubled = threading.Thread(target=self.trouble, args=(stop, proxy, first, port))
                troubled.start()
                try:
                    with concurrent.futures.ThreadPoolExecutor(64) as pool:
                        share = self.REQUESTS // 64 + 1
                        outcomes = list(pool.map(lambda _: self.client(proxy.port, share), range(64)))
                finally:
                    stop.set()
                    troubled.join()
                wrong = [each for outcome in outcomes for each in outcome]
                self.assertEqual(wrong, [])
                self.assertEqual(proxy.drain(), 0)

    def trouble(self, stop, proxy, origin, port):
        """The second origin is killed and started again, over and over; HUP each second."""
        last = time.monotonic()
        while not stop.wait(0.2):
            origin.process.kill()
            origin.process.wait()
            stop.wait(0.1)
            origin.process = harness.subprocess.Popen(
                [harness.ORIGIN, "--listen", f"127.0.0.1:{port}"],
                stdin=harness.subprocess.DEVNULL, stdout=harness.subprocess.DEVNULL,
                stderr=harness.subprocess.DEVNULL)
            if time.monotonic() - last > 1:
                last = time.monotonic()
                proxy.signal(signal.SIGHUP)

    def client(self, port, count):
        """What of `count` GETs did not end as it may."""
        wrong = []
        connection = None
        for _ in range(count):
            connection = connection or Client(port)
            answer = connection.send(request("/bytes/100")).read()
            if not self.right(answer):
                wrong.append((answer and answer.status, answer and answer["Error-Fault"]))
            if answer is None or answer["Connection"] == "close" or not answer.complete:
                connection.close()
                connection = None
        if connection:
            connection.close()
        return wrong

    # A request that was with the origin when it was killed: the work may have been begun, so it is not
    # sent again unasked, and it is told as what it is.
    KILLED = ("resp-rst", "resp-empty-fin", "head-truncated", "connect-reset-after-established")

    def right(self, answer):
        if answer is None:
            return False
        if answer.status == 200:
            return answer.complete and len(answer.body) == 100
        return answer.status == 502 and (answer["Error-Fault"] or "").split(";")[0] in self.KILLED


if __name__ == "__main__":
    unittest.main()
