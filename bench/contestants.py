"""Who is compared: whichhop, the floor, and the origin behind them all.

A contestant is described by what it needs to run (`files`, `command`), given a
`Place`; `peers.py` has the other proxies. Equal features: one worker,
kept-alive connections to the upstream, X-Forwarded-For, no access log but where
the case is about it, no retry that would hide or double a failure.
"""

import dataclasses
import os
import re
import shutil
import subprocess

import certificates
from processes import Process, free_port

FOREVER = 1000000000  # requests on one connection
SECURE = ("tls", "tls-both")
SIZES = {"100B": 100, "10KiB": 10 << 10, "1MiB": 1 << 20}

# A response's head of 450 B, as an application's framework writes one.
APP_FIELDS = {
    "Cache-Control": "private, max-age=0",
    "X-Request-Id": "7f3c2a9e-51d4-4b0e-9c38-2d6a1f0b8e47",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Vary": "Accept-Encoding",
    "Strict-Transport-Security": "max-age=31536000",
}

# A page of an application, without what nginx would take for its own.
APP_PAGE = ("<!doctype html><html lang=en><head><title>Shop</title></head><body>"
            "<h1>No such shoe</h1><p>" + "Look at these. " * 64 +
            "</p></body></html>")


@dataclasses.dataclass(frozen=True)
class Place:
    """Where one contestant runs, and for what."""

    folder: str           # its own; it may write there
    port: int             # to listen on, on 127.0.0.1
    upstream: int         # the port it relays to, on 127.0.0.1
    # plain, big (bodies), log, kept (error bodies), tls (of clients), tls-both
    # (to the upstream too)
    setup: str = "plain"
    one_process: bool = False  # no master beside the worker: for valgrind
    keys: str = ""        # the folder of certificates.make, where it is TLS

    @property
    def accepts_tls(self):
        return self.setup in SECURE

    @property
    def connects_tls(self):
        return self.setup == "tls-both"


class Contestant:
    name = None
    program = None
    setups = ("plain",)  # those that it is configured for; others are plain

    def __init__(self, options):
        pass

    def version(self):
        """One line; None if it isn't installed."""
        return None

    def files(self, place):
        """{name: text} to be written into its folder before it starts."""
        return {}

    def command(self, place):
        raise NotImplementedError

    def environment(self, place):
        return {}

    def prepare(self, place):
        """What its folder needs beside the files."""

    def start(self, place, core, prefix=()):
        os.makedirs(place.folder, exist_ok=True)
        for name, text in self.files(place).items():
            path = os.path.join(place.folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as file:
                file.write(text)
        self.prepare(place)
        return Process(self.name, [*prefix, *self.command(place)], place.port,
                       core, place.folder, self.environment(place))


class Whichhop(Contestant):
    name = "whichhop"
    setups = ("plain", "log", "kept", *SECURE)

    def __init__(self, options):
        self.program = options.whichhop

    def version(self):
        return is_executable(self.program) and (
            first_line([self.program, "version"]) or "whichhop")

    def files(self, place):
        log = f"{place.folder}/access.log" if place.setup == "log" else "off"
        kept = "errors: {body: keep}\n" if place.setup == "kept" else ""
        return {"whichhop.yaml": f"""\
node: {{workers: 1}}
listen: [{{address: "127.0.0.1:{place.port}"{self._accepting(place)}}}]
upstreams:
  app: {{servers: ["127.0.0.1:{place.upstream}"]{self._connecting(place)}}}
routes: [{{upstream: app}}]
{kept}logs: {{access: {log}}}
"""}

    @staticmethod
    def _accepting(place):
        pair = f"{{cert: {place.keys}/cert.pem, key: {place.keys}/key.pem}}"
        return (f', tls: {{min_version: "1.3", certificates: [{pair}]}}'
                if place.accepts_tls else "")

    @staticmethod
    def _connecting(place):
        return (f", tls: {{ca: {place.keys}/cert.pem, "
                f"server_name: {certificates.NAME}}}"
                if place.connects_tls else "")

    def command(self, place):
        return [self.program, "run", "-c", f"{place.folder}/whichhop.yaml"]


class Before(Whichhop):
    """An older whichhop, to see what a change costs."""

    name = "before"

    def __init__(self, options):
        self.program = options.before

    def version(self):
        return self.program and super().version()


class Floor(Contestant):
    """A relay that parses nothing: what a copy through user space costs."""

    name = "floor"

    def __init__(self, options):
        self.program = options.floor

    def version(self):
        return "whichhop-floor" if is_executable(self.program) else None

    def command(self, place):
        return [self.program, "--listen", f"127.0.0.1:{place.port}",
                "--to", f"127.0.0.1:{place.upstream}"]


def nginx_config(place, server, before=""):
    # As root, workers would become `nobody`, who can't enter our folder.
    user = "user root root;" if os.geteuid() == 0 else ""
    master = "master_process off;" if place.one_process else ""
    return f"""\
{user}
{master}
worker_processes 1;
daemon off;
pid {place.folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 32768; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests {FOREVER};
  keepalive_timeout 1h;
  client_body_temp_path {place.folder}/body;
  proxy_temp_path {place.folder}/proxy;
  fastcgi_temp_path {place.folder}/fastcgi;
  uwsgi_temp_path {place.folder}/uwsgi;
  scgi_temp_path {place.folder}/scgi;
  {before}
  server {{
    listen 127.0.0.1:{place.port}{" ssl" if place.accepts_tls else ""} backlog=4096;
    {nginx_tls(place)}
    {server}
  }}
}}
"""


def nginx_tls(place):
    # One ticket, not OpenSSL's two: as whichhop.
    return "" if not place.accepts_tls else f"""
    ssl_certificate {place.keys}/cert.pem;
    ssl_certificate_key {place.keys}/key.pem;
    ssl_protocols TLSv1.3;
    ssl_conf_command Ciphersuites {certificates.CIPHER};
    ssl_conf_command NumTickets 1;
"""


def nginx_command(place):
    return ["nginx", "-p", place.folder, "-e", "stderr",
            "-c", f"{place.folder}/nginx.conf"]


class Origin(Contestant):
    """nginx with static files and a 404: cheaper than any proxy before it."""

    name = "origin"
    setups = ("plain", "tls")

    def files(self, place):
        fields = "\n".join(f'      add_header {name} "{value}";'
                           for name, value in APP_FIELDS.items())
        pages = {f"files/{name}": "x" * size for name, size in SIZES.items()}
        pages["files/app"] = "x" * 100
        return {**pages, "nginx.conf": nginx_config(place, f"""
    root {place.folder}/files;
    default_type text/plain;
    open_file_cache max=16;
    location = /404 {{ return 404 "no such thing\\n"; }}
    location = /404.html {{ default_type text/html; return 404 "{APP_PAGE}"; }}
    location = /app {{
{fields}
    }}
""")}

    def command(self, place):
        return nginx_command(place)


def start_origin(folder, core, setup="plain", keys=""):
    place = Place(os.path.join(folder, f"origin-{setup}"), free_port(), 0,
                  setup, keys=keys)
    return Origin(None).start(place, core)


def is_executable(path):
    return shutil.which(path) is not None


def first_line(command):
    if not is_executable(command[0]):
        return None
    done = subprocess.run(command, capture_output=True, text=True)
    lines = (done.stdout + done.stderr).strip().splitlines()
    return re.sub(r"^nginx version: |\s+-\s+http.*$", "",
                  lines[0]) if lines else None
