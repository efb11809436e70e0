"""Requests that nobody thought of: mutated, sent through the proxy, and judged by what the origin received.

Two parsers that have nothing in common, ours and llhttp, read the origin's side of every connection: it is
requests from its first byte to its last, which both end at the same bytes, and each is one that the client
sent, with the body that it sent. So is the client's side of the answers that a hostile origin gives.
"""

import os
import random
import time
import unittest

from answer_cases import SPOILED, TOLD
from attack_cases import FORWARDED, REFUSED
from harness import Client, Proxy, fetch, request, yaml_for
from recorder import MessageReader, Recorder

CORPUS = os.environ.get("WHICHHOP_CORPUS", os.path.join(os.path.dirname(__file__), "../fuzz/corpus"))
MUTATIONS = 4000
SECONDS = 40  # at most, each way: a machine may be slow
SEED = 20261122
OCTETS = [bytes([octet]) for octet in b"\0\t\n\v\f\r \"#%+,-./0159:;<=>?@AFXZ_x{|}\x7f\x80\xa0\xff"]
LINES = [
    b"Content-Length: 5\r\n", b"Content-Length: 0\r\n", b"content-length:5 \r\n", b"Content-Length: 5, 5\r\n",
    b"Content-Length : 5\r\n", b"Content_Length: 5\r\n", b"Transfer-Encoding: chunked\r\n",
    b"transfer-encoding:\tChunked\r\n", b"Transfer-Encoding: gzip, chunked\r\n", b"Transfer-Encoding : chunked\r\n",
    b"Connection: close\r\n", b"Connection: keep-alive\r\n", b"Connection: Transfer-Encoding, Content-Length\r\n",
    b"Expect: 100-continue\r\n", b"X: y\r\n z\r\n", b"X: y\n", b"\r\n", b"\n", b"0\r\n\r\n", b"5\r\nhello\r\n",
    b"5;a=\"b\"\r\nhello\r\n", b"hello", b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged",
]


def corpus(name, before=b""):
    folder = os.path.join(CORPUS, name)
    for file in sorted(os.listdir(folder)):
        with open(os.path.join(folder, file), "rb") as opened:
            yield before + opened.read()[1:]  # the first octet chooses a fuzzer's limits


def mutate(text, rng):
    for _ in range(rng.randint(0, 3)):
        at = rng.randint(0, len(text))
        end = min(len(text), at + rng.randint(1, 24))
        line = text.find(b"\r\n", at) + 2
        change = rng.randrange(6)
        if change == 0:
            text = text[:at] + text[at + 1:]
        elif change == 1:
            text = text[:at] + rng.choice(OCTETS) + text[at:]
        elif change == 2:
            text = text[:at] + rng.choice(OCTETS) + text[at + 1:]
        elif change == 3:
            text = text[:at] + text[at:end] * 2 + text[end:]
        else:
            text = text[:line] + rng.choice(LINES) + text[line:]
    return text


