"""One chat room on several event loops: 200 members hear every line of the others once, in each sender's order, whatever loop they are on."""

import pathlib
import re
import selectors
import signal
import time

import harness
from conversation import Conversation, run_promises

QUESTION = "welcome to cetane chat, what is your name?"
MEMBERS = 200
LINES = 5
LOOPS = 2


class Member:
    """One of many, looked at when something has come."""

    def __init__(self, server, name):
        self.name = name
        self.socket = server.connect()
        self.unread = b""
        self.heard = {}  # of each sender the number of its last line
        self.lines = 0

    def take(self):
        """Reads what is there, and checks that it is what comes next from whom it is."""
        arrived = self.socket.recv(1 << 18)
        harness.check(arrived, f"{self.name} was shown out")
        *lines, self.unread = (self.unread + arrived).split(b"\r\n")
        for line in lines:
            match = re.fullmatch(rb"(m[0-9]+): line ([0-9]+)", line)
            harness.check(match, f"{self.name} heard {line!r}")
            sender, number = match[1], int(match[2])
            before = self.heard.get(sender, -1)
            harness.check(number == before + 1, f"{self.name} heard line {number} of {sender.decode()} behind line {before}")
            self.heard[sender] = number
            self.lines += 1


def enter(server, count):
    """Members of a room, in their order; what they hear of those behind them is unread."""
    members = [Member(server, f"m{i}") for i in range(count)]
    for i, member in enumerate(members):
        talk = Conversation(member.socket)
        talk.expect(QUESTION)
        talk.say(f"{member.name}\r\n".encode())
        talk.expect(f"hello {member.name}, {i + 1} here")
    return members


def read_until(selector, members, wanted):
    """Lets everybody read until each has heard so many lines."""
    deadline = time.monotonic() + 3 * harness.PATIENCE
    while any(member.lines < wanted for member in members):
        harness.check(time.monotonic() < deadline, f"only {sum(m.lines for m in members)} lines came of {wanted * len(members)}")
        for key, _ in selector.select(harness.PATIENCE):
            key.data.take()


def skip_joining(members):
    """Each hears who came after it."""
    for i, member in enumerate(members):
        rest = b"".join(f"* {other.name} joined\r\n".encode() for other in members[i + 1 :])
        got = harness.receive_exactly(member.socket, len(rest))
        harness.check(got == rest, f"{member.name} heard {got[:80]!r} of those who joined")


def read_lines(listener, count):
    """All that comes until so many lines are whole; what is behind them waits for the next call."""
    while listener.unread.count(b"\r\n") < count:
        arrived = listener.socket.recv(1 << 18)
        harness.check(arrived, f"{listener.name}, who reads, was shown out")
        listener.unread += arrived
    *lines, rest = listener.unread.split(b"\r\n", count)
    listener.unread = rest
    return lines


def loops_of(server):
    return len(list(pathlib.Path(f"/proc/{server.pid}/task").iterdir()))


def every_line_once_in_each_senders_order(command):
    with harness.Server([*command, "--workers", str(LOOPS)]) as server:
        harness.check(loops_of(server) >= LOOPS, f"{loops_of(server)} threads are fewer than the loops")
        members = enter(server, MEMBERS)
        skip_joining(members)
        with selectors.DefaultSelector() as selector:
            for member in members:
                selector.register(member.socket, selectors.EVENT_READ, member)
            for number in range(LINES):  # all at a time, from both loops
                for member in members:
                    member.socket.sendall(f"line {number}\r\n".encode())
                    for key, _ in selector.select(0):
                        key.data.take()
            read_until(selector, members, LINES * (MEMBERS - 1))
        for member in members:
            harness.check(len(member.heard) == MEMBERS - 1 and member.name.encode() not in member.heard, "somebody heard itself")
            member.socket.close()


def who_does_not_read_delays_nobody_on_any_loop(command):
    """Of two on the same loop and one on another, a silent one is shown out, and the others hear all."""
    with harness.Server([*command, "--workers", str(LOOPS)]) as server:
        talker, *listeners, silent = members = enter(server, 6)
        skip_joining(members)
        left = f"* {silent.name} left".encode()
        deadline = time.monotonic() + 3 * harness.PATIENCE
        told = [left in read_lines(each, 0) for each in listeners]
        while not all(told):  # nobody but the silent one is ever behind by more than these lines
            harness.check(time.monotonic() < deadline, "nobody was shown out")
            talker.socket.sendall((b"x" * 4000 + b"\r\n") * 16)
            told = [before or left in read_lines(each, 16) for before, each in zip(told, listeners)]
        for member in members:
            member.socket.close()


def a_stop_ends_all_loops_under_load(command):
    for first, second, status in ((signal.SIGTERM, None, 0), (signal.SIGINT, None, 0), (signal.SIGTERM, signal.SIGTERM, 143)):
        server = harness.Server([*command, "--workers", "3"])
        try:
            members = enter(server, 30)
            for number in range(20):
                for member in members:
                    member.socket.sendall(f"line {number}\r\n".encode())
            server.signal(first)
            if second is not None:
                server.signal(second)
            got = server.wait()
            harness.check(got in (0, status), f"the status after {first} is {got}, not {status}; stderr:\n{server.stderr()}")
            harness.check("stopped: " in server.stderr(), f"the end was not told:\n{server.stderr()}")
            for member in members:
                member.socket.close()
        finally:
            server._kill()


PROMISES = [
    every_line_once_in_each_senders_order,
    who_does_not_read_delays_nobody_on_any_loop,
    a_stop_ends_all_loops_under_load,
]

if __name__ == "__main__":
    run_promises(PROMISES, harness.arguments(__doc__))
