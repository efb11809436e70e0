"""The faults of TLS behind us: how each is met on loopback, and what has to be said of it.

As in fault_table.py; here `peer(certificates)` starts what is broken, as a context with a `port`,
and `tls` is what the upstream's block has that is not as it should be: "{c.NAME}" is a file of the
certificates, and None leaves the key out.
"""

import dataclasses
import ssl

import tls_peers
from documented import produced
from fault_table import hops_at
from harness import RawOrigin, request
from tls_certificates import NAME, OTHER
from tls_peers import BEGUN, UNTIL_CLOSE, SServer, TlsOrigin, alert, saying, wire_origin


@dataclasses.dataclass(frozen=True, eq=False)
class Case:
    name: str  # also its host: NAME.test
    fault: str
    gateway: str  # "status row"
    edge: str
    suspects: str
    error: str  # the error type of RFC 9209, with its parameters
    broken: str  # the hop that is broken in truth: at loopback, our own doing
    done: str  # what was done to it
    peer: object
    says: str = "."  # of the details for operators
    tls: dict = dataclasses.field(default_factory=dict)
    proven: str = "tor | isp tor"
    ended: str = "SC"
    keys: tuple = ()  # of the log: upstream_tls_ and this, with its value
    cut: bool = False  # the status is spent when the fault is met

    @property
    def host(self):
        return f"{self.name}.test"

    def request(self, accept="*/*"):
        return request(host=self.host, fields=[("Accept", accept)])

    def status(self, statuses):
        return int((self.edge if statuses == "edge" else self.gateway).split()[0])

    def verdict(self, position, statuses):
        _, row = (self.edge if statuses == "edge" else self.gateway).split()
        return produced(self.fault, row, hops_at(position, self.suspects), position,
                        hops_at(position, self.proven))


PROTOCOL, CERTIFICATE = "tls_protocol_error", "tls_certificate_error"
ORIGIN = "server app | lb server"
ORIGIN_OR_US = "server self app | lb server self"


def alert_error(number, name):
    return f"tls_alert_received; alert-id={number}; alert-message={name}"


def shake(name, fault, suspects, error, broken, done, peer, says, tls={}, **more):
    """A handshake that fails: 502, or 525."""
    return Case(name, fault, "502 502A", "525 525", suspects, error, broken, done, peer, says,
                tls, **more)


def received(number):
    return (("alert", number), ("alert_direction", "received"))


def sent(number):
    return (("alert", number), ("alert_direction", "sent"))


def raw(data, ending="wait"):
    return lambda certificates: RawOrigin(saying(data, ending))


def s_server(*options, pair="good"):
    def start(certificates):
        shown = getattr(certificates, pair) if pair else None
        files = ["-cert", shown.cert, "-key", shown.key] if shown else ["-nocert"]
        return SServer(*files, *(option.format(c=certificates) for option in options))
    return start


def showing(pair, **options):
    return lambda certificates: TlsOrigin(getattr(certificates, pair), **options)


def judging(certificates):
    return TlsOrigin(certificates.good, client_ca=certificates.ca)


def speaking_first(certificates):
    def script(connection, _):
        connection.sendall(tls_peers.BANNER)
        tls_peers.wait_for_end(connection)
    return RawOrigin(script)


def wire(script, version=None, pair="good"):
    return lambda certificates: wire_origin(
        tls_peers.server_context(getattr(certificates, pair), version), script)


TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
# Whoever agrees on TLS does so by this policy and the others by that of the defaults: "it works
# elsewhere" is evidence, and a story of its own.
AGREES = {"min_version": '"1.3"'}
STRANGE = {"certificate": "{{cert: {c.strange_client.cert}, key: {c.strange_client.key}}}"}

