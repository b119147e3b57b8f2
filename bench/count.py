#!/usr/bin/env python3
"""Counts what one echo costs: user-space instructions (callgrind) and system calls (strace), for several servers side by side.

    bench/count.py --load build-bench/bench/load \\
        raw=build-bench/bench/epoll_echo "cetane=build-bench/examples/echo_raw --backend epoll"

Each figure is the difference of two runs of fixed length, divided by the echoes that the second has more, so that start, accept, warm-up and end do not
count. Counts do not depend on how busy the machine is, save that a full batch of events is a little cheaper for each echo than a small one.
"""

import argparse
import collections
import json
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "integration"))
import harness  # noqa: E402  (the path must be known first)

TIME_LIMIT = 300  # seconds for one run under a tool
RAW_AT_MOST = {1: (90, 3.01), 50: (70, 2.05)}  # instructions and calls; 2.02 where batches are full, a few more on a busy machine


def run_load(server, chosen, connections, messages):
    command = [chosen.load, "--port", server.port, "-c", connections, "-m", chosen.bytes, "-n", messages, "--verify"]
    subprocess.run([str(word) for word in command], check=True, timeout=TIME_LIMIT, stdout=subprocess.DEVNULL)


def instructions(command, chosen, connections, messages):
    """All user-space instructions of a server that answers so many messages."""
    with tempfile.NamedTemporaryFile(prefix="callgrind-") as out:
        wrapper = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out.name}"]
        with harness.Server(command, wrapper=wrapper, patience=60) as server:
            run_load(server, chosen, connections, messages)
        summary = re.search(r"^(?:summary|totals): (\d+)", pathlib.Path(out.name).read_text(), re.MULTILINE)
        return int(summary[1])


def system_calls(command, chosen, connections, messages):
    """All system calls of a server that answers so many messages, by name."""
    with tempfile.NamedTemporaryFile(prefix="strace-") as out:
        wrapper = ["strace", "-f", "-c", "-U", "calls,name", "-o", out.name]
        with harness.Server(command, wrapper=wrapper, patience=60) as server:
            run_load(server, chosen, connections, messages)
        rows = re.findall(r"^\s*(\d+) (\w+)\s*$", pathlib.Path(out.name).read_text(), re.MULTILINE)
        return collections.Counter({name: int(calls) for calls, name in rows if name != "total"})


def count(command, chosen, connections):
    few, many = chosen.messages
    echoes = many - few
    calls = system_calls(command, chosen, connections, many)
    calls.subtract(system_calls(command, chosen, connections, few))
    by_name = {name: round(calls[name] / echoes, 3) for name in sorted(calls) if calls[name]}
    spent = instructions(command, chosen, connections, many) - instructions(command, chosen, connections, few)
    return {"instructions": spent / echoes, "system_calls": sum(calls.values()) / echoes, "by_name": by_name}


def print_table(results, connections):
    head = "".join(f"{f'instr c={c}':>12}{f'calls c={c}':>12}" for c in connections)
    print(f"{'server':<20}{head}")
    for name, figures in results.items():
        cells = "".join(f"{figures[c]['instructions']:>12.1f}{figures[c]['system_calls']:>12.3f}" for c in connections)
        print(f"{name:<20}{cells}")


def doubts(results):
    """A hand-written server is the limit for the others only as long as it is as good as such a server can be."""
    for name, figures in results.items():
        for connections, (most_instructions, most_calls) in RAW_AT_MOST.items():
            found = figures.get(connections) if name.startswith("raw") else None
            if found and (found["instructions"] > most_instructions or found["system_calls"] > most_calls):
                yield f"{name} misses its own figures at c={connections} (at most {most_instructions} and {most_calls}): mend it first, the rest says nothing"


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("servers", nargs="+", metavar="NAME=COMMAND", help="a server that takes --host and --port")
    parser.add_argument("--load", required=True, help="the load generator")
    parser.add_argument("--bytes", type=int, default=64, help="of a message (default: 64)")
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 50])
    parser.add_argument("--messages", type=int, nargs=2, default=[2000, 8000], metavar=("FEW", "MANY"))
    parser.add_argument("--json", type=pathlib.Path, help="write the figures here, too, with the calls by name")
    return parser.parse_args()


def main():
    chosen = parse_arguments()
    results = {}
    for server in chosen.servers:
        name, _, command = server.partition("=")
        print(f"counting {name} ...", file=sys.stderr, flush=True)
        results[name] = {c: count(shlex.split(command), chosen, c) for c in chosen.connections}
    print_table(results, chosen.connections)
    if chosen.json:
        chosen.json.write_text(json.dumps(results, indent=2) + "\n")
    sys.exit("\n".join(doubts(results)) or 0)


if __name__ == "__main__":
    main()
