"""The chat client ends cleanly, whoever ends the conversation, on pipes and in a terminal. This script is the server."""

import signal
import socket
import tempfile

import harness
from conversation import Conversation, run_promises
from program import Program, Terminal


class Host:
    """Listens on a free port, for one client."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(harness.PATIENCE)
        self.place = ["127.0.0.1", str(self._listener.getsockname()[1])]

    def accept(self):
        connected, _ = self._listener.accept()
        connected.settimeout(harness.PATIENCE)
        return Conversation(connected)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.close()


def lines_go_both_ways_as_they_come(command):
    with Host() as host, Program(command + host.place) as client, host.accept() as peer:
        peer.say(b"what is your name?\r\n")
        client.expect("what is your name?")
        client.say(b"anna\n")
        peer.expect("anna")
        peer.say(b"hello anna\n")
        client.expect("hello anna")
        client.say(b"tw")
        client.say("o wörds\r\n\n".encode())
        peer.expect("two wörds", "")


def the_end_of_the_input_lets_the_server_finish(command):
    with Host() as host, Program(command + host.place) as client, host.accept() as peer:
        client.say(b"bye\nand a last line without an end")
        client.end_input()
        peer.expect("bye", "and a last line without an end")
        peer.expect_end()
        peer.say(b"* anna left\r\nbye")
        peer.close()
        client.expect("* anna left", "bye")
        client.expect_end()


def the_end_of_the_server_ends_the_client(command):
    with Host() as host, Program(command + host.place) as client, host.accept() as peer:
        peer.say(b"that is all\r\n")
        peer.close()
        client.expect("that is all")
        client.expect_end()


def a_broken_connection_is_told_by_the_status(command):
    with Host() as host, Program(command + host.place) as client, host.accept() as peer:
        client.say(b"hello\n")
        peer.expect("hello")
        harness.reset(peer.socket)
        peer.close()
        client.expect_end(status=1)
        harness.check("reset" in client.stderr(), f"stderr says {client.stderr()!r}")


def a_server_that_is_not_there_is_told_by_the_status(command):
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # and does not listen
        with Program([*command, "127.0.0.1", str(deaf.getsockname()[1])]) as client:
            client.expect_end(status=1)
            harness.check("refused" in client.stderr(), f"stderr says {client.stderr()!r}")


def the_place_may_be_given_as_the_servers_options_are(command):
    with Host() as host:
        name, port = host.place
        with Program([*command, "--port", port, "--host", name]) as client, host.accept() as peer:
            peer.say(b"welcome\r\n")
            client.expect("welcome")


def a_bad_command_line_is_answered_with_the_usage(command):
    for words in (["a", "1", "b"], ["a", "port"], ["a", "65536"], ["a", "-1"], ["--port"], ["--what"]):
        with Program(command + words) as client:
            client.expect_end(status=2)
            harness.check(client.stderr().startswith("usage: chat_client"), f"stderr says {client.stderr()!r}")


def a_signal_ends_the_client_and_the_server_sees_it(command):
    for number in (signal.SIGINT, signal.SIGTERM):
        with Host() as host, Program(command + host.place) as client, host.accept() as peer:
            peer.say(b"welcome\r\n")
            client.expect("welcome")
            client.signal(number)
            peer.expect_end()
            peer.close()
            client.expect_end(status=128 + number)


def a_file_is_sent_to_its_end(command):
    lines = [f"line {number}" for number in range(20_000)]
    with tempfile.TemporaryFile() as file:
        file.write("\n".join(lines).encode())
        file.seek(0)
        with Host() as host, Program(command + host.place, stdin=file) as client, host.accept() as peer:
            peer.expect(*lines)
            peer.expect_end()
            peer.close()
            client.expect_end()


def text_goes_through_a_pipe_unchanged(command):
    with Host() as host, Program(command + host.place) as client, host.accept() as peer:
        peer.say(b"\x1b[2J \xff tab\t\r\n")
        line = client.read_line()
        harness.check(line == b"\x1b[2J \xff tab\t\n", f"printed {line!r}")


def text_can_do_nothing_to_a_terminal(command):
    with Host() as host, Terminal(command + host.place) as client, host.accept() as peer:
        peer.say("\x1b[2J grüße \u009b\r\n".encode())
        client.expect("\\x1b[2J grüße \\xc2\\x9b")


def control_d_in_a_terminal_lets_the_server_finish(command):
    with Host() as host, Terminal(command + host.place) as client, host.accept() as peer:
        peer.say(b"welcome\r\n")
        client.expect("welcome")
        client.say(b"anna\n")
        peer.expect("anna")
        client.say(Terminal.CONTROL_D)
        peer.expect_end()
        peer.say(b"bye\r\n")
        peer.close()
        client.expect("bye")
        client.expect_end()


def control_c_in_a_terminal_leaves_at_once(command):
    with Host() as host, Terminal(command + host.place) as client, host.accept() as peer:
        peer.say(b"welcome\r\n")
        client.expect("welcome")
        client.say(b"half a li" + Terminal.CONTROL_C)
        peer.expect_end()
        peer.close()
        client.expect_end(status=128 + signal.SIGINT)


PROMISES = [
    lines_go_both_ways_as_they_come,
    the_end_of_the_input_lets_the_server_finish,
    the_end_of_the_server_ends_the_client,
    a_broken_connection_is_told_by_the_status,
    a_server_that_is_not_there_is_told_by_the_status,
    the_place_may_be_given_as_the_servers_options_are,
    a_bad_command_line_is_answered_with_the_usage,
    a_signal_ends_the_client_and_the_server_sees_it,
    a_file_is_sent_to_its_end,
    text_goes_through_a_pipe_unchanged,
    text_can_do_nothing_to_a_terminal,
    control_d_in_a_terminal_lets_the_server_finish,
    control_c_in_a_terminal_leaves_at_once,
]

if __name__ == "__main__":
    run_promises(PROMISES, harness.arguments(__doc__))
