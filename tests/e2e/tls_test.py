"""TLS on both sides, with peers that others wrote: curl, openssl, nginx, Python.

Faults are tls_fault_test.py's; what flows through TLS is tls_bodies_test.py's.
"""

import contextlib
import os
import re
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest

from exposition import scrape
from harness import (PATIENCE, WHICHHOP, Client, Origin, Process, Proxy, RawOrigin, fetch, free_port,
                     request, wait_for, yaml_for)
from tls_certificates import ECDSA, NAME, Authority, Certificates, Key, openssl, rsa, server_of
from tls_clients import (ASK, UPGRADES, VERSIONS, FlightClient, Nginx, SClient, TlsClient, client_context,
                         fetch_tls, listening, needs, nginx_tls, reload, tls_of, tls_yaml)
from tls_peers import SServer, TlsOrigin

LINE = b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n"


class TlsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="whichhop-tls-"))
        cls.c = Certificates(cls.folder)
        cls.origin = cls.enterClassContext(Origin())
        cls.trusting = client_context(cls.c.ca)

    def proxy(self, yaml):
        return self.enterContext(Proxy(yaml))

    def tls_proxy(self, *pairs, more="", of_listener="", **blocks):
        """In front of the origin, with TLS to clients."""
        tls = tls_of(*(pairs or [self.c.good]), more=more)
        return self.proxy(tls_yaml(self.origin.port, tls, of_listener, **blocks))

    def client(self, proxy, context=None, **options):
        return self.enterContext(TlsClient(proxy.port, context or self.trusting, **options))

    def check_status(self, response, status=200):
        self.assertEqual((response.status, response.complete), (status, True), response.body)


