#!/usr/bin/env python3
"""Runs `meson test` in a build folder and closes with `N passed, N failed, N skipped`, counted in test cases.

usage: run_tests.py BUILD_FOLDER [arguments of meson test]

A Catch2 program counts by the report it wrote (its path stands on the test's command line), a script by its last line of output when that is such a
closing line itself, and any other test as one. With CI in the environment a skipped test is a failure of the run. With CETANE_TALLY the closing line is
appended to that file too, after the end of what each failed test printed.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as xml

CLOSING = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$")
REPORT = re.compile(r"^xml::out=(.*)$")
SKIPPED = 77
LAST_LINES = 60  # of what a failed test printed
AT_ONCE = 2  # test programs a processor: many wait for a second of the real clock, or for a child


def from_report(path):
    """Counts of a complete report, or None: a program that died leaves half a report, or none."""
    try:
        cases = xml.parse(path).getroot().find("OverallResultsCases")
    except (OSError, xml.ParseError):
        return None
    if cases is None:
        return None
    passed = int(cases.get("successes", 0)) + int(cases.get("expectedFailures", 0))
    return passed, int(cases.get("failures", 0)), int(cases.get("skips", 0))


def from_output(text):
    lines = text.strip().splitlines()
    match = CLOSING.match(lines[-1]) if lines else None
    return tuple(int(n) for n in match.groups()) if match else None


def report_of(record):
    paths = [m.group(1) for m in map(REPORT.match, record["command"]) if m]
    return paths[0] if paths else None


def count(record):
    """(passed, failed, skipped) of one record of Meson's test log; what Meson calls a failure never counts as none."""
    report = report_of(record)
    counts = from_report(report) if report else from_output(record.get("stdout", ""))
    if record["result"] in ("OK", "EXPECTEDFAIL"):
        if report and counts is None:
            return 0, 1, 0
        return counts or (1, 0, 0)
    if record["result"] == "SKIP":
        return counts or (0, 0, 1)
    passed, failed, skipped = counts or (0, 1, 0)
    return passed, max(failed, 1), skipped


def read_log(build):
    path = build / "meson-logs" / "testlog.json"
    if not path.exists():
        return []
    with open(path, encoding="utf-8", errors="replace") as log:
        return [json.loads(line) for line in log if line.strip()]


def failures(build, records):
    """What failed, for a reader who has nothing but the end of a long log: each test's name and the last lines that it printed, indented."""
    for record in records:
        if not count(record)[1]:
            continue
        yield f"failed in {build}: {record['name']} ({record['result']})"
        printed = record.get("stdout", "") + record.get("stderr", "")
        yield from (f"  {line}" for line in printed.splitlines()[-LAST_LINES:])


def forget_last_run(build):
    (build / "meson-logs" / "testlog.json").unlink(missing_ok=True)
    for report in build.rglob("*.report.xml"):
        report.unlink()


def main(arguments):
    build = pathlib.Path(arguments[0])
    no_skips = bool(os.environ.get("CI"))

    forget_last_run(build)
    processes = str(AT_ONCE * len(os.sched_getaffinity(0)))
    command = ["meson", "test", "-C", build, "--no-rebuild", "--print-errorlogs", "--num-processes", processes, *arguments[1:]]
    status = subprocess.run(command).returncode
    records = read_log(build)
    passed, failed, skipped = (sum(column) for column in zip((0, 0, 0), *map(count, records)))

    if no_skips:
        for record in records:
            if count(record)[2]:
                print(f"skipped, but must run here: {record['name']}")
    closing = f"{passed} passed, {failed} failed, {skipped} skipped"
    if "CETANE_TALLY" in os.environ:
        with open(os.environ["CETANE_TALLY"], "a", encoding="utf-8") as tally:
            print(*failures(build, records), closing, sep="\n", file=tally)
    print(closing, flush=True)
    return 1 if status or failed or passed == 0 or (no_skips and skipped) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
