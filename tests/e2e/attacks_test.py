"""Smuggling and splitting: what comes in, and the exact bytes that leave on the other side.

The cases are tables (attack_cases.py, answer_cases.py). Behind each attack, on the same connection, comes a
request that is well: it is served from its own bytes or not at all, and so is everybody else's.
"""

import re
import socket
import struct
import unittest

from answer_cases import SPOILED, TOLD, told
from attack_cases import CLOSED, FORWARDED, KEPT, REFUSED, RESET, SMUGGLED, STRICT_TARGETS, get
from harness import PATIENCE, Client, Proxy, fetch, request, yaml_for
from recorder import MessageReader, Recorder

OPERATORS = 'operators: ["127.0.0.0/8"]'
CASES = len(REFUSED) + len(FORWARDED) + len(SPOILED) + len(TOLD) + len(STRICT_TARGETS)
NEXT = request("/next")


def details(response):
    """What operators are told of an error."""
    found = re.search(r'details="((?:[^"\\]|\\.)*)"', response["Proxy-Status"] or "")
    return found[1] if found else ""


def read_all(client, mark=None):
    """All that comes up to `mark` or the end, and how that was."""
    data = b""
    try:
        while mark is None or not data.endswith(mark):
            more = client.socket.recv(65536)
            if not more:
                return data, CLOSED
            data += more
    except ConnectionResetError:
        return data, RESET
    return data, KEPT


def without_date(data):
    return re.sub(rb"\r\nDate: [^\r\n]*", rb"\r\nDate: NOW", data)


class Attacked(unittest.TestCase):
    def set_up(self, answer=None, **blocks):
        blocks = {"timeouts": "request_head: 3s, request_body: 3s, response_head: 3s, response_body: 3s",
                  "errors": OPERATORS} | blocks
        self.reader = MessageReader()
        self.addCleanup(self.reader.stop)
        self.origin = Recorder(answer)
        self.addCleanup(self.origin.stop)
        self.proxy = Proxy(yaml_for(self.origin.port, **blocks))
        self.addCleanup(self.proxy.stop)

    def barrier(self):
        """What reached the origin, once somebody else's request came through; and on which connection that did."""
        response = fetch(self.proxy.port, "/barrier")
        self.assertEqual((response.status, response.body), (200, b"/barrier"))
        requests, torn = self.origin.take()
        self.assertEqual(requests[-1].path, "/barrier")
        return requests[:-1], torn, requests[-1].connection


