"""A run of syscall_tour.cpp under strace: up to its start lines and on to the end, or a whole conversation (tour.py)."""

import dataclasses
import os
import pathlib
import socket
import tempfile
import time

import tour
from outcome import Failure, check
from traced import INJECTED, PATIENCE, Traced

FILE = bytes(range(33, 127)) * 3000
NUMBER = "127.1"  # where there is no name: looked up as one, though nothing is opened for it
LOGGED = "somebody wished for a line in the log"


@dataclasses.dataclass
class Run:
    """What came of it. `usable`: it got as far as its start lines."""

    status: int
    trace: str
    stderr: str
    losses: list
    usable: bool = True

    def injected(self):
        return self.trace.count(INJECTED)

    def __str__(self):
        last = "\n".join(line[:160] for line in self.trace.splitlines()[-12:])
        return f"status {self.status}, lost {self.losses}; stderr:\n{self.stderr}\nthe last calls:\n{last}"


class Places:
    """Where one run has its socket and its file, and what it looks up."""

    def __init__(self, folder):
        self.socket = os.path.join(folder, "socket")
        self.file = os.path.join(folder, "file")
        pathlib.Path(self.file).write_bytes(FILE)
        self.name = next(names_of_this_machine(), NUMBER)

    def options(self):
        return ["--port", "0", "--socket", self.socket, "--file", self.file, "--name", self.name]

    def connector(self, lines):
        """A function that connects to where the program says that it listens."""
        port = next((int(line.rpartition(":")[2]) for line in lines if line.startswith("listening on tcp://")), None)

        def connect():
            client = socket.socket(socket.AF_UNIX if port is None else socket.AF_INET, socket.SOCK_STREAM)
            client.settimeout(PATIENCE)
            client.connect(self.socket if port is None else ("127.0.0.1", port))
            return client

        return connect


def names_of_this_machine():
    """Names that are looked up without a network."""
    hosts = pathlib.Path("/etc/hosts")  # a bare system has none
    for line in hosts.read_text().splitlines() if hosts.exists() else []:
        address, *names = line.partition("#")[0].split() or [""]
        if "." in address:
            yield from (name for name in names if "localhost" not in name)


class TourFailed(Failure):
    """`run`: what had been until then."""

    def __init__(self, failure, run):
        super().__init__(f"{failure}; {run}")
        self.run = run


def take_or_show(program, take, connect):
    """The losses of a tour. A tour that fails is told with what the program has done last."""
    try:
        return take(connect, FILE)
    except (Failure, OSError) as failure:
        raise TourFailed(failure, Run(None, program.trace(), program.stderr(), [])) from None


def end(program, losses=(), usable=True):
    try:
        return Run(program.wait(), program.trace(), program.stderr(), losses, usable)
    except Failure as failure:
        raise TourFailed(failure, Run(None, program.trace(), program.stderr(), losses)) from None


def run_start(command, inject=None, start_lines=2, take=tour.take_hello):
    """Traced from its first call on; takes a tour, says hello once if it is not told otherwise, and stops it."""
    with tempfile.TemporaryDirectory(prefix="cetane-tour-") as folder:
        places = Places(folder)
        with Traced([*command, *places.options()], inject, from_start=True) as program:
            lines, losses = [program.read_line()], []
            if lines[0]:
                lines += [program.read_line() for _ in range(start_lines - 1)]
                program.find_program()
                losses = take_or_show(program, take, places.connector(lines))
                program.signal()
            return end(program, losses, usable=bool(lines[0]))


def run_short(command, inject):
    """Traced from its first call on, and left alone; it ends by itself."""
    with tempfile.TemporaryDirectory(prefix="cetane-tour-") as folder:
        with Traced([*command, *Places(folder).options()], inject, from_start=True) as program:
            return end(program)


def run_until_lost(command, inject):
    """Traced from its start lines on. It ends by itself, or nothing is lost and it is killed."""
    with tempfile.TemporaryDirectory(prefix="cetane-tour-") as folder:
        places = Places(folder)
        with Traced([*command, *places.options()], inject) as program:
            lines = [program.read_line(), program.read_line()]
            program.attach()
            losses = tour.take_until_lost(places.connector(lines), FILE)
            return Run(program.wait() if losses else 0, program.trace(), program.stderr(), losses)


def run_serve(command, inject=None):
    """Traced from its start lines on: the whole conversation. Then nothing may be open but what was before."""

    def take(connect, file):
        losses = tour.take(connect, file)
        witness = tour.Witness(connect)
        wait_for_descriptors(program, empty + 1, witness)
        witness.close()
        return losses + witness.losses

    with tempfile.TemporaryDirectory(prefix="cetane-tour-") as folder:
        places = Places(folder)
        with Traced([*command, *places.options()], inject) as program:
            lines = [program.read_line(), program.read_line()]
            empty = program.descriptors()
            program.attach()
            program.go_on_when_stopped()
            losses = take_or_show(program, take, places.connector(lines))
            program.signal()
            return end(program, losses)


def wait_for_descriptors(program, count, witness):
    """Looks again after each exchange with the witness, who has one connection."""
    deadline = time.monotonic() + PATIENCE
    witness.look()
    while (now := program.descriptors()) != count:
        check(time.monotonic() < deadline, f"{now} descriptors are open, not {count}")
        witness.look()
