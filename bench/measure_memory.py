"""User memory of an idle client connection, of many that were all used once.

What the kernel keeps for each socket is left out, for all alike.
"""

import resource
import socket
import ssl
import time

import load

SETTLING = 1  # seconds in which it may give back what it needed meanwhile
SPARE = 512   # descriptors of ours for other things
HANDSHAKES_COST = 5  # so many times fewer, that it ends as soon
REQUEST = b"GET /100B HTTP/1.1\r\nHost: localhost\r\n\r\n"


CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
CONTEXT.check_hostname = False
CONTEXT.verify_mode = ssl.CERT_NONE


def raise_descriptors(connections):
    """For us and who we start: each proxy takes two for a connection."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4 * connections + SPARE
    if soft >= wanted:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(hard, wanted)))
    except (ValueError, PermissionError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def measure(case, stage, proxy, setup, options):
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = min(options.idle_connections, (soft - SPARE) // 2)
    if case.secure:
        count //= HANDSHAKES_COST
    server = stage.fresh(proxy, setup=setup)
    clients = []
    try:
        # What it needs for any work at all is there before we look first.
        clients.append(_used(server.port, case.secure))
        for _ in range(300):
            _ask(clients[0])
        before = server.memory()
        for _ in range(count):
            clients.append(_used(server.port, case.secure))
        time.sleep(SETTLING)
        server.require_alive()
        _require_open(clients)
        after = server.memory()
    finally:
        for client in clients:
            client.close()
        server.stop()
    return {"value": (after - before) / 1024 / count, "connections": count,
            "total_mib": after / (1 << 20)}


def _used(port, secure):
    client = socket.create_connection(("127.0.0.1", port), 10)
    if secure:
        client = CONTEXT.wrap_socket(client)
    _ask(client)
    return client


def _ask(client):
    client.sendall(REQUEST)
    answer = b""
    while not answer.endswith(b"x" * 100):
        piece = client.recv(4096)
        if not piece:
            raise load.WrongAnswers(f"no answer to an idle client: {answer}")
        answer += piece


def _require_open(clients):
    for client in clients:
        client.setblocking(False)
        try:
            client.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            continue
        except OSError:
            pass
        raise load.WrongAnswers("an idle client was closed")
