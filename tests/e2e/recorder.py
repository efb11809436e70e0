"""An origin that keeps every byte that it is sent, and says how each connection ended."""

import json
import os
import re
import socket
import subprocess
import threading

READER = os.environ.get("WHICHHOP_MESSAGE_READER", "/tmp/build-main/tests/proxy/http/whichhop-message-reader")
CHUNK = re.compile(rb"([0-9a-f]+)\r\n", re.I)
LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n")


def end_of_message(data):
    """Where the request that `data` begins with ends; None if it is not here whole.

    Of the forms of framing it knows the one that the proxy writes, and no other.
    """
    head_end = data.find(b"\r\n\r\n") + 4
    if head_end < 4:
        return None
    head = data[:head_end].lower()
    if b"\r\ntransfer-encoding: chunked\r\n" in head:
        at = head_end
        while (line := CHUNK.match(data, at)):
            size = int(line[1], 16)
            at = line.end() + size + 2
            if size == 0:
                end = data.find(b"\r\n\r\n", line.end() - 2)
                return None if end < 0 else end + 4
        return None
    length = LENGTH.search(head)
    end = head_end + int(length[1] if length else 0)
    return end if len(data) >= end else None


class Seen:
    """One request, as it came."""

    def __init__(self, data, connection):
        self.data = data
        self.connection = connection  # its number, from 1

    @property
    def path(self):
        return self.data.split(b" ", 2)[1].decode("latin-1")


class Recorder:
    """Answers each request with its target, or as `answer(seen, socket)` does: False ends the connection."""

    def __init__(self, answer=None):
        self.answer = answer or self.echo
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.changed = threading.Condition()
        self.requests = []  # Seen, whole ones
        self.streams = {}  # connection number: all bytes that came on it
        self.torn = []  # bytes of requests that never became whole
        self.ended = {}  # connection number: "fin", "rst", or "ours"
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @staticmethod
    def echo(seen, connection):
        body = b"" if seen.data.startswith(b"HEAD ") else seen.path.encode("latin-1")
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(seen.path), body))
        return True

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with self.changed:
                self.connections += 1
                number = self.connections
            threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()

    def _serve(self, connection, number):
        data, how = b"", "fin"
        stream = self.streams.setdefault(number, bytearray())
        with connection:
            try:
                while (more := connection.recv(65536)):
                    data += more
                    stream += more
                    while (end := end_of_message(data)) is not None:
                        seen, data = Seen(data[:end], number), data[end:]
                        with self.changed:
                            self.requests.append(seen)
                        if not self.answer(seen, connection):
                            how = "ours"
                            return
            except OSError:
                how = "rst"
            finally:
                with self.changed:
                    self.ended[number] = how
                    if data:
                        self.torn.append(data)
                    self.changed.notify_all()

    def wait_for_end(self, number, seconds):
        """How the proxy ended a connection; None if it did not."""
        with self.changed:
            self.changed.wait_for(lambda: number in self.ended, seconds)
            return self.ended.get(number)

    def take(self):
        """What came since the last time: whole requests, and pieces of others."""
        with self.changed:
            requests, self.requests = self.requests, []
            torn, self.torn = self.torn, []
        return requests, torn

    def stop(self):
        self.listener.close()


class MessageReader:
    """What our parser and llhttp make of a message, and whether they may differ (message_reader_main.cc)."""

    def __init__(self):
        self.process = subprocess.Popen([READER], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def read(self, side, data, method="GET"):
        side += "" if side == "request" else f" {method}"
        self.process.stdin.write(f"{side} {len(data)}\n".encode() + data)
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def stop(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()
