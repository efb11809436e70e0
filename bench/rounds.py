"""Rounds: every contestant in every case, interleaved, and their medians."""

import statistics
import sys

import cases
import load
import measure
import processes


def complain(text):
    print(f"bench/run: {text}", file=sys.stderr, flush=True)


class Rounds:
    """Samples as they come; what was wrong or could not be measured."""

    def __init__(self, stage, options, proxies):
        self.stage, self.options, self.proxies = stage, options, proxies
        self.samples = {}     # {case: {label: [sample]}}
        self.wrong = {}       # {(case, label): reason}
        self.unmeasured = {}  # {case: reason}

    def run(self, chosen):
        for number in range(self.options.rounds):
            for case in chosen:
                if number < measure.MOST_ROUNDS.get(case.kind, number + 1):
                    self._round(number, case)

    def _round(self, number, case):
        entries = cases.entries(case, self.proxies)
        # Who goes first changes, so that nobody always follows the same.
        turn = number % max(len(entries), 1)
        for label, proxy, setup in entries[turn:] + entries[:turn]:
            if (case.name, label) in self.wrong or case.name in self.unmeasured:
                continue
            self._sample(number, case, label, proxy, setup)

    def _sample(self, number, case, label, proxy, setup):
        try:
            sample = measure.KINDS[case.kind](
                case, self.stage, proxy, setup, self.options)
        except load.Unmeasurable as reason:
            self.unmeasured[case.name] = str(reason)
            complain(f"SKIPPED: {case.name}: {reason}")
            return
        except (load.WrongAnswers, processes.Died, OSError) as reason:
            self.wrong[case.name, label] = str(reason)
            complain(f"WRONG: {label} at {case.name}: {reason}")
            return
        self.samples.setdefault(case.name, {}).setdefault(
            label, []).append(sample)
        complain(f"round {number + 1}, {case.name}, {label}: "
                 f"{sample['value']:,.4g} {cases.UNITS[case.kind]}")

    def results(self, chosen):
        """{case: what it is, its rows, who is left out and why}."""
        return {case.name: self._result(case) for case in chosen}

    def _result(self, case):
        entries = cases.entries(case, self.proxies)
        samples = self.samples.get(case.name, {})
        rows = {label: summarise(samples[label], samples.get("whichhop"))
                for label, _, _ in entries
                if label in samples and (case.name, label) not in self.wrong}
        left_out = {proxy.name: case.without[proxy.name]
                    for proxy in self.proxies if proxy.name in case.without}
        left_out |= {label: f"WRONG: {reason}" for (name, label), reason
                     in self.wrong.items() if name == case.name}
        if case.name in self.unmeasured:
            left_out["all"] = self.unmeasured[case.name]
        return {"says": case.says, "unit": cases.UNITS[case.kind],
                "kind": case.kind, "rows": rows, "left_out": left_out}


def summarise(samples, ours):
    values = [sample["value"] for sample in samples]
    row = {"value": statistics.median(values), "min": min(values),
           "max": max(values), "samples": values, "ratio": ratio(ours, samples)}
    return row | {key: median([sample[key] for sample in samples])
                  for key in samples[0] if key != "value"}


def median(seen):
    """Of numbers; of mappings of numbers, key by key; else the first."""
    if isinstance(seen[0], dict):
        return {key: statistics.median(each.get(key, 0) for each in seen)
                for key in seen[0]}
    return seen[0] if isinstance(seen[0], str) else statistics.median(seen)


def ratio(ours, theirs):
    """Median of the rounds' ratios: what slows a whole round cancels out."""
    if not ours:
        return None
    ratios = [a["value"] / b["value"]
              for a, b in zip(ours, theirs) if b["value"] > 0]
    return statistics.median(ratios) if ratios else None
