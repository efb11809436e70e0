"""The faults of TLS before us: how a client is broken on loopback, and what has to be said of it.

`meet(port, certificates)` is such a client: what it was answered, or None. Before a handshake is
complete nothing can be said in HTTP, and the log's line is all that there is.
"""

import dataclasses
import socket
import subprocess

import tls_peers
from documented import ROWS, produced
from fault_table import hops_at
from harness import Client, request
from tls_certificates import NAME, OTHER


@dataclasses.dataclass(frozen=True, eq=False)
class Case:
    name: str
    fault: str
    status: str  # "status row"; "" where none can be sent
    suspects: str
    meet: object
    says: str
    ended: str = "PR"
    error: str = None
    keys: tuple = ()  # of the log: tls_ and this, with its value
    listener: int = 0  # of the configuration's

    def verdict(self, position):
        _, _, row = self.status.partition(" ")
        return produced(self.fault, row if row in ROWS else None,
                        hops_at(position, self.suspects), position)


class Said(Client):
    """Bytes that were said, to be read as an answer."""

    def __init__(self, data):
        self.buffer = data

    def _more(self):
        return False


def s_client(*options, host=NAME, ask=True):
    """openssl's client, which asks once, and what it was answered."""
    def meet(port, certificates):
        data = request(host=host, fields=[("Connection", "close")]) if ask else b""
        done = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-quiet", "-ign_eof",
             *(option.format(c=certificates) for option in options)],
            input=data, capture_output=True, timeout=60)
        return Said(done.stdout).read() if done.stdout else None
    return meet


def saying(data, end=lambda client: None):
    """Bytes, and then end(client)."""
    def meet(port, _):
        with Client(port) as client:
            client.send(data)
            end(client)
            return client.read()
    return meet


def hang_up(client):
    client.socket.shutdown(socket.SHUT_WR)


def reset(client):
    tls_peers.reset(client.socket)
    client.socket.close()
    client.read = lambda: None


NAMED = ("-servername", NAME)
# A ClientHello that announces 200 bytes and brings 6.
HALF_HELLO = bytes([22, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3])
ANYONE = "browser device router self"


def aborted(name, meet, says, ended="CR", suspects=ANYONE, **more):
    return Case(f"ctls-{name}", "ctls-abort", "", suspects, meet, says, ended, **more)


def distrusting(version):
    """By an alert, at our certificate."""
    return aborted(
        f"distrusts-{version}",
        s_client(f"-tls{version}", "-verify_return_error", "-CAfile", "{c.other_ca}", *NAMED),
        rf"alert 48 \(unknown_ca\) received .*SNI {NAME}[^$]*does not accept our certificate",
        suspects="browser self",
        keys=(("client_server_name", NAME), ("alert", 48), ("alert_direction", "received")))


def unwelcome(name, options, says):
    """Its certificate."""
    return Case(f"ctls-cert-{name}", "ctls-client-cert", "403 403", "cdn browser | browser",
                s_client(*NAMED, *options), says, error="http_request_denied",
                keys=(("client_server_name", NAME), ("protocol_version", "1.2")
                      if "-tls1_2" in options else ("protocol_version", "1.3")), listener=1)


def shows(pair, *options):
    return ("-cert", f"{{c.{pair}.cert}}", "-key", f"{{c.{pair}.key}}", *options)


def misled(name, fault, options, host, says, sni):
    keys = (("protocol_version", "1.3"),)
    return Case(f"ctls-{name}", fault, "421", "browser cdn | browser", s_client(*options, host=host), says,
                error="http_request_error",
                keys=keys + ((("client_server_name", sni),) if sni else ()))


OF_TLS = [
    Case("ctls-version", "ctls-version", "", "browser self",
         s_client("-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0", *NAMED),
         r"offered up to TLS 1.1.*alert 70 \(protocol_version\) sent",
         keys=(("alert", 70), ("alert_direction", "sent"))),
    Case("ctls-cipher", "ctls-cipher", "", "browser self",
         s_client("-tls1_2", "-cipher", "NULL-SHA256:@SECLEVEL=0", *NAMED),
         r"offered TLS_RSA_WITH_NULL_SHA256, alert 40 \(handshake_failure\) sent",
         keys=(("client_server_name", NAME), ("alert", 40), ("alert_direction", "sent"))),
    Case("ctls-http", "ctls-plain-http", "400 400", "browser cdn | browser",
         saying(request(host=NAME)), 'first bytes "GET / HTTP/1.1', error="http_request_error"),
    aborted("noise", saying(tls_peers.NOISE), "no TLS", "PR"),
    aborted("fin", saying(HALF_HELLO, hang_up), r"FIN after 11 bytes\)"),
    aborted("rst", saying(HALF_HELLO, reset), "RST after 11 bytes"),
    aborted("stall", saying(HALF_HELLO), "timeout after 11 bytes", "cR"),
    distrusting("1_2"),
    distrusting("1_3"),
    aborted("expired-here", s_client("-verify_return_error", "-CAfile", "{c.ca}", *NAMED),
            r"alert 45 \(certificate_expired\) received .*own certificate expired",
            suspects="self", listener=2,
            keys=(("client_server_name", NAME), ("alert", 45), ("alert_direction", "received"))),
]
NAMES = [
    misled("sni-unknown", "ctls-sni-unknown", ("-servername", "nope.test"), NAME,
           f"SNI nope.test, Host {NAME}", "nope.test"),
    misled("sni-absent", "ctls-sni-unknown", ("-noservername",), OTHER, f"no SNI, Host {OTHER}",
           None),
    misled("misdirected", "req-misdirected", NAMED, OTHER, f"SNI {NAME}, Host {OTHER}", NAME),
]
OWN_CERTIFICATES = [
    unwelcome("none", (), "no certificate shown"),
    unwelcome("none-1_2", ("-tls1_2",), "no certificate shown"),
    unwelcome("self-signed", shows("self_signed"), "verify 18 .*subject CN"),
    unwelcome("strange", shows("strange_client", "-tls1_2"), "verify 20 .*stranger authority"),
    unwelcome("expired", shows("expired_client"), "verify 10 .*depth 0, subject CN ?= ?client"),
    unwelcome("a-servers", shows("of_other_name"), "verify 26"),
]
ALL = OF_TLS + NAMES + OWN_CERTIFICATES


def configuration(certificates, position, statuses):
    """Three listeners: the second wants certificates, and the third shows one that has expired.
    Nobody is behind them."""
    def listener(pair, more=""):
        return (f'{{address: "127.0.0.1:0", tls: {{certificates: [{{cert: {pair.cert}, '
                f"key: {pair.key}}}]{more}}}}}")
    listeners = [listener(certificates.good),
                 listener(certificates.good, f", client_ca: {certificates.ca}"),
                 listener(certificates.expired)]
    return (f"listen: [{', '.join(listeners)}]\n"
            f"node: {{name: here, workers: 1, position: {position}}}\n"
            f"timeouts: {{tls: 1s}}\nerrors: {{statuses: {statuses}}}\n"
            "routes:\n  - {respond: 204}\n")


def port_of(proxy, listener):
    return int(proxy.addresses[listener].rpartition(":")[2])


def meet_all(proxy, certificates):
    """(case, answer, log line) of each; one after another, for only their order tells the lines."""
    for count, case in enumerate(ALL, 1):
        answer = case.meet(port_of(proxy, case.listener), certificates)
        yield case, answer, proxy.wait_for_log(count)[-1]
