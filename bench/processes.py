"""Processes of a benchmark: started on one core, measured, ended by pid."""

import os
import signal
import socket
import subprocess
import time


def free_port():
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Died(Exception):
    """A server ended that should have served, or never did."""


class DeadPort:
    """A port at which every connect is refused: bound, never listening."""

    def __init__(self):
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]


class Process:
    """One server with its children, pinned to a core, answering at `port`."""

    def __init__(self, name, command, port, core, folder, environment=()):
        self.name, self.port, self.command = name, port, command
        self.log_path = os.path.join(folder, f"{name}-{port}.log")
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                ["taskset", "-c", str(core), *command], cwd=folder,
                env={**os.environ, **dict(environment)},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def wait_until_it_answers(self, seconds=10):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.require_alive()
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise Died(f"{self.name} does not answer on port {self.port}: "
                   f"{self.last_words()}")

    def require_alive(self):
        code = self.process.poll()
        if code is not None:
            raise Died(f"{self.name} ended with {code}: {self.last_words()}")

    def last_words(self):
        with open(self.log_path, errors="replace") as log:
            return log.read()[-2000:].strip()

    def pids(self):
        """This process and all its descendants."""
        children = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                parent = _parent(int(entry))
                children.setdefault(parent, []).append(int(entry))
        found, pending = [], [self.process.pid]
        while pending:
            pid = pending.pop()
            found.append(pid)
            pending += children.get(pid, [])
        return found

    def cpu_ns(self):
        """Time on a core of all threads of all its processes, so far."""
        return sum(_cpu_ns(pid) for pid in self.pids())

    def memory(self):
        """Bytes of user memory: each shared page counts by its share (Pss)."""
        return sum(_pss(pid) for pid in self.pids())

    def stop(self, patience=1):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(patience)
            except subprocess.TimeoutExpired:
                self._kill()

    def _kill(self):
        for pid in self.pids():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait(5)


def _parent(pid):
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            # The name may hold anything, but ends with the last bracket.
            return int(stat.read().rpartition(b")")[2].split()[1])
    except OSError:
        return None


def _pss(pid):
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            for line in file:
                if line.startswith("Pss:"):
                    return int(line.split()[1]) << 10
    except OSError:  # it ended between the two looks
        pass
    return 0


def _cpu_ns(pid):
    """schedstat counts nanoseconds, /proc/PID/stat only ticks of 10 ms."""
    total = 0
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return 0
    for thread in threads:
        try:
            with open(f"/proc/{pid}/task/{thread}/schedstat", "rb") as stat:
                total += int(stat.read().split()[0])
        except OSError:  # it ended between the two looks
            pass
    return total
