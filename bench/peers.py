"""The other proxies, configured as who knows them would, with equal features.

Where a line isn't the default, it says why or follows from `contestants.py`.
"""

import os
import pwd
import resource
import shutil

import certificates
import contestants
from contestants import (FOREVER, SECURE, Contestant, first_line,
                         nginx_config)


OPENSSL = f"""\
openssl_conf = all
[all]
ssl_conf = of_tls
[of_tls]
system_default = used
[used]
MinProtocol = TLSv1.3
Ciphersuites = {certificates.CIPHER}
"""


class Nginx(Contestant):
    name = program = "nginx"
    setups = ("plain", *SECURE)

    def version(self):
        return first_line(["nginx", "-v"])

    def files(self, place):
        # A slow client must not make it write to the disk; the others don't.
        # Larger buffers than its own 8 of 4 KiB: with those it needs 1.7 times
        # the CPU for 1 MiB, and who serves such bodies has raised them.
        return {"nginx.conf": nginx_config(place, f"""
    location / {{
      proxy_pass {"https" if place.connects_tls else "http"}://app;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_max_temp_file_size 0;
      proxy_buffer_size 16k;
      proxy_buffers 8 64k;
      proxy_busy_buffers_size 128k;
{self._connecting(place)}
    }}
""", f"""
  upstream app {{
    server 127.0.0.1:{place.upstream} max_fails=0;
    keepalive 256;
    keepalive_requests {FOREVER};
    keepalive_timeout 1h;
  }}
""")}

    @staticmethod
    def _connecting(place):
        return "" if not place.connects_tls else f"""\
      proxy_ssl_protocols TLSv1.3;
      proxy_ssl_verify on;
      proxy_ssl_trusted_certificate {place.keys}/cert.pem;
      proxy_ssl_name {certificates.NAME};
      proxy_ssl_server_name on;"""

    def command(self, place):
        return contestants.nginx_command(place)


class Haproxy(Contestant):
    name = program = "haproxy"
    setups = ("plain", "big", *SECURE)

    def version(self):
        return first_line(["haproxy", "-v"])

    def files(self, place):
        # retries 0: else a refused connection waits a second for each of three
        # more tries.
        return {"haproxy.cfg": f"""\
global
  nbthread 1
  ssl-default-bind-ciphersuites {certificates.CIPHER}
  ssl-default-bind-options ssl-min-ver TLSv1.3
{self._limits(place)}
defaults
  mode http
  http-reuse always
  option forwardfor
  retries 0
  timeout connect 3s
  timeout client 1h
  timeout server 60s
  timeout http-keep-alive 1h
{self._splicing(place)}
frontend all
  bind 127.0.0.1:{place.port} backlog 4096{self._accepting(place)}
  default_backend app
backend app
  server app 127.0.0.1:{place.upstream}{self._connecting(place)}
"""}

    @staticmethod
    def _accepting(place):
        return f" ssl crt {place.keys}/both.pem" if place.accepts_tls else ""

    @staticmethod
    def _connecting(place):
        return "" if not place.connects_tls else (
            f" ssl verify required ca-file {place.keys}/cert.pem"
            f" sni str({certificates.NAME})")

    @staticmethod
    def _limits(place):
        # It starts only if the limit of descriptors allows two for each
        # connection, and some more for pipes where it splices.
        if place.setup == "big":
            return "  maxconn 1024\n  tune.pipesize 262144"
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return f"  maxconn {min(12000, (limit - 256) // 2)}"

    @staticmethod
    def _splicing(place):
        # Large bodies move inside the kernel; through pipes of 256 KiB for half
        # of what its 64 KiB cost. No more helps.
        if place.setup != "big":
            return ""
        return "  option splice-auto\n  option splice-response"

    def command(self, place):
        return ["haproxy", "-db", "-f", f"{place.folder}/haproxy.cfg"]


