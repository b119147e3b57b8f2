"""The two echo servers do what their opening comments say. The program's name chooses what is tried."""

import pathlib
import socket

import harness
from conversation import Conversation, run_promises


def open_conversation(server):
    return Conversation(server.connect())


def expect_bytes(peer, wanted):
    got = peer.read_line()
    harness.check(got == wanted, f"expected {wanted!r}, got {got!r}")


# echo


def a_line_comes_back_with_the_end_that_it_had(command):
    with harness.Server(command) as server, open_conversation(server) as peer:
        for line in (b"hello\r\n", b"hello\n", b"\r\n", b"\n", "grüße\r\n".encode(), b"\0\xff\r\n", b" quit? \n"):
            peer.say(line)
            expect_bytes(peer, b"you said " + line)


def quit_ends_the_conversation(command):
    with harness.Server(command) as server:
        for word in (b"quit\r\n", b"quit\n", b"  quit \r\n"):
            with open_conversation(server) as peer:
                peer.say(b"before\r\n" + word + b"after\r\n")
                peer.expect("you said before")
                peer.expect_end()


def many_lines_in_one_packet_are_all_answered(command):
    lines = [f"line {number}" for number in range(1000)]
    with harness.Server(command) as server, open_conversation(server) as peer:
        peer.say("".join(line + "\r\n" for line in lines).encode())
        peer.expect(*[f"you said {line}" for line in lines])


def who_ends_one_side_still_gets_the_answers(command):
    with harness.Server(command) as server, open_conversation(server) as peer:
        peer.say(b"one\r\ntwo\r\nno line")
        peer.end_output()
        peer.expect("you said one", "you said two")
        peer.expect_end()


def one_does_not_wait_for_another(command):
    with harness.Server(command) as server, open_conversation(server) as silent, open_conversation(server) as peer:
        silent.say(b"half a li")
        peer.say(b"whole\r\n")
        peer.expect("you said whole")
        silent.say(b"ne\r\n")
        silent.expect("you said half a line")


# echo_raw


def every_byte_comes_back(command):
    with harness.Server(command) as server, server.connect() as client:
        for message in (b"x", b"no line end", bytes(range(256)), b"y" * 100_000):
            harness.expect_echo(client, message)


def who_ends_one_side_still_gets_all_bytes(command):
    with harness.Server(command) as server, server.connect() as client:
        client.sendall(b"z" * 50_000)
        client.shutdown(socket.SHUT_WR)
        answer = harness.receive_exactly(client, 50_001)
        harness.check(answer == b"z" * 50_000, f"{len(answer)} bytes came back")


PROMISES = {
    "echo": [
        a_line_comes_back_with_the_end_that_it_had,
        quit_ends_the_conversation,
        many_lines_in_one_packet_are_all_answered,
        who_ends_one_side_still_gets_the_answers,
        one_does_not_wait_for_another,
    ],
    "echo_raw": [every_byte_comes_back, who_ends_one_side_still_gets_all_bytes],
}

if __name__ == "__main__":
    chosen = harness.arguments(__doc__)
    run_promises(PROMISES[pathlib.Path(chosen.program).name], chosen)
