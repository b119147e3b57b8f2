#!/usr/bin/env python3
"""Fails when an example is not built, or not driven by an end-to-end test.

usage: examples.py EXAMPLES_FOLDER BUILT... -- DRIVEN... [--left-out NAME...]     names such as echo or diesel/timer
LEFT-OUT are those that need a library which this build does without.
"""

import pathlib
import sys


def faults(folder, built, driven, left_out=()):
    for path in sorted(folder.rglob("*.cpp")):
        name = path.relative_to(folder).with_suffix("").as_posix()
        if name in left_out:
            continue
        if name not in built:
            yield f"{name} is in no meson.build of examples/"
        if name not in driven:
            yield f"{name} has no test in tests/integration/meson.build"


def main(arguments):
    split = arguments.index("--")
    end = arguments.index("--left-out") if "--left-out" in arguments else len(arguments)
    left_out = arguments[end + 1 :]
    found = list(faults(pathlib.Path(arguments[0]), arguments[1:split], arguments[split + 1 : end], left_out))
    print("\n".join(found + [f"{name} is left out" for name in left_out]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
