"""A nameserver on loopback that says what a test tells it to."""

import contextlib
import ipaddress
import socket
import struct
import threading
import time

NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)
A, AAAA = 1, 28


class Nameserver:
    """Answers for every name as `answer` says: an rcode, "silence", "truncated",
    ("servfail", EXTENDED ERROR), or a list of addresses; each with `ttl` seconds. Both may change at any time.
    `over_tcp` is the answer to the same question over TCP; None: nobody listens.
    """

    def __init__(self, answer, ttl=60, over_tcp=None):
        self.answer = answer
        self.ttl = ttl
        self.questions = []  # (name, type) in order
        self.over_tcp = over_tcp
        while not self._bind():  # the other protocol's port was taken
            pass
        threading.Thread(target=self._serve, daemon=True).start()
        if over_tcp is not None:
            threading.Thread(target=self._serve_tcp, daemon=True).start()

    def _bind(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        if self.over_tcp is None:
            return True
        try:
            self.listener = socket.create_server(("127.0.0.1", self.port))
        except OSError:
            self.socket.close()
            return False
        return True

    def _serve_tcp(self):
        """Two questions of one connection, each answer in two pieces."""
        with self.listener, contextlib.suppress(OSError):
            connection, _ = self.listener.accept()
            with connection, connection.makefile("rb") as stream:
                for _ in range(2):
                    size, = struct.unpack("!H", stream.read(2))
                    reply = self._reply(stream.read(size), self.over_tcp)
                    connection.sendall(struct.pack("!H", len(reply)) + reply[:9])
                    time.sleep(0.05)
                    connection.sendall(reply[9:])

    def _serve(self):
        while True:
            try:
                query, client = self.socket.recvfrom(4096)
            except OSError:
                return
            if not query:
                return
            if (reply := self._reply(query, self.answer)) is not None:
                self.socket.sendto(reply, client)

    def _reply(self, query, answer):
        end = query.index(b"\0", 12) + 5
        kind, = struct.unpack("!H", query[end - 4:end - 2])
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        self.questions.append((".".join(labels), kind))
        records, opt = [], b""
        if isinstance(answer, tuple):
            answer, reason = SERVFAIL, answer[1]
            opt = struct.pack("!BHHIHHHH", 0, 41, 1232, 0, 6, 15, 2, reason)
        if answer == "silence":
            return None
        if isinstance(answer, list):
            addresses = [ipaddress.ip_address(text) for text in answer]
            records = [ip.packed for ip in addresses if (kind == A) == (ip.version == 4)]
        flags = 0x8180 | (0x0200 if answer == "truncated" else 0)
        flags |= answer if isinstance(answer, int) else 0
        head = query[:2] + struct.pack("!HHHHH", flags, 1, len(records), 0, bool(opt))
        return head + query[12:end] + b"".join(
            struct.pack("!HHHIH", 0xC00C, kind, 1, self.ttl, len(ip)) + ip for ip in records) + opt

    def stop(self):
        # close() doesn't wake the thread that waits in recvfrom; this does.
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
