#!/usr/bin/env python3
"""Puts what `./dev bench` measured into docs/explanation/performance.md, and draws the plots beside it.

    bench/page.py build-bench build-bench-clang

The first folder has the figures of the peers, too. What stands between the marks of the page is replaced; a row that was not measured says so.
"""

import json
import pathlib
import sys

import plot
import targets

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "explanation" / "performance.md"
PICTURES = ROOT / "docs" / "explanation" / "performance"
BACKENDS = ("epoll", "io_uring")
ALIKE = {"N1": "N2", "N3 c=1": "N4 c=1", "N3 c=50": "N4 c=50"}  # rows of the targets' own list that are one another's on the other backend


class Measured:
    """The results of one build folder."""

    def __init__(self, folder):
        self.results = folder / "results"
        self.compiler = self.read("machine").get("compiler", folder.name)

    def read(self, name):
        path = self.results / f"{name}.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def value(self, row):
        return self.read("summary").get(row)


def number(value, unit=""):
    return (f"{value:.3f}" if value < 10 else f"{value:,.0f}") + unit.replace("x", "")


def row_on(backend, name):
    """The name that a row has on a backend, or None where it has no such row."""
    if ", " in name:  # allocations, M1
        return f"{name.split(', ')[0]}, {backend}"
    if backend == "epoll":
        return name
    other = ALIKE.get(name, f"{name}, {backend}")
    return other if other in targets.ROWS else None


def cell(measured, backend, name):
    row = row_on(backend, name)
    if row is None:
        return ""
    value = measured.value(row)
    if value is None:
        return "not measured"
    verdict = targets.verdict(row, value)
    return number(value) + {"target": " ++", "acceptable": " +", "misses": " **misses**"}[verdict]


def bound(value, unit):
    return "" if value is None else f"{value:g}{unit}"


def wanted(name):
    """Target and acceptable; where those on io_uring are others, both."""
    own = [bound(value, targets.ROWS[name][3]) for value in targets.ROWS[name][1:3]]
    if name not in ALIKE:
        return own
    other = [bound(value, targets.ROWS[ALIKE[name]][3]) for value in targets.ROWS[ALIKE[name]][1:3]]
    return [" / ".join(pair) for pair in zip(own, other)]


def table(head, rows):
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *("| " + " | ".join(row) + " |" for row in rows)])


def targets_table(folders):
    names = [name for name in targets.ROWS if "io_uring" not in name and name not in ALIKE.values()]
    head = ["row", "what", "target", "acceptable", *(f"{backend}, {each.compiler}" for each in folders for backend in BACKENDS)]
    rows = [[title(name), targets.ROWS[name][0], *wanted(name), *(cell(each, backend, name) for each in folders for backend in BACKENDS)] for name in names]
    return table(head, rows)


def title(name):
    name = name.removesuffix(", epoll")
    return f"{name} / {ALIKE[name]}" if name in ALIKE else name


def with_quartiles(figure):
    low, high = figure["quartiles"]
    return f"{figure['ratio']:.3f} ({low:.2f} to {high:.2f})"


def rates_tables(measured):
    """A table for each workload: everybody beside the hand-written server."""
    for work, contestants in (measured.read("rates") | measured.read("tls")).items():
        rows = [[name, *(with_quartiles(figures[figure]) for figure in ("rate", "cpu", "p50")), f"{figures['rate']['value']:,.0f}"] for name, figures in contestants.items()]
        yield f"**{work}**, {plot.WORKS[work]}\n\n" + table(["", "rate", "processor time a message", "median latency", "messages a second"], rows)


def footprints(measured):
    """{name: (instructions an echo, bytes an idle connection)} of everybody that was counted."""
    echo = measured.read("count") | measured.read("field")
    resident = measured.read("memory").get("bytes_each", {})
    return {name: (echo.get(name, {}).get("50", {}).get("instructions"), resident.get(name)) for name in {**resident, **echo}}


def footprint_table(measured):
    rows = [[name, *("" if value is None else number(value) for value in both)] for name, both in footprints(measured).items()]
    return table(["", "user instructions an echo", "bytes an idle connection"], rows)


def micro_table(measured):
    rows = [
        [name, targets.ROWS[name][0], f"{row['ns']:.1f}", with_quartiles(row), f"{row['instructions']:.0f}", f"{row['asio_ns']:.0f}" if row["asio_ns"] else ""]
        for name, row in measured.read("micro").items()
    ]
    return table(["", "", "ns", "ratio to the floor", "instructions", "asio, ns"], rows)


def latency_table(measured):
    found = measured.read("latency")
    if not found:
        return "Not measured in the last run."
    rows = [[name, *(f"{row[quantile]:.1f}" for quantile in row)] if row else [name, "does not keep up", "", "", ""] for name, row in found.get("microseconds", {}).items()]
    return f"{found.get('rate', 0):,} messages a second, microseconds:\n\n" + table(["", "p50", "p90", "p99", "p99.9"], rows)


def tiers_table(measured):
    """What newer ways of io_uring do to the hand-written server."""
    found = measured.read("tiers")
    if not found:
        return "Not measured in the last run."
    rows = []
    for row in found:
        work = plot.WORKS.get(row["work"], row["work"])
        rows.append([row["tier"], work, *(with_quartiles(row["figures"][figure]) for figure in ("rate", "cpu", "p50"))])
    return table(["", "", "rate", "processor time a message", "median latency"], rows)


def machine(measured):
    facts = measured.read("machine")
    return ", ".join(f"{what} {facts[what]}" for what in sorted(facts) if what != "compiler")


def sections(folders):
    first = folders[0]
    return {
        "machine": machine(first),
        "targets": targets_table(folders),
        "rates": "\n\n".join(rates_tables(first)),
        "footprint": footprint_table(first),
        "micro": "\n\n".join(f"{each.compiler}:\n\n{micro_table(each)}" for each in folders),
        "latency": latency_table(first),
        "tiers": tiers_table(first),
    }


def put(page, name, text):
    """The page with `text` between the marks of that name."""
    begin, end = f"<!-- measured: {name} -->\n", f"<!-- end: {name} -->"
    before, rest = page.split(begin, 1)
    return before + begin + text + "\n" + end + rest.split(end, 1)[1]


def draw(measured):
    PICTURES.mkdir(exist_ok=True)
    found = measured.read("rates")
    counted = footprints(measured)
    for name in ("rates", "tls"):
        if measured.read(name):
            plot.draw_rates(measured.read(name), PICTURES / f"{name}.svg")
    plot.draw_overview(found.get("E4", {}), counted, PICTURES / "overview.svg")


def main(folders):
    folders = [Measured(pathlib.Path(name)) for name in folders]
    if not folders:
        sys.exit(__doc__)
    page = PAGE.read_text()
    for name, text in sections(folders).items():
        page = put(page, name, text)
    PAGE.write_text(page)
    draw(folders[0])


if __name__ == "__main__":
    main(sys.argv[1:])
