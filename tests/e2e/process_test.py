"""The process itself: exit codes, subcommands, sockets, signals, drains, where it writes."""

import concurrent.futures
import contextlib
import ctypes
import json
import os
import pty
import random
import re
import resource
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
import unittest

import verdict
from documented import ROWS, produced, row_of
from harness import (PATIENCE, WHICHHOP, Client, Origin, Process, Proxy, RawOrigin, fetch,
                     free_port, request, wait_for, yaml_for)

LISTENING = r"listening on (\S+)"
PR_CAPBSET_DROP, CAP_SYS_RESOURCE = 24, 24


def whichhop(*words, **options):
    """Runs it to its end."""
    return subprocess.run([WHICHHOP, *words], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=PATIENCE, **options)


def on_a_terminal(*words, **environment):
    """What it prints to one."""
    ours, its = pty.openpty()
    clean = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    said = b""
    with subprocess.Popen([WHICHHOP, *words], stdin=subprocess.DEVNULL, stdout=its,
                          env=clean | environment):
        os.close(its)
        with contextlib.suppress(OSError):  # EIO: nobody has it open any more
            while more := os.read(ours, 65536):
                said += more
    os.close(ours)
    return said.decode().replace("\r\n", "\n")


@contextlib.contextmanager
def config_file(yaml):
    with tempfile.TemporaryDirectory(prefix="whichhop-test-") as folder:
        path = os.path.join(folder, "whichhop.yaml")
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.write(yaml)
        yield path


def yaml_on(port, upstream_port=9, rest=""):
    return yaml_for(upstream_port).replace("127.0.0.1:0", f"127.0.0.1:{port}") + rest


def is_free(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


class ExitCodes(unittest.TestCase):
    def expect(self, code, done, *said):
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        for words in said:
            self.assertIn(words, done.stderr)

    def test_usage_is_2_and_says_so_on_stderr(self):
        for words in (["serve"], ["run", "--nope"], ["run", "-c"], ["run", "extra"], ["check", "-x"],
                      ["check", "a", "b"], ["explain"], ["explain", "999"], ["explain", "50"],
                      ["explain", "5022"], ["explain", "502", "503"], ["explain", "502", "--yaml"],
                      ["explain", "nonsense", "--json"], ["reverse-proxy"],
                      ["reverse-proxy", "--from", "127.0.0.1:0"],
                      ["reverse-proxy", "--to", "http://127.0.0.1:1"],
                      ["reverse-proxy", "--from", "127.0.0.1:0", "--to", "ftp://127.0.0.1:1"],
                      ["reverse-proxy", "--from", "127.0.0.1:0", "--to", "http://127.0.0.1:1/path"],
                      ["reverse-proxy", "--from", "127.0.0.1:0", "--to", "https://127.0.0.1:1/path"],
                      ["reverse-proxy", "--from", "nowhere", "--to", "http://127.0.0.1:1"],
                      ["reverse-proxy", "--from", ":0", "--to", "http://127.0.0.1:1", "x"],
                      ["reverse-proxy", "--nope"], ["--nope"], ["-x"]):
            with self.subTest(words=words):
                done = whichhop(*words)
                self.expect(2, done)
                self.assertTrue(done.stderr)
                self.assertEqual(done.stdout, "")

    def test_help_and_version_are_0(self):
        for words in (["help"], ["--help"], ["-h"], ["version"], ["--version"]):
            with self.subTest(words=words):
                done = whichhop(*words)
                self.expect(0, done)
                self.assertIn("whichhop", done.stdout)
                self.assertEqual(done.stderr, "")
        self.assertRegex(whichhop("version").stdout, r"^whichhop \d+\.\d+\.\d+ ")
        for command in ("run", "check", "reverse-proxy", "explain", "version"):
            self.assertIn(command, whichhop("help").stdout)

    def test_an_invalid_configuration_is_1_with_every_error_and_nothing_bound(self):
        port = free_port()
        yaml = f'listen: ["127.0.0.1:{port}"]\nlissten: 1\ntimeouts: {{connect: 3}}\nroutes: []\n'
        with config_file(yaml) as path:
            for words in (["run", "-c", path], ["-c", path], ["check", "-c", path]):
                with self.subTest(words=words):
                    done = whichhop(*words)
                    self.expect(1, done, f"{path}:2:1: ", f"{path}:3:21: ", f"{path}:4:9: ")
                    self.assertEqual(len(done.stderr.splitlines()), 3)
                    self.assertNotIn("listening", done.stdout + done.stderr)
                    self.assertTrue(is_free(port))

    def test_a_file_that_cannot_be_read_is_1_and_named(self):
        with tempfile.TemporaryDirectory() as folder:
            for path in (os.path.join(folder, "none.yaml"), folder):
                for words in (["run"], ["check"], []):
                    with self.subTest(path=path, words=words):
                        self.expect(1, whichhop(*words, "-c", path), path)

    @unittest.skipIf(os.path.exists("/etc/whichhop/whichhop.yaml"), "this host has one")
    def test_without_c_it_is_the_one_in_etc(self):
        for words in (["run"], ["check"], []):
            self.expect(1, whichhop(*words), "/etc/whichhop/whichhop.yaml")

    def test_more_connections_than_the_hard_limit_of_descriptors_are_1(self):
        def limited():
            ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_SYS_RESOURCE, 0, 0, 0)
            resource.setrlimit(resource.RLIMIT_NOFILE, (512, 512))
        port = free_port()
        with config_file(yaml_on(port, rest="limits: {connections: 20000}\n")) as path:
            self.expect(1, whichhop("-c", path, preexec_fn=limited), "limits.connections", "20000",
                        "512")
            self.assertTrue(is_free(port))
            self.expect(0, whichhop("check", "-c", path, preexec_fn=limited))

    def test_the_default_makes_do_with_the_hard_limit(self):
        with Origin() as origin, config_file(yaml_for(origin.port)) as path:
            with Process(["prlimit", "--nofile=512:512", WHICHHOP, "-c", path], LISTENING) as proxy:
                self.assertEqual(fetch(proxy.port, "/bytes/10").status, 200)

    def test_a_port_in_use_is_3_whoever_has_it(self):
        for reuse in (False, True):
            with socket.socket() as other:
                if reuse:
                    other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                other.bind(("127.0.0.1", 0))
                other.listen()
                port = other.getsockname()[1]
                with config_file(yaml_on(port)) as path:
                    self.expect(3, whichhop("-c", path), f"127.0.0.1:{port}", "in use")
                done = whichhop("reverse-proxy", "--from", f"127.0.0.1:{port}", "--to",
                                "http://127.0.0.1:1")
                self.expect(3, done, f"127.0.0.1:{port}")

    def test_a_second_instance_steals_no_connection_from_the_first(self):
        with Origin() as origin, Proxy(yaml_for(origin.port, node="name: first")) as first:
            with config_file(yaml_on(first.port)) as path:
                with concurrent.futures.ThreadPoolExecutor() as pool:
                    second = [pool.submit(whichhop, "-c", path) for _ in range(3)]
                    statuses = [fetch(first.port, "/bytes/10").status for _ in range(200)]
                    self.assertEqual([done.result().returncode for done in second], [3, 3, 3])
            self.assertEqual(statuses, [200] * 200)
            self.assertEqual(len(first.wait_for_log(200)), 200)

    def test_an_address_of_nobody_is_3(self):
        with config_file(yaml_on(0).replace("127.0.0.1:0", "192.0.2.1:80")) as path:
            self.expect(3, whichhop("-c", path), "192.0.2.1:80")

    def test_a_log_that_cannot_be_opened_is_1_and_nothing_is_bound(self):
        for key in ("access", "operator"):
            for target in ("/nowhere/at/all.log", "/proc", "/"):
                port = free_port()
                logs = f"logs: {{{key}: {target}}}\n"
                with self.subTest(logs=logs), config_file(yaml_on(port, rest=logs)) as path:
                    self.expect(1, whichhop("-c", path), target)
                    self.assertTrue(is_free(port))