class Requests(Attacked):
    def check_refused(self, case):
        with Client(self.proxy.port) as client:
            try:
                client.send(case.raw + SMUGGLED)
            except OSError:
                pass  # it was refused already
            response = client.read()
            self.assertIsNotNone(response, "closed without an answer")
            self.assertEqual((response.status, response["Connection"], response.complete), (case.status, "close", True))
            self.assertEqual(details(response) if case.says else "", case.says)
            self.assertEqual((client.buffer, read_all(client)), (b"", (b"", CLOSED)))
        requests, torn, _ = self.barrier()
        self.assertEqual([seen.data for seen in requests], [])
        if len(case.raw) < 16384:  # which is all here before any of it is sent on
            self.assertEqual(torn, [])
        self.check_torn(torn)

    def check_torn(self, torn):
        """No reader takes what came for a whole request, nor finds another behind it."""
        for data in torn:
            message = self.reader.read("request", data)
            self.assertEqual((message["ours"]["outcome"], message["theirs"]["outcome"]), ("more", "more"), data)
            self.assertNotIn(b"smuggled", data)

    def test_what_is_open_to_two_readings_is_refused_and_no_origin_sees_a_byte_of_it(self):
        self.set_up()
        for case in REFUSED:
            with self.subTest(case.name):
                self.check_refused(case)

    def check_forwarded(self, case):
        before = self.barrier()[2]
        with Client(self.proxy.port) as client:
            client.send(case.raw + NEXT)
            answers = [client.read()]
            if case.client == KEPT:
                answers.append(client.read())
            else:
                self.assertEqual(read_all(client), (b"", case.client))
        self.assertEqual([answer.status for answer in answers], [200] * len(answers))
        requests, torn, after = self.barrier()
        made = re.compile(rb"\r\nX-Request-Id: [0-9A-Z]{26}\r\n")
        instance = re.compile(rb"whichhop \([0-9a-f]{8}\)")
        sent = instance.sub(b"whichhop (ID)", requests[0].data)
        self.assertEqual(made.sub(b"\r\nX-Request-Id: ID\r\n", sent), case.expected())
        self.assertEqual(([seen.path for seen in requests[1:]], torn), (["/next"][:len(answers) - 1], []))
        self.assertEqual(answers[-1].body.decode(), requests[-1].path)
        # Nothing is left on it: everybody else may have it next.
        self.assertEqual({before, after}, {before} | {seen.connection for seen in requests})

    def test_what_has_one_reading_is_forwarded_in_one_form(self):
        self.set_up()
        for case in FORWARDED:
            with self.subTest(case.name):
                self.check_forwarded(case)

    def test_strict_query_refuses_escapes_that_are_none_at_their_byte(self):
        self.set_up(limits="strict_query: true")
        for target, byte in STRICT_TARGETS.items():
            raw = get(line=b"GET " + target + b" HTTP/1.1\r\n")
            with self.subTest(target), Client(self.proxy.port) as client:
                response = client.send(raw + (SMUGGLED if byte else b"")).read()
                says = f"a percent sign in the request target lacks its two hex digits at byte {byte}"
                expected = (200, "") if byte is None else (400, says)
                self.assertEqual((response.status, details(response)), expected)
                self.assertEqual(len(self.barrier()[0]) == 0, byte is not None)

    def test_octets_outside_of_printable_ascii_are_refused_in_targets_always(self):
        self.set_up()
        for octet in [*range(0x21), *range(0x7f, 0x100)]:
            for target in (b"/a%c", b"/a?b%cc", b"http://a.example/%c"):
                raw = get(line=b"GET " + target % octet + b" HTTP/1.1\r\n")
                with self.subTest(target=target, octet=octet), Client(self.proxy.port) as client:
                    response = client.send(raw).read()
                    self.assertEqual((response.status, response["Connection"]), (400, "close"))
        self.assertEqual(self.barrier()[:2], ([], []))

    def test_a_request_that_is_cut_anywhere_is_never_made_whole(self):
        self.set_up()
        for raw in (b"POST /cut HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
                    b"POST /cut HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n"):
            for place in range(len(raw)):
                for how in ("fin", "rst"):
                    with self.subTest(place=place, how=how), Client(self.proxy.port) as client:
                        client.send(raw[:place])
                        if how == "fin":
                            client.socket.shutdown(socket.SHUT_WR)
                            read_all(client)
                        else:
                            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                requests, torn, _ = self.barrier()
                self.assertEqual(requests, [], place)
                self.check_torn(torn)


