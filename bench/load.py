"""The load: what is asked of a proxy, by wrk, and what wrk saw."""

import dataclasses
import json
import os
import subprocess

CONNECTIONS = 64

# wrk's own text rounds; its `done` hook gives the numbers. A script without a
# `request` function costs nothing for each request.
REPORT = """
done = function(summary, latency, requests)
  io.write(string.format(
    '\\nREPORT {"requests": %d, "micros": %d, "bytes": %d, ' ..
    '"errors": %d, "failed": %d, "p50_us": %d, "p99_us": %d}\\n',
    summary.requests, summary.duration, summary.bytes, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write +
    summary.errors.timeout, latency:percentile(50), latency:percentile(99)))
end
"""


@dataclasses.dataclass(frozen=True)
class Work:
    name: str
    says: str
    path: str
    fields: tuple = ()
    refused: bool = False  # nobody listens upstream
    errors: bool = False   # every answer is to be a 4xx or 5xx
    floor: bool = True     # a mere relay does this work too, and for less


WORKS = [
    Work("100B", "GET of 100 B, keep-alive", "/100B"),
    Work("10KiB", "GET of 10 KiB, keep-alive", "/10KiB"),
    Work("1MiB", "GET of 1 MiB, keep-alive", "/1MiB"),
    Work("close", "a connection for each GET of 100 B", "/100B",
         fields=("Connection: close",), floor=False),
    Work("refused", "the upstream refuses the connection", "/100B",
         refused=True, errors=True, floor=False),
    Work("404", "a relayed 404", "/404", errors=True),
]


class WrongAnswers(Exception):
    """The proxy didn't do the work that is measured."""


def run_wrk(work, port, core, seconds, folder):
    """One run: the numbers of REPORT. Raises WrongAnswers."""
    script = os.path.join(folder, "report.lua")
    with open(script, "w") as file:
        file.write(REPORT)
    command = ["taskset", "-c", str(core), "wrk", "-t1", f"-c{CONNECTIONS}",
               f"-d{seconds}s", "--timeout", "10s", "-s", script]
    for field in work.fields:
        command += ["-H", field]
    command.append(f"http://127.0.0.1:{port}{work.path}")
    done = subprocess.run(command, capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines()
             if line.startswith("REPORT ")]
    if done.returncode != 0 or not lines:
        raise WrongAnswers(f"wrk failed: {done.stdout}{done.stderr}")
    seen = json.loads(lines[0].removeprefix("REPORT "))
    check(work, seen)
    return seen


def check(work, seen):
    expected = seen["requests"] if work.errors else 0
    if seen["requests"] == 0:
        raise WrongAnswers(f"not one answer: {seen}")
    if seen["failed"]:
        raise WrongAnswers(
            f"{seen['failed']} socket errors or timeouts: {seen}")
    if seen["errors"] != expected:
        raise WrongAnswers(f"{seen['errors']} of {seen['requests']} answers were"
                           f" errors, {expected} expected: {seen}")
