#!/usr/bin/env python3
"""Measures cetane beside the hand-written limits and its peers, and holds the figures against their targets.

    bench/bench.py BUILD_FOLDER [counts] [field] [memory] [micro] [compile] [rates] [latency] [kinds] [tls] [tiers]      what to measure (all)

Each part is a script of its own, with more options. The figures are written to BUILD_FOLDER/results, as JSON and as plots; what an earlier run measured and
this one does not is kept. The counts have bounds as well, in bounds.json: the status is 1 when one of them is above its own. page.py makes a page of it all.
"""

import argparse
import json
import os
import pathlib
import platform
import subprocess
import sys

import bounds
import paired
import plot
import servers
import source_size
import targets

BACKENDS = {"epoll": "", "io_uring": ", io_uring"}  # and what a row of it has behind its name
COUNTED_PEERS = ("libuv", "asio", "tokio")
HERE = pathlib.Path(__file__).resolve().parent


def as_word(contestant):
    return f"{contestant.name}={' '.join(map(str, contestant.command))}"


def run_part(script, results, *words, name=None):
    """Runs one of the scripts and gives the figures that it wrote, or None when it failed."""
    path = results / f"{name or script.removesuffix('.py')}.json"
    path.unlink(missing_ok=True)
    done = subprocess.run([sys.executable, HERE / script, *map(str, words), "--json", path], check=False)
    if not path.exists():
        print(f"{script} ended with status {done.returncode}", file=sys.stderr)
        return None
    return json.loads(path.read_text())


def counts(build, results):
    """What does not depend on how busy the machine is, on both backends; bounds.json says what it may be."""
    contestants = {backend: servers.cetane(build, backend) for backend in ("epoll", "io_uring")}
    echo = run_part("count.py", results, "--load", build / "bench" / "load", *map(as_word, [servers.limits(build)[0], *contestants.values()]))
    resident = run_part("rss.py", results, "--connections", 2000, 6000, *map(as_word, contestants.values()))
    if not echo or not resident:
        return {}
    rows = {"source": source_size.preprocessed_bytes()} if source_size.is_reference() else {}
    for backend, (instructions, calls) in {"epoll": ("N1", "N3"), "io_uring": ("N2", "N4")}.items():
        name = contestants[backend].name
        rows[instructions] = echo[name]["50"]["instructions"]
        rows[f"{calls} c=1"] = echo[name]["1"]["system_calls"]
        rows[f"{calls} c=50"] = echo[name]["50"]["system_calls"]
        rows[f"allocations, {backend}"] = max(echo[name][connections]["allocations"] for connections in ("1", "50"))
        rows[f"M1, {backend}"] = resident["bytes_each"][name]
    return rows


def field(build, results):
    """The same counts of the peers: no targets, a table to see them by. Those that Valgrind can follow."""
    contestants = [each for each in servers.peers(build) if each.command and each.name in COUNTED_PEERS]
    run_part("count.py", results, "--load", build / "bench" / "load", *map(as_word, contestants), name="field")
    return {}


def memory(build, results):
    """With as many connections as the method asks for; those of `counts` are fewer, which takes less time."""
    ours = {backend: servers.cetane(build, backend) for backend in BACKENDS}
    peers = [each for each in servers.peers(build) if each.command]
    found = run_part("rss.py", results, *map(as_word, [servers.limits(build)[0], *ours.values(), *peers]), name="memory")
    return {f"M1, {backend}": found["bytes_each"][each.name] for backend, each in ours.items()} if found else {}


def micro(build, results):
    found = run_part("micro.py", results, "--build", build)
    return {name: row["ratio"] for name, row in found.items()} if found else {}


def compile_time(_, results):
    found = run_part("compile_time.py", results)
    return {"T1": found["ratio"]} if found else {}


def best_limit(build, contestants, figure):
    """Of the hand-written servers, by this figure, as a ratio to the first of them, which all are measured beside."""
    others = [contestants[limit.name][figure]["ratio"] for limit in servers.limits(build)[1:] if limit.name in contestants]
    return max([1.0, *others]) if figure == "rate" else min([1.0, *others])


