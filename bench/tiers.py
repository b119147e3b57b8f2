#!/usr/bin/env python3
"""Measures what newer ways of io_uring bring to an echo, each beside the same hand-written server without it.

    bench/tiers.py --build build-bench

What brings nothing here is not in the library. Bundles are tried with buffers of 4 KiB as well, on both sides: a buffer that takes all that there is leaves
them nothing. The control of each workload is that server against itself; where it is not 1, the machine is too busy to say anything.
"""

import argparse
import dataclasses
import json
import pathlib
import sys

import paired
import servers

CONTROL = "control"
TIERS = ("send_zc", "bundles", "min_wait")
SMALL = 4096  # bytes of a buffer; few enough connections that the buffers suffice
WORKS = {
    **{name: (paired.WORKS[name], None) for name in ("E1", "E3", "E5", "E7")},
    "8 connections, 16 KiB, buffers of 4 KiB": (paired.Work(8, 16384, 1), SMALL),
}
TRIALS = [(tier, work) for work in WORKS for tier in (CONTROL, *TIERS) if tier in (CONTROL, "bundles") or WORKS[work][1] is None]


def server_for(limit, tier, buffer):
    command = [*limit.command, *(["--tier", tier] if tier != CONTROL else []), *(["--buffer", str(buffer)] if buffer else [])]
    return dataclasses.replace(limit, name=tier, command=command, takes_buffer=buffer is None)


def measure(chosen, limit, tier, name):
    work, buffer = WORKS[name]
    with paired.start(server_for(limit, CONTROL, buffer), work) as base, paired.start(server_for(limit, tier, buffer), work) as tried:
        return paired.ratios([chosen.build / "bench" / "load"], base, tried, work, chosen.pairs)


def print_row(tier, work, figures):
    cells = "".join(f"{row['ratio']:>9.3f} ({row['quartiles'][0]:.2f} to {row['quartiles'][1]:.2f})" for row in (figures[figure] for figure in paired.FIGURES))
    print(f"{tier:<10}{work:<42}{cells}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="the folder in which everything was built")
    parser.add_argument("--pairs", type=int, default=25)
    parser.add_argument("--json", type=pathlib.Path, help="write the figures here, too")
    chosen = parser.parse_args()
    limit = servers.limits(chosen.build)[2]
    if limit.command is None:
        sys.exit(f"the server on io_uring was not built, because {limit.lacks} is not installed")
    print(f"{'':<52}{'rate':>9}{'':<15}{'cpu':>9}{'':<15}{'p50':>9}")
    found = []
    for tier, work in TRIALS:
        figures = measure(chosen, limit, tier, work)
        print_row(tier, work, figures)
        found.append({"tier": tier, "work": work, "figures": figures})
        if chosen.json:
            chosen.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
