#!/usr/bin/env python3
"""Measures how long a user waits for the compiler: user time for examples/echo.cpp, and for a file that has only the standard headers and fmt it needs.

    bench/compile_time.py --include include

The bare file is made from what the preprocessor says: every system header that the example or a header of ours includes. Both are compiled in turn, since
a machine's speed drifts within minutes, and the medians are compared.
"""

import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
TIME_LIMIT = 120  # seconds for one compilation


def compiler(chosen, *words):
    return [chosen.compiler, "-std=c++20", "-O2", *[f"-I{folder}" for folder in chosen.include], *map(str, words)]


def needed_headers(chosen):
    """Paths of the system headers that the source, or a header of the project, includes itself."""
    result = subprocess.run(compiler(chosen, "-H", "-fsyntax-only", chosen.source), stderr=subprocess.PIPE, text=True, check=True, timeout=TIME_LIMIT)
    ours = tuple(str(pathlib.Path(folder).resolve()) + os.sep for folder in chosen.include)
    open_files, needed = {0: True}, []
    for dots, path in re.findall(r"^(\.+) (.*)$", result.stderr, re.MULTILINE):
        depth = len(dots)
        open_files[depth] = str(pathlib.Path(path).resolve()).startswith(ours)
        if open_files[depth - 1] and not open_files[depth]:
            needed.append(path)
    return needed


def write_bare_file(path, headers):
    path.write_text("".join(f'#include "{header}"\n' for header in headers) + "int main() {}\n")


def user_seconds(chosen, source, folder):
    """User time of one compilation, the compiler's own children included."""
    process = subprocess.Popen(compiler(chosen, "-c", source, "-o", folder / "out.o"))
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"cannot compile {source}")
    return usage.ru_utime


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--include", nargs="+", default=[ROOT / "include"], help="the project's include folders")
    parser.add_argument("--source", type=pathlib.Path, default=ROOT / "examples" / "echo.cpp")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", type=pathlib.Path, help="write the figures here, too")
    return parser.parse_args()


def main():
    chosen = parse_arguments()
    headers = needed_headers(chosen)
    with tempfile.TemporaryDirectory(prefix="compile-time-") as name:
        folder = pathlib.Path(name)
        bare = folder / "bare.cpp"
        write_bare_file(bare, headers)
        rounds = [(user_seconds(chosen, bare, folder), user_seconds(chosen, chosen.source, folder)) for _ in range(chosen.rounds)]
    bare_time, source_time = (statistics.median(column) for column in zip(*rounds))
    print(f"{len(headers)} standard and fmt headers alone  {bare_time:.2f} s")
    print(f"{chosen.source.name:<32}  {source_time:.2f} s  {source_time / bare_time:.2f}x  (median of {chosen.rounds}, {chosen.compiler} -O2, user time)")
    if chosen.json:
        chosen.json.write_text(json.dumps({"headers": headers, "rounds": rounds, "ratio": source_time / bare_time}, indent=2) + "\n")


if __name__ == "__main__":
    main()
