#!/usr/bin/env python3
"""Measures the ways to serve beside each other, on the same echo: requests a second, and what a connection costs.

    bench/kinds.py --build build-bench

Requests: 16 connections that stay, 64 bytes there and back. Connections: one after the other, each with one request; the processor time is that of the server and
of all its processes. All share the machine with their client, so the columns say which is cheaper, not what the machine can do.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "integration"))
import harness  # noqa: E402  (the path must be known first)

KINDS = {
    "coroutine": "tasks on one event loop",
    "prefork": "the same, in a process for each core",
    "thread": "run_in(thread_per_connection)",
    "process": "run_in(process_per_connection)",
    "threading": "socketserver, threads",
    "forking": "socketserver, processes",
}
CONNECTIONS = 300
TICKS = 100  # a second, in /proc


def processor_ticks(pid):
    """What a process and all its children, those that have ended too, have used. One that is gone by now is in its parent's account."""
    try:
        used = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(map(int, used)) + sum(processor_ticks(child) for child in children)


def requests_a_second(load, server, seconds):
    words = [load, "--port", server.port, "--server", server.pid, "--warm-up", 0.1, "-d", seconds, "-c", 16, "-m", 64, "-P", 1]
    run = subprocess.run([str(word) for word in words], check=True, stdout=subprocess.PIPE, timeout=60)
    return json.loads(run.stdout)["rate"]


def connections(server, count):
    """Connections a second, and microseconds of processor time for each."""
    before = processor_ticks(server.pid)
    begin = time.monotonic()
    for _ in range(count):
        with server.connect() as client:
            harness.expect_echo(client, b"x" * 64)
    span = time.monotonic() - begin
    return count / span, (processor_ticks(server.pid) - before) / TICKS * 1e6 / count


def measure(chosen, kind):
    program = chosen.build / "bench" / "kinds_echo"
    rounds = []
    for _ in range(chosen.rounds):
        with harness.Server([program, kind], patience=60) as server:
            rate = requests_a_second(chosen.build / "bench" / "load", server, chosen.seconds)
            rounds.append((rate, *connections(server, chosen.connections)))
    return [statistics.median(column) for column in zip(*rounds)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="the folder in which everything was built")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="for the requests of a round")
    parser.add_argument("--connections", type=int, default=CONNECTIONS, help="in a round")
    parser.add_argument("--json", type=pathlib.Path, help="write the figures here, too")
    chosen = parser.parse_args()
    found = {}
    print(f"{'':<12}{'':<40}{'requests a second':>20}{'connections a second':>22}{'µs a connection':>18}")
    for kind, words in KINDS.items():
        found[kind] = dict(zip(("requests", "connections", "connection_us"), measure(chosen, kind)))
        row = found[kind]
        print(f"{kind:<12}{words:<40}{row['requests']:>20,.0f}{row['connections']:>22,.0f}{row['connection_us']:>18,.0f}", flush=True)
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
