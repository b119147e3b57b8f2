#!/usr/bin/env python3
"""Fails when a program or a library is linked with more than the few libraries that "micro" allows.

usage: linked_libraries.py FILE... [--tls PROGRAM]
Only PROGRAM may be linked with OpenSSL besides, and must be.
"""

import re
import subprocess
import sys

ALLOWED = re.compile(
    r"^(lib(c|m|stdc\+\+|gcc_s|fmt|uring|cetane)\.so[.\d]*|linux-vdso\.so\.1|ld-linux-[\w-]+\.so\.\d)$"
)


OPENSSL = re.compile(r"^lib(ssl|crypto)\.so[.\d]*$")


def linked(ldd_output):
    """Names of the libraries in what ldd prints."""
    return [line.split()[0].rsplit("/", 1)[-1] for line in ldd_output.splitlines() if line.strip()]


def faults(ldd_output):
    return [f"linked with {name}" for name in linked(ldd_output) if not ALLOWED.match(name)]


def tls_faults(ldd_output):
    others = [name for name in linked(ldd_output) if not OPENSSL.match(name)]
    missing = [] if len(others) < len(linked(ldd_output)) else ["not linked with OpenSSL"]
    return missing + [f"linked with {name}" for name in others if not ALLOWED.match(name)]


def is_good(file, look):
    output = subprocess.run(["ldd", file], stdout=subprocess.PIPE, text=True, check=True).stdout
    found = look(output) if linked(output) else ["linked with nothing"]
    print(f"{file}:", ", ".join(found or linked(output)))
    return not found


def main(arguments):
    at = arguments.index("--tls") if "--tls" in arguments else len(arguments)
    results = [is_good(file, faults) for file in arguments[:at]] + [is_good(file, tls_faults) for file in arguments[at + 1 :]]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
