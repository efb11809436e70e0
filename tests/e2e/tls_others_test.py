"""TLS with HAProxy on either side, and what curl and openssl ask for more rarely.

Where one is not installed its tests are skipped, and say so.
"""

import os
import ssl
import subprocess
import tempfile
import unittest

from harness import PATIENCE, Client, Origin, Proxy, fetch, free_port, request, wait_for, yaml_for
from tls_certificates import ECDSA, NAME, Authority, Key, openssl, rsa, server_of
from tls_clients import SClient, needs, tls_of, tls_yaml

NAMES = f"DNS:{NAME}, DNS:localhost, IP:127.0.0.1"


class OthersTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="whichhop-tls-"))
        os.chmod(cls.folder, 0o755)
        cls.root = Authority(cls.folder, "root", Key(cls.folder, "ca", *ECDSA)).sign_itself()
        cls.pair, cls.rsa = (
            cls.root.sign(name, Key(cls.folder, name, *kind), server_of(NAMES), subject=name,
                          chain=[cls.root.cert])
            for name, kind in (("ecdsa", ECDSA), ("rsa", rsa(2048))))

    def proxy(self, yaml):
        return self.enterContext(Proxy(yaml))

    def path(self, name, data=None):
        path = os.path.join(self.folder, name)
        if data is not None:
            with open(path, "wb") as file:
                file.write(data)
        return path


HAPROXY = """
global
  maxconn 200
defaults
  mode http
  timeout connect 10s
  timeout client 30s
  timeout server 30s
frontend in
  bind 127.0.0.1:{port} {bind}
  default_backend out
backend out
  http-reuse always
  server one 127.0.0.1:{to} {server}
"""


