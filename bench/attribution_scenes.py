"""The faults of `bench/attribution`, met for real: on loopback, in TLS, in namespaces, and behind
others."""

import contextlib
import dataclasses
import os
import tempfile

import attribution_breaks
import attribution_meet
import attribution_peers
import attribution_truth
import fault_table
import fault_matrix
import fault_test
import namespaces
import tls_client_table
import tls_fault_table
import tls_fault_test
import verdict
from harness import Client, Origin, Proxy, RawOrigin, request

MODES = [("lb", "gateway"), ("cdn", "edge")]


@dataclasses.dataclass(frozen=True)
class Met:
    """One fault at one position: what was broken, and what was said of it."""
    name: str
    kind: str
    position: str
    broken: str
    done: str
    status: int  # None if none was sent
    said: verdict.Verdict

    @property
    def beyond(self):
        return self.name in attribution_truth.BEYOND


class Stack(contextlib.ExitStack):
    enterClassContext = contextlib.ExitStack.enter_context


def met(name, kind, position, truths, answer, line):
    hops, done = truths[name]
    broken, = fault_table.hops_at(position, hops)
    return Met(name, kind, position, broken, done, answer and answer.status, verdict.of_json(line))


def loopback():
    """([Met], {peer: {fault's name: the status that it gave, or None}})"""
    truths = attribution_truth.truths(attribution_truth.LOOPBACK)
    cases = [case for case in fault_table.ALL if case.name not in attribution_truth.LEFT_OUT]
    with Stack() as stack:
        ports = fault_test.start_origins(stack)
        proxies = {mode: stack.enter_context(Proxy(fault_table.configuration(ports, *mode)))
                   for mode in MODES}
        answers = fault_matrix.ask_all(stack, proxies, cases)
        results = [met(case.name, "loopback", mode[0], truths, answer,
                       fault_matrix.line_of(proxies[mode], case, answer))
                   for (mode, case), answer in answers.items()]
        return results, statuses_of_peers(stack, ports, cases)


def statuses_of_peers(stack, ports, cases):
    """The same requests over the same origins."""
    healthy = f"127.0.0.1:{stack.enter_context(Origin()).port}"
    backends = {case.host: f"127.0.0.1:{ports[case.name]}" for case in cases if case.name in ports}
    rules = {"nginx": ({host: f"proxy_pass http://{address};"
                        for host, address in backends.items()}, "return 404;"),
             "haproxy": (backends, healthy)}
    given = {}
    for name in attribution_peers.PEERS:
        if not attribution_peers.version(name):
            print(f"*** SKIPPED: {name} is not installed ***", flush=True)
            continue
        port = stack.enter_context(attribution_peers.peer(name, *rules[name]))
        with Stack() as clients:
            asked = {}
            for case in cases:
                client = asked[case.name] = clients.enter_context(Client(port))
                client.socket.settimeout(10)
                client.send(case.request("*/*"))
            given[name] = dict(zip(asked, namespaces.in_parallel(
                status_of, list(asked.values()))))
    return given


def status_of(client):
    """None if there is none, or none that is a number."""
    try:
        while (head := client.read_head()) and head.status < 200:
            pass
    except (OSError, ValueError, IndexError):
        return None
    return head and head.status


def tls():
    """Of both sides."""
    truths = attribution_truth.truths(attribution_truth.TLS)
    with Stack() as stack:
        certificates = tls_fault_test.make_certificates(stack)
        ports = tls_fault_test.start_peers(stack, certificates)
        proxies = {mode: stack.enter_context(Proxy(tls_fault_table.configuration(
            ports, certificates, *mode))) for mode in MODES}
        answers = fault_matrix.ask_all(stack, proxies, tls_fault_table.ALL)
        results = [met(case.name, "tls", mode[0], truths, answer,
                       fault_matrix.line_of(proxies[mode], case, answer))
                   for (mode, case), answer in answers.items()]
        for mode in MODES:
            proxy = stack.enter_context(Proxy(tls_client_table.configuration(certificates, *mode)))
            results += [met(case.name, "tls", mode[0], truths, answer, line)
                        for case, answer, line in tls_client_table.meet_all(proxy, certificates)]
        return results


def network():
    why = namespaces.lacking()
    if why:
        print(f"*** SKIPPED: {why} ***", flush=True)
        return []
    truths = attribution_truth.truths(attribution_truth.NETWORK)
    cases = [*namespaces.CASES, *namespaces.NO_GOLDEN]
    everything = [(mode, case.name, *seen)
                  for (mode, case), seen in namespaces.meet(MODES, cases).items()]
    everything += [(mode, visit.name, *seen)
                   for (mode, visit), seen in namespaces.visit_all(MODES).items()]
    everything += [(mode, "no-local-port", *namespaces.run_out_of_ports(mode)) for mode in MODES]
    return [met(name, "network", mode[0], truths, answer, line)
            for mode, name, answer, line in everything]


class App(RawOrigin):
    """An app that asks its database before it answers."""

    def __init__(self, database, when_it_fails):
        self.database, self.when_it_fails = database, when_it_fails
        super().__init__(self._answer)

    def _answer(self, connection, _):
        while self.read_request(connection) is not None:
            try:
                with Client(self.database) as client:
                    client.socket.settimeout(1)
                    client.send(request("/fault/hang"))
                    client.read()
                    raise ValueError("no database")
            except (OSError, ValueError):
                connection.sendall(f"HTTP/1.1 {self.when_it_fails} Failed\r\n"
                                   "Content-Length: 0\r\n\r\n".encode())


