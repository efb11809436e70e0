"""Who the client is: the PROXY protocol and trusted proxies. What many clients at once cost."""

import ipaddress
import os
import re
import resource
import signal
import socket
import threading
import time
import unittest

from harness import PATIENCE, Client, Origin, Proxy, RawOrigin, fetch, request, wait_for, yaml_for

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LINE = b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n"
CLIENT = "192.0.2.7"


def version_2(client, command=0x21, tlvs=b""):
    """The header of a balancer for that client."""
    ip = ipaddress.ip_address(client)
    family = 0x11 if ip.version == 4 else 0x21
    block = ip.packed + ip.packed + b"\xdc\x04\x01\xbb" + tlvs
    return SIGNATURE + bytes([command, family]) + len(block).to_bytes(2, "big") + block


def is_operators(response):
    return "next-hop" in response["Proxy-Status"]


class ClientsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.origin = Origin()
        cls.addClassCleanup(cls.origin.stop)

    def proxy(self, yaml):
        proxy = Proxy(yaml)
        self.addCleanup(proxy.stop)
        return proxy

    def client(self, port):
        client = Client(port)
        self.addCleanup(client.close)
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return client


class ProxyProtocol(ClientsTest):
    def listening(self, mode, more="", **blocks):
        yaml = yaml_for(self.origin.port, **blocks).replace(
            '["127.0.0.1:0"]', f'[{{address: "127.0.0.1:0", proxy_protocol: {mode}}}]', 1)
        return self.proxy(yaml + more)

    def required(self, **blocks):
        return self.listening("required", **blocks)

    def seen_by_origin(self, client, header):
        body = client.send(header + request("/echo")).read().body.decode()
        return re.findall(r"(?im)^x-forwarded-for: (.*?)\r?$", body)

    def test_both_versions_name_the_client_to_the_log_and_the_origin(self):
        for header, name in ((LINE, CLIENT), (b"PROXY TCP6 2001:db8::7 ::1 1 2\r\n", "2001:db8::7"),
                             (version_2(CLIENT), CLIENT), (version_2("2001:db8::7"), "2001:db8::7"),
                             (version_2(CLIENT, tlvs=b"\x04\x04\x00" + bytes(1024)), CLIENT),
                             (b"PROXY UNKNOWN\r\n", "127.0.0.1"), (version_2(CLIENT, command=0x20), "127.0.0.1")):
            with self.subTest(header):
                proxy = self.required()
                client = self.client(proxy.port)
                self.assertEqual(self.seen_by_origin(client, header), [name])
                self.assertEqual(self.seen_by_origin(client, b""), [name])  # it is the connection's
                self.assertEqual([line["client_address"] for line in proxy.wait_for_log(2)], [name, name])

    def test_a_header_may_come_byte_by_byte_and_wait_for_its_request(self):
        for header in (LINE, version_2(CLIENT)):
            with self.subTest(header):
                proxy = self.required()
                client = self.client(proxy.port)
                for at in range(len(header)):
                    client.send(header[at:at + 1])
                    time.sleep(0.001)
                time.sleep(0.1)
                self.assertEqual(client.send(request("/bytes/5")).read().status, 200)
                self.assertEqual(proxy.wait_for_log()[0]["client_address"], CLIENT)

    def test_pipelined_requests_may_come_with_it(self):
        client = self.client(self.required().port)
        client.send(LINE + request("/bytes/1") + request("/bytes/2") + request("/bytes/3"))
        self.assertEqual([len(client.read().body) for _ in range(3)], [1, 2, 3])

    def test_a_body_larger_than_a_header_may_come_with_it(self):
        client = self.client(self.required().port)
        client.send(version_2(CLIENT) + request("/sink", "POST", body=b"x" * 100_000))
        self.assertEqual(client.read().body.split()[0], b"bytes=100000")

    def test_what_is_none_is_closed_without_an_answer_and_logged(self):
        for sent, detail in ((request("/"), "it does not begin as one"), (b"\x16\x03\x01\x02", "it does not begin as one"),
                             (b"PROXY TCP4 nobody\r\n", "an address is malformed"),
                             (version_2(CLIENT, command=0x31), "its version or command is none")):
            with self.subTest(sent):
                proxy = self.required()
                client = self.client(proxy.port)
                client.send(sent)
                self.assertTrue(client.at_end())
                line = proxy.wait_for_log()[0]
                self.assertEqual((line["fault"], line["http_response_status_code"], line["client_address"],
                                  line["ended"], line["bytes_in"], line["bytes_out"]),
                                 ("client-proxyproto-bad", None, "127.0.0.1", "PR", len(sent), 0))
                self.assertEqual((line["cause"], line["reporter"]), (["cdn"], ["lb"]))
                self.assertIn(f"{detail}; first bytes {sent[:16].hex()}", line["evidence"][0])
                self.assertEqual(len(line["error_id"]), 26)

    def test_half_a_header_ends_with_request_head(self):
        for mode in ("required", "optional"):
            for sent in (LINE[:20], version_2(CLIENT)[:20]):
                with self.subTest((mode, sent)):
                    proxy = self.listening(mode, timeouts="request_head: 400ms")
                    client = self.client(proxy.port)
                    begun = time.monotonic()
                    client.send(sent[:10])
                    time.sleep(0.2)
                    client.send(sent[10:])
                    self.assertTrue(client.at_end())
                    self.assertGreater(time.monotonic() - begun, 0.36)
                    line = proxy.wait_for_log()[0]
                    self.assertEqual((line["fault"], line["ended"]), ("client-proxyproto-bad", "cR"))
                    self.assertIn("it did not come whole in time; first bytes " + sent[:16].hex(),
                                  line["evidence"][0])

    def test_a_header_that_is_cut_is_logged_and_a_look_is_not(self):
        proxy = self.required(timeouts="request_head: 300ms")
        self.client(proxy.port).close()
        self.assertTrue(self.client(proxy.port).at_end())  # silent: closed in time
        cut = self.client(proxy.port)
        cut.send(LINE[:-1])
        cut.socket.shutdown(socket.SHUT_WR)
        self.assertTrue(cut.at_end())
        self.assertEqual(self.client(proxy.port).send(LINE + request("/bytes/1")).read().status, 200)
        lines = proxy.wait_for_log(2)
        self.assertEqual([(line.get("fault"), line["ended"]) for line in lines],
                         [("client-proxyproto-bad", "CR"), (None, "--")])

    def test_optional_serves_those_that_send_none(self):
        proxy = self.listening("optional")
        self.assertEqual(fetch(proxy.port, "/bytes/1").status, 200)
        client = self.client(proxy.port)
        for part in (b"P", b"RO", b"PFIND"):  # PROXY, or is it?
            client.send(part)
            time.sleep(0.05)
        self.assertEqual(client.send(b" /bytes/1 HTTP/1.1\r\nHost: a\r\n\r\n").read().status, 200)
        self.assertEqual(self.client(proxy.port).send(b"\r\n" + request("/bytes/1")).read().status, 200)
        self.assertEqual({line["client_address"] for line in proxy.wait_for_log(3)}, {"127.0.0.1"})

    def test_optional_is_believed_of_trusted_peers_alone(self):
        for trusted, name in (("[10.0.0.0/8]", "127.0.0.1"), ("[127.0.0.1]", CLIENT)):
            with self.subTest(trusted):
                proxy = self.listening("optional", f"trusted_proxies: {trusted}\n")
                for header in (LINE, version_2(CLIENT)):
                    self.assertEqual(self.client(proxy.port).send(header + request("/bytes/1")).read().status, 200)
                self.assertEqual([line["client_address"] for line in proxy.wait_for_log(2)], [name] * 2)

    def test_the_client_of_the_header_is_the_operator_or_not(self):
        for operators, seen in (("[192.0.2.0/24]", True), ("[127.0.0.0/8]", False)):
            with self.subTest(operators):
                proxy = self.required(errors=f"operators: {operators}")
                response = self.client(proxy.port).send(LINE + request("/fault/empty")).read()
                self.assertEqual(is_operators(response), seen)

    def test_whoever_comes_through_a_balancer_is_not_the_balancer(self):
        """Of whom it says nothing, or nothing that is believed: neither an operator nor a trusted proxy."""
        errors = "operators: [127.0.0.0/8, 192.0.2.0/24]"
        asks = request("/fault/empty", fields=[("X-Forwarded-For", CLIENT)])
        for mode, trusted, header in (("required", "[]", b"PROXY UNKNOWN\r\n"),
                                      ("required", "[]", version_2(CLIENT, command=0x20)),
                                      ("optional", "[127.0.0.1]", b"PROXY UNKNOWN\r\n"),
                                      ("optional", "[10.0.0.0/8]", LINE)):
            with self.subTest((mode, header)):
                proxy = self.listening(mode, f"trusted_proxies: {trusted}\n", errors=errors)
                response = self.client(proxy.port).send(header + asks).read()
                self.assertEqual(response.status, 502)
                self.assertFalse(is_operators(response))
                self.assertEqual(proxy.wait_for_log()[0]["client_address"], "127.0.0.1")

    def test_off_knows_no_header(self):
        proxy = self.listening("off")
        self.assertEqual(self.client(proxy.port).send(LINE + request("/")).read().status, 400)

    def test_one_that_has_begun_outlasts_the_grace_of_a_drain(self):
        proxy = self.required()
        client = self.client(proxy.port).send(LINE[:20])
        # One connection is accepted before the next: the header has begun.
        self.assertEqual(self.client(proxy.port).send(LINE + request("/bytes/1")).read().status, 200)
        proxy.signal(signal.SIGTERM)
        time.sleep(1.5)
        self.assertEqual(client.send(LINE[20:] + request("/bytes/1")).read().status, 200)
        self.assertEqual(proxy.wait(), 0)

    def test_reload_changes_it_for_connections_to_come(self):
        proxy = self.listening("off")
        self.assertEqual(fetch(proxy.port, "/bytes/1").status, 200)
        with open(proxy.config_path) as file:
            yaml = file.read()
        with open(proxy.config_path, "w") as file:
            file.write(yaml.replace("proxy_protocol: off", "proxy_protocol: required"))
        proxy.signal(1)
        wait_for(lambda: "reloaded" in proxy.text(), "the reload")
        wait_for(lambda: fetch(proxy.port, "/bytes/1") is None, "headers to be required")
        self.assertEqual(self.client(proxy.port).send(LINE + request("/bytes/1")).read().status, 200)


