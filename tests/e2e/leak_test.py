"""What the public may never see, over every fault, every kind of body and every part of an answer.

Answers are searched as the bytes that came: head, body, and the trailers behind it. Each fault's log
line says what was known of it: none of that may stand in what the public gets, and all of it has to
stand in what an operator gets.
"""

import contextlib
import errno
import html
import itertools
import os
import re
import tempfile
import unittest

import fault_table
import tls_client_table
import tls_fault_table
import verdict
from harness import Client, Origin, Proxy, RawOrigin, free_port, request, wait_for
from nameserver import NXDOMAIN, Nameserver
from tls_certificates import NAME, OTHER, Certificates

KINDS = {"html": "text/html", "json": "application/json", "problem": "application/problem+json",
         "text": "text/plain"}
OPERATORS = 'operators: ["127.0.0.0/8"]'
# A few are words of people too: "Success", "File exists".
ERRNO_TEXTS = {os.strerror(number) for name, number in vars(errno).items()
               if re.match("E(CONN|NET|HOST|PIPE|PROTO|NOENT|ACCES|ADDR|TIMED|M?FILE|AFNO)", name)}
SECRETS = {"127.0.0.1", "::1", "next-hop", "details=", '"evidence"', 'id="evidence"', "Evidence:",
           "masked=", "CN=", "CN =", "depth ", "notAfter", "SNI", "verify ", "first bytes",
           "internal.test", "OpenSSL", "errno"} | ERRNO_TEXTS


def raw(client):
    """All that comes until the end."""
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while more := client.socket.recv(65536):
            data += more
    return data.decode("latin-1")


def asking(data, kind):
    """The same bytes, whose head (where it has one) also wants that kind of body, and the end."""
    more = f"\r\nAccept: {KINDS[kind]}\r\nConnection: close\r\n\r\n".encode()
    return data.replace(b"\r\n\r\n", more, 1)


def fields_of(text, name):
    return re.findall(rf"(?mi)^{name}: (.*?)\r$", text)


def error_id(text):
    return fields_of(text, "error-id")[0].strip('"')


def ask_each_kind(test, proxy, cases):
    """{(kind, case): all that came}: all at once, for many wait for their timeouts."""
    clients = {}
    for kind, case in itertools.product(KINDS, cases):
        client = clients[kind, case] = test.enterClassContext(Client(proxy.port))
        client.send(asking(case.request("*/*").replace(b"Accept: */*\r\n", b""), kind))
    return {key: raw(client) for key, client in clients.items()}


def lines_of(proxy, answers):
    """The log's line on each answer; those without a status have none to look for."""
    return {key: verdict.logged(proxy, error_id=error_id(text))
            for key, text in answers.items() if fields_of(text, "error-id")}


def assert_shown(test, text, evidence):
    """Each kind escapes in its own way: bytes that are no text are left out."""
    text = html.unescape(text.replace('\\"', '"').replace("\\\\", "\\"))
    for sentence in evidence:
        for part in re.split(r"(?:[\x00-\x1f\x7f]|\\x[0-9A-F]{2}.?)+", sentence):
            test.assertIn(part.replace("\\\\", "\\"), text)


class Leaks:
    """For a TestCase that has met its faults: `public` and `operators` are
    {(kind, case): all that came}, `lines` and `operator_lines` the log's lines on them."""

    secrets = frozenset()

    def assert_hidden(self, text, secrets):
        for secret in secrets:
            self.assertNotIn(secret, text)

    def test_every_kind_of_body_is_met(self):
        met = {fields_of(text, "content-type")[0].split(";")[0]
               for text in self.public.values() if fields_of(text, "content-type")}
        self.assertLessEqual({"text/html", "application/problem+json", "text/plain"}, met)

    def test_the_public_sees_no_address_path_version_name_or_errno(self):
        for (kind, case), text in self.public.items():
            with self.subTest(kind=kind, case=case.name):
                self.assert_hidden(text, SECRETS | self.secrets)

    def test_the_public_sees_no_sentence_of_the_evidence(self):
        for (kind, case), line in self.lines.items():
            with self.subTest(kind=kind, case=case.name):
                self.assertTrue(line["evidence"])
                text = html.unescape(self.public[kind, case])
                self.assert_hidden(text, line["evidence"])

    def test_the_public_sees_no_address_of_the_attempts(self):
        for (kind, case), line in self.lines.items():
            with self.subTest(kind=kind, case=case.name):
                addresses = {attempt["address"] for attempt in line.get("attempts", ())}
                self.assert_hidden(self.public[kind, case], addresses)

    def test_operators_see_all_of_the_evidence_in_each_kind(self):
        for (kind, case), line in self.operator_lines.items():
            with self.subTest(kind=kind, case=case.name):
                assert_shown(self, self.operators[kind, case], line["evidence"])


