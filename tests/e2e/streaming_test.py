"""Bodies of any size and pace: whole, in bounded memory, both ways at once."""

import contextlib
import hashlib
import os
import random
import re
import resource
import signal
import socket
import struct
import threading
import time
import unittest

from harness import PATIENCE, Client, Origin, Proxy, RawOrigin, request, wait_for, yaml_for

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
MEMORY = 64 * MIB
CHUNKED = ("Transfer-Encoding", "chunked")
CHUNKED_HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def content(offset, size):
    """What /bytes of the origin has there: 15 hex digits of the place, and LF."""
    first = offset // 16
    text = b"".join(b"%015x\n" % (16 * n) for n in range(first, (offset + size) // 16 + 1))
    return text[offset - 16 * first:][:size]


def peak_memory(process):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
        return int(re.search(r"VmHWM:\s+(\d+) kB", file.read())[1]) * KIB


def sanitized(process):
    """Whether it runs under ASan or TSan, whose memory says nothing of ours."""
    with open(f"/proc/{process.pid}/maps", encoding="utf-8") as file:
        maps = file.read()
        return "libasan" in maps or "libtsan" in maps


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def asleep(proxy):
    proxy.signal(signal.SIGSTOP)
    stat = f"/proc/{proxy.pid}/stat"
    wait_for(lambda: open(stat, encoding="utf-8").read().rpartition(")")[2].split()[0] == "T", "it to stop")


def descriptors(process, kind):
    """How many it has open of a kind, as "pipe" or "socket"."""
    folder = f"/proc/{process.pid}/fd"
    count = 0
    for number in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            count += os.readlink(f"{folder}/{number}").startswith(f"{kind}:")
    return count


def at_rest(process, kind):
    """How many it has when it has begun: its threads open theirs one after the other."""
    def counted():
        before = descriptors(process, kind)
        time.sleep(0.5)
        return descriptors(process, kind) == before and (before,)
    return wait_for(counted, "descriptors to stay as they are")[0]


def reset(client):
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def mirror(connection, _):
    """Sends each byte of a chunked request back as soon as it is here."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return
        data += more
    body = data.partition(b"\r\n\r\n")[2]
    connection.sendall(CHUNKED_HEAD + body)
    tail = body[-5:]
    while tail != b"0\r\n\r\n":
        data = connection.recv(65536)
        if not data:
            return
        connection.sendall(data)
        tail = (tail + data)[-5:]


class StreamTest(unittest.TestCase):
    def origin(self, script):
        origin = RawOrigin(script)
        self.addCleanup(origin.stop)
        return origin

    def proxy(self, port, **blocks):
        proxy = Proxy(yaml_for(port, **blocks))
        self.addCleanup(proxy.stop)
        return proxy

    def client(self, proxy):
        client = Client(proxy.port)
        self.addCleanup(client.close)
        return client

    def bench(self, **blocks):
        origin = Origin()
        self.addCleanup(origin.stop)
        return self.proxy(origin.port, **blocks)

    def check_memory(self, proxy):
        if not sanitized(proxy):
            self.assertLess(peak_memory(proxy), MEMORY)


class Huge(StreamTest):
    def test_a_response_of_ten_gib_passes_in_bounded_memory(self):
        proxy = self.bench()
        size = GIB if sanitized(proxy) else 10 * GIB
        client = self.client(proxy)
        head = client.send(request(f"/bytes/{size}")).read_head()
        self.assertEqual(head["Content-Length"], str(size))
        at, client.buffer = len(client.buffer), b""
        piece = bytearray(MIB)
        checks = 0
        while at < size:
            got = client.socket.recv_into(piece)
            self.assertGreater(got, 0)
            if at >> 26 != (at + got) >> 26:  # now and then, byte for byte
                self.assertEqual(piece[:got], content(at, got))
                checks += 1
            at += got
        self.assertEqual((at, checks), (size, size >> 26))
        self.assertEqual(client.send(request("/bytes/3")).read().body, b"000")
        self.check_memory(proxy)

    def check_upload(self, head, pieces, size):
        proxy = self.bench()
        client = self.client(proxy)
        client.send(head)
        for piece in pieces:
            client.send(piece)
        response = client.read()
        self.assertEqual((response.status, response.body.split()[0]), (200, b"bytes=%d" % size))
        self.check_memory(proxy)

    def test_an_upload_of_two_gib_by_length_passes_in_bounded_memory(self):
        head = request("/sink", "POST", [("Content-Length", str(2 * GIB))])
        self.check_upload(head, [bytes(MIB)] * 2048, 2 * GIB)

    def test_an_upload_of_two_gib_in_chunks_passes_in_bounded_memory(self):
        head = request("/sink", "POST", [CHUNKED])
        self.check_upload(head, [chunk(bytes(MIB))] * 2048 + [b"0\r\n\r\n"], 2 * GIB)

    def test_many_clients_at_once_share_bounded_memory(self):
        proxy = self.bench()
        clients = [self.client(proxy) for _ in range(200)]
        for number, client in enumerate(clients):
            client.send(request(f"/bytes/{100_000 + number}?chunk={1000 + number}"))
        for number, client in enumerate(clients):
            body = client.read().body
            self.assertEqual(body, content(0, 100_000 + number))
        self.check_memory(proxy)


class Pace(StreamTest):
    TOTAL = 192 * MIB

    def when_it_stands_still(self, progress):
        """progress(), once it has not moved for half a second."""
        seen = [(-1, 0.0)]

        def still():
            now, value = time.monotonic(), progress()
            if value != seen[0][0]:
                seen[0] = (value, now)
            return value > 0 and now - seen[0][1] > 0.5

        wait_for(still, "it to stand still")
        return progress()

    def check_slow_reader(self, head, framed):
        sent = [0]
        hashed = hashlib.sha256()

        def script(connection, _):
            origin.read_request(connection)
            connection.sendall(head)
            rng = random.Random(1)
            while sent[0] < self.TOTAL:
                piece = rng.randbytes(64 * KIB)
                hashed.update(piece)
                connection.sendall(framed(piece))
                sent[0] += len(piece)
            if framed is chunk:
                connection.sendall(b"0\r\n\r\n")

        origin = self.origin(script)
        proxy = self.proxy(origin.port)
        client = self.client(proxy)
        client.send(request())
        # Kernel buffers of two connections, and little of ours.
        self.assertLess(self.when_it_stands_still(lambda: sent[0]), 64 * MIB)
        self.check_memory(proxy)
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, MIB)
        reader = client.socket.makefile("rb", MIB)
        while reader.readline() != b"\r\n":
            pass
        got = hashlib.sha256()
        left = self.TOTAL
        while left > 0:
            size = int(reader.readline(), 16) if framed is chunk else min(left, MIB)
            got.update(reader.read(size))
            if framed is chunk:
                self.assertEqual(reader.read(2), b"\r\n")
            left -= size
        if framed is chunk:
            self.assertEqual(reader.read(5), b"0\r\n\r\n")
        self.assertEqual((left, got.digest()), (0, hashed.digest()))
        self.check_memory(proxy)

    def test_a_slow_reader_stops_the_sender_and_gets_everything_by_length(self):
        self.check_slow_reader(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % self.TOTAL, bytes)

    def test_a_slow_reader_stops_the_sender_and_gets_everything_in_chunks(self):
        self.check_slow_reader(CHUNKED_HEAD, chunk)

    def test_a_slow_server_stops_the_uploader_and_gets_everything(self):
        go_on = threading.Event()
        got = hashlib.sha256()

        def script(connection, _):
            data = b""
            while b"\r\n\r\n" not in data:
                data += connection.recv(4096)
            body = data.partition(b"\r\n\r\n")[2]
            go_on.wait(PATIENCE)
            left = self.TOTAL - len(body)
            got.update(body)
            while left > 0:
                piece = connection.recv(MIB)
                got.update(piece)
                left -= len(piece)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

        origin = self.origin(script)
        proxy = self.proxy(origin.port)
        client = self.client(proxy)
        sent = [0]
        hashed = hashlib.sha256()

        def upload():
            rng = random.Random(2)
            client.send(request("/", "POST", [("Content-Length", str(self.TOTAL))]))
            while sent[0] < self.TOTAL:
                piece = rng.randbytes(64 * KIB)
                hashed.update(piece)
                client.send(piece)
                sent[0] += len(piece)

        thread = threading.Thread(target=upload, daemon=True)
        thread.start()
        self.assertLess(self.when_it_stands_still(lambda: sent[0]), 64 * MIB)
        self.check_memory(proxy)
        go_on.set()
        self.assertEqual(client.read().body, b"ok")
        thread.join(PATIENCE)
        self.assertEqual(got.digest(), hashed.digest())
        self.check_memory(proxy)

    def test_a_slow_uploader_is_waited_for(self):
        client = self.client(self.bench(timeouts="request_body: 2s, response_head: 2s"))
        pause = threading.Event()
        client.send(request("/echo", "POST", [("Content-Length", "30")]))
        for _ in range(30):
            pause.wait(0.1)  # 3 s in all, but never a stall of 2 s
            client.send(b"x")
        self.assertTrue(client.read().body.endswith(b"\r\n\r\n" + b"x" * 30))

    def test_a_slow_response_is_relayed_as_it_comes(self):
        client = self.client(self.bench(timeouts="response_body: 2s, client_write: 2s"))
        begun = time.monotonic()
        client.send(request("/slow/30/10")).read_head()
        self.assertLess(time.monotonic() - begun, 2.5)
        self.assertEqual(client._exactly(30), content(0, 30))


class BothWays(StreamTest):
    def test_an_answer_may_begin_before_the_request_ends(self):
        client = self.client(self.proxy(self.origin(mirror).port))
        client.send(request("/", "POST", [CHUNKED]))
        self.assertEqual(client.read_head().status, 200)
        for number in range(50):
            piece = b"ping %d" % number * (1 + number * 40)
            client.send(chunk(piece))
            self.assertEqual(self.chunks(client, len(piece)), piece)
        client.send(b"0\r\n\r\n")
        self.assertEqual(client._until(b"0\r\n\r\n"), b"")

    def chunks(self, client, size):
        """The content of the chunks to come, up to `size`."""
        data = b""
        while len(data) < size:
            length = int(client._until(b"\r\n"), 16)
            data += client._exactly(length)
            self.assertEqual(client._exactly(2), b"\r\n")
        return data

    def test_large_bodies_pass_each_other(self):
        client = self.client(self.proxy(self.origin(mirror).port))
        sent, got = hashlib.sha256(), hashlib.sha256()

        def upload():
            rng = random.Random(3)
            for _ in range(400):
                piece = rng.randbytes(rng.randrange(1, 200_000))
                sent.update(piece)
                client.send(chunk(piece))
            client.send(b"0\r\n\r\n")

        client.send(request("/", "POST", [CHUNKED]))
        thread = threading.Thread(target=upload, daemon=True)
        thread.start()
        client.read_head()
        while (size := int(client._until(b"\r\n"), 16)) > 0:
            got.update(client._exactly(size))
            self.assertEqual(client._exactly(2), b"\r\n")
        thread.join(PATIENCE)
        self.assertEqual(got.digest(), sent.digest())

    def broken_upload(self, rest):
        """All that a client gets whose upload breaks while the answer flows."""
        client = self.client(self.proxy(self.origin(mirror).port, limits="request_body: 1MiB"))
        client.send(request("/", "POST", [CHUNKED]) + chunk(b"hello"))
        client.read_head()
        self.assertEqual(self.chunks(client, 5), b"hello")
        client.socket.settimeout(5)
        try:
            client.send(rest)
        except OSError:
            pass
        while client._more():
            pass
        return client.buffer

    def test_a_bad_chunk_does_not_speak_into_an_answer_that_has_begun(self):
        self.assertEqual(self.broken_upload(b"ZZ\r\n"), b"")

    def test_a_limit_does_not_speak_into_an_answer_that_has_begun(self):
        got = self.broken_upload(chunk(b"x" * (MIB + 1)) + b"0\r\n\r\n")
        self.assertNotIn(b"HTTP/1.1", got)
        self.assertNotIn(b"0\r\n\r\n", got)


class Integrity(StreamTest):
    SIZES = [*range(1, 20), 31, 255, 256, 257, 1023, 4095, 4096, 4097, 16383, 16384, 16385, 32751, 32767, 32768,
             32769, 40000, 65535, 65536, 65537, 69999, 70000]

    def test_responses_in_chunks_of_every_size(self):
        client = self.client(self.bench())
        whole = content(0, 210_001)
        for size in self.SIZES:
            total = min(210_001, 2000 * size + 1)
            response = client.send(request(f"/bytes/{total}?chunk={size}")).read()
            self.assertEqual((response.complete, response.body == whole[:total]), (True, True), size)

    def test_requests_in_chunks_of_every_size(self):
        client = self.client(self.bench())
        whole = random.Random(4).randbytes(210_001)
        for size in self.SIZES:
            total = min(len(whole), 500 * size + 1)
            raw = b"".join(chunk(whole[at:min(at + size, total)]) for at in range(0, total, size))
            response = client.send(request("/echo", "POST", [CHUNKED]) + raw + b"0\r\n\r\n").read()
            self.assertEqual(response.body.partition(b"\r\n\r\n")[2] == whole[:total], True, size)

    def test_bodies_of_every_length_around_the_buffers(self):
        client = self.client(self.bench())
        whole = content(0, 140_000)
        for base in (0, 1, 16 * KIB, 32 * KIB, 64 * KIB, 96 * KIB, 128 * KIB):
            for size in range(max(base - 3, 0), base + 4):
                for query in ("", "?chunked", "?close"):
                    response = client.send(request(f"/bytes/{size}{query}")).read()
                    self.assertEqual((response.status, response.body == whole[:size]), (200, True), (size, query))
                echoed = client.send(request("/echo", "POST", body=whole[:size])).read().body
                self.assertEqual(echoed.partition(b"\r\n\r\n")[2] == whole[:size], True, size)

    def test_a_hundred_thousand_chunks_of_one_byte(self):
        client = self.client(self.bench())
        raw = b"1\r\nx\r\n" * 100_000 + b"0\r\n\r\n"
        client.send(request("/sink", "POST", [CHUNKED]) + raw)
        self.assertEqual(client.read().body.split()[0], b"bytes=100000")
        response = client.send(request("/bytes/100000?chunk=1")).read()
        self.assertEqual(response.body == content(0, 100_000), True)

    def test_bodies_that_arrive_in_random_pieces(self):
        client = self.client(self.bench())
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        rng = random.Random(5)
        for _ in range(20):
            body = rng.randbytes(rng.randrange(100_000))
            raw = request("/echo", "POST", [CHUNKED])
            at = 0
            while at < len(body):
                size = rng.choice((1, 7, 100, 5000, 40_000))
                raw += chunk(body[at:at + size])
                at += size
            raw += b"0\r\n\r\n"
            at = 0
            while at < len(raw):
                size = rng.choice((1, 2, 3, 100, 1448, 32_768, 60_000))
                client.send(raw[at:at + size])
                at += size
            self.assertEqual(client.read().body.partition(b"\r\n\r\n")[2] == body, True)

    def test_responses_that_arrive_in_random_pieces(self):
        body = random.Random(6).randbytes(300_000)

        def script(connection, number):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            rng = random.Random(number)
            while origin.read_request(connection):
                raw = CHUNKED_HEAD
                at = 0
                while at < len(body):
                    size = rng.choice((1, 10, 1000, 30_000, 70_000))
                    raw += chunk(body[at:at + size])
                    at += size
                raw += b"0\r\nX-Last: yes\r\n\r\n"
                at = 0
                while at < len(raw):
                    size = rng.choice((1, 2, 5, 1448, 9000, 32_768))
                    connection.sendall(raw[at:at + size])
                    at += size

        origin = self.origin(script)
        client = self.client(self.proxy(origin.port))
        for _ in range(10):
            response = client.send(request()).read()
            self.assertEqual((response.complete, response.body == body), (True, True))

    def test_a_cut_answer_is_seen_to_be_cut(self):
        proxy = self.bench(timeouts="response_body: 5s")
        for path in ("truncate", "truncate-reset", "truncate-chunked", "truncate-chunked-reset", "chunk-bad-late",
                     "chunk-long", "close-cut"):
            with self.subTest(path):
                with Client(proxy.port) as client:
                    response = client.send(request(f"/fault/{path}")).read()
                    if path.startswith("chunk-") and response.status == 502:
                        continue  # its head was not sent yet
                    self.assertEqual((response.status, response.complete), (200, False))
                    self.assertTrue(client.at_end())
        self.assertNotIn("body-stall", [line["fault"] for line in proxy.wait_for_log(7)])

    def test_an_end_that_comes_with_the_last_bytes_is_seen_at_once(self):
        """The proxy sleeps meanwhile: it finds both at one awakening."""
        for reset_it in (False, True):
            with self.subTest(reset=reset_it):
                go_on = threading.Event()
                gone = threading.Event()

                def script(connection, _):
                    origin.read_request(connection)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
                    go_on.wait(PATIENCE)
                    connection.sendall(b"ok")
                    if reset_it:
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    connection.close()
                    gone.set()

                origin = self.origin(script)
                proxy = self.proxy(origin.port)
                client = self.client(proxy)
                client.send(request()).read_head()
                asleep(proxy)
                go_on.set()
                self.assertTrue(gone.wait(PATIENCE))
                proxy.signal(signal.SIGCONT)
                client.socket.settimeout(3)
                self.assertEqual(client._exactly(100), b"ok")
                fault = "body-cl-short-rst" if reset_it else "body-cl-short-fin"
                self.assertEqual(proxy.wait_for_log()[0]["fault"], fault)

    def test_a_cut_answer_is_seen_by_http_1_0_too(self):
        proxy = self.bench()
        for path in ("truncate-chunked", "close-cut"):
            with self.subTest(path), Client(proxy.port) as client:
                client.send(request(f"/fault/{path}", version="1.0"))
                with self.assertRaises(ConnectionResetError):
                    while client.socket.recv(65536):
                        pass


class Long(StreamTest):
    """Bodies that are long enough to stay in the kernel: nothing else may be told from it."""

    SIZES = [65535, 65536, 65537, 98303, 98304, 98305, 131072, 200_000, MIB - 1, MIB, MIB + 1, 5 * MIB]

    def answers(self, *pieces, reset_it=False, linger=None):
        """An origin that sends the pieces to each request, then ends; `linger` is waited for first."""
        def script(connection, _):
            origin.read_request(connection)
            for piece in pieces:
                connection.sendall(piece)
            if linger is not None:
                linger.wait(PATIENCE)
            if reset_it:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        origin = self.origin(script)
        return origin

    def test_responses_of_every_length_come_whole(self):
        client = self.client(self.bench())
        for size in self.SIZES:
            with self.subTest(size):
                response = client.send(request(f"/bytes/{size}")).read()
                self.assertEqual((response.complete, response.body == content(0, size)), (True, True))
                response = client.send(request(f"/bytes/{size}", "HEAD")).read("HEAD")
                self.assertEqual(response["Content-Length"], str(size))

    def test_uploads_of_every_length_arrive_whole(self):
        client = self.client(self.bench())
        for size in self.SIZES:
            with self.subTest(size):
                response = client.send(request("/echo", "POST", body=content(0, size))).read()
                self.assertTrue(response.body.endswith(b"\r\n\r\n" + content(0, size)))

    def test_pipelined_requests_behind_an_upload_are_requests(self):
        client = self.client(self.bench())
        upload = request("/sink", "POST", body=content(0, MIB))
        client.send((upload + request("/bytes/70000")) * 3)
        for _ in range(3):
            self.assertEqual(client.read().body.split()[0], b"bytes=%d" % MIB)
            self.assertEqual(client.read().body, content(0, 70000))

    def test_the_log_counts_their_bytes(self):
        proxy = self.bench()
        client = self.client(proxy)
        raw = request("/sink", "POST", body=content(0, MIB))
        client.send(raw).read()
        client.send(request(f"/bytes/{MIB}")).read()
        up, down = proxy.wait_for_log(2)
        self.assertEqual(up["bytes_in"], len(raw))
        self.assertGreater(down["bytes_out"], MIB)
        self.assertLess(down["bytes_out"], MIB + 1000)

    def test_a_cut_one_is_seen_to_be_cut_behind_all_that_came(self):
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (8 * MIB)
        for reset_it in (False, True):
            with self.subTest(reset=reset_it):
                taken = threading.Event()
                origin = self.answers(head, content(0, 3 * MIB), reset_it=reset_it, linger=taken)
                proxy = self.proxy(origin.port)
                client = self.client(proxy)
                client.send(request())
                client.read_head()
                got = client._exactly(3 * MIB)
                taken.set()
                self.assertEqual((got == content(0, 3 * MIB), client.at_end()), (True, True))
                line = proxy.wait_for_log()[0]
                fault = "body-cl-short-rst" if reset_it else "body-cl-short-fin"
                self.assertEqual((line["fault"], line["ended"]), (fault, "SD"))
                self.assertIn(f"{3 * MIB} of {8 * MIB}", " ".join(line["evidence"]))

    def test_one_that_is_reset_while_the_client_is_slow_is_seen_to_be_cut(self):
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (64 * MIB)
        sent = threading.Event()

        def script(connection, _):
            origin.read_request(connection)
            connection.settimeout(1)
            try:
                connection.sendall(head + content(0, 64 * MIB))
            except TimeoutError:  # all buffers are full, our pipe too
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()
                sent.set()

        origin = self.origin(script)
        proxy = self.proxy(origin.port)
        client = self.client(proxy)
        client.send(request()).read_head()
        self.assertTrue(sent.wait(PATIENCE))
        got = client._exactly(64 * MIB)
        self.assertLess(len(got), 64 * MIB)
        self.assertEqual(got, content(0, len(got)))
        self.assertEqual(proxy.wait_for_log()[0]["fault"], "body-cl-short-rst")

    def test_a_stall_of_either_side_ends_it(self):
        never = threading.Event()
        self.addCleanup(never.set)
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (64 * MIB)
        proxy = self.proxy(self.answers(head, content(0, MIB), linger=never).port, timeouts="response_body: 500ms")
        client = self.client(proxy)
        client.send(request()).read_head()
        self.assertEqual(len(client._exactly(64 * MIB)), MIB)
        self.assertEqual((proxy.wait_for_log()[0]["fault"], proxy.log()[0]["ended"]), ("body-stall", "sD"))
        proxy = self.bench(timeouts="client_write: 3s, response_body: 2s")
        self.client(proxy).send(request(f"/bytes/{GIB}")).read_head()
        self.assertEqual((proxy.wait_for_log()[0]["fault"], proxy.log()[0]["ended"]), ("client-slow-reader", "cD"))
        proxy = self.bench(timeouts="request_body: 3s, response_head: 2s")
        client = self.client(proxy)
        response = client.send(request("/sink", "POST", [("Content-Length", str(GIB))]) + bytes(MIB)).read()
        self.assertEqual((response.status, proxy.wait_for_log()[0]["fault"]), (408, "reqbody-timeout"))

    def test_an_upstream_that_does_not_read_an_upload_is_a_fault_of_its_own(self):
        never = threading.Event()
        self.addCleanup(never.set)

        def script(connection, _):
            connection.recv(1000)
            never.wait(PATIENCE)

        proxy = self.proxy(self.origin(script).port, timeouts="response_head: 3s, request_body: 2s")
        client = self.client(proxy)
        client.send(request("/", "POST", [("Content-Length", str(GIB))]))
        threading.Thread(target=self.push, args=(client,), daemon=True).start()
        response = client.read()
        self.assertEqual(response.status, 504)
        self.assertTrue(response["Error-Fault"].startswith("write-timeout-zero-window"), response["Error-Fault"])

    def push(self, client):
        try:
            while True:
                client.send(bytes(MIB))
        except OSError:
            pass

    def test_a_client_that_leaves_in_the_middle_ends_it(self):
        for leave in (reset, Client.close):
            with self.subTest(leave):
                proxy = self.bench()
                client = self.client(proxy)
                client.send(request(f"/bytes/{GIB}")).read_head()
                client._exactly(MIB)
                leave(client)
                self.assertEqual(proxy.wait_for_log()[0]["fault"], "client-abort-body")
                client = self.client(proxy)
                client.send(request("/sink", "POST", [("Content-Length", str(GIB))]) + bytes(4 * MIB))
                leave(client)
                self.assertEqual(proxy.wait_for_log(2)[1]["fault"], "reqbody-truncated")

    def test_what_follows_one_is_not_the_next_answer(self):
        body = content(0, MIB)
        lie = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlies"

        def script(connection, _):
            while origin.read_request(connection):
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body + lie)

        origin = self.origin(script)
        client = self.client(self.proxy(origin.port))
        for _ in range(5):
            self.assertEqual(client.send(request()).read().body, body)
        self.assertEqual(origin.connections, 5)

    def test_without_descriptors_for_pipes_they_are_copied(self):
        proxy = self.bench()
        if sanitized(proxy):
            self.skipTest("UBSan looks at memory through a pipe of its own")
        client = self.client(proxy)
        client.send(request("/bytes/1")).read()  # both connections are there
        _, hard = resource.prlimit(proxy.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(proxy.pid, resource.RLIMIT_NOFILE, (3, hard))
        for size in (MIB, 5 * MIB):
            self.assertEqual(client.send(request(f"/bytes/{size}")).read().body, content(0, size))
            response = client.send(request("/sink", "POST", body=bytes(size))).read()
            self.assertEqual(response.body.split()[0], b"bytes=%d" % size)

    def test_more_at_once_than_there_are_pipes(self):
        whole = content(0, 8 * MIB)
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(whole)

        def script(connection, _):
            origin.read_request(connection)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * KIB)  # the kernel's memory counts too
            connection.sendall(head + whole)

        origin = self.origin(script)
        proxy = self.proxy(origin.port, timeouts="client_write: 10m, response_body: 10m")
        before = at_rest(proxy, "pipe")
        clients = [self.client(proxy) for _ in range(280)]
        for client in clients:
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 * KIB)
            client.send(request())
        wait_for(lambda: descriptors(proxy, "pipe") == before + 512, "all pipes to be in use")
        for client in clients[:2] + clients[-2:]:
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, MIB)
            self.assertEqual(client.read().body, whole)
        # They are looked at one by one, and meanwhile some go over from one client to the next.
        self.assertLessEqual(min(descriptors(proxy, "pipe") for _ in range(5)), before + 512)
        self.check_memory(proxy)
        for client in clients:
            client.close()
        wait_for(lambda: descriptors(proxy, "pipe") <= before + 64, "those that hold bytes to be closed")


class Ends(StreamTest):
    def test_a_client_that_says_no_more_still_gets_its_answer(self):
        proxy = self.bench()
        for raw, size in ((request("/delay/200ms/bytes/100000"), 100_000),
                          (request("/slow/1000/4000"), 1000),
                          (request("/bytes/5"), 5)):
            with self.subTest(size), Client(proxy.port) as client:
                client.send(raw).socket.shutdown(socket.SHUT_WR)
                response = client.read()
                self.assertEqual((response.status, len(response.body), response.complete), (200, size, True))
                self.assertTrue(client.at_end())

    def test_a_client_that_says_no_more_behind_a_body_still_gets_its_answer(self):
        with Client(self.bench().port) as client:
            client.send(request("/delay/200ms/echo", "POST", body=b"body")).socket.shutdown(socket.SHUT_WR)
            self.assertTrue(client.read().body.endswith(b"\r\n\r\nbody"))

    def test_a_client_that_says_no_more_gets_all_that_it_asked_before(self):
        with Client(self.bench().port) as client:
            client.send(request("/delay/200ms/bytes/1") + request("/bytes/2") + request("/bytes/3"))
            client.socket.shutdown(socket.SHUT_WR)
            self.assertEqual([len(client.read().body) for _ in range(3)], [1, 2, 3])
            self.assertTrue(client.at_end())

    def upstream_ends_within_a_second(self, raw, answer=b"", more=b""):
        """Seconds from the client's RST to the end of the connection upstream."""
        ended = threading.Event()

        def script(connection, _):
            data = b""
            while b"\r\n\r\n" not in data:
                data += connection.recv(65536)
            connection.sendall(answer)
            asked.set()
            connection.settimeout(0.02)
            try:
                while True:
                    try:
                        if not connection.recv(1 << 20):
                            break
                    except TimeoutError:
                        connection.sendall(more)
            finally:
                ended.set()

        asked = threading.Event()
        origin = self.origin(script)
        proxy = self.proxy(origin.port)
        client = self.client(proxy)
        client.send(raw)
        self.assertTrue(asked.wait(PATIENCE))
        if answer:
            self.assertEqual(client.read_head().status, 200)
        begun = time.monotonic()
        reset(client)
        self.assertTrue(ended.wait(3), "the request goes on upstream")
        self.assertLess(time.monotonic() - begun, 1)
        return proxy.wait_for_log()[0]

    def test_a_client_that_resets_while_it_waits_ends_the_request(self):
        line = self.upstream_ends_within_a_second(request())
        self.assertEqual((line["fault"], line["ended"]), ("client-abort-waiting", "CH"))

    def test_a_client_that_resets_inside_the_answer_ends_the_request(self):
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n"
        for more in (b"", b"x" * 10_000):
            with self.subTest(len(more)):
                line = self.upstream_ends_within_a_second(request(), head, more)
                self.assertEqual((line["fault"], line["ended"]), ("client-abort-body", "CD"))

    def test_a_client_that_resets_inside_its_body_ends_the_request(self):
        raw = request("/", "POST", [("Content-Length", "1000")]) + b"x"
        line = self.upstream_ends_within_a_second(raw)
        self.assertEqual((line["fault"], line["ended"]), ("reqbody-truncated", "CR"))

    def test_a_client_that_ends_inside_its_body_ends_the_request(self):
        ended = threading.Event()

        def script(connection, _):
            while connection.recv(65536):
                pass
            ended.set()

        origin = self.origin(script)
        proxy = self.proxy(origin.port)
        for raw in (request("/", "POST", [("Content-Length", "1000")]) + b"x",
                    request("/", "POST", [CHUNKED]) + b"5\r\nhel",
                    request("/", "POST", [CHUNKED]) + b"5\r\nhello\r\n0\r\n"):
            with self.subTest(raw), Client(proxy.port) as client:
                ended.clear()
                client.send(raw).socket.shutdown(socket.SHUT_WR)
                self.assertTrue(ended.wait(PATIENCE))
                client.read()
        faults = [line["fault"] for line in proxy.wait_for_log(3)]
        self.assertEqual(faults, ["reqbody-truncated"] * 3)

    def test_an_origin_is_free_to_end_first(self):
        """Its answer is complete; the rest of the upload goes nowhere."""
        def script(connection, _):
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 401 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        proxy = self.proxy(self.origin(script).port)
        for _ in range(10):
            with Client(proxy.port) as client:
                client.send(request("/", "POST", [("Content-Length", str(GIB))]))
                try:
                    for _ in range(16):
                        client.send(bytes(MIB))
                except OSError:
                    pass
                # Some of its bytes were in flight as the answer was written.
                response = client.read("POST")
                self.assertIsNotNone(response)
                self.assertEqual((response.status, response.body), (401, b"no"))


if __name__ == "__main__":
    unittest.main()
