"""The steps of the tutorial do what it says. The program's name chooses what is tried."""

import pathlib

import harness
from conversation import Conversation, run_promises


def open_conversation(server):
    return Conversation(server.connect())


# greeter


def who_says_a_name_is_greeted(command):
    with harness.Server(command) as server, open_conversation(server) as peer:
        peer.expect("your name?")
        peer.say(b"  anna \r\n")
        peer.expect("hello anna")
        peer.expect_end()


def who_says_nothing_is_asked_again(command):
    with harness.Server(command) as server, open_conversation(server) as peer:
        peer.expect("your name?")
        peer.say(b"\r\n \n")
        peer.expect("your name?", "your name?")
        peer.say(b"bob\n")
        peer.expect("hello bob")


def who_leaves_without_a_name_harms_nobody(command):
    with harness.Server(command) as server, open_conversation(server) as witness:
        witness.expect("your name?")
        with open_conversation(server) as peer:
            peer.expect("your name?")
        witness.say(b"anna\r\n")
        witness.expect("hello anna")


# talk


def what_one_says_the_others_hear(command):
    with harness.Server(command) as server:
        with open_conversation(server) as anna, open_conversation(server) as bob:
            meet(anna, bob)
            anna.say(b"hello\r\nthere\n")
            bob.expect("hello", "there")
            bob.say(b"hi\r\n")
            anna.expect("hi")


def who_left_hears_nothing_and_harms_nobody(command):
    with harness.Server(command) as server:
        with open_conversation(server) as anna, open_conversation(server) as bob:
            meet(anna, bob)
            with open_conversation(server) as carla:
                meet(anna, carla)
                bob.expect("are you there?")
            bob.say(b"still here\r\n")
            anna.expect("still here")


def meet(first, second):
    """The second one is in the room as soon as the first one hears it."""
    second.say(b"are you there?\r\n")
    first.expect("are you there?")


PROMISES = {
    "greeter": [
        who_says_a_name_is_greeted,
        who_says_nothing_is_asked_again,
        who_leaves_without_a_name_harms_nobody,
    ],
    "talk": [what_one_says_the_others_hear, who_left_hears_nothing_and_harms_nobody],
}

if __name__ == "__main__":
    chosen = harness.arguments(__doc__)
    run_promises(PROMISES[pathlib.Path(chosen.program).name], chosen)
