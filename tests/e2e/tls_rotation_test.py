"""Certificates are replaced while clients come and go: nobody may notice but by the new certificate."""

import os
import re
import shutil
import tempfile
import threading
import time
import unittest

from harness import Origin, Proxy, fetch, request, wait_for, yaml_for
from streaming_test import content
from tls_certificates import ECDSA, NAME, Authority, Key, Pair, rsa, server_of
from tls_clients import Nginx, TlsClient, client_context, fetch_tls, nginx_tls, reload, tls_of, tls_yaml

ROTATIONS = 12
ASK = request("/bytes/5", host=NAME)


class RotationTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="whichhop-tls-"))
        cls.root = Authority(cls.folder, "root", Key(cls.folder, "ca", *ECDSA)).sign_itself()
        cls.trusting = client_context(cls.root.cert)
        cls.origin = cls.enterClassContext(Origin())

    def sign(self, number, usage="serverAuth", kind=ECDSA):
        """Certificate `number`, with a key of its own: its common name says which it is."""
        name = f"{usage}-{number}"
        extensions = server_of(f"DNS:{NAME}, IP:127.0.0.1", usage)
        return self.root.sign(name, Key(self.folder, name, *kind), extensions, subject=f"number {number}")

    def in_place(self, name):
        """A Pair of files that certificates are put in place of."""
        return Pair(*(os.path.join(self.folder, f"{name}.{end}") for end in ("pem", "key")))

    def put(self, pair, place):
        """As whoever renews does: each file at once."""
        for source, target in ((pair.cert, place.cert), (pair.key, place.key)):
            shutil.copy(source, target + ".new")
            os.rename(target + ".new", target)

    def number_of(self, client):
        return int(client.subject.split()[-1])

    def shown(self, proxy):
        with TlsClient(proxy.port, self.trusting) as client:
            return self.number_of(client)

    def served_by_all(self, proxy, number):
        """Whichever worker it was that answered."""
        return all(self.shown(proxy) == number for _ in range(12))


class Load:
    """Clients of three kinds in threads: those that connect anew, that resume, and that stay."""

    def __init__(self, test, port):
        self.test, self.port = test, port
        self.stopping = False
        self.oldest = 0  # no connection that is begun now may show an older one
        self.done, self.resumed, self.failures = 0, 0, []
        self.threads = [threading.Thread(target=self.run, args=(act,), daemon=True)
                        for act in (self.anew, self.anew, self.resume, self.stay)]
        for thread in self.threads:
            thread.start()

    def run(self, act):
        try:
            for _ in act():
                self.done += 1
                if self.stopping:
                    return
        except Exception as error:  # the test tells of it
            self.failures.append(repr(error))

    def ask(self, client):
        response = client.send(ASK).read()
        if response is None or (response.status, response.body) != (200, b"00000"):
            raise AssertionError(f"answered {response and response.status}")

    def anew(self):
        while True:
            oldest = self.oldest
            with TlsClient(self.port, self.test.trusting) as client:
                if self.test.number_of(client) < oldest:
                    raise AssertionError(f"{client.subject} was shown, {oldest} is served")
                self.ask(client)
            yield

    def resume(self):
        session = None
        while True:
            with TlsClient(self.port, self.test.trusting, session=session) as client:
                self.ask(client)
                self.resumed += client.resumed
                session = client.socket.session
            yield

    def stay(self):
        with TlsClient(self.port, self.test.trusting) as client:
            while True:
                self.ask(client)
                time.sleep(0.002)
                yield

    def stop(self):
        self.stopping = True
        for thread in self.threads:
            thread.join()
        return self.failures


