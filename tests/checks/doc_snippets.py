#!/usr/bin/env python3
"""Fails when code shown in a document differs from the compiled file it is said to come from.

usage: doc_snippets.py SOURCE_ROOT [--update]      --update writes the code of the files into the documents

A document says where a block of code comes from, in a comment right before it:
    <!-- from: examples/echo.cpp -->             the whole file
    <!-- from: examples/echo.cpp#handler -->     the lines between `// [handler]` and `// [/handler]` in it
Every block of C++ in README.md and docs/ must come from somewhere; one that cannot says so: <!-- no source: REASON -->.
"""

import pathlib
import re
import sys

BLOCK = re.compile(
    r"(?P<mark><!-- (?P<kind>from|no source): (?P<source>[^\n]*?) -->\n+)?```(?P<language>\w*)\n(?P<code>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
CHECKED_LANGUAGES = ("cpp", "c", "meson", "cmake", "make")
REGION_MARK = re.compile(r"^\s*(//|#) \[/?[\w-]+\]\s*\n", re.MULTILINE)


def dedent(text):
    lines = text.splitlines(keepends=True)
    margin = min((len(l) - len(l.lstrip(" ")) for l in lines if l.strip()), default=0)
    return "".join(l[margin:] if l.strip() else l for l in lines)


def region(text, name):
    """The lines between the marks of a region, or None."""
    match = re.search(rf"^[ \t]*(?://|#) \[{re.escape(name)}\]\n(.*?)^[ \t]*(?://|#) \[/{re.escape(name)}\]$", text, re.DOTALL | re.MULTILINE)
    return match.group(1) if match else None


def source_code(root, source):
    """(code, fault): what the file holds, or what is wrong with the reference."""
    name, _, part = source.partition("#")
    path = root / name
    if not path.is_file():
        return None, f"there is no file {name}"
    text = path.read_text(encoding="utf-8")
    if part:
        text = region(text, part)
        if text is None:
            return None, f"{name} has no region [{part}]"
    return dedent(REGION_MARK.sub("", text)), None


def block_fault(root, match):
    if match["language"] not in CHECKED_LANGUAGES and not match["mark"]:
        return None
    if not match["mark"]:
        return "a block of code that says neither where it comes from nor why it comes from nowhere"
    if match["kind"] == "no source":
        return None
    code, fault = source_code(root, match["source"])
    if fault is None and code.strip("\n") != match["code"].strip("\n"):
        fault = f"differs from {match['source']}; {pathlib.Path(__file__).name} --update mends it"
    return fault


def document_faults(root, text):
    for match in BLOCK.finditer(text):
        fault = block_fault(root, match)
        if fault:
            yield f"{text.count(chr(10), 0, match.start()) + 1}: {fault}"


def updated(root, text):
    def replace(match):
        if match["kind"] != "from":
            return match[0]
        code, fault = source_code(root, match["source"])
        head, tail = match.start("code") - match.start(), match.end("code") - match.start()
        return match[0] if fault else match[0][:head] + code.strip("\n") + "\n" + match[0][tail:]

    return BLOCK.sub(replace, text)


def documents(root):
    return [root / "README.md", *sorted((root / "docs").rglob("*.md"))]


def main(arguments):
    root = pathlib.Path(arguments[0])
    found = []
    for path in documents(root):
        if not path.exists():
            continue
        text = path.read_text(encoding="utf-8")
        if "--update" in arguments:
            text = updated(root, text)
            path.write_text(text, encoding="utf-8")
        found += [f"{path.relative_to(root)}:{fault}" for fault in document_faults(root, text)]
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
