"""wait and fire: the writer is told how many heard it, and what nobody waited for is gone.

The port of the second service is the program's own, so each test has an address that is nobody else's.
"""

import contextlib

import harness
from conversation import Conversation, run_promises

WRITERS_PORT = 8017


class Newsroom(contextlib.ExitStack):
    def __init__(self, command):
        super().__init__()
        # A reader's handler waits for no input, so a stop lets it go on for the drain time.
        self.server = self.enter_context(harness.Server([*command, "--drain", "0.1"], host=harness.own_address()))

    def reader(self):
        return self.enter_context(Conversation(self.server.connect()))

    def writer(self):
        readers_port, self.server.port = self.server.port, WRITERS_PORT
        person = self.enter_context(Conversation(self.server.connect()))
        self.server.port = readers_port
        return person

    def write(self, writer, line):
        """How many were told."""
        writer.say(line + b"\r\n")
        answer = writer.read_line()
        harness.check(answer.startswith(b"told ") and answer.endswith(b" readers\r\n"), f"answered {answer!r}")
        return int(answer.split()[1])

    def write_until_heard_by(self, readers, writer):
        """Connecting is quicker than waiting for news: writes until so many do. Gives all the lines that somebody was told."""
        told = []
        for number in range(10_000):
            line = b"try %d" % number
            heard = self.write(writer, line)
            if heard > 0:
                told.append(line)
            if heard == readers:
                return told
        raise harness.Failure(f"never {readers} readers at once")


def nobody_is_told_when_nobody_waits(command):
    with Newsroom(command) as room:
        writer = room.writer()
        for line in (b"one", b"two"):
            told = room.write(writer, line)
            harness.check(told == 0, f"{told} were told")


def the_reader_hears_what_is_written_while_it_waits_and_nothing_older(command):
    with Newsroom(command) as room:
        writer = room.writer()
        room.write(writer, b"too early")
        reader = room.reader()
        [line] = room.write_until_heard_by(1, writer)
        reader.expect(b"news: " + line)
        told = room.write(writer, b"sunny")
        harness.check(told == 1, f"{told} were told")
        reader.expect("news: sunny")


def all_who_wait_are_told(command):
    with Newsroom(command) as room:
        writer, other = room.writer(), room.writer()
        readers = [room.reader() for _ in range(3)]
        last = room.write_until_heard_by(3, writer)[-1]
        for reader in readers:
            while (got := reader.read_line()) != b"news: " + last + b"\r\n":
                harness.check(got.startswith(b"news: try "), f"heard {got!r}")
        told = room.write(other, b"it rains")
        harness.check(told == 3, f"{told} were told")
        for reader in readers:
            reader.expect("news: it rains")


PROMISES = [
    nobody_is_told_when_nobody_waits,
    the_reader_hears_what_is_written_while_it_waits_and_nothing_older,
    all_who_wait_are_told,
]

if __name__ == "__main__":
    run_promises(PROMISES, harness.arguments(__doc__))
