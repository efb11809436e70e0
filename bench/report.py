"""What a benchmark found: medians over rounds, ratios, a page in Markdown."""

import datetime
import os
import platform
import re
import statistics
import subprocess


def summarise(samples):
    """{work: {proxy: [sample of each round]}} -> rows, in the same order."""
    rows = []
    for work, proxies in samples.items():
        for proxy, rounds in proxies.items():
            cpu = [sample["cpu_us"] for sample in rounds]
            rows.append({
                "work": work, "proxy": proxy, "rounds": len(rounds),
                "cpu_us": statistics.median(cpu),
                "cpu_us_min": min(cpu), "cpu_us_max": max(cpu),
                "per_second": statistics.median(
                    s["requests"] * 1e6 / s["micros"] for s in rounds),
                "p50_us": statistics.median(s["p50_us"] for s in rounds),
                "p99_us": statistics.median(s["p99_us"] for s in rounds),
                "whichhop_to_this": ratio(proxies.get("whichhop"), rounds),
            })
    return rows


def ratio(ours, theirs):
    """Median of the rounds' ratios: what slows a whole round cancels out."""
    if not ours or not theirs:
        return None
    return statistics.median(
        a["cpu_us"] / b["cpu_us"] for a, b in zip(ours, theirs))


def table(rows):
    head = ["work", "proxy", "CPU µs/request", "(min–max)", "whichhop/this",
            "requests/s", "p50 ms", "p99 ms"]
    lines = [head, ["---", "---"] + ["---:"] * 6]
    for row in rows:
        to_this = row["whichhop_to_this"]
        lines.append([
            row["work"], row["proxy"], f"{row['cpu_us']:.1f}",
            f"{row['cpu_us_min']:.1f}–{row['cpu_us_max']:.1f}",
            f"{to_this:.2f}" if to_this else "–",
            f"{row['per_second']:.0f}", f"{row['p50_us'] / 1000:.2f}",
            f"{row['p99_us'] / 1000:.2f}"])
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return "\n".join("| " + " | ".join(
        cell.ljust(width) for cell, width in zip(line, widths)) + " |"
        for line in lines)


def machine():
    """{what: text} of the place and the time, taken before the load."""
    lscpu = subprocess.run(["lscpu"], capture_output=True, text=True,
                           env={**os.environ, "LC_ALL": "C"}).stdout
    model = re.search(r"Model name:\s*(.*)", lscpu)
    return {
        "date": datetime.datetime.now(datetime.timezone.utc)
                .strftime("%Y-%m-%d %H:%M UTC"),
        "processor": (model[1] if model else platform.machine()) +
                     f", {os.cpu_count()} cores",
        "kernel": platform.release(),
        "load before": " ".join(f"{load:.2f}" for load in os.getloadavg()),
    }


def page(title, facts, rows):
    lines = [f"# {title}", ""]
    lines += [f"- {what}: {text}" for what, text in facts.items()]
    lines += ["", table(rows), "",
              "CPU is the proxy's own, all its processes and threads, median "
              "of the rounds; whichhop/this is the median of the rounds' "
              "ratios (below 1: whichhop is cheaper). Requests a second are "
              "of one core shared by load, proxy and origin: compare them "
              "within a table only.", ""]
    return "\n".join(lines)
