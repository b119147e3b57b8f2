#!/usr/bin/env python3
"""Loads the echo and the chat server for a chosen time, with clients of all manners, and judges what that has done to them.

usage: soak.py BUILD_FOLDER [DURATION] [--server echo|chat|both] [--backend epoll|io_uring] [--seed N]

DURATION is 20s, 10min, 1h; ten minutes unless it is said. Each second it looks at memory, descriptors and the latency of a healthy client. On a terminal one
line of progress is rewritten, in a file there is one every ten seconds. At the end there is a verdict by the figures of judge.py, and a picture. The status
is 1 if anything is bad.
"""

import argparse
import asyncio
import contextlib
import json
import os
import pathlib
import re
import signal
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "integration"))
import harness  # noqa: E402  (the path must be known first)
from chat_load import ChatLoad  # noqa: E402
from echo_load import EchoLoad  # noqa: E402
from judge import Sample, judge, quantile, span_text  # noqa: E402
from picture import draw  # noqa: E402

LOADS = {"echo": EchoLoad, "chat": ChatLoad}
UNITS = {"": 1, "s": 1, "min": 60, "m": 60, "h": 3600}
QUIET_SPAN_S = 10
LEAVING_S = 20  # a server lets go of what is left of its last connections


class Soak:
    """One server under load."""

    def __init__(self, kind, server, seed):
        self.kind, self.server = kind, server
        self.load = LOADS[kind](server.host, server.port, seed)
        self.samples = []
        self.before = server.descriptors()
        self.after = None
        self.interrupted = False
        self.answers = []

    async def run(self, seconds):
        probe = await self.start_probe()
        try:
            await self.load.run(self.watch(probe, seconds))
        finally:
            probe.stdin.close()
            await probe.wait()
        self.after = await self.descriptors_at_the_end()
        self.answers = judge(self.samples, self.before, self.after, self.load.faults)

    async def start_probe(self):
        script = pathlib.Path(__file__).with_name("probe.py")
        pipe = asyncio.subprocess.PIPE
        where = (self.kind, self.server.host, str(self.server.port))
        return await asyncio.create_subprocess_exec(sys.executable, script, *where, stdin=pipe, stdout=pipe, limit=1 << 20, start_new_session=True)

    async def watch(self, probe, seconds):
        begin = time.monotonic()
        while (now := time.monotonic() - begin) < seconds and not self.interrupted:
            line = await probe.stdout.readline()
            if not line:
                self.load.complain("the healthy client has not been well; see above")
                return
            self.samples.append(Sample(now, self.server.resident_bytes(), self.server.descriptors(), json.loads(line)))

    async def descriptors_at_the_end(self):
        """Waits until the server has let go of all, for as long as it may take."""
        end = time.monotonic() + LEAVING_S
        while (now := self.server.descriptors()) != self.before and time.monotonic() < end:
            await asyncio.sleep(0.1)
        return now

    def progress(self):
        if not self.samples:
            return f"{self.kind}: begins"
        last = self.samples[-1]
        tail = f"p99 {quantile(last.latencies, 0.99):.0f} us" if last.latencies else ""
        complaints = f", {len(self.load.faults)} COMPLAINTS" if self.load.faults else ""
        return f"{self.kind}: {last.rss >> 10} KiB, {last.descriptors} descriptors, {self.load.visits:,} visits, {tail}{complaints}"


async def show_progress(soaks, seconds):
    rewrites = sys.stdout.isatty()
    begin = time.monotonic()
    while True:
        await asyncio.sleep(1 if rewrites else QUIET_SPAN_S)
        line = f"{time.monotonic() - begin:5.0f} of {seconds:.0f} s  " + "  |  ".join(each.progress() for each in soaks)
        print(f"\r\033[K{line}" if rewrites else line, end="" if rewrites else "\n", flush=True)


async def run_all(soaks, seconds):
    """Ctrl-C ends it early, and what there is then is judged."""

    def interrupt():
        for each in soaks:
            each.interrupted = True

    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, interrupt)
    shown = asyncio.create_task(show_progress(soaks, seconds))
    try:
        await asyncio.gather(*(each.run(seconds) for each in soaks))
    finally:
        shown.cancel()
        if sys.stdout.isatty():
            print()


def report(soaks, folder, backend):
    """Prints the verdict and draws the pictures; says whether all is well."""
    for each in soaks:
        path = folder / f"soak-{each.kind}-{backend}.svg"
        draw(f"{each.kind} on {backend}", each.samples, each.answers, path)
        print(f"{each.kind} on {backend}, {span_text(each.samples[-1].seconds if each.samples else 0)}, {each.load.visits:,} visits; picture: {path}")
        for answer in each.answers:
            print(f"  {answer.state:4}  {answer.words}")
    states = [answer.state for each in soaks for answer in each.answers]
    if "bad" in states:
        print("soak: BAD")
    elif "open" in states:
        print("soak: nothing bad was found; what is open needs a longer run")
    else:
        print("soak: good")
    return "bad" not in states


def duration(text):
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|)", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text} is no time; write 20s, 10min or 1h")
    return float(match[1]) * UNITS[match[2]]


def parse_arguments():
    parser = argparse.ArgumentParser(prog="./dev soak", description="Loads the servers for a while and judges what that has done to them.")
    parser.add_argument("build", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("duration", nargs="?", type=duration, default=600.0, help="20s, 10min, 1h (10min)")
    parser.add_argument("--server", choices=("echo", "chat", "both"), default="both")
    parser.add_argument("--backend", choices=("epoll", "io_uring"), default="epoll")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"), help="of what the clients do")
    return parser.parse_args()


def main():
    chosen = parse_arguments()
    kinds = list(LOADS) if chosen.server == "both" else [chosen.server]
    harness.raise_descriptor_limit(0)
    print(f"soak: {', '.join(kinds)} on {chosen.backend} for {span_text(chosen.duration)}, seed {chosen.seed}", flush=True)
    with contextlib.ExitStack() as servers:
        soaks = []
        for kind in kinds:
            command = [chosen.build / "examples" / kind, "--backend", chosen.backend, "--log-level", "error"]
            # In a session of its own, so that Ctrl-C on the terminal ends the soak and not what it looks at.
            soaks.append(Soak(kind, servers.enter_context(harness.Server(command, wrapper=["setsid"])), chosen.seed))
        asyncio.run(run_all(soaks, chosen.duration))
        good = report(soaks, chosen.build / "soak", chosen.backend)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
