"""The documented model as the program itself tells it: `whichhop explain`."""

import functools
import json
import subprocess

from harness import WHICHHOP


def explain(*arguments):
    return subprocess.run([WHICHHOP, "explain", *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


@functools.cache
def rows():
    """Every row there is, in order: each status that may have one is asked for."""
    found = []
    for status in range(400, 600):
        said = subprocess.run([WHICHHOP, "explain", str(status), "--json"], check=False, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL)
        if said.returncode == 0:
            found += json.loads(said.stdout)
    return found