class Agreement(TlsTest):
    """What is agreed on with clients."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.both = cls.enterClassContext(Proxy(tls_yaml(
            cls.origin.port, tls_of(cls.c.good_rsa, cls.c.good))))

    def test_curl_is_served_by_either_version(self):
        curl = needs("curl")
        proxy = self.tls_proxy(self.c.good_rsa, self.c.good)
        for number, version in enumerate(VERSIONS, 1):
            with self.subTest(version):
                done = subprocess.run(
                    [curl, "-sS", "-q", "--noproxy", "*", "--max-time", str(PATIENCE), "--cacert", self.c.ca,
                     f"--tlsv{version}", "--tls-max", version, "-w", "\n%{http_version} %{num_connects}\n",
                     "--resolve", f"{NAME}:{proxy.port}:127.0.0.1",
                     *[f"https://{NAME}:{proxy.port}/bytes/20"] * 3],
                    capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(re.findall(r"^1\.1 (\d)$", done.stdout, re.M), ["1", "0", "0"])
                line = proxy.wait_for_log(3 * number)[-1]
                self.assertEqual((line["tls_protocol_version"], line["tls_client_server_name"],
                                  line["tls_next_protocol"], line["tls_resumed"]),
                                 (version, NAME, "http/1.1", False))
                self.assertGreater(line["tls_handshake_seconds"], 0)

    def test_rsa_and_ecdsa_serve_side_by_side(self):
        for options, kind in ((("-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"), "RSA-PSS"),
                              (("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"), "ECDSA"),
                              (("-tls1_3", "-sigalgs", "RSA-PSS+SHA256"), "RSA-PSS"),
                              (("-tls1_3", "-sigalgs", "ECDSA+SHA256"), "ECDSA")):
            with self.subTest(options):
                shown = SClient(self.both.port, "-CAfile", self.c.ca, "-verify_return_error", *options)
                self.assertIn(f"Peer signature type: {kind}\n", shown.text)
                self.assertIn("Verify return code: 0 (ok)", shown.text)
                self.assertIn("HTTP/1.1 200 OK", shown.text)

    def test_the_chain_is_sent(self):
        for pair, code in ((self.c.chained, 0), (self.c.without_issuer, 20)):
            with self.subTest(pair.cert):
                shown = SClient(self.tls_proxy(pair).port, "-CAfile", self.c.ca)
                self.assertRegex(shown.text, rf"Verify return code: {code} |verify error:num={code}:")

    def test_nothing_weak_is_agreed_on(self):
        for options in (("-tls1_1", "-cipher", "ALL:@SECLEVEL=0"), ("-tls1_2", "-cipher", "AES128-GCM-SHA256"),
                        ("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"), ("-tls1_2", "-cipher", "PSK")):
            with self.subTest(options):
                shown = SClient(self.both.port, *options)
                self.assertNotIn("HTTP/1.1", shown.text)
                self.assertIn("Cipher is (NONE)", shown.text)

    def test_min_version_holds(self):
        proxy = self.tls_proxy(more="min_version: '1.3'")
        self.check_status(fetch_tls(proxy.port, client_context(self.c.ca, "1.3")))
        with self.assertRaisesRegex(ssl.SSLError, "(?i)protocol.version"):
            self.client(proxy, client_context(self.c.ca, "1.2"))
        line = proxy.wait_for_log(2)[-1]
        self.assertEqual(line["fault"], "ctls-version")

    def test_http_1_1_alone_is_chosen(self):
        proxy = self.tls_proxy()
        for number, (offered, chosen) in enumerate(
                ((["http/1.1"], "http/1.1"), (["h2", "http/1.1"], "http/1.1"), (None, None)), 1):
            with self.subTest(offered):
                client = self.client(proxy, client_context(self.c.ca, alpn=offered))
                self.assertEqual(client.socket.selected_alpn_protocol(), chosen)
                self.check_status(client.send(ASK).read())
                self.assertEqual(proxy.wait_for_log(number)[-1].get("tls_next_protocol"), chosen)

    def test_whoever_speaks_h2_alone_gets_alert_120(self):
        proxy = self.tls_proxy()
        for number, version in enumerate(("-tls1_2", "-tls1_3"), 1):
            with self.subTest(version):
                self.assertIn("alert number 120", SClient(proxy.port, version, "-alpn", "h2").text)
                line = proxy.wait_for_log(number)[-1]
                self.assertEqual(line["fault"], "ctls-abort")
                self.assertIn("120", "\n".join(line["evidence"]))

    def test_no_renegotiation(self):
        shown = SClient(self.both.port, "-tls1_2")
        self.assertIn("Secure Renegotiation IS supported", shown.text)  # RFC 5746: it is bound
        asked = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{self.both.port}", "-servername", NAME, "-tls1_2"],
            input=b"R\n", capture_output=True, timeout=PATIENCE, check=False)
        self.assertIn(b"no renegotiation", asked.stderr)

    def test_plain_http_is_told_so(self):
        response = fetch(self.both.port)
        self.check_status(response, 400)
        self.assertIn("ctls-plain-http", response["Error-Fault"])


    def test_a_unix_socket_speaks_tls_too(self):
        curl = needs("curl")
        path = os.path.join(self.folder, "listen.sock")
        self.proxy(listening(yaml_for(self.origin.port), tls_of(self.c.good), address=f"unix:{path}"))
        done = subprocess.run(
            [curl, "-sS", "-q", "--noproxy", "*", "--cacert", self.c.ca, "--max-time", str(PATIENCE),
             "--unix-socket", path, f"https://{NAME}/bytes/5"], capture_output=True, text=True, check=False)
        self.assertEqual((done.stdout, done.stderr), ("00000", ""))


class Names(TlsTest):
    """Which certificate is for whom."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        key = Key(cls.folder, "names", *ECDSA)
        root = Authority(cls.folder, "names", Key(cls.folder, "names-ca", *rsa(2048))).sign_itself()
        pairs = [root.sign(name, key, server_of(names), subject=name) for name, names in (
            ("first", "DNS:first.example"), ("shop", "DNS:shop.example, DNS:www.shop.example"),
            ("wild", "DNS:*.wild.example"), ("exact", "DNS:exact.wild.example"),
            ("address", "IP:192.0.2.1, IP:::1"))]
        cls.proxies = [cls.enterClassContext(Proxy(tls_yaml(
            cls.origin.port, tls_of(*pairs, more=more)))) for more in ("", "strict_sni: false")]
        cls.context = ssl.create_default_context(cafile=root.cert)
        cls.context.check_hostname = False

    def test_sni_picks_the_certificate(self):
        for name, subject in (
                ("first.example", "first"), ("shop.example", "shop"), ("www.shop.example", "shop"),
                ("WWW.Shop.Example", "shop"), ("a.wild.example", "wild"), ("b.wild.example", "wild"),
                ("exact.wild.example", "exact"), ("wild.example", "first"), ("a.b.wild.example", "first"),
                ("xwild.example", "first"), ("unknown.example", "first"), (None, "first")):
            with self.subTest(name):
                self.assertEqual(self.client(self.proxies[0], self.context, name=name).subject, subject)

    def check_host(self, proxy, name, host, status):
        response = fetch_tls(proxy.port, self.context, name=name, host=host)
        self.check_status(response, status)
        return response

    def test_a_host_of_the_certificate_is_served(self):
        for name, host in (("shop.example", "shop.example"), ("shop.example", "WWW.shop.example:443"),
                           ("a.wild.example", "b.wild.example"), (None, "first.example")):
            with self.subTest((name, host)):
                self.check_host(self.proxies[0], name, host, 200)

    def test_a_host_of_another_certificate_is_misdirected(self):
        for name, host, fault in (("shop.example", "first.example", "req-misdirected"),
                                  ("exact.wild.example", "a.wild.example", "req-misdirected"),
                                  ("unknown.example", "unknown.example", "ctls-sni-unknown"),
                                  ("unknown.example", "first.example", "ctls-sni-unknown")):
            with self.subTest((name, host)):
                response = self.check_host(self.proxies[0], name, host, 421)
                self.assertTrue(response["Error-Fault"].startswith(fault), response["Error-Fault"])
                self.check_host(self.proxies[1], name, host, 200)

    def test_each_request_of_a_connection_is_judged_by_its_host(self):
        client = self.client(self.proxies[0], self.context, name="shop.example")
        for host, status in (("shop.example", 200), ("first.example", 421), ("www.shop.example", 200)):
            self.check_status(client.send(request("/bytes/5", host=host)).read(), status)

    def test_curl_believes_a_wildcard(self):
        curl = needs("curl")
        proxy = self.proxies[0]
        for host, expect in (("any.wild.example", 0), ("exact.wild.example", 0), ("a.b.wild.example", 60)):
            with self.subTest(host):
                done = subprocess.run(
                    [curl, "-sS", "-q", "--noproxy", "*", "--cacert", os.path.join(self.folder, "names/ca.pem"),
                     "--resolve", f"{host}:{proxy.port}:127.0.0.1", f"https://{host}:{proxy.port}/bytes/5"],
                    capture_output=True, text=True, timeout=PATIENCE, check=False)
                self.assertEqual((done.returncode, done.stdout), (expect, "" if expect else "00000"))


