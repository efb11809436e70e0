"""A browser, where one is installed (Debian's chromium or chromium-headless-shell): https through whichhop."""

import base64
import hashlib
import os
import subprocess
import tempfile
import unittest

from browser import find_browser
from harness import PATIENCE, Proxy, RawOrigin
from tls_certificates import NAME, Certificates
from tls_clients import tls_of, tls_yaml

DATA = b"0123456789" * 20_000
# What is asked for while it loads is in the DOM that is dumped.
PAGE = b"""<!DOCTYPE html><title>through TLS</title><script>
function ask(method, path, body) {
  const request = new XMLHttpRequest();
  request.open(method, path, false);
  request.send(body);
  return request;
}
document.title = [
  ask("GET", "/data").responseText.length, ask("POST", "/length", "x".repeat(100000)).responseText,
  ask("GET", "/broken").status, performance.getEntriesByType("navigation")[0].nextHopProtocol,
  location.protocol, isSecureContext].join(" ");
</script>"""


def answer(body, kind=b"text/plain", status=b"200 OK"):
    return (b"HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
            % (status, kind, len(body))) + body


def serve(connection, origin):
    while asked := origin.read_request(connection):
        path = asked.split(b" ", 2)[1]
        if path == b"/":
            connection.sendall(answer(PAGE, b"text/html"))
        elif path == b"/data":
            connection.sendall(answer(DATA))
        elif path == b"/length":
            connection.sendall(answer(b"%d" % len(asked.partition(b"\r\n\r\n")[2])))
        else:
            return  # without an answer


class Chromium(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.browser = find_browser()
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="whichhop-tls-"))
        cls.c = Certificates(cls.folder)
        cls.origin = cls.enterClassContext(RawOrigin(lambda connection, _: serve(connection, cls.origin)))

    def key_of(self, pair):
        """The digest by which a browser may be told to believe it."""
        public = subprocess.run(["openssl", "pkey", "-in", pair.key, "-pubout", "-outform", "DER"],
                                capture_output=True, check=True).stdout
        return base64.b64encode(hashlib.sha256(public).digest()).decode()

    def load(self, proxy, path, *options):
        """The DOM of the page."""
        profile = self.enterContext(tempfile.TemporaryDirectory(
            prefix="whichhop-browser-", ignore_cleanup_errors=True))
        environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        done = subprocess.run(
            [self.browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--no-first-run", "--disable-background-networking", "--no-proxy-server",
             f"--user-data-dir={profile}", f"--host-resolver-rules=MAP {NAME} 127.0.0.1", *options,
             "--dump-dom", f"https://{NAME}:{proxy.port}{path}"],
            capture_output=True, timeout=2 * PATIENCE, check=False, env=environment)
        return done.stdout.decode()

    def test_a_page_and_what_its_script_asks_for(self):
        for pair in (self.c.good, self.c.good_rsa):
            with self.subTest(pair.cert), Proxy(tls_yaml(self.origin.port, tls_of(pair))) as proxy:
                dom = self.load(proxy, "/", f"--ignore-certificate-errors-spki-list={self.key_of(pair)}")
                self.assertIn(f"<title>{len(DATA)} 100000 502 http/1.1 https: true</title>", dom)
                lines = [line for line in proxy.wait_for_log(4) if line.get("url_path") != "/favicon.ico"]
                self.assertEqual({(line["tls_protocol_version"], line["tls_next_protocol"],
                                   line["tls_client_server_name"]) for line in lines},
                                 {("1.3", "http/1.1", NAME)})

    def test_an_error_is_a_page_that_names_the_hop(self):
        with Proxy(tls_yaml(self.origin.port, tls_of(self.c.good))) as proxy:
            dom = self.load(proxy, "/broken",
                            f"--ignore-certificate-errors-spki-list={self.key_of(self.c.good)}")
            self.assertIn("502", dom)
            self.assertIn("resp-empty-fin", dom)
            self.assertIn("app", dom)

    def test_a_browser_that_does_not_believe_us_says_so_by_its_alert(self):
        with Proxy(tls_yaml(self.origin.port, tls_of(self.c.good))) as proxy:
            self.assertNotIn("through TLS", self.load(proxy, "/"))
            line = proxy.wait_for_log()[0]
            self.assertEqual(line["fault"], "ctls-abort")
            self.assertRegex("\n".join(line["evidence"]), r"does not accept our certificate \(.*4[2-8]")


if __name__ == "__main__":
    unittest.main()
