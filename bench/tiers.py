#!/usr/bin/env python3
"""Measures what newer ways of io_uring bring to an echo, each beside the same hand-written server without it.

    bench/tiers.py --build build-bench

What brings nothing here is not in the library. Bundles are tried with buffers of 4 KiB as well: a buffer that takes all that there is leaves them nothing.
"""

import argparse
import dataclasses
import json
import pathlib

import paired
import servers

SMALL_BUFFER = 4096
TRIALS = [(tier, work, None) for tier in ("send_zc", "bundles", "min_wait") for work in ("E1", "E3", "E5", "E7")] + [("bundles", "E5", SMALL_BUFFER)]


def with_tier(limit, tier):
    return dataclasses.replace(limit, name=tier, command=[*limit.command, "--tier", tier])


def with_small_buffer(contestant):
    return dataclasses.replace(contestant, command=contestant.with_buffer(SMALL_BUFFER), takes_buffer=False)


def measure(chosen, tier, work, buffer):
    limit = servers.limits(chosen.build)[2]
    server = with_tier(limit, tier)
    if buffer:
        server = with_small_buffer(server)
    with paired.start(limit, work) as base, paired.start(server, work) as tried:
        return paired.ratios([chosen.build / "bench" / "load"], base, tried, work, chosen.pairs)


def print_row(tier, work, buffer, figures):
    where = f"{work}{f', buffers of {buffer}' if buffer else ''}"
    cells = "".join(f"{row['ratio']:>9.3f} ({row['quartiles'][0]:.2f} to {row['quartiles'][1]:.2f})" for row in (figures[figure] for figure in paired.FIGURES))
    print(f"{tier:<10}{where:<24}{cells}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="the folder in which everything was built")
    parser.add_argument("--pairs", type=int, default=25)
    parser.add_argument("--json", type=pathlib.Path, help="write the figures here, too")
    chosen = parser.parse_args()
    print(f"{'':<10}{'':<24}{'rate':>9}{'':<15}{'cpu':>9}{'':<15}{'p50':>9}")
    found = []
    for tier, work, buffer in TRIALS:
        figures = measure(chosen, tier, paired.WORKS[work], buffer)
        print_row(tier, work, buffer, figures)
        found.append({"tier": tier, "work": work, "buffer": buffer, "figures": figures})
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