class ClientCertificates(TlsTest):
    def test_client_ca_admits_its_own_alone(self):
        proxy = self.tls_proxy(more=f"client_ca: {self.c.ca}")
        for version in VERSIONS:
            for own, status in ((self.c.client, 200), (None, 403), (self.c.strange_client, 403),
                                (self.c.expired_client, 403)):
                with self.subTest(version=version, own=own):
                    response = fetch_tls(proxy.port, client_context(self.c.ca, version, own))
                    self.check_status(response, status)
                    if status == 403:
                        self.assertTrue(response["Error-Fault"].startswith("ctls-client-cert"))

    def test_a_refused_connection_stays_refused_and_open(self):
        proxy = self.tls_proxy(more=f"client_ca: {self.c.ca}")
        client = self.client(proxy)
        for _ in range(3):
            self.check_status(client.send(ASK).read(), 403)

    def test_curl_shows_its_certificate(self):
        curl = needs("curl")
        proxy = self.tls_proxy(more=f"client_ca: {self.c.ca}")
        for shown, status in ((["--cert", self.c.client.cert, "--key", self.c.client.key], "200"), ([], "403")):
            done = subprocess.run(
                [curl, "-sS", "-q", "--noproxy", "*", "--cacert", self.c.ca, *shown, "-o", "/dev/null",
                 "-w", "%{http_code}", f"https://127.0.0.1:{proxy.port}/bytes/5"],
                capture_output=True, text=True, timeout=PATIENCE, check=False)
            self.assertEqual(done.stdout, status, done.stderr)

    def test_resumption_keeps_who_is_admitted_and_nobody_else(self):
        proxy = self.tls_proxy(more=f"client_ca: {self.c.ca}")
        for version in VERSIONS:
            for own, status in ((self.c.client, 200), (None, 403), (self.c.strange_client, 403)):
                with self.subTest(version=version, own=own):
                    context = client_context(self.c.ca, version, own)
                    first = self.client(proxy, context)
                    self.check_status(first.send(ASK).read(), status)
                    again = self.client(proxy, context, session=first.socket.session)
                    self.check_status(again.send(ASK).read(), status)
                    self.assertEqual(again.resumed, status == 200)

    def test_an_operator_by_certificate_sees_details(self):
        proxy = self.tls_proxy(errors=f"operators: [], operator_ca: {self.c.other_ca}")
        for version in VERSIONS:
            for own, sees in ((self.c.strange_client, True), (self.c.client, False), (None, False)):
                with self.subTest(version=version, own=own):
                    context = client_context(self.c.ca, version, own)
                    first = self.client(proxy, context)
                    again = None
                    for _ in range(2):
                        client = again or first
                        response = client.send(request("/fault/empty", host=NAME)).read()
                        self.check_status(response, 502)
                        self.assertEqual("next-hop" in response["Proxy-Status"], sees)
                        again = self.client(proxy, context, session=first.socket.session)


