#!/usr/bin/env python3
"""Fails on an include, or a word, that the map in layers.txt does not give to the component that uses it.

usage: layers.py SOURCE_ROOT [MAP]
"""

import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)
COMMENT_OR_TEXT = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"', re.DOTALL)
FOLDERS = ("include/cetane", "src")


class Map:
    def __init__(self, text):
        self.may_include, self.headers, self.private, self.words = {}, {}, [], {}
        for line in text.splitlines():
            line = line.split("#")[0].strip()
            if line:
                self.add(line)

    def add(self, line):
        kind, _, rest = line.partition(" ")
        if kind == "private":
            self.private.append(rest)
            return
        subject, _, names = line.partition(":")
        names = names.split()
        if kind == "header":
            self.headers[subject.split()[1]] = names
        elif kind == "word":
            self.words[subject.split()[1]] = names
        else:
            for name in names:
                if name not in self.may_include:
                    raise SystemExit(f"layers.txt: {subject} names {name}, which is not a row above it")
            self.may_include[subject] = names


def component_of(path):
    """'net' for net/listener.hpp, 'cetane.hpp' for a gathering header."""
    return path.parts[0]


def target_component(name, layers):
    """The component that an #include of this project leads to, else None."""
    parts = pathlib.PurePosixPath(name).parts
    if parts[0] == "cetane" and len(parts) > 1:
        return parts[1]
    ours = len(parts) > 1 and parts[0] in layers.may_include and name.endswith(".hpp")  # <net/if.h> is the system's
    return parts[0] if ours else None


def include_faults(component, public, name, layers):
    target = target_component(name, layers)
    if target:
        if target != component and target not in layers.may_include[component]:
            yield f"{component} may not include {target} (<{name}>)"
        if public and not name.startswith("cetane/"):
            yield f"a public header includes the private <{name}>"
    for prefix, users in layers.headers.items():
        if name.startswith(prefix) and "*" not in users and component not in users:
            yield f"{component} may not include <{name}>"
    if public and any(name.startswith(prefix) for prefix in layers.private):
        yield f"a public header includes <{name}>"


def word_faults(component, code, layers):
    for word, users in layers.words.items():
        if component not in users and re.search(rf"\b{word}|\b{word.upper()}", code):
            yield f"{component} may not mention {word}"


def file_faults(component, public, text, layers):
    if component not in layers.may_include:
        yield f"layers.txt has no row for {component}"
        return
    for name in INCLUDE.findall(text):
        yield from include_faults(component, public, name, layers)
    yield from word_faults(component, COMMENT_OR_TEXT.sub(" ", INCLUDE.sub("", text)), layers)


def faults(root, layers):
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.[hc]pp")):
            text = path.read_text(encoding="utf-8")
            component = component_of(path.relative_to(root / folder))
            for fault in file_faults(component, folder != "src", text, layers):
                yield f"{path.relative_to(root)}: {fault}"


def main(arguments):
    root = pathlib.Path(arguments[0])
    table = pathlib.Path(arguments[1]) if len(arguments) > 1 else pathlib.Path(__file__).with_name("layers.txt")
    found = list(faults(root, Map(table.read_text(encoding="utf-8"))))
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
