"""A run's report: one object, as JSON, as Markdown and as a page of HTML."""

import json
import os

import report_html
from wording import grid, is_number, number, verdict

READING_TARGET = (
    "Latency counts from when a request was due: in a closed loop that is when "
    "its connection was free; in an open loop the schedule says it, so what "
    "had to wait for a connection is in it. The histogram is right to 0.4 %.")
READING = (
    "CPU is the proxy's own, all its processes and threads. Values are medians "
    "of the rounds; whichhop/this is the median of the rounds' ratios (below "
    "1: whichhop needs less). Requests a second are of one core shared by "
    "load, proxy and origin: compare them within a table only.")


def case_table(result):
    heads, lines = grid(result)
    numbers = [all(is_number(line[i]) for line in lines)
               for i in range(len(heads))]
    return markdown([heads, ["---:" if right else "---" for right in numbers],
                     *lines])


def goal_table(goals):
    lines = [["goal of", "", "seen", ""], ["---"] * 4]
    for goal in goals:
        lines.append([goal["case"], goal["goal"], number(goal["value"]),
                      verdict(goal)])
    return markdown(lines)


def markdown(lines):
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join("| " + " | ".join(
        cell.ljust(width) for cell, width in zip(line, widths)) + " |"
        for line in lines)


def tables(report):
    """What is printed at the end of a run."""
    parts = []
    for name, result in report["cases"].items():
        parts += [f"## {name}: {result['says']}", ""]
        if result["rows"]:
            parts += [case_table(result), ""]
        parts += [f"Without {who}: {why}" for who, why
                  in result["left_out"].items()]
        if result["left_out"]:
            parts.append("")
    if report["goals"]:
        parts += ["## Goals", "", goal_table(report["goals"]), ""]
    return "\n".join(parts)


def page(report):
    lines = [f"# {report['title']}", ""]
    lines += [f"- {what}: {text}" for what, text in report["facts"].items()]
    lines += [f"- version of {name}: {text}" for name, text
              in report["versions"].items()]
    lines += ["", tables(report), report["reading"], ""]
    return "\n".join(lines)


def write(report, folder):
    """report.json, report.md and report.html; the folder is made."""
    os.makedirs(folder, exist_ok=True)
    for name, text in (
            ("report.json", json.dumps(report, indent=1, ensure_ascii=False) +
             "\n"),
            ("report.md", page(report)),
            ("report.html", report_html.page(report))):
        with open(os.path.join(folder, name), "w") as file:
            file.write(text)
