"""An authority, and certificates of every kind of good and bad, made by openssl in a folder.

`Certificates(folder)` makes them all, in a second or two: `certificates.good` is a `Pair` of files,
a certificate with its chain and its key. They are for NAME and 127.0.0.1, and their keys are
ECDSA's, but where the name says otherwise.
"""

import base64
import dataclasses
import os
import subprocess

NAME = "app.internal"  # what an upstream is to be known by
OTHER = "other.test"

# An authority that takes any request; `{folder}` has its books.
CONFIGURATION = """
[ca]
default_ca = here
[here]
database = {folder}/index.txt
new_certs_dir = {folder}
unique_subject = no
rand_serial = yes
default_md = sha256
default_days = 30
policy = anything
[anything]
commonName = supplied
[req]
distinguished_name = empty
[empty]
"""
# The group of 1024 bits of RFC 2409, section 6.2, as PKCS #3 writes it.
OAKLEY_1024 = bytes.fromhex(
    "30818702818100ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22"
    "514a08798e3404ddef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed"
    "6b0bff5cb6f406b7edee386bfb5a899fa5ae9f24117c4b1fe649286651ece65381ffffffffffffffff020102")
AUTHORITY = "basicConstraints = critical, CA:true\nkeyUsage = keyCertSign, cRLSign\n"


@dataclasses.dataclass(frozen=True)
class Pair:
    cert: str  # a PEM file: the certificate, and behind it its chain
    key: str


def openssl(*arguments):
    done = subprocess.run(["openssl", *arguments], stdin=subprocess.DEVNULL, capture_output=True)
    if done.returncode != 0:
        raise AssertionError(f"openssl {' '.join(arguments)}: {done.stderr.decode()}")


def server_of(names, usage="serverAuth"):
    """Its extensions."""
    return (f"basicConstraints = CA:false\nsubjectAltName = {names}\n"
            f"extendedKeyUsage = {usage}\n")


class Authority:
    def __init__(self, folder, name, key):
        self.folder, self.name, self.key = os.path.join(folder, name), name, key
        os.mkdir(self.folder)
        self.config = self.write("openssl.cnf", CONFIGURATION.format(folder=self.folder))
        self.write("index.txt", "")
        self.cert = os.path.join(self.folder, "ca.pem")

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def sign_itself(self):
        self._sign(self.cert, self, self.key.request, AUTHORITY, f"{self.name} authority",
                   ["-selfsign"])
        return self

    def sign(self, name, key, extensions=None, *options, subject=NAME, chain=()):
        """A Pair. `options` are those of `openssl ca`: dates, digests."""
        path = os.path.join(self.folder, name + ".pem")
        extensions = extensions or server_of(f"DNS:{NAME}, IP:127.0.0.1")
        self._sign(path, self, key.request, extensions, subject, options)
        for cert in chain:
            append(path, cert)
        return Pair(path, key.path)

    def sign_authority(self, authority, *options):
        self._sign(authority.cert, self, authority.key.request, AUTHORITY,
                   f"{authority.name} authority", options)
        return authority

    def _sign(self, path, issuer, request, extensions, subject, options):
        own = [] if "-selfsign" in options else ["-cert", issuer.cert]
        openssl("ca", "-batch", "-notext", "-config", issuer.config, *own,
                "-keyfile", issuer.key.path, "-in", request, "-subj", f"/CN={subject}",
                "-extfile", self.write("extensions.cnf", extensions), *options, "-out", path)

    def revoke(self, pair):
        openssl("ca", "-config", self.config, "-cert", self.cert, "-keyfile", self.key.path,
                "-revoke", pair.cert)

    def list_revoked(self, name, *options):
        path = os.path.join(self.folder, name + ".crl")
        openssl("ca", "-gencrl", "-config", self.config, "-cert", self.cert,
                "-keyfile", self.key.path, *(options or ["-crldays", "1"]), "-out", path)
        return path


class Key:
    """And a request for a certificate of it: the authority names whom it is for."""

    def __init__(self, folder, name, *kind):
        self.path = os.path.join(folder, name + ".key")
        self.request = os.path.join(folder, name + ".csr")
        config = os.path.join(folder, "request.cnf")
        with open(config, "w") as file:
            file.write("[req]\ndistinguished_name = empty\n[empty]\n")
        openssl("genpkey", *kind, "-out", self.path)
        openssl("req", "-new", "-config", config, "-key", self.path, "-subj", "/CN=nobody",
                "-out", self.request)


ECDSA = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")


def rsa(bits):
    return ("-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{bits}")


def append(path, other):
    with open(other) as file:
        text = file.read()
    with open(path, "a") as file:
        file.write(text)


