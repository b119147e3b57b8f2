#!/usr/bin/env python3
"""Fails when a program is linked with more than the few libraries that "micro" allows.

usage: linked_libraries.py PROGRAM
"""

import re
import subprocess
import sys

ALLOWED = re.compile(
    r"^(lib(c|m|stdc\+\+|gcc_s|fmt|uring)\.so[.\d]*|linux-vdso\.so\.1|ld-linux-[\w-]+\.so\.\d)$"
)


def linked(ldd_output):
    """Names of the libraries in what ldd prints."""
    return [line.split()[0].rsplit("/", 1)[-1] for line in ldd_output.splitlines() if line.strip()]


def faults(ldd_output):
    return [f"linked with {name}" for name in linked(ldd_output) if not ALLOWED.match(name)]


def main(arguments):
    output = subprocess.run(["ldd", arguments[0]], stdout=subprocess.PIPE, text=True, check=True).stdout
    found = faults(output)
    print("\n".join(found or linked(output)))
    return 1 if found or not linked(output) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