class Subcommands(unittest.TestCase):
    def test_c_alone_is_run(self):
        with Origin() as origin, config_file(yaml_for(origin.port)) as path:
            for words in (["-c", path], ["run", "-c", path], [f"--config={path}"], [f"-c{path}"],
                          ["run", "--config", path]):
                with self.subTest(words=words), Process([WHICHHOP, *words], LISTENING) as proxy:
                    self.assertEqual(fetch(proxy.port, "/bytes/10").status, 200)
                    proxy.signal(signal.SIGTERM)
                    self.assertEqual(proxy.wait(), 0)

    def test_reverse_proxy_needs_no_file(self):
        with Origin() as origin:
            for to in (f"http://127.0.0.1:{origin.port}", f"http://127.0.0.1:{origin.port}/"):
                command = [WHICHHOP, "reverse-proxy", "--from", "127.0.0.1:0", "--to", to]
                with self.subTest(to=to), Process(command, LISTENING) as proxy:
                    self.assertEqual(fetch(proxy.port, "/bytes/10").status, 200)
                    self.assertEqual(fetch(proxy.port, "/fault/empty")["Error-Cause"], "app")
                    proxy.signal(signal.SIGINT)
                    self.assertEqual(proxy.wait(), 0)
                    self.assertIn('"fault":"resp-empty-fin"', proxy.text())

    def test_check_binds_nothing_and_works_while_the_port_is_in_use(self):
        with Origin() as origin, Proxy(yaml_for(origin.port)) as proxy:
            with config_file(yaml_on(proxy.port, origin.port)) as path:
                done = whichhop("check", "-c", path)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertIn(f"{path}: ok", done.stdout)
        port = free_port()
        with config_file(yaml_on(port)) as path:
            self.assertEqual(whichhop("check", "-c", path).returncode, 0)
            self.assertTrue(is_free(port))

    def test_check_opens_no_log(self):
        with tempfile.TemporaryDirectory() as folder:
            log = os.path.join(folder, "access.log")
            with config_file(yaml_on(free_port(), rest=f"logs: {{access: {log}}}\n")) as path:
                self.assertEqual(whichhop("check", "-c", path).returncode, 0)
            self.assertFalse(os.path.exists(log))

    def test_explain_prints_every_documented_row_as_json(self):
        for code in sorted({name[:3] for name in ROWS}) + list(ROWS):
            with self.subTest(code=code):
                done = whichhop("explain", code, "--json")
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                rows = json.loads(done.stdout)
                self.assertEqual([row["row"] for row in rows],
                                 [name for name in ROWS if name.startswith(code)])
                for row in rows:
                    self.assertEqual(list(row), ["row", "phrase", "cause", "reporter", "cleared",
                                                 "says"])
                    self.assertEqual((row["cause"], row["reporter"], row["cleared"]),
                                     row_of(row["row"]))
                    self.assertTrue(row["phrase"] and row["says"])

    def test_explain_takes_its_flag_before_the_code_too(self):
        self.assertEqual(whichhop("explain", "--json", "502").stdout,
                         whichhop("explain", "502", "--json").stdout)

    def test_explain_in_words(self):
        done = whichhop("explain", "404")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for words in ("404 Not Found", "image-host, datastore", "browser", "what to do next"):
            self.assertIn(words, done.stdout)
        self.assertNotIn("\x1b", done.stdout)
        self.assertIn("502A", whichhop("explain", "502").stdout)
        self.assertIn("502C", whichhop("explain", "502").stdout)

    def test_explain_draws_in_colour_on_a_terminal_alone(self):
        plain = whichhop("explain", "502A").stdout
        self.assertIn("═ App ═", plain)
        self.assertIn("✗ cause", plain)
        coloured = on_a_terminal("explain", "502A")
        self.assertIn("\x1b[1;31m", coloured)
        self.assertEqual(re.sub(r"\x1b\[[0-9;]*m", "", coloured), plain)
        self.assertEqual(on_a_terminal("explain", "502A", NO_COLOR="1"), plain)
        self.assertEqual(on_a_terminal("explain", "502A", "--json"),
                         whichhop("explain", "502A", "--json").stdout)

    def test_explain_shows_no_control_bytes_back(self):
        self.assertNotIn("\x1b", whichhop("explain", "\x1b[31m").stderr)


