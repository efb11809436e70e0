"""A client of TLS that says whatever records it likes: Python's TLS shakes hands, and then its keys are
taken over (by its key log), so that records which no library would send can be sealed.

`hello(version)` is the ClientHello alone, as recorded; `RecordClient` a connection whose handshake
is complete. AES-128-GCM with SHA-256 it is, whose keys RFC 5246, section 6.3, and RFC 8446, section
7.3, derive.
"""

import ctypes
import ctypes.util
import hashlib
import hmac
import os
import socket
import ssl
import struct
import tempfile

from harness import PATIENCE

NAME = "app.internal"
CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, DATA = 20, 21, 22, 23
NO_RENEGOTIATION = 100
KEY_UPDATE, KEY_UPDATE_ASKING = b"\x18\0\0\1\0", b"\x18\0\0\1\1"
CLIENT_HELLO = b"\1\0\0\0"  # the head of one
VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}

crypto = ctypes.CDLL(ctypes.util.find_library("crypto"))
crypto.EVP_CIPHER_CTX_new.restype = ctypes.c_void_p
crypto.EVP_aes_128_gcm.restype = ctypes.c_void_p
SET_IV_SIZE, GET_TAG = 0x9, 0x10  # EVP_CTRL_AEAD_*


def aes_gcm(key, nonce, extra, text):
    """The ciphertext with its tag behind it."""
    context = ctypes.c_void_p(crypto.EVP_CIPHER_CTX_new())
    size = ctypes.c_int()
    out, tag = ctypes.create_string_buffer(len(text) + 16), ctypes.create_string_buffer(16)
    crypto.EVP_EncryptInit_ex(context, ctypes.c_void_p(crypto.EVP_aes_128_gcm()), None, key, nonce)
    crypto.EVP_EncryptUpdate(context, None, ctypes.byref(size), extra, len(extra))
    crypto.EVP_EncryptUpdate(context, out, ctypes.byref(size), text, len(text))
    crypto.EVP_EncryptFinal_ex(context, tag, ctypes.byref(size))
    crypto.EVP_CIPHER_CTX_ctrl(context, GET_TAG, 16, tag)
    crypto.EVP_CIPHER_CTX_free(context)
    return out.raw[:len(text)] + tag.raw


def mac(key, data):
    return hmac.digest(key, data, hashlib.sha256)


def expand_label(secret, label, size):
    name = b"tls13 " + label
    info = struct.pack("!HB", size, len(name)) + name + b"\0"
    return mac(secret, info + b"\1")[:size]


def prf(secret, seed, size):
    made, a = b"", seed
    while len(made) < size:
        a = mac(secret, a)
        made += mac(secret, a + seed)
    return made[:size]


class Keys12:
    def __init__(self, master, client_random, server_random):
        block = prf(master, b"key expansion" + server_random + client_random, 40)
        self.key, self.salt = block[:16], block[32:36]
        self.sequence = 1  # the Finished was 0

    def seal(self, kind, content):
        number = struct.pack("!Q", self.sequence)
        self.sequence += 1
        sealed = aes_gcm(self.key, self.salt + number,
                         number + struct.pack("!BHH", kind, 0x303, len(content)), content)
        return struct.pack("!BHH", kind, 0x303, 8 + len(sealed)) + number + sealed


class Keys13:
    def __init__(self, secret):
        self._use(secret)

    def _use(self, secret):
        self.secret, self.sequence = secret, 0
        self.key, self.iv = expand_label(secret, b"key", 16), expand_label(secret, b"iv", 12)

    def seal(self, kind, content):
        nonce = (int.from_bytes(self.iv, "big") ^ self.sequence).to_bytes(12, "big")
        self.sequence += 1
        head = struct.pack("!BHH", DATA, 0x303, len(content) + 17)
        record = head + aes_gcm(self.key, nonce, head, content + bytes([kind]))
        if kind == HANDSHAKE and content in (KEY_UPDATE, KEY_UPDATE_ASKING):
            self._use(expand_label(self.secret, b"traffic upd", 32))
        return record


def record(kind, content, version=0x301):
    return struct.pack("!BHH", kind, version, len(content)) + content


def split(data):
    """[(type, content)] of whole records, and what is left over."""
    found = []
    while len(data) >= 5 and len(data) >= 5 + int.from_bytes(data[3:5], "big"):
        end = 5 + int.from_bytes(data[3:5], "big")
        found.append((data[0], data[5:end]))
        data = data[end:]
    return found, data


def client_context(version=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    if version is not None:
        context.minimum_version = context.maximum_version = VERSIONS[version]
    return context


class RecordClient:
    """`recut(flight)` may change the bytes of each flight of the handshake."""

    def __init__(self, port, version, recut=lambda flight: [flight]):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.incoming, self.outgoing, self.recut = ssl.MemoryBIO(), ssl.MemoryBIO(), recut
        self.received = self.sent = b""
        context = client_context(version)
        with tempfile.TemporaryDirectory() as folder:
            context.keylog_filename = os.path.join(folder, "keys")
            self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=NAME)
            self._run(self.tls.do_handshake)
            with open(context.keylog_filename) as file:
                secrets = dict(line.split()[::2] for line in file if line[0] != "#")
        self.keys = self._keys(version, secrets)

    def _keys(self, version, secrets):
        if version == "1.3":
            return Keys13(bytes.fromhex(secrets["CLIENT_TRAFFIC_SECRET_0"]))
        # Behind the head of the record, that of the message, and a version.
        return Keys12(bytes.fromhex(secrets["CLIENT_RANDOM"]), self.sent[11:43], self.received[11:43])

    def _flush(self):
        if flight := self.outgoing.read():
            self.sent += flight
            for part in self.recut(flight):
                self.socket.sendall(part)

    def _run(self, act):
        while True:
            try:
                return act()
            except ssl.SSLWantReadError:
                self._flush()
                data = self.socket.recv(65536)
                if not data:
                    raise ConnectionError("the end") from None
                self.received += data
                self.incoming.write(data)
            finally:
                self._flush()

    def say(self, kind, content):
        self.socket.sendall(self.keys.seal(kind, content))

    def flood(self, kind, content, count, at_once=100):
        """Whether all of it was taken; less if the connection ended."""
        try:
            for _ in range(0, count, at_once):
                self.socket.sendall(b"".join(self.keys.seal(kind, content) for _ in range(at_once)))
        except OSError:
            return False
        return True

    def read(self, mark):
        """What came up to `mark`, by Python's TLS."""
        data = b""
        while mark not in data:
            more = self._run(lambda: self.tls.read(65536))
            if not more:
                raise ConnectionError("close_notify")
            data += more
        return data

    def raw_until_end(self):
        """The records that come, whole, up to the end of the connection."""
        data = b""
        try:
            while more := self.socket.recv(65536):
                data += more
        except ConnectionResetError:
            pass
        return split(data)[0]

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def hello(version=None):
    """The record with a ClientHello; for both versions if none is told."""
    outgoing = ssl.MemoryBIO()
    tls = client_context(version).wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=NAME)
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()
