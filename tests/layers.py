#!/usr/bin/env python3
"""Fails where an include points upwards, or a library leaves its home.

The order of the layers, and who may include what, stands in proxy/README.md;
this is the same as a table.
"""

import pathlib
import re
import sys

# A layer, and those that it may include beside itself.
BELOW = {
    "diagnostics": (),
    "proxy/base": (),
    "proxy/net": ("proxy/base",),
    "proxy/http": ("proxy/base",),
    "proxy/upstream": ("proxy/base", "proxy/net", "proxy/http"),
    "proxy/policy": ("proxy/base", "proxy/net", "proxy/http", "proxy/upstream"),
    "proxy/server": ("proxy/base", "proxy/net", "proxy/http", "proxy/upstream", "proxy/policy",
                     "diagnostics"),
    "proxy/cli": ("proxy/base", "proxy/net", "proxy/http", "proxy/upstream", "proxy/policy",
                  "proxy/server", "diagnostics"),
}

# The first part of a library's headers, and the layers that are its home.
HOMES = {
    "event2/": ("proxy/net",),
    "event.h": (),
    "ares": ("proxy/net",),
    "openssl/": ("proxy/net", "proxy/policy"),
    "nghttp2/": ("proxy/http",),
    "yaml-cpp/": ("proxy/server",),
    "hiredis/": ("proxy/policy",),
    "sys/socket.h": ("proxy/net",),
}

INCLUDE = re.compile(r'\s*#\s*include\s*[<"]([^>"]+)[>"]')


def layer_of(path):
    return next((layer for layer in BELOW if path.startswith(layer + "/")), None)


def violations(root, source):
    name = source.relative_to(root).as_posix()
    layer = layer_of(name)
    for number, line in enumerate(source.read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        included = match[1]
        target = layer_of(included)
        if target and target != layer and target not in BELOW[layer]:
            yield f"{name}:{number}: {layer} may not include {included}"
        for library, homes in HOMES.items():
            if included.startswith(library) and layer not in homes:
                yield f"{name}:{number}: {included} belongs in {' and '.join(homes) or 'no layer'}"


def sources(root):
    for top in ("diagnostics", "proxy"):
        for path in sorted((root / top).rglob("*")):
            if path.suffix in (".h", ".cc", ".inc"):
                yield path


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    found = [violation for path in sources(root) for violation in violations(root, path)]
    print("\n".join(found) or "the layers hold")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