class H2o(Contestant):
    name = program = "h2o"
    setups = ("plain", *SECURE)

    def version(self):
        return first_line(["h2o", "--version"])

    def files(self, place):
        user = "user: root\n" if os.geteuid() == 0 else ""
        files = {"openssl.cnf": OPENSSL} if place.accepts_tls else {}
        # Its own idle timeouts are 10 s for clients and 2 s for upstreams.
        return files | {"h2o.conf": f"""\
{user}num-threads: 1
max-connections: 16384
http1-request-timeout: 3600
proxy.emit-via-header: OFF
listen:
  host: 127.0.0.1
  port: {place.port}
{self._accepting(place)}
hosts:
  default:
    paths:
      /:
        proxy.reverse.url: "{self._origin(place)}:{place.upstream}/"
        proxy.preserve-host: ON
        proxy.timeout.keepalive: 3600000
{self._believing(place)}
"""}

    @staticmethod
    def _accepting(place):
        # Its key stays in the process, as the others' do.
        return "" if not place.accepts_tls else f"""\
  ssl:
    certificate-file: {place.keys}/cert.pem
    key-file: {place.keys}/key.pem
    neverbleed: OFF"""

    def environment(self, place):
        # It has no words of its own for what is new in TLS 1.3.
        return ({"OPENSSL_CONF": f"{place.folder}/openssl.cnf"}
                if place.accepts_tls else {})

    @staticmethod
    def _origin(place):
        # The URL's name is the one that the certificate is held against.
        return (f"https://{certificates.NAME}" if place.connects_tls
                else "http://127.0.0.1")

    @staticmethod
    def _believing(place):
        return "" if not place.connects_tls else f"""\
        proxy.ssl.cafile: {place.keys}/cert.pem"""

    def command(self, place):
        return ["h2o", "-m", "worker", "-c", f"{place.folder}/h2o.conf"]


class Nghttpx(Contestant):
    name = program = "nghttpx"
    setups = ("plain", *SECURE)

    def version(self):
        return first_line(["nghttpx", "--version"])

    def files(self, place):
        # No Via and its server's own Server field: as the others.
        return {"nghttpx.conf": f"""\
frontend=127.0.0.1,{place.port}{"" if place.accepts_tls else ";no-tls"}
backend=127.0.0.1,{place.upstream}{self._connecting(place)}
{self._accepting(place)}
workers=1
single-process=yes
add-x-forwarded-for=yes
no-via=yes
no-server-rewrite=yes
frontend-keep-alive-timeout=1h
backend-keep-alive-timeout=1h
backlog=4096
log-level=FATAL
errorlog-file=/dev/stderr
"""}

    @staticmethod
    def _accepting(place):
        return "" if not place.accepts_tls else f"""\
private-key-file={place.keys}/key.pem
certificate-file={place.keys}/cert.pem
tls-min-proto-version=TLSv1.3
tls13-ciphers={certificates.CIPHER}
cacert={place.keys}/cert.pem"""

    @staticmethod
    def _connecting(place):
        return (f";;tls;sni={certificates.NAME};proto=http/1.1"
                if place.connects_tls else "")

    def command(self, place):
        return ["nghttpx", f"--conf={place.folder}/nghttpx.conf"]


