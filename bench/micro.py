#!/usr/bin/env python3
"""Measures the smallest operations: nanoseconds beside those of the least program that does the same, instructions, and allocations once warm.

    bench/micro.py --build build-bench

bench/micro/micro.cpp runs each operation and its floor in turn, 201 times, and the median of the ratios is what counts. Instructions are the difference of
two runs under callgrind. Where the machine allows it, the timed runs have a fixed priority and a core of their own.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import targets

CORE = 0
FEW, MANY = 2_000, 12_000  # operations of the runs that are counted
TIME_LIMIT = 300  # seconds


def undisturbed():
    """Words before a command that keep others from its core, where that is allowed."""
    words = ["chrt", "-f", "1"]
    allowed = subprocess.run([*words, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0
    return words if allowed else []


def timed(program):
    here = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {CORE})
    try:
        done = subprocess.run([*undisturbed(), program], check=True, timeout=TIME_LIMIT, stdout=subprocess.PIPE, text=True)
    finally:
        os.sched_setaffinity(0, here)
    return json.loads(done.stdout)


def counted(program, side, name, times):
    with tempfile.NamedTemporaryFile(prefix="callgrind-") as out:
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out.name}", program, side, name, str(times)]
        subprocess.run(command, check=True, timeout=TIME_LIMIT, stderr=subprocess.DEVNULL)
        summary = re.search(r"^(?:summary|totals): (\d+)", pathlib.Path(out.name).read_text(), re.MULTILINE)
        return int(summary[1])


def instructions(program, side, name):
    return (counted(program, side, name, MANY) - counted(program, side, name, FEW)) / (MANY - FEW)


def measure(build):
    program = build / "bench" / "micro"
    rows = timed(program)
    peer = build / "bench" / "asio_micro"
    asio = timed(peer) if peer.exists() else {}
    for name, row in rows.items():
        print(f"counting {name} ...", file=sys.stderr, flush=True)
        row["instructions"] = instructions(program, "ours", name)
        row["floor_instructions"] = instructions(program, "floor", name)
        row["allocations"] /= row.pop("times")
        row["asio_ns"] = asio.get(name)
    return rows


def print_table(rows):
    print(f"{'':<4}{'':<38}{'ns':>8}{'floor':>8}{'ratio':>8}  {'quartiles':<14}{'instr':>7}{'floor':>7}{'allocs':>8}{'asio ns':>9}")
    for name, row in rows.items():
        low, high = row["quartiles"]
        asio = f"{row['asio_ns']:.1f}" if row["asio_ns"] else "-"
        print(
            f"{name:<4}{targets.ROWS[name][0]:<38}{row['ns']:>8.1f}{row['floor_ns']:>8.1f}{row['ratio']:>7.2f}x  {f'{low:.2f} to {high:.2f}':<14}"
            f"{row['instructions']:>7.0f}{row['floor_instructions']:>7.0f}{row['allocations']:>8.3f}{asio:>9}"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="the folder with the built programs")
    parser.add_argument("--json", type=pathlib.Path, help="write the figures here, too")
    chosen = parser.parse_args()
    rows = measure(chosen.build.resolve())
    print_table(rows)
    if chosen.json:
        chosen.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
