"""A service of the data center that `attribution_chain.py` builds, in a process of its own.

    attribution_services.py app ADDRESS:PORT [--db ADDRESS:PORT] [--auth ...] [--store ...]
    attribution_services.py db | auth | store ADDRESS:PORT

It serves until it is ended. Each line on its standard input breaks it in another way: the names
of `BROKEN`, or what `COMMANDS` has; `ok` heals it. "ok" comes back on standard output when that
is done. Nothing here knows of verdicts.
"""

import argparse
import contextlib
import os
import socket
import struct
import sys
import threading
import time

PATIENCE = 1.5  # the app's, with those that it asks; below everybody's before it
PAGE = b"x" * 2000


def endpoint(text):
    host, _, port = text.rpartition(":")
    return host, int(port)


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def head(status, length, *fields):
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {length}",
             "Content-Type: text/plain", *fields, "", ""]
    return "\r\n".join(lines).encode()


def answer(status, body=PAGE, *fields):
    return head(status, len(body), *fields) + body


def say(data, end=None):
    """Says that to a request; then the connection ends, is reset, or is silent."""
    def act(connection):
        connection.sendall(data)
        if end == "silence":
            time.sleep(3600)
        elif end == "reset":
            time.sleep(0.05)  # what was said has left
            reset(connection)
        return False
    return act


def slow(connection):
    time.sleep(30)
    connection.sendall(answer(200))
    return False


def die(_):
    os._exit(139)


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n" + b"x" * 0x400 + b"\r\n"
CUT = head(200, 5000) + PAGE
# How a request is met. Each ends the connection, or leaves it silent.
BROKEN = {
    "hang": say(b"", "silence"),
    "slow": slow,
    "empty": say(b""),
    "reset": say(b"", "reset"),
    "die": die,
    "half-head": say(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "half-head-reset": say(b"HTTP/1.1 200 OK\r\nContent-Le", "reset"),
    "half-head-hang": say(b"HTTP/1.1 200 OK\r\nContent-Le", "silence"),
    "garbage": say(b"\x00\x17\xffXYZZY not for you\r\n\r\n"),
    "http09": say(b"<html>hello</html>\n"),
    "bad-status": say(b"HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n"),
    "bad-length": say(b"HTTP/1.1 200 OK\r\nContent-Length: 12x\r\n\r\n"),
    "huge-head": say(b"HTTP/1.1 200 OK\r\nX-Debug: " + b"d" * 100000 + b"\r\n\r\n"),
    "cut": say(CUT),
    "cut-reset": say(CUT, "reset"),
    "stall": say(CUT, "silence"),
    "cut-chunks": say(CHUNKED),
    "bad-chunk": say(CHUNKED + b"ZZ\r\nno\r\n"),
    "throw": say(answer(500, b"")),
    "busy": say(answer(503, b"every worker is busy\n", "Error-Cause: app")),
    "busy-bare": say(answer(503, b"every worker is busy\n")),
    "forbid": say(answer(403, b"")),
    "unknown": say(answer(401, b"", 'WWW-Authenticate: Basic realm="shop"')),
    "missing": say(answer(404, b"")),
}


class Failed(Exception):
    def __init__(self, status, *fields):
        super().__init__(status)
        self.answer = answer(status, b"something behind me failed\n", *fields)


class Service:
    def __init__(self, options):
        self.options = options
        self.broken = None
        self.tls = None
        self.accepts = threading.Event()
        self.accepts.set()
        self.connections = set()
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(endpoint(options.address))
        self.listener.listen(options.backlog)

    def run(self):
        threading.Thread(target=self.accept, daemon=True).start()
        print(f"listening on {self.options.address}", flush=True)
        for line in sys.stdin:
            word, *rest = line.split()
            if word in COMMANDS:
                COMMANDS[word](self, *rest)
            else:
                self.broken = None if word == "ok" else BROKEN[word]
            print("ok", flush=True)

    def accept(self):
        while True:
            self.accepts.wait()
            try:
                connection, _ = self.listener.accept()
            except OSError:  # it was closed
                return
            if not self.accepts.is_set():  # it was waiting already
                time.sleep(3600)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.meet, args=(connection,), daemon=True).start()

    def meet(self, connection):
        with contextlib.suppress(OSError):
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            self.connections.add(connection)
            try:
                self.serve(connection)
            finally:
                self.connections.discard(connection)
                connection.close()

    # --- what can be done to it, beside BROKEN ---

    def deaf(self):
        """Whoever connects waits in the queue; whoever had a connection has none."""
        self.accepts.clear()
        self.leave()

    def leave(self):
        """Ends what is idle, as a restart does."""
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self):
        """Stops listening; the process lives."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.leave()

    def speak_tls(self, cert, key, old="", ciphers=""):
        import ssl  # few need it
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if old:
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, old)
        if ciphers:
            context.set_ciphers(ciphers)
        context.load_cert_chain(cert, key)
        self.tls = context
        self.leave()

    def speak_plain(self):
        self.tls = None
        self.leave()


COMMANDS = {"deaf": Service.deaf, "leave": Service.leave, "close": Service.close,
            "tls": Service.speak_tls, "plain": Service.speak_plain}


def read_request(connection):
    """(target, body) of a request; None at the end."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return None
        data += more
    head_bytes, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line.split(b":")[1]) for line in head_bytes.split(b"\r\n")
                   if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length and (more := connection.recv(65536)):
        body += more
    return head_bytes.split(b" ")[1].decode(), body


