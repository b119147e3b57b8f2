#!/usr/bin/env python3
"""Compiles each public header by itself, the way a program that uses cetane compiles (probe.cpp is such a program; its flags are taken).

usage: headers.py BUILD_FOLDER PROBE HEADER...
"""

import concurrent.futures
import json
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

WITH_ARGUMENT = ("-o", "-MF", "-MQ", "-MT")
DROPPED = ("-c", "-MD", "-MMD")


def user_flags(build, probe):
    """Compiler and flags that the build uses for probe.cpp, without its input and outputs."""
    commands = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    for entry in commands:
        if (build / entry["file"]).resolve() == probe.resolve():
            return list(without_files(shlex.split(entry["command"]), entry["file"]))
    raise SystemExit(f"headers: {probe} is not in compile_commands.json")


def without_files(command, source):
    skip = False
    for word in command:
        if skip or word in DROPPED or word == source:
            skip = False
        elif word in WITH_ARGUMENT:
            skip = True
        else:
            yield word


def compile_alone(header, flags, build):
    """What the compiler says of a file that includes nothing but this header, twice; empty when all is well."""
    with tempfile.NamedTemporaryFile("w", suffix=".cpp") as source:
        source.write(f'#include "{header}"\n#include "{header}"\n')
        source.flush()
        command = [*flags, "-fsyntax-only", "-Werror", source.name]
        done = subprocess.run(command, cwd=build, stderr=subprocess.PIPE, text=True)
    return done.stderr if done.returncode else ""


def main(arguments):
    build, probe = map(pathlib.Path, arguments[:2])
    headers = [pathlib.Path(name).resolve() for name in arguments[2:]]
    flags = user_flags(build, probe)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        complaints = pool.map(lambda header: compile_alone(header, flags, build), headers)
    failed = [(header, text) for header, text in zip(headers, complaints) if text]
    for header, text in failed:
        print(f"{header} does not compile by itself:\n{text}")
    return 1 if failed or not headers else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
