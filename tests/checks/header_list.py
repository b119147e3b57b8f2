#!/usr/bin/env python3
"""Fails when the list of public headers and the files under include/ differ: a header that is not listed is neither installed nor checked.

usage: header_list.py INCLUDE_FOLDER HEADER...
"""

import pathlib
import sys


def faults(folder, listed):
    there = {path.resolve() for path in folder.rglob("*") if path.is_file() and path.name != "meson.build"}
    listed = {pathlib.Path(name).resolve() for name in listed}
    for path in sorted(there - listed):
        yield f"not in include/meson.build: {path.relative_to(folder.resolve())}"
    for path in sorted(listed - there):
        yield f"listed, but not there: {path}"


def main(arguments):
    found = list(faults(pathlib.Path(arguments[0]), arguments[1:]))
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