class Http(Service):
    def serve(self, connection):
        while (request := read_request(connection)) is not None:
            if self.broken and request[0] != "/healthz":
                if not self.broken(connection):
                    return
                continue
            connection.sendall(self.respond(*request))

    def respond(self, _target, _body):
        return answer(200)


class App(Http):
    """A shop: who asks for the cart is known to auth, and the cart is in the db; pictures are in
    the store. Of what fails behind it it says so, if it is told to."""

    def respond(self, target, _):
        if target.endswith("?work"):  # it is much, and no fault
            time.sleep(1.5)
        try:
            if target.startswith("/cart"):
                self.ask_http("auth", "/who")
                self.ask_db()
            elif target.startswith("/img"):
                self.ask_http("store", target)
        except Failed as failed:
            return failed.answer
        return answer(200)

    def blame(self, whom, timeout=False):
        status = self.options.says if not timeout else {502: 504}.get(self.options.says,
                                                                     self.options.says)
        return Failed(status, *([f"Error-Cause: {whom}"] if self.options.blames else []))

    def ask_db(self):
        if not self.options.db:
            return
        try:
            with socket.create_connection(endpoint(self.options.db), PATIENCE) as connection:
                connection.sendall(b"select cart\n")
                if not connection.recv(100):
                    raise OSError("no answer")
        except TimeoutError:
            raise self.blame("db", timeout=True) from None
        except OSError:
            raise self.blame("db") from None

    def ask_http(self, whom, target):
        address = getattr(self.options, whom)
        if not address:
            return
        try:
            with socket.create_connection(endpoint(address), PATIENCE) as connection:
                connection.sendall(f"GET {target} HTTP/1.1\r\nHost: {whom}\r\n\r\n".encode())
                said = connection.recv(65536)
                if not said:
                    raise OSError("no answer")
        except TimeoutError:
            raise self.blame("datastore" if whom == "store" else whom, timeout=True) from None
        except OSError:
            raise self.blame("datastore" if whom == "store" else whom) from None
        status = int(said.split(b" ")[1])
        if status != 200:
            challenge = ['WWW-Authenticate: Basic realm="shop"'] if status == 401 else []
            raise Failed(status, *challenge)


class Db(Service):
    def serve(self, connection):
        while connection.recv(100):
            if self.broken:
                self.broken(connection)
                return
            connection.sendall(b"1 row\n")


SERVICES = {"app": App, "db": Db, "auth": Http, "store": Http}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("service", choices=SERVICES)
    parser.add_argument("address")
    for whom in ("db", "auth", "store"):
        parser.add_argument(f"--{whom}", help="whom the app asks")
    parser.add_argument("--says", type=int, default=502, help="if one of them fails")
    parser.add_argument("--blames", action="store_true", help="by Error-Cause")
    parser.add_argument("--backlog", type=int, default=128)
    options = parser.parse_args()
    SERVICES[options.service](options).run()
    os._exit(0)


if __name__ == "__main__":
    main()
