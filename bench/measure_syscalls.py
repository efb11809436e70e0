"""System calls of an exchange, by perf, or else by strace.

Two runs of different length: what both have, the 64 clients' connections that
are made, cancels out.

perf's tracepoints cost a fraction of a microsecond a call. strace stops the
proxy at each one: it still counts all of them, but a proxy that is so slow
finds more to do whenever it wakes, so there are fewer waits.
"""

import os
import re
import shutil
import signal
import subprocess

import load

# Told apart, beside the sum of all.
NAMES = ("epoll_wait", "epoll_pwait", "epoll_ctl", "read", "readv", "recvfrom",
         "recvmsg", "write", "writev", "sendto", "sendmsg", "splice", "accept4",
         "connect", "close", "getsockopt", "setsockopt", "ioctl", "futex")


def measure(case, stage, proxy, setup, options):
    by = _by_perf if _perf_works() else _by_strace
    if by is _by_strace and not shutil.which("strace"):
        raise load.Unmeasurable(
            "neither perf nor strace is here and may be used")
    server = stage.server(proxy, setup)
    shorter = by(case, server, stage, options.core, options.seconds)
    longer = by(case, server, stage, options.core, 3 * options.seconds)
    requests = longer[1] - shorter[1]
    if requests <= 0:
        raise load.WrongAnswers("three times as long brought no more answers")
    calls = {name: (longer[0][name] - shorter[0].get(name, 0)) / requests
             for name in longer[0]}
    total = calls.pop("all")
    ordered = sorted(calls.items(), key=lambda call: -call[1])
    return {"value": total,
            "calls": {name: count for name, count in ordered if count >= 0.005},
            "counted by": by.__name__.removeprefix("_by_")}


def _perf_works():
    if not shutil.which("perf"):
        return False
    return subprocess.run(
        ["perf", "stat", "-e", "raw_syscalls:sys_enter", "true"],
        capture_output=True).returncode == 0


def _by_perf(case, server, stage, core, seconds):
    """({call: count, "all": their sum}, requests)."""
    path = os.path.join(stage.folder, "perf.csv")
    events = ["raw_syscalls:sys_enter"]
    events += [f"syscalls:sys_enter_{name}" for name in NAMES]
    prefix = ["perf", "stat", "-x", ",", "-o", path, "-e", ",".join(events),
              "-p", ",".join(map(str, server.pids())), "--"]
    seen = load.run_wrk(case, server.port, core, seconds, stage.folder, prefix)
    counts = {name or "all": int(count) for count, name in re.findall(
        r"^(\d+),[^,]*,\w+:sys_enter_?(\w*),", _text(path), re.M)}
    return counts, seen["requests"]


def _text(path):
    with open(path) as file:
        return file.read()


def _by_strace(case, server, stage, core, seconds):
    """The same."""
    path = os.path.join(stage.folder, "strace.txt")
    pids = server.pids()
    command = ["strace", "-c", "-f", "-o", path]
    for pid in pids:
        command += ["-p", str(pid)]
    strace = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        for _ in pids:  # "strace: Process 123 attached"
            strace.stderr.readline()
        seen = load.run_wrk(case, server.port, core, seconds, stage.folder)
    finally:
        strace.send_signal(signal.SIGINT)
        strace.communicate(timeout=30)
    # % time, seconds, usecs/call, calls, errors (or nothing), name
    counts = {name: int(calls) for calls, name in re.findall(
        r"^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ +)?([a-z]\w+)$", _text(path),
        re.M) if name != "total"}
    return {**counts, "all": sum(counts.values())}, seen["requests"]
