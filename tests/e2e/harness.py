"""The real binary, real peers, on loopback alone: what the end-to-end tests share.

A test starts whichhop with `Proxy(yaml)` and origins with `Origin()` or a
scripted `RawOrigin`; each takes port 0, says where it listens, and is ended by
its process id. Binaries come from the environment (CTest sets it):
WHICHHOP and WHICHHOP_ORIGIN.
"""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time

WHICHHOP = os.environ.get("WHICHHOP", "/tmp/build-main/proxy/cli/whichhop")
ORIGIN = os.environ.get("WHICHHOP_ORIGIN", "/tmp/build-main/bench/whichhop-origin")
# Sanitizers and a busy core: patience costs nothing when all is well.
PATIENCE = float(os.environ.get("WHICHHOP_TEST_PATIENCE", "30"))


def wait_for(condition, what, seconds=PATIENCE):
    """The first true value of condition(), or AssertionError."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"waited {seconds} s for {what}")


class Process:
    """A child that prints where it listens; ended by its id."""

    def __init__(self, command, listening_on, stdin=subprocess.DEVNULL):
        self.output = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            command, stdin=stdin, stdout=self.output, stderr=self.output)
        self.addresses = wait_for(lambda: self._addresses(listening_on), f"{command} to listen")

    def text(self):
        # The child writes at the file's offset, which is its own too: it is not to be moved.
        descriptor = self.output.fileno()
        return os.pread(descriptor, os.fstat(descriptor).st_size, 0).decode(errors="replace")

    def _addresses(self, pattern):
        if self.process.poll() is not None:
            raise AssertionError(f"exit {self.process.returncode}: {self.text()}")
        return re.findall(pattern, self.text())

    @property
    def port(self):
        return int(self.addresses[0].rpartition(":")[2])

    @property
    def pid(self):
        return self.process.pid

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, seconds=PATIENCE):
        return self.process.wait(seconds)

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        text = self.text()
        self.output.close()
        assert "Sanitizer" not in text and "runtime error:" not in text, text

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Origin(Process):
    """The fault-injecting origin (bench/origin)."""

    def __init__(self, *options):
        super().__init__([ORIGIN, "--listen", "127.0.0.1:0", *options], r"listening on (\S+)")


def yaml_for(upstream_port, *, node="", upstream="", routes="", **blocks):
    """A configuration with one upstream `app` and a route to it.

    `node`, `upstream` and each of `blocks` (timeouts, limits, errors, logs, ...) are the inside of a
    flow mapping: yaml_for(p, timeouts="connect: 1s"). `routes` are lines put before the route to app.
    """
    lines = ['listen: ["127.0.0.1:0"]', f"node: {{workers: 1{', ' + node if node else ''}}}"]
    lines += [f"{name}: {{{inside}}}" for name, inside in blocks.items()]
    lines += ["upstreams:", f'  app: {{servers: ["127.0.0.1:{upstream_port}"]'
              f"{', ' + upstream if upstream else ''}}}", "routes:"]
    lines += [f"  {line}" for line in routes.splitlines() if line.strip()]
    lines += ["  - {upstream: app}"]
    return "\n".join(lines) + "\n"


class Proxy(Process):
    """whichhop itself, with its access log in a file."""

    def __init__(self, yaml):
        self.folder = tempfile.TemporaryDirectory(prefix="whichhop-test-")
        self.log_path = os.path.join(self.folder.name, "access.log")
        self.config_path = os.path.join(self.folder.name, "whichhop.yaml")
        if "\nlogs:" not in yaml:
            yaml += f"logs: {{access: {self.log_path}}}\n"
        with open(self.config_path, "w") as file:
            file.write(yaml)
        listeners = re.search(r"^listen: \[(.*)\]", yaml, re.M)[1].count('"') // 2
        pattern = r"listening on (\S+)"
        super().__init__([WHICHHOP, "run", "-c", self.config_path], pattern)
        wait_for(lambda: len(self._addresses(pattern)) >= listeners, "all listeners")
        self.addresses = self._addresses(pattern)  # the first alone was waited for

    def log(self):
        """The access log's lines so far, as objects."""
        if not os.path.exists(self.log_path):
            return []
        with open(self.log_path, encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.endswith("\n")]

    def wait_for_log(self, count=1):
        """The log once it has `count` lines."""
        return wait_for(lambda: (lines := self.log()) and len(lines) >= count and lines,
                        f"{count} log lines")

    def drain(self):
        """TERM; the exit code."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def stop(self):
        super().stop()
        self.folder.cleanup()


class Response:
    def __init__(self, status, reason, fields, body, complete=True, interim=()):
        self.status = status
        self.reason = reason
        self.fields = fields  # [(name, value)] in order
        self.body = body
        self.complete = complete  # its framing was kept to the end
        self.interim = list(interim)  # status codes of 1xx heads before it

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def __getitem__(self, name):
        """The one value of a field; None if it is absent."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} stands {len(values)} times"
        return values[0] if values else None

    def json(self):
        return json.loads(self.body)