class Switch(RawOrigin):
    """Passes each connection on to whatever port `target` is: another server at the same address."""

    def __init__(self, target):
        self.target = target
        super().__init__(self.relay)

    def relay(self, connection, _):
        with socket.create_connection(("127.0.0.1", self.target), timeout=PATIENCE) as server:
            answers = threading.Thread(target=self.copy, args=(server, connection), daemon=True)
            answers.start()
            self.copy(connection, server)
            answers.join()

    @staticmethod
    def copy(source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)


class Resumption(TlsTest):
    def reused(self, proxy, version, path, *options):
        return SClient(proxy.port, version, *options, path).reused

    def test_s_client_resumes_by_any_worker_and_across_a_reload(self):
        yaml = tls_yaml(self.origin.port, tls_of(self.c.good)).replace("workers: 1", "workers: 3")
        proxy = self.proxy(yaml)
        for version in ("-tls1_2", "-tls1_3"):
            with self.subTest(version):
                path = os.path.join(self.folder, f"session{version}")
                self.assertFalse(self.reused(proxy, version, path, "-sess_out"))
                for _ in range(4):
                    self.assertTrue(self.reused(proxy, version, path, "-sess_in"))
                reload(proxy)
                self.assertTrue(self.reused(proxy, version, path, "-sess_in"))
        resumed = [line["tls_resumed"] for line in proxy.wait_for_log(12)]
        self.assertEqual(resumed, 2 * [False, True, True, True, True, True])

    def test_the_metrics_count_them(self):
        port = free_port()
        proxy = self.tls_proxy(admin=f'address: "127.0.0.1:{port}"')
        first = self.client(proxy)
        self.check_status(first.send(ASK).read())
        self.check_status(self.client(proxy, session=first.socket.session).send(ASK).read())
        page = scrape(port)
        counted = {labels["resumed"]: value
                   for labels, value in page.samples["whichhop_tls_handshakes_total"]
                   if labels["side"] == "downstream" and value}
        self.assertEqual(counted, {"true": 1, "false": 1})

    def test_ours_with_a_server(self):
        for version in VERSIONS:
            server = nginx_tls(self.c.good, more=f"ssl_protocols TLSv{version}; keepalive_timeout 0; "
                               "ssl_session_cache shared:x:1m;", locations="location / { return 204; }")
            with self.subTest(version), Nginx(server) as nginx:
                proxy = self.proxy(yaml_for(nginx.port, upstream=f"tls: {{ca: {self.c.ca}}}"))
                for _ in range(4):
                    self.assertEqual(fetch(proxy.port).status, 204)
                reload(proxy)
                self.assertEqual(fetch(proxy.port).status, 204)
                log = proxy.wait_for_log(5)
                self.assertEqual([line["upstream_tls_resumed"] for line in log], [False] + 3 * [True] + [False])
                self.assertEqual({line["upstream_tls_protocol_version"] for line in log}, {version})


    def test_a_server_that_forgot_our_session_agrees_anew(self):
        for version in VERSIONS:
            origins = [self.enterContext(Nginx(nginx_tls(
                self.c.good, more=f"ssl_protocols TLSv{version}; keepalive_timeout 0;",
                locations='location / { return 200 "%d"; }' % number))) for number in range(2)]
            with self.subTest(version), Switch(origins[0].port) as switch:
                proxy = self.proxy(yaml_for(switch.port, upstream=f"tls: {{ca: {self.c.ca}}}"))
                bodies = []
                for port in [origins[0].port] * 2 + [origins[1].port] * 2:
                    switch.target = port
                    bodies.append(fetch(proxy.port).body)
                self.assertEqual(bodies, [b"0", b"0", b"1", b"1"])
                self.assertEqual([line["upstream_tls_resumed"] for line in proxy.wait_for_log(4)],
                                 [False, True, False, True])