class Oracle(unittest.TestCase):
    def setUp(self):
        self.reader = MessageReader()
        self.addCleanup(self.reader.stop)
        self.rng = random.Random(SEED)

    def start(self, answer=None):
        self.origin = Recorder(answer)
        self.addCleanup(self.origin.stop)
        self.proxy = Proxy(yaml_for(
            self.origin.port, timeouts="request_head: 5s, request_body: 5s, response_head: 5s, response_body: 5s"))
        self.addCleanup(self.proxy.stop)

    def mutations(self, seeds):
        """Each seed as it is, then mutations of them."""
        ends = time.monotonic() + SECONDS
        done = 0
        for number in range(len(seeds) + MUTATIONS):
            if time.monotonic() > ends:
                break
            done += 1
            yield seeds[number] if number < len(seeds) else mutate(self.rng.choice(seeds), self.rng)
        print(f"{self.id().rpartition('.')[2]}: {done} inputs")

    # From the client

    def sent(self, raw):
        """The requests in `raw`, as one who reads strictly finds them."""
        while raw:
            message = self.reader.read("request", raw)["ours"]
            if message["outcome"] != "whole":
                return
            yield message
            if not message["keep_alive"] or message["method"] == "CONNECT":
                return
            raw = raw[message["bytes"]:]

    def ask(self, raw, messages):
        """Which of `messages` the origin has answered."""
        answered = []
        with Client(self.proxy.port) as client:
            try:
                client.send(raw)
                client.socket.shutdown(1)
            except OSError:
                pass  # refused before its end
            for message in messages:
                response = client.read(message["method"])
                if response is None:
                    break
                if response.status == 200:
                    answered.append((message["method"], message["body"]))
            while (response := client.read()) is not None:
                self.assertGreaterEqual(response.status, 400, raw)
        return answered

    def test_the_origin_receives_requests_that_were_sent_and_nothing_else(self):
        self.start()
        seeds = [case.raw for case in FORWARDED + REFUSED if len(case.raw) < 5000]
        seeds += corpus("request")
        seeds += corpus("chunked", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        whole = 0
        for raw in self.mutations(seeds):
            answered = self.ask(raw, list(self.sent(raw)))
            requests, torn = self.origin.take()
            received = [self.check_received(seen.data) for seen in requests]
            self.assertEqual(received, answered, raw)
            for data in torn:
                self.check_torn(data)
            whole += len(received)
        self.assertGreater(whole, 300)
        for stream in self.origin.streams.values():
            self.check_stream(bytes(stream))

    @staticmethod
    def with_host(data):
        """HTTP/1.0 may have no Host. Then there is none to tell, and we would refuse that of HTTP/1.1."""
        return data.replace(b"\r\nHost: \r\n", b"\r\nHost: a\r\n", 1)

    def check_received(self, data):
        """One request, from the first byte to the last, for both."""
        data = self.with_host(data)
        message = self.reader.read("request", data)
        ours, theirs = message["ours"], message["theirs"]
        if message["comparison"] == "unknown method":
            theirs = ours
        self.assertEqual([(side["outcome"], side["bytes"]) for side in (ours, theirs)], [("whole", len(data))] * 2, data)
        return ours["method"], ours["body"]

    def check_torn(self, data):
        """No request, whoever reads it."""
        message = self.reader.read("request", self.with_host(data))
        self.assertEqual(message["ours"]["outcome"], "more", data)
        self.assertIn(message["theirs"]["refusal"], ("", "HPE_INVALID_METHOD"), data)
        self.assertNotEqual(message["theirs"]["outcome"], "whole", data)

    def check_stream(self, data):
        """llhttp alone finds the same ends."""
        while data:
            theirs = self.reader.read("request", data)["theirs"]
            if theirs["refusal"] == "HPE_INVALID_METHOD" or theirs["outcome"] == "more":
                return
            self.assertEqual(theirs["outcome"], "whole", data)
            data = data[theirs["bytes"]:]

    # From the origin

    def test_the_client_receives_answers_that_are_whole_or_seen_to_be_cut(self):
        def answer(seen, connection):
            if seen.path != "/attack":
                return Recorder.echo(seen, connection)
            connection.sendall(self.raw)
            return False

        self.start(answer)
        seeds = [case.raw for case in TOLD + SPOILED if len(case.raw) < 5000]
        seeds += corpus("response")
        seeds += corpus("chunked", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        whole = 0
        for self.raw in self.mutations(seeds):
            method = self.rng.choice(("GET", "GET", "HEAD"))
            whole += self.check_told(method)
            self.assertEqual(fetch(self.proxy.port, "/else").body, b"/else", self.raw)
        self.assertGreater(whole, 300)

    def check_told(self, method):
        """The answer is one for both parsers, and the next is the next request's."""
        with Client(self.proxy.port) as client:
            client.send(request("/attack", method) + request("/next"))
            client.socket.shutdown(1)
            while client._more():
                pass
            data = client.buffer
        while 100 <= (message := self.reader.read("response", data, method))["ours"]["status"] < 200:
            self.assertIn(message["comparison"], ("agree", "no body by status"), self.raw)
            data = data[message["ours"]["bytes"]:]
        ours = message["ours"]
        self.assertIn(message["comparison"], ("agree", "no body by status"), (self.raw, data))
        if ours["outcome"] == "more":
            return 0  # cut, and seen to be: nothing follows
        rest = data[ours["bytes"]:]
        if not rest:
            return 1
        following = self.reader.read("response", rest)["ours"]
        self.assertEqual((following["outcome"], following["body"], following["bytes"]), ("whole", "/next", len(rest)), self.raw)
        return 1


if __name__ == "__main__":
    unittest.main()
