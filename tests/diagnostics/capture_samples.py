#!/usr/bin/env python3
"""Captures the error pages of running products into samples/: the raw answer, head and body, of each case.

    tests/diagnostics/capture_samples.py [PRODUCT...]

Whatever is installed is captured anew; the samples of other products stay. A file is named
PRODUCT-CASE.http; samples/VERSIONS has the versions that they were captured from.
"""

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))

from products import PRODUCTS, Backends, Missing  # noqa: E402  pylint: disable=wrong-import-position

SAMPLES = os.path.join(ROOT, "tests", "diagnostics", "samples")
KEPT = 8192  # bytes of an answer: more than is ever looked at
VERSIONS = os.path.join(SAMPLES, "VERSIONS")


def read_versions():
    if not os.path.exists(VERSIONS):
        return {}
    with open(VERSIONS, encoding="utf-8") as file:
        return dict(line.rstrip("\n").split("\t") for line in file)


def capture(product, versions):
    for case in product.cases:
        answer = product.ask(case)
        if not answer.startswith(b"HTTP/"):
            print(f"{product.name} {case}: no answer ({answer[:40]!r})")
            continue
        with open(os.path.join(SAMPLES, f"{product.name}-{case}.http"), "wb") as file:
            file.write(answer[:KEPT])
        print(f"{product.name} {case}: {answer[:40]!r}")
    versions[product.name] = product.version()


def main():
    wanted = sys.argv[1:]
    versions = read_versions()
    failed = 0
    for kind in PRODUCTS:
        if wanted and kind.name not in wanted:
            continue
        try:
            with Backends() as backends, kind(backends) as product:
                capture(product, versions)
        except Missing as missing:
            print(f"{kind.name}: {missing}")
        except AssertionError as error:
            failed += 1
            print(f"{kind.name}: {error}")
    with open(VERSIONS, "w", encoding="utf-8") as file:
        file.writelines(f"{name}\t{version}\n" for name, version in sorted(versions.items()))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
