"""Runs schedules, several at a time, and says how to repeat each that fails. A schedule is an object with a `name`, and is judged by a function."""

import collections
import multiprocessing
import os
import re
import shutil
import sys
import time

import harness
from outcome import Failure, check
from traced import Traced


class Missed(Exception):
    """What was to happen to the program did not: it had ended before. How many calls there are is not the same in each run; `last` is their number in this one."""

    def __init__(self, last):
        super().__init__()
        self.last = last


class HitAnother(Exception):
    """It happened to another kind of call, of a thread that has made more of them, or fewer, than in the run that the plan is made of."""


ATTEMPTS = 4
UNTRIED = 0.05  # how many of all may be left without a verdict


def add_options(parser):
    parser.add_argument("--only", metavar="REGEX", help="only schedules of these names")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="how many at a time (default: as many as there are processors)")
    parser.add_argument("--verbose", action="store_true", help="say what came of each")


def look_for_strace():
    """Skips the test where nothing can be traced; in CI that is a failure."""
    reason = "there is no strace"
    if shutil.which("strace"):
        with Traced(["sleep", "60"]) as program:
            try:
                return program.attach()
            except Failure as failure:
                reason = str(failure)
    check(not os.environ.get("CI"), f"{reason}; it is a Debian package, and a container has to allow ptrace")
    harness.skip(reason)


def attempt(job):
    """Runs in a process of its own. Where a run does not come to the place, the last one that it has come to takes its place."""
    schedule, judge, command = job
    begin = time.monotonic()

    def verdict(word, outcome):
        return schedule, word, outcome, time.monotonic() - begin

    try:
        for _ in range(ATTEMPTS):
            try:
                return verdict("well", judge(schedule, command))
            except Missed as missed:
                why, schedule = "it did not happen", schedule.not_behind(missed.last)
            except HitAnother:
                why = "other calls have this number"
        return verdict("untried", why)
    except (Failure, OSError) as failure:
        return verdict("FAILED", f"{type(failure).__name__}: {failure}")


def run_all(schedules, judge, chosen):
    if chosen.only:
        schedules = [schedule for schedule in schedules if re.fullmatch(chosen.only, schedule.name)]
    check(schedules, f"no schedule is called {chosen.only}")
    jobs = [(schedule, judge, chosen.command) for schedule in schedules]
    run, words = set(), collections.Counter()
    with multiprocessing.Pool(min(chosen.jobs, len(jobs))) as pool:
        for schedule, word, outcome, seconds in pool.imap_unordered(attempt, jobs):
            run.add(schedule.name)
            words[word] += 1
            if word != "well" or chosen.verbose:
                print(f"{word}: {schedule.name} ({seconds:.2f} s): {outcome}", flush=True)
            if word == "FAILED":
                print(f"repeat it: {sys.executable} {sys.argv[0]} --only '{re.escape(schedule.name)}' {' '.join(chosen.command)}", flush=True)
    check(not words["FAILED"], f"{words['FAILED']} of {len(run)} schedules failed")
    check(words["untried"] <= max(1, UNTRIED * len(jobs)), f"{words['untried']} of {len(run)} schedules were not tried")
    print(f"{len(run)} schedules", flush=True)