class Stapling(TlsTest):
    def test_the_response_is_stapled_for_who_asks(self):
        asked, path = os.path.join(self.folder, "ocsp.req"), os.path.join(self.folder, "good.ocsp")
        books = os.path.join(self.folder, "root", "index.txt")
        openssl("ocsp", "-issuer", self.c.ca, "-cert", self.c.good.cert, "-no_nonce", "-reqout", asked)
        openssl("ocsp", "-index", books, "-CA", self.c.ca, "-rsigner", self.c.ca, "-rkey",
                os.path.join(self.folder, "authority.key"), "-ndays", "1", "-reqin", asked, "-respout", path)
        proxy = self.proxy(tls_yaml(self.origin.port, tls_of(self.c.good, ocsp=path)))
        for version in ("-tls1_2", "-tls1_3"):
            with self.subTest(version):
                shown = SClient(proxy.port, version, "-status", "-CAfile", self.c.ca).text
                self.assertIn("OCSP Response Status: successful", shown)
                self.assertIn("Cert Status: good", shown)
                self.assertNotIn("OCSP Response Status", SClient(proxy.port, version).text)


class Segments(TlsTest):
    """What comes in one segment, and what comes bit by bit."""

    def flights(self, proxy, version, before=b""):
        """A client whose Finished and whose request wait to be sent."""
        client = FlightClient(proxy.port, client_context(self.c.ca, version))
        self.addCleanup(client.close)
        client.step(client.tls.do_handshake)
        client.flush(before)
        return client

    def test_a_request_right_behind_the_finished_is_answered(self):
        proxy = self.tls_proxy()
        client = self.flights(proxy, "1.3")
        while not client.step(client.tls.do_handshake):
            client.receive()
        client.tls.write(ASK + ASK)
        client.flush()
        answers = client.read_until(b"00000")
        self.assertTrue(answers.startswith(b"HTTP/1.1 200 OK\r\n"))
        if answers.count(b"HTTP/1.1 200") < 2 or not answers.endswith(b"00000"):
            self.assertIn(b"00000", client.read_until(b"00000"))

    def test_bytes_that_come_one_by_one_are_put_together(self):
        proxy = self.tls_proxy()
        for version in VERSIONS:
            with self.subTest(version):
                client = FlightClient(proxy.port, client_context(self.c.ca, version))
                self.addCleanup(client.close)

                def drip():
                    for byte in client.outgoing.read():
                        client.socket.send(bytes([byte]))
                while not client.step(client.tls.do_handshake):
                    drip()
                    client.receive()
                client.tls.write(ASK)
                drip()
                self.assertIn(b"HTTP/1.1 200 OK\r\n", client.read_until(b"00000"))

    def test_the_proxy_protocol_comes_before_tls(self):
        for mode in ("required", "optional"):
            trusted = "trusted_proxies: [127.0.0.1]\n"
            proxy = self.proxy(tls_yaml(self.origin.port, tls_of(self.c.good), f"proxy_protocol: {mode}") + trusted)
            with self.subTest(mode):
                self.check_status(fetch_tls(proxy.port, self.trusting, before=LINE))
                client = self.flights(proxy, "1.3", before=LINE)  # with the ClientHello behind it
                while not client.step(client.tls.do_handshake):
                    client.receive()
                client.tls.write(ASK)
                client.flush()
                client.read_until(b"00000")
                lines = proxy.wait_for_log(2)
                self.assertEqual([line["client_address"] for line in lines], ["192.0.2.7"] * 2)

    def test_optional_serves_tls_without_it(self):
        proxy = self.tls_proxy(of_listener="proxy_protocol: optional")
        self.check_status(fetch_tls(proxy.port, self.trusting))
        self.assertEqual(proxy.wait_for_log()[0]["client_address"], "127.0.0.1")


    def test_a_client_may_end_its_side_behind_its_request(self):
        proxy = self.tls_proxy()
        for version in VERSIONS:
            with self.subTest(version):
                client = self.flights(proxy, version)
                while not client.step(client.tls.do_handshake):
                    client.flush()
                    client.receive()
                client.tls.write(request("/delay/200ms/bytes/5", host=NAME))
                client.step(client.tls.unwrap)  # its close_notify is written
                client.flush()
                client.socket.shutdown(socket.SHUT_WR)
                self.assertIn(b"HTTP/1.1 200 OK\r\n", client.read_until(b"00000"))

    def test_keys_may_be_updated_between_requests(self):
        path = os.path.join(self.folder, "updates")
        with open(path, "wb") as output, open(path, "rb") as shown:
            client = subprocess.Popen(
                ["openssl", "s_client", "-connect", f"127.0.0.1:{self.tls_proxy().port}", "-servername", NAME,
                 "-tls1_3"], stdin=subprocess.PIPE, stdout=output, stderr=output)
            self.addCleanup(client.wait)

            def say(data, answer, count):
                client.stdin.write(data)
                client.stdin.flush()

                def told():
                    shown.seek(0)
                    return shown.read().count(answer) == count
                wait_for(told, f"{answer}, {count} times")
            with client.stdin:
                for count in range(1, 5):
                    say(ASK, b"\r\n00000", count)
                    say(b"K\n" if count % 2 else b"k\n", b"KEYUPDATE", count)  # both sides', or its own