class Faults(Leaks, unittest.TestCase):
    """All that fault_table.py has: upstreams, clients, decisions."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        ports = {}
        for case in fault_table.UPSTREAM + fault_table.SLOW + fault_table.UPLOAD:
            options = [case.listener] if case.listener else []
            ports[case.name] = cls.enterClassContext(Origin(*options)).port
        cls.secrets = {f":{port}" for port in ports.values()}

        def meet(errors):
            proxy = cls.enterClassContext(
                Proxy(fault_table.configuration(ports, "cdn", "edge", errors)))
            answers = ask_each_kind(cls, proxy, fault_table.ALL)
            return answers, lines_of(proxy, answers)

        cls.public, cls.lines = meet("")
        cls.operators, cls.operator_lines = meet(OPERATORS)


class TlsUpstreams(Leaks, unittest.TestCase):
    """All that tls_fault_table.py has."""

    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="whichhop-tls-"))
        certificates = Certificates(folder)
        cls.secrets = {folder, NAME, OTHER, "authority"}
        ports = {case.name: cls.enterClassContext(case.peer(certificates)).port
                 for case in tls_fault_table.ALL}

        def meet(errors):
            proxy = cls.enterClassContext(Proxy(tls_fault_table.configuration(
                ports, certificates, "cdn", "edge", errors)))
            answers = ask_each_kind(cls, proxy, tls_fault_table.ALL)
            return answers, lines_of(proxy, answers)

        cls.public, cls.lines = meet("")
        cls.operators, cls.operator_lines = meet(OPERATORS)


class TlsClients(unittest.TestCase):
    """All that tls_client_table.py has; its clients want no kind of body."""

    def test_the_public_sees_nothing_of_a_certificate(self):
        folder = self.enterContext(tempfile.TemporaryDirectory(prefix="whichhop-tls-"))
        certificates = Certificates(folder)
        proxy = self.enterContext(
            Proxy(tls_client_table.configuration(certificates, "cdn", "edge")))
        for case, answer, line in tls_client_table.meet_all(proxy, certificates):
            if answer is None:
                continue
            with self.subTest(case=case.name):
                text = str(answer.fields) + answer.body.decode()
                for secret in SECRETS | {folder, NAME, OTHER, *line["evidence"]}:
                    self.assertNotIn(secret, text)


class Elsewhere(unittest.TestCase):
    """Faults whose secrets are no addresses: a socket's path, a name, who is down."""

    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="whichhop-leak-"))
        nameserver = self.enterContext(Nameserver(NXDOMAIN))
        self.yaml = (
            'listen: ["127.0.0.1:0"]\n'
            f'node: {{name: here, workers: 1, resolvers: ["127.0.0.1:{nameserver.port}"]}}\n'
            "upstreams:\n"
            f'  path: {{servers: ["unix:{self.folder}/app.sock"]}}\n'
            '  name: {servers: ["app.internal.test:8000"]}\n'
            f'  down: {{servers: ["127.0.0.1:{free_port()}"],\n'
            "    health_check: {path: /, interval: 100ms, unhealthy: 1}}\n"
            f'  ejected: {{servers: ["127.0.0.1:{free_port()}"],\n'
            "    eject: {consecutive_faults: 1, for: 1m}}\n"
            "routes:\n" + "".join(f"  - {{host: {name}.test, upstream: {name}}}\n"
                                  for name in ("path", "name", "down", "ejected")))

    def meet(self, errors=""):
        """(kind, all that came, log line) of each."""
        proxy = self.enterContext(Proxy(self.yaml + (f"errors: {{{errors}}}\n" if errors else "")))

        def ask(host, kind):
            with Client(proxy.port) as client:
                text = raw(client.send(asking(request(host=host), kind)))
            return kind, text, verdict.logged(proxy, error_id=error_id(text))
        wait_for(lambda: ask("down.test", "text")[2]["fault"] == "backend-all-down", "no server")
        ask("ejected.test", "text")
        return [ask(f"{name}.test", kind) for name in ("path", "name", "down", "ejected")
                for kind in KINDS]

    def test_the_public_sees_none_of_them(self):
        faults = set()
        for kind, text, line in self.meet():
            faults.add(line["fault"])
            with self.subTest(kind=kind, fault=line["fault"]):
                for secret in SECRETS | {self.folder, "app.sock", "internal", *line["evidence"]}:
                    self.assertNotIn(secret, html.unescape(text))
        self.assertIn("backend-all-down", faults)
        self.assertGreaterEqual(len(faults), 3)

    def test_operators_see_them_all(self):
        for kind, text, line in self.meet(OPERATORS):
            with self.subTest(kind=kind, fault=line["fault"]):
                assert_shown(self, text, line["evidence"])


