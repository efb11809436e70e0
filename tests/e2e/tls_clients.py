"""Clients that speak TLS to whichhop, nginx as a peer of it, and the configurations that they need."""

import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import unittest

from harness import PATIENCE, Client, free_port, request, wait_for, yaml_for
from tls_certificates import NAME

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
ASK = request("/bytes/5", host=NAME)


def needs(tool):
    """The path of a tool; the test is skipped, loudly, without it."""
    path = shutil.which(tool, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if path is None:
        print(f"SKIPPED: {tool} is not installed", file=sys.stderr)
        raise unittest.SkipTest(f"{tool} is not installed")
    return path


def tls_of(*pairs, ocsp="", more=""):
    """A listener's `tls`."""
    staple = f", ocsp: {ocsp}" if ocsp else ""
    certificates = ", ".join(f"{{cert: {pair.cert}, key: {pair.key}{staple}}}" for pair in pairs)
    return f"{{certificates: [{certificates}]{', ' + more if more else ''}}}"


def listening(yaml, tls, more="", address="127.0.0.1:0"):
    """The same configuration with TLS on its listener."""
    item = f'{{address: "{address}", tls: {tls}{", " + more if more else ""}}}'
    return yaml.replace('["127.0.0.1:0"]', f"[{item}]", 1)


def tls_yaml(upstream_port, tls, more="", **blocks):
    return listening(yaml_for(upstream_port, **blocks), tls, more)


def client_context(ca, version=None, own=None, alpn=None):
    context = ssl.create_default_context(cafile=ca)
    if version is not None:
        context.minimum_version = context.maximum_version = VERSIONS[version]
    if own is not None:
        context.load_cert_chain(own.cert, own.key)
    if alpn is not None:
        context.set_alpn_protocols(alpn)
    return context


class TlsClient(Client):
    """A Client inside of TLS; `before` is said in the clear. How the connection ended is in
    `ending`: "close_notify", "cut" (a FIN alone) or "reset"."""

    def __init__(self, port, context, name=NAME, before=b"", address="127.0.0.1", session=None):
        super().__init__(port, address)
        self.ending = None
        try:
            if before:
                self.send(before)
            self.socket = context.wrap_socket(self.socket, server_hostname=name, session=session,
                                              suppress_ragged_eofs=False)
        except BaseException:
            self.close()
            raise

    def _more(self):
        if self.ending:
            return False
        try:
            data = self.socket.recv(65536)
        except ssl.SSLEOFError:
            self.ending = "cut"
            return False
        except ConnectionResetError:
            self.ending = "reset"
            return False
        if not data:
            self.ending = "close_notify"
        self.buffer += data
        return bool(data)

    @property
    def resumed(self):
        return self.socket.session_reused

    @property
    def subject(self):
        """The common name that the server's certificate has."""
        return dict(pair for name in self.socket.getpeercert()["subject"] for pair in name)["commonName"]


def fetch_tls(port, context, target="/bytes/5", method="GET", fields=(), body=b"", host=NAME, **options):
    """One request on a connection of its own."""
    with TlsClient(port, context, **options) as client:
        client.send(request(target, method, fields, body, host))
        return client.read(method)


class FlightClient:
    """A client whose TLS is at hand as bytes: what goes into which segment is the test's choice."""

    def __init__(self, port, context, name=NAME):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=name)

    def step(self, act):
        """True once act() has all that it needs; what it wants to say is in `outgoing`."""
        try:
            act()
            return True
        except ssl.SSLWantReadError:
            return False

    def flush(self, before=b""):
        self.socket.sendall(before + self.outgoing.read())

    def receive(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the server ended it")
        self.incoming.write(data)

    def read_until(self, mark):
        data = b""
        while mark not in data:
            try:
                data += self.tls.read(65536)
            except ssl.SSLWantReadError:
                self.receive()
        return data

    def close(self):
        self.socket.close()


class SClient:
    """openssl's s_client, run to its end with one request."""

    def __init__(self, port, *options, ask=request("/bytes/5", host=NAME, fields=[("Connection", "close")]),
                 name=NAME):
        named = ["-servername", name] if name else ["-noservername"]
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-ign_eof", *named,
                               *options], input=ask, capture_output=True, timeout=PATIENCE, check=False)
        self.code = done.returncode
        self.text = (done.stdout + done.stderr).decode(errors="replace")

    @property
    def reused(self):
        return re.search(r"^Reused, TLSv", self.text, re.M) is not None


class Nginx:
    """One server of nginx's; {port} and {folder} in `server` are its own. Ended by its id."""

    TEMPLATE = """
daemon off; master_process off; pid {folder}/pid; worker_rlimit_nofile 1024;
events {{}}
http {{
  access_log {folder}/access.log;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  client_max_body_size 0;
  {http}
  server {{ {server} }}
}}
"""

    def __init__(self, server, http=""):
        path = needs("nginx")
        self.folder = tempfile.TemporaryDirectory(prefix="whichhop-nginx-")
        self.port = free_port()
        config = os.path.join(self.folder.name, "nginx.conf")
        own = {"folder": self.folder.name, "port": self.port}
        with open(config, "w", encoding="ascii") as file:
            file.write(self.TEMPLATE.format(
                **own, http=http, server=server.replace("{port}", str(self.port)).replace(
                    "{folder}", self.folder.name)))
        self.errors = os.path.join(self.folder.name, "stderr")
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen([path, "-p", self.folder.name, "-c", config, "-e", "stderr"],
                                            stdin=subprocess.DEVNULL, stdout=errors, stderr=errors)
        wait_for(self._is_up, "nginx to be up")

    def _is_up(self):
        if self.process.poll() is not None:
            with open(self.errors, encoding="utf-8") as file:
                raise AssertionError(file.read())
        # It binds before it writes this.
        return os.path.exists(os.path.join(self.folder.name, "pid"))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)
        self.folder.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def nginx_tls(pair, upstream="", *, listen="127.0.0.1:{port}", more="", locations=""):
    """The inside of a server that speaks TLS, and passes all on to 127.0.0.1:`upstream`."""
    passes = (f"location / {{ proxy_pass http://127.0.0.1:{upstream}; proxy_http_version 1.1; "
              "proxy_buffering off; proxy_request_buffering off; proxy_set_header Host $http_host; "
              "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_out; }"
              if upstream else "")
    return (f"listen {listen} ssl; ssl_certificate {pair.cert}; ssl_certificate_key {pair.key}; "
            f"{more} {locations} {passes}")


# For what nginx_tls passes on.
UPGRADES = 'map $http_upgrade $connection_out { default upgrade; "" ""; }'


def reload(proxy, said="reloaded\n"):
    """HUP; done once it says so."""
    before = proxy.text().count(said)
    proxy.signal(signal.SIGHUP)
    wait_for(lambda: proxy.text().count(said) > before, said)
