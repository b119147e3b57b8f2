#!/usr/bin/env python3
"""Fails when docs/reference/limits.md and <cetane/base/limits.hpp> name different limits or different defaults.

usage: limits_table.py SOURCE_ROOT
"""

import pathlib
import re
import sys

HEADER = "include/cetane/base/limits.hpp"
PAGE = "docs/reference/limits.md"
CONSTANT = re.compile(r"^inline constexpr [\w:]+ (\w+) = ([^;]+);$", re.MULTILINE)
FIELD = re.compile(r"^  [\w:]+ (\w+)(?:\s=\s+(\w+))?;", re.MULTILINE)
ROW = re.compile(r"^\| `(\w+)` \| ([^|]+?) \|", re.MULTILINE)


def spelled(value):
    """As the page writes it: 64_KiB is 64 KiB, std::chrono::seconds(30) is 30 s."""
    value = re.sub(r"std::chrono::seconds\((\d+)\)", r"\1 s", value)
    value = re.sub(r"std::chrono::milliseconds\((\d+)\)", r"\1 ms", value)
    return re.sub(r"^(\d+)_(\w+)$", r"\1 \2", value)


def differences(header, page):
    constants = {name: spelled(value) for name, value in CONSTANT.findall(header)}
    fields = dict(FIELD.findall(header))
    rows = {name: text.strip("`") for name, text in ROW.findall(page)}
    for name, value in constants.items():
        if rows.get(name) != value:
            yield f"{name} is {value} in {HEADER}, {rows.get(name, 'missing')} in {PAGE}"
    for name, value in fields.items():
        if name not in rows:
            yield f"the field {name} is missing in {PAGE}"
        elif value in constants and rows[name] != value:
            yield f"the field {name} is {value} in {HEADER}, {rows[name]} in {PAGE}"
    for name in rows.keys() - constants.keys() - fields.keys():
        yield f"{name} is in {PAGE}, but not in {HEADER}"


def main(root):
    root = pathlib.Path(root)
    found = list(differences((root / HEADER).read_text(encoding="utf-8"), (root / PAGE).read_text(encoding="utf-8")))
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
