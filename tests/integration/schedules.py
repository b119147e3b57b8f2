"""Runs schedules, several at a time, and says how to repeat each that fails. A schedule is an object with a `name`, and is judged by a function."""

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
    """What was to happen to the program did not: it had ended before. How many calls there are is not the same in each run."""


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
    """Runs in a process of its own. A place that this run did not come to was the last one: the one before it is tried."""
    schedule, judge, command = job
    begin = time.monotonic()
    try:
        for _ in range(4):
            try:
                return schedule, True, judge(schedule, command), time.monotonic() - begin
            except Missed:
                schedule = schedule.earlier() or schedule
        raise Failure("it did not happen")
    except (Failure, OSError) as failure:
        return schedule, False, f"{type(failure).__name__}: {failure}", time.monotonic() - begin


def run_all(schedules, judge, chosen):
    if chosen.only:
        schedules = [schedule for schedule in schedules if re.fullmatch(chosen.only, schedule.name)]
    check(schedules, f"no schedule is called {chosen.only}")
    jobs = [(schedule, judge, chosen.command) for schedule in schedules]
    run, failed = set(), 0
    with multiprocessing.Pool(min(chosen.jobs, len(jobs))) as pool:
        for schedule, well, outcome, seconds in pool.imap_unordered(attempt, jobs):
            run.add(schedule.name)
            failed += not well
            if not well or chosen.verbose:
                print(f"{'well' if well else 'FAILED'}: {schedule.name} ({seconds:.2f} s): {outcome}", flush=True)
            if not well:
                print(f"repeat it: {sys.executable} {sys.argv[0]} --only '{re.escape(schedule.name)}' {' '.join(chosen.command)}", flush=True)
    check(not failed, f"{failed} of {len(run)} schedules failed")
    print(f"{len(run)} schedules", flush=True)
