"""Errors as origins send them, and what becomes of each under `errors.body: augment`: one table."""

import os

HERE = os.path.dirname(os.path.abspath(__file__))
SAMPLES = os.path.join(HERE, "..", "diagnostics", "samples")
CAPTURES = os.path.join(HERE, "captures")

# What becomes of a body.
THEIRS = "theirs"        # untouched, byte for byte
OURS = "ours"            # our page in its place
PANEL = "panel"          # theirs, with a panel before its last </body>
MEMBER = "member"        # theirs, with a last member `error_hops`
PARAGRAPH = "paragraph"  # theirs, and a paragraph behind it

# file: a page as it was captured.
CASES = {
    # Stock pages of servers and balancers.
    "nginx-own-404": OURS, "nginx-own-403": OURS, "nginx-refused": OURS, "nginx-hung": OURS,
    "apache-own-404": OURS, "apache-own-403": OURS, "apache-own-500": OURS, "apache-refused": OURS,
    "haproxy-own-503": OURS, "haproxy-refused": OURS, "lighttpd-own-404": OURS, "caddy-own-404": OURS,
    "varnish-refused": OURS, "trafficserver-refused": OURS, "squid-refused": OURS,
    # Of a server that is not recognized.
    "h2o-own-404": PARAGRAPH,
    # Those of an application's frameworks are the application's.
    "tomcat-own-404": PANEL, "tomcat-own-500": PANEL, "express-own-404": PANEL, "express-own-500": PANEL,
    "django-own-404": PANEL, "django-own-500": PANEL, "werkzeug-own-404": PANEL, "uvicorn-own-404": PARAGRAPH,
    "puma-own-500": THEIRS, "jdk-httpserver-own-404": THEIRS, "uwsgi-own-500": PARAGRAPH,
    # Applications' own.
    "nginx-react-app": PANEL, "nginx-react-app-gzip": THEIRS, "express-page": PANEL, "express-json": MEMBER,
    "express-json-array": THEIRS, "express-problem": MEMBER, "express-text": PARAGRAPH, "express-xml": THEIRS,
    "express-png": THEIRS, "express-page-no-transform": THEIRS, "express-page-brotli": THEIRS,
    "express-events": THEIRS, "express-attachment": THEIRS, "express-multipart": THEIRS, "express-empty": OURS,
}

# Put into each head, unless it has them: what the client is to be told whatever becomes of the body,
KEPT = (("Set-Cookie", "a=b"), ("Set-Cookie", "c=d"), ("Retry-After", "7"), ("Allow", "GET"),
        ("WWW-Authenticate", 'Basic realm="shop"'), ("Access-Control-Allow-Origin", "https://shop.example"),
        ("Access-Control-Allow-Credentials", "true"), ("Link", "</help>; rel=help"))
# and what is true of the origin's own bytes alone.
OF_BYTES = (("ETag", '"1"'), ("Last-Modified", "Sun, 01 Nov 2026 00:00:00 GMT"), ("Accept-Ranges", "bytes"),
            ("Content-MD5", "aGVsbG8="), ("Digest", "md5=aGVsbG8="), ("Content-Digest", "sha-256=:aGVsbG8=:"),
            ("Repr-Digest", "sha-256=:aGVsbG8=:"))


def read(name):
    for folder in (CAPTURES, SAMPLES):
        path = os.path.join(folder, f"{name}.http")
        if os.path.exists(path):
            with open(path, "rb") as file:
                return file.read()
    raise FileNotFoundError(name)


def enriched(data):
    """The answer with KEPT and OF_BYTES in its head."""
    line, _, rest = data.partition(b"\r\n")
    names = {field.partition(b":")[0].lower() for field in rest.partition(b"\r\n\r\n")[0].split(b"\r\n")}
    more = "".join(f"{name}: {value}\r\n" for name, value in (*KEPT, *OF_BYTES) if name.lower().encode() not in names)
    return line + b"\r\n" + more.encode() + rest


def all_cases():
    """{name: (bytes of the answer, what becomes of its body)}"""
    cases = {name: (enriched(read(name)), becomes) for name, becomes in CASES.items()}
    page = read("express-page").partition(b"\r\n\r\n")
    long = page[2].replace(b"Something broke.", b"x" * 65536)
    head = page[0].replace(b"Content-Length: %d" % len(page[2]), b"Content-Length: %d" % len(long))
    assert head != page[0]
    return cases | {"over 64 KiB": (enriched(head + b"\r\n\r\n" + long), THEIRS)}
