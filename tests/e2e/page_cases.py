"""The pages that people may see: one of every row of the model alone, and the ways in which pages differ."""

import contextlib

from documented import ROWS
from harness import Origin, Proxy, free_port, yaml_for

# Quotes and an ampersand, as far as a host may have them; markup too, and more than is shown.
HOSTILE_HOST = "a'&lt;img.test"
HOSTILE = "/%3Cimg%20src=x%3E/" + "a'%22&" * 300
# One that is believed says that the app is to blame: of a server's rows, that leaves one.
BLAMED = "?field=Error-Cause:app"


class Pages(contextlib.ExitStack):
    """Everything that runs for them, until it is closed."""

    def __init__(self, operators=False):
        super().__init__()
        errors = 'operators: ["127.0.0.0/8"]' if operators else ""
        origin = self.enter_context(Origin())
        responds = "\n".join(f"- {{path: /respond/{status}, respond: {status}}}" for status in (404, 418, 500))

        def proxy(port=origin.port, **options):
            return self.enter_context(Proxy(yaml_for(port, errors=errors, **options)))
        self.lb = proxy(routes=responds, timeouts="response_head: 200ms")
        self.cdn = proxy(node="position: cdn", upstream="is: lb")
        self.app = proxy(upstream="is: app")
        self.server = proxy(upstream="is: server, believe: true")
        self.refused = proxy(free_port(), node="position: cdn")
        self.proxies = (self.lb, self.cdn, self.app, self.server, self.refused)
        # Whose position is the edge's.
        self.edges = (self.cdn, self.refused)

    def of_rows(self):
        """{row: address}: relayed as an edge does, but where that leaves more rows than the one."""
        return {row: self.at(self.cdn, f"/status/{row}") for row in ROWS if row.isdecimal()} | {
            "502A": self.at(self.lb, "/fault/empty"), "504A": self.at(self.lb, "/fault/hang"),
            "502B": self.at(self.app, "/status/502"), "504B": self.at(self.app, "/status/504"),
            "502C": self.at(self.server, "/status/502" + BLAMED),
            "504C": self.at(self.server, "/delay/20ms/status/504" + BLAMED)}

    def others(self):
        """Several rows, none, an answer of ours, a fault of ours, and one of somebody who means harm."""
        return [*(self.at(self.cdn, f"/status/{status}") for status in (502, 504)),
                *(self.at(self.lb, f"/respond/{status}") for status in (404, 418, 500)),
                *(self.at(self.lb, f"/status/{status}") for status in (502, 405)),
                self.at(self.refused, "/"), self.hostile()]

    def hostile(self):
        return self.at(self.refused, HOSTILE, HOSTILE_HOST)

    def at(self, proxy, path, host="127.0.0.1"):
        return f"http://{host}:{proxy.port}{path}"