# Each ▸ stands before a place that must be named; GOOD stands behind what a row breaks.
GOOD = 'upstreams:\n  app: {servers: ["127.0.0.1:1"]}\nroutes:\n  - {upstream: app}\n'
LISTEN = 'listen: ["127.0.0.1:0"]\n'
HEAD = LISTEN + 'upstreams:\n  app: {servers: ["127.0.0.1:1"]}\n'
BROKEN = [
    # names
    LISTEN + "▸lissten: 1\n" + GOOD,
    LISTEN + "timeouts: {▸conect: 1s}\n" + GOOD,
    LISTEN + "timeouts:\n  connect: 1s\n  ▸nothing: 1s\n" + GOOD,
    LISTEN + "limits: {header_fields: 20, ▸header: 1KiB}\n" + GOOD,
    LISTEN + "node: {name: a, ▸name: b}\n" + GOOD,
    LISTEN + "▸listen: [\"127.0.0.1:1\"]\n" + GOOD,
    LISTEN + "▸Node: {name: a}\n" + GOOD,
    LISTEN + "errors: {▸boddy: keep}\n" + GOOD,
    HEAD + "  ▸app: {servers: [\"127.0.0.1:2\"]}\nroutes:\n  - {upstream: app}\n",
    HEAD + "routes:\n  - {upstream: app, ▸hots: a.example}\n",
    HEAD + "routes:\n  - ▸▸uppstream: app\n",
    LISTEN + "admin: {address: ▸\"127.0.0.1\"}\n" + GOOD,
    # kinds
    "listen: ▸\"127.0.0.1:0\"\n" + GOOD,
    "listen: ▸[]\n" + GOOD,
    "listen: [▸[\"127.0.0.1:0\"]]\n" + GOOD,
    LISTEN + "node: ▸lb\n" + GOOD,
    LISTEN + "timeouts: ▸[1s]\n" + GOOD,
    LISTEN + "trusted_proxies: ▸10.0.0.0/8\n" + GOOD,
    LISTEN + "upstreams: ▸[app]\nroutes:\n  - {respond: 404}\n",
    LISTEN + "upstreams:\n  app: ▸[\"127.0.0.1:1\"]\nroutes:\n  - {respond: 404}\n",
    HEAD + "routes: ▸{upstream: app}\n",
    HEAD + "routes:\n  - ▸app\n",
    # values
    "listen: [▸\"127.0.0.1\"]\n" + GOOD,
    "listen: [\"127.0.0.1:0\", ▸\"localhost:80\"]\n" + GOOD,
    "listen: [▸\"127.0.0.1:65536\"]\n" + GOOD,
    "listen: [\"127.0.0.1:8080\", ▸\"127.0.0.1:8080\"]\n" + GOOD,
    "listen: [▸\"unix:relative.sock\"]\n" + GOOD,
    LISTEN + "node: {workers: ▸010}\n" + GOOD,
    LISTEN + "node: {workers: ▸0}\n" + GOOD,
    LISTEN + "node: {workers: ▸\"2\"}\n" + GOOD,
    LISTEN + "node: {position: ▸edge}\n" + GOOD,
    LISTEN + "node: {name: ▸\"two words\"}\n" + GOOD,
    LISTEN + "timeouts: {connect: ▸3}\n" + GOOD,
    LISTEN + "timeouts: {connect: ▸1.5s}\n" + GOOD,
    LISTEN + "timeouts: {connect: ▸-1s}\n" + GOOD,
    LISTEN + "timeouts: {connect: ▸3 s}\n" + GOOD,
    LISTEN + "timeouts:\n  connect: 1s\n  drain:   ▸1d\n" + GOOD,
    LISTEN + "limits: {header_bytes: ▸32KB}\n" + GOOD,
    LISTEN + "limits: {header_bytes: ▸32}\n" + GOOD,
    LISTEN + "limits: {strict_query: ▸yes}\n" + GOOD,
    LISTEN + "limits: {connections: ▸0}\n" + GOOD,
    LISTEN + "errors: {cors: ▸\"true\"}\n" + GOOD,
    LISTEN + "errors: {body: ▸augmented}\n" + GOOD,
    LISTEN + "errors: {operators: [10.0.0.0/8, ▸10.0.0.1/8]}\n" + GOOD,
    LISTEN + "trusted_proxies: [▸10.0.0.0/33]\n" + GOOD,
    LISTEN + "logs: {access: ▸access.log}\n" + GOOD,
    LISTEN + "logs: {query: ▸1}\n" + GOOD,
    LISTEN + "upstreams:\n  app: {servers: ▸[]}\nroutes:\n  - {upstream: app}\n",
    LISTEN + "upstreams:\n  app: {servers: [▸\"127.0.0.1:0\"]}\nroutes:\n  - {upstream: app}\n",
    LISTEN + "upstreams:\n  app: {servers: [▸\"http://127.0.0.1:1\"]}\nroutes:\n  - {upstream: app}\n",
    LISTEN + "upstreams:\n  app:\n    servers:\n      - {address: \"127.0.0.1:1\", weight: ▸0}\n"
             "routes:\n  - {upstream: app}\n",
    HEAD + "routes:\n  - {upstream: ▸ap}\n",
    HEAD + "routes:\n  - {upstream: app, path: ▸api}\n",
    HEAD + "routes:\n  - {upstream: app, path: ▸\"/a?b\"}\n",
    HEAD + "routes:\n  - {upstream: app, methods: [GET, ▸get]}\n",
    HEAD + "routes:\n  - {upstream: app, host: ▸\"http://a.example\"}\n",
    HEAD + "routes:\n  - {path: /a, respond: ▸99}\n",
    # the whole
    "▸" + GOOD,
    HEAD + "routes:\n  - ▸{path: /a}\n",
    HEAD + "routes:\n  - {upstream: app, ▸respond: 404}\n",
    HEAD + "routes:\n  - {upstream: app}\n  - ▸{upstream: app}\n",
    LISTEN + "upstreams:\n  app: ▸{is: app}\nroutes:\n  - {upstream: app}\n",
    LISTEN + GOOD + "▸--- \n" + LISTEN + GOOD,
    "▸",
    # several at once, in the order of the file
    LISTEN + "node: {workers: ▸x, ▸nam: a}\ntimeouts: {connect: ▸1}\nlimits: {header_fields: ▸1}\n"
    + GOOD + "  - {path: ▸x, upstream: ▸y}\n",
    # columns count bytes; CRLF is a line's end too
    LISTEN + "node: {name: ▸\"é\", ▸nam: b}\n" + GOOD,
    LISTEN.replace("\n", "\r\n") + "node:\r\n  workers: ▸x\r\n" + GOOD.replace("\n", "\r\n"),
]


