#!/usr/bin/env python3
"""Plays all scenarios in two processes and compares what has happened in each seed.

usage: two_runs.py SCENARIOS_PROGRAM [SEEDS]

Both run in folders of their own, with address randomisation, other memory and another order of the scenarios: whatever depends on addresses, on folders or on
what the process did before makes the numbers differ that stand for all that happened. Prints the figures of the first run. SEEDS: CETANE_SEEDS, else 20.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

LINE = re.compile(r"^(?P<name>.+?) +(?P<seeds>\d+) seeds, .*, +(?P<seconds>[\d.]+) s, hash (?P<hash>[0-9a-f]{16})$", re.MULTILINE)

RUNS = [
    (["--order", "decl"], {}),
    (["--order", "rand", "--rng-seed", "7"], {"MALLOC_PERTURB_": "165", "CETANE_FRAME_POOL": "off", "PADDING": "x" * 5000}),
]


def start(program, seeds, folder, arguments, variables):
    folder.mkdir()
    environment = {**os.environ, **variables, "CETANE_SEEDS": str(seeds)}
    environment.pop("CETANE_SEED", None)
    return subprocess.Popen([program, *arguments], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def played(text):
    return {m["name"]: m for m in LINE.finditer(text)}


def main(program, seeds):
    program = str(pathlib.Path(program).resolve())
    with tempfile.TemporaryDirectory() as place:
        folders = [pathlib.Path(place) / name for name in ("one", "another-folder")]
        runs = [start(program, seeds, folder, *how) for folder, how in zip(folders, RUNS)]
        texts = [run.communicate()[0] for run in runs]
    if any(run.returncode for run in runs):
        print("\n".join(text for text, run in zip(texts, runs) if run.returncode))
        return 1
    first, second = map(played, texts)
    for name, figures in first.items():
        print(figures.group())
    wrong = [name for name in first.keys() | second.keys() if name not in first or name not in second or first[name]["hash"] != second[name]["hash"]]
    for name in sorted(wrong):
        print(f"{name}: the same seeds have not given the same run twice")
    seconds = sum(float(m["seconds"]) for run in (first, second) for m in run.values())
    print(f"{len(first)} scenarios, each of {seeds} seeds played twice, {seconds:.0f} s in all")
    return 1 if wrong or not first else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else int(os.environ.get("CETANE_SEEDS", 20))))
