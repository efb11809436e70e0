"""How one contestant does in one case: a function for each kind of case.

Each gives a sample: `value` in the unit of its kind, and what else was seen.
"""

import load
import measure_instructions
import measure_memory
import measure_syscalls

RATE = 1000  # requests/s in an open loop
OPEN_LOOP_CONNECTIONS = 16


def cpu(case, stage, proxy, setup, options):
    server = stage.server(proxy, setup, case.refused)
    before = server.cpu_ns()
    seen = load.run_wrk(case, server.port, options.core, options.seconds,
                        stage.folder)
    server.require_alive()
    spent = server.cpu_ns() - before
    return {"value": spent / 1000 / seen["requests"],
            "per_second": seen["requests"] * 1e6 / seen["micros"],
            "p50_us": seen["p50_us"], "p99_us": seen["p99_us"]}


def handshakes(case, stage, proxy, setup, options):
    # wrk would resume sessions.
    server = stage.server(proxy, setup)
    before = server.cpu_ns()
    report = load.run_exact(
        options.load, case, server.port,
        ["--seconds", str(options.seconds), "--close"],
        stage.folder, options.core)
    server.require_alive()
    spent = server.cpu_ns() - before
    return {"value": spent / 1000 / report["requests"],
            "per_second": report["per_second"],
            "p50_us": report["latency_us"]["p50"],
            "p99_us": report["latency_us"]["p99"]}


def latency(case, stage, proxy, setup, options):
    server = stage.server(proxy, setup) if proxy else stage.origin
    report = load.run_exact(
        options.load, case, server.port,
        ["--seconds", str(options.latency_seconds), "--rate", str(RATE),
         "--connections", str(OPEN_LOOP_CONNECTIONS)],
        stage.folder, options.core)
    return {"value": report["latency_us"]["p50"],
            "quantiles": report["latency_us"]}


KINDS = {
    "cpu": cpu,
    "log": cpu,
    "handshake": handshakes,
    "latency": latency,
    "syscalls": measure_syscalls.measure,
    "instructions": measure_instructions.measure,
    "memory": measure_memory.measure,
}

# These hardly vary: more rounds would tell nothing new.
MOST_ROUNDS = {"syscalls": 1, "instructions": 1, "memory": 1, "latency": 3}
