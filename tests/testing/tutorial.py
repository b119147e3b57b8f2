#!/usr/bin/env python3
"""Follows docs/tutorial-testing.md: its tests find the mistakes with the seeds that the page prints, and pass without them.

usage: tutorial.py PAGE BEFORE AFTER      the two programs: with the mistakes, and without

An output on the page stands behind a comment that says whose it is, <!-- output of: TEST -->. Its lines are found in the
program's own output, in their order; a line of dots stands for any number of others.
"""

import os
import pathlib
import re
import subprocess
import sys

OUTPUT = re.compile(r"<!-- output of: (?P<test>[^\n]*?) -->\n+```\w*\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
REPEAT = re.compile(r"(CETANE_SEED=\S+ (?:CETANE_FAULTS=\S+ )?)\./chat_test '([^']*)'")
PLAIN_TEST = re.compile(r"^\./chat_test(?: '([^']*)')?$", re.MULTILINE)
TIME_LIMIT = 120


def run(program, test=None, settings=""):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CETANE_")}
    environment.update(pair.split("=", 1) for pair in settings.split())
    arguments = [program] + ([test] if test else [])
    return subprocess.run(arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=TIME_LIMIT)


def plain(text):
    """As the reader has it, whose program is called chat_test and whose files are all in one folder."""
    text = re.sub(r"\S*/chat_test_(before|after)\b", "./chat_test", text)
    return re.sub(r"[^\s(]*/(chat(?:_test)?\.[ch]pp)", r"\1", text)


def missing_line(shown, said):
    """The first line of the page that the program did not say after those before it, or None."""
    lines = iter(said.splitlines())
    for wanted in shown.splitlines():
        if wanted.strip() != "..." and not any(line.rstrip() == wanted.rstrip() for line in lines):
            return wanted
    return None


def fail(what, done):
    raise SystemExit(f"{what}; the program ended with {done.returncode} and said\n{done.stdout}\n{done.stderr}")


def main(page, before, after):
    text = pathlib.Path(page).read_text(encoding="utf-8")
    shown = list(OUTPUT.finditer(text))
    if len(shown) < 2:
        raise SystemExit("the page shows no output")
    for block in shown:
        done = run(before, block["test"])
        if done.returncode == 0:
            fail(f"{block['test']!r} finds no mistake", done)
        missing = missing_line(block["text"], plain(done.stderr))
        if missing is not None:
            fail(f"the page shows a line of {block['test']!r} that is not said: {missing!r}", done)

    repeats = sorted(set(REPEAT.findall(text)))
    for settings, test in repeats:
        again = run(before, test, settings)
        if again.returncode == 0:
            fail(f"{settings}makes no failure of {test!r}", again)
        mended = run(after, test, settings)
        if mended.returncode != 0:
            fail(f"{settings}fails in {test!r} though that is mended", mended)

    done = run(after)
    if done.returncode != 0:
        fail("the mended program fails", done)
    print(f"{len(shown) + len(repeats) + 1} passed, 0 failed, 0 skipped")


if __name__ == "__main__":
    main(*sys.argv[1:])
