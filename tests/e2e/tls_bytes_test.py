"""Bytes that are no TLS, or are TLS as nobody means it: all of it ends, soon, and nobody else notices.

Before a handshake's end everything is over by an alert, a FIN, or timeouts.tls; behind it by what
bounds a connection anyway. After each a good client is served, and nothing is left of the rest.
"""

import os
import re
import select
import socket
import tempfile
import threading
import time
import unittest

from exposition import scrape
from harness import PATIENCE, Proxy, request, wait_for
from streaming_test import sanitized
from tls_certificates import ECDSA, Authority, Key
from tls_records import (ALERT, CHANGE_CIPHER_SPEC, CLIENT_HELLO, DATA, HANDSHAKE, KEY_UPDATE,
                         KEY_UPDATE_ASKING, NAME, NO_RENEGOTIATION, RecordClient, hello, record, split)

ASK, END = request(host=NAME), b"\r\n\r\n"
CLOSE_NOTIFY, USER_CANCELED, FATAL = b"\1\0", b"\1\x5a", b"\2\x28"
MORE_KIBIBYTES = 48 * 1024  # of memory: what all connections of a test may take at a time, and less
# Or AddressSanitizer would hold on to what was freed.
os.environ["ASAN_OPTIONS"] = ":".join(filter(None, [
    os.environ.get("ASAN_OPTIONS"), "quarantine_size_mb=1", "thread_local_quarantine_size_kb=64"]))

OPENINGS = {
    "noise": bytes([0x9d, 0x41, 0xc7, 0x02]) * 4096,
    "a hello of SSLv2": b"\x80\x2e\1\0\2\0\x15\0\0\0\x10" + bytes(37),
    "a record that is too long": record(HANDSHAKE, bytes(0xffff)),
    "a record of the longest length that lies": b"\x16\3\1\xff\xff" + hello(),
    "records without content": record(HANDSHAKE, b"") * 10_000,
    "empty alerts": record(ALERT, b"") * 10_000,
    "alerts in halves": record(ALERT, b"\2") * 10_000,
    "warnings": record(ALERT, USER_CANCELED) * 10_000,
    "a close_notify": record(ALERT, CLOSE_NOTIFY),
    "a fatal alert": record(ALERT, FATAL),
    "data at once": record(DATA, ASK) * 1000,
    "ChangeCipherSpec": record(CHANGE_CIPHER_SPEC, b"\1") * 10_000,
    "ChangeCipherSpec behind a hello": hello() + record(CHANGE_CIPHER_SPEC, b"\1") * 10_000,
    "records without content behind a hello": hello() + record(HANDSHAKE, b"") * 10_000,
    "warnings behind a hello": hello() + record(ALERT, USER_CANCELED) * 10_000,
    "data behind a hello": hello() + record(DATA, bytes(100)) * 1000,
    "two hellos": hello() + hello(),
    "a hello of 16 MiB": record(HANDSHAKE, b"\1\xff\xff\xff" + bytes(16380)) + record(
        HANDSHAKE, bytes(16384)) * 100,
    "a hello that never goes on": record(HANDSHAKE, b"\1\0\2\0\3\3"),
    "another message": record(HANDSHAKE, b"\x14\0\0\x20" + bytes(32)),
    "a version that never was": record(HANDSHAKE, hello()[5:], 0x0909),
    "HTTP": ASK,
}
OPENINGS |= {f"type {kind} first": record(kind, b"x" * 40)
             for kind in [*range(20), *range(24, 256, 7)]}
OPENINGS |= {f"type {kind} behind a hello": hello() + record(kind, b"x" * 40)
             for kind in (0, 19, 24, 255)}


def flipped(data):
    return {f"byte {at} ^ {bits}": data[:at] + bytes([data[at] ^ bits]) + data[at + 1:]
            for at in range(len(data)) for bits in (0xff, 1)}


def truncated(data):
    return {f"{size} bytes": data[:size] for size in range(1, len(data))}


def extended(data):
    """By bytes behind it, and by such that each length may speak of."""
    return {f"{size} more, {'told of' if told else 'not'}":
            (record(HANDSHAKE, data[5:] + bytes(size)) if told else data + bytes(size))
            for size in (1, 2, 3, 4, 5, 100, 5000) for told in (False, True)}


