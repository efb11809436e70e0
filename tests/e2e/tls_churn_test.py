"""Connections of every kind, by the hundred: what they take they give back."""

import contextlib
import re
import signal
import socket
import ssl
import tempfile
import unittest

from harness import PATIENCE, Proxy, fetch, request, wait_for
from streaming_test import KIB, MIB, asleep, descriptors, reset, sanitized
from tls_certificates import NAME, OTHER, Certificates
from tls_clients import FlightClient, TlsClient, client_context, fetch_tls, tls_of, tls_yaml
from tls_peers import OK, TlsOrigin

EACH = 12
ASK = request(host=NAME)


def memory(process):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
        return int(re.search(r"VmRSS:\s+(\d+) kB", file.read())[1]) * KIB


def answer_once(connection, origin):
    """So that each request has a handshake with the server, too."""
    if origin.read_request(connection) is not None:
        connection.sendall(OK.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n", 1))


class Churn(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="whichhop-tls-"))
        cls.c = Certificates(folder)
        cls.origin = cls.enterClassContext(TlsOrigin(cls.c.good, answer_once, client_ca=cls.c.ca))

    def start(self):
        own = f"{{cert: {self.c.client.cert}, key: {self.c.client.key}}}"
        return self.enterContext(Proxy(tls_yaml(
            self.origin.port, tls_of(self.c.good_rsa, self.c.good, self.c.of_other_name, more=f"client_ca: {self.c.ca}"),
            upstream=f"tls: {{ca: {self.c.ca}, certificate: {own}}}", errors=f"operator_ca: {self.c.ca}")))

    def round(self, proxy):
        for version in ("1.2", "1.3"):
            for act in (self.served_and_resumed, self.not_admitted, self.misdirected, self.refused, self.cut_off,
                        self.noise, self.left):
                for _ in range(EACH):
                    act(proxy, version)

    def served_and_resumed(self, proxy, version):
        context = client_context(self.c.ca, version, own=self.c.client)
        session = None
        for _ in range(2):
            with TlsClient(proxy.port, context, session=session) as client:
                self.assertEqual(client.send(ASK).read().status, 200)
                self.assertEqual(client.resumed, session is not None)
                session = client.socket.session

    def not_admitted(self, proxy, version):
        for own in (None, self.c.strange_client, self.c.expired_client):
            context = client_context(self.c.ca, version, own=own)
            self.assertEqual(fetch_tls(proxy.port, context).status, 403)

    def misdirected(self, proxy, version):
        context = client_context(self.c.ca, version, own=self.c.client)
        self.assertEqual(fetch_tls(proxy.port, context, name=OTHER, host=NAME).status, 421)

    def refused(self, proxy, version):
        with self.assertRaises(ssl.SSLError):
            TlsClient(proxy.port, client_context(self.c.ca, version, alpn=["h2"]))
        with self.assertRaises(ssl.SSLError):  # our own certificate, by its alert
            TlsClient(proxy.port, client_context(self.c.other_ca, version))

    def cut_off(self, proxy, version):
        """Inside of the handshake: behind our flight."""
        for end in (socket.socket.close, reset):
            client = FlightClient(proxy.port, client_context(self.c.ca, version))
            client.step(client.tls.do_handshake)
            client.flush()
            client.receive()
            if end is reset:
                reset(client)
            else:
                client.close()

    def noise(self, proxy, version):
        self.assertEqual(fetch(proxy.port, host=NAME).status, 400)  # no TLS at all
        with TlsClient(proxy.port, client_context(self.c.ca, version)) as client:
            plain = socket.socket(fileno=client.socket.detach())
            with plain:
                plain.settimeout(PATIENCE)
                plain.sendall(b"\x17\3\3\0\x20" + bytes(32))
                with contextlib.suppress(ConnectionResetError):
                    while plain.recv(4096):
                        pass

    def left(self, proxy, version):
        """With a request on its way, and without a word of farewell."""
        client = TlsClient(proxy.port, client_context(self.c.ca, version, own=self.c.client))
        client.send(ASK)
        reset(client)

    def test_an_end_right_behind_the_handshake_is_heard(self):
        """In one turn of the loop with the client's last flight, and with nothing else to tell of it."""
        proxy = self.start()
        sockets_before = descriptors(proxy, "socket")
        for end in (reset, FlightClient.close):
            client = FlightClient(proxy.port, client_context(self.c.ca, "1.3"))
            while not client.step(client.tls.do_handshake):
                client.flush()
                client.receive()
            asleep(proxy)
            client.flush()  # the Finished
            end(client)
            proxy.signal(signal.SIGCONT)
        wait_for(lambda: descriptors(proxy, "socket") <= sockets_before, "both to be closed")

    def test_gives_everything_back(self):
        proxy = self.start()
        sockets_before = descriptors(proxy, "socket")
        for _ in range(2):
            self.round(proxy)
        before = memory(proxy)
        for _ in range(3):
            self.round(proxy)
        if not sanitized(proxy):
            self.assertLess(memory(proxy) - before, 2 * MIB)
        wait_for(lambda: descriptors(proxy, "socket") <= sockets_before, "the last of them to close")
        # Under a sanitizer its end is where leaks are told of.
        self.assertEqual(proxy.drain(), 0)


if __name__ == "__main__":
    unittest.main()
