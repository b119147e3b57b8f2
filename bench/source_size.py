#!/usr/bin/env python3
"""Measures what the compiler has to read for the echo example: bytes after preprocessing, without the marks of lines."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


REFERENCE = "12"  # the version of GCC whose standard library bounds.json means; most of the bytes are its


def ask(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=120).stdout


def is_reference(compiler="g++"):
    return ask(compiler, "-dumpversion").decode().strip().split(".")[0] == REFERENCE


def preprocessed_bytes(compiler="g++"):
    return len(ask(compiler, "-std=c++20", "-E", "-P", f"-I{ROOT / 'include'}", ROOT / "examples" / "echo.cpp"))


if __name__ == "__main__":
    print(preprocessed_bytes(*sys.argv[1:]))
