"""The forecast is fetched by a task that is started again whenever it dies. This script is the source, which comes and goes.

The program asks a source at 127.0.0.1:8022 and at no other place, so two of these tests go one after the other: each holds a lock on this file.
"""

import contextlib
import fcntl
import re
import socket

import harness
from conversation import Conversation, run_promises

SOURCE = ("127.0.0.1", 8022)
RESTART = re.compile(r"refresh failed: .*; starts again in (.*)$", re.MULTILINE)


@contextlib.contextmanager
def place_of_the_source():
    """Nobody else can listen there meanwhile: the port is bound, and refuses connections as long as nobody listens."""
    with open(__file__, "rb") as this_file:
        fcntl.flock(this_file, fcntl.LOCK_EX)
        with bound_socket() as bound:
            yield bound


def bound_socket():
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.settimeout(harness.PATIENCE)
    bound.bind(SOURCE)
    return bound


def ask(server):
    with Conversation(server.connect()) as peer:
        line = peer.read_line()
        peer.expect_end()
    return line


def ask_until(server, wanted):
    """Questions, each with its answer, until the forecast is another one."""
    for _ in range(100_000):
        if (line := ask(server)) == wanted:
            return
    raise harness.Failure(f"the forecast is still {line!r}, not {wanted!r}")


def tell(source, forecast):
    accepted, _ = source.accept()
    with accepted:
        accepted.sendall(forecast)


def wait_for_restarts(server, count):
    """Asks until the log tells of so many; gives the pauses before them."""
    for _ in range(100_000):
        ask(server)
        if len(told := RESTART.findall(server.stderr())) >= count:
            return told
    raise harness.Failure(f"only {len(told)} restarts of {count}; stderr:\n{server.stderr()}")


def the_forecast_comes_as_soon_as_there_is_a_source(command):
    with place_of_the_source() as source, harness.Server(command) as server:
        line = ask(server)
        harness.check(line == b"no forecast yet\r\n", f"the forecast is {line!r}")
        pauses = wait_for_restarts(server, 2)
        harness.check(pauses == ["500 ms", "1 s"], f"the pauses were {pauses}")
        source.listen()
        tell(source, b"sunny\r\n")
        ask_until(server, b"sunny\r\n")
        tell(source, b"rain\r\n")  # a second later it asks again
        ask_until(server, b"rain\r\n")


def a_source_that_goes_is_found_when_it_is_back(command):
    with place_of_the_source() as source, harness.Server(command) as server:
        source.listen()
        tell(source, b"sunny\r\n")
        ask_until(server, b"sunny\r\n")
        accepted, _ = source.accept()
        accepted.close()  # in the middle of its work: nothing is said
        wait_for_restarts(server, 1)
        line = ask(server)
        harness.check(line == b"sunny\r\n", f"the forecast is {line!r}")
        tell(source, b"rain\r\n")
        ask_until(server, b"rain\r\n")


PROMISES = [
    the_forecast_comes_as_soon_as_there_is_a_source,
    a_source_that_goes_is_found_when_it_is_back,
]

if __name__ == "__main__":
    run_promises(PROMISES, harness.arguments(__doc__))