def places_of(marked):
    """The file without its marks, and the line:column of each."""
    text, *parts = marked.split("▸")
    places = []
    for part in parts:
        before = text.rpartition("\n")[2]
        places.append(f"{text.count(chr(10)) + 1}:{len(before.encode()) + 1}")
        text += part
    return text, places


class Check(unittest.TestCase):
    def test_every_error_is_named_where_it_stands(self):
        for marked in BROKEN:
            yaml, places = places_of(marked)
            with self.subTest(yaml=marked), config_file(yaml) as path:
                done = whichhop("check", "-c", path)
                self.assertEqual(done.returncode, 1)
                self.assertEqual(done.stdout, "")
                named = [line.removeprefix(path + ":").split(": ")[0]
                         for line in done.stderr.splitlines()]
                self.assertEqual(named, places, done.stderr)

    def test_an_error_is_printable_whatever_the_file_holds(self):
        with config_file(LISTEN + 'node: {name: "\\e[31mred\\u202e"}\n' + GOOD) as path:
            done = whichhop("check", "-c", path)
            self.assertEqual(done.returncode, 1)
            self.assertTrue(done.stderr.strip().isprintable(), done.stderr)

    def test_what_ships_is_valid(self):
        conf = os.path.join(os.path.dirname(__file__), "..", "..", "conf")
        for name in sorted(os.listdir(conf)):
            if name.endswith(".yaml"):
                with self.subTest(name=name):
                    done = whichhop("check", "-c", os.path.join(conf, name))
                    self.assertEqual(done.returncode, 0, done.stderr)


def has_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


class Listening(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.origin = cls.enterClassContext(Origin())

    def yaml(self, listen, workers=1):
        return (yaml_for(self.origin.port).replace('["127.0.0.1:0"]', f"[{listen}]")
                .replace("workers: 1", f"workers: {workers}"))

    def test_four_workers_all_serve_all_listeners(self):
        def slices(proxy):
            counts = {}
            for task in os.listdir(f"/proc/{proxy.pid}/task"):
                with open(f"/proc/{proxy.pid}/task/{task}/schedstat") as file:
                    counts[task] = int(file.read().split()[2])
            return counts
        with Proxy(self.yaml('"127.0.0.1:0", "127.0.0.1:0"', workers=4)) as proxy:
            before = slices(proxy)
            for address in proxy.addresses * 150:
                self.assertEqual(fetch(int(address.rpartition(":")[2]), "/bytes/10").status, 200)
            after = slices(proxy)
            # A worker with its share of 300 connections wakes up at least so often.
            woken = [task for task in after if after[task] - before.get(task, 0) > 40]
            self.assertGreaterEqual(len(woken), 4, (before, after))
            self.assertEqual(proxy.drain(), 0)

    @unittest.skipUnless(has_ipv6(), "no IPv6 here")
    def test_ipv6_alone_and_beside_ipv4(self):
        with Proxy(self.yaml('"[::1]:0", "127.0.0.1:0"')) as proxy:
            port6, port4 = (int(address.rpartition(":")[2]) for address in proxy.addresses)
            with Client(port6, "::1") as client:
                self.assertEqual(client.send(request("/bytes/10")).read().status, 200)
            self.assertEqual(fetch(port4, "/bytes/10").status, 200)
            self.assertEqual({line["client_address"] for line in proxy.wait_for_log(2)},
                             {"::1", "127.0.0.1"})

    @unittest.skipUnless(has_ipv6(), "no IPv6 here")
    def test_a_port_alone_is_every_address(self):
        with Proxy(self.yaml('":0"')) as proxy:
            self.assertEqual(fetch(proxy.port, "/bytes/10").status, 200)
            with Client(proxy.port, "::1") as client:
                self.assertEqual(client.send(request("/bytes/10")).read().status, 200)
            self.assertEqual([line["client_address"] for line in proxy.wait_for_log(2)],
                             ["127.0.0.1", "::1"])

    def fetch_unix(self, path):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE)
            client.connect(path)
            client.sendall(request("/bytes/10", fields=[("Connection", "close")]))
            answer = b""
            while data := client.recv(65536):
                answer += data
        return answer

    def test_a_unix_socket(self):
        for workers in (1, 2):
            with self.subTest(workers=workers), tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "whichhop.sock")
                with Proxy(self.yaml(f'"unix:{path}"', workers)) as proxy:
                    self.assertTrue(self.fetch_unix(path).startswith(b"HTTP/1.1 200 OK\r\n"))
                    self.assertEqual(proxy.drain(), 0)

    def test_a_unix_socket_that_a_crash_left_behind_is_taken_over(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "whichhop.sock")
            with socket.socket(socket.AF_UNIX) as left:
                left.bind(path)
            with Proxy(self.yaml(f'"unix:{path}"')):
                self.assertTrue(self.fetch_unix(path).startswith(b"HTTP/1.1 200 OK\r\n"))

    def test_a_unix_socket_in_use_is_3(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "whichhop.sock")
            with socket.socket(socket.AF_UNIX) as other:
                other.bind(path)
                other.listen()
                with config_file(self.yaml(f'"unix:{path}"')) as file:
                    self.assertEqual(whichhop("-c", file).returncode, 3)
                other.setblocking(False)
                self.assertTrue(os.path.exists(path))