class Listeners(RotationTest):
    def test_nobody_fails_while_certificates_change(self):
        pairs = [self.sign(number, kind=rsa(2048) if number % 4 == 2 else ECDSA) for number in range(ROTATIONS)]
        place = self.in_place("served")
        self.put(pairs[0], place)
        yaml = tls_yaml(self.origin.port, tls_of(place)).replace("workers: 1", "workers: 2")
        with Proxy(yaml) as proxy, TlsClient(proxy.port, self.trusting) as standing, TlsClient(
                proxy.port, self.trusting) as streaming:
            # A MB that takes five seconds.
            streaming.send(request("/slow/1000000/200000", host=NAME)).read_head()
            load = Load(self, proxy.port)
            for number, pair in enumerate(pairs[1:], 1):
                self.put(pair, place)
                reload(proxy)
                wait_for(lambda: self.served_by_all(proxy, number), f"certificate {number}")
                load.oldest = number
                self.assertEqual(standing.send(ASK).read().body, b"00000")
                before = load.done
                wait_for(lambda: load.failures or load.done >= before + 20, "the load to go on")
            self.assertEqual(load.stop(), [])
            self.assertGreater(load.resumed, ROTATIONS)
            self.assertEqual(self.number_of(standing), 0)
            self.assertEqual(streaming._exactly(1000000), content(0, 1000000))
            lines = proxy.wait_for_log(load.done)
            self.assertEqual([line for line in lines if "fault" in line], [])

    def test_hup_again_and_again_fails_nobody(self):
        place = self.in_place("same")
        self.put(self.sign("7"), place)
        with Proxy(tls_yaml(self.origin.port, tls_of(place)).replace("workers: 1", "workers: 2")) as proxy:
            load = Load(self, proxy.port)
            for _ in range(30):
                reload(proxy)
            wait_for(lambda: load.failures or load.done >= 100, "the load to go on")
            self.assertEqual(load.stop(), [])

    def check_serves_on(self, proxy, place, number, said):
        """A reload that fails, and what the operator log says of it."""
        before = len(proxy.text())
        reload(proxy, "serves on\n")
        text = proxy.text()[before:]
        with open(proxy.config_path, encoding="utf-8") as file:
            lines = file.read().split("\n")
        name, what = said
        row = next(row for row, line in enumerate(lines) if getattr(place, name) in line)
        column = lines[row].index(getattr(place, name))
        where = f"{proxy.config_path}:{row + 1}:{column + 1}: "
        self.assertRegex(text, re.escape(where) + ".*" + what)
        self.assertTrue(self.served_by_all(proxy, number))
        self.assertEqual(fetch_tls(proxy.port, self.trusting).status, 200)

    def test_a_broken_file_leaves_the_old_ones_serving(self):
        place = self.in_place("broken")
        good, other = self.sign("1000"), self.sign("1001")
        self.put(good, place)
        with Proxy(tls_yaml(self.origin.port, tls_of(place))) as proxy:
            load = Load(self, proxy.port)

            def spoil(name, data):
                path = getattr(place, name)
                os.remove(path)
                if data is not None:
                    with open(path, "wb") as file:
                        file.write(data)

            with open(good.cert, "rb") as file:
                half = file.read()[:200]
            with open(other.key, "rb") as file:
                others = file.read()
            for name, data, what in (("cert", b"nonsense\n", "has no certificate in PEM"),
                                     ("cert", b"", "has no certificate in PEM"),
                                     ("cert", half, "certificate number 1 is malformed"),
                                     ("cert", None, "No such file"),
                                     ("key", b"nonsense\n", "has no private key in PEM"),
                                     ("key", others, "is not the key of the first certificate"),
                                     ("key", None, "No such file")):
                with self.subTest(name=name, data=data):
                    spoil(name, data)
                    self.check_serves_on(proxy, place, 1000, (name, what))
                    self.put(good, place)
            self.put(other, place)
            reload(proxy)
            wait_for(lambda: self.served_by_all(proxy, 1001), "the new certificate")
            self.assertEqual(load.stop(), [])

    def test_client_ca_changes_with_the_file(self):
        other = Authority(self.folder, "other", Key(self.folder, "other-ca", *ECDSA)).sign_itself()
        extensions = server_of(f"DNS:{NAME}", "clientAuth")
        own = {authority: authority.sign("own", Key(self.folder, f"own-{authority.name}", *ECDSA), extensions)
               for authority in (self.root, other)}
        place, authorities = self.in_place("mutual"), os.path.join(self.folder, "clients.pem")
        self.put(self.sign("2000"), place)
        shutil.copy(self.root.cert, authorities)
        contexts = {authority: client_context(self.root.cert, own=pair) for authority, pair in own.items()}
        with Proxy(tls_yaml(self.origin.port, tls_of(place, more=f"client_ca: {authorities}"))) as proxy:
            first = self.enterContext(TlsClient(proxy.port, contexts[self.root]))
            self.assertEqual(first.send(ASK).read().status, 200)
            self.assertEqual(fetch_tls(proxy.port, contexts[other]).status, 403)
            shutil.copy(other.cert, authorities)
            reload(proxy)
            wait_for(lambda: fetch_tls(proxy.port, contexts[other]).status == 200, "the new authority")
            # Neither anew nor by a ticket of before; the connection that stands goes on.
            for session in (None, first.socket.session):
                with TlsClient(proxy.port, contexts[self.root], session=session) as client:
                    self.assertEqual((client.send(ASK).read().status, client.resumed), (403, False))
            self.assertEqual(first.send(ASK).read().status, 200)


class Upstreams(RotationTest):
    def test_servers_are_shown_our_new_certificate(self):
        place = self.in_place("ours")
        pairs = [self.sign(number, "clientAuth") for number in range(3)]
        self.put(pairs[0], place)
        with Nginx(nginx_tls(
                self.sign("3000"), more=f"ssl_client_certificate {self.root.cert}; ssl_verify_client on;",
                locations='location / { return 200 "$ssl_client_s_dn"; }')) as nginx, Proxy(yaml_for(
                    nginx.port, upstream=f"tls: {{ca: {self.root.cert}, certificate: "
                    f"{{cert: {place.cert}, key: {place.key}}}}}")) as proxy:
            for number, pair in enumerate(pairs):
                self.put(pair, place)
                if number > 0:
                    reload(proxy)
                wait_for(lambda: fetch(proxy.port).body == b"CN=number %d" % number, f"certificate {number}")
            with open(place.cert, "w", encoding="ascii") as file:
                file.write("nonsense\n")
            reload(proxy, "serves on\n")
            self.assertRegex(proxy.text(), re.escape(proxy.config_path) + r":\d+:\d+: .*ours\.pem")
            self.assertEqual(fetch(proxy.port).body, b"CN=number 2")

    def test_whom_we_believe_changes_with_the_file(self):
        other = Authority(self.folder, "new", Key(self.folder, "new-ca", *ECDSA)).sign_itself()
        believed = os.path.join(self.folder, "believed.pem")
        shutil.copy(self.root.cert, believed)
        with Nginx(nginx_tls(self.sign("4000"), locations='location / { return 204; }')) as nginx, Proxy(
                yaml_for(nginx.port, upstream=f"tls: {{ca: {believed}}}")) as proxy:
            for authority, status in ((self.root, 204), (other, 502), (self.root, 204)):
                shutil.copy(authority.cert, believed)
                reload(proxy)
                wait_for(lambda: fetch(proxy.port).status == status, f"{status} by {authority.name}")


if __name__ == "__main__":
    unittest.main()
