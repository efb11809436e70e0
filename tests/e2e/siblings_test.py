"""What other requests saw in the last seconds narrows a verdict, if they saw it while this one saw nothing."""

import collections
import contextlib
import threading
import unittest

from harness import Client, Origin, Proxy, fetch, request, wait_for

TIMEOUTS = "timeouts: {connect: 2s, response_head: 4s, upstream_idle: 60s}\n"


def configuration(upstreams, position="lb", workers=1):
    """`upstreams`: {name: ([(port, rack or None)], more)}; each is asked as Host `name`.test."""
    text = (f'listen: ["127.0.0.1:0"]\nnode: {{workers: {workers}, position: {position}}}\n'
            f"{TIMEOUTS}upstreams:\n")
    for name, (servers, more) in upstreams.items():
        listed = ", ".join(f'{{address: "127.0.0.1:{port}"' + (f", rack: {rack}}}" if rack else "}")
                           for port, rack in servers)
        text += f"  {name}: {{servers: [{listed}], retry: {{attempts: 0}}{more}}}\n"
    return text + "routes:\n" + "".join(f"  - {{host: {name}.test, upstream: {name}}}\n"
                                        for name in upstreams)


def get(proxy, name, path="/bytes/1"):
    return fetch(proxy.port, path, host=f"{name}.test")


@contextlib.contextmanager
def asked_all_the_while(proxy, *names):
    """Each of the upstreams is sent one request after the other."""
    stop = threading.Event()
    asked = collections.Counter()

    def ask(name):
        while not stop.wait(0.05):
            get(proxy, name)
            asked[name] += 1
    threads = [threading.Thread(target=ask, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    try:
        wait_for(lambda: len(asked) == len(set(names)), "each to be asked once")
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


class Siblings(unittest.TestCase):
    def setUp(self):
        self.well = [self.enterContext(Origin()) for _ in range(2)]
        self.mute = [self.enterContext(Origin("--drop-syn")) for _ in range(2)]

    def proxy(self, upstreams, **more):
        return self.enterContext(Proxy(configuration(upstreams, **more)))

    def verdict(self, answer):
        return answer["Error-Cause"], answer["Error-Cleared"] or ""

    def test_a_silent_server_of_a_rack_that_answers_clears_the_switch(self):
        upstreams = {"silent": ([(self.mute[0].port, "r1")], ""), "well": ([(self.well[0].port, "r1")], "")}
        for workers in (1, 2):  # what one worker's requests see, the other's know
            proxy = self.proxy(upstreams, workers=workers)
            with asked_all_the_while(proxy, "well"):
                answer = get(proxy, "silent")
            self.assertEqual(self.verdict(answer), ("server, app", "tor"))
            line, = wait_for(lambda: [line for line in proxy.log() if line["server_address"] == "silent.test"],
                             "its log line")
            self.assertIn("a server of the same rack answered", " ".join(line["evidence"]))

    def test_another_rack_of_the_upstream_clears_the_way_to_both(self):
        proxy = self.proxy({
            "both": ([(self.mute[0].port, "r1"), (self.well[0].port, "r2")], ""),
            "well": ([(self.well[0].port, "r2")], "")}, position="cdn")
        with asked_all_the_while(proxy, "well"):
            answers = [get(proxy, "both") for _ in range(2)]
        failed, = (answer for answer in answers if answer.status != 200)
        self.assertEqual(failed["Error-Cause"], "tor, lb, server, app")
        self.assertIn("isp", failed["Error-Cleared"])

    def test_a_whole_rack_that_is_silent_blames_its_switch(self):
        proxy = self.proxy({
            "both": ([(self.mute[0].port, "r1"), (self.mute[1].port, "r1"), (self.well[0].port, "r2")], ""),
            "well": ([(self.well[1].port, "r2")], "")})

        def causes():
            return [line["cause"] for line in proxy.log() if "cause" in line]
        with asked_all_the_while(proxy, "well", *["both"] * 4):
            wait_for(lambda: ["tor"] in causes(), "both servers of the rack to be known as silent")
        self.assertIn(causes()[0], (["tor", "server", "app"], ["tor"]))

    def test_what_answered_before_is_no_alibi(self):
        """The sibling answered a moment before; the switch may have died since."""
        proxy = self.proxy({"silent": ([(self.mute[0].port, "r1")], ""), "well": ([(self.well[0].port, "r1")], "")})
        self.assertEqual(get(proxy, "well").status, 200)
        self.assertEqual(self.verdict(get(proxy, "silent")), ("tor, server, app", ""))

    def test_without_racks_two_hosts_share_nothing(self):
        proxy = self.proxy({"silent": ([(self.mute[0].port, None)], ""), "well": ([(self.well[0].port, None)], "")})
        with asked_all_the_while(proxy, "well"):
            self.assertEqual(self.verdict(get(proxy, "silent")), ("tor, server, app", ""))

    def test_a_server_that_answers_others_lives(self):
        """It hangs for one URL alone: its host is well, and the code behind this URL is not."""
        proxy = self.proxy({"hang": ([(self.well[0].port, None)], ""), "well": ([(self.well[0].port, None)], "")})
        with asked_all_the_while(proxy, "well"):
            answer = get(proxy, "hang", "/fault/hang")
        self.assertEqual(self.verdict(answer), ("app", "tor, server"))

    def test_health_checks_are_witnesses_too(self):
        check = ", health_check: {path: /bytes/1, interval: 200ms, timeout: 150ms}"
        proxy = self.proxy({"silent": ([(self.mute[0].port, "r1")], ""),
                            "well": ([(self.well[0].port, "r1")], check)})
        self.assertEqual(self.verdict(get(proxy, "silent")), ("server, app", "tor"))

    def test_whose_kernel_said_goodbye_lives(self):
        """The app is killed: its kernel ends what was open, and refuses what comes."""
        proxy = self.proxy({"app": ([(self.well[0].port, None)], "")})
        with Client(proxy.port) as client:
            self.assertEqual(client.send(request("/bytes/1", host="app.test")).read().status, 200)
            self.well[0].process.kill()
            self.well[0].process.wait()
            # In the same turn the FIN might not have been heard yet; then the connection's end is.
            answer = client.send(request("/bytes/1", host="app.test")).read()
        if answer.status == 200 or "refused" not in answer["Error-Fault"]:
            answer = get(proxy, "app")
        cause, cleared = self.verdict(answer)
        self.assertEqual(cause, "app")
        self.assertIn("server", cleared)

    def test_who_never_spoke_may_be_down_altogether(self):
        proxy = self.proxy({"app": ([(self.well[0].port, None)], "")})
        self.well[0].process.kill()
        self.well[0].process.wait()
        self.assertEqual(get(proxy, "app")["Error-Cause"], "app, server")


if __name__ == "__main__":
    unittest.main()