class Bounds(TlsTest):
    def test_the_oldest_handshake_is_given_up_and_the_log_says_why(self):
        proxy = self.tls_proxy(limits="handshakes: 2")
        halves = []
        for _ in range(3):
            halves.append(socket.create_connection(("127.0.0.1", proxy.port), timeout=PATIENCE))
            self.addCleanup(halves[-1].close)
            halves[-1].sendall(b"\x16\x03\x01\x02\x00\x01")  # a record is announced
        self.assertEqual(halves[0].recv(1), b"")
        line = proxy.wait_for_log()[0]
        self.assertEqual((line["fault"], line["ended"], line["bytes_in"]), ("ctls-abort", "PR", 6))
        self.assertIn("limits.handshakes is reached", line["evidence"][0])
        self.check_status(fetch_tls(proxy.port, self.trusting))  # the next oldest went


class NginxBefore(TlsTest):
    """nginx as a TLS client of ours."""

    def front(self, proxy, more=""):
        return self.enterContext(Nginx(
            "listen 127.0.0.1:{port}; location / { proxy_pass https://us; proxy_http_version 1.1; "
            f"proxy_set_header Connection ''; proxy_set_header Host {NAME}; proxy_ssl_name {NAME}; "
            "proxy_ssl_server_name on; proxy_ssl_verify on; proxy_ssl_trusted_certificate "
            f"{self.c.ca}; {more} }}", f"upstream us {{ server 127.0.0.1:{proxy.port}; {{keepalive}} }}".replace(
                "{keepalive}", "keepalive 4;" if not more else "")))

    def test_it_keeps_connections_alive(self):
        port = free_port()
        proxy = self.tls_proxy(admin=f'address: "127.0.0.1:{port}"')
        nginx = self.front(proxy)
        with Client(nginx.port) as client:
            for size in range(1, 21):
                self.assertEqual(len(client.send(request(f"/bytes/{size}")).read().body), size)
        self.assertEqual(scrape(port).sum("whichhop_tls_handshakes_total", side="downstream"), 1)

    def test_it_resumes_sessions(self):
        for version in VERSIONS:
            with self.subTest(version):
                proxy = self.tls_proxy()
                nginx = self.front(proxy, f"proxy_ssl_session_reuse on; proxy_ssl_protocols TLSv{version};")
                for _ in range(4):
                    self.check_status(fetch(nginx.port, "/bytes/5"))
                lines = proxy.wait_for_log(4)
                self.assertEqual([(line["tls_protocol_version"], line["tls_resumed"]) for line in lines],
                                 [(version, False)] + 3 * [(version, True)])


