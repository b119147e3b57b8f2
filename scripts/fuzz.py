#!/usr/bin/env python3
"""Runs the fuzz targets, several at once, with a line of progress for each and a verdict at the end.

usage: fuzz.py BUILD_FOLDER [--ci] [TARGET...] [SECONDS]

SECONDS is for each target: 60 unless it is said; with --ci what makes less than half a minute for all together. A target begins with its inputs in tests/corpus and
with what earlier runs have found out, which is kept in BUILD_FOLDER/corpus. An input that breaks a promise is put into BUILD_FOLDER/found, and the status is 1.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SEEDS = ROOT / "tests" / "corpus"
CI_SECONDS = 25
LONGEST_INPUT = 1024
SLOWEST_RUN_S = 20
WORDY = ("address", "chat_frame", "command_line", "option_text", "socket_table", "text")  # these look for certain words
PROGRESS = re.compile(r"^#(\d+)\s.*?cov: (\d+) ft: (\d+) corp: (\d+)/(\S+)")
BROKEN = re.compile(r"broken: |ERROR: |runtime error: |ALARM: ")


class Target:
    """One target: its process, and what that has said so far."""

    def __init__(self, build, name):
        self.name = name
        self.corpus = build / "corpus" / name
        self.found = build / "found"
        self.log = build / "found" / f"{name}.log"
        self.runs = self.edges = self.inputs = 0
        self.state = "waits"
        self.seconds = 0.0
        self.trouble = ""

    def command(self, program, seconds):
        return [
            program,
            f"--target={self.name}",
            f"-max_total_time={seconds}",
            f"-max_len={LONGEST_INPUT}",
            f"-timeout={SLOWEST_RUN_S}",
            "-len_control=20",
            f"-use_value_profile={int(self.name in WORDY)}",
            "-reload=0",
            f"-artifact_prefix={self.found}/{self.name}-",
            self.corpus,
            SEEDS / self.name,
        ]

    def run(self, program, seconds):
        for folder in (self.corpus, self.found, SEEDS / self.name):
            folder.mkdir(parents=True, exist_ok=True)
        self.state = "runs"
        before = time.monotonic()
        with open(self.log, "w", encoding="utf-8") as log:
            process = subprocess.Popen(
                self.command(program, seconds), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace"
            )
            for line in process.stderr:
                self.seconds = time.monotonic() - before
                log.write(line)
                self.read(line)
        self.state = "good" if process.wait() == 0 else "BROKEN"

    def read(self, line):
        if match := PROGRESS.match(line):
            self.runs, self.edges, self.inputs = int(match[1]), int(match[2]), int(match[4])
        elif not self.trouble and BROKEN.search(line):
            self.trouble = line.strip()

    def line(self):
        rate = self.runs / self.seconds if self.seconds else 0
        return f"{self.name:14} {self.state:7} {self.runs:>11,} runs {rate:>8,.0f}/s {self.edges:>6,} edges {self.inputs:>6,} inputs {self.seconds:>5.0f} s"


class Display:
    """The lines of all targets, rewritten each second on a terminal; in a file each when its target is done, and all each ten minutes."""

    QUIET_SPAN_S = 600

    def __init__(self, targets):
        self.targets = targets
        self.rewrites = sys.stdout.isatty()
        self.shown = set()
        self.height = 0
        self.last = time.monotonic()

    def show(self):
        if self.rewrites:
            print(f"\033[{self.height}A" * bool(self.height) + "\n".join(f"\033[K{each.line()}" for each in self.targets), flush=True)
            self.height = len(self.targets)
            return
        if time.monotonic() - self.last > self.QUIET_SPAN_S:
            self.last = time.monotonic()
            print(*(each.line() for each in self.targets if each.state == "runs"), sep="\n", flush=True)
        for each in self.targets:
            if each.state in ("good", "BROKEN") and each.name not in self.shown:
                self.shown.add(each.name)
                print(each.line(), flush=True)


def all_names():
    return sorted(path.name.removesuffix("_target.cpp") for path in (ROOT / "tests" / "fuzz").glob("*_target.cpp"))


def run_all(targets, program, seconds, at_once):
    """Each of `at_once` threads takes the next target until none is left."""
    waiting = iter(targets)
    lock = threading.Lock()

    def work():
        while True:
            with lock:
                one = next(waiting, None)
            if one is None:
                return
            one.run(program, seconds)

    workers = [threading.Thread(target=work, daemon=True) for _ in range(at_once)]
    display = Display(targets)
    for worker in workers:
        worker.start()
    while any(worker.is_alive() for worker in workers):
        display.show()
        time.sleep(1 if display.rewrites else 0.2)
    display.show()


def tell_trouble(one):
    print(f"\n{one.name}: {one.trouble or 'ended with a failure'}")
    print(f"  all that was said: {one.log}")
    for path in sorted(one.found.glob(f"{one.name}-*")):
        print(f"  to repeat it: {one.found.parent}/tests/fuzz/fuzz --target={one.name} {path}")


def parse_arguments():
    parser = argparse.ArgumentParser(prog="./dev fuzz", description="Runs the fuzz targets: " + ", ".join(all_names()))
    parser.add_argument("build", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--ci", action="store_true", help=f"all targets, {CI_SECONDS} s together")
    parser.add_argument("words", nargs="*", metavar="TARGET or SECONDS")
    chosen = parser.parse_args()
    chosen.names = [word for word in chosen.words if not word.isdigit()] or all_names()
    seconds = [int(word) for word in chosen.words if word.isdigit()]
    for name in chosen.names:
        if name not in all_names():
            parser.error(f"there is no target {name}; there are {', '.join(all_names())}")
    chosen.at_once = min(len(chosen.names), os.cpu_count() or 1)
    share = max(1, CI_SECONDS * chosen.at_once // len(chosen.names))
    chosen.seconds = seconds[-1] if seconds else share if chosen.ci else 60
    return chosen


def main():
    chosen = parse_arguments()
    os.environ["ASAN_OPTIONS"] = "detect_stack_use_after_return=1"
    os.environ["UBSAN_OPTIONS"] = "print_stacktrace=1"
    targets = [Target(chosen.build.resolve(), name) for name in chosen.names]
    run_all(targets, chosen.build / "tests" / "fuzz" / "fuzz", chosen.seconds, chosen.at_once)
    broken = [each for each in targets if each.state != "good"]
    for each in broken:
        tell_trouble(each)
    runs = sum(each.runs for each in targets)
    print(f"fuzz: {len(targets)} targets, {runs:,} runs, " + (f"{len(broken)} BROKEN" if broken else "no finding"), flush=True)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
