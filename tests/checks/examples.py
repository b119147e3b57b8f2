#!/usr/bin/env python3
"""Fails when an example is not built, or not driven by an end-to-end test.

usage: examples.py EXAMPLES_FOLDER BUILT... -- DRIVEN...     both are names such as echo or diesel/timer
"""

import pathlib
import sys


def faults(folder, built, driven):
    for path in sorted(folder.rglob("*.cpp")):
        name = path.relative_to(folder).with_suffix("").as_posix()
        if name not in built:
            yield f"{name} is in no meson.build of examples/"
        if name not in driven:
            yield f"{name} has no test in tests/integration/meson.build"


def main(arguments):
    split = arguments.index("--")
    found = list(faults(pathlib.Path(arguments[0]), arguments[1:split], arguments[split + 1 :]))
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
