#!/usr/bin/env python3
"""Tries the tests: makes small mistakes in a copy of the sources, one at a time, and says which ones no test notices.

usage: mutate.py WORK_FOLDER [--seed N] [--each N] [--list] [--only FOLDER...]

Sites are drawn by the seed from all places of the held folders where such a mistake can be made: a comparison that is turned round, a limit that is off
by one, a call that lets go of something and is left out, an early return that is left out, a condition that is negated, two statements whose order is
swapped. What does not compile is drawn again. A mistake is caught when a test fails, crashes or hangs. Status 1 when fewer than 80 % are caught.

WORK_FOLDER gets the copy and its build; it may be used again. scripts/equivalent.txt names those that change nothing a program can see, with the reason.
"""

import argparse
import collections
import itertools
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
HELD = ("runtime", "backend", "conc", "sync", "net")
SUITES = ("runtime", "backend", "conc", "sync", "net", "app", "allocations", "testing", "scenarios")  # who may notice, in this order after the folder's own
BACKENDS = ("epoll", "sim", "io_uring")
SIMULATED = ("testing", "scenarios")  # they make their own loops
PATIENCE = 90  # seconds for one program on all backends; the slowest takes a quarter of that
GOAL = 80.0

LETS_GO = r"(?:unwatch|remove|erase|cancel|disarm|unlink|clear|pop|pop_front|release|close|reset|leave|forget|notify|wake|flush|grant|resume)\w*"
COMPARISONS = {" < ": " <= ", " <= ": " < ", " > ": " >= ", " >= ": " > ", " == ": " != ", " != ": " == "}
ASSIGNMENT = re.compile(r"^\s+(?:[\w*]+(?:\.|->))*(\w+) = ")
STATEMENT = re.compile(r"^\s+[\w.>()\[\]*-]+(?: = |\().*;$")


class Mutant:
    def __init__(self, path, line, kind, old, new):
        self.path, self.line, self.kind, self.old, self.new = path, line, kind, old, new

    @property
    def change(self):
        """What scripts/equivalent.txt knows it by: the same when lines before it come and go."""
        before, after = (" / ".join(text.strip() for text in lines) or "(nothing)" for lines in (self.old, self.new))
        return f"{self.path}: {self.kind}: {before}  ->  {after}"

    def __str__(self):
        return self.change.replace(":", f":{self.line + 1}:", 1)

    def apply(self, root):
        path = root / self.path
        lines = path.read_text().splitlines()
        assert lines[self.line : self.line + len(self.old)] == self.old
        lines[self.line : self.line + len(self.old)] = self.new
        path.write_text("\n".join(lines) + "\n")

    def undo(self, root):
        shutil.copyfile(ROOT / self.path, root / self.path)


def is_code(line):
    text = line.strip()
    return bool(text) and not text.startswith(("//", "#", "assert", "static_assert", "*"))


def mistakes_in(path):
    """All that can be made in one file."""
    lines = (ROOT / path).read_text().splitlines()
    for number, line in enumerate(lines):
        if not is_code(line):
            continue
        code = line.split("  //")[0]
        whole = code.endswith(";") and not lines[number - 1].rstrip().endswith(("(", ",", "&&", "||", "=", "?", ":", "+"))
        for old, new in COMPARISONS.items():
            if code.count(old) == 1 and "template" not in code and "operator" not in code:
                yield Mutant(path, number, "turned round", [line], [line.replace(old, new, 1)])
        for old in (" + 1", " - 1"):
            if code.count(old) == 1:
                yield Mutant(path, number, "off by one", [line], [line.replace(old, "", 1)])
        if whole and re.match(rf"^\s+(?:[\w.>()\[\]*-]+(?:\.|->))?{LETS_GO}\([^;]*\);$", code):
            yield Mutant(path, number, "left out", [line], [])
        if whole and re.match(r"^\s+if \(.*\) return\b.*;$", code):
            yield Mutant(path, number, "no early return", [line], [])
        found = re.match(r"^(\s+(?:\} else )?if \()([^;{}]*)(\) (?:\{|return\b.*;|[\w.>-]+\(.*\);))$", code)
        if found and found[2].count("(") == found[2].count(")") and "constexpr" not in code:
            yield Mutant(path, number, "negated", [line], [f"{found[1]}!({found[2]}){found[3]}"])
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if whole and depend(code, following) and indent(line) == indent(following) and "auto" not in code:
            yield Mutant(path, number, "swapped", [line, following], [following, line])


def depend(first, second):
    """Whether it may matter which of two statements comes first: of two assignments one has to name what the other sets."""
    if not STATEMENT.match(first) or not STATEMENT.match(second):
        return False
    targets = [ASSIGNMENT.match(line) for line in (first, second)]
    return not all(targets) or targets[0][1] in second or targets[1][1] in first


def indent(line):
    return len(line) - len(line.lstrip())


def sites(folder):
    files = [*(ROOT / "src" / folder).glob("*.?pp"), *(ROOT / "include/cetane" / folder).glob("*.hpp")]
    return [mutant for path in sorted(files) for mutant in mistakes_in(path.relative_to(ROOT))]


def equivalent():
    """{change of a mutant: reason}"""
    listed = ROOT / "scripts/equivalent.txt"
    lines = listed.read_text().splitlines() if listed.exists() else []
    return dict(line.split(" | ", 1) for line in lines if line and not line.startswith("#"))


