"""The browser of the tests: Debian's chromium or chromium-headless-shell, where one is installed."""

import json
import os
import shutil
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))


def find_browser():
    for name in ("chromium-headless-shell", "chromium"):
        if path := shutil.which(name):
            return path
    print("SKIPPED: no chromium is installed", file=sys.stderr)
    raise unittest.SkipTest("no chromium is installed")


def visit(order, seconds):
    """What page_browser.mjs says of the pages of this order: one object a visit."""
    done = subprocess.run(["node", os.path.join(HERE, "page_browser.mjs")], timeout=seconds,
                          input=json.dumps({"browser": find_browser()} | order), check=True,
                          stdout=subprocess.PIPE, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]