class Servers(TlsTest):
    """TLS toward servers."""

    def upstream(self, port, **tls):
        keys = {"ca": self.c.ca} | tls
        return "tls: {" + ", ".join(f"{key}: {value}" for key, value in keys.items()) + "}"

    def through(self, port, **tls):
        return self.proxy(yaml_for(port, upstream=self.upstream(port, **tls)))

    def test_s_server_by_either_version_and_kind_of_key(self):
        for version in VERSIONS:
            for pair in (self.c.good, self.c.good_rsa, self.c.chained):
                with self.subTest(version=version, pair=pair.cert):
                    # A chain needs -cert_chain: -cert is the leaf alone.
                    server = self.enterContext(SServer(
                        "-cert", pair.cert, "-key", pair.key, "-cert_chain", pair.cert,
                        f"-tls{version.replace('.', '_')}"))
                    response = fetch(self.through(server.port).port)
                    self.assertEqual(response.status, 200)
                    self.assertIn(b"s_server", response.body)

    def test_nginx_learns_our_name_certificate_and_protocol(self):
        for version in VERSIONS:
            nginx = self.enterContext(Nginx(nginx_tls(
                self.c.good, more=f"ssl_protocols TLSv{version}; ssl_client_certificate {self.c.ca}; "
                "ssl_verify_client on;", locations="location / { return 200 "
                '"$ssl_client_s_dn|$ssl_server_name|$ssl_alpn_protocol|$ssl_protocol"; }')))
            with self.subTest(version):
                own = f"{{cert: {self.c.client.cert}, key: {self.c.client.key}}}"
                proxy = self.through(nginx.port, server_name=NAME, certificate=own)
                self.assertEqual(fetch(proxy.port).body.decode(), f"CN=client|{NAME}|http/1.1|TLSv{version}")
                line = proxy.wait_for_log()[0]
                self.assertEqual((line["upstream_tls_protocol_version"], line["upstream_tls_next_protocol"]),
                                 (version, "http/1.1"))
                bare = self.through(nginx.port, server_name=NAME)
                self.assertEqual(fetch(bare.port).status, 400)  # nginx says so in HTTP

    def test_a_connection_is_kept_and_agreed_on_once(self):
        nginx = self.enterContext(Nginx(nginx_tls(self.c.good, self.origin.port), UPGRADES))
        proxy = self.through(nginx.port)
        with Client(proxy.port) as client:
            for size in range(1, 11):
                self.assertEqual(len(client.send(request(f"/bytes/{size}")).read().body), size)
        lines = proxy.wait_for_log(10)
        self.assertEqual([line["attempts"][0].get("reused", False) for line in lines], [False] + 9 * [True])
        self.assertEqual(["tls_seconds" in line for line in lines], [True] + 9 * [False])

    def test_nginx_that_closes_after_each_answer_is_no_fault(self):
        nginx = self.enterContext(Nginx(nginx_tls(
            self.c.good, more="keepalive_timeout 0;", locations='location / { return 200 "here"; }')))
        proxy = self.through(nginx.port)
        with Client(proxy.port) as client:
            for _ in range(10):
                self.assertEqual(client.send(request()).read().body, b"here")

    def test_a_unix_socket_is_known_by_server_name(self):
        path = os.path.join(self.folder, "nginx.sock")
        self.enterContext(Nginx(nginx_tls(
            self.c.good, listen=f"unix:{path}", locations='location / { return 200 "$ssl_server_name"; }')))
        for name, status in ((NAME, 200), ("typo.internal", 502)):
            proxy = self.proxy(yaml_for(0, upstream=self.upstream(0, server_name=name)).replace(
                "127.0.0.1:0\"], tls", f"unix:{path}\"], tls"))
            response = fetch(proxy.port)
            self.assertEqual(response.status, status)
            if status == 200:
                self.assertEqual(response.body.decode(), NAME)

    def test_ipv6_on_both_sides(self):
        root = Authority(self.folder, "six", Key(self.folder, "six-ca", *ECDSA)).sign_itself()
        pair = root.sign("six", Key(self.folder, "six", *ECDSA), server_of("IP:::1"))
        nginx = self.enterContext(Nginx(nginx_tls(
            pair, listen="[::1]:{port}", locations='location / { return 200 "six$ssl_server_name"; }')))
        yaml = yaml_for(nginx.port, upstream=f"tls: {{ca: {root.cert}}}").replace(
            f"127.0.0.1:{nginx.port}", f"[::1]:{nginx.port}")
        proxy = self.proxy(listening(yaml, tls_of(pair), address="[::1]:0"))
        response = fetch_tls(proxy.port, client_context(root.cert), "/", name="::1", host="[::1]",
                             address="::1")
        self.assertEqual((response.status, response.body), (200, b"six"))


    def test_the_systems_authorities_are_believed_unless_others_are_named(self):
        nginx = self.enterContext(Nginx(nginx_tls(self.c.good, locations="location / { return 204; }")))
        for authority, status in ((self.c.ca, 204), (self.c.other_ca, 502)):
            proxy = self.enterContext(Process(
                ["env", f"SSL_CERT_FILE={authority}", "SSL_CERT_DIR=/nonexistent", WHICHHOP, "reverse-proxy",
                 "--from", "127.0.0.1:0", "--to", f"https://127.0.0.1:{nginx.port}"], r"listening on (\S+)"))
            self.assertEqual(fetch(proxy.port).status, status)

    def test_a_resumed_session_is_no_way_around_verification(self):
        """A reload that believes others forgets what was agreed on before."""
        nginx = self.enterContext(Nginx(nginx_tls(
            self.c.good, more="keepalive_timeout 0;", locations="location / { return 204; }")))
        proxy = self.through(nginx.port)
        self.assertEqual([fetch(proxy.port).status for _ in range(2)], [204, 204])
        with open(proxy.config_path, encoding="utf-8") as file:
            yaml = file.read()
        with open(proxy.config_path, "w", encoding="utf-8") as file:
            file.write(yaml.replace(self.c.ca, self.c.other_ca))
        reload(proxy)
        wait_for(lambda: fetch(proxy.port).status == 502, "the stranger to be refused")
        self.assertEqual({fetch(proxy.port).status for _ in range(5)}, {502})


