#!/usr/bin/env python3
"""Checks that mistakes do not compile, and that the compiler then says our words.

usage: refused.py BUILD_FOLDER PROBE FILE...

Each file is compiled twice, with the compiler and flags that the build uses for PROBE: as it is, which must succeed without a warning, and with
-DMISTAKE, which must fail. The twin shows that nothing but the mistake is refused. A file says in comments what is expected:
    // says: a task does nothing until it is awaited or spawned     these words must be in the compiler's message
    // on: g++ 12                                                   only this compiler refuses it; on others it compiles
"""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "checks"))
from headers import user_flags  # noqa: E402


def is_gcc_12(flags):
    """Whether the compiler that these flags begin with is g++ 12."""
    done = subprocess.run([flags[0], "-dM", "-E", "-x", "c++", os.devnull], stdout=subprocess.PIPE, text=True, check=True)
    return "__clang__" not in done.stdout and re.search(r"__GNUC__ 12$", done.stdout, re.MULTILINE) is not None


def compile_file(path, flags, build, *more):
    """(success, what the compiler said in one line)"""
    command = [*flags, "-fsyntax-only", "-Werror", "-fdiagnostics-color=never", *more, str(path)]
    done = subprocess.run(command, cwd=build, stderr=subprocess.PIPE, text=True, env={**os.environ, "LC_ALL": "C"})
    return done.returncode == 0, done.stderr


def one_line(text):
    return " ".join(text.split())


def fault(path, flags, build, gcc_12):
    """What is wrong with this file, or None."""
    text = path.read_text(encoding="utf-8")
    wanted = re.findall(r"^// says: (.*)$", text, re.MULTILINE)
    only = re.findall(r"^// on: (.*)$", text, re.MULTILINE)
    if not wanted or "MISTAKE" not in text or any(name != "g++ 12" for name in only):
        return "it must hold `// says: ...`, use MISTAKE, and name no compiler but g++ 12"
    compiled, message = compile_file(path, flags, build)
    if not compiled:
        return f"the twin without the mistake does not compile:\n{message}"
    compiled, message = compile_file(path, flags, build, "-DMISTAKE")
    if only and not gcc_12:
        return None if compiled else f"only {only[0]} has to refuse it:\n{message}"
    if compiled:
        return "the mistake compiles"
    missing = [words for words in wanted if one_line(words) not in one_line(message)]
    return f"the compiler does not say {missing[0]!r}:\n{message}" if missing else None


def main(arguments):
    build, probe = map(pathlib.Path, arguments[:2])
    files = [pathlib.Path(name).resolve() for name in arguments[2:]]
    flags = user_flags(build, probe)
    gcc_12 = is_gcc_12(flags)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        faults = list(pool.map(lambda path: fault(path, flags, build, gcc_12), files))
    for path, text in zip(files, faults):
        if text:
            print(f"{path.name}: {text[:4000]}")
    failed = sum(text is not None for text in faults)
    print(f"{len(files) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed or not files else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
