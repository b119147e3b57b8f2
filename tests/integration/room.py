"""The chat room of `fanout`: everybody hears every line, and who falls behind is shown out."""

import socket

import harness
from conversation import Conversation, run_promises

LINES_AT_MOST = 64


def enter(person, nick, others=()):
    person.say(nick.encode() + b"\r\n")
    person.expect(f"your name? * {nick} joined")  # the question has no line end
    for other in others:
        other.expect(f"* {nick} joined")


def visitor(server):
    return Conversation(server.connect())


def everybody_hears_every_line_in_the_same_order(command):
    with harness.Server(command) as server, visitor(server) as anna, visitor(server) as bob:
        enter(anna, "anna")
        enter(bob, "bob", others=[anna])
        anna.say(b"hello\r\n")
        for member in (anna, bob):
            member.expect("anna: hello")
        bob.say(b"  hello anna  \nhow are you?\n")
        for member in (anna, bob):
            member.expect("bob: hello anna", "bob: how are you?")


def a_name_is_asked_for_until_it_is_a_new_one(command):
    with harness.Server(command) as server, visitor(server) as anna, visitor(server) as other:
        enter(anna, "anna")
        for taken in (b"anna\r\n", b"\r\n", b"  \n"):
            other.say(taken)
            other.expect("your name? that one is taken")
        enter(other, "bob", others=[anna])


def who_leaves_is_reported_and_the_name_is_free(command):
    with harness.Server(command) as server, visitor(server) as anna:
        enter(anna, "anna")
        with visitor(server) as bob:
            enter(bob, "bob", others=[anna])
        anna.expect("* bob left")
        with visitor(server) as bob:
            enter(bob, "bob", others=[anna])


def who_falls_64_lines_behind_is_shown_out_and_delays_nobody(command):
    with harness.Server(command) as server, visitor(server) as anna:
        enter(anna, "anna")
        deaf = socket.socket()
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.settimeout(server.patience)
        deaf.connect((server.host, server.port))
        with Conversation(deaf) as sleeper:
            enter(sleeper, "sleeper", others=[anna])
            said = b"z" * 32000
            for count in range(2000):
                anna.say(said + b"\r\n")
                heard = anna.read_line()
                if heard == b"* sleeper left\r\n":
                    break
                harness.check(heard == b"anna: " + said + b"\r\n", f"anna heard {heard[:40]!r}")
            else:
                raise harness.Failure("64 MB were said, and who reads none of it is still there")
            harness.check(count > LINES_AT_MOST, f"shown out after {count} lines")
            anna.expect(b"anna: " + said)
            expect_cut_off(sleeper)


def expect_cut_off(person):
    try:
        while person.read_line():
            pass
    except ConnectionResetError:
        return
    raise harness.Failure("who fell behind was let go with an orderly end, as if nothing were missing")


PROMISES = [
    everybody_hears_every_line_in_the_same_order,
    a_name_is_asked_for_until_it_is_a_new_one,
    who_leaves_is_reported_and_the_name_is_free,
    who_falls_64_lines_behind_is_shown_out_and_delays_nobody,
]

if __name__ == "__main__":
    run_promises(PROMISES, harness.arguments(__doc__))
