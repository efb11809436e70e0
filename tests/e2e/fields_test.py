"""What the header fields and the log say, read by parsers that are not ours."""

import json
import os
import re
import subprocess
import unittest
from urllib.parse import quote

import fault_table
import verdict
from documented import HOPS, STATUSES, UNDOCUMENTED
from harness import Client, Origin, Proxy, fetch, origin_answering, request, yaml_for

HERE = os.path.dirname(os.path.abspath(__file__))
OURS = ["Error-Cause", "Error-Reporter", "Error-Cleared", "Error-Fault", "Error-Id"]
KINDS = {"Proxy-Status": "list", "Error-Cause": "list", "Error-Reporter": "list",
         "Error-Cleared": "list", "Error-Fault": "item", "Error-Id": "item"}
ULID = "[0-7][0-9A-HJKMNP-TV-Z]{25}"


class Oracle:
    """npm's structured-headers, in one process of node."""

    def __init__(self):
        if not os.path.isdir(os.path.join(HERE, "node_modules", "structured-headers")):
            raise AssertionError("structured-headers is not installed: npm ci --prefix tests/e2e")
        self.node = subprocess.Popen(["node", os.path.join(HERE, "structured_fields.mjs")],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def parse(self, kind, value):
        """The parsed field; AssertionError if it is none."""
        print(json.dumps({"kind": kind, "value": value}), file=self.node.stdin, flush=True)
        answer = json.loads(self.node.stdout.readline())
        assert "error" not in answer, f"{value!r}: {answer['error']}"
        return answer["value"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.node.communicate()


class FieldsTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.oracle = cls.enterClassContext(Oracle())
        cls.origin = cls.enterClassContext(Origin())

    def proxy(self, name="here", origin=None, **blocks):
        port = (origin or self.origin).port
        return self.enterContext(Proxy(yaml_for(port, node=f"name: {json.dumps(name)}", **blocks)))

    def parsed(self, response, name):
        """A field of an answer, read by the oracle; several lines are one value."""
        values = response.all(name)
        return self.oracle.parse(KINDS[name], ", ".join(values)) if values else None

    def members(self, response):
        return self.parsed(response, "Proxy-Status") or []


def status_with(status, *fields):
    """A target that is answered by this status and these "Name:value" fields."""
    return f"/status/{status}?" + "&".join("field=" + quote(field, safe="") for field in fields)


class Syntax(FieldsTest):
    TOKENS = ["here", "edge-1", "edge|1", "*", "*edge", "E.d_g~e", "a!#$%&'*+-.^_`|~9"]
    STRINGS = ["1edge", "9", "-edge", "|edge", "!", "'q'", "_", "~tilde", "1a!#$%&'*+-.^_`|~"]

    def assert_well_formed(self, response):
        for name in KINDS:
            self.assertLessEqual(len(response.all(name)), 1, name)
        for name in ("Error-Cause", "Error-Reporter", "Error-Cleared"):
            for bare, parameters in self.parsed(response, name) or []:
                self.assertIn(bare["token"], HOPS)
                self.assertEqual(parameters, [])
        self.assert_a_fault(*self.parsed(response, "Error-Fault"))
        bare, parameters = self.parsed(response, "Error-Id")
        self.assertRegex(bare["string"], f"^{ULID}$")
        self.assertEqual(parameters, [])

    def assert_a_fault(self, bare, parameters):
        self.assertRegex(bare["token"], "^[a-z][a-z0-9-]*$")
        self.assertEqual([key for key, _ in parameters if key not in ("row", "basis")], [])
        parameters = dict(parameters)
        self.assertIn(parameters["basis"]["token"],
                      ("observed", "claimed", "inferred", "documented"))
        if "row" in parameters:
            self.assertRegex(parameters["row"]["string"], r"^\d{3}[ABC]?( \d{3}[ABC])*$")

    def test_every_relayed_status_is_said_in_structured_fields(self):
        with Client(self.proxy().port) as client:
            for status in STATUSES + UNDOCUMENTED:
                with self.subTest(status=status):
                    client.send(request(f"/status/{status}"))
                    response = client.read()
                    self.assert_well_formed(response)
                    [(bare, parameters)] = self.members(response)
                    self.assertEqual(bare, {"token": "here"})
                    self.assertIn(["received-status", {"number": status}], parameters)

    def test_every_fault_is_said_in_structured_fields(self):
        ports = {case.name: self.enterContext(Origin(*([case.listener] if case.listener else [])))
                 .port for case in fault_table.UPSTREAM + fault_table.UPLOAD}
        for details in ("nobody", "everyone"):
            yaml = fault_table.configuration(ports, "cdn", "edge", f"details: {details}")
            proxy = self.enterContext(Proxy(yaml))
            cases = [case for case in fault_table.ALL if not case.cut]
            cases = [case for case in cases if case not in fault_table.SLOW]
            clients = [self.enterContext(Client(proxy.port)).send(case.request("*/*"))
                       for case in cases]
            for case, client in zip(cases, clients):
                with self.subTest(case=case.name, details=details):
                    response = client.read()
                    self.assert_well_formed(response)
                    self.assert_an_error_of_ours(response, case.error)

    def assert_an_error_of_ours(self, response, error):
        kinds = {"error": "token", "next-hop": "string", "next-protocol": "token",
                 "received-status": "number", "status-code": "number", "details": "string",
                 "header-section-size": "number", "coding": "token"}
        [(bare, parameters)] = self.members(response)
        self.assertEqual(bare, {"token": "here"})
        self.assertEqual(dict(parameters)["error"], {"token": error})
        for key, value in parameters:
            self.assertIn(kinds[key], value, key)
            if "string" in value:
                self.assertTrue(value["string"].isascii())

    def test_a_name_is_a_token_where_it_can_be_one_else_a_string(self):
        for kind, names in (("token", self.TOKENS), ("string", self.STRINGS)):
            for name in names:
                with self.subTest(name=name):
                    proxy = self.proxy(name)
                    for target in ("/status/502", "/fault/empty"):
                        [(bare, _)] = self.members(fetch(proxy.port, target))
                        self.assertEqual(bare, {kind: name})


class ProxyStatus(FieldsTest):
    STATUSES = (200, 204, 304, 404, 502)
    KEPT = [
        "nginx-inner; error=connection_refused",
        '"a string"; error=dns_error; rcode="NXDOMAIN"',
        'a, "b c", d; received-status=502',
        "Here", "heRe; error=x", "here2", '"here "', "*here",
        'a; i=-12; d=1.5; s="q\\"\\\\"; t=*t/x:y; b=:aGk=:; y; n=?0',
        "a;b;c=1,d", "a;  b", "a\t,\tb",
    ]
    MALFORMED = ["a;", "a ;b", "a,", ",", "a b", '"open', '"bad\\escape"', "a; B=1", "a; =1",
                 "a; x=",
                 "a; x=@1.5", "a; x=:no base64:", "a; x=1.", "a; x=1234567890123456", "a; x=?2",
                 "{a}", "\xe4", '"\xe4"', "a=b; error=x", "(a", 'a; x="1" "2"']
    FORGED = ["here", "here; error=http_request_error", '"here"; error=x', "a, here; error=x, b",
              'here;x, "here";y, here', 'here; x="a, b"']

    def answers(self, *fields, name="here"):
        proxy = self.proxy(name)
        return [(status, fetch(proxy.port, status_with(status, *fields)))
                for status in self.STATUSES]

    def assert_ours_is_last(self, status, members, name="here"):
        """Takes our member, which errors alone have, and gives back the others."""
        if status < 400:
            return members
        *others, (bare, parameters) = members
        self.assertIn(name, bare.values())
        self.assertEqual(parameters, [["received-status", {"number": status}]])
        return others

    def test_members_of_others_are_kept_in_their_order_before_ours(self):
        for value in self.KEPT:
            expected = self.oracle.parse("list", value)
            for status, response in self.answers(f"Proxy-Status:{value}"):
                with self.subTest(value=value, status=status):
                    self.assertEqual(
                        self.assert_ours_is_last(status, self.members(response)), expected)

    def test_several_lines_are_one_list(self):
        for status, response in self.answers(*(f"Proxy-Status:{value}" for value in "abc")):
            with self.subTest(status=status):
                others = self.assert_ours_is_last(status, self.members(response))
                self.assertEqual([bare["token"] for bare, _ in others], ["a", "b", "c"])

    def test_a_malformed_value_is_dropped_and_does_not_spoil_ours(self):
        for value in self.MALFORMED:
            for status, response in self.answers(f"Proxy-Status:{value}"):
                with self.subTest(value=value, status=status):
                    others = self.assert_ours_is_last(status, self.members(response))
                    self.assertEqual(others, [])

    def test_nobody_else_speaks_in_our_name(self):
        for name in ("here", "1edge"):
            for value in self.FORGED:
                if name != "here":
                    value = value.replace('"here"', '"1edge"').replace("here", '"1edge"')
                    value = value.replace('""1edge""', '"1edge"')
                for status, response in self.answers(f"Proxy-Status:{value}", name=name):
                    with self.subTest(value=value, status=status):
                        others = self.assert_ours_is_last(status, self.members(response), name)
                        self.assertNotIn(name, [list(bare.values())[0] for bare, _ in others])
                        if value.startswith("a, "):
                            self.assertEqual([bare for bare, _ in others],
                                             [{"token": "a"}, {"token": "b"}])

    def test_the_public_learns_no_address_from_the_members_of_others(self):
        value = ('inner; error=connection_refused; next-hop="10.0.0.5:8000"; x=1; '
                 'details="10.0.0.5 refused", far; next-hop=db.internal')
        for status, response in self.answers(f"Proxy-Status:{value}"):
            with self.subTest(status=status):
                self.assertEqual(
                    self.assert_ours_is_last(status, self.members(response)),
                    self.oracle.parse("list", "inner; error=connection_refused; x=1, far"))

    def test_operators_see_the_members_of_others_whole(self):
        value = 'inner; next-hop="10.0.0.5:8000"; details="refused"'
        proxy = self.proxy(errors='operators: ["127.0.0.0/8"]')
        response = fetch(proxy.port, status_with(502, f"Proxy-Status:{value}"))
        self.assertEqual(self.members(response)[0], self.oracle.parse("list", value)[0])

    def test_a_date_and_a_display_string_are_structured_too(self):
        value = 'a; at=@1659578233; u=%"f%c3%bc"'
        proxy = self.proxy()
        response = fetch(proxy.port, status_with(502, f"Proxy-Status:{value}"))
        self.assertEqual(response["Proxy-Status"], f"{value}, here; received-status=502")

    def test_an_error_of_ours_repeats_nothing_that_the_origin_said_before(self):
        """What a broken answer's head claimed went down with it."""
        origin = self.enterContext(origin_answering(
            b"HTTP/1.1 200 OK\r\nProxy-Status: inner\r\nError-Cause: db\r\n"
            b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n"))
        response = fetch(self.proxy(origin=origin).port)
        self.assertEqual(response["Error-Cause"], "app")
        self.assertRegex(response["Proxy-Status"], "^here; error=http_protocol_error")


class Forgery(FieldsTest):
    STATUSES = (200, 204, 206, 301, 304, 401, 404, 418, 429, 500, 502, 503, 522, 599)
    CLAIMS = ["Error-Cause:browser", "Error-Reporter:teapot", "Error-Cleared:app, db",
              'Error-Fault:forged; row="404"; basis=observed', 'Error-Id:"FORGED"',
              "ERROR-CAUSE:isp", "error-id:x", "Error-Cause:printer", "Error-Cause:"]

    def test_an_origin_cannot_forge_blame_on_any_status(self):
        proxy = self.proxy()
        for status in self.STATUSES:
            with self.subTest(status=status):
                plain = fetch(proxy.port, f"/status/{status}")
                forged = fetch(proxy.port, status_with(status, *self.CLAIMS))
                for name in OURS:
                    if name != "Error-Id":
                        self.assertEqual(forged.all(name), plain.all(name))
                self.assertEqual(len(forged.all("Error-Id")), len(plain.all("Error-Id")))
                self.assertNotIn("FORGED", str(forged.fields))

    def test_what_was_dropped_is_logged(self):
        proxy = self.proxy()
        for status in (200, 404, 502):
            with self.subTest(status=status):
                fetch(proxy.port, status_with(status, "Error-Cause:browser"))
                line = verdict.logged(proxy, url_path=f"/status/{status}")
                self.assertRegex(json.dumps(line), "(?i)error-cause.*browser")

    def trailers_of(self, trailer):
        """The trailer section that a client gets of an origin's."""
        origin = self.enterContext(origin_answering(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n"
            + trailer + b"X-Sum: 1\r\n\r\n"))
        with Client(self.proxy(origin=origin).port) as client:
            client.send(request())
            seen = b""
            while b"\r\n0\r\n" not in seen or not seen.endswith(b"\r\n\r\n"):
                seen += client.socket.recv(65536)
            return seen.partition(b"\r\n0\r\n")[2].decode()

    def test_no_forged_blame_passes_in_trailers(self):
        self.assertNotRegex(self.trailers_of(b"Error-Cause: browser\r\n"), "(?i)error-cause")

    def test_nobody_else_speaks_in_our_name_in_trailers(self):
        """Where a Proxy-Status may stand as well (RFC 9209, 2)."""
        for forged in (b"here; error=x", b'"here"', b"a, here"):
            with self.subTest(forged=forged):
                trailers = self.trailers_of(b"Proxy-Status: " + forged + b"\r\n")
                self.assertNotRegex(trailers, "(?i)proxy-status:.*here")

    def test_trailers_tell_the_public_no_address(self):
        trailers = self.trailers_of(b'Proxy-Status: a; next-hop="10.0.0.5:80"; details="x"\r\n')
        self.assertNotIn("10.0.0.5", trailers)
        self.assertNotIn("details", trailers)

    def test_no_forgery_passes_in_an_interim_response(self):
        origin = self.enterContext(origin_answering(
            b"HTTP/1.1 103 Early Hints\r\nError-Cause: browser\r\nProxy-Status: here\r\n"
            b"Link: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
        with Client(self.proxy(origin=origin).port) as client:
            client.send(request())
            interim, final = client.read_head(), client.read_head()
            self.assertEqual((interim.status, final.status), (103, 200))
            self.assertIsNone(interim["Error-Cause"])
            self.assertIsNone(interim["Proxy-Status"])

    def test_a_client_cannot_forge_blame(self):
        proxy = self.proxy()
        response = fetch(proxy.port, "/status/502", fields=[
            ("Error-Cause", "isp"), ("Proxy-Status", "here; error=x"), ("Error-Id", '"F"')])
        self.assertEqual(verdict.of_fields(response).cause, ("app", "db"))
        self.assertEqual(response["Proxy-Status"], "here; received-status=502")


class WhoGetsTheFields(FieldsTest):
    ERRORS = ("/status/404", "/status/502", "/fault/empty")

    def test_nobody_gets_them_where_fields_are_for_nobody(self):
        proxy = self.proxy(errors='fields: nobody, operators: ["127.0.0.0/8"]')
        for target in self.ERRORS:
            with self.subTest(target=target):
                response = fetch(proxy.port, target)
                for name in OURS:
                    self.assertIsNone(response[name])

    def test_operators_alone_get_them_where_fields_are_for_operators(self):
        for network, shown in (("127.0.0.0/8", True), ("192.0.2.0/24", False)):
            proxy = self.proxy(errors=f'fields: operators, operators: ["{network}"]')
            for target in self.ERRORS:
                with self.subTest(target=target, shown=shown):
                    response = fetch(proxy.port, target)
                    self.assertEqual(response["Error-Fault"] is not None, shown)
                    self.assertEqual(response["Error-Id"] is not None, shown)

    def test_an_origins_forgery_is_dropped_whoever_gets_ours(self):
        proxy = self.proxy(errors="fields: nobody")
        for status in (200, 502):
            response = fetch(proxy.port, status_with(status, "Error-Cause:browser"))
            self.assertIsNone(response["Error-Cause"])

    def test_the_log_has_the_verdict_whoever_gets_the_fields(self):
        proxy = self.proxy(errors="fields: nobody")
        fetch(proxy.port, "/fault/empty")
        line = verdict.logged(proxy, url_path="/fault/empty")
        self.assertEqual((line["fault"], line["cause"]), ("resp-empty-fin", ["app"]))
        self.assertRegex(line["error_id"], f"^{ULID}$")

    CACHED = [status_with(404, "Cache-Control:max-age=60") + more
              for more in ("", "&body=hi&type=image/png", "&body={}&type=application/json")]

    def test_no_cache_may_share_what_an_operator_was_told_of_a_relayed_error(self):
        proxy = self.proxy(errors='operators: ["127.0.0.0/8"]')
        for target in self.CACHED:
            with self.subTest(target=target):
                self.assertEqual(fetch(proxy.port, target)["Cache-Control"], "private, no-store")

    def test_how_long_a_relayed_error_is_kept_is_the_origins_word(self):
        proxy = self.proxy()
        for target in self.CACHED:
            with self.subTest(target=target):
                self.assertEqual(fetch(proxy.port, target)["Cache-Control"], "max-age=60")

    def exposed(self, response):
        names = ", ".join(response.all("Access-Control-Expose-Headers"))
        return {name.strip().lower() for name in names.split(",")} - {""}

    def test_scripts_may_read_the_fields_where_cors_is_on(self):
        proxy = self.proxy(errors="cors: true")
        for target in self.ERRORS:
            with self.subTest(target=target):
                exposed = self.exposed(fetch(proxy.port, target))
                self.assertLessEqual({name.lower() for name in OURS}, exposed)

    def test_cors_keeps_what_the_origin_exposes(self):
        proxy = self.proxy(errors="cors: true")
        target = status_with(502, "Access-Control-Expose-Headers:X-A, X-B")
        self.assertLessEqual({"x-a", "x-b", "error-cause"}, self.exposed(fetch(proxy.port, target)))

    def test_cors_is_off_by_default_and_silent_where_nothing_is_wrong(self):
        self.assertEqual(self.exposed(fetch(self.proxy().port, "/status/502")), set())
        proxy = self.proxy(errors="cors: true")
        self.assertEqual(self.exposed(fetch(proxy.port, "/bytes/1")), set())


HOSTILE = {
    "quotes": b'"; DROP "\\"\\\\',
    "bytes that are no UTF-8": b"\xff\xfe\xc3(\xed\xa0\x80\xf8\xc0\xaf",
    "cut UTF-8": b"caf\xc3",
    "good UTF-8": "Käse 検索".encode(),
    "controls in UTF-8": b"\xc2\x9b31m\xc2\x85",
    "a script": b"</script><script>alert(1)</script>",
    "json": b'","fault":"forged","x":"',
    "a tab": b"a\tb",
    "long": b"x" * 4000,
}


def only_once(pairs):
    keys = [key for key, _ in pairs]
    assert len(keys) == len(set(keys)), f"twice in one object: {keys}"
    return dict(pairs)


class HostileLog(FieldsTest):
    def lines(self, proxy, count):
        """The log, byte by byte: JSON, UTF-8, and nothing that a terminal would obey."""
        proxy.wait_for_log(count)
        with open(proxy.log_path, "rb") as file:
            raw = file.read().splitlines()
        for line in raw:
            text = line.decode("utf-8")
            self.assertFalse(re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029]", text), text)
        self.assertGreaterEqual(len(raw), count)
        return [json.loads(line, object_pairs_hook=only_once) for line in raw]

    def send(self, proxy, head):
        with Client(proxy.port) as client:
            client.send(head + b"\r\n\r\n")
            return client.read()

    def test_no_user_agent_can_break_a_line(self):
        proxy = self.proxy()
        for what, value in HOSTILE.items():
            with self.subTest(what=what):
                self.send(proxy, b"GET /status/502 HTTP/1.1\r\nHost: a\r\nUser-Agent: " + value)
        lines = self.lines(proxy, len(HOSTILE))
        said = dict(zip(HOSTILE, (line["user_agent_original"] for line in lines)))
        self.assertEqual(said["quotes"], '"; DROP "\\"\\\\')
        self.assertEqual(said["good UTF-8"], "Käse 検索")
        self.assertEqual(said["json"], '","fault":"forged","x":"')
        self.assertEqual({line["fault"] for line in lines}, {"relay-502"})

    def test_other_bytes_are_written_as_what_they_are(self):
        proxy = self.proxy()
        self.send(proxy, b"GET /bytes/1 HTTP/1.1\r\nHost: a.test\r\nUser-Agent: a\xff\xfeb")
        self.assertEqual(self.lines(proxy, 1)[0]["user_agent_original"], "a\\xFF\\xFEb")

    def test_no_path_can_break_a_line(self):
        proxy = self.proxy()
        paths = [b'/"quoted"\\', b"/%1b[31m%00%ff", b"/\xff\xfe", b"/\x1b[31mred", b"/{}[]<>|^`",
                 b"/a\x00b", b"/\xc2\x9b31m", b"/" + b"x" * 7000]
        for path in paths:
            with self.subTest(path=path[:20]):
                self.send(proxy, b"GET " + path + b" HTTP/1.1\r\nHost: a.test")
        self.lines(proxy, len(paths))

    def test_no_host_can_break_a_line(self):
        proxy = self.proxy()
        hosts = [b'"', b"\xff\xfe", b"a\x1b[31m", b"a b", b"[::1", b"a" * 4000, b"%1b",
                 b"A.Test:80"]
        for host in hosts:
            with self.subTest(host=host[:20]):
                self.send(proxy, b"GET / HTTP/1.1\r\nHost: " + host)
        self.lines(proxy, len(hosts))

    def test_no_method_and_no_noise_can_break_a_line(self):
        proxy = self.proxy()
        heads = [b"\x1b[31m / HTTP/1.1\r\nHost: a", b"\x16\x03\x01\x02\x00\x01", b"\xff\xfe\xfd",
                 b"G\"T / HTTP/1.1\r\nHost: a", b"GET / HTTP/1.1\r\nHost: a\r\nX\x1b: \x1b[2J",
                 b"GET / HTTP/1.1\r\nHost: a\r\n: v", b"'|{} / HTTP/1.1\r\nHost: a"]
        for head in heads:
            with self.subTest(head=head[:20]):
                self.send(proxy, head)
        self.lines(proxy, len(heads))

    def test_no_answer_of_an_origin_can_break_a_line(self):
        origin = self.enterContext(origin_answering(b'\x1b[31m"\xff\xc2\x9b\r\n', False))
        proxy = self.proxy(origin=origin)
        fetch(proxy.port)
        [line] = self.lines(proxy, 1)
        self.assertEqual(line["fault"], "head-not-http")

    def test_a_replaced_body_is_kept_in_the_log_and_harmless(self):
        proxy = self.proxy(errors="body: replace")
        fetch(proxy.port, "/status/500?body=" + quote(b'<b>"\x1b[31m\xff'))
        [line] = self.lines(proxy, 1)
        self.assertEqual(line["upstream_body"], '<b>"\x1b[31m\\xFF')


class Ids(FieldsTest):
    def asked(self, proxy, *fields):
        """(what the origin got, the log line) of one request."""
        count = len(proxy.log())
        body = fetch(proxy.port, "/echo", fields=fields).body.decode("latin-1")
        return body, proxy.wait_for_log(count + 1)[-1]

    def received(self, body, name):
        return re.findall(rf"(?im)^{name}: *(.*?)\r?$", body)

    def test_a_request_id_is_passed_on_and_logged(self):
        proxy = self.proxy()
        for value in ("abc-123", "a", "x" * 128, "!#$%&'*+-.^_`|~09"):
            with self.subTest(value=value[:20]):
                body, line = self.asked(proxy, ("X-Request-Id", value))
                self.assertEqual(self.received(body, "X-Request-Id"), [value])
                self.assertEqual(line["request_id"], value)

    def test_an_unfit_request_id_is_made_anew(self):
        proxy = self.proxy()
        for value in ("", "x" * 129, "a b", '"q"', "a,b", "a/b", "\xff", "a@b", "<script>"):
            with self.subTest(value=value[:20]):
                body, line = self.asked(proxy, ("X-Request-Id", value))
                [made] = self.received(body, "X-Request-Id")
                self.assertRegex(made, f"^{ULID}$")
                self.assertEqual(line["request_id"], made)

    def test_every_exchange_has_a_request_id_of_its_own(self):
        proxy = self.proxy()
        made = [self.asked(proxy)[1]["request_id"] for _ in range(20)]
        self.assertEqual(len(set(made)), 20)
        self.assertEqual(fetch(proxy.port, "/fault/empty").status, 502)
        line = verdict.logged(proxy, url_path="/fault/empty")
        self.assertRegex(line["request_id"], f"^{ULID}$")
        self.assertNotEqual(line["request_id"], line["error_id"])

    def test_two_request_ids_become_one(self):
        body, line = self.asked(self.proxy(), ("X-Request-Id", "one"), ("X-Request-Id", "two"))
        self.assertEqual(self.received(body, "X-Request-Id"), [line["request_id"]])

    def test_a_trace_is_passed_on_and_logged(self):
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        parent = f"00-{trace}-00f067aa0ba902b7-01"
        body, line = self.asked(self.proxy(), ("traceparent", parent))
        self.assertEqual(self.received(body, "traceparent"), [parent])
        self.assertEqual(line["trace_id"], trace)


if __name__ == "__main__":
    unittest.main()
