"""Bytes that two readers could read differently: none of them passes, either way."""

import re
import signal
import threading
import unittest

from harness import Client, Proxy, RawOrigin, fetch, request, wait_for, yaml_for

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: evil.example\r\n\r\n"
LINE = b"POST / HTTP/1.1\r\n"
HOST = b"Host: a.example\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


def end_of_message(data):
    """Where the request that `data` begins with ends; None if it is not here whole."""
    head_end = data.find(b"\r\n\r\n") + 4
    if head_end < 4:
        return None
    head = data[:head_end].lower()
    if b"\r\ntransfer-encoding: chunked\r\n" in head:
        at = head_end
        while (line := re.compile(rb"([0-9a-f]+)\r\n", re.I).match(data, at)):
            size = int(line[1], 16)
            at = line.end() + size + 2
            if size == 0:
                end = data.find(b"\r\n\r\n", line.end() - 2)
                return None if end < 0 else end + 4
        return None
    length = re.search(rb"\r\ncontent-length: (\d+)\r\n", head)
    end = head_end + int(length[1] if length else 0)
    return end if len(data) >= end else None


class Recorder(RawOrigin):
    """Reads requests by length or chunks, keeps them, and answers each."""

    def __init__(self):
        self.torn = []  # what came of requests that never were complete
        super().__init__(self._read_all)

    def _read_all(self, connection, _):
        data = b""
        try:
            while True:
                while (end := end_of_message(data)) is None:
                    more = connection.recv(65536)
                    if not more:
                        return
                    data += more
                self.requests.append(data[:end])
                data = data[end:]
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        finally:
            if data:
                self.torn.append(data)


def post(lines=b"", body=b"", line=LINE, host=HOST):
    return line + host + lines + b"\r\n" + body


def chunks(body):
    return post(CHUNKED, body)


def length(value):
    return post(b"Content-Length: " + value + b"\r\n", b"hello")


def coding(value):
    return post(b"Transfer-Encoding: " + value + b"\r\n", b"0\r\n\r\n")


def get(lines=b"", line=b"GET / HTTP/1.1\r\n", host=HOST):
    return line + host + lines + b"\r\n"


