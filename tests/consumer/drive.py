#!/usr/bin/env python3
"""Builds this folder's program outside the project and runs it.

usage: drive.py HOW SOURCE_ROOT BUILD_ROOT VERSION
HOW: subproject   Meson finds no cetane and takes subprojects/cetane
     installed    against an installed cetane, found through pkg-config by Meson, CMake and make
     tls          the program that uses cetane-tls, against an installed one
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def run(*command, **options):
    print("+", *command, flush=True)
    return subprocess.run(command, check=True, **options)


def install(build, work):
    """Installs the build under work/ and returns an environment in which pkg-config and the loader find it there."""
    stage = work / "stage"
    run("meson", "install", "-C", build, "--no-rebuild", "--quiet", "--destdir", stage)
    for package in stage.rglob("cetane*.pc"):
        text = package.read_text(encoding="utf-8")
        prefix = re.search(r"^prefix=(.*)$", text, re.MULTILINE).group(1)
        package.write_text(text.replace(f"prefix={prefix}", f"prefix={stage}{prefix}"), encoding="utf-8")
    libraries = package.parent.parent
    return {**os.environ, "PKG_CONFIG_PATH": str(package.parent), "LD_LIBRARY_PATH": str(libraries)}


def copy_project(work, name):
    project = work / name
    project.mkdir()
    for file in ("main.cpp", "server_test.cpp", "meson.build", "CMakeLists.txt", "Makefile"):
        shutil.copy(HERE / file, project)
    return project


def build_with_meson(project, env, *options):
    output = project / "build"
    run("meson", "setup", "--wrap-mode=nodownload", "--unity=on", "--unity-size=20", *options, output, project, env=env)
    run("ninja", "-C", output, env=env)
    run("meson", "test", "-C", output, "--print-errorlogs", env=env)  # the user's own, with cetane-testing
    return output / "consumer"


def build_with_make(project, env):
    run("make", "-C", project, env=env)
    return project / "consumer"


def build_with_cmake(project, env):
    output = project / "build"
    run("cmake", "-S", project, "-B", output, env=env)
    run("cmake", "--build", output, env=env)
    return output / "consumer"


def build_as_subproject(project, env, source):
    """Only what a library needs is linked into place: whoever uses cetane builds no examples and no tests."""
    inside = project / "subprojects" / "cetane"
    inside.mkdir(parents=True)
    for name in ("meson.build", "meson_options.txt", "include", "src"):
        (inside / name).symlink_to(source / name)
    # A cetane that happens to be installed on this machine must not answer.
    return build_with_meson(project, env, "--force-fallback-for=cetane", "--buildtype=plain")


def speaks_tls(source, env, work):
    """With the shared library of cetane: what it hides, cetane-tls cannot use."""
    flags = run("pkg-config", "--cflags", "--libs", "cetane-tls", env=env, stdout=subprocess.PIPE, text=True).stdout.split()
    program = work / "tls"
    run(*os.environ.get("CXX", "g++").split(), "-std=c++20", HERE / "tls.cpp", "-o", program, *flags)
    run(source / "scripts" / "certificate.sh", work)
    output = run(program, work / "certificate.pem", work / "key.pem", env=env, stdout=subprocess.PIPE, text=True, timeout=30).stdout
    print(output, flush=True)
    return "hello over TLSv1.3\n" in output


def says_version(program, env, version):
    output = run(program, env=env, stdout=subprocess.PIPE, text=True, timeout=30).stdout
    print(output, flush=True)
    return output == f"cetane {version}\n"


def outcomes(how, source, build, version, work):
    """True, False or, where the tool is missing, None for each way to build the program."""
    if how == "subproject":
        env = dict(os.environ)
        yield says_version(build_as_subproject(copy_project(work, how), env, source), env, version)
        return
    env = install(build, work)
    if how == "tls":
        yield speaks_tls(source, env, work) if shutil.which("openssl") else None
        return
    for tool, builder in (("meson", build_with_meson), ("cmake", build_with_cmake), ("make", build_with_make)):
        if shutil.which(tool):
            yield says_version(builder(copy_project(work, tool), env), env, version)
        else:
            print(f"{tool} is not installed")
            yield None


def main(how, source, build, version):
    with tempfile.TemporaryDirectory(dir=build) as folder:
        results = list(outcomes(how, pathlib.Path(source), build, version, pathlib.Path(folder)))
    print(f"{results.count(True)} passed, {results.count(False)} failed, {results.count(None)} skipped")
    return 1 if False in results else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
