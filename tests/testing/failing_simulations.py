#!/usr/bin/env python3
"""Runs tests that must fail, and reads what they say: which seed, how to repeat it, and why.

usage: failing_simulations.py PROGRAM
"""

import os
import re
import subprocess
import sys

REPEAT = re.compile(r"^seed (\d+) failed; to repeat it alone: (CETANE_SEED=\1 .*)$", re.MULTILINE)
TIME_LIMIT = 60

# name of the test: (the seed that fails, words of the report)
FAILURES = {
    "a requirement, with a comma [and more] isn't met": (3, ["REQUIRE( w.seed() < 3 )", "3 < 3", "seed 3"]),
    "a check fails and the run goes on to its end": (2, ["CHECK( w.seed() != 2 )", "seed 2", "the end of seed 2"]),
    "an exception leaves the body": (4, ["unexpected exception", "seed 4", "four is too many"]),
    "nothing can wake the body": (5, ["unexpected exception", "is stuck", "the test itself", "queue get"]),
    "a requirement fails in a handler": (1, ["REQUIRE( line == \"expected\\n\" )", "surprise", "seed 1"]),
}


def run(command, shell=False, seed=None):
    environment = {name: value for name, value in os.environ.items() if name != "CETANE_SEED"}
    if seed is not None:
        environment["CETANE_SEED"] = seed
    return subprocess.run(command, shell=shell, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=TIME_LIMIT)


def as_spec(name):
    return re.sub(r'([,\["\\])', r"\\\1", name)


def expect(holds, what, done):
    if not holds:
        raise SystemExit(f"expected {what}; the program ended with {done.returncode} and said\n{done.stdout}\n{done.stderr}")


def check_failure(program, name, seed, words):
    done = run([program, as_spec(name)])
    expect(done.returncode != 0, f"{name!r} to fail", done)
    expect(all(word in done.stdout for word in words), f"the report to say {words}", done)
    hints = REPEAT.findall(done.stderr)
    expect([int(found) for found, _ in hints] == [seed], f"one line on stderr that tells how to repeat seed {seed}", done)

    again = run(hints[0][1], shell=True)
    expect(again.returncode != 0 and all(word in again.stdout for word in words), "the same failure again", again)
    expect(REPEAT.findall(again.stderr) == hints, "the same line again", again)
    if seed > 1:
        other = run([program, as_spec(name)], seed="1")
        expect(other.returncode == 0 and not REPEAT.search(other.stderr), "the first seed alone to pass", other)


def main(program):
    for name, (seed, words) in FAILURES.items():
        check_failure(program, name, seed, words)
    well = run([program, "all is well"])
    expect(well.returncode == 0 and not well.stderr, "a test that passes to say nothing", well)
    skipped = run([program, "a seed asks to be left out"])
    expect("1 skipped" in skipped.stdout and not skipped.stderr, "a skipped test not to count as failed", skipped)
    print(f"{len(FAILURES) + 2} passed, 0 failed, 0 skipped")


if __name__ == "__main__":
    main(sys.argv[1])
