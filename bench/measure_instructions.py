"""Instructions in user space of a kept-alive exchange, by callgrind.

Two runs of different length: what both have, the start above all, cancels out.
"""

import os
import re
import shutil

import load

CONNECTIONS = 64
PATIENCE = 60  # seconds: it runs fifty times as slow


def measure(case, stage, proxy, setup, options):
    if not shutil.which("valgrind"):
        raise load.Unmeasurable("valgrind is not installed")
    few = max(options.counted_requests // 4, 1)
    many = options.counted_requests
    spent = [_instructions(case, stage, proxy, requests, options)
             for requests in (few, many)]
    return {"value": (spent[1] - spent[0]) / (many - few)}


def _instructions(case, stage, proxy, requests, options):
    path = os.path.join(stage.folder, f"callgrind-{proxy.name}-{requests}")
    server = stage.fresh(
        proxy, ["valgrind", "--tool=callgrind", f"--callgrind-out-file={path}"],
        PATIENCE, setup=case.setup, one_process=True)
    try:
        load.run_exact(options.load, case, server.port,
                       ["--requests", str(requests),
                        "--connections", str(CONNECTIONS)],
                       stage.folder, options.core)
    finally:
        server.stop(PATIENCE)
    with open(path) as file:
        totals = re.findall(r"^(?:totals|summary): (\d+)", file.read(), re.M)
    os.remove(path)
    if not totals:
        raise load.Unmeasurable(f"callgrind counted nothing of {proxy.name}")
    return max(map(int, totals))
