"""When whichhop walks the way to a server, and which walk counts: /walks of the admin listener."""

import json
import threading
import unittest

import namespaces
from harness import Origin, Proxy, fetch, wait_for
from metrics_test import side_port
from namespaces import PORT, Network, inside, route, target

GOOD, BAD = target(1), target(2)
CONFIGURATION = f"""
listen: ["127.0.0.1:0"]
admin: {{address: "127.0.0.1:0"}}
node: {{workers: 1, position: cdn}}
timeouts: {{connect: 2s, upstream_idle: 50ms}}
topology: {{{namespaces.topology("cdn")}}}
upstreams:
  good: {{servers: ["{GOOD}:{PORT}"]}}
  bad: {{servers: ["{BAD}:{PORT}"]}}
routes:
  - {{host: bad, upstream: bad}}
  - {{upstream: good}}
"""


setUpModule = namespaces.skip_where_lacking


class Walks(unittest.TestCase):
    def setUp(self):
        self.network = self.enterContext(Network())
        with inside(self.network.origin):
            self.enterContext(Origin("--listen", f"0.0.0.0:{PORT}"))
        with inside(self.network.proxy):
            self.proxy = self.enterContext(Proxy(CONFIGURATION))

    def fetch(self, host):
        with inside(self.network.proxy):
            return fetch(self.proxy.port, "/bytes/1", host=host)

    def walk(self, address):
        """The last one to it, or None."""
        with inside(self.network.proxy):
            walks = json.loads(fetch(side_port(self.proxy, "admin"), "/walks").body)
        return next((walk for walk in walks if walk["target"] == f"{address}:{PORT}"), None)

    def test_a_walk_of_good_times_that_waits_is_not_made_in_bad_ones(self):
        """It would take the place of the walk that found who is to blame."""
        self.assertEqual(self.fetch("good").status, 200)
        self.assertEqual(self.fetch("bad").status, 200)  # its walk comes second, a second later
        threading.Event().wait(0.1)  # no connection is kept
        route("tor", f"unreachable {BAD}")(self.network)
        self.assertGreaterEqual(self.fetch("bad").status, 500)
        wait_for(lambda: self.walk(BAD), "the walk to the one that fails")
        self.assertEqual(self.walk(GOOD)["hops"][-1]["answer"], "target")
        threading.Event().wait(5)  # another would be over by then
        self.assertGreater(self.walk(BAD)["age_seconds"], 4.5)


if __name__ == "__main__":
    unittest.main()
