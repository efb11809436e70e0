"""Servers and balancers that others wrote, each told to answer with its own error pages.

`PRODUCTS` has one class a product. `with Backends() as backends, Nginx(backends) as nginx:` starts it on
loopback; `nginx.cases` says which target gives which error. What is not installed raises Missing. Used by
fingerprint_test.py and by tests/diagnostics/capture_samples.py.
"""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time

from harness import PATIENCE, RawOrigin, free_port, request, wait_for

SBIN = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


class Missing(Exception):
    """The product is not installed."""


def find(program):
    path = shutil.which(program, path=SBIN)
    if path is None:
        raise Missing(f"{program} is not installed")
    return path


class Backends:
    """What goes wrong behind a product: a port each."""

    def __init__(self):
        self._unheard = socket.socket()  # it has the port, and never listens
        self._unheard.bind(("127.0.0.1", 0))
        self.refused = self._unheard.getsockname()[1]
        self._origins = {
            "hung": RawOrigin(self._hang),
            "reset": RawOrigin(self._end),
            "garbage": RawOrigin(self._garbage),
        }
        self._waiting = []

    def __getattr__(self, name):
        if name in ("hung", "reset", "garbage"):
            return self._origins[name].port
        raise AttributeError(name)

    def _hang(self, connection, _):
        self._waiting.append(connection)
        while connection.recv(65536):
            pass

    def _end(self, connection, _):
        self._origins["reset"].read_request(connection)

    def _garbage(self, connection, _):
        if self._origins["garbage"].read_request(connection) is not None:
            connection.sendall(b"this is no HTTP\r\n\r\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for connection in self._waiting:
            connection.close()
        for origin in self._origins.values():
            origin.stop()
        self._unheard.close()


class Product:
    """A running product. Subclasses say how it is configured, and its cases: {name: target or bytes}."""

    name = ""
    programs = ()
    account = None
    cases = {}
    patience = PATIENCE

    def __init__(self, backends):
        self.paths = {program: find(program) for program in self.programs}
        self.backends = backends
        self._folder = tempfile.TemporaryDirectory(prefix="whichhop-test-", ignore_cleanup_errors=True)
        self.folder = self._folder.name
        os.chmod(self.folder, 0o755)
        self.port = free_port()
        self.output = open(f"{self.folder}/output", "wb")  # pylint: disable=consider-using-with
        self.children = []
        try:
            self.start()
            wait_for(self._listens, f"{self.name} to listen", self.patience)
        except BaseException:
            self.stop()
            raise

    def start(self):
        raise NotImplementedError

    def version(self):
        return ""

    def file(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def run(self, *command, environment=None, directory=None):
        self.children.append(subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output,
            cwd=directory or self.folder, env={**os.environ, **(environment or {})}, start_new_session=True))

    def said(self):
        self.output.flush()
        with open(f"{self.folder}/output", encoding="utf-8", errors="replace") as file:
            return file.read()

    def _listens(self):
        for child in self.children:
            if child.poll() is not None:
                raise AssertionError(f"{self.name}: exit {child.returncode}: {self.said()}")
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def give_to_account(self):
        if self.account is None or os.geteuid() != 0:
            return
        for path, folders, files in os.walk(self.folder):
            for name in (".", *folders, *files):
                shutil.chown(os.path.join(path, name), self.account)

    def ask(self, case):
        """The raw answer to one case, as the product sends it."""
        wanted = self.cases[case]
        data = wanted if isinstance(wanted, bytes) else request(wanted, fields=[("Connection", "close")])
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as connection:
            connection.sendall(data)
            answer = b""
            deadline = time.monotonic() + PATIENCE
            while time.monotonic() < deadline:
                try:
                    more = connection.recv(65536)
                except ConnectionResetError:
                    break
                if not more:
                    break
                answer += more
            return answer

    def stop(self):
        for child in reversed(self.children):
            if child.poll() is None:
                child.terminate()
                try:
                    child.wait(PATIENCE)
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait()
        self.output.close()
        self._folder.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def first_line(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip().partition("\n")[0]


def debian_version(package):
    return first_line("dpkg-query", "-W", "-f", "${Version}", package)


HUGE = b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 40_000 + b"\r\n\r\n"
MALFORMED = b"GET / HTTP/1.1\r\nbad header line\r\n\r\n"


class Nginx(Product):
    name = "nginx"
    programs = ("nginx",)
    cases = {"refused": "/refused", "hung": "/hung", "reset": "/reset", "garbage": "/garbage", "own-404": "/none",
             "own-403": "/private", "own-503": "/limited", "own-500": "/circle", "huge-head": HUGE,
             "malformed": MALFORMED}

    def version(self):
        return first_line(self.paths["nginx"], "-v").rpartition("/")[2]

    def start(self):
        b = self.backends
        os.mkdir(f"{self.folder}/www")
        self.run(self.paths["nginx"], "-p", self.folder, "-e", "stderr", "-c", self.file("nginx.conf", f"""
worker_processes 1;
daemon off;
error_log stderr crit;
pid {self.folder}/nginx.pid;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {self.folder}/body; proxy_temp_path {self.folder}/proxy;
  fastcgi_temp_path {self.folder}/fastcgi; uwsgi_temp_path {self.folder}/uwsgi; scgi_temp_path {self.folder}/scgi;
  proxy_read_timeout 300ms;
  limit_req_zone $server_name zone=all:64k rate=1r/m;
  server {{
    listen 127.0.0.1:{self.port};
    root {self.folder}/www;
    location /refused {{ proxy_pass http://127.0.0.1:{b.refused}; }}
    location /hung {{ proxy_pass http://127.0.0.1:{b.hung}; }}
    location /reset {{ proxy_pass http://127.0.0.1:{b.reset}; }}
    location /garbage {{ proxy_pass http://127.0.0.1:{b.garbage}; }}
    location /private {{ deny all; }}
    location /limited {{ return 503; }}
    location /circle {{ rewrite ^ /circle last; }}
  }}
}}
"""))


class Haproxy(Product):
    name = "haproxy"
    programs = ("haproxy",)
    cases = {"refused": "/refused", "hung": "/hung", "reset": "/reset", "garbage": "/garbage", "own-503": "/empty",
             "own-403": "/private", "own-500": "/broken", "malformed": MALFORMED}

    def version(self):
        return first_line(self.paths["haproxy"], "-v").split()[2]

    def start(self):
        b = self.backends
        backends = "".join(f"backend {name}\n  server s 127.0.0.1:{getattr(b, name)}\n"
                           for name in ("refused", "hung", "reset", "garbage"))
        self.run(self.paths["haproxy"], "-db", "-f", self.file("haproxy.cfg", f"""
defaults
  mode http
  retries 0
  timeout connect 1s
  timeout client 10s
  timeout server 300ms
frontend all
  bind 127.0.0.1:{self.port}
  http-request deny deny_status 403 if {{ path /private }}
  http-request deny deny_status 500 if {{ path /broken }}
  use_backend empty if {{ path /empty }}
  use_backend %[path,field(2,/)]
backend empty
{backends}"""))


class Apache(Product):
    name = "apache"
    programs = ("apache2",)
    cases = {"refused": "/refused", "hung": "/hung", "reset": "/reset", "garbage": "/garbage", "dns": "/unknown",
             "own-404": "/none", "own-403": "/private/", "own-500": "/broken/", "malformed": MALFORMED}

    def version(self):
        return first_line(self.paths["apache2"], "-v").partition("/")[2].split()[0]

    def start(self):
        b = self.backends
        os.makedirs(f"{self.folder}/www/private")
        self.file("www/broken/.htaccess", "NoSuchDirective\n")
        modules = "/usr/lib/apache2/modules"
        load = "".join(f"LoadModule {name}_module {modules}/mod_{name}.so\n"
                       for name in ("mpm_event", "authz_core", "proxy", "proxy_http"))
        proxied = "".join(f"ProxyPass /{name} http://127.0.0.1:{getattr(b, name)}/ disablereuse=On retry=0\n"
                          for name in ("refused", "hung", "reset", "garbage"))
        user = "User www-data\nGroup www-data\n" if os.geteuid() == 0 else ""
        self.run(self.paths["apache2"], "-DFOREGROUND", "-d", self.folder, "-f", self.file("apache.conf", f"""
{load}
{user}
ServerName test.example
DefaultRuntimeDir {self.folder}
PidFile {self.folder}/pid
ErrorLog {self.folder}/error.log
Listen 127.0.0.1:{self.port}
DocumentRoot {self.folder}/www
StartServers 1
ProxyTimeout 1
{proxied}
ProxyPass /unknown http://no-such-name.invalid/ retry=0
<Directory {self.folder}/www>
  AllowOverride All
  Require all granted
</Directory>
<Directory {self.folder}/www/private>
  Require all denied
</Directory>
"""))


class Varnish(Product):
    name = "varnish"
    programs = ("varnishd",)
    cases = {"refused": "/refused", "hung": "/hung", "reset": "/reset", "own-404": "/none"}

    def version(self):
        return debian_version("varnish")

    def start(self):
        b = self.backends
        backends = "".join(
            f'backend {name} {{ .host = "127.0.0.1"; .port = "{getattr(b, name)}"; .first_byte_timeout = 300ms; }}\n'
            for name in ("refused", "hung", "reset"))
        choose = "".join(f'  if (req.url == "/{name}") {{ set req.backend_hint = {name}; }}\n'
                         for name in ("refused", "hung", "reset"))
        vcl = self.file("v.vcl", f"""vcl 4.1;
{backends}
sub vcl_recv {{
{choose}  if (req.url == "/none") {{ return (synth(404, "Not Found")); }}
  return (pass);
}}
""")
        self.run(self.paths["varnishd"], "-F", "-n", f"{self.folder}/work", "-a", f"127.0.0.1:{self.port}", "-f", vcl,
                 "-s", "malloc,8m", "-j", "none")


class H2o(Product):
    name = "h2o"
    programs = ("h2o",)
    cases = {"refused": "/refused/", "hung": "/hung/", "reset": "/reset/", "garbage": "/garbage/", "own-404": "/none",
             "malformed": MALFORMED}

    def version(self):
        return first_line(self.paths["h2o"], "--version").split()[-1]

    def start(self):
        b = self.backends
        paths = "".join(f'      "/{name}": {{proxy.reverse.url: "http://127.0.0.1:{getattr(b, name)}/", '
                        "proxy.timeout.io: 300}\n" for name in ("refused", "hung", "reset", "garbage"))
        os.mkdir(f"{self.folder}/www")
        user = "user: www-data\n" if os.geteuid() == 0 else ""
        self.run(self.paths["h2o"], "-m", "worker", "-c", self.file("h2o.yaml", f"""
{user}num-threads: 1
listen: {{host: 127.0.0.1, port: {self.port}}}
hosts:
  default:
    paths:
{paths}      "/": {{file.dir: {self.folder}/www}}
"""))


class TrafficServer(Product):
    name = "trafficserver"
    programs = ("traffic_server",)
    account = "trafficserver"
    cases = {"refused": "/refused", "hung": "/hung", "reset": "/reset", "garbage": "/garbage", "dns": "/unknown",
             "own-404": "/none"}

    def __init__(self, backends):
        try:
            pwd.getpwnam(self.account)
        except KeyError:
            raise Missing("there is no account trafficserver") from None
        super().__init__(backends)

    def version(self):
        return debian_version("trafficserver")

    def start(self):
        b = self.backends
        etc = f"{self.folder}/etc"
        inside = {"prefix": self.folder, "exec_prefix": "/usr", "bindir": "/usr/bin", "sbindir": "/usr/bin",
                  "sysconfdir": etc, "datadir": f"{self.folder}/cache", "includedir": "/usr/include",
                  "libdir": "/usr/lib/trafficserver", "libexecdir": "/usr/lib/trafficserver/modules",
                  "localstatedir": f"{self.folder}/run", "runtimedir": f"{self.folder}/run",
                  "logdir": f"{self.folder}/log", "cachedir": f"{self.folder}/cache"}
        self.file("runroot.yaml", "".join(f"{name}: {path}\n" for name, path in inside.items()))
        self.file("etc/storage.config", f"{self.folder}/cache 16M\n")
        self.file("etc/plugin.config", "")
        self.file("etc/ssl_multicert.config", "")
        self.file("etc/remap.config", "".join(f"map /{name} http://127.0.0.1:{getattr(b, name)}/\n"
                                              for name in ("refused", "hung", "reset", "garbage"))
                  + "map /unknown http://no-such-name.invalid/\n")
        self.file("etc/ip_allow.yaml", "ip_allow:\n"
                  "  - {apply: in, ip_addrs: 127.0.0.1, action: allow, methods: ALL}\n")
        user = f"CONFIG proxy.config.admin.user_id STRING {self.account}\n" if os.geteuid() == 0 else ""
        self.file("etc/records.config", f"""{user}CONFIG proxy.config.http.server_ports STRING {self.port}:ip-in=127.0.0.1
CONFIG proxy.config.exec_thread.autoconfig INT 0
CONFIG proxy.config.exec_thread.limit INT 1
CONFIG proxy.config.http.cache.http INT 0
CONFIG proxy.config.reverse_proxy.enabled INT 1
CONFIG proxy.config.url_remap.remap_required INT 1
CONFIG proxy.config.log.logging_enabled INT 0
CONFIG proxy.config.http.transaction_no_activity_timeout_out INT 1
CONFIG proxy.config.http.connect_attempts_timeout INT 1
CONFIG proxy.config.http.connect_attempts_max_retries INT 0
CONFIG proxy.config.http.down_server.cache_time INT 0
CONFIG proxy.config.http.insert_response_via_str INT 2
CONFIG proxy.config.hostdb.lookup_timeout INT 2
""")
        if os.path.isdir("/etc/trafficserver/body_factory"):
            shutil.copytree("/etc/trafficserver/body_factory", f"{etc}/body_factory")
        for name in ("run", "log", "cache"):
            os.makedirs(f"{self.folder}/{name}", exist_ok=True)
        self.give_to_account()
        self.run(self.paths["traffic_server"], f"--run-root={self.folder}/runroot.yaml")


class Caddy(Product):
    name = "caddy"
    programs = ("caddy",)
    cases = {"refused": "/refused", "hung": "/hung", "reset": "/reset", "garbage": "/garbage", "own-404": "/files/none",
             "no-host": b"GET / HTTP/1.1\r\n\r\n"}

    def version(self):
        return first_line(self.paths["caddy"], "version")

    def start(self):
        b = self.backends
        handles = "".join(f"  reverse_proxy /{name} 127.0.0.1:{getattr(b, name)} {{\n"
                          "    transport http {\n      response_header_timeout 300ms\n    }\n  }\n"
                          for name in ("refused", "hung", "reset", "garbage"))
        config = self.file("Caddyfile", f"""{{
  admin off
  auto_https off
}}
http://127.0.0.1:{self.port}, http://test.example:{self.port} {{
  bind 127.0.0.1
{handles}  handle /files/* {{
    root * {self.folder}
    file_server
  }}
}}
""")
        self.run(self.paths["caddy"], "run", "--config", config, "--adapter", "caddyfile",
                 environment={"HOME": self.folder, "XDG_DATA_HOME": self.folder, "XDG_CONFIG_HOME": self.folder})


class Squid(Product):
    name = "squid"
    programs = ("squid",)
    account = "proxy"
    cases = {"refused": "/refused", "hung": "/hung", "reset": "/reset", "garbage": "/garbage", "denied": "/private"}
    patience = 2 * PATIENCE

    def version(self):
        return debian_version("squid")

    def start(self):
        b = self.backends
        peers = "".join(
            f"cache_peer 127.0.0.1 parent {getattr(b, name)} 0 no-query originserver name={name}\n"
            f"acl {name} urlpath_regex ^/{name}\ncache_peer_access {name} allow {name}\n"
            for name in ("refused", "hung", "reset", "garbage"))
        config = self.file("squid.conf", f"""
http_port 127.0.0.1:{self.port} accel defaultsite=test.example no-vhost
{peers}acl private urlpath_regex ^/private
http_access deny private
http_access allow all
never_direct allow all
cache deny all
pid_filename {self.folder}/pid
access_log none
cache_log {self.folder}/cache.log
cache_store_log none
coredump_dir {self.folder}
read_timeout 1 second
connect_timeout 1 second
forward_max_tries 1
pinger_enable off
visible_hostname test.example
netdb_filename none
""")
        self.give_to_account()
        self.run(self.paths["squid"], "-N", "-f", config)


class Lighttpd(Product):
    name = "lighttpd"
    programs = ("lighttpd",)
    cases = {"refused": "/refused", "hung": "/hung", "reset": "/reset", "garbage": "/garbage", "own-404": "/none",
             "own-403": "/private", "malformed": MALFORMED}

    def version(self):
        return debian_version("lighttpd")

    def start(self):
        b = self.backends
        os.mkdir(f"{self.folder}/www")
        proxied = ",\n".join(f'  "/{name}" => (("host" => "127.0.0.1", "port" => {getattr(b, name)}, '
                             '"read-timeout" => 1, "connect-timeout" => 1))'
                             for name in ("refused", "hung", "reset", "garbage"))
        self.run(self.paths["lighttpd"], "-D", "-f", self.file("lighttpd.conf", f"""
server.modules = ("mod_access", "mod_proxy")
server.document-root = "{self.folder}/www"
server.bind = "127.0.0.1"
server.port = {self.port}
server.errorlog = "{self.folder}/error.log"
proxy.server = (
{proxied}
)
$HTTP["url"] =~ "^/private" {{ url.access-deny = ("") }}
"""))


class Node(Product):
    """Node's http, Express on it, and an app that cannot reach its database."""

    name = "node"
    programs = ("node",)
    express = "/usr/share/nodejs/express"
    cases = {"malformed": MALFORMED, "huge-head": HUGE}

    def version(self):
        return first_line(self.paths["node"], "--version")

    def start(self):
        self.run(self.paths["node"], self.file("app.js", f"""
require('http').createServer((req, res) => res.end('ok')).listen({self.port}, '127.0.0.1');
"""))


class Express(Node):
    name = "express"
    cases = {"own-404": "/none", "own-500": "/broken", "database": "/database", "database-502": "/database-502"}

    def version(self):
        return debian_version("node-express")

    def start(self):
        if not os.path.isdir(self.express):
            raise Missing("node-express is not installed")
        self.run(self.paths["node"], self.file("app.js", f"""
const app = require('{self.express}')();
app.get('/broken', () => {{ throw new Error('no luck'); }});
const ask = (done) => require('net').connect(5432, '127.0.0.1').on('error', done);
app.get('/database', (req, res, next) => ask(next));
app.get('/database-502', (req, res) => ask((error) => res.status(502).send(error.message)));
app.listen({self.port}, '127.0.0.1');
"""), environment={"NODE_PATH": "/usr/share/nodejs"})


class Gunicorn(Product):
    name = "gunicorn"
    programs = ("gunicorn",)
    cases = {"own-500": "/", "malformed": MALFORMED}

    def version(self):
        return debian_version("gunicorn")

    def start(self):
        self.file("app.py", "def app(environ, start):\n    raise RuntimeError('no luck')\n")
        self.run(self.paths["gunicorn"], "-b", f"127.0.0.1:{self.port}", "--chdir", self.folder, "app:app")


class Django(Product):
    name = "django"
    programs = ("gunicorn",)
    cases = {"own-404": "/none", "own-500": "/broken"}
    debug = False

    def version(self):
        return debian_version("python3-django")

    def start(self):
        if not os.path.isdir("/usr/lib/python3/dist-packages/django"):
            raise Missing("python3-django is not installed")
        self.file("site.py", "")
        self.file("app.py", f"""
import django
from django.conf import settings
settings.configure(DEBUG={self.debug}, SECRET_KEY="x", ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__,
                   DATABASES={{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": "/none/there.db"}}}},
                   MIDDLEWARE=["django.middleware.security.SecurityMiddleware",
                               "django.middleware.clickjacking.XFrameOptionsMiddleware"])
django.setup()
from django.urls import path
from django.db import connection

def broken(request):
    raise RuntimeError("no luck")

def database(request):
    connection.cursor()

urlpatterns = [path("broken", broken), path("database", database)]
from django.core.wsgi import get_wsgi_application
app = get_wsgi_application()
""")
        os.remove(f"{self.folder}/site.py")
        self.run(self.paths["gunicorn"], "-b", f"127.0.0.1:{self.port}", "--chdir", self.folder, "app:app")


class DjangoDebug(Django):
    name = "django-debug"
    cases = {"own-404": "/none", "own-500": "/broken", "database": "/database"}
    debug = True


class Flask(Product):
    name = "werkzeug"
    programs = ("python3",)
    cases = {"own-404": "/none", "own-500": "/broken", "own-502": "/gateway", "own-503": "/unavailable"}

    def version(self):
        return debian_version("python3-werkzeug")

    def start(self):
        if not os.path.isdir("/usr/lib/python3/dist-packages/flask"):
            raise Missing("python3-flask is not installed")
        self.run("/usr/bin/python3", self.file("app.py", f"""
from flask import Flask, abort
app = Flask(__name__)
@app.route("/broken")
def broken():
    raise RuntimeError("no luck")
@app.route("/gateway")
def gateway():
    abort(502)
@app.route("/unavailable")
def unavailable():
    abort(503)
app.run("127.0.0.1", {self.port})
"""))


class Uwsgi(Product):
    name = "uwsgi"
    programs = ("uwsgi",)
    cases = {"own-500": "/"}

    def version(self):
        return debian_version("uwsgi-core")

    def start(self):
        self.file("app.py", "")  # it has no application
        self.run(self.paths["uwsgi"], "--plugin", "python3", "--http-socket", f"127.0.0.1:{self.port}", "--chdir",
                 self.folder, "--module", "app", "--die-on-term")


class Uvicorn(Product):
    name = "uvicorn"
    programs = ("uvicorn",)
    cases = {"own-404": "/none", "own-500": "/broken", "malformed": MALFORMED}

    def version(self):
        return debian_version("python3-uvicorn")

    def start(self):
        self.file("app.py", """
from starlette.applications import Starlette
from starlette.routing import Route

def broken(request):
    raise RuntimeError("no luck")

app = Starlette(routes=[Route("/broken", broken)])
""")
        self.run(self.paths["uvicorn"], "--host", "127.0.0.1", "--port", str(self.port), "--app-dir", self.folder,
                 "app:app")


class Puma(Product):
    name = "puma"
    programs = ("puma",)
    cases = {"own-500": "/", "malformed": MALFORMED}

    def version(self):
        return debian_version("puma")

    def start(self):
        self.file("config.ru", "run ->(env) { raise 'no luck' }\n")
        self.run(self.paths["puma"], "-e", "production", "-b", f"tcp://127.0.0.1:{self.port}", "config.ru")


class PhpFpm(Product):
    """php-fpm behind nginx."""

    name = "php-fpm"
    programs = ("php-fpm8.2", "nginx")
    cases = {"own-404": "/none.php", "own-500": "/broken.php", "down": "/down.php"}

    def version(self):
        return debian_version("php8.2-fpm")

    def start(self):
        user = "user = www-data\ngroup = www-data\n" if os.geteuid() == 0 else ""
        fpm = free_port()
        self.run(self.paths["php-fpm8.2"], "-F", "-n", "-y", self.file("fpm.conf", f"""
[global]
error_log = {self.folder}/fpm.log
daemonize = no
[www]
{user}listen = 127.0.0.1:{fpm}
pm = static
php_admin_flag[display_errors] = off
pm.max_children = 1
"""))
        self.file("www/broken.php", "<?php nonsense();\n")
        self.run(self.paths["nginx"], "-p", self.folder, "-e", "stderr", "-c", self.file("nginx.conf", f"""
worker_processes 1;
daemon off;
error_log stderr crit;
pid {self.folder}/nginx.pid;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {self.folder}/body; proxy_temp_path {self.folder}/proxy;
  fastcgi_temp_path {self.folder}/fastcgi; uwsgi_temp_path {self.folder}/uwsgi; scgi_temp_path {self.folder}/scgi;
  server {{
    listen 127.0.0.1:{self.port};
    location / {{
      include /etc/nginx/fastcgi_params;
      fastcgi_param SCRIPT_FILENAME {self.folder}/www$fastcgi_script_name;
      fastcgi_pass 127.0.0.1:{fpm};
    }}
    location = /down.php {{ include /etc/nginx/fastcgi_params; fastcgi_pass 127.0.0.1:{self.backends.refused}; }}
  }}
}}
"""))
        wait_for(lambda: _connects(fpm), "php-fpm to listen")


def _connects(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


class Tomcat(Product):
    name = "tomcat"
    programs = ("java",)
    cases = {"own-404": "/none", "own-500": "/broken.jsp", "malformed": MALFORMED}
    patience = 4 * PATIENCE
    home = "/usr/share/tomcat10"

    def version(self):
        return debian_version("libtomcat10-java")

    def start(self):
        if not os.path.isdir(self.home):
            raise Missing("tomcat10 is not installed")
        self.file("conf/server.xml", f"""<Server port="-1"><Service name="Catalina">
<Connector port="{self.port}" address="127.0.0.1" protocol="HTTP/1.1"/>
<Engine name="Catalina" defaultHost="localhost"><Host name="localhost" appBase="webapps"/></Engine>
</Service></Server>""")
        shutil.copy(f"{self.home}/skel/conf/web.xml", f"{self.folder}/conf/web.xml")
        self.file("webapps/ROOT/broken.jsp", '<% if (true) throw new RuntimeException("no luck"); %>')
        for name in ("logs", "temp", "work"):
            os.mkdir(f"{self.folder}/{name}")
        self.run("sh", f"{self.home}/bin/catalina.sh", "run", environment={
            "CATALINA_HOME": self.home, "CATALINA_BASE": self.folder, "JAVA_OPTS": "-Xmx128m"})


class Jetty(Product):
    name = "jetty"
    programs = ("java",)
    cases = {"own-404": "/none", "own-503": "/broken/", "malformed": MALFORMED}
    patience = 4 * PATIENCE
    home = "/usr/share/jetty9"

    def version(self):
        return debian_version("libjetty9-java")

    def start(self):
        if not os.path.isdir(self.home):
            raise Missing("jetty9 is not installed")
        # A context whose listener cannot be loaded: the context is not available.
        self.file("webapps/broken/WEB-INF/web.xml",
                  "<web-app><listener><listener-class>no.such.Class</listener-class></listener></web-app>")
        self.run(self.paths["java"], "-Xmx128m", "-jar", f"{self.home}/start.jar", f"jetty.base={self.folder}",
                 f"jetty.http.port={self.port}", "jetty.http.host=127.0.0.1", "--module=server,http,deploy,webapp")


class JdkHttpServer(Product):
    name = "jdk-httpserver"
    programs = ("java",)
    cases = {"own-404": "/none"}
    patience = 4 * PATIENCE

    def version(self):
        return first_line(self.paths["java"], "-version")

    def start(self):
        self.run(self.paths["java"], self.file("App.java", f"""
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
public class App {{
  public static void main(String[] a) throws Exception {{
    HttpServer.create(new InetSocketAddress("127.0.0.1", {self.port}), 0).start();
  }}
}}
"""))


PRODUCTS = [Nginx, Haproxy, Apache, Varnish, H2o, TrafficServer, Caddy, Squid, Lighttpd, Node, Express, Gunicorn, Django,
            DjangoDebug, Flask, Uwsgi, Uvicorn, Puma, PhpFpm, Tomcat, Jetty, JdkHttpServer]