def paired_rows(build, results, works, name):
    found = run_part("paired.py", results, *works, "--build", build, "--backends", *BACKENDS, name=name)
    if not found:
        return {}
    plot.draw_rates(found, results / f"{name}.svg")
    rows = {}
    for work, contestants in found.items():
        for backend, suffix in BACKENDS.items():
            for figure, row in contestants.get(servers.cetane(build, backend).name, {}).items():
                if f"{work} {figure}{suffix}" in targets.ROWS:
                    rows[f"{work} {figure}{suffix}"] = row["ratio"] / best_limit(build, contestants, figure)
    return rows | beside_peers(build, found)


def beside_peers(build, found):
    """The rate as a ratio to those of the peers that a target was set for. E2 is E1 seen so."""
    rows = {}
    for work, promised in {"E1": "E2", "E4": "E4"}.items():
        contestants = found.get(work, {})
        for backend, suffix in BACKENDS.items():
            ours = contestants.get(servers.cetane(build, backend).name)
            for peer in (peer for peer in targets.PEERS if peer in contestants):
                if ours and f"{promised} {peer}{suffix}" in targets.ROWS:
                    rows[f"{promised} {peer}{suffix}"] = ours["rate"]["ratio"] / contestants[peer]["rate"]["ratio"]
    return rows


def rates(build, results):
    return paired_rows(build, results, [name for name, work in paired.WORKS.items() if not work.over_tls], "rates")


def tls(build, results):
    return paired_rows(build, results, [name for name, work in paired.WORKS.items() if work.over_tls], "tls")


def latency(build, results):
    """At a constant rate: no targets, a table beside the peers."""
    run_part("latency.py", results, "--build", build)
    return {}


def kinds(build, results):
    """The ways to serve, beside each other: no targets, a table to choose by."""
    run_part("kinds.py", results, "--build", build)
    return {}


def tiers(build, results):
    """What newer ways of io_uring bring: no targets, the reasons for what the library does not use."""
    run_part("tiers.py", results, "--build", build)
    return {}


PARTS = {"counts": counts, "field": field, "memory": memory, "micro": micro, "compile": compile_time, "rates": rates, "latency": latency, "kinds": kinds, "tls": tls, "tiers": tiers}


def machine(build):
    """What the figures depend on and a reader cannot see from them."""
    commands = json.loads((build / "compile_commands.json").read_text())
    compiler = next(word for word in commands[0]["command"].split() if "++" in pathlib.Path(word).name)
    version = subprocess.run([compiler, "-dumpversion"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    full = subprocess.run([compiler, "-dumpfullversion"], check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.strip()
    name = "clang" if "clang" in compiler else "g++"
    return {"compiler": f"{name} {full or version}", "kernel": platform.release().split("-")[0], "processors": os.cpu_count()}


def keep(path, rows):
    earlier = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(earlier | rows, indent=2) + "\n")


def print_summary(rows):
    print(f"\n{'':<22}{'':<52}{'measured':>10}{'target':>10}{'acceptable':>12}  verdict")
    for name in (name for name in targets.ROWS if name in rows):
        what, target, acceptable, unit = targets.ROWS[name]
        value = f"{rows[name]:.3f}" if rows[name] < 10 else f"{rows[name]:.0f}"
        print(f"{name:<22}{what:<52}{value + unit:>10}{target:>10}{'-' if acceptable is None else acceptable:>12}  {targets.verdict(name, rows[name])}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    chosen = parser.parse_args()
    for part in chosen.parts:
        if part not in PARTS:
            parser.error(f"there is no part {part}; there are {', '.join(PARTS)}")
    results = chosen.build / "results"
    results.mkdir(exist_ok=True)
    rows = {}
    for part in chosen.parts or PARTS:
        rows.update(PARTS[part](chosen.build.resolve(), results))
    print_summary(rows)
    keep(results / "summary.json", rows)
    keep(results / "machine.json", machine(chosen.build))
    if "counts" in (chosen.parts or PARTS):
        sys.exit(bounds.report(rows))


if __name__ == "__main__":
    main()