class Forwarded(TlsTest):
    def test_the_origin_is_told_that_it_was_https(self):
        for tls, scheme in ((True, "https"), (False, "http")):
            yaml = yaml_for(self.origin.port)
            proxy = self.proxy(listening(yaml, tls_of(self.c.good)) if tls else yaml)
            seen = (fetch_tls(proxy.port, self.trusting, "/echo") if tls else fetch(proxy.port, "/echo")).body
            self.assertEqual(re.findall(rb"(?m)^X-Forwarded-Proto: (.*)\r$", seen), [scheme.encode()])
            self.assertRegex(seen, rb"(?m)^Forwarded: .*;proto=%s\b" % scheme.encode())


class Health(TlsTest):
    def test_probes_speak_tls_and_believe_no_stranger(self):
        good = self.enterContext(TlsOrigin(self.c.good))
        bad = self.enterContext(TlsOrigin(self.c.of_other_ca))
        yaml = yaml_for(good.port, upstream=f"tls: {{ca: {self.c.ca}}}, retry: {{attempts: 0}}, "
                        "health_check: {path: /healthz, interval: 100ms, healthy: 1, unhealthy: 1}")
        proxy = self.proxy(yaml.replace(f'"127.0.0.1:{good.port}"',
                                        f'"127.0.0.1:{good.port}", "127.0.0.1:{bad.port}"'))
        wait_for(lambda: any(asked.startswith(b"GET /healthz ") for asked in good.requests), "a probe")
        wait_for(lambda: all(fetch(proxy.port).status == 200 for _ in range(4)), "the stranger to be out")
        for _ in range(20):
            self.assertEqual(fetch(proxy.port).status, 200)
        self.assertEqual(bad.requests, [])


if __name__ == "__main__":
    unittest.main()
