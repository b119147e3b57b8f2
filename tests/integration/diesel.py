"""diesel's examples do what their opening comments say. The program's name chooses what is tried."""

import os
import pathlib
import tempfile

import harness
from conversation import Conversation, run_promises
from program import Program, Terminal


def open_conversation(server):
    return Conversation(server.connect())


# sleep_server


def a_line_is_answered_bit_by_bit(command):
    with harness.Server([*command, "--pause", "0.01"]) as server, open_conversation(server) as peer:
        peer.say(b"hello\r\n")
        peer.expect("0", "1", "2", "3", "you said hello")
        peer.expect_end()


def who_comes_later_need_not_wait_for_who_came_before(command):
    with harness.Server([*command, "--pause", "0.01"]) as server:
        with open_conversation(server) as first, open_conversation(server) as second:
            second.say(b"second\n")
            second.expect("0", "1", "2", "3")
            harness.check(second.read_line() == b"you said second\n", "the line came back with another end")
            first.say(b"first\r\n")
            first.expect("0", "1", "2", "3", "you said first")


def a_bad_pause_is_refused(command):
    for pause in ("soon", "-1", ""):
        with Program([*command, "--port", "0", "--pause", pause]) as program:
            program.expect_end(status=2)


# echo_timeout


def a_silent_peer_is_asked_and_may_still_speak(command):
    with harness.Server([*command, "--patience", "0.01"]) as server, open_conversation(server) as peer:
        peer.expect("are you still there?", "are you still there?")
        peer.say(b"of cou")
        peer.say(b"rse\r\n")
        while (line := peer.read_line()) == b"are you still there?\r\n":
            pass
        harness.check(line == b"you said of course\r\n", f"got {line!r}")


def who_speaks_in_time_is_not_asked(command):
    with harness.Server([*command, "--patience", "3600"]) as server, open_conversation(server) as peer:
        peer.say(b"one\r\ntwo\r\n")
        peer.expect("you said one", "you said two")


# timer, forker, thread: what runs at the same time may print in any order, each for itself in its own


def three_times_and_once_then_the_end(command):
    with Program([*command, "--period", "0.02"]) as program:
        lines = program.read_lines()
        program.expect_end()
    harness.check(lines.count("once!") == 1, f"printed {lines}")
    harness.check(lines[:1] == ["periodic, once in 20 ms"], f"printed {lines}")
    harness.check(set(lines) == {"once!", "periodic, once in 20 ms"}, f"printed {lines}")


def five_children_print_in_the_order_of_their_start(command):
    with Program([*command, "--pause", "0.02"]) as program:
        program.expect("0", "1", "2", "3", "4")
        program.expect_end()


def both_blockers_come_back_three_times(command):
    with Program([*command, "0.01"]) as program:
        lines = program.read_lines()
        program.expect_end()
    for name in ("first", "second"):
        own = [line for line in lines if line.startswith(name)]
        harness.check(own == [f"{name} is back: {number}" for number in (1, 2, 3)], f"printed {lines}")
    harness.check(len(lines) == 6, f"printed {lines}")


# combined


def all_echoes_come_back(command):
    with Program([*command, "--port", "0"]) as program:
        line = program.read_line()
        harness.check(line.startswith(b"listening on tcp://127.0.0.1:"), f"the first line is {line!r}")
        program.expect("5000 echoes came back")
        program.expect_end()


# stdin


def lines_from_a_pipe_are_seen_as_they_come(command):
    with Program(command) as program:
        program.say(b"one\n")
        program.expect("cetane got one")
        program.say(b"tw")
        program.say(b"o\n\nthree")
        program.expect("cetane got two", "cetane got ")
        program.end_input()
        program.expect("cetane got three")
        program.expect_end()


def a_regular_file_is_read_to_its_end(command):
    with tempfile.TemporaryFile() as file:
        file.write(b"".join(b"line %d\n" % number for number in range(1000)))
        file.seek(0)
        with Program(command, stdin=file) as program:
            lines = program.read_lines()
            program.expect_end()
    harness.check(lines == [f"cetane got line {number}" for number in range(1000)], f"{len(lines)} lines came")


def lines_typed_at_a_terminal_are_seen_as_they_come(command):
    with Terminal(command) as program:
        program.say(b"one\n")
        program.expect("cetane got one")
        program.say(b"tw")
        program.say(b"o\n")
        program.expect("cetane got two")
        program.say(Terminal.CONTROL_D)
        program.expect_end()


def an_input_that_is_empty_ends_the_program(command):
    with open(os.devnull, "rb") as nothing, Program(command, stdin=nothing) as program:
        program.expect_end()


# resolve_names


def a_name_is_found_and_another_is_not(command):
    impossible = "x" * 64 + ".invalid"  # no name server need be asked: a part of a name has 63 characters at most
    with Program([*command, "localhost", impossible]) as program:
        program.expect("localhost is 127.0.0.1")
        failure = program.read_line().decode()
        program.expect_end()
    harness.check(impossible in failure, f"printed {failure!r}")


PROMISES = {
    "sleep_server": [
        a_line_is_answered_bit_by_bit,
        who_comes_later_need_not_wait_for_who_came_before,
        a_bad_pause_is_refused,
    ],
    "echo_timeout": [a_silent_peer_is_asked_and_may_still_speak, who_speaks_in_time_is_not_asked],
    "timer": [three_times_and_once_then_the_end],
    "forker": [five_children_print_in_the_order_of_their_start],
    "thread": [both_blockers_come_back_three_times],
    "combined": [all_echoes_come_back],
    "stdin": [
        lines_from_a_pipe_are_seen_as_they_come,
        a_regular_file_is_read_to_its_end,
        lines_typed_at_a_terminal_are_seen_as_they_come,
        an_input_that_is_empty_ends_the_program,
    ],
    "resolve_names": [a_name_is_found_and_another_is_not],
}

if __name__ == "__main__":
    chosen = harness.arguments(__doc__)
    run_promises(PROMISES[pathlib.Path(chosen.program).name], chosen)