class TrustedProxies(ClientsTest):
    """The tests are the balancer: 127.0.0.1 and 10/8 are trusted, and everybody there would be an operator."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.trusting = Proxy(yaml_for(
            cls.origin.port, errors="operators: [192.0.2.0/24, 10.0.0.0/8, 127.0.0.0/8]")
            + "trusted_proxies: [127.0.0.0/8, 10.0.0.0/8]\n")
        cls.addClassCleanup(cls.trusting.stop)

    def told(self, *fields):
        """Whom the log names for a request with these fields, and whether it is an operator."""
        response = fetch(self.trusting.port, "/fault/empty", fields=fields)
        line = wait_for(lambda: [line for line in self.trusting.log()
                                 if line.get("error_id") == response["Error-Id"].strip('"')], "its line")[0]
        return line["client_address"], is_operators(response)

    def test_the_client_is_the_first_that_is_not_trusted(self):
        for field, value, client in (
                ("X-Forwarded-For", "192.0.2.1", "192.0.2.1"),
                ("X-Forwarded-For", "198.51.100.9, 192.0.2.1, 10.0.0.7", "192.0.2.1"),
                ("X-Forwarded-For", "192.0.2.1:55", "192.0.2.1"),
                ("Forwarded", 'for=198.51.100.9, for="192.0.2.1:8";proto=https, for=10.0.0.7', "192.0.2.1"),
                ("CF-Connecting-IP", "192.0.2.1", "192.0.2.1")):
            with self.subTest((field, value)):
                self.assertEqual(self.told((field, value)), (client, True))

    def test_nobody_becomes_an_operator_by_passing_through_a_balancer(self):
        for fields, client in (
                ([], "127.0.0.1"),
                ([("X-Forwarded-For", "203.0.113.9")], "203.0.113.9"),
                ([("X-Forwarded-For", "192.0.2.1, 203.0.113.9")], "203.0.113.9"),
                ([("X-Forwarded-For", "10.0.0.1, 203.0.113.9, 10.0.0.7")], "203.0.113.9"),
                ([("X-Forwarded-For", "nobody")], "127.0.0.1"),
                ([("X-Forwarded-For", "192.0.2.1, nobody, 10.0.0.7")], "10.0.0.7"),
                ([("Forwarded", 'for="192.0.2.1')], "127.0.0.1"),
                ([("Forwarded", 'for="192.0.2.1, for=203.0.113.9')], "127.0.0.1"),
                ([("X-Forwarded-For", "203.0.113.9"), ("Forwarded", "for=192.0.2.1")], "203.0.113.9"),
                ([("X-Forwarded-For", "203.0.113.9"), ("CF-Connecting-IP", "192.0.2.1")], "203.0.113.9"),
                ([("X-Forwarded-For", "192.0.2.1"), ("CF-Connecting-IP", "203.0.113.9")], "192.0.2.1")):
            with self.subTest(fields):
                self.assertEqual(self.told(*fields), (client, False))

    def test_nor_by_a_request_that_is_malformed(self):
        response = self.client(self.trusting.port).send(b"GET / HTTP/1.1\r\n\r\n").read()
        self.assertEqual(response.status, 400)
        self.assertNotIn("details", response["Proxy-Status"])

    def test_each_request_of_a_connection_has_its_own_client(self):
        client = self.client(self.trusting.port)
        before = len(self.trusting.log())
        names = [f"192.0.2.{number}" for number in range(1, 6)]
        for name in names:
            client.send(request("/bytes/1", fields=[("X-Forwarded-For", name)]))
        client.send(request("/bytes/1"))
        for _ in range(6):
            self.assertEqual(client.read().status, 200)
        lines = self.trusting.wait_for_log(before + 6)[before:]
        self.assertEqual([line["client_address"] for line in lines], names + ["127.0.0.1"])

    def test_a_stranger_is_who_it_is_whatever_it_says(self):
        proxy = self.proxy(yaml_for(self.origin.port, errors="operators: [192.0.2.0/24]")
                           + "trusted_proxies: [10.0.0.0/8]\n")
        response = fetch(proxy.port, "/fault/empty", fields=[
            ("X-Forwarded-For", "192.0.2.1"), ("Forwarded", "for=192.0.2.1"), ("CF-Connecting-IP", "192.0.2.1")])
        self.assertFalse(is_operators(response))
        self.assertEqual(proxy.wait_for_log()[0]["client_address"], "127.0.0.1")


def memory_of(pid):
    """Resident KiB."""
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return int(re.search(r"^Rss: +(\d+)", file.read(), re.M)[1])


def is_sanitized(pid):
    with open(f"/proc/{pid}/maps") as file:
        return "san.so" in file.read()


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def raise_own_limit():
    """So many descriptors may this process have, and its children."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


