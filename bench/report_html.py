"""The report as a page of HTML: no script, no outside asset, dark and light."""

import html

import charts
from wording import grid, is_number, number, verdict

STYLE = """
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #fff; --soft: #666;
  --line: #ccc; --ours: #b3261e; --peer: #4a6fa5; --bound: #8a8a8a;
  --good: #14692d; --bad: #b3261e;
  --s0: #b3261e; --s1: #1f5fa8; --s2: #14692d; --s3: #8a4b00; --s4: #6b3fa0;
  --s5: #00696b; --s6: #666; --s7: #a0205f; }
@media (prefers-color-scheme: dark) { :root { --ink: #eee; --paper: #161616;
  --soft: #aaa; --line: #444; --ours: #ff7b70; --peer: #86aee8;
  --bound: #999; --good: #6fd08c; --bad: #ff7b70;
  --s0: #ff7b70; --s1: #86b8ff; --s2: #6fd08c; --s3: #ffb05c; --s4: #c3a0ff;
  --s5: #5fd0d2; --s6: #aaa; --s7: #ff8fc2; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink);
  background: var(--paper); max-width: 60rem; margin: 2rem auto;
  padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { padding: .2rem .8rem .2rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--line); }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
svg { width: 100%; height: auto; max-width: 45rem; }
svg text { font: 14px system-ui, sans-serif; fill: var(--ink); }
svg .end { text-anchor: end; } svg .middle { text-anchor: middle; }
.ours { fill: var(--ours); } .peer { fill: var(--peer); }
.bound { fill: var(--bound); }
.range { stroke: var(--ink); stroke-width: 2; fill: none; }
.grid { stroke: var(--line); fill: none; }
.line { fill: none; stroke-width: 2; }
""" + "".join(
    f".line.s{i} {{ stroke: var(--s{i}); }} .dot.s{i}, svg .name.s{i} "
    f"{{ fill: var(--s{i}); }}\n" for i in range(8)) + """
.met { color: var(--good); } .missed { color: var(--bad); font-weight: bold; }
.soft { color: var(--soft); }
pre { overflow-x: auto; border: 1px solid var(--line); padding: .5rem; }
"""


def cell(words, kind="", tag="td"):
    attribute = f' class="{kind}"' if kind else ""
    return f"<{tag}{attribute}>{html.escape(words)}</{tag}>"


def table(heads, lines):
    """Cells: text, or (text, class). Numbers are set to the right."""
    rows = ["<tr>" + "".join(cell(words, tag="th") for words in heads) +
            "</tr>"]
    for line in lines:
        cells = [words if isinstance(words, tuple) else
                 (words, "number" if i and is_number(words) else "")
                 for i, words in enumerate(line)]
        rows.append("<tr>" + "".join(cell(words, kind)
                                     for words, kind in cells) + "</tr>")
    return "<table>" + "\n".join(rows) + "</table>"


def goal_section(goals):
    if not goals:
        return ""
    kinds = {True: "met", False: "missed", None: "soft"}
    lines = [[goal["case"], goal["goal"], number(goal["value"]),
              (verdict(goal), kinds[goal["met"]])] for goal in goals]
    return "<h2>Goals</h2>" + table(["of", "goal", "seen", ""], lines)


def plots(name, result):
    rows = result["rows"]
    unit = result["unit"]
    found = [charts.bars(f"{name}: {unit}", {
        label: (row["value"], row["min"], row["max"])
        for label, row in rows.items()}, number)]
    tails = {label: row["quantiles"] for label, row in rows.items()
             if "quantiles" in row}
    if tails:
        found.append(charts.percentiles(f"{name}: latency", tails))
    return "\n".join(f"<figure>{plot}</figure>" for plot in found)


def case_section(name, result):
    parts = [f"<h2>{html.escape(name)}</h2>",
             f"<p>{html.escape(result['says'])}. "
             f"In {html.escape(result['unit'])}; less is better.</p>"]
    if result["rows"]:
        parts.append(plots(name, result))
        parts.append(table(*grid(result)))
    parts += [f'<p class="soft">Without {html.escape(who)}: '
              f"{html.escape(why)}</p>"
              for who, why in result["left_out"].items()]
    return "\n".join(parts)


def configuration_section(configurations):
    if not configurations:
        return ""
    parts = ["<h2>Configurations</h2>"]
    for name, files in configurations.items():
        inside = "\n".join(f"# {path}\n{text}" for path, text in files.items())
        parts.append(f"<details><summary>{html.escape(name)}</summary><pre>"
                     f"{html.escape(inside)}</pre></details>")
    return "\n".join(parts)


def page(found):
    facts = [[what, text] for what, text in found["facts"].items()]
    facts += [[f"version of {name}", text] for name, text
              in found["versions"].items()]
    body = [f"<h1>{html.escape(found['title'])}</h1>",
            goal_section(found["goals"])]
    body += [case_section(name, result) for name, result
             in found["cases"].items()]
    body += ["<h2>How it was measured</h2>",
             f"<p>{html.escape(found['reading'])}</p>",
             table(["", ""], facts),
             configuration_section(found["configurations"])]
    return ('<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width">'
            f"<title>{html.escape(found['title'])}</title>"
            f"<style>{STYLE}</style></head><body>\n" + "\n".join(body) +
            "\n</body></html>\n")
