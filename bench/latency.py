#!/usr/bin/env python3
"""Measures how long an echo takes while messages come at a constant rate, whatever the server does: no pause of a server is left out of its figures.

    bench/latency.py --build build-bench

The rate is a share of what the hand-written server reaches on this machine just before, so that nobody is overloaded. On a machine of few processors that
does other things as well, what is above the median says more about the machine than about the server: see the control, which is that server once more.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys

import paired
import servers

SHARE = 0.5
QUANTILES = ("p50_us", "p90_us", "p99_us", "p999_us")


def measure(load, server, work, rate, seconds):
    words = [load, "--port", server.port, "--cpu", paired.CLIENT_CORE, "--warm-up", 0.1, "-d", seconds, "--rate", rate]
    words += ["-c", work.connections, "-m", work.message]
    run = subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, timeout=120, check=False)
    return json.loads(run.stdout) if run.returncode == 0 else None


def medians(chosen, contestant, work, rate):
    """Of each quantile over all rounds, or None for a server that does not keep up."""
    with paired.start(contestant, work) as server:
        rounds = [measure(chosen.load, server, work, rate, chosen.seconds) for _ in range(chosen.rounds)]
    if None in rounds:
        return None
    return {quantile: statistics.median(each[quantile] for each in rounds) for quantile in QUANTILES}


def print_table(results, work, rate):
    print(f"\n{work.connections} connections, {work.message} bytes, {rate:,} messages a second, microseconds")
    print(f"{'':<22}" + "".join(f"{quantile.removesuffix('_us'):>12}" for quantile in QUANTILES))
    for name, row in results.items():
        cells = "".join(f"{row[quantile]:>12.1f}" for quantile in QUANTILES) if row else f"{'does not keep up':>48}"
        print(f"{name:<22}{cells}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="the folder in which everything was built")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of a round")
    parser.add_argument("--json", type=pathlib.Path, help="write the figures here, too")
    chosen = parser.parse_args()
    chosen.load = chosen.build / "bench" / "load"
    work = paired.WORKS["E1"]
    limit, *others = servers.limits(chosen.build)
    with paired.start(limit, work) as server:
        rate = int(paired.measure([chosen.load], server, work)["rate"] * SHARE)
    everyone = [limit, *others, *(servers.cetane(chosen.build, backend) for backend in ("epoll", "io_uring")), *servers.peers(chosen.build)]
    results = {"control": medians(chosen, limit, work, rate)}
    for contestant in (each for each in everyone if each.command):
        print(f"{contestant.name} ...", file=sys.stderr, flush=True)
        results[contestant.name] = medians(chosen, contestant, work, rate)
    print_table(results, work, rate)
    if chosen.json:
        chosen.json.write_text(json.dumps({"rate": rate, "microseconds": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
