"""A request that comes back to the proxy it came from: refused, and said to be what it is."""

import re
import signal
import unittest

from harness import (Client, Origin, Proxy, RawOrigin, fetch, free_port, request, wait_for, yaml_for)

VIA = re.compile(r"1\.1 (\S+) \(([0-9a-f]{8})\)")


def looping(port, upstream, position="lb", rest=""):
    return (f'listen: ["127.0.0.1:{port}"]\nnode: {{workers: 2, position: {position}}}\n'
            f'upstreams: {{app: {{servers: ["{upstream}"]}}}}\nroutes: [{{upstream: app}}]\n{rest}')


class LoopTest(unittest.TestCase):
    def proxy(self, yaml):
        return self.enterContext(Proxy(yaml))

    def origin(self):
        """An origin that answers with 200, and keeps what it was asked."""
        def script(connection, _):
            while origin.read_request(connection):
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

        origin = self.enterContext(RawOrigin(script))
        return origin

    def seen(self, origin, name):
        pattern = rb"(?mi)^%s: (.*)\r$" % name.encode()
        return [value.decode() for value in re.findall(pattern, origin.requests[-1])]


class Refused(LoopTest):
    def check(self, port, cause, reporter):
        for _ in range(3):
            response = fetch(port)
            self.assertEqual(response.status, 502)
            self.assertRegex(response["Error-Fault"], '^loop-detected; row="502A"; basis=observed$')
            self.assertEqual(response["Error-Cause"], cause)
            self.assertEqual(response["Error-Reporter"], reporter)
            self.assertIsNone(response["Error-Cleared"])
            self.assertIn("error=proxy_loop_detected", response["Proxy-Status"])

    def test_the_upstream_is_our_own_listener(self):
        for position, statuses in (("lb", "gateway"), ("cdn", "edge"), ("cdn", "gateway"), ("lb", "edge")):
            with self.subTest(position, statuses=statuses):
                port = free_port()
                rest = f"errors: {{statuses: {statuses}}}\n"
                proxy = self.proxy(looping(port, f"127.0.0.1:{port}", position, rest))
                self.check(port, position, position)
                # Both ways through say so, and nothing went around a third time.
                lines = proxy.wait_for_log(6)
                self.assertEqual([line["fault"] for line in lines], ["loop-detected"] * 6)
                self.assertEqual(sum(bool(line.get("attempts")) for line in lines), 3)
                self.assertEqual(len({line["request_id"] for line in lines}), 3)

    def test_a_name_may_have_led_there(self):
        for position in ("lb", "cdn"):
            with self.subTest(position):
                port = free_port()
                self.proxy(looping(port, f"localhost:{port}", position))
                self.check(port, f"{position}, dns", position)

    def test_through_another_whichhop_of_the_same_name(self):
        port = free_port()
        other = self.proxy(yaml_for(port))
        first = self.proxy(looping(port, f"127.0.0.1:{other.port}", "cdn"))
        self.check(port, "cdn", "cdn")
        lines = [line["fault"] for line in first.wait_for_log(6)]
        self.assertEqual(lines, ["loop-detected"] * 6)
        self.assertEqual({line["fault"] for line in other.wait_for_log(3)}, {"relay-502"})

    def test_bodies_and_pipelined_requests_are_no_matter(self):
        port = free_port()
        self.proxy(looping(port, f"127.0.0.1:{port}"))
        with Client(port) as client:
            client.send(request("/1", "POST", body=b"x" * 100) + request("/2"))
            for _ in range(2):
                self.assertTrue(client.read()["Error-Fault"].startswith("loop-detected"))


class NotRefused(LoopTest):
    def test_two_whichhops_of_one_name_are_a_chain(self):
        origin = self.origin()
        inner = self.proxy(yaml_for(origin.port))
        outer = self.proxy(yaml_for(inner.port, node="position: cdn"))
        self.assertEqual(fetch(outer.port).body, b"ok")
        ids = VIA.findall(", ".join(self.seen(origin, "Via")))
        self.assertEqual([name for name, _ in ids], ["whichhop", "whichhop"])
        self.assertNotEqual(ids[0][1], ids[1][1])
        self.assertEqual(self.seen(origin, "CDN-Loop"), [f"whichhop; id={ids[0][1]}"])

    def test_what_others_say_of_themselves_stays(self):
        origin = self.origin()
        proxy = self.proxy(yaml_for(origin.port, node="position: cdn"))
        fetch(proxy.port, fields=[("CDN-Loop", "whichhop, other; id=1;x"), ("CDN-Loop", "third"),
                                  ("Via", "1.1 whichhop, 1.0 whichhop (nobody)")])
        own = VIA.findall(self.seen(origin, "Via")[1])[0][1]
        self.assertEqual(self.seen(origin, "CDN-Loop"), ["whichhop, other; id=1;x", "third", f"whichhop; id={own}"])
        # Neither name nor id alone is ours.
        for fields in ([("CDN-Loop", f"whichhop; idd={own}")], [("CDN-Loop", f"other; id={own}")],
                       [("CDN-Loop", f"whichhop; id={own}0")], [("Via", f"1.1 other ({own})")],
                       [("Via", f"1.1 whichhop ({own}0)")], [("Via", f"1.1 whichhop {own}")],
                       [("X-Via", f"1.1 whichhop ({own})")]):
            with self.subTest(fields):
                self.assertEqual(fetch(proxy.port, fields=fields).status, 200)
        for fields in ([("CDN-Loop", f"a, WhichHop ;x=1; id={own};y")], [("Via", f"1.0 a,HTTP/1.1 whichhop ({own})")],
                       [("CDN-Loop", "a"), ("Connection", "CDN-Loop"), ("CDN-Loop", f"whichhop;id={own}")]):
            with self.subTest(fields):
                self.assertEqual(fetch(proxy.port, fields=fields).status, 502)

    def test_a_balancer_adds_no_cdn_loop(self):
        origin = self.origin()
        proxy = self.proxy(yaml_for(origin.port))
        fetch(proxy.port, fields=[("CDN-Loop", "cdn.example; v=1")])
        self.assertEqual(self.seen(origin, "CDN-Loop"), ["cdn.example; v=1"])

    def test_a_reload_keeps_the_id_and_a_restart_does_not(self):
        origin = self.origin()

        def own(port):
            fetch(port)
            return VIA.findall(self.seen(origin, "Via")[0])[0][1]

        proxy = self.proxy(yaml_for(origin.port, limits="header_fields: 100"))
        before = own(proxy.port)
        with open(proxy.config_path, encoding="utf-8") as file:
            text = file.read()
        with open(proxy.config_path, "w", encoding="utf-8") as file:
            file.write(text.replace("header_fields: 100", "header_fields: 9"))
        proxy.signal(signal.SIGHUP)
        many = [(f"X-{number}", "1") for number in range(20)]
        wait_for(lambda: fetch(proxy.port, fields=many).status == 431, "the reload")
        self.assertEqual(own(proxy.port), before)
        self.assertNotEqual(own(self.proxy(yaml_for(origin.port)).port), before)

    def test_a_502_of_the_origin_is_no_loop(self):
        with Origin() as origin:
            response = fetch(self.proxy(yaml_for(origin.port)).port, "/status/502")
            self.assertTrue(response["Error-Fault"].startswith("relay-502"))


if __name__ == "__main__":
    unittest.main()
