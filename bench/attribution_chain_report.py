"""Chains of hosts: what was said at once and when all had settled, held against the goals."""

from attribution_report import Score, mark, row_set, rows_of_status, table

# Of the settled verdicts that the client got.
GOALS = {
    "named": "every broken hop, but for those beyond",
    "cleared": "none that is broken",
    "mean": 1.4,
    "alone": 0.8,
}
PEERS = ("nginx", "haproxy")


def verdicts(results, when, where):
    """(result, verdict) where there is one."""
    said = [(met, getattr(getattr(met, when), where)) for met in results]
    return [(met, verdict) for met, verdict in said if verdict is not None]


def score_of(pairs):
    score = Score()
    for met, verdict in pairs:
        score.add(met.broken, verdict.cause, verdict.cleared)
    return score


class ChainReport:
    """`unmet`: {fault's name: why it could not be met}"""

    def __init__(self, results, unmet):
        self.results = results
        self.unmet = unmet
        self.counted = [met for met in results if not met.beyond]

    def lines(self):
        """For the table of the summary: (voice, Score)."""
        lines = [("- in a chain, to the client, settled",
                  score_of(verdicts(self.results, "settled", "cdn"))),
                 ("  - without those beyond", score_of(verdicts(self.counted, "settled", "cdn"))),
                 ("  - at once", score_of(verdicts(self.results, "first", "cdn"))),
                 ("  - in the lb's log, settled", score_of(verdicts(self.results, "settled", "lb"))),
                 ("  - in the lb's log, at once", score_of(verdicts(self.results, "first", "lb")))]
        rows = Score()
        for met, verdict in verdicts(self.results, "settled", "cdn"):
            rows.add(met.broken, *row_set(verdict.row))
        lines.append(("  - the documented row of the settled verdict", rows))
        for name in PEERS:
            asked = [met for met in self.results if name in met.peers]
            if asked:
                score = Score()
                for met in asked:
                    score.add(met.broken, *row_set(rows_of_status(met.peers[name])))
                lines.append((f"  - {name}'s bare status there, through the model", score))
        return lines

    def missed(self):
        return [met for met in self.counted if met.broken not in met.settled.cdn.cause]

    def wrongly_cleared(self):
        """At once too, and in the lb's log: nobody is paged twice."""
        return [met for met in self.counted if any(
            verdict and met.broken in verdict.cleared for said in met.said
            for verdict in (said.cdn, said.lb))]

    def goals(self):
        """[(goal, reached, whether that will do)]"""
        if not self.results:
            return []
        score = score_of(verdicts(self.counted, "settled", "cdn"))
        spoke = score.asked - score.silent
        mean = score.suspects / spoke if spoke else 0.0
        alone = score.alone / score.asked
        return [("the broken hop is named", f"{score.named} of {score.asked}", not self.missed()),
                ("no broken hop is cleared", f"{len(self.wrongly_cleared())}",
                 not self.wrongly_cleared()),
                (f"mean suspects at most {GOALS['mean']}", f"{mean:.2f}", mean <= GOALS["mean"]),
                (f"alone and right at least {GOALS['alone']:.0%}", f"{alone:.1%}",
                 alone >= GOALS["alone"])]

    def passed(self):
        return not self.unmet and all(reached for *_, reached in self.goals())

    def summary(self):
        text = [f"\n*** NOT MET: {name}: {why} ***" for name, why in self.unmet.items()]
        if not self.results:
            return "\n".join(text)
        text += [f"\nChain: {len(self.results)} faults. Goals of its settled verdicts, without those "
                "beyond:\n"]
        text += [f"- {'reached' if will_do else 'MISSED'}: {goal}: {what}"
                 for goal, what, will_do in self.goals()]
        for title, which in (("Not named in a chain", self.missed()),
                             ("Wrongly cleared in a chain", self.wrongly_cleared())):
            text.append(f"\n{title}: {len(which)}")
            text += [f"- {met.name}: {met.broken} ({met.done}); said {met.settled.cdn.fault}: "
                     f"{', '.join(met.settled.cdn.cause) or 'nobody'}" for met in which]
        return "\n".join(text)

    def matrix(self):
        lines = [["fault", "broken", "what was done", "status", "at once", "", "settled", "",
                  "the lb's log, settled", "", "the row's set", "", *PEERS]]
        for met in self.results:
            rows = row_set(met.settled.cdn.row)
            lines.append([met.name, met.broken, met.done, str(met.settled.status or "none"),
                          *said(met, met.first.cdn), *said(met, met.settled.cdn),
                          *said(met, met.settled.lb), " ".join(sorted(rows[0])) or "–",
                          mark(met.broken, *rows), *(peer_cell(met, name) for name in PEERS)])
        return table(lines)

    def wide(self):
        """Sets of more than one, with what was seen: where a fact is wanting."""
        text = []
        for met in self.results:
            if tuple(met.settled.cdn.cause) != (met.broken,):
                text += [f"{met.name}: {met.broken}; {' '.join(met.settled.cdn.cause) or 'nobody'}",
                         *(f"    {sentence}" for sentence in met.settled.evidence)]
        return "\n".join(text)


def said(met, verdict):
    if verdict is None:
        return ["", ""]
    return [f"{verdict.fault}: {' '.join(verdict.cause) or '–'}",
            mark(met.broken, verdict.cause, verdict.cleared)]


def peer_cell(met, name):
    if name not in met.peers:
        return ""
    status = met.peers[name]
    rows = rows_of_status(status)
    if not rows:
        return f"{status or 'none'}: –"
    return f"{status}: {mark(met.broken, *row_set(rows))}"
