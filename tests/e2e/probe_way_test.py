"""`whichhop probe` through routers that fail: the walk says how far it comes, and the verdict heeds it."""

import json
import os
import subprocess
import threading
import time
import unittest

import namespaces
from harness import PATIENCE, WHICHHOP, Origin, wait_for
from namespaces import ISP, PORT, PORT_6, TOR, Network, host_address, inside, route, target
from probe_test import configuration, states


setUpModule = namespaces.skip_where_lacking


def configured(position="cdn", topology=None):
    topology = namespaces.topology(position) if topology is None else topology
    return configuration(
        f'listen: ["127.0.0.1:0"]\nnode: {{workers: 1, position: {position}}}\n'
        "timeouts: {connect: 2s, response_head: 8s}\n"
        f'topology: {{{topology}}}\nupstreams: {{app: {{servers: ["127.0.0.1:1"]}}}}\n'
        "routes: [{upstream: app}]\n")


NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


class Way(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.network = cls.enterClassContext(Network())
        with inside(cls.network.origin):
            cls.enterClassContext(Origin("--listen", f"0.0.0.0:{PORT}"))
            cls.enterClassContext(Origin("--listen", f"[::]:{PORT_6}"))
        with inside(cls.network.add_host(1)):
            cls.enterClassContext(Origin("--listen", f"0.0.0.0:{PORT}"))

    def probe(self, host, path="/bytes/1", position="cdn", topology=None, words=(), act=None):
        """(exit code, the JSON object); `act` happens when the request is there."""
        url = f"http://[{host}]:{PORT_6}{path}" if ":" in host else f"http://{host}:{PORT}{path}"
        config = self.enterContext(configured(position, topology))
        os.chmod(config, 0o644)
        with inside(self.network.proxy):
            process = subprocess.Popen([*words, WHICHHOP, "probe", "--json", "-c", config, url],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        with process:
            if act:
                threading.Thread(target=self.act_when_asked, args=(act,), daemon=True).start()
            out, _ = process.communicate(timeout=4 * PATIENCE)
        return process.returncode, json.loads(out)

    def connections(self):
        """Those of the probe that stand."""
        with inside(self.network.proxy), open("/proc/thread-self/net/tcp") as file:
            return {line.split()[1] for line in file.readlines()[1:] if line.split()[3] == "01"}

    def act_when_asked(self, act):
        """A connection of the walk lasts for a moment; one that stays has the request on it."""
        def stays():
            before = self.connections()
            time.sleep(0.3)
            return before & self.connections()
        wait_for(stays, "the request to be on its way")
        act(self.network)

    def hops(self, report):
        return [(hop.get("address"), hop.get("hop")) for hop in report["route"]]

    def assert_names(self, report, broken, innocent=()):
        self.assertIn(broken, report["verdict"]["cause"])
        self.assertNotIn(broken, report["verdict"]["cleared"])
        for hop in innocent:
            self.assertNotIn(hop, report["verdict"]["cause"])

    def test_the_hops_to_who_is_healthy(self):
        code, report = self.probe(target(1))
        self.assertEqual(code, 0)
        self.assertEqual(self.hops(report),
                         [(ISP[0], "isp"), (TOR[0], "tor"), (target(1), None)])
        self.assertEqual([hop["answer"] for hop in report["route"]],
                         ["passed", "passed", "target"])

    def test_the_hops_over_ipv6(self):
        code, report = self.probe(target(1, v6=True))
        self.assertEqual(code, 0)
        self.assertEqual(self.hops(report),
                         [(ISP[2], "isp"), (TOR[2], "tor"), (target(1, v6=True), None)])

    def test_nobody_needs_a_privilege(self):
        code, report = self.probe(target(1), words=NOBODY)
        self.assertEqual((code, len(report["route"])), (0, 3))

    def test_without_a_topology_there_are_addresses_and_no_names(self):
        _, report = self.probe(target(1), topology="")
        self.assertEqual(self.hops(report),
                         [(ISP[0], None), (TOR[0], None), (target(1), None)])

    def test_a_way_that_ends_at_the_switch(self):
        for v6 in (False, True):
            with self.subTest(v6=v6):
                route("tor", f"blackhole {target(40, v6)}")(self.network)
                code, report = self.probe(target(40, v6))
                self.assertEqual((code, report["verdict"]["fault"]), (1, "connect-timeout"))
                self.assertEqual(self.hops(report), [(ISP[2 if v6 else 0], "isp")])
                self.assert_names(report, "tor", innocent=("lb", "server", "app"))

    def test_a_way_that_ends_at_once(self):
        route("isp", f"blackhole {target(41)}")(self.network)
        code, report = self.probe(target(41))
        self.assertEqual((code, report["route"]), (1, []))
        self.assert_names(report, "isp")

    def test_without_a_topology_the_walk_blames_nobody(self):
        route("tor", f"blackhole {target(42)}")(self.network)
        _, report = self.probe(target(42), topology="")
        self.assertEqual(report["verdict"]["cause"], ["isp", "tor", "lb", "server", "app"])

    def test_a_way_that_dies_under_the_request_is_walked_anew(self):
        _, report = self.probe(target(43), "/fault/hang",
                               act=route("tor", f"blackhole {target(43)}"))
        self.assertEqual(states(report)["tcp"], "ok")
        self.assertEqual(report["verdict"]["fault"], "resp-path-lost")
        self.assertEqual(self.hops(report), [(ISP[0], "isp")])
        self.assert_names(report, "tor", innocent=("lb", "server", "app"))

    def test_an_app_that_hangs_on_a_way_that_works(self):
        _, report = self.probe(target(44), "/fault/hang")
        self.assertEqual(report["route"][-1]["answer"], "target")
        self.assert_names(report, "app", innocent=("isp", "tor"))

    def test_a_host_that_is_gone(self):
        self.network.unplug(1)
        self.addCleanup(self.network.plug, 1)
        began = time.monotonic()
        code, report = self.probe(host_address(1))
        self.assertLess(time.monotonic() - began, PATIENCE)
        self.assertEqual((code, report["route"][1]["address"]), (1, TOR[0]))
        self.assert_names(report, "server", innocent=("isp",))


if __name__ == "__main__":
    unittest.main()
