"""The proxies side by side, with equal features, and the origin behind them.

Equal means: one worker, no access log, kept-alive connections to the upstream,
X-Forwarded-For, no retry that would hide or double a failure. All else is each
one's own default, but where a line below says why it isn't.
"""

import os
import re
import shutil
import subprocess

from processes import Process, free_port

SIZES = {"100B": 100, "10KiB": 10 << 10, "1MiB": 1 << 20}
FOREVER = 1000000000  # requests on one connection


def nginx_config(folder, port, locations, before=""):
    # As root, workers would become `nobody`, who can't enter our folder.
    user = "user root root;" if os.geteuid() == 0 else ""
    return f"""
{user}
worker_processes 1;
daemon off;
pid {folder}/nginx-{port}.pid;
error_log stderr crit;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests {FOREVER};
  keepalive_timeout 1h;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  {before}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    {locations}
  }}
}}
"""


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        file.write(text)
    return path


def start_nginx(name, folder, core, port, config):
    path = write(folder, f"nginx-{port}.conf", config)
    return Process(name, ["nginx", "-p", folder, "-e", "stderr", "-c", path],
                   port, core, folder)


def start_origin(folder, core):
    """Static files and a 404: cheaper than any proxy in front of it."""
    files = os.path.join(folder, "files")
    os.makedirs(files, exist_ok=True)
    for name, size in SIZES.items():
        write(files, name, "x" * size)
    port = free_port()
    return start_nginx("origin", folder, core, port, nginx_config(
        folder, port, f"""
    root {files};
    default_type text/plain;
    open_file_cache max=16;
    location = /404 {{ return 404 "no such thing\\n"; }}
"""))


class Floor:
    """A relay that parses nothing: what a copy through user space costs."""

    name = "floor"

    def __init__(self, options):
        self.binary = options.floor

    def version(self):
        return "whichhop-floor" if _executable(self.binary) else None

    def start(self, folder, core, upstream):
        port = free_port()
        return Process(self.name, [
            self.binary, "--listen", f"127.0.0.1:{port}",
            "--to", f"127.0.0.1:{upstream}"], port, core, folder)


class Whichhop:
    name = "whichhop"

    def __init__(self, options):
        self.binary = options.whichhop
        self.log = options.log

    def version(self):
        if not _executable(self.binary):
            return None
        return _first_line([self.binary, "version"]) or "whichhop"

    def start(self, folder, core, upstream):
        port = free_port()
        log = f"{folder}/access-{port}.log" if self.log else "off"
        path = write(folder, f"whichhop-{port}.yaml", f"""
node: {{workers: 1}}
listen: ["127.0.0.1:{port}"]
upstreams: {{app: {{servers: ["127.0.0.1:{upstream}"]}}}}
routes: [{{upstream: app}}]
logs: {{access: {log}}}
""")
        return Process(self.name, [self.binary, "run", "-c", path],
                       port, core, folder)


class Nginx:
    name = "nginx"

    def __init__(self, options):
        pass

    def version(self):
        return _first_line(["nginx", "-v"])

    def start(self, folder, core, upstream):
        port = free_port()
        # A slow client must not make it write to the disk; the others don't.
        # Larger buffers than its own 8 of 4 KiB: with those it needs 1.7 times
        # the CPU for 1 MiB, and who serves such bodies has raised them.
        return start_nginx(self.name, folder, core, port, nginx_config(
            folder, port, """
    location / {
      proxy_pass http://app;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_max_temp_file_size 0;
      proxy_buffer_size 16k;
      proxy_buffers 8 64k;
      proxy_busy_buffers_size 128k;
    }
""", f"""
  upstream app {{
    server 127.0.0.1:{upstream} max_fails=0;
    keepalive 256;
    keepalive_requests {FOREVER};
    keepalive_timeout 1h;
  }}
"""))


class Haproxy:
    name = "haproxy"

    def __init__(self, options):
        pass

    def version(self):
        return _first_line(["haproxy", "-v"])

    def start(self, folder, core, upstream):
        port = free_port()
        # retries 0: else a refused connection waits a second for each of three
        # more tries. splice-response moves large bodies inside the kernel.
        path = write(folder, f"haproxy-{port}.cfg", f"""
global
  nbthread 1
  maxconn 4096
defaults
  mode http
  http-reuse always
  option forwardfor
  option splice-response
  retries 0
  timeout connect 3s
  timeout client 1h
  timeout server 60s
  timeout http-keep-alive 1h
frontend all
  bind 127.0.0.1:{port} backlog 4096
  default_backend app
backend app
  server app 127.0.0.1:{upstream}
""")
        return Process(self.name, ["haproxy", "-db", "-f", path],
                       port, core, folder)


ALL = [Whichhop, Nginx, Haproxy, Floor]


def _executable(path):
    return shutil.which(path) is not None


def _first_line(command):
    if not _executable(command[0]):
        return None
    done = subprocess.run(command, capture_output=True, text=True)
    lines = (done.stdout + done.stderr).strip().splitlines()
    return re.sub(r"^nginx version: |\s+-\s+http.*$", "",
                  lines[0]) if lines else None