def saying(stack, status, *fields):
    """A service that says so to everyone."""
    text = "".join(f"{field}\r\n" for field in (f"HTTP/1.1 {status} No", *fields,
                                                "Content-Length: 0", ""))

    def script(connection, _):
        while service.read_request(connection) is not None:
            connection.sendall(text.encode())
    service = stack.enter_context(RawOrigin(script))
    return service.port


# What stands between us and the broken hop, and the path that breaks it.
PATHS = {"hang": "/fault/hang", "empty": "/fault/empty", "reset": "/fault/reset-before-head",
         "bad": "/fault/bad-status/abc", "404": "/gone.css"}


def chain(names=None):
    """([attribution_meet.Chained], {name: why it could not be met}), of all, or of these."""
    why = namespaces.lacking()
    if why:
        print(f"*** SKIPPED: {why} ***", flush=True)
        return [], {}
    cases = [case for case in attribution_breaks.ALL if not names or case.name in names]
    return attribution_meet.meet_all(cases)


def relayed():
    """Faults behind a server or balancer of others, an app, or a whichhop in front of them."""
    truths = attribution_truth.truths(attribution_truth.RELAYED)
    with Stack() as stack:
        ports = {what: stack.enter_context(Origin(*options)).port for what, options in (
            ("refused", ["--refuse"]), ("queue", ["--backlog-full"]), ("silent", ["--drop-syn"]),
            ("ok", []))}
        first_hops = {}
        for name in truths:
            where, what = name.split("-", 1)
            if where in ("nginx", "haproxy", "cdn", "lb"):
                first_hops.setdefault(where, {})[f"{name}.test"] = ports.get(what, ports["ok"])
        at = {}
        at |= behind_nginx(stack, first_hops["nginx"])
        at |= behind_haproxy(stack, first_hops["haproxy"])
        for position in ("cdn", "lb"):
            proxy = stack.enter_context(Proxy(in_front(position, first_hops[position],
                                                       "inner", "1s")))
            at |= {host: proxy.port for host in first_hops[position]}
        at["app-500.test"] = saying(stack, 500)
        for name, database in (("db-refused-502", "refused"), ("db-refused-500", "refused"),
                               ("db-hang-504", "ok")):
            at[f"{name}.test"] = stack.enter_context(
                App(ports[database], name.rpartition("-")[2])).port
        results = []
        for mode in MODES:
            proxy = stack.enter_context(Proxy(in_front(mode[0], at, "outer", "5s")))
            asked = {}
            for name in truths:
                if f"{name}.test" not in at:
                    continue
                client = asked[name] = stack.enter_context(Client(proxy.port))
                client.send(request(PATHS.get(name.rpartition("-")[2], "/bytes/1"),
                                    host=f"{name}.test",
                                    fields=[("Authorization", "Basic dXNlcjpwYXNz")]))
            for name, client in asked.items():
                answer = client.read()
                assert answer is not None and answer["Error-Id"], (name, answer and answer.status)
                results.append(met(name, "relayed", mode[0], truths, answer,
                                   verdict.line_of(proxy, answer)))
        return results


def behind_nginx(stack, hosts):
    if not attribution_peers.version("nginx"):
        print("*** SKIPPED: no faults behind nginx, which is not installed ***", flush=True)
        return {}
    files = stack.enter_context(tempfile.TemporaryDirectory(prefix="whichhop-files-"))
    os.chmod(files, 0o755)
    inside = {host: f"proxy_pass http://127.0.0.1:{port};" for host, port in hosts.items()}
    inside["nginx-503.test"] = "return 503;"
    inside["nginx-404.test"] = f"root {files};"
    for status, fields in ((401, ["WWW-Authenticate: Basic"]), (403, [])):
        auth = saying(stack, status, *fields)
        inside[f"auth-{status}.test"] = (
            f"auth_request /auth; root {files}; }} "
            f"location = /auth {{ internal; proxy_pass http://127.0.0.1:{auth};")
    port = stack.enter_context(attribution_peers.peer("nginx", inside, "return 400;"))
    return dict.fromkeys(inside, port)


def behind_haproxy(stack, hosts):
    if not attribution_peers.version("haproxy"):
        print("*** SKIPPED: no faults behind HAProxy, which is not installed ***", flush=True)
        return {}
    backends = {host: f"127.0.0.1:{port}" for host, port in hosts.items()}
    port = stack.enter_context(attribution_peers.peer("haproxy", backends, "127.0.0.1:9"))
    return dict.fromkeys(backends, port)


def in_front(position, hosts, name, limit):
    """A whichhop in front of these: {host: port}"""
    names = {host: host.removesuffix(".test") for host in hosts}
    upstreams = "".join(f'  {names[host]}: {{servers: ["127.0.0.1:{port}"]}}\n'
                        for host, port in hosts.items())
    routes = "".join(f"  - {{host: {host}, upstream: {names[host]}}}\n" for host in hosts)
    return (f'listen: ["127.0.0.1:0"]\nnode: {{name: {name}, workers: 1, position: {position}}}\n'
            f"timeouts: {{connect: 1s, response_head: {limit}}}\n"
            f"upstreams:\n{upstreams}routes:\n{routes}")