class ManyAtOnce(ClientsTest):
    def test_10000_pipelined_requests_are_answered_in_order_in_bounded_memory(self):
        proxy = self.proxy(yaml_for(self.origin.port, timeouts="client_write: 10m", logs="access: off"))
        fetch(proxy.port, "/bytes/100000")
        before = memory_of(proxy.pid)
        client = self.client(proxy.port)
        requests = b"".join(request(f"/bytes/{number % 7000}") for number in range(10_000))
        sender = threading.Thread(target=client.send, args=(requests,))
        sender.start()

        def stuck():  # nothing is read: at some time neither side goes on
            used = cpu_seconds(proxy.pid)
            time.sleep(0.3)
            return cpu_seconds(proxy.pid) == used

        wait_for(stuck, "the buffers to be full")
        if not is_sanitized(proxy.pid):
            self.assertLess(memory_of(proxy.pid) - before, 512)
        for number in range(10_000):
            response = client.read()
            self.assertEqual((response.status, len(response.body)), (200, number % 7000))
        sender.join()

    def test_idle_clients_keep_half_a_kibibyte_each(self):
        count = min(10_000, (raise_own_limit() - 256) // 2 - 100)
        proxy = self.proxy(yaml_for(self.origin.port, logs="access: off"))
        if is_sanitized(proxy.pid):
            self.skipTest("a sanitizer has memory of its own")
        for _ in range(100):
            fetch(proxy.port, "/bytes/100")
        before = memory_of(proxy.pid)
        for _ in range(count):
            self.assertEqual(self.client(proxy.port).send(request("/bytes/100")).read().status, 200)
        each = (memory_of(proxy.pid) - before) / count
        print(f"{count} idle clients: {each:.3f} KiB each")
        self.assertLess(each, 0.5)


class WithoutDescriptors(ClientsTest):
    """100 free descriptors, and none of those who hold them is idle."""

    FREE = 100

    def setUp(self):
        raise_own_limit()
        self.limited = self.proxy(yaml_for(
            self.origin.port, timeouts="request_head: 1m", errors="details: everyone"))
        fetch(self.limited.port, "/bytes/1")
        used = {int(name) for name in os.listdir(f"/proc/{self.limited.pid}/fd")}
        soft = next(limit for limit in range(max(used) + 1, 4096) if limit - len(used) >= self.FREE)
        _, hard = resource.prlimit(self.limited.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(self.limited.pid, resource.RLIMIT_NOFILE, (soft, hard))

    def test_a_thousand_clients_are_told_and_it_recovers(self):
        # Whoever has begun a request is not idle.
        busy = [self.client(self.limited.port).send(b"GET / HT") for _ in range(self.FREE)]
        refused = [self.client(self.limited.port).send(request("/bytes/1")) for _ in range(1000 - self.FREE)]
        begun, used = time.monotonic(), cpu_seconds(self.limited.pid)
        answers = [client.read() for client in refused]
        told = [answer for answer in answers
                if answer is not None and (answer["Error-Fault"] or "").startswith("accept-emfile;")]
        self.assertGreater(len(told), 700)
        self.check(told[0])
        time.sleep(max(0, 1 - (time.monotonic() - begun)))
        took = time.monotonic() - begun
        self.assertLess(cpu_seconds(self.limited.pid) - used, 0.5 + 0.3 * took)
        lines = [line for line in self.limited.wait_for_log(len(told)) if line.get("fault") == "accept-emfile"]
        self.assertIn(told[0]["Error-Id"].strip('"'), {line["error_id"] for line in lines})
        self.assertEqual((lines[0]["http_response_status_code"], lines[0]["client_address"], lines[0]["ended"]),
                         (503, "127.0.0.1", "PR"))
        for client in busy:
            client.close()
        wait_for(lambda: (answer := fetch(self.limited.port, "/bytes/1")) and answer.status == 200, "recovery")
        self.assertIsNone(self.limited.process.poll())
        self.assertEqual(self.limited.drain(), 0)

    def check(self, answer):
        self.assertEqual((answer["Error-Cause"], answer["Error-Reporter"], answer["Connection"],
                          answer["Retry-After"], answer["Cache-Control"], answer["Content-Type"]),
                         ("lb", "lb", "close", "1", "private, no-store", "text/plain; charset=utf-8"))
        self.assertEqual(answer["Error-Fault"], 'accept-emfile; row="503"; basis=observed')
        self.assertRegex(answer["Proxy-Status"],
                         r'^whichhop; error=proxy_internal_error; details="accept4: Too many open files; ')
        self.assertTrue(answer.complete)
        self.assertIn(b"ran out of file descriptors", answer.body)

    def test_who_is_idle_goes_first(self):
        idle = [self.client(self.limited.port) for _ in range(self.FREE + 50)]
        for client in idle:
            client.send(request("/bytes/1"))
            self.assertEqual(client.read().status, 200)
        self.assertEqual([line["fault"] for line in self.limited.log() if "fault" in line], [])


class SlowClients(ClientsTest):
    def test_many_that_drip_neither_stop_nor_outlast_the_rest(self):
        proxy = self.proxy(yaml_for(self.origin.port, timeouts="request_head: 1s, request_body: 1s"))
        heads = [self.client(proxy.port).send(b"GET / HTTP/1.1\r\n") for _ in range(100)]
        bodies = [self.client(proxy.port).send(request("/sink", "POST", [("Content-Length", "9")]))
                  for _ in range(100)]
        begun = time.monotonic()
        while time.monotonic() - begun < 0.8:  # a byte now and then
            for client in heads:
                client.send(b"X")
            self.assertEqual(fetch(proxy.port, "/bytes/1").status, 200)
            time.sleep(0.1)
        self.assertEqual({client.read().status for client in heads + bodies}, {408})
        self.assertLess(time.monotonic() - begun, PATIENCE)


if __name__ == "__main__":
    unittest.main()
