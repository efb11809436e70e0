"""Meets each break of a chain: what was said at once, and what when all had settled."""

import concurrent.futures
import dataclasses
import tempfile
import time

import attribution_breaks
import attribution_chain
import attribution_chain_peers
import attribution_truth
import harness
import verdict
from harness import request, wait_for
from tls_certificates import Certificates

# When the client asks, in seconds from the break. The last error said is the settled one.
ASKS = (0.3, 1.0, 2.0, 3.5, 5.0, 7.0)
PEERS_AT = 3.5  # others in our place, once: with all their caches stale
WARM = 4  # answers before the break


@dataclasses.dataclass(frozen=True)
class Said:
    """A verdict at each of both; None where there is none."""
    at: float
    status: int  # that the client got; None if it got no answer
    cdn: verdict.Verdict
    lb: verdict.Verdict
    evidence: tuple = ()


@dataclasses.dataclass(frozen=True)
class Chained:
    name: str
    broken: str
    done: str
    said: tuple  # of Said, those that were errors, in order
    peers: dict = dataclasses.field(default_factory=dict)

    @property
    def first(self):
        return self.said[0]

    @property
    def settled(self):
        return self.said[-1]

    @property
    def beyond(self):
        return self.name in attribution_truth.BEYOND


class Asker:
    """Requests of one chain, by their X-Request-Id."""

    def __init__(self, chain, case):
        self.chain, self.case = chain, case
        self.count = 0

    def send(self, target=None):
        self.count += 1
        client = self.chain.client()
        client.socket.settimeout(25)
        client.send(request(target or self.case.target, host=attribution_breaks.HOST,
                            fields=[("X-Request-Id", f"ask-{self.count}")]))
        return client, f"ask-{self.count}"

    def succeed(self):
        client, _ = self.send()
        with client:
            response = client.read()
            return response is not None and response.status == 200


def warm(chain, asker, case):
    traffic = chain.background_traffic = chain.background()
    wait_for(lambda: traffic.answered >= 6, "the background's answers")
    if case.when != "cold" and not case.visit:
        for _ in range(WARM):
            wait_for(asker.succeed, "answers before the break")
        for name in chain.peers:
            wait_for(lambda name=name: succeeds(chain, case, name), f"{name}'s answer")


def succeeds(chain, case, peer):
    with chain.client(attribution_chain_peers.PORTS[peer]) as client:
        client.send(request(case.target, host=attribution_breaks.HOST))
        response = client.read()
        return response is not None and response.status == 200


def meet(case, certificates):
    with attribution_chain.Chain(case.layout, certificates) as chain:
        if case.peers:
            chain.peers = attribution_chain_peers.start(chain)
        asker = Asker(chain, case)
        if case.when == "cold" and case.act:
            case.act(chain)
        warm(chain, asker, case)
        if case.visit:
            return gather(chain, case, visit(chain, case))
        return gather(chain, case, ask(chain, asker, case))


def ask_peers(chain, case):
    """{name: client}, each with the same request on its way, or the same visit."""
    asked = {}
    for name in chain.peers:
        with attribution_chain.quietly():
            port = attribution_chain_peers.PORTS[name]
            if case.visit:
                asked[name] = case.visit(chain, port)
            else:
                asked[name] = chain.client(port)
                asked[name].send(request(case.target, host=attribution_breaks.HOST))
            asked[name].socket.settimeout(20)
    return asked


def visit(chain, case):
    asked = []
    chain.asked_peers = ask_peers(chain, case)
    for at in ASKS[:2] if case.name != "device-unplugged" else ASKS[:1]:
        client = case.visit(chain)
        client.socket.settimeout(20)
        asked.append((at, client, None))
    return asked


def ask(chain, asker, case):
    asked = []
    if case.when == "sent":
        asked.append((0.0, *asker.send("/cart?work")))
        time.sleep(0.5)
    if case.act and case.when != "cold":
        case.act(chain)
    begun = time.monotonic()
    for at in ASKS:
        time.sleep(max(0.0, begun + at - time.monotonic()))
        asked.append((at, *asker.send()))
        if at == PEERS_AT:
            chain.asked_peers = ask_peers(chain, case)
    return asked


def answer_of(client):
    try:
        with client:
            return client.read()
    except (OSError, ValueError):
        return None


def line_of(proxy, key):
    """Its error of this request."""
    lines = [line for line in proxy.log() if line.get("fault")]
    if key is None:
        lines = [line for line in lines
                 if not line.get("request_id", "").startswith(("bg", "ask-"))]
    else:
        lines = [line for line in lines if line.get("request_id") == key]
    return lines[-1] if lines else None


def gather(chain, case, asked):
    answers = [(at, answer_of(client), key) for at, client, key in asked]
    time.sleep(0.3)
    said = []
    for at, answer, key in answers:
        failed = answer is None or answer.status >= 400 or not answer.complete
        if not failed:
            continue
        line = wait_for(lambda key=key: line_of(chain.cdn, key), f"{case.name}: a line of {key}")
        fields = verdict.of_fields(answer) if answer and answer.status >= 400 else None
        of_line = verdict.of_json(line)
        assert fields is None or fields == of_line, (case.name, fields, of_line)
        inner = line_of(chain.lb, key) if chain.lb.process.poll() is None and key else None
        said.append(Said(at, answer and answer.status, of_line, inner and verdict.of_json(inner),
                         tuple(line["evidence"]) + tuple((inner or {}).get("evidence", ()))))
    assert said, f"{case.name}: no error came of it"
    hop, done = attribution_truth.truths(attribution_truth.CHAIN)[case.name]
    peers = {name: (answer := answer_of(client)) and answer.status
             for name, client in chain.asked_peers.items()}
    return Chained(case.name, hop, done, tuple(said), peers)


def meet_all(cases, at_once=20):
    """([Chained], {name: why it could not be met})"""
    attribution_chain.find_out_about_believe(harness.WHICHHOP)
    with tempfile.TemporaryDirectory(prefix="whichhop-tls-") as folder:
        certificates = Certificates(folder)
        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            futures = {case.name: pool.submit(meet, case, certificates) for case in cases}
    unmet = {name: f"{type(future.exception()).__name__}: {future.exception()}"
             for name, future in futures.items() if future.exception()}
    return [future.result() for name, future in futures.items() if name not in unmet], unmet
