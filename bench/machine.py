"""The place and the time of a run: what its numbers hold for."""

import datetime
import os
import platform
import re
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def describe(command):
    """{what: text}, to be taken before the load."""
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
        "command": command,
        "tree": subprocess.run(
            ["git", "-C", ROOT, "describe", "--always", "--dirty"],
            capture_output=True, text=True).stdout.strip() or "unknown",
    }
