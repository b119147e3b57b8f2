"""The fetcher asks ten hosts at a time and says how each one went. This script is the hosts."""

import contextlib
import select
import socket

import harness
from conversation import Conversation, run_promises
from program import Program

AT_A_TIME = 10


@contextlib.contextmanager
def host():
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        listener.settimeout(harness.PATIENCE)
        yield listener, ["127.0.0.1", str(listener.getsockname()[1])]


def accept(listener):
    """A connection whose request has been read."""
    accepted, _ = listener.accept()
    accepted.settimeout(harness.PATIENCE)
    peer = Conversation(accepted)
    peer.expect("GET / HTTP/1.0", "Host: 127.0.0.1", "")
    return peer


def answer(peer, page):
    with peer:
        peer.say(page)


def a_page_is_read_to_its_end_and_counted(command):
    with host() as (listener, place), Program(command + place) as program:
        answer(accept(listener), b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 100_000)
        program.expect(f"127.0.0.1:{place[1]} 100019 bytes")
        program.expect_end()


def ten_are_asked_at_a_time_and_all_in_the_end(command):
    count = 25
    with host() as (listener, place), Program(command + place * count) as program:
        asked = [accept(listener) for _ in range(AT_A_TIME)]
        for answered in range(count):
            waiting = select.select([listener], [], [], 0)[0]
            harness.check(not waiting, f"more than {AT_A_TIME} were asked at a time")
            answer(asked.pop(0), b"page %d" % (answered % AT_A_TIME))
            if answered + AT_A_TIME < count:
                asked.append(accept(listener))
        program.expect(*[f"127.0.0.1:{place[1]} 6 bytes"] * count)
        program.expect_end()


def one_that_fails_is_no_concern_of_the_others(command):
    with host() as (listener, place), socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        refusing = ["127.0.0.1", str(closed.getsockname()[1])]
        impossible = ["x" * 64 + ".invalid", "80"]  # a part of a name has 63 characters at most
        with Program(command + refusing + place + impossible) as program:
            answer(accept(listener), b"here I am")
            lines = program.read_lines()
            program.expect_end()
    harness.check(f"127.0.0.1:{place[1]} 9 bytes" in lines, f"printed {lines}")
    for failed in (refusing, impossible):
        start = f"{failed[0]}:{failed[1]} failed: "
        harness.check(sum(line.startswith(start) for line in lines) == 1, f"printed {lines}")
    refused = next(line for line in lines if line.startswith(f"127.0.0.1:{refusing[1]} "))
    harness.check("refused" in refused, f"printed {refused!r}")
    harness.check(len(lines) == 3, f"printed {lines}")


def no_hosts_are_soon_asked(command):
    with Program(command) as program:
        program.expect_end()


PROMISES = [
    a_page_is_read_to_its_end_and_counted,
    ten_are_asked_at_a_time_and_all_in_the_end,
    one_that_fails_is_no_concern_of_the_others,
    no_hosts_are_soon_asked,
]

if __name__ == "__main__":
    run_promises(PROMISES, harness.arguments(__doc__))
