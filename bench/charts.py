"""Plots as inline SVG: bars, and percentiles of latency. No script, no asset.

Colours are classes of the page's style sheet, so that they follow its theme.
"""

import html
import math

import cases

WIDTH, LABELS, NUMBERS, BAR, GAP = 720, 150, 110, 20, 8
QUANTILES = ("p50", "p90", "p99", "p99.9", "max")


def svg(height, title, inside):
    return (f'<svg viewBox="0 0 {WIDTH} {height}" role="img" '
            f'aria-label="{html.escape(title)}">{"".join(inside)}</svg>')


def text(x, y, words, kind=""):
    return (f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">'
            f'{html.escape(words)}</text>')


def kind_of(label):
    if label.startswith("whichhop"):
        return "ours"
    return "bound" if label in ("floor", cases.NO_PROXY) else "peer"


def bars(title, values, shown):
    """{label: (value, least, most)}, each with its range; from zero."""
    most = max((top for _, _, top in values.values()), default=0) or 1
    scale = (WIDTH - LABELS - NUMBERS) / most
    inside, y = [], GAP
    for label, (value, least, top) in values.items():
        middle = y + BAR / 2
        inside += [
            text(LABELS - 8, middle + 5, label, "end"),
            f'<rect x="{LABELS}" y="{y}" width="{max(value, 0) * scale:.1f}" '
            f'height="{BAR}" class="{kind_of(label)}"/>',
            f'<path d="M{LABELS + max(least, 0) * scale:.1f} {middle}H'
            f'{LABELS + max(top, 0) * scale:.1f}" class="range"/>',
            text(LABELS + max(value, top, 0) * scale + 8, middle + 5,
                 shown(value))]
        y += BAR + GAP
    return svg(y, title, inside)


def percentiles(title, rows):
    """{label: {quantile: µs}}: a line each over p50 to max, on a log scale."""
    seen = [max(row[name], 1) for row in rows.values() for name in QUANTILES]
    low = math.floor(math.log10(min(seen)))
    high = max(math.ceil(math.log10(max(seen))), low + 1)
    left, top, height = 70, 16, 280
    step = (WIDTH - left - 200) / (len(QUANTILES) - 1)

    def y(value):
        share = (math.log10(max(value, 1)) - low) / (high - low)
        return top + height * (1 - share)

    inside = []
    for power in range(low, high + 1):
        inside += [f'<path d="M{left} {y(10 ** power):.1f}H{WIDTH - 200}" '
                   'class="grid"/>',
                   text(left - 8, y(10 ** power) + 5, micros(10 ** power),
                        "end")]
    for number, name in enumerate(QUANTILES):
        inside.append(text(left + number * step, top + height + 22, name,
                           "middle"))
    ends = spread([(y(row["max"]), label) for label, row in rows.items()])
    for number, (label, row) in enumerate(rows.items()):
        points = [(left + i * step, y(row[name]))
                  for i, name in enumerate(QUANTILES)]
        path = " ".join(f"{x:.1f},{at:.1f}" for x, at in points)
        inside.append(f'<polyline points="{path}" class="line s{number % 8}"/>')
        inside += [f'<circle cx="{x:.1f}" cy="{at:.1f}" r="3" '
                   f'class="dot s{number % 8}"/>' for x, at in points]
        inside.append(text(points[-1][0] + 12, ends[label] + 5, label,
                           f"name s{number % 8}"))
    return svg(top + height + 32, title, inside)


def spread(places, apart=18):
    """{label: y}: in order, and never so close that names overlap."""
    found, last = {}, -apart
    for at, label in sorted(places):
        last = max(at, last + apart)
        found[label] = last
    return found


def micros(value):
    if value >= 1e6:
        return f"{value / 1e6:g} s"
    return f"{value / 1000:g} ms" if value >= 1000 else f"{value:g} µs"