class Clients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.origin = cls.enterClassContext(Origin())

    def test_the_connection_over_the_limit_waits_for_a_place(self):
        with Proxy(yaml_for(self.origin.port, limits="connections: 10")) as proxy, \
                contextlib.ExitStack() as stack:
            busy = [stack.enter_context(Client(proxy.port)) for _ in range(10)]
            for client in busy:
                client.send(request("/slow/1000/600", fields=[("Connection", "close")]))
            time.sleep(0.3)
            eleventh = stack.enter_context(Client(proxy.port))
            eleventh.send(request("/bytes/10"))
            eleventh.socket.settimeout(0.5)
            with self.assertRaises(TimeoutError):
                eleventh.read()
            eleventh.socket.settimeout(PATIENCE)
            for client in busy:
                self.assertTrue(client.read().complete)
            self.assertEqual(eleventh.read().status, 200)

    def test_a_place_that_an_idle_client_leaves_is_given_on(self):
        with Proxy(yaml_for(self.origin.port, limits="connections: 10")) as proxy, \
                contextlib.ExitStack() as stack:
            idle = [stack.enter_context(Client(proxy.port)) for _ in range(10)]
            for client in idle:
                self.assertEqual(client.send(request("/bytes/10")).read().status, 200)
            more = [stack.enter_context(Client(proxy.port)) for _ in range(5)]
            for client in more:
                client.send(request("/bytes/10"))
            for client, leaving in zip(more, idle):
                leaving.close()
                self.assertEqual(client.read().status, 200)

    def test_a_thousand_come_and_go_within_a_limit_of_ten(self):
        yaml = yaml_for(self.origin.port, limits="connections: 10")
        with Proxy(yaml) as proxy, concurrent.futures.ThreadPoolExecutor(50) as pool:
            answers = pool.map(lambda _: fetch(proxy.port, "/bytes/100"), range(1000))
            self.assertEqual({answer.status for answer in answers}, {200})

    def test_a_client_that_says_nothing_or_leaves_leaves_no_trace(self):
        with Proxy(yaml_for(self.origin.port)) as proxy:
            silent = Client(proxy.port)
            for _ in range(20):
                Client(proxy.port).close()
            for _ in range(20):
                abrupt = Client(proxy.port)
                reset(abrupt)
            idle = Client(proxy.port)
            self.assertEqual(idle.send(request("/bytes/10")).read().status, 200)
            reset(idle)
            silent.close()
            self.assertEqual(fetch(proxy.port, "/bytes/10").status, 200)
            self.assertEqual(proxy.drain(), 0)
            self.assertEqual(len(proxy.log()), 2)
            self.assertEqual(len(proxy.text().splitlines()), 3, proxy.text())  # of its life

    def test_empty_lines_before_leaving_are_no_request(self):
        with Proxy(yaml_for(self.origin.port)) as proxy:
            Client(proxy.port).send(b"\r\n").close()
            self.assertEqual(fetch(proxy.port, "/bytes/10").status, 200)
            self.assertEqual(proxy.drain(), 0)
            self.assertEqual([line["url_path"] for line in proxy.log()], ["/bytes/10"])

    def test_clients_that_reset_amid_a_large_answer_harm_nobody(self):
        with Proxy(yaml_for(self.origin.port)) as proxy:
            for _ in range(30):
                client = Client(proxy.port).send(request("/bytes/4MiB"))
                client.read_head()
                reset(client)
            self.assertEqual(fetch(proxy.port, "/bytes/10").status, 200)
            self.assertEqual(proxy.drain(), 0)
            faults = [line.get("fault") for line in proxy.log()]
            self.assertEqual(faults, ["client-abort-body"] * 30 + [None])

    def test_an_origin_that_stops_reading_raises_no_sigpipe(self):
        def script(connection, _):
            connection.recv(100)

        with RawOrigin(script) as origin, Proxy(yaml_for(origin.port)) as proxy:
            for _ in range(20):
                answer = fetch(proxy.port, method="POST", body=b"x" * 500_000)
                self.assertEqual(answer.status, 502)
            self.assertIsNone(proxy.process.poll())


