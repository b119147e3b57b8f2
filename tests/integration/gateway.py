"""The gateway asks the server behind it over connections that it keeps, and drops those that have gone bad. This script is that server."""

import contextlib
import socket

import harness
from conversation import Conversation, run_promises


class Behind(contextlib.ExitStack):
    """A running gateway, and the server behind it."""

    def __init__(self, command):
        super().__init__()
        self.target = self.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.target.settimeout(harness.PATIENCE)
        self.port = self.target.getsockname()[1]
        self.gateway = self.enter_context(harness.Server([*command, "--server-port", str(self.port)]))

    def client(self):
        return self.enter_context(Conversation(self.gateway.connect()))

    def accept(self):
        accepted, _ = self.target.accept()
        accepted.settimeout(harness.PATIENCE)
        return self.enter_context(Conversation(accepted))


def a_question_is_passed_on_and_its_answer_back(command):
    with Behind(command) as behind:
        client = behind.client()
        client.say(b"who is there?\r\n")
        server = behind.accept()
        server.expect("who is there?")
        server.say(b"me\r\n")
        client.expect("me")


def the_next_question_takes_the_same_connection(command):
    with Behind(command) as behind:
        first, second = behind.client(), behind.client()
        first.say(b"one\r\n")
        server = behind.accept()
        for client, question in [(first, "one"), (second, "two"), (first, "three")]:
            if client is not first or question != "one":
                client.say(question.encode() + b"\r\n")
            server.expect(question)
            server.say(b"answer to " + question.encode() + b"\r\n")
            client.expect("answer to " + question)


def a_connection_that_was_closed_meanwhile_is_replaced(command):
    with Behind(command) as behind:
        client = behind.client()
        client.say(b"one\r\n")
        server = behind.accept()
        server.expect("one")
        server.say(b"1\r\n")
        client.expect("1")
        server.close()
        client.say(b"two\r\n")
        server = behind.accept()
        server.expect("two")
        server.say(b"2\r\n")
        client.expect("2")


def without_a_server_the_reason_is_told(command):
    with Behind(command) as behind:
        behind.target.close()
        client = behind.client()
        client.say(b"anybody?\r\n")
        client.expect(f"sorry: connect to 127.0.0.1:{behind.port}: connection refused")
        client.say(b"and now?\r\n")
        client.expect(f"sorry: connect to 127.0.0.1:{behind.port}: connection refused")


PROMISES = [
    a_question_is_passed_on_and_its_answer_back,
    the_next_question_takes_the_same_connection,
    a_connection_that_was_closed_meanwhile_is_replaced,
    without_a_server_the_reason_is_told,
]

if __name__ == "__main__":
    run_promises(PROMISES, harness.arguments(__doc__))
