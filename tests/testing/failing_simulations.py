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

NARROWED = re.compile(
    r"^it still fails with: resets only, between \S+ s and \S+ s \(found in \d+ runs\); "
    r"to repeat that: (CETANE_SEED=\d+ CETANE_FAULTS=resets@\S+ .*)$",
    re.MULTILINE,
)

# name of the test: (the seed that fails, words of the report, and what stands on stderr)
FAILURES = {
    "a requirement, with a comma [and more] isn't met": (3, ["REQUIRE( w.seed() < 3 )", "3 < 3", "seed 3"]),
    "a check fails and the run goes on to its end": (2, ["CHECK( w.seed() != 2 )", "seed 2", "the end of seed 2"]),
    "an exception leaves the body": (4, ["unexpected exception", "seed 4", "four is too many"]),
    "nothing can wake the body": (5, ["unexpected exception", "is stuck", "the test itself", "queue get"]),
    "a requirement fails in a handler": (1, ["REQUIRE( line == \"expected\\n\" )", "surprise", "seed 1"]),
    "two tasks wait for each other's lock": (4, ["is stuck", "deadlock: anna waits at "]),
    "it fails with and without faults": (2, ["REQUIRE( w.seed() != 2 )"]),
    "a run that is cut short leaves something behind": (1, ["left something behind", "sleep_long"]),
}

TOLD = {
    "a requirement fails in a handler": [
        "\nthe network's last 20 lines (CETANE_LOG_LINES=200 shows more):\n  1000.000000000 listen on ",
        "receives 9 bytes\n",
        "the test itself at ",
        ": the end of 127.0.0.1:",
    ],
    "nothing can wake the body": ["who waits for whom:\n  the test itself at ", "queue get, 0 of 1024 queued; nobody has put anything in\n"],
    "two tasks wait for each other's lock": [
        "deadlock: anna waits at ",
        " for the mutex that bob holds;\n          bob waits at ",
        " for the mutex that anna holds\n  the test itself at ",
        ": the end of 2 tasks (the end of anna, the end of bob)\n  anna at ",
        ": waits for the mutex that bob holds\n",
    ],
    "it fails with and without faults": ["\nit fails in the same way without any fault\n"],
    "a run that is cut short leaves something behind": [
        "it was cancelled at moment 2, when these waited:\n  the test itself at ",
        "sleep, 1 s left\n  sleep_long at ",
        "ready\nwho waits for whom:\n  sleep_long at ",
    ],
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
    told = TOLD.get(name, [])
    expect(all(words in done.stderr for words in told), f"stderr to say {told}", done)
    hints = REPEAT.findall(done.stderr)
    expect([int(found) for found, _ in hints] == [seed], f"one line on stderr that tells how to repeat seed {seed}", done)

    again = run(hints[0][1], shell=True)
    expect(again.returncode != 0 and all(word in again.stdout for word in words), "the same failure again", again)
    expect(REPEAT.findall(again.stderr) == hints, "the same line again", again)
    if seed > 1:
        other = run([program, as_spec(name)], seed="1")
        expect(other.returncode == 0 and not REPEAT.search(other.stderr), "the first seed alone to pass", other)


def check_narrowed(program):
    """The faults that it takes are found, and those alone make the same failure; without them there is none."""
    done = run([program, "a broken connection is not foreseen"])
    expect("REQUIRE( answered )" in done.stdout and done.stdout.count("FAILED:") == 1, "one failure", done)
    found = NARROWED.findall(done.stderr)
    expect(len(found) == 1, "a line that tells which faults it takes", done)
    again = run(found[0], shell=True)
    expect("REQUIRE( answered )" in again.stdout and not NARROWED.search(again.stderr), "the same failure with these faults", again)
    without = run(re.sub(r"CETANE_FAULTS=\S+", "CETANE_FAULTS=none", found[0]), shell=True)
    expect(without.returncode == 0, "no failure without them", without)
    off = run("CETANE_MINIMISE=0 '%s' 'a broken connection is not foreseen'" % program, shell=True)
    expect(off.returncode != 0 and "found in" not in off.stderr, "nothing to be narrowed down", off)
    refused = run("CETANE_FAULTS=rests '%s' 'all is well'" % program, shell=True)
    expect("there are latency bandwidth" in " ".join(refused.stdout.split()), "a word that is no fault to be refused", refused)


def check_not_again(program):
    done = run([program, "it fails once and not again"])
    expect("run once more, this seed did not fail in the same way" in done.stderr, "the truth to be told", done)


def check_ended(program):
    """An allocation that fails where nobody can be told ends the program, which says which one."""
    done = run([program, "a clean-up has no memory"])
    expect(done.returncode != 0 and re.search(r"^allocation \d+ of the scenario failed, and that ends the program:$", done.stderr, re.MULTILINE),
           "the number of the allocation", done)


def main(program):
    check_narrowed(program)
    check_not_again(program)
    check_ended(program)
    for name, (seed, words) in FAILURES.items():
        check_failure(program, name, seed, words)
    well = run([program, "all is well"])
    expect(well.returncode == 0 and not well.stderr, "a test that passes to say nothing", well)
    skipped = run([program, "a seed asks to be left out"])
    expect("1 skipped" in skipped.stdout and not skipped.stderr, "a skipped test not to count as failed", skipped)
    print(f"{len(FAILURES) + 5} passed, 0 failed, 0 skipped")


if __name__ == "__main__":
    main(sys.argv[1])
