"""Errors of real origins through each `errors.body`: what the client sees, to the byte and the field."""

import collections
import json
import re
import unittest
from urllib.parse import quote, unquote

import augment_cases
from augment_cases import MEMBER, OF_BYTES, OURS, PANEL, PARAGRAPH, THEIRS
from harness import Client, Proxy, RawOrigin, fetch, request, wait_for, yaml_for

CASES = augment_cases.all_cases()
MODES = ("augment", "replace", "keep")
BROWSER = (("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), ("Accept-Language", "de"))
# A connection's own; and what we say in every error.
OTHERS = {"connection", "keep-alive", "transfer-encoding", "content-length", "date"}
SAID = {"proxy-status", "error-cause", "error-reporter", "error-cleared", "error-fault", "error-id"}
# Of a body that is not sent.
OF_BODY = {name.lower() for name, _ in OF_BYTES} | {
    "content-type", "content-language", "content-encoding", "content-disposition", "content-location",
    "content-security-policy"}
OURS_OF_BODY = {("content-type", "text/html; charset=utf-8"), ("content-language", "de"),
                ("vary", "Accept, Accept-Language")}


def becomes(name, mode):
    return {"augment": CASES[name][1], "replace": OURS, "keep": THEIRS}[mode]


def end_to_end(response):
    """How often each (name, value) stands."""
    return collections.Counter((name.lower(), value) for name, value in response.fields
                               if name.lower() not in OTHERS | SAID)


def answer(connection, _):
    """The case that the path names; of a HEAD its head."""
    asked = origin.read_request(connection)
    method, path, _ = asked.decode().split(" ", 2)
    head, blank, body = CASES[unquote(path[1:])][0].partition(b"\r\n\r\n")
    connection.sendall(head + blank + (b"" if method == "HEAD" else body))


origin = RawOrigin(answer)


class Modes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.enterClassContext(origin)
        cls.proxies = {mode: cls.enterClassContext(Proxy(yaml_for(origin.port, errors=f"body: {mode}")))
                       for mode in MODES}

    def ask(self, mode, name):
        """The answer, that of a HEAD, and the answer's log line."""
        proxy = self.proxies[mode]
        path = "/" + quote(name)
        with Client(proxy.port) as client:
            # On one connection: framing that is wrong by a byte spoils the second answer.
            got = client.send(request(path, fields=BROWSER)).read()
            again = client.send(request(path, fields=BROWSER)).read()
            head = client.send(request(path, "HEAD", fields=(*BROWSER, ("Connection", "close")))).read("HEAD")
            self.assertTrue(client.at_end())
        for each in (got, again):
            self.assertTrue(each.complete)
        self.assertEqual(end_to_end(got), end_to_end(again))
        said = got["Error-Id"].strip('"')
        return got, head, wait_for(lambda: [line for line in proxy.log() if line["error_id"] == said], "its line")[0]

    def check_each(self, check, wanted):
        """check(the answer, theirs, its log line) of each case and mode whose body becomes `wanted`."""
        checked = 0
        for name in CASES:
            theirs = fetch(origin.port, "/" + quote(name))
            for mode in MODES:
                if becomes(name, mode) != wanted:
                    continue
                with self.subTest(name, mode=mode):
                    got, _, line = self.ask(mode, name)
                    self.assertEqual((got.status, got.reason), (theirs.status, theirs.reason))
                    for field in ("Error-Fault", "Error-Id", "Proxy-Status"):
                        self.assertIsNotNone(got[field])
                    check(got, theirs, line)
                    checked += 1
        return checked

    def check_added(self, got, theirs, at, added):
        """`added`, which matches what stands at `at` in theirs, and nothing else; fields of bytes are gone."""
        self.assertEqual(got.body[:at], theirs.body[:at])
        rest = theirs.body[at:]
        self.assertTrue(got.body.endswith(rest))
        middle = got.body[at:len(got.body) - len(rest)].decode("ascii")
        self.assertRegex(middle, re.compile(rf"\A{added}\Z", re.S))
        self.assertIn(got["Error-Id"].strip('"'), middle)
        self.assertEqual(int(got["Content-Length"]), len(got.body))
        of_bytes = {name.lower() for name, _ in OF_BYTES}
        return {each: count for each, count in end_to_end(theirs).items() if each[0] not in of_bytes}

    def test_theirs_is_untouched(self):
        def check(got, theirs, line):
            self.assertEqual(got.body, theirs.body)
            self.assertEqual(got["Content-Length"], theirs["Content-Length"])
            self.assertEqual(end_to_end(got), end_to_end(theirs))
            self.assertNotIn("upstream_body", line)
        self.assertGreater(self.check_each(check, THEIRS), len(CASES))

    def test_ours_says_all_and_loses_nothing(self):
        def check(got, theirs, line):
            self.assertTrue(got.body.startswith(b"<!DOCTYPE html>\n<html lang=\"de\">"), got.body[:40])
            self.assertTrue(got.body.endswith(b"</html>\n"))
            self.assertEqual(int(got["Content-Length"]), len(got.body))
            fields = end_to_end(got)
            policies = [value for name, value in fields if name == "content-security-policy"]
            self.assertEqual(len(policies), 1)
            self.assertIn("style-src 'sha256-", policies[0])
            del fields["content-security-policy", policies[0]]
            self.assertEqual(fields, collections.Counter(
                {each: count for each, count in end_to_end(theirs).items() if each[0] not in OF_BODY} |
                dict.fromkeys(OURS_OF_BODY, 1)))
            self.assertEqual(line.get("upstream_body", ""), shown(theirs.body[:1024]))
        self.assertGreater(self.check_each(check, OURS), len(CASES))

    def test_a_panel_stands_before_the_end_of_the_page(self):
        def check(got, theirs, line):
            body_end = theirs.body.rfind(b"</body>")
            at = body_end if body_end >= 0 else len(theirs.body)
            kept = self.check_added(got, theirs, at, r'<aside lang="de" dir="ltr"[^<>]*>\n.*</aside>\n')
            self.assertEqual(end_to_end(got), collections.Counter(kept | {("vary", "Accept-Language"): 1}))
            self.assertEqual(got.body.count(b"</aside>"), 1 + theirs.body.count(b"</aside>"))
            self.assertEqual(b" style=" in got.body[at:], theirs["Content-Security-Policy"] is None)
            self.assertNotIn("upstream_body", line)
        self.assertGreaterEqual(self.check_each(check, PANEL), 8)

    def test_a_member_stands_last_in_the_object(self):
        def check(got, theirs, line):
            kept = self.check_added(got, theirs, theirs.body.rstrip().rfind(b"}"), r',"error_hops":\{.*\}')
            self.assertEqual(end_to_end(got), collections.Counter(kept))
            said = got.json()
            hops = said.pop("error_hops")
            self.assertEqual(said, json.loads(theirs.body))
            self.assertEqual([hops["error_id"], hops["row"]], [got["Error-Id"].strip('"'), line["row"]])
            self.assertEqual(", ".join(hops["cause"]), got["Error-Cause"] or "")
        self.assertEqual(self.check_each(check, MEMBER), 2)

    def test_a_paragraph_stands_behind_the_text(self):
        def check(got, theirs, line):
            kept = self.check_added(got, theirs, len(theirs.body), r"\n\n?\d{3} .*\n")
            self.assertEqual(end_to_end(got), collections.Counter(kept))
            self.assertIn(f"\nCause: {got['Error-Cause']}\n".encode(), got.body)
        self.assertGreaterEqual(self.check_each(check, PARAGRAPH), 3)

    def test_a_head_says_nothing_that_a_get_does_not(self):
        """RFC 9110, section 9.3.2: what is only known of the body may be left out, and must not be wrong."""
        for mode in MODES:
            for name in CASES:
                with self.subTest(name, mode=mode):
                    got, head, _ = self.ask(mode, name)
                    self.assertEqual((head.status, head.body), (got.status, b""))
                    self.assertIn(head["Content-Length"], (None, got["Content-Length"]))
                    for field, _ in OF_BYTES:
                        self.assertIn(head[field], (None, got[field]), field)
                    if mode == "keep":
                        self.assertEqual(head["Content-Length"], got["Content-Length"])
                        self.assertEqual(end_to_end(head), end_to_end(got))


def shown(data):
    """As the log has bytes: those that are no UTF-8 by their number."""
    return re.sub(r"\\x[0-9a-f]{2}", lambda each: r"\x" + each[0][2:].upper(),
                  data.decode("utf-8", "backslashreplace"))


if __name__ == "__main__":
    unittest.main()