def reset(client):
    """Ends a connection by a RST."""
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


class WhereItWrites(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.origin = cls.enterClassContext(Origin())

    def run_with(self, logs, requests=1):
        """stdout and stderr of a run with so many requests."""
        yaml = yaml_for(self.origin.port) + logs
        with config_file(yaml) as path, tempfile.TemporaryFile("w+") as out, \
                tempfile.TemporaryFile("w+") as err:
            with subprocess.Popen([WHICHHOP, "-c", path], stdout=out, stderr=err) as process:
                def text(file):
                    with open(f"/proc/self/fd/{file.fileno()}") as copy:
                        return copy.read()
                try:
                    where = wait_for(lambda: [line for line in (text(out) + text(err)).splitlines()
                                              if "listening on" in line], "an address")
                    port = int(where[0].rpartition(":")[2])
                    for _ in range(requests):
                        self.assertEqual(fetch(port, "/bytes/10").status, 200)
                    process.send_signal(signal.SIGTERM)
                    self.assertEqual(process.wait(PATIENCE), 0)
                finally:
                    process.kill()
            return text(out), text(err)

    def test_stdout_is_the_default_and_the_operator_has_stderr(self):
        for logs in ("", "logs: {access: stdout, operator: stderr}\n"):
            out, err = self.run_with(logs)
            self.assertEqual([json.loads(line)["event_name"] for line in out.splitlines()],
                             ["exchange"])
            self.assertIn("listening on", err)
            self.assertNotIn("exchange", err)
            self.assertNotIn("\x1b", out + err)

    def test_they_may_change_places(self):
        out, err = self.run_with("logs: {access: stderr, operator: stdout}\n")
        self.assertIn("listening on", out)
        self.assertEqual(json.loads(err)["url_path"], "/bytes/10")

    def test_off_is_nothing(self):
        out, err = self.run_with("logs: {access: off}\n")
        self.assertEqual(out, "")
        self.assertNotIn("exchange", err)

    def test_a_path_is_appended_to(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "access.log")
            for _ in range(2):
                self.run_with(f"logs: {{access: {path}}}\n", 3)
            with open(path) as file:
                self.assertEqual(len([json.loads(line) for line in file]), 6)
            self.assertEqual(os.stat(path).st_mode & 0o7, 0, "no log for everyone to read")

    def test_a_reader_of_stdout_that_left_stops_nothing(self):
        with config_file(yaml_for(self.origin.port)) as path:
            read_end, write_end = os.pipe()
            os.close(read_end)
            with tempfile.TemporaryFile() as err, subprocess.Popen(
                    [WHICHHOP, "-c", path], stdout=write_end, stderr=err) as process:
                os.close(write_end)
                try:
                    def said():
                        with open(f"/proc/self/fd/{err.fileno()}") as copy:
                            return [line for line in copy if "listening on" in line]
                    port = int(wait_for(said, "an address")[0].rpartition(":")[2])
                    for _ in range(50):
                        self.assertEqual(fetch(port, "/bytes/10").status, 200)
                        time.sleep(0.01)
                    process.send_signal(signal.SIGTERM)
                    self.assertEqual(process.wait(PATIENCE), 0)
                finally:
                    process.kill()


class Drain(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.origin = cls.enterClassContext(Origin())

    def refuses(self, port):
        wait_for(lambda: is_free(port), "the listeners to close")

    def test_answers_on_their_way_are_completed(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(signal=number), Proxy(yaml_for(self.origin.port)) as proxy, \
                    Client(proxy.port) as streaming, Client(proxy.port) as waiting:
                streaming.send(request("/slow/2000/1000"))
                waiting.send(request("/delay/1500ms/bytes/100"))
                head = streaming.read_head()
                self.assertEqual(head.status, 200)
                proxy.signal(number)
                self.refuses(proxy.port)
                answer = waiting.read()
                self.assertEqual((answer.status, len(answer.body)), (200, 100))
                self.assertEqual(answer["Connection"], "close")
                self.assertEqual(len(streaming._exactly(2000)), 2000)
                self.assertTrue(streaming.at_end())
                self.assertEqual(proxy.wait(), 0)
                self.assertEqual(len(proxy.log()), 2)

    def test_a_request_body_on_its_way_is_taken_to_its_end(self):
        with Proxy(yaml_for(self.origin.port)) as proxy, Client(proxy.port) as client:
            client.send(b"POST /sink HTTP/1.1\r\nHost: a.example\r\nContent-Length: 10\r\n\r\n12345")
            time.sleep(0.2)
            proxy.signal(signal.SIGTERM)
            self.refuses(proxy.port)
            answer = client.send(b"67890").read()
            self.assertEqual(answer.status, 200)
            self.assertTrue(answer.body.startswith(b"bytes=10 "))
            self.assertEqual(proxy.wait(), 0)

    def test_what_was_sent_before_the_signal_is_answered(self):
        """The process sleeps while requests, new connections and the signal come: it finds all."""
        for workers in (1, 2):
            yaml = yaml_for(self.origin.port).replace("workers: 1", f"workers: {workers}")
            with self.subTest(workers=workers), Proxy(yaml) as proxy, \
                    contextlib.ExitStack() as stack:
                kept = [stack.enter_context(Client(proxy.port)) for _ in range(10)]
                for client in kept:
                    self.assertEqual(client.send(request("/bytes/10")).read().status, 200)
                proxy.signal(signal.SIGSTOP)
                fresh = [stack.enter_context(Client(proxy.port)) for _ in range(40)]
                for client in kept + fresh:
                    client.send(request("/bytes/100"))
                proxy.signal(signal.SIGTERM)
                proxy.signal(signal.SIGCONT)
                for client in kept + fresh:
                    answer = client.read()
                    self.assertIsNotNone(answer)
                    self.assertEqual((answer.status, len(answer.body)), (200, 100))
                    # A worker may serve it before it hears of the drain: then the grace ends it.
                    self.assertIn(answer["Connection"], (None, "close"))
                    self.assertTrue(client.at_end())
                self.assertEqual(proxy.wait(), 0)
                self.assertEqual(len(proxy.log()), 60)

    def test_pipelined_requests_of_before_are_answered_or_visibly_not(self):
        with Proxy(yaml_for(self.origin.port)) as proxy, Client(proxy.port) as client:
            client.send(request("/delay/500ms/bytes/10") + request("/bytes/20"))
            time.sleep(0.2)
            proxy.signal(signal.SIGTERM)
            first = client.read()
            self.assertEqual(first.status, 200)
            if first["Connection"] != "close":
                self.assertEqual(client.read()["Connection"], "close")
            self.assertTrue(client.at_end())
            self.assertEqual(proxy.wait(), 0)

    def test_a_connection_that_has_said_nothing_yet_may_still_ask_within_the_grace(self):
        with Proxy(yaml_for(self.origin.port)) as proxy, Client(proxy.port) as silent, \
                Client(proxy.port) as kept:
            self.assertEqual(kept.send(request("/bytes/10")).read().status, 200)
            proxy.signal(signal.SIGTERM)
            self.refuses(proxy.port)
            for client in (silent, kept):
                answer = client.send(request("/bytes/10")).read()
                self.assertEqual((answer.status, answer["Connection"]), (200, "close"))
                self.assertTrue(client.at_end())
            self.assertEqual(proxy.wait(), 0)

    def test_idle_clients_are_released_by_a_fin_within_the_grace(self):
        with Proxy(yaml_for(self.origin.port)) as proxy, Client(proxy.port) as silent, \
                Client(proxy.port) as kept:
            self.assertEqual(kept.send(request("/bytes/10")).read().status, 200)
            begun = time.monotonic()
            proxy.signal(signal.SIGTERM)
            for client in (silent, kept):
                self.assertEqual(client.socket.recv(1), b"")
            self.assertEqual(proxy.wait(), 0)
            self.assertTrue(0.5 < time.monotonic() - begun < 3, time.monotonic() - begun)
            self.assertEqual(len(proxy.log()), 1)

    def test_with_nobody_there_it_ends_at_once(self):
        with Proxy(yaml_for(self.origin.port)) as proxy:
            begun = time.monotonic()
            self.assertEqual(proxy.drain(), 0)
            self.assertLess(time.monotonic() - begun, 1)

    def test_a_second_signal_stops_at_once(self):
        for second in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(second=second), Proxy(yaml_for(self.origin.port)) as proxy, \
                    Client(proxy.port) as client:
                client.send(request("/fault/hang"))
                time.sleep(0.2)
                proxy.signal(signal.SIGTERM)
                self.refuses(proxy.port)
                self.assertIsNone(proxy.process.poll())
                begun = time.monotonic()
                proxy.signal(second)
                self.assertEqual(proxy.wait(), 4)
                self.assertLess(time.monotonic() - begun, 2)
                answer = client.read()
                self.assertTrue(answer is None or not answer.complete or answer.status == 503)
                self.assertEqual([line["fault"] for line in proxy.log()], ["drain-deadline"])

    def test_a_second_signal_ends_the_delay_too(self):
        with Proxy(yaml_for(self.origin.port, timeouts="drain_delay: 1m")) as proxy:
            proxy.signal(signal.SIGTERM)
            wait_for(lambda: "draining" in proxy.text(), "the drain")
            self.assertEqual(fetch(proxy.port, "/bytes/10").status, 200)
            begun = time.monotonic()
            proxy.signal(signal.SIGTERM)
            self.assertEqual(proxy.wait(), 0)
            self.assertLess(time.monotonic() - begun, 2)

    def test_other_signals_do_not_end_the_delay(self):
        with Proxy(yaml_for(self.origin.port, timeouts="drain_delay: 1500ms")) as proxy, \
                Client(proxy.port) as client:
            client.send(request("/delay/1s/bytes/10"))
            proxy.signal(signal.SIGTERM)
            wait_for(lambda: "draining" in proxy.text(), "the drain")
            begun = time.monotonic()
            for number in (signal.SIGHUP, signal.SIGUSR1):
                proxy.signal(number)
            self.assertEqual(client.read().status, 200)
            self.assertEqual(fetch(proxy.port, "/bytes/10").status, 200)
            self.assertEqual(proxy.wait(), 0)
            self.assertGreater(time.monotonic() - begun, 1.2)
            self.assertEqual(len(proxy.log()), 2)

    def test_the_delay_keeps_accepting(self):
        with Proxy(yaml_for(self.origin.port, timeouts="drain_delay: 1500ms")) as proxy:
            proxy.signal(signal.SIGTERM)
            begun = time.monotonic()
            while time.monotonic() - begun < 1:
                self.assertEqual(fetch(proxy.port, "/bytes/10").status, 200)
                time.sleep(0.05)
            self.refuses(proxy.port)
            self.assertGreater(time.monotonic() - begun, 1.3)
            self.assertEqual(proxy.wait(), 0)

    def test_the_deadline_cuts_what_hangs_and_the_exit_code_is_4(self):
        for target in ("/fault/hang", "/fault/stall-body", "/slow/1000/100", "/fault/hang-head"):
            yaml = yaml_for(self.origin.port, timeouts="drain: 500ms")
            with self.subTest(target=target), Proxy(yaml) as proxy, Client(proxy.port) as client:
                client.send(request(target))
                time.sleep(0.2)
                begun = time.monotonic()
                proxy.signal(signal.SIGTERM)
                self.assertEqual(proxy.wait(), 4)
                self.assertTrue(0.4 < time.monotonic() - begun < 3, time.monotonic() - begun)
                answer = client.read()
                self.assertTrue(answer is None or not answer.complete or answer.status == 503)
                line, = proxy.log()
                self.assertEqual((line["fault"], line["url_path"]), ("drain-deadline", target))
                self.assertEqual(line["reporter"], ["lb"])
                self.assertEqual(line["cause"], ["lb"])

    def test_a_request_of_the_drains_second_half_is_sent_elsewhere(self):
        """Begun now it would be cut; one of the first half is served still."""
        for position, statuses in (("lb", "gateway"), ("cdn", "edge")):
            yaml = yaml_for(self.origin.port, timeouts="drain: 4s",
                            node=f"name: here, position: {position}", errors=f"statuses: {statuses}")
            with self.subTest(position=position), Proxy(yaml) as proxy, \
                    Client(proxy.port) as early, Client(proxy.port) as late:
                for client in (early, late):
                    client.send(b"GET /bytes/10 HTTP/1.1\r\nHost: a.test\r\n")
                time.sleep(0.2)
                proxy.signal(signal.SIGTERM)
                wait_for(lambda: "draining" in proxy.text(), "the drain")
                begun = time.monotonic()
                answer = early.send(b"\r\n").read()
                self.assertEqual((answer.status, answer["Connection"]), (200, "close"))
                time.sleep(max(0, begun + 2.3 - time.monotonic()))
                answer = late.send(b"\r\n").read()
                self.assertEqual((answer.status, answer["Connection"]), (503, "close"))
                self.assertEqual(answer["Retry-After"], "1")
                self.assertEqual(answer["Proxy-Status"], "here; error=proxy_internal_response")
                expected = produced("drain-new-request", "503", [position], position)
                self.assertEqual(verdict.of_fields(answer), expected)
                self.assertEqual(proxy.wait(), 0)
                self.assertEqual(verdict.of_json(proxy.log()[-1]), expected)
                self.assertTrue(proxy.log()[-1]["evidence"])

    def test_the_deadline_cuts_a_body_that_only_its_end_delimits_by_a_reset(self):
        """To HTTP/1.0 a FIN would make half an answer look whole."""
        def script(connection, _):
            origin.read_request(connection)
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nhalf of it")
            connection.recv(1)

        with RawOrigin(script) as origin, Proxy(yaml_for(origin.port, timeouts="drain: 500ms")) \
                as proxy, Client(proxy.port) as client:
            client.send(request(version="1.0"))
            self.assertEqual(client.read_head().status, 200)
            proxy.signal(signal.SIGTERM)
            self.assertEqual(proxy.wait(), 4)
            with self.assertRaises(ConnectionResetError):
                while client.socket.recv(100):
                    pass

    def test_half_a_head_does_not_hold_it_beyond_the_deadline(self):
        with Proxy(yaml_for(self.origin.port, timeouts="drain: 500ms")) as proxy, \
                Client(proxy.port) as client:
            client.send(b"GET / HTTP/1.1\r\nHost:")
            time.sleep(0.2)
            begun = time.monotonic()
            self.assertIn(proxy.drain(), (0, 4))
            self.assertLess(time.monotonic() - begun, 3)

    def test_idle_clients_that_the_deadline_meets_are_no_cut(self):
        with Proxy(yaml_for(self.origin.port, timeouts="drain: 1ms")) as proxy, \
                Client(proxy.port) as client:
            self.assertEqual(client.send(request("/bytes/10")).read().status, 200)
            self.assertEqual(proxy.drain(), 0)

    def test_fifty_clients_that_hammer_lose_nothing(self):
        for workers in (1, 4):
            with self.subTest(workers=workers):
                self.hammer(workers)

    def hammer(self, workers):
        yaml = yaml_for(self.origin.port).replace("workers: 1", f"workers: {workers}")
        with Proxy(yaml) as proxy:
            clients = [Hammer(proxy.port) for _ in range(50)]
            time.sleep(1)
            self.assertEqual(proxy.drain(), 0)
            for client in clients:
                client.thread.join(PATIENCE)
            answered = sum(client.answered for client in clients)
            self.assertGreater(answered, 500)
            self.assertEqual([client.broken for client in clients if client.broken], [])
            # Each that was read has its answer and its line; no other line is there.
            self.assertEqual(len(proxy.log()), answered)


class Hammer:
    """One client that asks without a pause until it finds the port closed."""

    def __init__(self, port):
        self.port = port
        self.answered = 0
        self.broken = []  # what no client should meet
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            try:
                client = Client(self.port)
            except (ConnectionRefusedError, ConnectionResetError):
                return
            with client:
                self.ask(client)

    def ask(self, client):
        for number in range(random.randint(1, 50)):
            try:
                client.send(request("/bytes/1000"))
                answer = client.read()
            except OSError as error:
                answer, said = None, repr(error)
            else:
                said = "no answer"
            if answer is None:
                # A handshake that ran into the closing listener was never accepted.
                if number > 0 or client.buffer:
                    self.broken.append(f"request {number + 1}: {said}")
                return
            if (answer.status, len(answer.body), answer.complete) != (200, 1000, True):
                self.broken.append(f"request {number + 1}: {answer.status}, {answer.complete}")
                return
            self.answered += 1
            if answer["Connection"] == "close":
                return


if __name__ == "__main__":
    unittest.main()