class Client:
    """A connection that says exactly the bytes that it is told to."""

    def __init__(self, port, host="127.0.0.1"):
        self.socket = socket.create_connection((host, port), timeout=PATIENCE)
        self.buffer = b""

    def send(self, data):
        self.socket.sendall(data)
        return self

    def _more(self):
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            return False
        self.buffer += data
        return bool(data)

    def _until(self, mark):
        while mark not in self.buffer:
            if not self._more():
                return None
        head, _, self.buffer = self.buffer.partition(mark)
        return head

    def _exactly(self, size):
        while len(self.buffer) < size and self._more():
            pass
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def read_head(self):
        head = self._until(b"\r\n\r\n")
        if head is None:
            return None
        lines = head.decode("latin-1").split("\r\n")
        _, status, *reason = lines[0].split(" ", 2)
        fields = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:]]
        return Response(int(status), reason[0] if reason else "", fields, b"")

    def read(self, method="GET"):
        """The next final response; None if the connection ends before its head."""
        interim = []
        while (response := self.read_head()) and response.status < 200:
            interim.append(response.status)
        if response is None:
            return None
        response.interim = interim
        if method == "HEAD" or response.status in (204, 304):
            return response
        if "chunked" in (response["Transfer-Encoding"] or ""):
            response.body, response.complete = self._chunked()
        elif (length := response["Content-Length"]) is not None:
            response.body = self._exactly(int(length))
            response.complete = len(response.body) == int(length)
        else:
            while self._more():
                pass
            response.body, self.buffer = self.buffer, b""
        return response

    def _chunked(self):
        body = b""
        while (line := self._until(b"\r\n")) is not None:
            size = int(line.split(b";")[0], 16)
            if size == 0:
                while (trailer := self._until(b"\r\n")) not in (b"", None):
                    pass
                return body, trailer is not None
            data = self._exactly(size)
            body += data
            if len(data) < size or self._exactly(2) != b"\r\n":
                return body, False
        return body, False

    def at_end(self):
        """Waits for the peer's FIN or RST; False if bytes came instead."""
        return not self.buffer and not self._more()

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def request(target="/", method="GET", fields=(), body=b"", host="test.example", version="1.1"):
    """The bytes of a request."""
    lines = [f"{method} {target} HTTP/{version}", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in fields]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def fetch(port, target="/", method="GET", fields=(), body=b"", host="test.example", version="1.1"):
    """One request on a connection of its own."""
    with Client(port) as client:
        client.send(request(target, method, fields, body, host, version))
        return client.read(method)


class RawOrigin:
    """An origin that does to each connection what `script(socket, number)` says.

    Scripts use read_request() and sendall(); the socket is closed behind them.
    """

    def __init__(self, script, backlog=128, host="127.0.0.1", port=0):
        self.script = script
        self.listener = socket.create_server((host, port), backlog=backlog)
        self.port = self.listener.getsockname()[1]
        self.requests = []  # what read_request() saw, in order
        self.connections = 0
        self.stopping = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while not self.stopping:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(
                target=self._serve, args=(connection, self.connections), daemon=True).start()

    def _serve(self, connection, number):
        with connection, contextlib.suppress(OSError):
            self.script(connection, number)

    def read_request(self, connection):
        """The bytes of one request: its head, and a body by Content-Length."""
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                return None
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)^content-length: *(\d+)", head, re.M)
        while length and len(body) < int(length[1]):
            more = connection.recv(65536)
            if not more:
                break
            body += more
        self.requests.append(head + b"\r\n\r\n" + body)
        return self.requests[-1]

    def stop(self):
        self.stopping = True
        self.listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def answering(data, keep_alive=True):
    """A script that answers every request with these bytes."""

    def script(connection, _):
        while script.origin.read_request(connection) is not None:
            connection.sendall(data)
            if not keep_alive:
                return

    return script


def origin_answering(data, keep_alive=True):
    script = answering(data, keep_alive)
    origin = RawOrigin(script)
    script.origin = origin
    return origin


def free_port():
    """A port that nobody listens on: connects to it are refused."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return unused.getsockname()[1]
