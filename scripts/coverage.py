#!/usr/bin/env python3
"""Says which lines and branches the test suite reaches, by clang's source-based coverage.

usage: coverage.py BUILD_FOLDER [--again] [--lines FILE...]

The build folder is configured with coverage mapping and compiled; its tests are run on every backend, then the table is printed: lines and branches of
each folder that has a goal, and of each file that falls short of it. Status 1 when a folder falls short. With --lines the tests are not run again, and
what they did not reach in these files is printed.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
HELD = ("runtime", "conc", "sync", "net")  # folders that are held to the goals
GOALS = {"lines": 95.0, "branches": 80.0}
TOOLS = {name: os.environ.get(name.upper().replace("-", "_"), f"{name}-19") for name in ("llvm-cov", "llvm-profdata")}


def run_tests(build):
    """Leaves one profile for each process that ended in order."""
    for old in profiles(build):
        old.unlink()
    environment = dict(os.environ, LLVM_PROFILE_FILE=str(build.resolve() / "profiles" / "%m-%p.profraw"))
    arguments = ["--timeout-multiplier", "4", "--no-suite", "e2e", "--no-suite", "checks", "--no-suite", "refused"]
    return subprocess.run([sys.executable, ROOT / "scripts/run_tests.py", build, *arguments], env=environment).returncode


def profiles(build):
    return sorted((build / "profiles").glob("*.profraw"))


def merge(build):
    found = profiles(build)
    if not found:
        sys.exit("coverage: the tests left no profile; is the folder built with coverage mapping?")
    (build / "profiles/list").write_text("".join(f"{path}\n" for path in found))
    subprocess.run(
        [TOOLS["llvm-profdata"], "merge", "-sparse", "--failure-mode=all", "-f", build / "profiles/list", "-o", build / "merged.profdata"], check=True
    )


def objects(build):
    programs = sorted(build.glob("tests/*_test"))
    first, *others = programs
    return [str(first), *(f"--object={path}" for path in others)]


def sources():
    """What is ours and has code: headers and sources of the folders that are held."""
    return [path for folder in HELD for part in ("include/cetane", "src") for path in sorted((ROOT / part / folder).glob("*.?pp"))]


def unreachable():
    """{path: [text that begins what no test can reach]} out of the list, which gives a reason for each."""
    found = {}
    for line in (ROOT / "scripts/unreachable.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            path, text, _reason = (part.strip() for part in line.split(" | "))
            found.setdefault(path, []).append(text)
    return found


def lines_of(path, text):
    """The numbers of the lines of what begins with this text: one line, or all to the brace that closes it."""
    lines = path.read_text().splitlines()
    begins = [i for i, line in enumerate(lines) if text in line]
    if len(begins) != 1:
        sys.exit(f"coverage: scripts/unreachable.txt: {path.relative_to(ROOT)} has {len(begins)} lines with: {text}")
    begin = begins[0]
    indent = lines[begin][: len(lines[begin]) - len(lines[begin].lstrip())]
    if lines[begin].endswith("{"):
        end = next(i for i in range(begin, len(lines)) if i > begin and lines[i].startswith(indent + "}"))
        return set(range(begin + 1, end + 2))
    return {begin + 1}


def left_out(path):
    texts = unreachable().get(str(path.relative_to(ROOT)), [])
    return set().union(*(lines_of(path, text) for text in texts))


def export(build, *options):
    command = [TOOLS["llvm-cov"], "export", *options, f"-instr-profile={build / 'merged.profdata'}", *objects(build), *map(str, sources())]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def line_counts(build):
    """{path: {line: count}} out of a tracefile: SF:path, DA:line,count."""
    files = {}
    for record in export(build, "-format=lcov").splitlines():
        word, _, rest = record.partition(":")
        if word == "SF":
            lines = files.setdefault(pathlib.Path(rest), {})
        elif word == "DA":
            number, count = map(int, rest.split(",")[:2])
            lines[number] = lines.get(number, 0) + count
    return files


def branch_counts(build):
    """{path: {(place, side): count}}. Instantiations of a template share the place: who takes a side in one of them has taken it."""
    files = {}
    for file in json.loads(export(build, "-skip-functions"))["data"][0]["files"]:
        sides = files.setdefault(pathlib.Path(file["filename"]), {})
        for *place, if_true, if_false, _file, _expanded, _kind in file["branches"]:
            for side, count in ((True, if_true), (False, if_false)):
                sides[(*place, side)] = sides.get((*place, side), 0) + count
    return files


def figures(build):
    """{path: {kind: (covered, count)}} without the lines that no test can reach."""
    lines, branches = line_counts(build), branch_counts(build)
    found = {}
    for path in lines:
        skipped = left_out(path)
        kept_lines = [count for number, count in lines[path].items() if number not in skipped]
        kept_sides = [count for key, count in branches[path].items() if key[0] not in skipped]
        found[path] = {"lines": tally(kept_lines), "branches": tally(kept_sides)}
    return found


def tally(counts):
    return sum(count > 0 for count in counts), len(counts)


def summed(files):
    return {kind: tuple(map(sum, zip((0, 0), *(f[kind] for f in files)))) for kind in GOALS}


def percent(covered, count):
    return 100.0 * covered / count if count else 100.0


def row(name, figures):
    cells = (f"{percent(*figures[kind]):6.2f} % ({figures[kind][1] - figures[kind][0]} of {figures[kind][1]} missed)" for kind in GOALS)
    return f"{name:48}" + "".join(f"{cell:34}" for cell in cells)


def falls_short(figures):
    return any(percent(*figures[kind]) < goal for kind, goal in GOALS.items())


def report(files):
    print(f"{'':48}{'lines, goal 95 %':34}{'branches, goal 80 %':34}")
    short = []
    for folder in HELD:
        own = {path: figures for path, figures in files.items() if path.parent.name == folder}
        whole = summed(own.values())
        print(row(folder, whole))
        if not own or falls_short(whole):
            short.append(folder)
        for path, figures in own.items():
            if falls_short(figures):
                print(row(f"  {path.relative_to(ROOT)}", figures))
    print(f"left out: {sum(map(len, unreachable().values()))} places that no test can reach, scripts/unreachable.txt says why")
    print("below its goal: " + ", ".join(short) if short else "every folder reaches its goals")
    return 1 if short else 0


def show_lines(build, wanted):
    command = [TOOLS["llvm-cov"], "show", f"-instr-profile={build / 'merged.profdata'}", "-show-branches=count", "-show-instantiations=false", *objects(build)]
    paths = [str(pathlib.Path(name).resolve()) for name in wanted]
    subprocess.run([*command, *paths], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--again", action="store_true", help="the table of the last run")
    parser.add_argument("--lines", nargs="+", metavar="FILE")
    options = parser.parse_args()
    if options.lines:
        show_lines(options.build, options.lines)
        return 0
    status = 0 if options.again else run_tests(options.build)
    merge(options.build)
    return report(figures(options.build)) or status


if __name__ == "__main__":
    sys.exit(main())