class Relayed(unittest.TestCase):
    """Errors of others, whose members tell of addresses; in the head and behind the body."""

    STATUSES = [400, 401, 403, 404, 405, 407, 408, 410, 413, 414, 421, 429, 431, 451, 499,
                500, 501, 502, 503, 504, 505, 511, 520, 521, 522, 523, 524, 525, 526, 530, 599]
    MEMBER = 'inner; error=connection_refused; next-hop="10.9.8.7:8000"; details="db.internal"'
    BODIES = {"text/html": b"<html><body>their page</body></html>",
              "application/json": b'{"theirs": 1}', "text/plain": b"their words\n",
              "application/octet-stream": b"\x01\x02", "": b""}
    SECRETS = SECRETS | {"10.9.8.7", "db.internal", "forged"}

    def script(self, connection, _):
        head = self.origin.read_request(connection)
        status, number = map(int, re.match(rb"GET /(\d+)/(\d+)", head).groups())
        kind, body = list(self.BODIES.items())[number]
        connection.sendall(
            f"HTTP/1.1 {status} Theirs\r\nTransfer-Encoding: chunked\r\n"
            f"Proxy-Status: {self.MEMBER}\r\nError-Cause: forged\r\n"
            f"{'Content-Type: ' + kind if kind else 'X: y'}\r\n\r\n".encode()
            + (b"%x\r\n%s\r\n" % (len(body), body) if body else b"")
            + f"0\r\nProxy-Status: {self.MEMBER}\r\nError-Id: forged\r\n\r\n".encode())

    def meet(self, errors):
        """(status, log line, all that came) of each."""
        self.origin = self.enterContext(RawOrigin(self.script))
        proxy = self.enterContext(Proxy(
            'listen: ["127.0.0.1:0"]\nnode: {name: here, workers: 1}\n'
            f"errors: {{{errors}}}\nupstreams:\n"
            f'  app: {{servers: ["127.0.0.1:{self.origin.port}"], believe: true}}\n'
            "routes:\n  - {upstream: app}\n"))
        for status in self.STATUSES:
            for number, kind in itertools.product(range(len(self.BODIES)), KINDS):
                with Client(proxy.port) as client:
                    client.send(asking(request(f"/{status}/{number}"), kind))
                    yield status, kind, raw(client)

    def test_the_public_sees_no_address_whatever_becomes_of_the_body(self):
        for policy in ("augment", "replace", "keep"):
            for status, kind, text in self.meet(f"body: {policy}"):
                with self.subTest(policy=policy, status=status, kind=kind):
                    self.assertIn("Proxy-Status: inner; error=connection_refused", text)
                    for secret in self.SECRETS:
                        self.assertNotIn(secret, text)

    def test_operators_see_the_members_whole(self):
        for status, kind, text in self.meet(f"body: replace, {OPERATORS}"):
            with self.subTest(status=status, kind=kind):
                self.assertIn('next-hop="10.9.8.7:8000"', text)
                self.assertIn('details="db.internal"', text)
                self.assertNotIn("Error-Cause: forged", text)
                self.assertNotIn("Error-Id: forged", text)


if __name__ == "__main__":
    unittest.main()
