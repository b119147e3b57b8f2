#!/usr/bin/env python3
"""Shows that the fixture of all tests finds what was lost, doubled or left: each case of a program breaks a promise, and is named as the fixture must tell it.

usage: promises_test.py BROKEN_PROMISES_PROGRAM
"""

import subprocess
import sys


def run(program, *arguments):
    return subprocess.run([program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)


def is_found(program, name):
    done = run(program, name.replace(",", "\\,"))  # to Catch2 a comma ends a name
    if name == "nothing":
        return done.returncode == 0 and not done.stderr
    told = done.stderr.splitlines()
    return done.returncode == 1 and len(told) == 2 and name in told[0] and name in told[1]


def main(program):
    names = run(program, "--list-tests", "--verbosity", "quiet").stdout.splitlines()
    wrong = [name for name in names if not is_found(program, name)]
    for name in wrong:
        print(f"the fixture does not say what is wrong here: {name}")
    print(f"{len(names) - len(wrong)} passed, {len(wrong)} failed, 0 skipped")
    return 1 if wrong or len(names) < 9 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
