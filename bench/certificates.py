"""A key of ECDSA P-256 and its certificate, made for one run, shown by all."""

import os
import subprocess

NAME = "localhost"
CIPHER = "TLS_AES_128_GCM_SHA256"  # the one that all negotiate


def make(folder):
    """cert.pem, key.pem, and both.pem for who wants them in one file.

    It is signed by itself: who verifies it believes cert.pem.
    """
    os.makedirs(folder)
    cert, key, both = (os.path.join(folder, name)
                       for name in ("cert.pem", "key.pem", "both.pem"))
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
         f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME},IP:127.0.0.1",
         "-out", cert, "-keyout", key], check=True, capture_output=True)
    with open(both, "w") as file:
        for part in (cert, key):
            with open(part) as text:
                file.write(text.read())
    for path in (key, both):  # some of them won't stay root
        os.chmod(path, 0o644)
