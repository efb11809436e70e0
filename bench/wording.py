"""Numbers and samples in words, alike in each form of the report."""

import cases
from goals import difference


def number(value):
    """Three digits or more, and no more than tell something."""
    if value is None:
        return "–"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def is_number(text):
    """Or a range of numbers, or the sign for none: set to the right."""
    return text == "–" or (any(map(str.isdigit, text)) and
                           not any(map(str.isalpha, text)))


def grid(result):
    """(heads, lines) of a case's table; the first column has names."""
    of_latency = any("quantiles" in row for row in result["rows"].values())
    if of_latency:
        return _latency_grid(result["rows"])
    lines = [[label, number(row["value"]),
              f"{number(row['min'])}–{number(row['max'])}",
              _ratio(row), _beside(row)]
             for label, row in result["rows"].items()]
    return ["", result["unit"], "(min–max)", "whichhop/this", ""], lines


def _latency_grid(rows):
    names = list(next(iter(rows.values()))["quantiles"])
    base = rows.get(cases.NO_PROXY)
    heads = ["µs", *names] + (["added to p50"] if base else [])
    lines = []
    for label, row in rows.items():
        line = [label, *map(number, row["quantiles"].values())]
        if base:
            line.append(number(difference(row, base)))
        lines.append(line)
    return heads, lines


def _ratio(row):
    return "–" if row["ratio"] is None else f"{row['ratio']:.2f}"


def _beside(row):
    if "per_second" in row:
        return (f"{row['per_second']:,.0f} requests/s, p50 "
                f"{row['p50_us'] / 1000:.2f} ms, p99 "
                f"{row['p99_us'] / 1000:.2f} ms")
    if "calls" in row:
        return ", ".join(f"{name} {count:.2f}"
                         for name, count in row["calls"].items())
    if "connections" in row:
        return (f"{row['connections']:,.0f} connections, "
                f"{number(row['total_mib'])} MiB in all")
    return ""


def verdict(goal):
    return {True: "met", False: "MISSED", None: "not measured"}[goal["met"]]
