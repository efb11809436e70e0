"""Servers that speak TLS, or break it: what whichhop meets behind a `tls` of an upstream.

`TlsOrigin` is Python's TLS under a script of RawOrigin's kind; `SServer` is openssl's s_server;
`Wire` is a server's side of one connection whose records a script may spoil, cut or add to.
"""

import contextlib
import socket
import ssl
import struct

from harness import Process, RawOrigin

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BEGUN = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegun"
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf of it"
HANDSHAKE, ALERT, DATA = 22, 21, 23  # types of records (RFC 8446, section 5.1)


def server_context(pair, version=None, client_ca=None):
    """Whatever is weak is allowed: it is for others to refuse it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.load_cert_chain(pair.cert, pair.key)
    if version is not None:
        context.maximum_version = version
    if client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_ca)
    return context


class TlsOrigin(RawOrigin):
    """`script(connection, origin)` has the connection once its handshake is done. `context` may be
    another from one connection to the next.
    """

    def __init__(self, pair, script=None, host="127.0.0.1", port=0, **options):
        self.context = server_context(pair, **options)

        def run(connection, _):
            # Or what waits for an acknowledgement would be lost in a RST.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.context.wrap_socket(connection, server_side=True) as secured:
                (script or answer_all)(secured, self)
        super().__init__(run, host=host, port=port)


def server_for(name, pair):
    """TLS 1.2 with a certificate for this name, and with none for any other."""
    bare = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    bare.maximum_version = ssl.TLSVersion.TLSv1_2
    named = server_context(pair, ssl.TLSVersion.TLSv1_2)

    def choose(connection, asked, _):
        if asked == name:
            connection.context = named
    bare.sni_callback = choose
    origin = TlsOrigin(pair)
    origin.context = bare
    return origin


class SServer(Process):
    """It answers every request with a page about itself."""

    def __init__(self, *options):
        super().__init__(["openssl", "s_server", "-accept", "127.0.0.1:0", "-www", *options],
                         r"ACCEPT (\S+)")


def answer_once(connection, origin):
    origin.read_request(connection)
    connection.sendall(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))


def answer_all(connection, origin, data=OK):
    while origin.read_request(connection) is not None:
        connection.sendall(data)


def wait_for_end(connection):
    while connection.recv(65536):
        pass


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def read_hello(connection):
    """The ClientHello, whole: what is unread at a close makes a RST of it."""
    header = connection.recv(5, socket.MSG_WAITALL)
    connection.recv(int.from_bytes(header[3:5], "big"), socket.MSG_WAITALL)


def saying(data, ending="wait"):
    """A script for RawOrigin that answers a ClientHello with these bytes, and then waits, or ends by
    a FIN or a RST."""

    def script(connection, _):
        read_hello(connection)
        connection.sendall(data)
        if ending == "wait":
            wait_for_end(connection)
        elif ending == "rst":
            reset(connection)
        else:
            connection.shutdown(socket.SHUT_WR)
            wait_for_end(connection)
    return script


def alert(number, level=2):
    return bytes([ALERT, 3, 3, 0, 2, level, number])


# A ServerHello that chose TLS 1.1 and TLS_RSA_WITH_AES_128_CBC_SHA.
HELLO_OF_11 = (bytes([HANDSHAKE, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2]) + bytes(range(32)) +
               bytes([0, 0, 0x2f, 0]))
NOISE = bytes([0x9d, 0x41, 0xc7, 0x02]) * 16
BANNER = b"SSH-2.0-OpenSSH_9.2p1\r\n"


def records(data):
    """The records of a flight, each whole."""
    while data:
        size = 5 + int.from_bytes(data[3:5], "big")
        yield bytearray(data[:size])
        data = data[size:]


class Wire:
    """The server's side of one connection; what it sends goes through `change(bytes)`."""

    def __init__(self, connection, context, change=bytes):
        self.connection, self.change = connection, change
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)

    def run(self, act):
        """What act() returns, once it has read all that it wants."""
        while True:
            try:
                return act()
            except ssl.SSLWantReadError:
                self.flush()
                data = self.connection.recv(65536)
                if not data:
                    raise ConnectionError from None
                self.incoming.write(data)
            finally:
                self.flush()

    def flush(self):
        if data := self.outgoing.read():
            self.connection.sendall(self.change(data))

    def answer(self, data):
        """To the first request."""
        self.run(self.tls.do_handshake)
        while b"\r\n\r\n" not in self.run(lambda: self.tls.read(65536)):
            pass
        self.tls.write(data)
        self.flush()


def wire_origin(context, script):
    """A RawOrigin whose script has a Wire."""

    def run(connection, _):
        script(Wire(connection, context))
    return RawOrigin(run)


def cut_in_certificate(wire):
    """TLS 1.2: the certificate goes in clear, behind some 100 bytes of ServerHello."""

    def change(data):
        wire.connection.sendall(data[:300])
        wire.connection.shutdown(socket.SHUT_WR)
        wait_for_end(wire.connection)
        raise ConnectionError
    wire.change = change
    wire.run(wire.tls.do_handshake)


def spoil_handshake(wire):
    """TLS 1.3: a flipped bit in the first record that is encrypted."""

    def change(data):
        flight = list(records(data))
        for record in flight:
            if record[0] == DATA:
                record[-1] ^= 1
                break
        return b"".join(flight)
    wire.change = change
    wire.run(wire.tls.do_handshake)


def spoil_body(wire):
    wire.answer(BEGUN)
    wire.connection.sendall(bytes([DATA, 3, 3, 0, 32]) + bytes(range(32)))
    wait_for_end(wire.connection)


def break_off_body(wire):
    """By a fatal alert, as its own TLS finds noise in what came."""
    wire.answer(BEGUN)
    wire.incoming.write(bytes([DATA, 3, 3, 0, 32]) + bytes(range(32)))
    with contextlib.suppress(ssl.SSLError):
        wire.tls.read(1)
    wire.flush()
    wait_for_end(wire.connection)


def answering_and(data, end):
    """A script for TlsOrigin: one answer, and then end(connection)."""

    def script(connection, origin):
        origin.read_request(connection)
        if data:
            connection.sendall(data)
        end(connection)
    return script


def close_bare(connection):
    """A FIN without a close_notify."""
    connection.shutdown(socket.SHUT_WR)