class TrafficServer(Contestant):
    name = "trafficserver"
    program = "traffic_server"
    account = "trafficserver"  # it won't run as root; Debian made this one
    setups = ("plain", "tls")

    def version(self):
        # Without an account it could not run.
        if os.geteuid() == 0 and not _has_account(self.account):
            return None
        return first_line(["traffic_server", "--version"])

    def files(self, place):
        user = ""
        if os.geteuid() == 0:
            user = f"CONFIG proxy.config.admin.user_id STRING {self.account}\n"
        # One event thread. It is a cache by trade; here it relays. down_server
        # 0: else a refused server is not asked again for a minute.
        return {"runroot.yaml": self._runroot(place.folder),
                "etc/storage.config": f"{place.folder}/cache 64M\n",
                "etc/plugin.config": "",
                "etc/remap.config":
                    f"map / http://127.0.0.1:{place.upstream}/\n",
                "etc/ssl_multicert.config":
                    "dest_ip=* ssl_cert_name=both.pem\n"
                    if place.accepts_tls else "",
                "etc/ip_allow.yaml": """\
ip_allow:
  - {apply: in, ip_addrs: 127.0.0.1, action: allow, methods: ALL}
""",
                "etc/records.config": f"""\
{user}CONFIG proxy.config.http.server_ports STRING {place.port}:ip-in=127.0.0.1{":ssl" if place.accepts_tls else ""}
{self._tls(place)}
CONFIG proxy.config.exec_thread.autoconfig INT 0
CONFIG proxy.config.exec_thread.limit INT 1
CONFIG proxy.config.exec_thread.affinity INT 0
CONFIG proxy.config.accept_threads INT 0
CONFIG proxy.config.task_threads INT 1
CONFIG proxy.config.net.connections_throttle INT 30000
CONFIG proxy.config.net.max_connections_in INT 30000
CONFIG proxy.config.http.cache.http INT 0
CONFIG proxy.config.reverse_proxy.enabled INT 1
CONFIG proxy.config.url_remap.remap_required INT 1
CONFIG proxy.config.url_remap.pristine_host_hdr INT 1
CONFIG proxy.config.log.logging_enabled INT 0
CONFIG proxy.config.http.insert_request_via_str INT 0
CONFIG proxy.config.http.insert_response_via_str INT 0
CONFIG proxy.config.http.insert_age_in_response INT 0
CONFIG proxy.config.http.insert_squid_x_forwarded_for INT 1
CONFIG proxy.config.http.server_session_sharing.pool STRING thread
CONFIG proxy.config.http.server_session_sharing.match STRING ip
CONFIG proxy.config.http.keep_alive_no_activity_timeout_in INT 3600
CONFIG proxy.config.http.keep_alive_no_activity_timeout_out INT 3600
CONFIG proxy.config.http.connect_attempts_max_retries INT 0
CONFIG proxy.config.http.connect_attempts_max_retries_down_server INT 0
CONFIG proxy.config.http.connect_attempts_rr_retries INT 0
CONFIG proxy.config.http.down_server.cache_time INT 0
CONFIG proxy.config.http.connect_attempts_timeout INT 3
"""}

    @staticmethod
    def _tls(place):
        return "" if not place.accepts_tls else f"""\
CONFIG proxy.config.ssl.server.cert.path STRING {place.keys}
CONFIG proxy.config.ssl.server.private_key.path STRING {place.keys}
CONFIG proxy.config.ssl.TLSv1 INT 0
CONFIG proxy.config.ssl.TLSv1_1 INT 0
CONFIG proxy.config.ssl.TLSv1_2 INT 0
CONFIG proxy.config.ssl.server.TLSv1_3.cipher_suites STRING {certificates.CIPHER}"""

    @staticmethod
    def _runroot(folder):
        inside = {name: folder for name in (
            "prefix", "exec_prefix", "datadir", "includedir", "mandir",
            "infodir")}
        inside |= {"sysconfdir": f"{folder}/etc",
                   "localstatedir": f"{folder}/run",
                   "runtimedir": f"{folder}/run", "logdir": f"{folder}/log",
                   "cachedir": f"{folder}/cache", "bindir": "/usr/bin",
                   "sbindir": "/usr/bin", "libdir": "/usr/lib/trafficserver",
                   "libexecdir": "/usr/lib/trafficserver/modules"}
        return "".join(f"{name}: {path}\n" for name, path in inside.items())

    def prepare(self, place):
        pages = "/etc/trafficserver/body_factory"
        if os.path.isdir(pages):
            shutil.copytree(pages, f"{place.folder}/etc/body_factory",
                            dirs_exist_ok=True)
        for name in ("run", "log", "cache"):
            os.makedirs(f"{place.folder}/{name}", exist_ok=True)
        if os.geteuid() == 0:
            for path, folders, files in os.walk(place.folder):
                for name in (".", *folders, *files):
                    shutil.chown(os.path.join(path, name), self.account)

    def command(self, place):
        return ["traffic_server", f"--run-root={place.folder}/runroot.yaml"]


ALL = [contestants.Whichhop, contestants.Before, Nginx, Haproxy, H2o, Nghttpx,
       TrafficServer, contestants.Floor]


def _has_account(name):
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
