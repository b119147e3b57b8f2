#!/usr/bin/env python3
"""Fails when the library names something that may differ from run to run: a wall clock, a random device, the order of addresses, the number of a thread.

usage: same_again.py SOURCE_ROOT

A tripwire: it makes whoever adds such a thing think, and write the reason here. The proof is that every seed of every scenario gives the same run twice
(tests/scenarios/two_runs.py).
"""

import pathlib
import re
import sys

TRIPS = {
    "a clock": r"system_clock|steady_clock|high_resolution_clock|\bclock_gettime\b|\bgettimeofday\b|\btime\((?:NULL|nullptr|0)\)|\blocaltime|\bgmtime",
    "random numbers of the system": r"\brandom_device\b|\bgetrandom\b|\bgetentropy\b|\barc4random|\b[sd]?rand(?:48)?\(|/dev/u?random|default_random_engine|\bmt19937",
    "a hash of an address": r"std::hash<[^<>]*\*>",
    "a container in the order of addresses": r"\b(?:unordered_)?(?:multi)?(?:set|map)<\s*(?:const\s+)?[\w:]+(?:\s+const)?\s*\*",
    "the number of a thread or process": r"this_thread::get_id|\bgettid\b|\bpthread_self\b|\bgetpid\b",
}

# A file, or a folder with a slash at its end: (what it may name, why that changes no run)
CLOCK, NUMBER, ADDRESSES = "a clock", "the number of a thread or process", "a container in the order of addresses"
RANDOM = "random numbers of the system"
ALLOWED = {
    "include/cetane/base/clock.hpp": ([CLOCK], "says that the loop's clock counts as steady_clock does, and does not read one"),
    "src/app/application_prefork.cpp": ([NUMBER], "several processes are none of a simulation's; for the log only"),
    "src/app/prefork_master.cpp": ([CLOCK], "several processes are none of a simulation's"),
    "src/app/successor.cpp": ([CLOCK], "several processes are none of a simulation's"),
    "src/app/udp_session_core.cpp": ([RANDOM], "peers are only looked up by the hash that it goes into"),
    "src/backend/io_uring_backend.cpp": ([NUMBER], "only the thread that enabled a ring may use it"),
    "src/backend/io_uring_backend.hpp": ([NUMBER], "the same"),
    "src/backend/kernel_backend.hpp": ([CLOCK], "the clock of a loop on a real network; a simulation has its own"),
    "src/backend/sim_task_log.hpp": ([ADDRESSES], "tasks are only looked up in it, and get their numbers in the order in which they come"),
    "src/base/log.cpp": ([CLOCK], "lines of the log have the time of day, which nobody reads back"),
    "src/conc/offload_pool.cpp": ([NUMBER], "gives its thread a name for debuggers"),
    "src/os/inherited_sockets.cpp": ([NUMBER], "sockets from outside are none of a simulation's"),
    "src/os/process.cpp": ([NUMBER], "processes are none of a simulation's"),
    "src/os/run_again.cpp": ([NUMBER], "the same"),
    "src/os/service_manager.cpp": ([CLOCK, NUMBER], "who has started the program is told; nothing comes back"),
    "src/polling/": ([CLOCK], "blocking calls, without an event loop"),
    "src/runtime/await_graph.hpp": ([ADDRESSES], "tasks are only looked up in it"),
    "src/testing/minimiser.cpp": ([CLOCK], "bounds the real time of runs that follow a failure"),
    "src/runtime/families.hpp": ([ADDRESSES], "they are only looked up in it"),
    "src/tls/ticket_keys.hpp": ([CLOCK], "keys of tickets are random anyway; none turns within a simulation"),
    "src/socketserver/": ([CLOCK, NUMBER], "blocking servers, without an event loop"),
}


def allowing(name, what):
    """The entry that lets the file name this, or None."""
    for place, (kinds, _) in ALLOWED.items():
        if (name == place or (place.endswith("/") and name.startswith(place))) and what in kinds:
            return place
    return None


def strip_comments(text):
    text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group().count("\n"), text, flags=re.DOTALL)
    return re.sub(r"//[^\n]*", "", text)


def sources(root):
    for folder in ("include", "src"):
        yield from sorted(p for p in (root / folder).rglob("*") if p.suffix in (".hpp", ".cpp"))


def trips(root):
    """(file, line number, what, text) for each place."""
    for path in sources(root):
        name = str(path.relative_to(root))
        for number, line in enumerate(strip_comments(path.read_text(encoding="utf-8")).splitlines(), 1):
            for what, pattern in TRIPS.items():
                if re.search(pattern, line):
                    yield name, number, what, line.strip()


def complaints(root):
    used = set()
    for name, number, what, line in trips(root):
        place = allowing(name, what)
        if place:
            used.add((place, what))
        else:
            yield f"{name}:{number}: {what} may differ from run to run: {line}"
    for place, (kinds, _) in ALLOWED.items():
        for what in kinds:
            if (place, what) not in used:
                yield f"{place} does not name {what} any more; take it off the list"


def main(root):
    found = list(complaints(pathlib.Path(root)))
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
