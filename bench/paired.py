#!/usr/bin/env python3
"""Measures echo servers beside each other: rate, processor time a message and median latency, each as a ratio to the hand-written server.

    bench/paired.py --build build-bench E1 E3
    bench/paired.py --build build-bench TLS1 TLS2 TLS3

A machine's speed drifts within minutes, so no figure stands alone: the limit and the server run in turn, A B A B, and each pair gives one ratio. The
control comes first, the limit against itself: where that is not 1, the machine is too busy to say anything. Server on one core, client on the other.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import statistics
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "integration"))
import harness  # noqa: E402  (the path must be known first)
import servers  # noqa: E402

SERVER_CORE, CLIENT_CORE = 0, 1
WARM_UP, MEASURED = 0.03, 0.12  # seconds
CONTROL = (0.97, 1.03)
FIGURES = ("rate", "cpu", "p50")


@dataclasses.dataclass
class Work:
    """W(c, m, P): connections, bytes of a message, messages in flight on each connection."""

    connections: int
    message: int
    in_flight: int
    udp: bool = False
    over_tls: bool = False
    times: int = 1  # as many pairs as usual, where chance has a larger part
    visits: tuple = ()  # a handshake for each message: the options of the load generator for it

    @property
    def buffer(self):
        return 16 * 1024 if self.message < 1024 else 64 * 1024

    @property
    def words(self):
        """What the load generator is to do."""
        counts = ["-c", self.connections, "-m", self.message, "-P", self.in_flight]
        return [*counts, *["--udp"] * self.udp, *self.visits]

    def __str__(self):
        kind = "UDP " if self.udp else "TLS " if self.over_tls else ""
        return f"{kind}W({self.connections}, {self.message}, {self.in_flight}) {' '.join(self.visits)}".rstrip()


def tls(*counts, visits=()):
    return Work(*counts, over_tls=True, visits=visits)


WORKS = {
    "E1": Work(50, 64, 1),
    "E3": Work(50, 64, 16, times=2),
    "E4": Work(1000, 64, 1, times=2),
    "E5": Work(50, 16384, 1),
    "E6": Work(50, 16384, 16, times=3),
    "E7": Work(1, 64, 1),
    "U1": Work(50, 64, 1, udp=True),
    "U2": Work(1, 64, 1, udp=True),
    "TLS1": tls(8, 64, 1, visits=("--handshakes",)),
    "TLS1r": tls(8, 64, 1, visits=("--handshakes", "--resume")),
    "TLS2": tls(50, 16384, 1),
    "TLS2p": tls(50, 16384, 16),
    "TLS3": tls(50, 64, 1),
    "TLS3p": tls(50, 64, 16),
}


def start(contestant, work):
    """A server alone on its core."""
    here = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {SERVER_CORE})
    try:
        return harness.Server(contestant.with_buffer(work.buffer), patience=30)
    finally:
        os.sched_setaffinity(0, here)


def measure(load, server, work):
    """`load` is the load generator's command."""
    words = [*load, "--port", server.port, "--server", server.pid, "--cpu", CLIENT_CORE, "--warm-up", WARM_UP, "-d", MEASURED, *work.words]
    run = subprocess.run([str(word) for word in words], check=True, stdout=subprocess.PIPE, timeout=60)
    found = json.loads(run.stdout)
    return {"rate": found["rate"], "cpu": found["server_ns"] / max(found["messages"], 1), "p50": found["p50_us"]}


def ratios(load, limit, server, work, pairs):
    """For each figure the ratios of all pairs, and the median of the server's own values."""
    rounds = [(measure(load, limit, work), measure(load, server, work)) for _ in range(work.times * pairs)]
    found = {}
    for figure in FIGURES:
        each = [theirs[figure] / ours[figure] for ours, theirs in rounds]
        quartiles = statistics.quantiles(each, n=4)
        found[figure] = {
            "ratio": quartiles[1],
            "quartiles": [quartiles[0], quartiles[2]],
            "value": statistics.median(theirs[figure] for _, theirs in rounds),
        }
    return found


def compare(chosen, work, limit_server, contestants):
    """The control and every contestant, each against the limit."""
    load = [chosen.load]
    if work.over_tls:
        files = servers.certificate(chosen.build)
        load += ["--tls", files[0]]
        limit_server, *contestants = (servers.secure(each, files) for each in (limit_server, *contestants))
    with start(limit_server, work) as limit, start(limit_server, work) as twin:
        control = ratios(load, limit, twin, work, chosen.pairs)
        found = {"control": control}
        for contestant in contestants:
            print(f"{work}: {contestant.name} ...", file=sys.stderr, flush=True)
            with start(contestant, work) as server:
                found[contestant.name] = ratios(load, limit, server, work, chosen.pairs)
    return found


def field(chosen, work):
    """The limit, and who is measured beside it."""
    if work.udp:
        contestants = servers.udp_contestants(chosen.build, chosen.backends)
        return servers.udp_limit(chosen.build), contestants[: len(chosen.backends)] if chosen.no_peers else contestants
    if work.over_tls:
        contestants = servers.tls_contestants(chosen.build, chosen.backends)
        return servers.tls_limit(chosen.build), contestants[: len(chosen.backends)] if chosen.no_peers else contestants
    limit, *others = servers.limits(chosen.build)
    ours = [servers.cetane(chosen.build, backend) for backend in chosen.backends]
    return limit, others + ours + ([] if chosen.no_peers else servers.peers(chosen.build))


def print_table(name, work, found):
    print(f"\n{name}  {work}, ratios to raw: median (quartiles)")
    unit = "visit" if work.visits else "message"
    print(f"{'':<22}{'rate':<24}{'processor a ' + unit:<24}{'median latency':<24}{unit + 's a second':>18}{'processor, us':>16}")
    for contestant, figures in found.items():
        cells = ""
        for figure in FIGURES:
            low, high = figures[figure]["quartiles"]
            cells += f"{figures[figure]['ratio']:.3f} ({low:.2f} to {high:.2f})".ljust(24)
        print(f"{contestant:<22}{cells}{figures['rate']['value']:>18,.0f}{figures['cpu']['value'] / 1000:>16.2f}")
    if not CONTROL[0] <= found["control"]["rate"]["ratio"] <= CONTROL[1]:
        print("The control is off: the machine is too busy, and this table says nothing.")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("works", nargs="*", choices=[*WORKS, []], help=f"which of {', '.join(WORKS)} (all)")
    parser.add_argument("--build", type=pathlib.Path, required=True, help="the folder in which everything was built")
    parser.add_argument("--pairs", type=int, default=25, help="how many; E3 and E4 have twice, E6 three times as many")
    parser.add_argument("--backends", nargs="+", default=["epoll"])
    parser.add_argument("--no-peers", action="store_true", help="only cetane and the limits")
    parser.add_argument("--json", type=pathlib.Path, help="write the figures here, too")
    chosen = parser.parse_args()
    chosen.load = chosen.build / "bench" / "load"
    return chosen


def main():
    chosen = parse_arguments()
    harness.raise_descriptor_limit(4096)
    results = {}
    for name in chosen.works or WORKS:
        limit, contestants = field(chosen, WORKS[name])
        for absent in (each for each in contestants if not each.command):
            print(f"{name}: {absent.name} is not measured, because {absent.lacks} is not installed")
        results[name] = compare(chosen, WORKS[name], limit, [each for each in contestants if each.command])
        print_table(name, WORKS[name], results[name])
    if chosen.json:
        chosen.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