class HAProxy(OthersTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.program = needs("haproxy")
        cls.origin = cls.enterClassContext(Origin())

    def haproxy(self, to, bind="", server=""):
        port = free_port()
        config = self.path(f"haproxy-{port}.cfg",
                           HAPROXY.format(port=port, to=to, bind=bind, server=server).encode())
        process = subprocess.Popen([self.program, "-db", "-q", "-f", config], stdin=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)

        def listens():
            self.assertIsNone(process.poll())
            try:
                Client(port).close()
                return True
            except OSError:
                return False
        wait_for(listens, "haproxy to listen")
        return port

    def exchange(self, port):
        """Some of each kind, on one connection."""
        data = os.urandom(400_000)
        with Client(port) as client:
            for size in (1, 1000, 100_000, 2_000_000):
                for how in ("", "?chunked"):
                    body = client.send(request(f"/bytes/{size}{how}", host=NAME)).read().body
                    self.assertEqual(len(body), size)
            echoed = client.send(request("/echo", "POST", body=data, host=NAME)).read().body
            self.assertTrue(echoed.endswith(data))

    def test_before_us_it_keeps_its_connection(self):
        proxy = self.proxy(tls_yaml(self.origin.port, tls_of(self.pair, self.rsa)))
        for more in ("", "no-tlsv13"):
            with self.subTest(more):
                port = self.haproxy(proxy.port, server=f"ssl verify required ca-file {self.root.cert} sni str({NAME}) "
                                    f"verifyhost {NAME} alpn http/1.1 {more}")
                self.exchange(port)
        lines = proxy.wait_for_log(18)
        for line in lines:
            self.assertEqual((line["http_response_status_code"], line["tls_next_protocol"]), (200, "http/1.1"))
        # One handshake for each of the two versions.
        self.assertEqual(len({(line["tls_protocol_version"], line["tls_handshake_seconds"]) for line in lines}), 2)

    def test_before_us_with_a_proxy_header(self):
        proxy = self.proxy(tls_yaml(self.origin.port, tls_of(self.pair), "proxy_protocol: required"))
        port = self.haproxy(proxy.port, server=f"ssl verify none sni str({NAME}) send-proxy-v2")
        self.assertEqual(len(fetch(port, "/bytes/70000", host=NAME).body), 70_000)

    def test_behind_us(self):
        both = self.path("both.pem")
        with open(both, "wb") as out:
            for path in (self.pair.cert, self.pair.key):
                with open(path, "rb") as file:
                    out.write(file.read())
        for more in ("", "no-tlsv13"):
            with self.subTest(more):
                port = self.haproxy(self.origin.port, bind=f"ssl crt {both} alpn http/1.1 strict-sni {more}")
                proxy = self.proxy(yaml_for(port, upstream=f"tls: {{ca: {self.root.cert}, server_name: {NAME}}}"))
                self.exchange(proxy.port)
                lines = proxy.wait_for_log(9)
                self.assertEqual({line["upstream_tls_next_protocol"] for line in lines}, {"http/1.1"})
                self.assertEqual([line["attempts"][0].get("reused", False) for line in lines], [False] + [True] * 8)


class Curl(OthersTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.origin = cls.enterClassContext(Origin())
        cls.staple = cls.good_says_the_authority()
        tls = tls_of(cls.pair, ocsp=cls.staple)
        cls.proxy = cls.enterClassContext(Proxy(tls_yaml(cls.origin.port, tls)))

    @classmethod
    def good_says_the_authority(cls):
        asked, staple = (os.path.join(cls.folder, name) for name in ("asked.der", "staple.der"))
        openssl("ocsp", "-issuer", cls.root.cert, "-cert", cls.pair.cert, "-reqout", asked)
        openssl("ocsp", "-index", os.path.join(cls.root.folder, "index.txt"), "-CA", cls.root.cert, "-rsigner",
                cls.root.cert, "-rkey", cls.root.key.path, "-ndays", "1", "-reqin", asked, "-respout", staple)
        return staple

    def curl(self, *arguments, target="/bytes/1000", expect=0):
        done = subprocess.run(
            [needs("curl"), "-sS", "-q", "--max-time", str(PATIENCE), "--noproxy", "*", "--cacert", self.root.cert,
             "--resolve", f"{NAME}:{self.proxy.port}:127.0.0.1", *arguments,
             f"https://{NAME}:{self.proxy.port}{target}"], capture_output=True, check=False)
        self.assertEqual(done.returncode, expect, done.stderr)
        return done.stdout

    def test_http_1_0_which_it_offers_alone(self):
        for target in ("/bytes/1000", "/bytes/1000?chunked", "/bytes/1000?close"):
            with self.subTest(target):
                self.assertEqual(len(self.curl("--http1.0", target=target)), 1000)
        self.assertIn("http/1.0", [line["tls_next_protocol"] for line in self.proxy.wait_for_log(3)])

    def test_a_cut_answer_is_an_error_to_it(self):
        self.curl(target="/fault/truncate", expect=18)
        self.curl(target="/fault/truncate-chunked", expect=18)
        self.curl("--http1.0", target="/fault/close-cut", expect=56)

    def test_a_file_goes_up_and_comes_back(self):
        data = os.urandom(3_000_000)
        path = self.path("upload", data)
        for fields in ((), ("-H", "Transfer-Encoding: chunked"),
                       ("-H", "Expect: 100-continue", "--expect100-timeout", "60")):
            with self.subTest(fields):
                self.assertTrue(self.curl("-T", path, *fields, target="/echo").endswith(b"\r\n\r\n" + data))

    def test_parallel_downloads(self):
        url = f"https://{NAME}:{self.proxy.port}/bytes/"
        urls = [part for n in range(30) for part in ("-o", os.devnull, f"{url}{n * 10_000}")]
        shown = self.curl("--parallel", "--parallel-immediate", "-w", "%{http_code} %{size_download}\n", *urls,
                          "-o", os.devnull).decode().splitlines()
        self.assertEqual(sorted(shown), sorted([f"200 {n * 10_000}" for n in range(30)] + ["200 1000"]))

    def test_the_staple_is_what_it_demands(self):
        self.assertEqual(len(self.curl("--cert-status")), 1000)


class Openssl(OthersTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.origin = cls.enterClassContext(Origin())
        cls.proxy = cls.enterClassContext(Proxy(tls_yaml(cls.origin.port, tls_of(cls.pair, cls.rsa))))

    def s_client(self, *options):
        return SClient(self.proxy.port, "-CAfile", self.root.cert, "-verify_return_error", *options)

    def test_every_suite_finds_the_certificate_that_it_is_for(self):
        for kind, subject in (("RSA", "rsa"), ("ECDSA", "ecdsa")):
            for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305"):
                with self.subTest(kind, cipher=cipher):
                    shown = self.s_client("-tls1_2", "-cipher", f"ECDHE-{kind}-{cipher}").text
                    self.assertIn(f"Cipher is ECDHE-{kind}-{cipher}", shown)
                    self.assertRegex(shown, f"(?m)^subject=CN ?= ?{subject}$")

    def test_who_puts_chacha_first_gets_it(self):
        for first, other in (("TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"),
                             ("TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256")):
            shown = self.s_client("-tls1_3", "-ciphersuites", f"{first}:{other}").text
            self.assertIn(f"Cipher is {first if 'CHACHA' in first else other}", shown)

    def test_groups_and_one_that_was_guessed_wrong(self):
        for groups, chosen in (("X25519", "X25519"), ("P-256", "prime256v1"), ("P-384", "secp384r1"),
                               ("P-521:X25519", "X25519")):  # HelloRetryRequest
            with self.subTest(groups):
                shown = self.s_client("-tls1_3", "-groups", groups).text
                self.assertRegex(shown, f"Server Temp Key: .*{chosen}")
                self.assertIn("HTTP/1.1 200 OK", shown)
        self.assertIn("Cipher is (NONE)", self.s_client("-tls1_3", "-groups", "P-521").text)

    def test_early_data_is_not_taken(self):
        session, early = self.path("session"), self.path("early", request("/early", host=NAME))
        self.s_client("-tls1_3", "-sess_out", session)
        shown = self.s_client("-tls1_3", "-sess_in", session, "-early_data", early).text
        self.assertRegex(shown, "Early data was (not sent|rejected)")
        self.assertNotIn("/early", [line.get("url_path") for line in self.proxy.wait_for_log(1)])

    def test_a_ticket_of_another_process_begins_anew(self):
        session = self.path("other-session")
        other = self.proxy_beside()
        for version in ("-tls1_2", "-tls1_3"):
            with self.subTest(version):
                SClient(other.port, version, "-sess_out", session)
                shown = self.s_client(version, "-sess_in", session)
                self.assertFalse(shown.reused)
                self.assertIn("HTTP/1.1 200 OK", shown.text)

    def proxy_beside(self):
        return self.enterContext(Proxy(tls_yaml(self.origin.port, tls_of(self.pair, self.rsa))))

    def test_each_resumption_of_1_3_brings_another_ticket(self):
        context = ssl.create_default_context(cafile=self.root.cert)
        session = None
        for number in range(4):
            plain = Client(self.proxy.port)
            with context.wrap_socket(plain.socket, server_hostname=NAME, session=session) as client:
                client.sendall(request("/bytes/1", host=NAME))
                client.recv(65536)
                self.assertEqual(client.session_reused, number > 0)
                session = client.session


if __name__ == "__main__":
    unittest.main()
