"""The load on an instance that runs somewhere: one run of whichhop-load."""

import cases
import load


def arguments(options):
    """Of whichhop-load."""
    found = ["--target", options.target, "--seconds", str(options.duration),
             "--connections", str(options.connections),
             "--deadline", str(2 * options.duration + 60)]
    if options.rate:
        found += ["--rate", f"{options.rate:g}"]
    if options.verify:
        return [*found, "--verify", "--faults", options.faults]
    # A URL without a path means its root here, and the table there.
    has_path = "/" in options.target.partition("://")[2]
    return found if has_path else [*found, "--path", "/"]


def measure(options, folder):
    """(a result as rounds.py has it, facts, whether all was right)."""
    code, seen, text = load.run_whichhop_load(
        options.load, arguments(options), folder)
    print(text)
    rows = {"from when it was due" if options.rate else "latency":
            _row(seen["latency_us"])}
    if options.rate:
        rows["from when it was sent"] = _row(seen["service_us"])
    result = {"says": _says(options), "unit": cases.UNITS["latency"],
              "kind": "target", "rows": rows, "left_out": {}, "load": seen}
    return result, _facts(seen), code == 0


def _row(quantiles):
    p50 = quantiles["p50"]
    return {"value": p50, "min": p50, "max": p50, "samples": [p50],
            "ratio": None, "quantiles": quantiles}


def _says(options):
    loop = (f"open loop at {options.rate:g} requests/s" if options.rate
            else "closed loop")
    verified = (f", {options.faults} faults, every answer verified"
                if options.verify else "")
    return (f"{loop}, {options.connections} connections, "
            f"{options.duration} s{verified}")


def _facts(seen):
    answers = ", ".join(
        f"{count} × {'no answer' if status == '0' else status}"
        for status, count in seen["statuses"].items())
    facts = {"requests": f"{seen['requests']}, "
                         f"{seen['per_second']:,.0f} requests/s",
             "answers": answers, "lost": seen["lost"]}
    if seen["unsent"]:
        facts["never sent"] = seen["unsent"]
    if seen["verified"]:
        facts |= {name: seen[name]
                  for name in ("crossed", "mislabelled", "stale")}
    return {what: str(text) for what, text in facts.items()}