def compiler_with_memory():
    """A header that is put back need not be compiled again by all who include it."""
    compiler = os.environ.get("CXX", "g++")
    return dict(os.environ, CXX=f"ccache {compiler}") if shutil.which("ccache") and "ccache" not in compiler else None


class Copy:
    """The sources and a build of their own."""

    def __init__(self, folder):
        self.root, self.build = folder / "source", folder / "build"
        tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
        for name in filter(None, tracked):
            target = self.root / name
            if not target.exists() or target.read_bytes() != (ROOT / name).read_bytes():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / name, target)
        if not (self.build / "build.ninja").exists():
            options = ["-Dtests=enabled", "-Dio_uring=enabled", "-Dexamples=disabled", "--buildtype=debug", "-Ddebug=false", "--unity=off", "--wrap-mode=nodownload"]
            subprocess.run(["meson", "setup", self.build, self.root, *options], check=True, stdout=subprocess.DEVNULL, env=compiler_with_memory())
        if not self.compile([]):
            sys.exit(f"mutate: the sources do not compile as they are: ninja -C {self.build}")

    def compile(self, targets):
        done = subprocess.run(["ninja", "-C", self.build, *targets], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return done.returncode == 0

    def suites(self):
        return [suite for suite in SUITES if (self.build / "tests" / f"{suite}_test").exists()]

    def who_notices(self, folder):
        """The name of a test program that fails, or None. Those of the folder itself come first."""
        suites = self.suites()
        for suite in sorted(suites, key=lambda name: (name != folder, suites.index(name))):
            if not self.compile([f"tests/{suite}_test"]):
                return f"{suite} (does not compile)"
            if trouble := self.trouble_of(suite):
                return trouble
        return None

    def trouble_of(self, suite):
        """What is seen first, of a program that runs on all backends at once."""
        running = {backend: self.start(suite, backend) for backend in (["sim"] if suite in SIMULATED else BACKENDS)}
        deadline = time.monotonic() + PATIENCE
        try:
            while running:
                for backend, program in list(running.items()):
                    if program.poll() == 0:
                        del running[backend]
                    elif program.returncode is not None:
                        return f"{suite} on {backend} ({'fails' if program.returncode > 0 else f'signal {-program.returncode}'})"
                    elif time.monotonic() > deadline:
                        return f"{suite} on {backend} (hangs)"
                time.sleep(0.05)
        finally:
            for program in running.values():
                program.kill()
                program.wait()

    def start(self, suite, backend):
        left_out = ["~[slow]", f"~[not-{backend}]"] + (["~[not-epoll]"] if backend == "io_uring" else ["~[only-io_uring]"])
        command = [self.build / "tests" / f"{suite}_test", "".join(left_out), "--abort"]
        environment = dict(os.environ, CETANE_TEST_BACKEND=backend, CETANE_SEEDS="50")
        return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def draw(folder, chance, known):
    """Of each kind in turn: there are many more comparisons than calls that let go."""
    kinds = collections.defaultdict(list)
    for mutant in sites(folder):
        if mutant.change not in known:
            kinds[mutant.kind].append(mutant)
    for mutants in kinds.values():
        chance.shuffle(mutants)
    order = sorted(kinds)
    chance.shuffle(order)
    turns = itertools.zip_longest(*(kinds[kind] for kind in order))
    return [mutant for turn in turns for mutant in turn if mutant is not None]


def library_compiles(copy, mutant):
    targets = ["libcetane.a"] if mutant.path.suffix == ".cpp" else ["libcetane.a", f"tests/{mutant.path.parent.name}_test"]
    return copy.compile(targets)


def try_folder(copy, folder, options, known):
    chance = random.Random(f"{options.seed} {folder}")
    tried = []
    for mutant in draw(folder, chance, known):
        if len(tried) == options.each:
            break
        began = time.monotonic()
        mutant.apply(copy.root)
        try:
            if not library_compiles(copy, mutant):
                continue
            noticed = copy.who_notices(folder)
        finally:
            mutant.undo(copy.root)
        tried.append((mutant, noticed))
        print(f"{'caught ' if noticed else 'MISSED '} {mutant}   [{noticed or 'no test'}, {time.monotonic() - began:.0f} s]", flush=True)
    copy.compile([])
    return tried


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, metavar="WORK_FOLDER")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--each", type=int, default=9, help="how many of each folder (9)")
    parser.add_argument("--only", nargs="+", default=HELD, metavar="FOLDER")
    parser.add_argument("--list", action="store_true", help="only says how many sites there are")
    options = parser.parse_args()
    if options.list:
        for folder in options.only:
            print(f"{folder}: {len(sites(folder))} sites")
        return 0
    known = equivalent()
    copy = Copy(options.folder.resolve())
    tried = [result for folder in options.only for result in try_folder(copy, folder, options, known)]
    caught = sum(noticed is not None for _, noticed in tried)
    share = 100.0 * caught / len(tried) if tried else 0.0
    print(f"{caught} of {len(tried)} mistakes were caught, {share:.0f} % (goal {GOAL:.0f} %); {len(known)} are known to change nothing")
    return 0 if share >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
