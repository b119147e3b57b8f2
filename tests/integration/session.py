"""The session answers while its peer speaks. Its two farewells take minutes: tests/examples/session_test.cpp hears them in virtual time."""

import harness
from conversation import Conversation, run_promises


def lines_are_answered_whatever_their_end(command):
    with harness.Server(command) as server, Conversation(server.connect()) as peer:
        peer.say(b"hello\r\n")
        peer.expect("you said hello")
        peer.say(b"one\ntwo\n")
        for line in (b"you said one\n", b"you said two\n"):
            got = peer.read_line()
            harness.check(got == line, f"got {got!r}")


def a_peer_that_leaves_gets_no_farewell(command):
    with harness.Server(command) as server, Conversation(server.connect()) as peer:
        peer.say(b"last words\r\nno line end")
        peer.end_output()
        peer.expect("you said last words")
        peer.expect_end()


def a_stop_ends_the_conversation(command):
    with harness.Server(command) as server, Conversation(server.connect()) as peer:
        peer.say(b"hello\r\n")
        peer.expect("you said hello")
        server.signal()
        peer.expect_end()
        harness.check(server.wait() == 0, "no orderly end")


PROMISES = [lines_are_answered_whatever_their_end, a_peer_that_leaves_gets_no_farewell, a_stop_ends_the_conversation]

if __name__ == "__main__":
    run_promises(PROMISES, harness.arguments(__doc__))
