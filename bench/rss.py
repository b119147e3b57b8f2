#!/usr/bin/env python3
"""Measures the resident memory of one idle connection: that at 15,000 connections less that at 5,000, divided. Each has echoed once.

    bench/rss.py raw=build-bench/bench/epoll_echo "cetane=build-bench/examples/echo_raw --backend epoll"
    bench/rss.py --tls build-bench --connections 1000 3000      the servers of bench/servers.py, over TLS

Where the hard descriptor limit is lower, both counts shrink with it, and the line says so.
"""

import argparse
import contextlib
import json
import pathlib
import resource
import shlex
import ssl
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "integration"))
import harness  # noqa: E402  (the path must be known first)
import servers  # noqa: E402

SOURCES = [f"127.0.0.{number}" for number in range(2, 10)]
SPARE_DESCRIPTORS = 200  # for the server's own, and for what the library keeps free
MESSAGE = b"x" * 64


def counts_that_fit(few, many):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    harness.raise_descriptor_limit(hard)
    most = min(many, hard - SPARE_DESCRIPTORS)
    return (few, many) if most == many else (most // 3, most)


def measure(command, few, many, secure=lambda client: client):
    """Resident bytes for each connection between `few` and `many`, each of which `secure` gets first."""
    resident = {}
    with harness.Server(command, patience=60) as server, contextlib.ExitStack() as clients:
        for number in range(1, many + 1):
            client = clients.enter_context(secure(server.connect(source=SOURCES[number % len(SOURCES)])))
            harness.expect_echo(client, MESSAGE)
            if number in (few, many):
                resident[number] = server.resident_bytes()
    return (resident[many] - resident[few]) / (many - few)


def tls_commands(build):
    """What is measured over TLS, and how a client gets there."""
    files = servers.certificate(build)
    context = ssl.create_default_context(cafile=files[0])
    each = [servers.tls_limit(build), *servers.tls_contestants(build, ["epoll"])]
    commands = {one.name: servers.secure(one, files).command for one in each if one.command}
    return commands, lambda client: context.wrap_socket(client, server_hostname="localhost")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("servers", nargs="*", metavar="NAME=COMMAND", help="a server that takes --host and --port")
    parser.add_argument("--connections", type=int, nargs=2, default=[5000, 15000], metavar=("FEW", "MANY"))
    parser.add_argument("--tls", type=pathlib.Path, metavar="BUILD", help="measure the TLS servers of this build folder")
    parser.add_argument("--json", type=pathlib.Path, help="write the figures here, too")
    return parser.parse_args()


def main():
    chosen = parse_arguments()
    few, many = counts_that_fit(*chosen.connections)
    print(f"resident bytes for each connection, from {few} to {many} of them", flush=True)
    commands = {name: shlex.split(command) for name, _, command in (server.partition("=") for server in chosen.servers)}
    results, secure = {}, lambda client: client
    if chosen.tls:
        commands, secure = tls_commands(chosen.tls.resolve())
    for name, command in commands.items():
        results[name] = measure(command, few, many, secure)
        print(f"{name:<20}{results[name]:>10.0f}", flush=True)
    if chosen.json:
        chosen.json.write_text(json.dumps({"connections": [few, many], "bytes_each": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
