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
    strict: bool = False  # at the listener that wants certificates

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
    return Case(name, "ctls-abort", "", suspects, meet, says, ended, **more)


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
    return Case(name, "ctls-client-cert", "403 403", "cdn browser | browser",
                s_client(*NAMED, *options), says, error="http_request_denied",
                keys=(("client_server_name", NAME), ("protocol_version", "1.2")
                      if "-tls1_2" in options else ("protocol_version", "1.3")), strict=True)


def shows(pair, *options):
    return ("-cert", f"{{c.{pair}.cert}}", "-key", f"{{c.{pair}.key}}", *options)


def misled(name, fault, options, host, says, sni):
    keys = (("protocol_version", "1.3"),)
    return Case(name, fault, "421", "browser cdn | browser", s_client(*options, host=host), says,
                error="http_request_error",
                keys=keys + ((("client_server_name", sni),) if sni else ()))


OF_TLS = [
    Case("version", "ctls-version", "", "browser self",
         s_client("-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0", *NAMED),
         r"offered up to TLS 1.1.*alert 70 \(protocol_version\) sent",
         keys=(("alert", 70), ("alert_direction", "sent"))),
    Case("cipher", "ctls-cipher", "", "browser self",
         s_client("-tls1_2", "-cipher", "NULL-SHA256:@SECLEVEL=0", *NAMED),
         r"offered TLS_RSA_WITH_NULL_SHA256, alert 40 \(handshake_failure\) sent",
         keys=(("client_server_name", NAME), ("alert", 40), ("alert_direction", "sent"))),
    Case("http", "ctls-plain-http", "400 400", "browser cdn | browser",
         saying(request(host=NAME)), 'first bytes "GET / HTTP/1.1', error="http_request_error"),
    aborted("noise", saying(tls_peers.NOISE), "no TLS", "PR"),
    aborted("fin", saying(HALF_HELLO, hang_up), r"FIN after 11 bytes\)"),
    aborted("rst", saying(HALF_HELLO, reset), "RST after 11 bytes"),
    aborted("stall", saying(HALF_HELLO), "timeout after 11 bytes", "cR"),
    distrusting("1_2"),
    distrusting("1_3"),
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
    """Two listeners: the second wants certificates. Nobody is behind it."""
    shown = f"{{cert: {certificates.good.cert}, key: {certificates.good.key}}}"
    return (
        f'listen: [{{address: "127.0.0.1:0", tls: {{certificates: [{shown}]}}}}, '
        f'{{address: "127.0.0.1:0", tls: {{certificates: [{shown}], client_ca: {certificates.ca}'
        f'}}}}]\n'
        f"node: {{name: here, workers: 1, position: {position}}}\n"
        f"timeouts: {{tls: 1s}}\nerrors: {{statuses: {statuses}}}\n"
        "routes:\n  - {respond: 204}\n")
