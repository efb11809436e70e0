"""The load: wrk where CPU counts, whichhop-load where each request does."""

import json
import os
import shutil
import subprocess

CONNECTIONS = 64
SCRIPT = "report.lua"

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


class WrongAnswers(Exception):
    """The proxy didn't do the work that is measured."""


class Unmeasurable(Exception):
    """This machine lacks what the measurement needs."""


def run_wrk(case, port, core, seconds, folder, prefix=()):
    """One run: the numbers of REPORT. Raises WrongAnswers.

    `prefix` is a command that runs it, perf for one.
    """
    script = os.path.join(folder, SCRIPT)
    with open(script, "w") as file:
        file.write(REPORT)
    done = subprocess.run([*prefix, "taskset", "-c", str(core),
                           *wrk_command(case, port, seconds)],
                          cwd=folder, capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines()
             if line.startswith("REPORT ")]
    if done.returncode != 0 or not lines:
        raise WrongAnswers(f"wrk failed: {done.stdout}{done.stderr}")
    seen = json.loads(lines[0].removeprefix("REPORT "))
    check(case, seen)
    return seen


def wrk_command(case, port, seconds):
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s",
               "--timeout", "10s", "-s", SCRIPT]
    for name, value in case.fields.items():
        command += ["-H", f"{name}: {value}"]
    return [*command, f"{url(case, port)}{case.path}"]


def url(case, port):
    return f"{'https' if case.secure else 'http'}://127.0.0.1:{port}"


def check(case, seen):
    expected = seen["requests"] if case.errors else 0
    if seen["requests"] == 0:
        raise WrongAnswers(f"not one answer: {seen}")
    if seen["failed"]:
        raise WrongAnswers(
            f"{seen['failed']} socket errors or timeouts: {seen}")
    if seen["errors"] != expected:
        raise WrongAnswers(
            f"{seen['errors']} of {seen['requests']} answers were errors, "
            f"{expected} expected: {seen}")


def run_whichhop_load(binary, arguments, folder, core=None):
    """(its exit code, its report as an object, its text)."""
    if not shutil.which(binary):
        raise Unmeasurable(f"no {binary}: build it, or see --help")
    path = os.path.join(folder, "load.json")
    if os.path.exists(path):
        os.remove(path)
    pinned = [] if core is None else ["taskset", "-c", str(core)]
    done = subprocess.run([*pinned, binary, *arguments, "--json", path],
                          capture_output=True, text=True)
    if not os.path.exists(path):
        raise WrongAnswers((done.stdout + done.stderr).strip() or
                           f"whichhop-load ended with {done.returncode}")
    with open(path) as file:
        return done.returncode, json.load(file), done.stdout


def run_exact(binary, case, port, arguments, folder, core):
    """whichhop-load on one path, where every answer has to be a 200."""
    code, report, text = run_whichhop_load(
        binary, ["--target", f"{url(case, port)}{case.path}", *arguments],
        folder, core)
    if code != 0 or set(report["statuses"]) != {"200"}:
        raise WrongAnswers(text)
    return report