class Responses(Attacked):
    """The origin answers /attack with the case's bytes, and everything else well."""

    def setUp(self):
        self.set_up(self.answer)

    def answer(self, seen, connection):
        if seen.path != "/attack":
            return Recorder.echo(seen, connection)
        connection.sendall(self.case.raw)
        then = getattr(self.case, "then", "")
        if then == "rst":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return not then

    def test_an_answer_that_can_not_be_trusted_is_a_502_that_says_why(self):
        for self.case in SPOILED:
            with self.subTest(self.case.name):
                self.check_spoiled(self.case)

    def check_spoiled(self, case):
        with Client(self.proxy.port) as client:
            client.send(request("/attack") + NEXT)
            response = client.read()
            self.assertEqual((response.status, response.complete), (502, True))
            self.assertEqual(response["Error-Fault"].split(";")[0], case.fault)
            self.assertIn(case.says, details(response))
            for stolen in (b"forged", b"Set-Cookie", b"smuggled"):
                self.assertNotIn(stolen, response.body)
            self.assertIsNone(response["Set-Cookie"])
            self.assertEqual(client.read().body, b"/next")
            self.assertEqual(client.buffer, b"")
        self.check_connection(CLOSED)

    def check_connection(self, upstream):
        """The attack's connection to the origin is what it should be, and nobody gets another's answer."""
        requests, torn, after = self.barrier()
        self.assertEqual((requests[0].path, torn), ("/attack", []))
        attacked = requests[0].connection
        others = {seen.connection for seen in requests[1:]} | {after}
        if upstream == KEPT:
            self.assertEqual(others, {attacked})
        else:
            self.assertNotIn(attacked, others)
            self.assertIsNotNone(self.origin.wait_for_end(attacked, PATIENCE))

    def test_an_answer_that_has_one_reading_is_passed_on_in_one_form(self):
        for self.case in TOLD:
            with self.subTest(self.case.name):
                self.check_told(self.case)

    def check_told(self, case):
        after = told(framing=(b"Content-Length: 5",), body=b"/next") if case.client == KEPT else b""
        with Client(self.proxy.port) as client:
            client.send(request("/attack", case.method, version=case.version) + NEXT)
            data, end = read_all(client, b"/next" if after else None)
        whole = case.seen + after
        if case.client == RESET:  # which may overtake what was sent before it
            whole = whole[:len(without_date(data))]
        self.assertEqual((without_date(data), end), (whole, case.client))
        self.check_connection(case.upstream)

    def test_a_response_that_is_cut_anywhere_is_never_made_whole(self):
        for raw in (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
                    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n",
                    b"HTTP/1.1 200 OK\r\nX: y\r\n\r\nhello"):
            for place in range(len(raw)):
                for then in ("fin", "rst"):
                    for version in ("1.0", "1.1"):
                        with self.subTest(raw=raw[:place], then=then, version=version):
                            self.check_cut(raw, place, then, version)

    def check_cut(self, raw, place, then, version):
        self.case = type("Cut", (), {"raw": raw[:place], "then": then})
        with Client(self.proxy.port) as client:
            client.send(request("/attack", fields=[("Connection", "close")], version=version))
            data, end = read_all(client)
        if not data:
            return self.assertEqual(end, RESET)
        status = int(data.split(b" ", 2)[1])
        head_end = raw.find(b"\r\n\r\n") + 4
        until_end = b"Content-Length" not in raw and b"chunked" not in raw
        if place < head_end:
            self.assertEqual(status, 502)
        elif until_end and then == "fin":
            self.assertEqual(status, 200)  # the end is the end: whoever sends so can't be told from a cut
        elif status == 200:
            message = self.reader.read("response", data)
            whole = message["theirs"]["outcome"] == "whole" and end == CLOSED
            self.assertFalse(whole, data)
            self.assertIn(message["ours"]["outcome"], ("more", "whole") if end == RESET else ("more",))


class Tables(unittest.TestCase):
    def setUp(self):
        self.reader = MessageReader()
        self.addCleanup(self.reader.stop)

    def check_read(self, side, data, method="GET"):
        """llhttp reads it as we do, or differs for a reason that is listed."""
        message = self.reader.read(side, data, method)
        self.assertNotEqual(message["comparison"], "UNLISTED", (data, message))
        return message["ours"]["outcome"], message["theirs"]["outcome"]

    def test_llhttp_reads_every_case_as_we_do_or_less_strictly(self):
        for case in REFUSED:
            with self.subTest(case.name):
                # The last ones are whole, and refused for what they ask.
                self.assertIn(self.check_read("request", case.raw)[0], ("refused", "more") if case.says else ("whole", "more"))
        for case in FORWARDED:
            with self.subTest(case.name):
                self.assertEqual(self.check_read("request", case.raw)[0], "whole")
        for case in SPOILED:
            with self.subTest(case.name):
                self.check_read("response", case.raw)
        for case in TOLD:
            with self.subTest(case.name):
                self.check_read("response", case.raw, case.method)

    def test_what_leaves_has_one_reading(self):
        for case in FORWARDED:
            with self.subTest(case.name):
                data = case.expected()
                message = self.reader.read("request", data)
                # HTTP/1.0 needs no Host, and then there is none to tell.
                self.assertIn(message["comparison"], ("agree", "unknown method") if case.host else ("Host is no host",))
                self.assertEqual(message["ours"]["bytes"], len(data) if case.host else 0)

    def test_the_cases_are_many_and_each_has_a_name(self):
        print(f"{CASES} cases: {len(REFUSED)} requests refused, {len(FORWARDED)} forwarded, "
              f"{len(STRICT_TARGETS)} targets; {len(SPOILED)} answers refused, {len(TOLD)} passed on")
        self.assertGreaterEqual(CASES, 150)
        for table in (REFUSED, FORWARDED, SPOILED, TOLD):
            self.assertEqual(len({case.name for case in table}), len(table))


if __name__ == "__main__":
    unittest.main()
