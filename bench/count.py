#!/usr/bin/env python3
"""Counts what one echo costs: user-space instructions, system calls and allocations, for several servers side by side.

    bench/count.py --load build-bench/bench/load \\
        raw=build-bench/bench/epoll_echo "cetane=build-bench/examples/echo_raw --backend epoll"

Valgrind counts all three, so that nothing must be allowed to trace anything. Each figure is the difference of two runs of fixed length, divided by the
echoes that the second has more, so that start, accept, warm-up and end do not count. Counts do not depend on how busy the machine is, save that a full batch of events is a little cheaper for each echo than a small one.
"""

import argparse
import collections
import dataclasses
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
ALLOCATORS = {"malloc", "calloc", "realloc", "memalign", "aligned_alloc", "posix_memalign"}
RAW_AT_MOST = {1: (90, 3.01), 50: (70, 2.05)}  # instructions and calls; 2.02 where batches are full, a few more on a busy machine


def run_load(server, chosen, connections, messages):
    command = [chosen.load, "--port", server.port, "-c", connections, "-m", chosen.bytes, "-n", messages, "--verify"] + ["--udp"] * chosen.udp
    subprocess.run([str(word) for word in command], check=True, timeout=TIME_LIMIT, stdout=subprocess.DEVNULL)


@dataclasses.dataclass
class Costs:
    instructions: int
    system_calls: collections.Counter
    allocations: int


def traced_calls(log):
    """Valgrind itself makes a system call of a look at the clock, which otherwise is none."""
    calls = collections.Counter(re.findall(r"^SYSCALL\[\d+,\d+\]\( *\d+\) sys_(\w+)", log, re.MULTILINE))
    del calls["clock_gettime"]
    return calls


def called(profile, names):
    """How often functions of these names were called. A profile writes a name only where it comes first: `cfn=(17) malloc`, later `cfn=(17)`."""
    known = dict(re.findall(r"^c?fn=\((\d+)\) ([^'\n]*)", profile, re.MULTILINE))
    calls = re.findall(r"^cfn=\((\d+)\)[^\n]*\ncalls=(\d+)", profile, re.MULTILINE)
    return sum(int(count) for number, count in calls if known[number] in names)


def observe(command, chosen, connections, messages):
    """What a server does, all in all, that answers so many messages."""
    with tempfile.TemporaryDirectory(prefix="count-") as name:
        profile, log = pathlib.Path(name, "profile"), pathlib.Path(name, "log")
        wrapper = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}", "--trace-syscalls=yes", f"--log-file={log}"]
        with harness.Server(command, wrapper=wrapper, patience=60) as server:
            run_load(server, chosen, connections, messages)
        text = profile.read_text()
        summary = re.search(r"^(?:summary|totals): (\d+)", text, re.MULTILINE)
        return Costs(int(summary[1]), traced_calls(log.read_text(errors="replace")), called(text, ALLOCATORS))


def count(command, chosen, connections):
    less, more = (observe(command, chosen, connections, messages) for messages in chosen.messages)
    echoes = chosen.messages[1] - chosen.messages[0]
    calls = more.system_calls
    calls.subtract(less.system_calls)
    return {
        "instructions": (more.instructions - less.instructions) / echoes,
        "system_calls": sum(calls.values()) / echoes,
        "allocations": (more.allocations - less.allocations) / echoes,
        "by_name": {name: round(calls[name] / echoes, 3) for name in sorted(calls) if calls[name]},
    }


def print_table(results, connections):
    head = "".join(f"{f'instr c={c}':>12}{f'calls c={c}':>12}{f'allocs c={c}':>13}" for c in connections)
    print(f"{'server':<20}{head}")
    for name, figures in results.items():
        cells = "".join(f"{figures[c]['instructions']:>12.1f}{figures[c]['system_calls']:>12.3f}{figures[c]['allocations']:>13.3f}" for c in connections)
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
    parser.add_argument("--udp", action="store_true", help="servers of datagrams")
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 50])
    parser.add_argument("--messages", type=int, nargs=2, default=[1000, 4000], metavar=("FEW", "MANY"))
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
    sys.exit("" if chosen.udp else "\n".join(doubts(results)) or 0)


if __name__ == "__main__":
    main()
