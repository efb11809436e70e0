"""What whichhop wants to reach: a table, and whether a run met it.

A benchmark, not a test: a missed goal fails nothing.
"""

import dataclasses
import statistics

import cases

OURS = "whichhop"


@dataclasses.dataclass(frozen=True)
class Goal:
    case: str
    most: float
    against: tuple = ()  # peers: the ratio to the best of those is meant
    added_to: str = ""   # what is meant is what comes on top of this one
    of: str = OURS
    unit: str = ""

    def says(self):
        if self.against:
            best = "best of " if len(self.against) > 1 else ""
            return f"at most {self.most:g} × {best}{', '.join(self.against)}"
        adds = "adds at most" if self.added_to else "at most"
        return f"{adds} {self.most:,g} {self.unit}".rstrip()

    def value(self, rows):
        """Of a case's {label: row}; None if it wasn't measured."""
        ours = rows.get(self.of)
        if ours is None:
            return None
        if self.against:
            ratios = [rows[name]["ratio"] for name in self.against
                      if name in rows and rows[name]["ratio"] is not None]
            return max(ratios, default=None)
        if self.added_to:
            base = rows.get(self.added_to)
            return base and difference(ours, base)
        return ours["value"]


ALL = [
    Goal("keepalive-100B", 0.75, against=("nginx",)),
    Goal("keepalive-100B", 0.65, against=("haproxy",)),
    Goal("keepalive-100B", 1.45, against=("floor",)),
    Goal("browser-like", 0.70, against=("nginx",)),
    Goal("10KiB", 0.75, against=("nginx",)),
    Goal("1MiB", 1.0, against=("haproxy",)),
    Goal("connection-per-request", 0.95, against=("nginx", "haproxy", "h2o")),
    Goal("refused", 0.95, against=("nginx",)),
    Goal("refused-page", 0.95, against=("nginx",)),
    Goal("relayed-404", 0.85, against=("nginx",)),
    Goal("json-log", 1.0, of=cases.LOGGED, added_to=OURS, unit="µs"),
    Goal("system-calls", 4.2, unit="calls"),
    Goal("instructions", 9000, unit="instructions"),
    Goal("idle-memory", 0.5, unit="KiB"),
    Goal("tls-keepalive", 0.80, against=("nginx",)),
    Goal("tls-handshake", 0.95, against=("nginx",)),
    Goal("tls-1MiB", 0.90, against=("nginx",)),
    Goal("tls-both-sides", 0.85, against=("nginx",)),
    Goal("tls-idle-memory", 1.0, against=("nginx",)),
    Goal("latency", 45, added_to=cases.NO_PROXY, unit="µs to p50"),
]


def difference(row, base):
    """Median of what it was more in each round: slow rounds cancel out."""
    return statistics.median(
        a - b for a, b in zip(row["samples"], base["samples"]))


def check(results):
    """[{case, goal, most, value, met}] of the cases that were to be measured.

    `met` is None where a peer, or the case's tool, isn't there.
    """
    found = []
    for goal in ALL:
        if goal.case not in results:
            continue
        value = goal.value(results[goal.case]["rows"])
        found.append({"case": goal.case, "goal": goal.says(), "most": goal.most,
                      "value": value,
                      "met": None if value is None else value <= goal.most})
    return found
