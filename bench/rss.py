#!/usr/bin/env python3
"""Measures the resident memory of one idle connection: that at 15,000 connections less that at 5,000, divided. Each has echoed once.

    bench/rss.py raw=build-bench/bench/epoll_echo "cetane=build-bench/examples/echo_raw --backend epoll"

Where the hard descriptor limit is lower, both counts shrink with it, and the line says so.
"""

import argparse
import contextlib
import json
import pathlib
import resource
import shlex
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "integration"))
import harness  # noqa: E402  (the path must be known first)

SOURCES = [f"127.0.0.{number}" for number in range(2, 10)]
SPARE_DESCRIPTORS = 200  # for the server's own, and for what the library keeps free
MESSAGE = b"x" * 64


def counts_that_fit(few, many):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    harness.raise_descriptor_limit(hard)
    most = min(many, hard - SPARE_DESCRIPTORS)
    return (few, many) if most == many else (most // 3, most)


def measure(command, few, many):
    """Resident bytes for each connection between `few` and `many`."""
    resident = {}
    with harness.Server(command, patience=60) as server, contextlib.ExitStack() as clients:
        for number in range(1, many + 1):
            client = clients.enter_context(server.connect(source=SOURCES[number % len(SOURCES)]))
            harness.expect_echo(client, MESSAGE)
            if number in (few, many):
                resident[number] = server.resident_bytes()
    return (resident[many] - resident[few]) / (many - few)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("servers", nargs="+", metavar="NAME=COMMAND", help="a server that takes --host and --port")
    parser.add_argument("--connections", type=int, nargs=2, default=[5000, 15000], metavar=("FEW", "MANY"))
    parser.add_argument("--json", type=pathlib.Path, help="write the figures here, too")
    return parser.parse_args()


def main():
    chosen = parse_arguments()
    few, many = counts_that_fit(*chosen.connections)
    print(f"resident bytes for each connection, from {few} to {many} of them", flush=True)
    results = {}
    for server in chosen.servers:
        name, _, command = server.partition("=")
        results[name] = measure(shlex.split(command), few, many)
        print(f"{name:<20}{results[name]:>10.0f}", flush=True)
    if chosen.json:
        chosen.json.write_text(json.dumps({"connections": [few, many], "bytes_each": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