def write_pem(path, what, der):
    with open(path, "w") as file:
        file.write(f"-----BEGIN {what}-----\n{base64.encodebytes(der).decode()}"
                   f"-----END {what}-----\n")


def spoil(pair, path):
    """The same with its last byte flipped, which is one of the signature."""
    with open(pair.cert) as file:
        der = bytearray(base64.b64decode("".join(file.read().split("\n")[1:-2])))
    der[-1] ^= 1
    write_pem(path, "CERTIFICATE", der)
    return Pair(path, pair.key)


class Certificates:
    PAST = ("-startdate", "20200101000000Z", "-enddate", "20200201000000Z")
    FUTURE = ("-startdate", "20400101000000Z", "-enddate", "20400201000000Z")

    def __init__(self, folder):
        key = Key(folder, "leaf", *ECDSA)
        authority_key = Key(folder, "authority", *ECDSA)
        root = Authority(folder, "root", authority_key).sign_itself()
        stranger = Authority(folder, "stranger", Key(folder, "stranger-ca", *ECDSA)).sign_itself()
        self.ca, self.other_ca = root.cert, stranger.cert
        self._make_good(folder, root, key)
        self._make_bad(folder, root, stranger, key)
        self._make_chains(folder, root, key)
        self._make_lists(root, stranger)
        self._make_clients(root, stranger, key)

    def _make_good(self, folder, root, key):
        self.good = root.sign("good", key)
        self.good_rsa = root.sign("good-rsa", Key(folder, "rsa", *rsa(2048)))
        self.small_group = os.path.join(folder, "dh1024.pem")
        write_pem(self.small_group, "DH PARAMETERS", OAKLEY_1024)

    def _make_bad(self, folder, root, stranger, key):
        self.expired = root.sign("expired", key, None, *self.PAST)
        self.not_yet_valid = root.sign("not-yet-valid", key, None, *self.FUTURE)
        self.self_signed = Authority(folder, "alone", key).sign(
            "self-signed", key, None, "-selfsign")
        another = Key(folder, "another", *ECDSA)
        self.not_yet_valid_too = root.sign("not-yet-valid-too", another, None, *self.FUTURE)
        self.self_signed_too = Authority(folder, "alone-too", another).sign(
            "self-signed-too", another, None, "-selfsign")
        self.of_other_ca = stranger.sign("of-other-ca", key)
        self.with_other_root = stranger.sign("with-other-root", key, chain=[stranger.cert])
        self.of_other_name = root.sign("of-other-name", key,
                                       server_of(f"DNS:{OTHER}, IP:192.0.2.1"), subject=OTHER)
        self.for_clients = root.sign(
            "for-clients", key, server_of(f"DNS:{NAME}, IP:127.0.0.1", "clientAuth"))
        self.small_key = root.sign("small-key", Key(folder, "small", *rsa(1024)))
        self.weak_digest = root.sign("weak-digest", key, None, "-md", "sha1")
        self.spoilt = spoil(self.good, os.path.join(folder, "spoilt.pem"))

    def _make_chains(self, folder, root, key):
        where = "authorityInfoAccess = caIssuers;URI:http://ca.test/issuing.crt\n"
        extensions = server_of(f"DNS:{NAME}, IP:127.0.0.1") + where
        issuing = root.sign_authority(Authority(folder, "issuing", Key(folder, "issuing", *ECDSA)))
        self.chained = issuing.sign("chained", key, extensions, chain=[issuing.cert])
        self.without_issuer = issuing.sign("without-issuer", key, extensions)
        former = Authority(folder, "former", Key(folder, "former", *ECDSA))
        root.sign_authority(former, *self.PAST)
        self.of_expired_issuer = former.sign("of-expired-issuer", key, chain=[former.cert])

    def _make_lists(self, root, stranger):
        self.revoked = root.sign("revoked", Key(root.folder, "revoked", *ECDSA))
        root.revoke(self.revoked)
        self.crl = root.list_revoked("today")
        self.old_crl = root.list_revoked("old", "-crl_lastupdate", "20200101000000Z",
                                         "-crl_nextupdate", "20200201000000Z")
        self.other_crl = stranger.list_revoked("other")

    def _make_clients(self, root, stranger, key):
        """What clients show; ours among them."""
        extensions = "basicConstraints = CA:false\nextendedKeyUsage = clientAuth\n"
        self.client = root.sign("client", key, extensions, subject="client")
        self.expired_client = root.sign("expired-client", key, extensions, *self.PAST,
                                        subject="client")
        self.strange_client = stranger.sign("strange-client", key, extensions, subject="client")
