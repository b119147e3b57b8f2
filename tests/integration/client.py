"""The patient client asks its questions, tries again while nobody listens, and gives up in the end. This script is the server."""

import socket

import harness
from conversation import Conversation, run_promises
from program import Program


def bound_socket():
    """A socket that has a port and does not listen on it: connecting there is refused."""
    bound = socket.socket()
    bound.settimeout(harness.PATIENCE)
    bound.bind(("127.0.0.1", 0))
    return bound, ["127.0.0.1", str(bound.getsockname()[1])]


def answer(listener, client):
    connected, _ = listener.accept()
    connected.settimeout(harness.PATIENCE)
    with Conversation(connected) as peer:
        for question in ("hello", "how are you?"):
            peer.expect(question)
            peer.say(f"you said {question}\r\n".encode())
        peer.expect("quit")
    client.expect("you said hello", "you said how are you?")  # all at once: its output is a pipe
    client.expect_end()


def questions_are_asked_and_answers_printed(command):
    listener, place = bound_socket()
    listener.listen()
    with listener, Program(command + place) as client:
        answer(listener, client)


def a_server_that_comes_later_is_found(command):
    later, place = bound_socket()
    with later, Program(command + place) as client:
        client.expect_on_stderr("refused; trying again")
        later.listen()
        answer(later, client)


def after_five_tries_the_client_gives_up(command):
    closed, place = bound_socket()
    with closed, Program(command + place) as client:
        client.expect_end(status=1)
        tries = client.stderr().count("trying again")
    harness.check(tries == 4, f"tried {tries + 1} times")


def without_a_place_it_says_how_to_call_it(command):
    with Program(command) as client:
        client.expect_end(status=2)
        harness.check(client.stderr() == "usage: client HOST PORT\n", f"stderr says {client.stderr()!r}")


PROMISES = [
    questions_are_asked_and_answers_printed,
    a_server_that_comes_later_is_found,
    after_five_tries_the_client_gives_up,
    without_a_place_it_says_how_to_call_it,
]

if __name__ == "__main__":
    run_promises(PROMISES, harness.arguments(__doc__))
