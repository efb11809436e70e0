"""Verdicts against the truth: who was named, who was wrongly cleared, how many were suspected."""

import datetime
import platform
import subprocess

import attribution_peers
import attribution_truth
from documented import ROWS, row_of


def row_set(rows):
    """(suspects, cleared) of documented rows: their union, and what all of them clear."""
    if not rows:
        return (), ()
    causes = {hop for row in rows for hop in row_of(row)[0]}
    return tuple(causes), tuple(set.intersection(*(set(row_of(row)[2]) for row in rows)))


def rows_of_status(status):
    return [row for row in ROWS if row[:3] == str(status)]


class Score:
    """Of one voice, over many faults."""

    def __init__(self):
        self.asked = self.named = self.cleared = self.alone = self.suspects = self.silent = 0

    def add(self, broken, cause, cleared):
        self.asked += 1
        self.named += broken in cause
        self.alone += tuple(cause) == (broken,)
        self.cleared += broken in cleared
        self.suspects += len(cause)
        self.silent += not cause

    def percent(self, count):
        return f"{100 * count / self.asked:.1f} %" if self.asked else "–"

    def cells(self):
        spoke = self.asked - self.silent
        mean = f"{self.suspects / spoke:.2f}" if spoke else "–"
        return [str(self.asked), f"{self.percent(self.named)} ({self.named})", str(self.cleared),
                mean, f"{self.percent(self.alone)} ({self.alone})", str(self.silent)]


def table(lines):
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    text = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |"
            for line in lines]
    return "\n".join([text[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|",
                      *text[1:]])


class Report:
    """`chain` is a ChainReport."""

    def __init__(self, results, peers, chain):
        self.results = results
        self.peers = peers
        self.chain = chain

    def counted(self):
        return [met for met in self.results if not met.beyond]

    def missed(self):
        return [met for met in self.results if met.broken not in met.said.cause]

    def wrongly_cleared(self):
        return [met for met in self.results if met.broken in met.said.cleared]

    def passed(self):
        return self.chain.passed() and all(
            met.beyond for met in [*self.wrongly_cleared(), *self.missed()])

    def peer_cell(self, name, met):
        if met.kind != "loopback" or name not in self.peers:
            return "–"
        status = self.peers[name].get(met.name)
        rows = rows_of_status(status)
        if status is None or not rows:
            return f"{status or 'none'}: –"
        cause, cleared = row_set(rows)
        return f"{status}: {mark(met.broken, cause, cleared)}"

    def matrix(self):
        lines = [["fault", "at", "broken", "what was done", "status", "verdict", "",
                  "the row's set", "", *self.peers]]
        for met in self.results:
            cause, cleared = row_set(met.said.row)
            lines.append([
                met.name, met.position, met.broken, met.done, str(met.status or "none"),
                " ".join(met.said.cause) or "–",
                mark(met.broken, met.said.cause, met.said.cleared),
                " ".join(sorted(cause)) or "–", mark(met.broken, cause, cleared),
                *(self.peer_cell(name, met) for name in self.peers)])
        return table(lines)

    def summary(self):
        head = ["voice", "verdicts", "named", "wrongly cleared", "mean suspects", "alone and right",
                "says nothing"]
        lines = [head]
        for text, results in (
                ("**whichhop**", self.results),
                ("- without those beyond a bare status", self.counted()),
                ("- on loopback", self.of_kind("loopback")),
                ("- in TLS", self.of_kind("tls")),
                ("- in the network", self.of_kind("network")),
                ("- relayed", self.of_kind("relayed"))):
            score = Score()
            for met in results:
                score.add(met.broken, met.said.cause, met.said.cleared)
            lines.append([text, *score.cells()])
        lines.append(["the documented row of its verdict", *self.of_rows().cells()])
        alike = Score()
        for met in self.of_kind("loopback"):
            alike.add(met.broken, met.said.cause, met.said.cleared)
        lines.append(["**whichhop**, what the peers met too", *alike.cells()])
        lines += [[f"{name}'s bare status, through the model", *self.of_peer(name).cells()]
                  for name in self.peers]
        lines += [[voice, *score.cells()] for voice, score in self.chain.lines() if score.asked]
        faults = {(met.kind, met.name) for met in self.results}
        text = [f"\n{len(faults)} faults, {len(self.results)} verdicts.\n", table(lines)]
        for title, which in (("Not named", self.missed()),
                             ("Wrongly cleared", self.wrongly_cleared())):
            text.append(f"\n{title}: {len(which)}")
            text += [f"- {met.name} at {met.position}: {met.broken} ({met.done}); said "
                     f"{met.said.fault}: {', '.join(met.said.cause) or 'nobody'}; cleared "
                     f"{', '.join(met.said.cleared) or 'nobody'}"
                     + (f". Beyond: {attribution_truth.BEYOND[met.name]}" if met.beyond else "")
                     for met in which]
        return "\n".join([*text, self.chain.summary()])

    def of_rows(self):
        score = Score()
        for met in self.results:
            score.add(met.broken, *row_set(met.said.row))
        return score

    def of_kind(self, kind):
        return [met for met in self.results if met.kind == kind]

    def of_peer(self, name):
        """What a reader of the model knows of the status alone. Each position has its say."""
        score = Score()
        for met in self.of_kind("loopback"):
            score.add(met.broken, *row_set(rows_of_status(self.peers[name].get(met.name))))
        return score

    def page(self, whichhop, command):
        version = subprocess.run([whichhop, "version"], capture_output=True, text=True).stdout
        versions = [version.strip() or "whichhop",
                    *filter(None, map(attribution_peers.version, self.peers))]
        left_out = "\n".join(f"- {what}: {why}" for what, why in attribution_truth.LEFT_OUT.items())
        return (f"# Which hop broke: verdicts against the truth\n\n"
                f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC, Linux "
                f"{platform.release()}, {platform.machine()}; {', '.join(versions)}; Python "
                f"{platform.python_version()}\n\n    {command}\n\n## Summary\n{self.summary()}\n\n"
                f"## Left out\n\n{left_out}\n\n## Beyond a bare status\n\n"
                "They count above; the exit code looks past them.\n\n"
                + "".join(f"- {name}: {why}\n" for name, why in attribution_truth.BEYOND.items()) +
                "\n## Every verdict\n\n"
                "`+` named, `!` named alone, `-` not named, `X` cleared though broken.\n\n"
                f"{self.matrix()}\n\n## Every verdict in a chain\n\n{self.chain.matrix()}\n")


def mark(broken, cause, cleared):
    if broken in cleared:
        return "X"
    if tuple(cause) == (broken,):
        return "!"
    return "+" if broken in cause else "-"
