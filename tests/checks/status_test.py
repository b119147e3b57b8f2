#!/usr/bin/env python3
"""Shows what a test program's exit status says to Meson: 0 passed, 77 all skipped, anything else failed.

usage: status_test.py OUTCOMES_PROGRAM
"""

import subprocess
import sys

EXPECTED = {
    "[pass]": 0,
    "[pass],[skip]": 0,
    "[skip]": 77,
    "[fail]": 1,
    "[skip],[fail]": 1,
    "[four]": 1,
    "[seventy-seven]": 1,
    "[nothing of that name]": 2,
}


def main(program):
    wrong = 0
    for cases, expected in EXPECTED.items():
        status = subprocess.run([program, cases], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
        if status != expected:
            print(f"{cases}: status {status}, expected {expected}")
            wrong += 1
    print(f"{len(EXPECTED) - wrong} passed, {wrong} failed, 0 skipped")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