def in_single_bytes(flight):
    """Its first record as records of one byte."""
    first, rest = split(flight)[0][0], flight[5 + int.from_bytes(flight[3:5], "big"):]
    if first[0] != HANDSHAKE:
        return [flight]
    version = int.from_bytes(flight[1:3], "big")
    return [b"".join(record(HANDSHAKE, bytes([byte]), version) for byte in first[1]), rest]


class TlsBytes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="whichhop-tls-"))
        root = Authority(folder, "root", Key(folder, "ca", *ECDSA)).sign_itself()
        pair = root.sign("good", Key(folder, "leaf", *ECDSA))
        cls.proxy = cls.enterClassContext(Proxy(
            'listen: [{address: "127.0.0.1:0", '
            f"tls: {{certificates: [{{cert: {pair.cert}, key: {pair.key}}}]}}}}]\n"
            'probes: {address: "127.0.0.1:0"}\nnode: {workers: 1}\n'
            "timeouts: {tls: 1s, request_head: 2s, client_idle: 3s}\nroutes:\n  - {respond: 204}\n"))
        found = wait_for(lambda: re.findall(r"probes on \S+:(\d+)", cls.proxy.text()), "probes")
        cls.probes = int(found[-1])

    def setUp(self):
        self.good_clients()
        self.memory = self.resident()

    def tearDown(self):
        """Whatever was done: it is over, and whichhop is as well as before."""
        self.good_clients()
        wait_for(lambda: scrape(self.probes).sum("whichhop_connections", side="downstream") == 0,
                 "no connection to be left")
        self.assertEqual(scrape(self.probes).sum("http_server_active_requests"), 0)
        if not sanitized(self.proxy):  # it has memory of its own
            self.assertLess(self.resident(), self.memory + MORE_KIBIBYTES)

    def resident(self):
        with open(f"/proc/{self.proxy.pid}/status") as file:
            return int(re.search(r"VmRSS:\s+(\d+) kB", file.read())[1])

    def good_clients(self):
        for version in ("1.2", "1.3"):
            with RecordClient(self.proxy.port, version) as client:
                self.check_served(client)

    def check_served(self, client):
        client.say(DATA, ASK)
        self.assertIn(b" 204 ", client.read(END))

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.proxy.port), timeout=PATIENCE)

    def check_all_end(self, cases):
        """All are said at once, and nothing behind them; what is answered is whole records."""
        answers = {self.connect(): [name, b""] for name in cases}
        for connection, (name, _) in answers.items():
            try:
                connection.sendall(cases[name])
            except OSError:
                pass  # it was refused already
            connection.setblocking(False)
        open_ones, deadline = set(answers), time.monotonic() + PATIENCE
        while open_ones:
            left = [answers[connection][0] for connection in open_ones]
            self.assertLess(time.monotonic(), deadline, f"still open: {left[:10]}")
            for connection in self.readable(open_ones):
                try:
                    data = connection.recv(65536)
                except ConnectionResetError:
                    data = b""
                answers[connection][1] += data
                if not data:
                    open_ones.discard(connection)
                    connection.close()
        return dict(answers.values())

    @staticmethod
    def readable(connections):
        poll = select.poll()
        by_number = {connection.fileno(): connection for connection in connections}
        for number in by_number:
            poll.register(number, select.POLLIN)
        return [by_number[number] for number, _ in poll.poll(100)]

    def check_answers(self, answers):
        """No data, no half of a record; an alert, if there is one, is the end."""
        for name, answer in answers.items():
            with self.subTest(name):
                if answer.startswith(b"HTTP/1.1 400 "):
                    continue
                records, rest = split(answer)
                self.assertEqual(rest, b"")
                kinds = [kind for kind, _ in records]
                self.assertLessEqual(set(kinds), {HANDSHAKE, CHANGE_CIPHER_SPEC, ALERT, DATA})
                if ALERT in kinds:
                    self.assertEqual(kinds.index(ALERT), len(kinds) - 1)
                    self.assertEqual((len(records[-1][1]), records[-1][1][0]), (2, 2))

    def test_any_byte_of_a_hello_may_be_another(self):
        for version in ("1.2", None):
            answers = self.check_all_end(flipped(hello(version)))
            self.check_answers(answers)
            # Some were refused, and some bytes may be anything.
            kinds = {answer[:1] for answer in answers.values()}
            self.assertLessEqual({bytes([ALERT]), bytes([HANDSHAKE])}, kinds)

    def test_a_hello_may_be_cut_anywhere(self):
        answers = self.check_all_end(truncated(hello()))
        self.assertEqual(set(answers.values()), {b""})

    def test_a_hello_may_be_longer_than_it_is(self):
        self.check_answers(self.check_all_end(extended(hello())))

    def test_whatever_comes_first_ends(self):
        self.check_answers(self.check_all_end(OPENINGS))

    def test_a_hello_in_records_of_one_byte_is_a_hello(self):
        for version in ("1.2", "1.3"):
            with RecordClient(self.proxy.port, version, in_single_bytes) as client:
                self.check_served(client)

    def test_a_hello_in_segments_of_one_byte_is_a_hello(self):
        for version in ("1.2", "1.3"):
            with RecordClient(self.proxy.port, version,
                              lambda flight: [bytes([byte]) for byte in flight]) as client:
                self.check_served(client)

    def check_flood_ends(self, version, kind, content):
        """It is not taken for long, and while it lasts others are served."""
        flood = RecordClient(self.proxy.port, version)
        ended = threading.Event()

        def run():
            while flood.flood(kind, content, 1000):
                pass
            ended.set()
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self.good_clients()
        self.assertTrue(ended.wait(PATIENCE), "it goes on")
        thread.join()
        flood.close()

    def test_floods_inside_of_tls_end(self):
        for version in ("1.2", "1.3"):
            for what, kind, content in (
                    ("no content", DATA, b""), ("no message", HANDSHAKE, b""),
                    ("ChangeCipherSpec", CHANGE_CIPHER_SPEC, b"\1"),
                    ("warnings", ALERT, USER_CANCELED), ("close_notify", ALERT, CLOSE_NOTIFY),
                    ("half alerts", ALERT, b"\1"), ("hellos", HANDSHAKE, CLIENT_HELLO),
                    ("half messages", HANDSHAKE, b"\1"), ("unknown", 99, b"x" * 20),
                    ("too long", DATA, bytes(16385)), ("lines without end", DATA, b"x")):
                with self.subTest(version=version, what=what):
                    self.check_flood_ends(version, kind, content)

    def test_floods_of_new_keys_end(self):
        for content in (KEY_UPDATE, KEY_UPDATE_ASKING):
            self.check_flood_ends("1.3", HANDSHAKE, content)

    def test_new_keys_are_taken_and_given(self):
        with RecordClient(self.proxy.port, "1.3") as client:
            for content in (KEY_UPDATE, KEY_UPDATE_ASKING, KEY_UPDATE):
                client.say(HANDSHAKE, content)
                self.check_served(client)

    def test_a_renegotiation_is_refused_and_the_connection_goes_on(self):
        with RecordClient(self.proxy.port, "1.2") as client:
            client.say(HANDSHAKE, CLIENT_HELLO)
            client.say(DATA, ASK)
            while DATA not in (kinds := [kind for kind, _ in split(client.received)[0]]):
                client.received += client.socket.recv(65536)
            self.assertEqual(kinds[-2:], [ALERT, DATA])

    def test_an_altered_record_is_the_end(self):
        for version in ("1.2", "1.3"):
            with RecordClient(self.proxy.port, version) as client:
                sealed = bytearray(client.keys.seal(DATA, ASK))
                sealed[-1] ^= 1
                client.socket.sendall(sealed)
                records = client.raw_until_end()
                # An alert, which nobody can read but by its length.
                self.assertEqual(records[-1][0], ALERT if version == "1.2" else DATA)
                self.assertLess(len(records[-1][1]), 30)

    def test_an_end_inside_of_a_record_is_the_end(self):
        for version in ("1.2", "1.3"):
            with RecordClient(self.proxy.port, version) as client:
                client.socket.sendall(client.keys.seal(DATA, ASK)[:-1])
                client.socket.shutdown(socket.SHUT_WR)
                self.assertNotIn(b"HTTP", b"".join(part for _, part in client.raw_until_end()))


if __name__ == "__main__":
    unittest.main()
