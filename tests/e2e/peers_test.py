"""With clients and servers that others wrote: curl, nginx, ab, wrk.

Where a tool is not installed its tests are skipped, and say so.
"""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from harness import (PATIENCE, Client, Origin, Proxy, fetch, free_port, origin_answering, request,
                     wait_for, yaml_for)


def needs(tool):
    """The path of a tool; the class is skipped, loudly, without it."""
    path = shutil.which(tool, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if path is None:
        print(f"SKIPPED: {tool} is not installed", file=sys.stderr)
        raise unittest.SkipTest(f"{tool} is not installed")
    return path


class Curl(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.curl_path = needs("curl")
        cls.origin = Origin()
        cls.addClassCleanup(cls.origin.stop)
        cls.proxy = Proxy(yaml_for(cls.origin.port, routes="- {path: /tea, respond: 418}"))
        cls.addClassCleanup(cls.proxy.stop)
        folder = tempfile.TemporaryDirectory(prefix="whichhop-test-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name

    def curl(self, *arguments, expect=0):
        environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        done = subprocess.run([self.curl_path, "-sS", "-q", "--max-time", str(PATIENCE), *arguments],
                              capture_output=True, check=False, env=environment)
        self.assertEqual(done.returncode, expect, done.stderr)
        return done.stdout

    def url(self, path):
        return f"http://127.0.0.1:{self.proxy.port}{path}"

    def file(self, name, data):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def test_get(self):
        self.assertEqual(len(self.curl(self.url("/bytes/100000"))), 100_000)
        self.assertEqual(len(self.curl(self.url("/bytes/100000?chunk=999"))), 100_000)
        self.assertEqual(len(self.curl(self.url("/bytes/100000?close"))), 100_000)

    def test_head(self):
        answer = self.curl("-I", self.url("/bytes/12345"))
        self.assertIn(b"\r\nContent-Length: 12345\r\n", answer)
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 OK\r\n"))

    def test_post(self):
        echoed = self.curl("--data-binary", "a=b&c=d", self.url("/echo"))
        self.assertTrue(echoed.endswith(b"\r\n\r\na=b&c=d"))

    def test_put_of_a_file_in_chunks_and_by_length(self):
        data = os.urandom(300_000)
        path = self.file("upload", data)
        for fields in ((), ("-H", "Transfer-Encoding: chunked"), ("-H", "Expect:")):
            with self.subTest(fields):
                echoed = self.curl("-T", path, *fields, self.url("/echo"))
                self.assertTrue(echoed.endswith(b"\r\n\r\n" + data))

    def test_a_form_with_a_file(self):
        data = os.urandom(2_000_000)
        path = self.file("photo", data)
        echoed = self.curl("-F", "name=value", "-F", f"file=@{path}", self.url("/echo"))
        self.assertIn(data, echoed)
        self.assertIn(b'name="name"\r\n\r\nvalue\r\n', echoed)

    def test_a_body_that_waits_for_its_100(self):
        # Longer than our patience: the 100 came, or the body never would have.
        path = self.file("patient", b"x" * 10_000)
        shown = self.curl("-v", "--stderr", "-", "-H", "Expect: 100-continue", "--expect100-timeout", "60",
                          "--data-binary", f"@{path}", self.url("/sink"))
        self.assertIn(b"< HTTP/1.1 100 Continue", shown)
        self.assertIn(b"bytes=10000", shown)

    def test_a_body_that_does_not_wait_for_long(self):
        path = self.file("impatient", b"x" * 10_000)
        answer = self.curl("-H", "Expect: 100-continue", "--expect100-timeout", "0.01", "--data-binary",
                           f"@{path}", self.url("/delay/300ms/sink"))
        self.assertIn(b"bytes=10000", answer)

    def test_a_body_that_is_refused_before_it_is_sent(self):
        path = self.file("unwanted", b"x" * 10_000_000)
        status = self.curl("-o", "/dev/null", "-w", "%{http_code} %{size_upload}", "-H", "Expect: 100-continue",
                           "--expect100-timeout", "60", "--data-binary", f"@{path}", self.url("/tea"))
        self.assertEqual(status.split()[0], b"418")
        self.assertLess(int(status.split()[1]), 10_000_000)

    def test_http_1_0(self):
        for path in ("/bytes/1000", "/bytes/1000?chunked", "/bytes/1000?close"):
            answer = self.curl("-i", "--http1.0", self.url(path))
            head, _, body = answer.partition(b"\r\n\r\n")
            self.assertEqual(len(body), 1000)
            self.assertNotIn(b"chunked", head)

    def test_http_0_9_is_not_spoken(self):
        with Client(self.proxy.port) as client:
            client.send(b"GET /\r\n")
            client.socket.shutdown(1)
            self.assertEqual(client.read().status, 400)

    def test_several_urls_over_one_connection(self):
        urls = [self.url(f"/bytes/{size}") for size in (1, 2, 3)] + [
            self.url("/status/404"), self.url("/tea"), self.url("/bytes/4?chunked"), self.url("/status/204")]
        each = [part for url in urls for part in ("-o", "/dev/null", url)]
        shown = self.curl("-w", "%{http_code} %{num_connects} %{size_download}\n", *each).decode().splitlines()
        self.assertEqual([line.split()[0] for line in shown], ["200"] * 3 + ["404", "418", "200", "204"])
        self.assertEqual([line.split()[1] for line in shown], ["1"] + ["0"] * 6)

    def test_early_hints_and_trailers_do_not_disturb(self):
        self.assertEqual(self.curl(self.url("/early-hints")), b"after the hints\n")
        self.assertEqual(self.curl("-H", "TE: trailers", self.url("/trailers")), b"trailers")

    def test_the_kinds_of_error_body(self):
        for accept, kind, says in (("*/*", "text/plain", b"503"), ("text/html", "text/html", b"<"),
                                   ("application/json", "application/problem+json", b"{")):
            with self.subTest(accept):
                shown = self.curl("-i", "-H", f"Accept: {accept}", self.url("/status/503"))
                head, _, body = shown.partition(b"\r\n\r\n")
                self.assertIn(f"content-type: {kind}".encode(), head.lower())
                self.assertIn(says, body)
        body = json.loads(self.curl("-H", "Accept: application/json", self.url("/status/503")))
        self.assertEqual((body["status"], body["fault"]), (503, "relay-503"))

    def test_a_cut_answer_is_an_error_to_curl_too(self):
        self.curl(self.url("/fault/truncate"), expect=18)  # partial file
        self.curl(self.url("/fault/truncate-chunked"), expect=18)
        self.curl(self.url("/fault/close-cut"), expect=18)
        self.curl("--http1.0", self.url("/fault/close-cut"), expect=56)  # a RST: it could not be told else

    def test_parallel_downloads(self):
        urls = [part for n in range(40) for part in ("-o", "/dev/null", self.url(f"/bytes/{n * 10_000}"))]
        sizes = self.curl("--parallel", "-w", "%{http_code} %{size_download}\n", *urls).decode().splitlines()
        self.assertEqual(sorted(sizes), sorted(f"200 {n * 10_000}" for n in range(40)))

    def test_compressed_content_is_passed_as_it_is(self):
        text = b"hello " * 1000
        packed = gzip.compress(text)
        answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed
        with origin_answering(answer) as origin, Proxy(yaml_for(origin.port)) as proxy:
            self.assertEqual(self.curl("--compressed", f"http://127.0.0.1:{proxy.port}/"), text)


NGINX = """
worker_processes 1;
daemon off;
error_log stderr warn;
pid {folder}/nginx.pid;
events {{ worker_connections 256; }}
http {{
  access_log {folder}/access.log;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  default_type text/plain;
  gzip on;
  gzip_proxied any;  # it sees our Via
  gzip_min_length 100;
  gzip_types text/plain;
  keepalive_timeout {keepalive};
  server {{
    listen 127.0.0.1:{port};
    root {folder}/www;
    client_max_body_size 1k;
    location = /broken {{ return 502; }}
    location = /teapot {{ return 418 "short and stout"; }}
    location = /nothing {{ return 204; }}
    location = /away {{ return 301 /index.txt; }}
    location = /closed {{ return 444; }}
    location = /limited {{ limit_except GET {{ deny all; }} }}
    location /private {{ auth_basic "secrets"; auth_basic_user_file {folder}/users; }}
  }}
}}
"""


class Nginx(unittest.TestCase):
    KEEPALIVE = "65s"

    @classmethod
    def setUpClass(cls):
        path = needs("nginx")
        folder = tempfile.TemporaryDirectory(prefix="whichhop-test-")
        cls.addClassCleanup(folder.cleanup)
        os.chmod(folder.name, 0o755)  # its workers may be somebody else
        os.mkdir(f"{folder.name}/www")
        cls.data = bytes(n * 31 % 251 for n in range(1_000_000))
        for name, data in (("index.txt", b"hello nginx\n"), ("large.bin", cls.data), ("empty.txt", b""),
                           ("long.txt", b"again and again\n" * 1000), ("private", b"secret")):
            with open(f"{folder.name}/www/{name}", "wb") as file:
                file.write(data)
        with open(f"{folder.name}/users", "w", encoding="ascii") as file:
            file.write("x:{PLAIN}y\n")
        cls.nginx_port = free_port()
        config = f"{folder.name}/nginx.conf"
        with open(config, "w", encoding="ascii") as file:
            file.write(NGINX.format(folder=folder.name, port=cls.nginx_port, keepalive=cls.KEEPALIVE))
        cls.access_log = f"{folder.name}/access.log"
        errors = open(f"{folder.name}/stderr", "wb")
        nginx = subprocess.Popen([path, "-p", folder.name, "-c", config, "-e", "stderr"],
                                 stdin=subprocess.DEVNULL, stdout=errors, stderr=errors)

        def stop():
            nginx.terminate()  # the master ends its workers
            nginx.wait(PATIENCE)
            errors.close()

        cls.addClassCleanup(stop)

        def listens():
            if nginx.poll() is not None:
                with open(errors.name, encoding="utf-8") as file:
                    raise AssertionError(file.read())
            try:
                Client(cls.nginx_port).close()
                return True
            except OSError:
                return False

        wait_for(listens, "nginx to listen")
        cls.proxy = Proxy(yaml_for(cls.nginx_port))
        cls.addClassCleanup(cls.proxy.stop)

    def fetch(self, target, *arguments, **more):
        return fetch(self.proxy.port, target, *arguments, **more)

    def same_as_direct(self, target, method="GET", fields=()):
        """The relayed answer, which must be nginx's own but for the hop."""
        direct = fetch(self.nginx_port, target, method, fields)
        relayed = fetch(self.proxy.port, target, method, fields)

        def of_the_message(response):
            return sorted((n.lower(), v) for n, v in response.fields if n.lower() not in ("connection", "date"))

        self.assertEqual((relayed.status, relayed.reason, of_the_message(relayed), relayed.body),
                         (direct.status, direct.reason, of_the_message(direct), direct.body))
        return relayed

    def test_static_files_pass_as_they_are(self):
        for target in ("/index.txt", "/large.bin", "/empty.txt", "/long.txt"):
            for method in ("GET", "HEAD"):
                with self.subTest(target, method=method):
                    response = self.same_as_direct(target, method)
                    self.assertEqual(response.status, 200)
        self.assertEqual(self.fetch("/large.bin").body, self.data)

    def test_a_condition_is_answered_with_304(self):
        first = self.fetch("/index.txt")
        for fields in ([("If-Modified-Since", first["Last-Modified"])], [("If-None-Match", first["ETag"])]):
            with self.subTest(fields):
                response = self.same_as_direct("/index.txt", fields=fields)
                self.assertEqual((response.status, response.body, response["ETag"]), (304, b"", first["ETag"]))

    def test_a_range_is_answered_with_206(self):
        response = self.same_as_direct("/large.bin", fields=[("Range", "bytes=1000-2999")])
        self.assertEqual((response.status, response.body), (206, self.data[1000:3000]))
        self.assertEqual(response["Content-Range"], "bytes 1000-2999/1000000")

    def test_two_ranges_are_answered_in_parts(self):
        response = self.fetch("/large.bin", fields=[("Range", "bytes=0-9,20-29")])
        self.assertEqual(response.status, 206)
        self.assertIn(self.data[20:30], response.body)

    def test_a_range_that_can_not_be_is_416(self):
        response = self.fetch("/large.bin", fields=[("Range", "bytes=5000000-")])
        self.assertEqual((response.status, response["Content-Range"]), (416, "bytes */1000000"))
        self.assertTrue(response["Error-Fault"].startswith("relay-416"))

    def test_gzip_is_passed_in_its_chunks(self):
        response = self.fetch("/long.txt", fields=[("Accept-Encoding", "gzip")])
        self.assertEqual((response["Content-Encoding"], response["Transfer-Encoding"]), ("gzip", "chunked"))
        self.assertEqual(gzip.decompress(response.body), b"again and again\n" * 1000)

    def test_a_404_gets_our_page_for_nginxs(self):
        direct = fetch(self.nginx_port, "/none")
        response = self.fetch("/none")
        self.assertEqual((response.status, response["Server"]), (404, direct["Server"]))
        self.assertNotEqual(response.body, direct.body)
        self.assertTrue(response["Error-Fault"].startswith("relay-404"))
        self.assertIn("received-status=404", response["Proxy-Status"])

    def test_a_502_of_nginx_is_relayed_and_judged(self):
        response = self.fetch("/broken")
        self.assertEqual(response.status, 502)
        self.assertTrue(response["Error-Fault"].startswith("relay-502"))
        self.assertIn("received-status=502", response["Proxy-Status"])
        self.assertTrue(response["Error-Cause"])

    def test_other_answers(self):
        for target, method, status in (("/teapot", "GET", 418), ("/nothing", "GET", 204), ("/away", "GET", 301),
                                       ("/index.txt", "POST", 405), ("/limited", "DELETE", 403),
                                       ("/private", "GET", 401), ("/closed", "GET", 502)):
            with self.subTest(target):
                response = self.fetch(target, method)
                self.assertEqual((response.status, response.complete), (status, True))
                if status == 401:
                    self.assertEqual(response["WWW-Authenticate"], 'Basic realm="secrets"')
                if status == 502:
                    self.assertTrue(response["Error-Fault"].startswith("resp-empty-fin"))

    def test_a_body_that_nginx_does_not_want_gets_its_413(self):
        for size in (2000, 5_000_000):
            with self.subTest(size), Client(self.proxy.port) as client:
                try:
                    client.send(request("/index.txt", "POST", body=b"x" * size))
                except OSError:
                    pass  # we were told while we wrote
                response = client.read("POST")
                self.assertEqual((response.status, response["Error-Fault"].split(";")[0]), (413, "relay-413"))

    def test_what_nginx_logs_is_what_we_were_asked(self):
        self.fetch("/index.txt?logged=yes", fields=[("User-Agent", "a \"quoted\" agent")])
        with open(self.access_log, encoding="utf-8") as file:
            wait_for(lambda: "/index.txt?logged=yes HTTP/1.1\" 200" in file.read(), "nginx's log")

    def test_keep_alive_goes_on_through_all_of_it(self):
        with Client(self.proxy.port) as client:
            for _ in range(20):
                for target, method, status in (("/index.txt", "GET", 200), ("/none", "GET", 404),
                                               ("/large.bin", "HEAD", 200), ("/nothing", "GET", 204),
                                               ("/long.txt", "GET", 200), ("/broken", "GET", 502)):
                    self.assertEqual(client.send(request(target, method)).read(method).status, status)


class NginxThatHurries(Nginx):
    """It closes idle connections long before we do: nobody may notice."""

    KEEPALIVE = "0"


class Load(unittest.TestCase):
    def load(self, tool, arguments, target):
        path = needs(tool)
        with Origin() as origin, Proxy(yaml_for(origin.port)) as proxy:
            done = subprocess.run([path, *arguments, f"http://127.0.0.1:{proxy.port}{target}"],
                                  capture_output=True, text=True, check=False, timeout=PATIENCE + 10)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertEqual(fetch(proxy.port, "/bytes/3").body, b"000")
            return done.stdout

    def check_ab(self, *arguments):
        shown = self.load("ab", ["-q", "-t", "1", "-n", "1000000", "-c", "16", *arguments], "/bytes/1000")
        self.assertRegex(shown, r"Complete requests: +[1-9]")
        self.assertRegex(shown, r"Failed requests: +0\n")
        self.assertNotIn("Non-2xx", shown)

    def test_ab_finds_no_fault(self):
        self.check_ab("-k")

    def test_ab_without_keep_alive_finds_no_fault(self):
        self.check_ab()

    def check_wrk(self, target):
        shown = self.load("wrk", ["-t1", "-c32", "-d1s"], target)
        self.assertGreater(int(re.search(r"(\d+) requests in", shown)[1]), 0)
        self.assertNotIn("Socket errors", shown)
        self.assertNotIn("Non-2xx", shown)

    def test_wrk_finds_no_fault(self):
        for target in ("/bytes/1000", "/bytes/100000?chunk=5000", "/bytes/1000?close", "/early-hints"):
            with self.subTest(target):
                self.check_wrk(target)


if __name__ == "__main__":
    unittest.main()
