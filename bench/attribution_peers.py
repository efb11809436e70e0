"""nginx and HAProxy with one backend for each fault, chosen by Host."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import time

from harness import free_port


def version(name):
    """`nginx 1.22.1`; None if it isn't installed."""
    if not shutil.which(name):
        return None
    done = subprocess.run([name, "-v"], capture_output=True, text=True)
    text = (done.stdout + done.stderr).replace("/", " ").split()
    return f"{name} {next(word for word in text if word[0].isdigit())}"


def nginx_text(folder, port, locations, default):
    """`locations`: {host: the inside of its location}"""
    user = "user root root;" if os.geteuid() == 0 else ""
    temporary = "".join(f"  {what}_temp_path {folder}/{what};\n" for what in (
        "client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    servers = "".join(
        f"  server {{ listen 127.0.0.1:{port}; server_name {host}; location / {{ {inside} }} }}\n"
        for host, inside in locations.items())
    return (f"{user} worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error;\n"
            "events { worker_connections 1024; }\nhttp {\n  access_log off;\n" + temporary +
            "  proxy_http_version 1.1; proxy_next_upstream off; proxy_set_header Host $host;\n"
            "  proxy_connect_timeout 1s; proxy_read_timeout 1s; proxy_send_timeout 1s;\n"
            "  client_header_timeout 1s; client_body_timeout 1s; client_max_body_size 16k;\n"
            "  server_names_hash_bucket_size 128;\n"
            f"  server {{ listen 127.0.0.1:{port} default_server;"
            f" location / {{ {default} }} }}\n{servers}}}\n")


def haproxy_text(_, port, backends, default):
    """`backends`: {host: ADDRESS:PORT}"""
    choose = "".join(f"  use_backend b{i} if {{ hdr(host) {host} }}\n"
                     for i, host in enumerate(backends))
    each = "".join(f"backend b{i}\n  server s {address}\n"
                   for i, address in enumerate([*backends.values(), default]))
    return ("global\n  maxconn 1000\ndefaults\n  mode http\n  retries 0\n  timeout connect 1s\n"
            "  timeout server 1s\n  timeout client 2s\n  timeout http-request 1s\n"
            f"frontend all\n  bind 127.0.0.1:{port}\n{choose}  default_backend b{len(backends)}\n"
            f"{each}")


PEERS = {
    "nginx": (nginx_text, ["nginx", "-e", "stderr", "-c"]),
    "haproxy": (haproxy_text, ["haproxy", "-q", "-db", "-f"]),
}


@contextlib.contextmanager
def peer(name, *rules):
    """Its port."""
    text, command = PEERS[name]
    with tempfile.TemporaryDirectory(prefix="whichhop-attribution-") as folder:
        port = free_port()
        path = os.path.join(folder, "configuration")
        with open(path, "w") as file:
            file.write(text(folder, port, *rules))
        errors = tempfile.TemporaryFile()
        process = subprocess.Popen([*command, path], stdout=errors, stderr=errors)
        try:
            until = time.monotonic() + 20
            while not listens(port):
                if process.poll() is not None or time.monotonic() > until:
                    errors.seek(0)
                    raise OSError(f"{name}: {errors.read().decode()}")
                time.sleep(0.05)
            yield port
        finally:
            process.terminate()
            process.wait()


def listens(port):
    with open("/proc/net/tcp") as file:
        return any(line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"
                   for line in file.readlines()[1:])