FRAMING = {
    "length, then chunked": post(b"Content-Length: 5\r\n" + CHUNKED, b"0\r\n\r\n"),
    "chunked, then length": post(CHUNKED + b"Content-Length: 5\r\n", b"0\r\n\r\n"),
    "chunked and a length of 0": post(CHUNKED + b"Content-Length: 0\r\n", b"0\r\n\r\n"),
    "chunked and a broken length": post(CHUNKED + b"Content-Length: x\r\n", b"0\r\n\r\n"),
    "chunked and a length that Connection names":
        post(b"Connection: Content-Length\r\nContent-Length: 5\r\n" + CHUNKED, b"0\r\n\r\n"),
    "lengths that differ": post(b"Content-Length: 5\r\nContent-Length: 6\r\n", b"hello"),
    "lengths that differ, apart": post(b"Content-Length: 5\r\nX: y\r\ncontent-length: 0\r\n", b"hello"),
    "a list of lengths that differ": length(b"5, 6"),
    "a list with an empty member": length(b"5,"),
    "a signed length": length(b"+5"),
    "a negative length": length(b"-5"),
    "a hexadecimal length": length(b"0x5"),
    "a length with letters": length(b"5a"),
    "a length in two parts": length(b"5 5"),
    "a length with a tab inside": length(b"5\t0"),
    "an empty length": length(b""),
    "a fraction": length(b"5.0"),
    "a length with a parameter": length(b"5;x"),
    "a quoted length": length(b'"5"'),
    "a length over 2^63": length(b"9223372036854775808"),
    "a length over 2^64": length(b"18446744073709551621"),
    "a length of many digits": length(b"1" * 400),
    "digits of another script": length(b"\xef\xbc\x95"),
    "a length behind a vertical tab": length(b"\x0b5"),
    "a length before NUL": length(b"5\x00"),
    "chunked twice in a list": coding(b"chunked, chunked"),
    "chunked twice in lines": post(CHUNKED + CHUNKED, b"0\r\n\r\n"),
    "chunked in one line, identity in the next":
        post(CHUNKED + b"Transfer-Encoding: identity\r\n", b"0\r\n\r\n"),
    "an empty coding": coding(b""),
    "chunked with a parameter": coding(b"chunked;q=1"),
    "chunked behind a vertical tab": coding(b"\x0bchunked"),
    "chunked before NUL": coding(b"chunked\x00"),
    "chunked is not the last": coding(b"chunked, gzip"),
    "a coding in HTTP/1.0": post(CHUNKED, b"0\r\n\r\n", b"POST / HTTP/1.0\r\n"),
    "a space before the colon of the coding":
        post(b"Transfer-Encoding : chunked\r\nContent-Length: 5\r\n", b"0\r\n\r\n"),
    "a tab before the colon of the coding": post(b"Transfer-Encoding\t: chunked\r\n", b"0\r\n\r\n"),
    "a space before the colon of the length": post(b"Content-Length : 5\r\n", b"hello"),
    "a folded coding": post(b"Transfer-Encoding:\r\n chunked\r\n", b"0\r\n\r\n"),
    "a coding hidden in a fold": post(b"X: y\r\n Transfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
    "a length behind a bare LF": post(b"X: y\nContent-Length: 5\r\n", b"hello"),
    "a coding behind a bare CR": post(b"X: y\rTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
}
UNKNOWN_CODINGS = {
    "an unknown coding": coding(b"xchunked"),
    "identity": coding(b"identity"),
    "identity behind chunked": coding(b"chunked, identity"),
    "gzip before chunked": coding(b"gzip, chunked"),
    "quoted": coding(b'"chunked"'),
    "two words": coding(b"chunked x"),
    "chunked behind a no-break space": coding(b"\xa0chunked"),
}
LINES = {
    "bare LF everywhere": b"GET / HTTP/1.1\nHost: a.example\n\n",
    "bare LF behind the request line": b"GET / HTTP/1.1\n" + HOST + b"\r\n",
    "bare LF behind a field": get(b"X: y\n"),
    "bare LF at the end of the head": b"GET / HTTP/1.1\r\n" + HOST + b"\n",
    "bare LF in a value": get(b"X: a\nb: c\r\n"),
    "bare CR behind the request line": b"GET / HTTP/1.1\r" + HOST + b"\r\n",
    "bare CR in a value": get(b"X: a\rb\r\n"),
    "bare CR in a name": get(b"X\r: a\r\n"),
    "bare CR before CRLF": get(b"X: a\r\r\n"),
    "bare CR before a field": get(b"\rX: a\r\n"),
    "bare CR in the target": get(line=b"GET /\r HTTP/1.1\r\n"),
    "bare CR at the end of the head": b"GET / HTTP/1.1\r\n" + HOST + b"\rX",
    "NUL in a value": get(b"X: a\x00b\r\n"),
    "NUL in a name": get(b"X\x00: a\r\n"),
    "NUL in the target": get(line=b"GET /\x00 HTTP/1.1\r\n"),
    "NUL in the method": get(line=b"G\x00T / HTTP/1.1\r\n"),
    "NUL first": b"\x00" + get(),
    "DEL in a value": get(b"X: a\x7fb\r\n"),
    "a control octet in a value": get(b"X: a\x01b\r\n"),
    "a folded value": get(b"X: a\r\n b\r\n"),
    "a value folded by a tab": get(b"X: a\r\n\tb\r\n"),
    "a folded Host": b"GET / HTTP/1.1\r\nHost:\r\n a.example\r\n\r\n",
    "a space before the first field": b"GET / HTTP/1.1\r\n " + HOST + b"\r\n",
    "a line of blanks": get(b" \r\n"),
    "a space before a colon": get(b"X : a\r\n"),
    "an empty name": get(b": a\r\n"),
    "a field without a colon": get(b"X\r\n"),
    "a space in a name": get(b"X Y: a\r\n"),
    "a parenthesis in a name": get(b"X(Y): a\r\n"),
    "a slash in a name": get(b"X/Y: a\r\n"),
    "a quote in a name": get(b'"X": a\r\n'),
    "obs-text in a name": get(b"X\xe4: a\r\n"),
}
REQUEST_LINES = {
    name: get(line=line) for name, line in {
        "two spaces before the target": b"GET  / HTTP/1.1\r\n",
        "two spaces before the version": b"GET /  HTTP/1.1\r\n",
        "a space behind the version": b"GET / HTTP/1.1 \r\n",
        "a space before the method": b" GET / HTTP/1.1\r\n",
        "a tab behind the method": b"GET\t/ HTTP/1.1\r\n",
        "a tab behind the target": b"GET /\tHTTP/1.1\r\n",
        "a vertical tab": b"GET\x0b/ HTTP/1.1\r\n",
        "no target": b"GET HTTP/1.1\r\n",
        "no version": b"GET /\r\n",
        "a space in the target": b"GET /a b HTTP/1.1\r\n",
        "a request in the target": b"GET / HTTP/1.1\rGET /smuggled HTTP/1.1\r\n",
        "obs-text in the target": b"GET /\xe4 HTTP/1.1\r\n",
        "lower-case HTTP": b"GET / http/1.1\r\n",
        "another protocol": b"GET / HTTPS/1.1\r\n",
        "no point": b"GET / HTTP/11\r\n",
        "no minor": b"GET / HTTP/1.\r\n",
        "two digits": b"GET / HTTP/1.10\r\n",
        "a comma": b"GET / HTTP/1,1\r\n",
        "a letter": b"GET / HTTP/1.x\r\n",
        "signed version": b"GET / HTTP/+1.1\r\n",
        "a method that is no token": b"GE(T / HTTP/1.1\r\n",
        "a method with a colon": b"GET: / HTTP/1.1\r\n",
        "a method of 10000 letters": b"G" * 10000 + b" / HTTP/1.1\r\n",
        "a target without a slash": b"GET x HTTP/1.1\r\n",
        "an asterisk for GET": b"GET * HTTP/1.1\r\n",
        "an asterisk and more": b"OPTIONS *x HTTP/1.1\r\n",
        "another scheme": b"GET ftp://a.example/ HTTP/1.1\r\n",
        "no authority": b"GET http:///x HTTP/1.1\r\n",
        "a user in the authority": b"GET http://user@a.example/ HTTP/1.1\r\n",
        "a user and a backslash": b"GET http://a.example\\@b.example/ HTTP/1.1\r\n",
        "a port that is none": b"GET http://a.example:x/ HTTP/1.1\r\n",
        "CONNECT without a port": b"CONNECT a.example HTTP/1.1\r\n",
    }.items()
}
REQUEST_LINES |= {
    "HTTP/0.9": b"GET /\r\n\r\n",
    "two empty lines first": b"\r\n\r\n" + get(),
    "a ClientHello": bytes.fromhex("160301007a010000760303") + b"\x55" * 111,
    "a colon for a request": b":\r\n\r\n",
    "a line of nothing but blanks": b"   \r\n" + get(),
    "the PROXY protocol": b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + get(),
}
HOSTS = {
    name: get(host=host) for name, host in {
        "no Host": b"",
        "two equal Hosts": HOST + HOST,
        "two Hosts": HOST + b"Host: b.example\r\n",
        "two Hosts apart": HOST + b"X: y\r\nhOST: b.example\r\n",
        "a list of Hosts": b"Host: a.example, b.example\r\n",
        "a space in Host": b"Host: a b\r\n",
        "a slash in Host": b"Host: a.example/b\r\n",
        "a user in Host": b"Host: user@a.example\r\n",
        "a fragment in Host": b"Host: a#b\r\n",
        "a query in Host": b"Host: a?b\r\n",
        "a quote in Host": b'Host: a"b\r\n',
        "a backslash in Host": b"Host: a\\b\r\n",
        "obs-text in Host": b"Host: \xe4.example\r\n",
        "a port that is none": b"Host: a.example:x\r\n",
        "a port that is too large": b"Host: a.example:99999\r\n",
        "two ports": b"Host: a.example:1:2\r\n",
        "an open bracket": b"Host: [::1\r\n",
        "bytes behind a bracket": b"Host: [::1]x\r\n",
        "a port alone": b"Host: :80\r\n",
        "an escape that is none": b"Host: a%zz\r\n",
        "Host behind a fold": b"X: y\r\n Host: b.example\r\n",
    }.items()
}
HOSTS["an absolute target does not excuse two Hosts"] = get(
    line=b"GET http://a.example/ HTTP/1.1\r\n", host=HOST + HOST)
HOSTS["an absolute target does not excuse a missing one"] = get(
    line=b"GET http://a.example/ HTTP/1.1\r\n", host=b"")
CHUNKS = {
    name: chunks(body) for name, body in {
        "a letter": b"g\r\nx\r\n0\r\n\r\n",
        "a prefix": b"0x1\r\nx\r\n0\r\n\r\n",
        "a sign": b"+1\r\nx\r\n0\r\n\r\n",
        "a minus": b"-1\r\nx\r\n0\r\n\r\n",
        "a space before": b" 1\r\nx\r\n0\r\n\r\n",
        "a space behind": b"1 \r\nx\r\n0\r\n\r\n",
        "a tab behind": b"1\t\r\nx\r\n0\r\n\r\n",
        "an underscore": b"1_0\r\n0123456789abcdef\r\n0\r\n\r\n",
        "no size": b"\r\nx\r\n0\r\n\r\n",
        "only an extension": b";a\r\nx\r\n0\r\n\r\n",
        "17 digits": b"FFFFFFFFFFFFFFFFF\r\nx\r\n0\r\n\r\n",
        "17 digits that wrap to 1": b"10000000000000001\r\nx\r\n0\r\n\r\n",
        "2^63": b"8000000000000000\r\nx\r\n0\r\n\r\n",
        "2^64-1": b"ffffffffffffffff\r\nx\r\n0\r\n\r\n",
        "LF alone": b"1\nx\n0\n\n",
        "LF behind a size": b"1\nx\r\n0\r\n\r\n",
        "LF behind data": b"1\r\nx\n0\r\n\r\n",
        "CR alone behind a size": b"1\rx\r\n0\r\n\r\n",
        "two CRs": b"1\r\r\nx\r\n0\r\n\r\n",
        "longer than its size": b"1\r\nxy\r\n0\r\n\r\n",
        "shorter than its size": b"3\r\nx\r\n0\r\n\r\n",
        "nothing behind data": b"1\r\nx0\r\n\r\n",
        "LF behind an extension": b"1;a\nx\r\n0\r\n\r\n",
        "LF in an extension": b"1;a=\"\n\"\r\nx\r\n0\r\n\r\n",
        "CR in an extension": b"1;a\rb\r\nx\r\n0\r\n\r\n",
        "NUL in an extension": b"1;a\x00\r\nx\r\n0\r\n\r\n",
        "an endless extension": b"1;" + b"a" * 100_000 + b"\r\nx\r\n0\r\n\r\n",
        "extensions without end": b"1;abcdefghijklmnopqrstuvwxyz\r\nx\r\n" * 20_000 + b"0\r\n\r\n",
        "LF behind the last chunk": b"0\n\r\n",
        "LF at the end": b"0\r\n\n",
        "Content-Length in the trailers": b"0\r\nContent-Length: 50\r\n\r\n",
        "Transfer-Encoding in the trailers": b"0\r\nTransfer-Encoding: chunked\r\n\r\n",
        "Host in the trailers": b"0\r\nHost: b.example\r\n\r\n",
        "X-Forwarded-For in the trailers": b"0\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n",
        "Authorization in the trailers": b"0\r\nAuthorization: x\r\n\r\n",
        "Connection in the trailers": b"0\r\nConnection: close\r\n\r\n",
        "a space before a trailer's colon": b"0\r\nX : y\r\n\r\n",
        "a folded trailer": b"0\r\nX: y\r\n z\r\n\r\n",
        "a fold at once": b"0\r\n X: y\r\n\r\n",
        "NUL in a trailer": b"0\r\nX: \x00\r\n\r\n",
        "LF in a trailer": b"0\r\nX: y\n\r\n",
        "no colon in a trailer": b"0\r\nGET / HTTP/1.1\r\n\r\n",
        "too many trailers": b"0\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
        "too large trailers": b"0\r\nX: " + b"y" * 40_000 + b"\r\n\r\n",
    }.items()
}
LIMITS = {
    "a long target": (get(line=b"GET /" + b"x" * 8192 + b" HTTP/1.1\r\n"), 414),
    "an endless target": (b"GET /" + b"x" * 100_000, 414),
    "a large field": (get(b"X: " + b"y" * 33_000 + b"\r\n"), 431),
    "an endless field": (get(b"X: " + b"y" * 33_000)[:-2], 431),
    "an endless name": (get(b"X" * 33_000)[:-2], 431),
    "many fields": (get(b"X: y\r\n" * 129), 431),
    "many Connection options": (get(b"Connection: " + b"a," * 65 + b"\r\n"), 431),
}
VERSIONS = {
    "HTTP/2.0": get(line=b"GET / HTTP/2.0\r\n"),
    "HTTP/9.9": get(line=b"GET / HTTP/9.9\r\n"),
    "HTTP/0.9": get(line=b"GET / HTTP/0.9\r\n"),
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}


class Requests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.origin = Recorder()
        cls.addClassCleanup(cls.origin.stop)
        cls.proxy = Proxy(yaml_for(cls.origin.port, timeouts="request_head: 3s, request_body: 3s"))
        cls.addClassCleanup(cls.proxy.stop)

    def after_all_else(self):
        """What reached the origin, once a last request that is well came through."""
        self.assertEqual(fetch(self.proxy.port, "/barrier").status, 200)
        requests, self.origin.requests = self.origin.requests, []
        torn, self.origin.torn = self.origin.torn, []
        self.assertTrue(requests[-1].startswith(b"GET /barrier HTTP/1.1\r\n"))
        return requests[:-1], torn

    def check_refused(self, raw, status):
        """Whole, and cut into two at each of some places."""
        places = {len(raw)} if len(raw) > 5000 else {len(raw), 1, len(raw) // 2, len(raw) - 1}
        for place in sorted(places):
            with Client(self.proxy.port) as client:
                client.socket.setsockopt(6, 1, 1)  # TCP_NODELAY
                client.send(raw[:place])
                try:
                    client.send(raw[place:] + SMUGGLED)
                except OSError:
                    pass  # it was refused already
                response = client.read()
                self.assertIsNotNone(response, "closed without an answer")
                self.assertEqual((response.status, response["Connection"], response.complete),
                                 (status, "close", True))
                self.assertTrue(client.at_end(), client.buffer)
            requests, torn = self.after_all_else()
            self.assertEqual(requests, [])
            for part in torn:
                self.assertNotIn(b"smuggled", part)

    def check_all(self, table, status):
        for name, raw in table.items():
            with self.subTest(name):
                self.check_refused(raw, status)

    def test_framing_that_is_open_to_two_readings_is_refused(self):
        self.check_all(FRAMING, 400)

    def test_codings_that_we_do_not_know_are_refused(self):
        self.check_all(UNKNOWN_CODINGS, 501)

    def test_lines_that_end_or_begin_oddly_are_refused(self):
        self.check_all(LINES, 400)

    def test_request_lines_that_are_none_are_refused(self):
        self.check_all(REQUEST_LINES, 400)

    def test_other_versions_are_refused(self):
        self.check_all(VERSIONS, 505)

    def test_requests_that_do_not_say_to_whom_are_refused(self):
        self.check_all(HOSTS, 400)

    def test_chunks_that_are_open_to_two_readings_are_refused(self):
        self.check_all(CHUNKS, 400)

    def test_what_is_too_large_is_refused(self):
        for name, (raw, status) in LIMITS.items():
            with self.subTest(name):
                self.check_refused(raw, status)

    def test_a_bad_chunk_behind_good_ones_ends_the_request_at_the_origin_too(self):
        good = b"1000\r\n" + b"x" * 4096 + b"\r\n"
        with Client(self.proxy.port) as client:
            client.send(post(CHUNKED, good))
            client.send(good * 3 + b"ZZ\r\n" + SMUGGLED)
            response = client.read()
            self.assertEqual((response.status, response["Connection"]), (400, "close"))
            self.assertTrue(client.at_end())
        requests, torn = self.after_all_else()
        self.assertEqual(requests, [])
        for part in torn:
            self.assertIsNone(end_of_message(part))
            self.assertNotIn(b"smuggled", part)

    def check_accepted(self, raw, line, fields, body):
        with Client(self.proxy.port) as client:
            self.assertEqual(client.send(raw).read().status, 200)
        requests, torn = self.after_all_else()
        self.assertEqual((len(requests), torn), (1, []))
        head, _, got = requests[0].partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        self.assertEqual(lines[0], line)
        framing = sorted(l for l in lines if l.lower().startswith((b"content-length", b"transfer-encoding", b"host")))
        self.assertEqual(framing, sorted(fields))
        self.assertEqual(got, body)

    def test_what_has_one_reading_is_forwarded_in_one_form(self):
        host, by_chunks = b"Host: a.example", b"Transfer-Encoding: chunked"
        for name, raw, line, fields, body in (
                ("a request as body", post(b"Content-Length: %d\r\n" % len(SMUGGLED), SMUGGLED),
                 b"POST / HTTP/1.1", [host, b"Content-Length: %d" % len(SMUGGLED)], SMUGGLED),
                ("a request as body of GET",
                 get(b"content-length:%d\r\n" % len(SMUGGLED)) + SMUGGLED,
                 b"GET / HTTP/1.1", [host, b"Content-Length: %d" % len(SMUGGLED)], SMUGGLED),
                ("a request as chunk", chunks(b"%x\r\n%s\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED)),
                 b"POST / HTTP/1.1", [host, by_chunks], b"%x\r\n%s\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED)),
                ("a coding in capitals", coding(b"CHUNKED"), b"POST / HTTP/1.1", [host, by_chunks], b"0\r\n\r\n"),
                ("a coding in blanks", post(b"transfer-encoding: \t chunked \t\r\n", b"0\r\n\r\n"),
                 b"POST / HTTP/1.1", [host, by_chunks], b"0\r\n\r\n"),
                ("a length with zeros", length(b"000000000000000000000005"),
                 b"POST / HTTP/1.1", [host, b"Content-Length: 5"], b"hello"),
                ("framing that Connection names",
                 post(b"Connection: Content-Length, Transfer-Encoding, Host\r\nContent-Length: 5\r\n", b"hello"),
                 b"POST / HTTP/1.1", [host, b"Content-Length: 5"], b"hello"),
                ("a coding that Connection names",
                 post(b"Connection: Transfer-Encoding\r\n" + CHUNKED, b"1;a=b\r\nx\r\n0;c\r\n\r\n"),
                 b"POST / HTTP/1.1", [host, by_chunks], b"1\r\nx\r\n0\r\n\r\n"),
                ("an empty line first", b"\r\n" + get(), b"GET / HTTP/1.1", [host], b""),
                ("an authority that differs from Host", get(line=b"GET http://b.example/x HTTP/1.1\r\n"),
                 b"GET /x HTTP/1.1", [b"Host: b.example"], b""),
                ("a minor version to come", get(line=b"GET / HTTP/1.2\r\n"), b"GET / HTTP/1.1", [host], b"")):
            with self.subTest(name):
                self.check_accepted(raw, line, fields, body)

    def test_lengths_that_are_equal_are_refused_or_forwarded_as_one(self):
        for raw in (post(b"Content-Length: 5\r\nContent-Length: 5\r\n", b"hello"), length(b"5, 5"), length(b"5,5")):
            with self.subTest(raw), Client(self.proxy.port) as client:
                response = client.send(raw).read()
                self.assertIn(response.status, (200, 400))
                requests, _ = self.after_all_else()
                self.assertEqual(len(requests), 1 if response.status == 200 else 0)
                for seen in requests:
                    self.assertEqual(seen.lower().count(b"content-length: 5\r\n"), 1)

    def test_an_empty_host_is_refused_or_forwarded_empty(self):
        response = fetch(self.proxy.port, host="")
        self.assertIn(response.status, (200, 400))
        requests, _ = self.after_all_else()
        self.assertEqual(len(requests), 1 if response.status == 200 else 0)

    def test_a_request_that_ends_early_is_none(self):
        for raw in (get()[:-2], get()[:-1], get()[:10], length(b"5")[:-1], chunks(b"5\r\nhell"), chunks(b"0\r\n")):
            with self.subTest(raw), Client(self.proxy.port) as client:
                client.send(raw)
                client.socket.shutdown(1)
                response = client.read()
                self.assertIn(response.status if response else None, (None, 400, 408))
                requests, torn = self.after_all_else()
                self.assertEqual(requests, [])


class Attacked(unittest.TestCase):
    """An origin that says what it should not to /attack, and to all else its path."""

    def attack(self, answer, *, method="GET", fields=(), timeouts="", close=False, raw=None):
        """The attacked client's connection, its answer, and how the others fared."""
        def script(connection, _):
            while (seen := origin.read_request(connection)):
                path = seen.split(b" ")[1]
                if path == b"/attack":
                    connection.sendall(answer)
                    if close:
                        return
                else:
                    body = b"" if seen.startswith(b"HEAD") else path
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(path), body))

        origin = RawOrigin(script)
        self.addCleanup(origin.stop)
        proxy = Proxy(yaml_for(origin.port, timeouts=timeouts or "response_body: 3s, response_head: 3s"))
        self.addCleanup(proxy.stop)
        other = Client(proxy.port)
        self.addCleanup(other.close)
        self.assertEqual(other.send(request("/warm")).read().body, b"/warm")
        client = Client(proxy.port)
        self.addCleanup(client.close)
        client.send(raw or request("/attack", method, fields))
        response = client.read(method)
        # The others get their own answers, whatever lies on the connection still.
        for number in range(3):
            self.assertEqual(other.send(request(f"/other{number}")).read().body, b"/other%d" % number)
            self.assertEqual(fetch(proxy.port, f"/new{number}").body, b"/new%d" % number)
        head = fetch(proxy.port, "/head", "HEAD")
        self.assertEqual((head.status, head["Content-Length"]), (200, "5"))
        self.proxy, self.origin, self.client = proxy, origin, client
        return response


def answer(lines, body=b"ok", line=b"HTTP/1.1 200 OK\r\n"):
    return line + lines + b"\r\n" + body


FORGED = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"
LENGTH = b"Content-Length: 2\r\n"
BROKEN = {
    "head-cl-invalid": [
        answer(b"Content-Length: 2\r\nContent-Length: 3\r\n"), answer(b"Content-Length: 2, 3\r\n"),
        answer(b"Content-Length: -2\r\n"), answer(b"Content-Length: +2\r\n"),
        answer(b"Content-Length: 0x2\r\n"), answer(b"Content-Length: 2 3\r\n"),
        answer(b"Content-Length: \r\n"), answer(b"Content-Length: 2,\r\n"),
        answer(b"Content-Length: 36893488147419103234\r\n")],
    "head-cl-te": [
        answer(LENGTH + CHUNKED, b"2\r\nok\r\n0\r\n\r\n"), answer(CHUNKED + LENGTH, b"2\r\nok\r\n0\r\n\r\n")],
    "head-te-unsupported": [
        answer(b"Transfer-Encoding: foo\r\n"), answer(b"Transfer-Encoding: gzip, chunked\r\n"),
        answer(b"Transfer-Encoding: chunked, chunked\r\n"), answer(CHUNKED + CHUNKED, b"0\r\n\r\n"),
        answer(b"Transfer-Encoding: identity\r\n"), answer(b"Transfer-Encoding: \r\n"),
        answer(CHUNKED, b"0\r\n\r\n", b"HTTP/1.0 200 OK\r\n")],
    "head-not-http": [b"XYZZY\r\n\r\n", b"220 mail.example ESMTP\r\n", b"\x16\x03\x01\x00\x01\x02", b"\r\n" + FORGED,
                      b" " + FORGED, b"http/1.1 200 OK\r\n\r\n", b"ICY 200 OK\r\n\r\n"],
    "head-http09": [b"<html>hello</html>\r\n"],
    "head-bad-status": [answer(LENGTH, line=b"HTTP/1.1 %s Odd\r\n" % s)
                        for s in (b"abc", b"20", b"1000", b"099", b"600", b"999", b"2 0", b"-20", b"200OK")],
    "head-bad-version": [answer(LENGTH, line=b"HTTP/%s 200 OK\r\n" % v) for v in (b"2.0", b"3", b"0.9", b"11")],
    "head-bad-field": [
        answer(b"XBad\r\n" + LENGTH), answer(b": v\r\n" + LENGTH), answer(b"X: a\x00b\r\n" + LENGTH),
        answer(b"X: a\rSet-Cookie: b\r\n" + LENGTH), answer(b"X: a\nSet-Cookie: b\r\n" + LENGTH),
        answer(b"X: a\n" + LENGTH), answer(b"X\xe4: a\r\n" + LENGTH), answer(b"X Y: a\r\n" + LENGTH),
        answer(b" X: a\r\n" + LENGTH), answer(b"X: \x7f\r\n" + LENGTH),
        answer(LENGTH, line=b"HTTP/1.1 200 O\x01K\r\n"), answer(LENGTH, line=b"HTTP/1.1 200 O\x00K\r\n"),
        answer(LENGTH, line=b"HTTP/1.1 200 OK\rX: y\r\n")],
    "head-too-large": [answer(b"X: " + b"y" * 40_000 + b"\r\n" + LENGTH), answer(b"X: y\r\n" * 2000 + LENGTH),
                       answer(b"X: y\r\n" * 129 + LENGTH)],
    "head-unsolicited-101": [
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + FORGED],
    "resp-1xx-flood": [b"HTTP/1.1 102 Processing\r\n\r\n" * 2000 + FORGED],
}


class Responses(Attacked):
    def test_a_head_that_can_not_be_trusted_is_a_502_that_says_why(self):
        for fault, answers in BROKEN.items():
            for data in answers:
                with self.subTest(fault, data=data[:80]):
                    response = self.attack(data)
                    self.assertEqual((response.status, response["Error-Fault"].split(";")[0]), (502, fault))
                    self.assertEqual(response["Error-Reporter"], "lb")
                    self.assertNotIn(b"forged", response.body)
                    self.assertEqual(self.client.send(request("/next")).read().body, b"/next")

    def test_nothing_of_a_broken_head_reaches_the_client(self):
        for data in (answer(b"Set-Cookie: stolen=1\r\nX: a\rb\r\n" + LENGTH),
                     answer(b"Set-Cookie: stolen=1\r\nContent-Length: 2\r\nContent-Length: 3\r\n")):
            self.assertIsNone(self.attack(data)["Set-Cookie"])

    def test_a_101_is_not_an_answer_to_an_upgrade_that_we_did_not_forward(self):
        websocket = BROKEN["head-unsolicited-101"][0]
        for fields, data in (([("Upgrade", "websocket")], websocket),
                             ([("Connection", "Upgrade")], websocket),
                             ([("Connection", "Upgrade"), ("Upgrade", "other")], websocket),
                             ([("Connection", "Upgrade"), ("Upgrade", "h2c, other")],
                              websocket.replace(b"websocket", b"h2c"))):
            with self.subTest(fields):
                response = self.attack(data, fields=fields)
                self.assertEqual(response.status, 502)
                self.assertNotIn(b"forged", response.body)

    def test_bodies_where_none_may_be_are_not_bodies(self):
        for method, data in (
                ("GET", answer(LENGTH, line=b"HTTP/1.1 204 No Content\r\n")),
                ("GET", answer(b"", FORGED, b"HTTP/1.1 204 No Content\r\n")),
                ("GET", answer(CHUNKED, b"2\r\nok\r\n0\r\n\r\n", b"HTTP/1.1 204 No Content\r\n")),
                ("GET", answer(LENGTH, line=b"HTTP/1.1 304 Not Modified\r\n")),
                ("GET", answer(LENGTH, FORGED, b"HTTP/1.1 304 Not Modified\r\n")),
                ("HEAD", answer(LENGTH)),
                ("HEAD", answer(CHUNKED, b"2\r\nok\r\n0\r\n\r\n")),
                ("HEAD", answer(b"Content-Length: 500\r\n", FORGED)),
                ("HEAD", answer(b"", FORGED, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n"))):
            with self.subTest(method, data=data):
                response = self.attack(data, method=method)
                self.assertIn(response.status, (200, 204, 304, 404))
                self.assertEqual(self.client.buffer, b"")
                self.assertEqual(self.client.send(request("/next")).read().body, b"/next")

    def test_what_follows_an_answer_is_thrown_away_with_its_connection(self):
        for data in (answer(LENGTH, b"okEXTRA"), answer(LENGTH) + FORGED, answer(LENGTH) + FORGED * 1000,
                     answer(CHUNKED, b"2\r\nok\r\n0\r\n\r\n") + FORGED, answer(CHUNKED, b"2\r\nok\r\n0\r\n\r\n\r\n"),
                     answer(b"Content-Length: 0\r\n", b"", b"HTTP/1.1 404 No\r\n") + FORGED,
                     answer(CHUNKED, b"0\r\n\r\n", b"HTTP/1.1 503 No\r\n") + FORGED):
            with self.subTest(data[:80]):
                response = self.attack(data)
                self.assertIn(response.status, (200, 404, 503))
                self.assertNotIn(b"forged", response.body)
                self.assertNotIn(b"EXTRA", response.body)
                self.assertEqual(self.client.buffer, b"")
                self.assertEqual(self.client.send(request("/next")).read().body, b"/next")
                self.assertGreaterEqual(self.origin.connections, 2)

    def test_what_follows_an_answer_is_not_the_answer_to_a_pipelined_request(self):
        for data in (answer(LENGTH) + FORGED, answer(b"", FORGED, b"HTTP/1.1 204 No Content\r\n"),
                     answer(CHUNKED, b"2\r\nok\r\n0\r\n\r\n") + FORGED,
                     answer(b"Content-Length: 0\r\n", b"", b"HTTP/1.1 404 No\r\n") + FORGED,
                     answer(b"Content-Length: 0\r\n", b"", b"HTTP/1.1 407 Pay\r\n"),
                     answer(b"Content-Length: 0\r\n", b"", b"HTTP/1.1 407 Pay\r\n") + FORGED,
                     b"XYZZY\r\n\r\n" + FORGED):
            with self.subTest(data[:80]):
                response = self.attack(data, raw=request("/attack") + request("/next"))
                self.assertNotIn(b"forged", response.body)
                self.assertEqual(self.client.read().body, b"/next")

    def test_trailers_can_not_frame_or_speak_in_our_name(self):
        response = self.attack(answer(
            CHUNKED, b"2\r\nok\r\n0\r\nContent-Length: 100\r\nError-Cause: db\r\nSet-Cookie: a=b\r\n\r\n"))
        self.assertEqual((response.body, response.complete), (b"ok", True))

    def test_a_first_chunk_that_is_none_is_a_502(self):
        for body in (b"ZZ\r\nok\r\n", b"FFFFFFFFFFFFFFFFF\r\nok\r\n", b"-1\r\n", b"\n", b" 2\r\nok\r\n0\r\n\r\n"):
            with self.subTest(body):
                response = self.attack(answer(CHUNKED, body))
                self.assertEqual((response.status, (response["Error-Fault"] or "").split(";")[0]),
                                 (502, "body-chunk-malformed"))

    LATER = (b"ZZ\r\nok\r\n", b"2\r\nokXX\r\n0\r\n\r\n", b"2\nok\r\n0\r\n\r\n", b"0\r\nX\r\n\r\n" + FORGED)

    def test_a_later_chunk_that_is_none_cuts_the_answer(self):
        for body in self.LATER:
            with self.subTest(body):
                go_on = threading.Event()

                def script(connection, _):
                    origin.read_request(connection)
                    connection.sendall(answer(CHUNKED, b"5\r\nhello\r\n"))
                    go_on.wait(30)
                    connection.sendall(body)
                    origin.read_request(connection)

                with RawOrigin(script) as origin, Proxy(yaml_for(origin.port)) as proxy, Client(proxy.port) as client:
                    self.assertEqual(client.send(request()).read_head().status, 200)
                    self.assertEqual(client._until(b"hello\r\n"), b"5\r\n")
                    go_on.set()
                    while client._more():
                        pass
                    self.assertIn(client.buffer, (b"", b"2\r\nok\r\n"))
                    self.assertEqual(proxy.wait_for_log()[0]["ended"], "SD")

    def test_a_later_chunk_that_is_none_and_came_with_the_head_cuts_it_too_or_is_a_502(self):
        for body in self.LATER:
            with self.subTest(body):
                response = self.attack(answer(CHUNKED, b"5\r\nhello\r\n" + body))
                # A head that was not sent yet can be taken back.
                self.assertIn((response.status, response.complete), ((200, False), (502, True)))
                self.assertNotIn(b"forged", response.body)
                if response.status == 200:
                    self.assertTrue(self.client.at_end())
                else:
                    self.assertNotIn(b"hello", response.body)

    def test_an_interim_response_ends_with_its_head(self):
        for body in (b"hello" + FORGED, b"2\r\nok\r\n0\r\n\r\n" + FORGED):
            response = self.attack(b"HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n" + body)
            self.assertEqual((response.interim, response.status), ([103], 502))

    def test_an_interim_response_and_no_more_is_not_asked_for_twice(self):
        response = self.attack(b"HTTP/1.1 103 Early Hints\r\n\r\n", close=True)
        self.assertEqual((response.interim, response.status), ([103], 502))
        self.assertEqual(response["Error-Fault"].split(";")[0], "resp-1xx-then-close")
        self.assertEqual(sum(b"/attack" in seen for seen in self.origin.requests), 1)

    def test_lines_that_look_like_heads_inside_a_body_are_body(self):
        response = self.attack(answer(b"Content-Length: %d\r\n" % len(FORGED), FORGED))
        self.assertEqual(response.body, FORGED)

    def test_two_clients_at_once_never_get_each_others_answers(self):
        def script(connection, _):
            while (seen := origin.read_request(connection)):
                path = seen.split(b" ")[1]
                extra = FORGED if b"x" in path else b""
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(path), path) + extra)

        wrong = []

        def ask(name):
            with Client(proxy.port) as client:
                for number in range(150):
                    path = f"/{name}{number}{'x' * (number % 3 == 0)}"
                    response = client.send(request(path)).read()
                    if response is None or response.body != path.encode():
                        wrong.append((path, response and response.body))
                        return

        with RawOrigin(script) as origin, Proxy(yaml_for(origin.port)) as proxy:
            threads = [threading.Thread(target=ask, args=(name,)) for name in "abcdef"]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertEqual(wrong, [])


class UnaskedBytes(unittest.TestCase):
    """What an origin says on a connection that nobody asked anything on."""

    def setUp(self):
        self.sockets = []

        def script(connection, _):
            self.sockets.append(connection)
            while (seen := self.origin.read_request(connection)):
                path = seen.split(b" ")[1]
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(path), path))

        self.origin = RawOrigin(script)
        self.addCleanup(self.origin.stop)
        self.proxy = Proxy(yaml_for(self.origin.port))
        self.addCleanup(self.proxy.stop)
        self.client = Client(self.proxy.port)
        self.addCleanup(self.client.close)
        self.assertEqual(self.client.send(request("/warm")).read().body, b"/warm")

    def test_end_the_connection_while_it_is_idle(self):
        for data in (FORGED, b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n", b"\r\n", b"x"):
            with self.subTest(data):
                before = self.origin.connections
                self.sockets[-1].sendall(data)
                # It is gone when a request of somebody else opens a new one.
                self.assertEqual(fetch(self.proxy.port, "/after").body, b"/after")
                wait_for(lambda: self.origin.connections > before, "a connection of its own")

    def check_at_the_same_moment(self, act, method="GET", body=b""):
        """A request and `act` arrive while the proxy sleeps: it wakes and finds both."""
        stat = f"/proc/{self.proxy.pid}/stat"
        self.proxy.signal(signal.SIGSTOP)
        wait_for(lambda: open(stat).read().rpartition(")")[2].split()[0] == "T", "the proxy to stop")
        self.client.send(request("/mine", method, body=body))
        act(self.sockets[-1])
        self.proxy.signal(signal.SIGCONT)
        response = self.client.read(method)
        self.assertEqual((response.status, response.body), (200, b"/mine"))

    def test_are_no_answer_to_a_request_that_comes_at_the_same_moment(self):
        self.check_at_the_same_moment(lambda socket: socket.sendall(FORGED))

    def test_are_no_answer_to_a_post_either(self):
        self.check_at_the_same_moment(lambda socket: socket.sendall(FORGED), "POST", b"body")

    def test_an_end_that_is_here_already_costs_a_post_nothing(self):
        self.check_at_the_same_moment(lambda socket: socket.shutdown(1), "POST", b"body")


if __name__ == "__main__":
    unittest.main()