NO_TLS = [
    shake("tls-http", "tls-plain-http-server", ORIGIN, PROTOCOL, "server",
          "speaks HTTP where TLS is due", raw(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
          'first bytes "HTTP/1.1 400 Bad" are no TLS'),
    shake("tls-ssh", "tls-plain-http-server", ORIGIN, PROTOCOL, "server",
          "another service has the port", speaking_first, 'first bytes "SSH-2.0-OpenSSH_"'),
    shake("tls-noise", "tls-plain-http-server", ORIGIN, PROTOCOL, "server",
          "speaks what is no TLS", raw(tls_peers.NOISE), "are no TLS"),
]
AGREEMENT = [
    shake("tls-old", "tls-version", ORIGIN_OR_US, alert_error(70, "protocol_version"), "server",
          "its TLS is too old", s_server("-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0"),
          "alert 70 .protocol_version. received, offered TLS 1.2 to TLS 1.3", keys=received(70)),
    shake("tls-chose-old", "tls-version", ORIGIN_OR_US, PROTOCOL, "server",
          "chooses what was not offered", raw(tls_peers.HELLO_OF_11),
          "no common version: .*alert 70 .protocol_version. sent", keys=sent(70)),
    shake("tls-cipher", "tls-cipher", ORIGIN, alert_error(40, "handshake_failure"), "server",
          "allows no cipher that we have",
          s_server("-tls1_2", "-cipher", "NULL-SHA256:@SECLEVEL=0"),
          "alert 40 .handshake_failure. received", keys=received(40)),
    # As long as the address is asked for one name alone.
    shake("tls-nocert", "tls-cipher", ORIGIN, alert_error(40, "handshake_failure"), "server",
          "has no certificate", s_server("-tls1_2", pair=None),
          "alert 40 .handshake_failure. received", keys=received(40)),
    shake("tls-sni", "tls-sni-unrecognized", ORIGIN_OR_US, alert_error(112, "unrecognized_name"),
          "server", "does not serve the name",
          s_server("-servername", OTHER, "-servername_fatal", "-cert2", "{c.good.cert}", "-key2",
                   "{c.good.key}"),
          f"alert 112 .unrecognized_name. received for SNI {NAME}", keys=received(112)),
    shake("tls-alpn", "tls-alpn", "server app | server lb",
          alert_error(120, "no_application_protocol"), "server", "speaks h2 alone",
          s_server("-alpn", "h2"),
          "alert 120 .no_application_protocol. received, offered http/1.1", keys=received(120)),
    shake("tls-small-dh", "tls-local-policy", ORIGIN_OR_US, PROTOCOL, "server",
          "its group is too small",
          s_server("-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0", "-dhparam",
                   "{c.small_group}", pair="good_rsa"),
          "weaker than allowed: dh key too small, alert 40 .handshake_failure. sent",
          keys=sent(40)),
    shake("tls-alert", "tls-alert-fatal", ORIGIN, alert_error(80, "internal_error"), "server",
          "breaks off by an alert", raw(alert(80)), "alert 80 .internal_error. received",
          keys=received(80)),
    shake("tls-farewell", "tls-alert-fatal", ORIGIN, alert_error(0, "close_notify"), "server",
          "takes leave inside the handshake", raw(alert(0, level=1)),
          "alert 0 .close_notify. received"),
]
ENDS = [
    shake("tls-fin", "tls-eof", ORIGIN, PROTOCOL, "server", "closes at the ClientHello",
          raw(b"", "fin"), "FIN .* after the ClientHello, 0 bytes received"),
    shake("tls-half-fin", "tls-eof", ORIGIN, PROTOCOL, "server", "closes inside its ServerHello",
          raw(tls_peers.HELLO_OF_11[:20], "fin"), "20 bytes received"),
    shake("tls-certificate-fin", "tls-eof", ORIGIN, PROTOCOL, "server",
          "closes inside its certificate", wire(tls_peers.cut_in_certificate, TLS12),
          "300 bytes received"),
    shake("tls-rst", "tls-rst", "server app | lb server isp", "connection_terminated", "server",
          "resets at the ClientHello", raw(b"", "rst"), "RST .* after the ClientHello, 0 bytes",
          proven=""),
    shake("tls-spoilt", "tls-alert-fatal", "server app | lb server isp", PROTOCOL, "server",
          "sends a record that is spoilt", wire(tls_peers.spoil_handshake),
          "records that cannot be read: .*alert 20 .bad_record_mac. sent", keys=sent(20), proven=""),
    *(Case(name, "tls-timeout", "504 504A", "525 525", "server app | server lb app",
           "connection_timeout", "server", done, raw(data), says, ended="sC")
      for name, done, data, says in (
          ("tls-stall", "is silent at the ClientHello", b"",
           r"no ServerHello in 1\.\d s, ClientHello acknowledged"),
          ("tls-half-stall", "is silent inside its ServerHello", tls_peers.HELLO_OF_11[:20],
           r"handshake not done in 1\.\d s, 20 bytes received, ClientHello acknowledged"))),
]
OUR_CERTIFICATE = [
    shake("tls-client-cert-12", "tls-origin-client-cert-12", ORIGIN_OR_US,
          alert_error(40, "handshake_failure"), "self", "we have no certificate to show",
          s_server("-Verify", "1", "-tls1_2"),
          "alert 40 .handshake_failure. received, our certificate was asked for, none sent",
          keys=received(40)),
    shake("tls-client-cert-13", "tls-origin-client-cert-13", ORIGIN_OR_US,
          alert_error(116, "certificate_required"), "self", "we have no certificate to show",
          s_server("-Verify", "1"),
          "alert 116 .certificate_required. received after the handshake, our certificate was asked "
          "for, none sent", AGREES, keys=received(116), ended="SH"),
    shake("tls-strange-cert-13", "tls-origin-client-cert-13", ORIGIN_OR_US,
          alert_error(48, "unknown_ca"), "self", "our certificate is of a strange authority",
          judging,
          "alert 48 .unknown_ca. received after the handshake, our certificate was sent",
          AGREES | STRANGE, keys=received(48), ended="SH"),
]


def verify(name, fault, suspects, code, pair, says, done, broken="server", tls={}, depth=0):
    return Case(name, fault, "502 502A", "526 526", suspects, CERTIFICATE, broken, done,
                showing(pair), says, tls, keys=(("verify_code", code), ("verify_depth", depth)))


CRL = {"crl": "{c.crl}"}
CERTIFICATES = [
    verify("tlsv-expired", "tlsv-expired", "server app | server lb", 10, "expired",
           r"certificate expired \d+ (days|years) ago \(notAfter 2020-02-01\), depth 0",
           "its certificate has expired"),
    verify("tlsv-issuer-expired", "tlsv-expired", "server app | server lb", 10,
           "of_expired_issuer", r"notAfter 2020-02-01\), depth 1, subject CN ?= ?former authority",
           "the certificate of its issuer has expired", depth=1),
    verify("tlsv-not-yet", "tlsv-not-yet-valid", "server app | server lb", 9, "not_yet_valid",
           r"certificate valid in \d+ (days|years) \(notBefore 2040-01-01\)",
           "its certificate is of the future"),
    verify("tlsv-self-signed", "tlsv-self-signed", ORIGIN, 18, "self_signed",
           "verify 18 .*chain of 1", "its certificate is signed by itself"),
    verify("tlsv-other-ca", "tlsv-unknown-ca", ORIGIN_OR_US, 20, "of_other_ca",
           "verify 20 .*issuer CN ?= ?stranger authority", "its authority is a stranger"),
    verify("tlsv-other-root", "tlsv-unknown-ca", ORIGIN_OR_US, 19, "with_other_root",
           "verify 19 .*chain of 2", "its authority is a stranger, and is sent", depth=1),
    verify("tlsv-our-ca", "tlsv-unknown-ca", ORIGIN_OR_US, 20, "good", "verify 20",
           "our list of authorities is another's", broken="self", tls={"ca": "{c.other_ca}"}),
    verify("tlsv-no-issuer", "tlsv-missing-intermediate", ORIGIN, 20, "without_issuer",
           "verify 20 .*chain of 1", "the certificate of its issuer is not sent"),
    verify("tlsv-name", "tlsv-host-mismatch", ORIGIN_OR_US, 62, "of_other_name",
           f"verify 62 .*expected {NAME}, certificate is for {OTHER}",
           "its certificate is for another name"),
    verify("tlsv-our-name", "tlsv-host-mismatch", ORIGIN_OR_US, 62, "good",
           f"verify 62 .*expected typo.internal, certificate is for {NAME}",
           "we ask for a name that is a typo", broken="self", tls={"server_name": "typo.internal"}),
    verify("tlsv-address", "tlsv-host-mismatch", ORIGIN_OR_US, 64, "of_other_name",
           "verify 64 .*expected 127.0.0.1", "its certificate is for another address",
           tls={"server_name": None}),
    verify("tlsv-revoked", "tlsv-revoked", ORIGIN, 23, "revoked", "verify 23",
           "its certificate is revoked", tls=CRL),
    verify("tlsv-purpose", "tlsv-purpose", ORIGIN, 26, "for_clients", "verify 26",
           "its certificate is for clients"),
    verify("tlsv-small-key", "tlsv-weak", ORIGIN_OR_US, 66, "small_key", "verify 66",
           "its key is too small"),
    verify("tlsv-weak-digest", "tlsv-weak", ORIGIN_OR_US, 68, "weak_digest", "verify 68",
           "the digest of its certificate is too weak"),
    verify("tlsv-spoilt", "tlsv-signature", ORIGIN, 7, "spoilt", "verify 7",
           "its certificate is corrupt"),
    *(Case(name, "tlsv-crl-unusable", "500 500", "500 500", "self", "proxy_configuration_error",
           "self", done, showing("good"), says, {"crl": f"{{c.{crl}}}"}, proven="",
           keys=(("verify_code", code), ("verify_depth", 0)))
      for name, done, crl, code, says in (
          ("tlsv-old-list", "our list of the revoked is too old", "old_crl", 12,
           r"verify 12 .*nextUpdate 2020-02-01, \d+ (days|years) ago"),
          ("tlsv-no-list", "our list of the revoked is another's", "other_crl", 3, "verify 3"))),
]


def answer(name, fault, suspects, error, broken, done, peer, **more):
    """Within, or before, an answer: as over a plain connection."""
    return Case(name, fault, "502 502A", "520 520", suspects, error, broken, done, peer,
                **{"tls": AGREES, "ended": "SH"} | more)


def ending(data, end):
    return lambda certificates: TlsOrigin(
        certificates.good, tls_peers.answering_and(data, end))


INCOMPLETE = "http_response_incomplete"
ANSWERS = [
    answer("tls-empty", "resp-empty-fin", "app | app lb", INCOMPLETE, "app",
           "ends without an answer", ending(b"", lambda connection: connection.unwrap())),
    answer("tls-empty-bare", "resp-empty-fin", "app | app lb", INCOMPLETE, "app",
           "ends without an answer or a farewell", ending(b"", tls_peers.close_bare)),
    answer("tls-empty-rst", "resp-rst", "app server | app server lb", "connection_terminated",
           "app", "resets before an answer", ending(b"", tls_peers.reset)),
]
BODIES = [
    answer("tls-cut", "body-close-delimited-cut", "server app | server app lb", INCOMPLETE, "app",
           "ends inside the body without a farewell", ending(UNTIL_CLOSE, tls_peers.close_bare),
           cut=True, ended="SD"),
    answer("tls-cut-rst", "body-close-delimited-cut", "server app | server app lb",
           "connection_terminated", "app", "resets inside the body",
           ending(UNTIL_CLOSE, tls_peers.reset), cut=True, ended="SD"),
    answer("tls-short", "body-cl-short-fin", "app server | app server lb", INCOMPLETE, "app",
           "ends inside the body", ending(BEGUN, lambda connection: connection.unwrap()), cut=True,
           ended="SD"),
    answer("tls-body-spoilt", "body-tls-error", "server tor app | lb server tor isp", PROTOCOL,
           "server", "sends a record that is spoilt", wire(tls_peers.spoil_body), cut=True,
           ended="SD", proven="", keys=sent(20)),
    answer("tls-body-alert", "body-tls-error", "server tor app | lb server tor isp",
           alert_error(20, "bad_record_mac"), "server", "breaks off inside the body",
           wire(tls_peers.break_off_body), cut=True, ended="SD", proven="", keys=received(20)),
]

HANDSHAKES = NO_TLS + AGREEMENT + ENDS + OUR_CERTIFICATE
ALL = HANDSHAKES + CERTIFICATES + ANSWERS + BODIES


def by_fault(fault):
    """The first case of it."""
    return next(case for case in ALL if case.fault == fault)


RIGHT = {"ca": "{c.ca}", "server_name": NAME}


def block(certificates, tls):
    """The `tls` of an upstream."""
    keys = {key: value for key, value in (RIGHT | tls).items() if value is not None}
    return "{" + ", ".join(f"{key}: {value.format(c=certificates)}"
                           for key, value in keys.items()) + "}"


def configuration(ports, certificates, position, statuses, errors=""):
    """A proxy that can meet every case: an upstream of its own for each, chosen by Host."""
    upstreams = "".join(
        f'  {case.name}: {{servers: ["127.0.0.1:{ports[case.name]}"], '
        f"tls: {block(certificates, case.tls)}}}\n" for case in ALL)
    routes = "".join(f"  - {{host: {case.host}, upstream: {case.name}}}\n" for case in ALL)
    return (
        f'listen: ["127.0.0.1:0"]\nnode: {{name: here, workers: 1, position: {position}}}\n'
        "timeouts: {tls: 1s, response_head: 5s, response_body: 5s}\n"
        f"errors: {{statuses: {statuses}{', ' + errors if errors else ''}}}\n"
        f"upstreams:\n{upstreams}routes:\n{routes}")
