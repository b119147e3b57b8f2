"""The forwarder passes on every byte both ways, and the end of each way by itself. This script is the server behind it."""

import contextlib
import os
import re
import socket
import threading

import harness
from conversation import Conversation, run_promises
from program import Program

START_LINE = re.compile(rb"listening on tcp://127\.0\.0\.1:(\d+)\n")


class Forwarded(contextlib.ExitStack):
    """A running forwarder, and connections through it as (client, server)."""

    def __init__(self, command):
        super().__init__()
        self.target = self.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.target.settimeout(harness.PATIENCE)
        self.program = self.enter_context(Program([*command, "0", "127.0.0.1", str(self.target.getsockname()[1])]))
        match = START_LINE.fullmatch(self.program.read_line())
        harness.check(match, "no start line")
        self.place = ("127.0.0.1", int(match[1]))

    def client(self):
        return self.enter_context(Conversation(socket.create_connection(self.place, harness.PATIENCE)))

    def pair(self):
        client = self.client()
        accepted, _ = self.target.accept()
        accepted.settimeout(harness.PATIENCE)
        return client, self.enter_context(Conversation(accepted))


def lines_pass_in_both_directions(command):
    with Forwarded(command) as forwarded:
        client, server = forwarded.pair()
        client.say(b"question\r\n")
        server.expect("question")
        server.say(b"answer\r\n")
        client.expect("answer")


def who_has_finished_still_gets_everything(command):
    with Forwarded(command) as forwarded:
        client, server = forwarded.pair()
        client.say(b"the question")
        client.end_output()
        question = server.socket.makefile("rb").read()  # to its end, which came through
        harness.check(question == b"the question", f"the server got {question!r}")
        answer = os.urandom(3 << 20)
        sender = threading.Thread(target=server.socket.sendall, args=[answer])
        sender.start()
        got = harness.receive_exactly(client.socket, len(answer))
        sender.join()
        harness.check(got == answer, "other bytes came through")
        server.end_output()
        client.expect_end()


def the_server_may_finish_first(command):
    with Forwarded(command) as forwarded:
        client, server = forwarded.pair()
        server.say(b"good bye\r\n")
        server.end_output()
        client.expect("good bye")
        client.expect_end()
        client.say(b"one more thing\r\n")
        server.expect("one more thing")
        client.end_output()
        server.expect_end()


def two_conversations_do_not_mix(command):
    with Forwarded(command) as forwarded:
        one, one_server = forwarded.pair()
        two, two_server = forwarded.pair()
        two.say(b"two\r\n")
        one.say(b"one\r\n")
        one_server.expect("one")
        two_server.expect("two")


def without_a_server_behind_it_the_client_is_let_go_and_the_next_is_served(command):
    with Forwarded(command) as forwarded:
        port = forwarded.target.getsockname()[1]
        forwarded.target.close()
        forwarded.client().expect_end()
        forwarded.program.expect_on_stderr(f"127.0.0.1:{port}")
        forwarded.target = forwarded.enter_context(socket.create_server(("127.0.0.1", port)))
        forwarded.target.settimeout(harness.PATIENCE)
        client, server = forwarded.pair()
        client.say(b"hello\r\n")
        server.expect("hello")


def without_a_place_it_says_how_to_call_it(command):
    with Program(command) as program:
        program.expect_end(status=2)
        harness.check(program.stderr() == "usage: forward LOCAL_PORT HOST PORT\n", f"stderr says {program.stderr()!r}")


PROMISES = [
    lines_pass_in_both_directions,
    who_has_finished_still_gets_everything,
    the_server_may_finish_first,
    two_conversations_do_not_mix,
    without_a_server_behind_it_the_client_is_let_go_and_the_next_is_served,
    without_a_place_it_says_how_to_call_it,
]

if __name__ == "__main__":
    run_promises(PROMISES, harness.arguments(__doc__))
