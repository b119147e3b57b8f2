"""diesel's examples do what their opening comments say. The program's name chooses what is tried."""

import os
import pathlib
import re
import signal
import socket
import tempfile

import harness
from certificates import Certificates
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


# combined_tls


def all_echoes_come_back_over_tls(command):
    with Certificates() as certificates:
        certificates.sign_itself("localhost")
        with Program([*command, "--port", "0", *certificates.of("localhost")]) as program:
            line = program.read_line()
            harness.check(line.startswith(b"listening on tcp://127.0.0.1:"), f"the first line is {line!r}")
            program.expect("TLSv1.3 with localhost", "5000 echoes came back")
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


# fanout, dispatch, event, queue, santa and others: tasks, and what is between them


def every_listener_hears_every_message_in_order(command):
    with Program(command) as program:
        lines = program.read_lines()
        program.expect_end()
    for listener in range(10):
        start = f"listener {listener} heard "
        own = [line for line in lines if line.startswith(start)]
        harness.check(own == [f"{start}message {number}" for number in range(5)], f"printed {own}")
    harness.check(len(lines) == 51 and lines[-1] == "all have heard everything", f"printed {lines}")


def every_job_is_done_once_and_every_worker_has_its_share(command):
    with Program(command) as program:
        lines = program.read_lines()
        program.expect_end()
    done = [re.fullmatch(r"worker (\d) does job (\d+)", line) for line in lines[:-1]]
    harness.check(all(done) and lines[-1:] == ["all jobs are done"], f"printed {lines}")
    harness.check(sorted(int(each[2]) for each in done) == list(range(50)), f"printed {lines}")
    by_worker = [[int(each[2]) for each in done if each[1] == str(worker)] for worker in range(10)]
    harness.check(set(range(25)) <= set(by_worker[0]), "the first worker has not got what had waited")
    harness.check(all(len(jobs) >= 2 for jobs in by_worker), f"unequal shares: {by_worker}")


def nobody_starts_before_the_shot(command):
    with Program([*command, "--pause", "0.01"]) as program:
        program.expect(*[f"racer {number} is ready" for number in range(10)])
        program.expect("go!")
        program.expect(*[f"racer {number} is off" for number in range(10)])
        program.expect("racer 10 is ready", "racer 10 is off")
        program.expect_end()


def the_wait_has_an_end_and_later_all_items_come(command):
    with Program([*command, "0.01"]) as program:
        program.expect("nothing came within 10 ms", "got 1", "got 2", "got 3", "got 4", "got 5", "no more")
        program.expect_end()


def all_workers_take_the_same_number(command):
    with Program(command) as program:
        lines = program.read_lines()
        program.expect_end()
    shares = [f"worker {number} took 10000" for number in range(10)]
    harness.check(sorted(lines[:-1]) == shares, f"printed {lines}")
    harness.check(re.fullmatch(r"\d+ items a second", lines[-1]), f"printed {lines[-1]!r}")


def every_shot_hits(command):
    with Program(command) as program:
        program.expect("hit 50000 times, last by shot 50000")
        speed = program.read_line()
        program.expect_end()
    harness.check(re.fullmatch(rb"\d+ shots a second\n", speed), f"printed {speed!r}")


def items_of_both_queues_are_taken_each_in_its_order(command):
    with Program([*command, "0.01"]) as program:
        lines = program.read_lines()
        program.expect_end()
    for side in ("left", "right"):
        own = [line for line in lines if line.startswith(side)]
        harness.check(own == [f"{side}: {number}" for number in (1, 2, 3)], f"printed {lines}")
    harness.check(len(lines) == 7 and lines[-1] == "nothing on either side", f"printed {lines}")


def letters_are_mixed_without_the_lock_and_together_with_it(command):
    with Program(command) as program:
        program.expect("free for all: abcabcabc", "synchronized: aaabbbccc")
        program.expect_end()


def elves_come_by_threes_and_reindeer_all_together(command):
    sizes = {"elves": 3, "reindeer": 9}
    outcomes = {"elves": "was helped", "reindeer": "is back"}
    with Program([*command, "--longest", "0.01"]) as program:
        lines = program.read_lines()
        program.expect_end()
    groups = dict.fromkeys(sizes, 0)
    while lines:
        kind, number, *_ = lines.pop(0).split()
        harness.check(int(number) == groups.get(kind), f"{kind} {number} at the door, after {groups}")
        groups[kind] += 1
        members, lines = lines[: sizes[kind]], lines[sizes[kind] :]
        names = {member.removesuffix(f" {outcomes[kind]}") for member in members}
        harness.check(len(names) == sizes[kind], f"{kind} {number}: {members}")
        harness.check(all(member.endswith(outcomes[kind]) for member in members), f"{kind} {number}: {members}")
    harness.check(groups["reindeer"] == 2 and groups["elves"] > 0, f"{groups}")


# child_test, keep_alive, thread_pool, timer_bench


def the_child_ends_with_its_parent_and_sees_why(command):
    with Program([*command, "--pause", "0.01"]) as program:
        program.expect("child: I am here", "parent: good bye", "child: ended, because of: parent")
        program.expect_end()


def what_fails_is_started_again(command):
    with Program([*command, "--pause", "0.01"]) as program:
        program.expect("run 1", "run 2", "run 3")
        program.expect_end()
        ends = program.stderr().count("failed: I should be started again; starts again in 10 ms")
    harness.check(ends >= 2, f"{ends} starts were told of")


def a_job_that_fails_is_lost_and_all_others_are_done(command):
    with Program([*command, "0.001"]) as program:
        lines = program.read_lines()
        program.expect_end()
        harness.check("job 13 brings bad luck" in program.stderr(), f"stderr says {program.stderr()!r}")
    done = [f"job {number} is done" for number in range(1, 21) if number != 13]
    harness.check(sorted(lines[:-1]) == sorted(done), f"printed {lines}")
    harness.check(lines[-1] == "20 jobs, 1 of them failed", f"printed {lines}")


def no_sleep_is_too_short_and_all_end_in_order(command):
    with Program([*command, "--longest", "0.05"]) as program:
        program.expect("10000 tasks slept, 0 of them too short, and woke in the order of their times")
        late = program.read_line()
        program.expect_end()
    harness.check(re.fullmatch(rb"the last one woke \d+\.\d ms late\n", late), f"printed {late!r}")


# signals, stdin_stream


def hear_start(program):
    line = program.read_line()
    harness.check(re.fullmatch(rb"waiting for SIGHUP, as pid \d+\n", line), f"printed {line!r}")


def each_signal_is_heard_and_the_third_ends_the_program(command):
    with Program([*command, "--period", "3600"]) as program:
        hear_start(program)
        for number in (1, 2, 3):
            program.signal(signal.SIGHUP)
            program.expect(f"SIGHUP, number {number}")
        program.expect_end()


def without_a_signal_it_says_so_and_goes_on(command):
    silence = b"no signal in the last 10 ms\n"
    with Program([*command, "--period", "0.01"]) as program:
        hear_start(program)
        for _ in range(2):
            line = program.read_line()
            harness.check(line == silence, f"printed {line!r}")
        program.signal(signal.SIGHUP)
        while (line := program.read_line()) == silence:
            pass
        harness.check(line == b"SIGHUP, number 1\n", f"printed {line!r}")


def typed_lines_are_seen_at_once(command):
    with Program([*command, "--period", "3600"]) as program:
        for line in ("one", "", "three"):
            program.say(line.encode() + b"\n")
            program.expect(f"you typed {line}")
        program.say(b"last")
        program.end_input()
        program.expect("you typed last")
        program.expect_end()


def while_nothing_is_typed_time_goes_on(command):
    waiting = b"still waiting\n"
    with Program([*command, "--period", "0.01"]) as program:
        for _ in range(2):
            line = program.read_line()
            harness.check(line == waiting, f"printed {line!r}")
        program.say(b"hello\n")
        while (line := program.read_line()) == waiting:
            pass
        harness.check(line == b"you typed hello\n", f"printed {line!r}")


# echo_client


def what_is_typed_is_sent_and_the_answer_printed(command):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(harness.PATIENCE)
        with Program([*command, "127.0.0.1", str(listener.getsockname()[1])]) as client:
            accepted, _ = listener.accept()
            accepted.settimeout(harness.PATIENCE)
            with Conversation(accepted) as peer:
                for line in ("hello", "how are you?"):
                    client.say(line.encode() + b"\n")
                    peer.expect(line)
                    peer.say(f"you said {line}\r\n".encode())
                    client.expect(f"you said {line}")
                client.end_input()
                client.expect_end()
                peer.expect_end()


def a_client_without_a_server_says_so(command):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with Program([*command, "127.0.0.1", str(closed.getsockname()[1])]) as client:
            client.expect_end(status=1)
            harness.check("refused" in client.stderr(), f"stderr says {client.stderr()!r}")


# consolechat


def chat_client(command, server, nick):
    return Program([*command, "client", nick, server.host, str(server.port)])


def what_one_types_the_others_read(command):
    with harness.Server([*command, "server"]) as server:
        with chat_client(command, server, "anna") as anna, chat_client(command, server, "bob") as bob:
            anna.expect("hello anna")
            bob.expect("hello bob")
            anna.say(b"how are you?\n")
            bob.expect("<anna> how are you?")
            bob.say(b"fine\n")
            anna.expect("<bob> fine")  # and nothing of her own
            for person in (anna, bob):
                person.end_input()
                person.expect_end()


def a_server_that_stops_ends_its_clients(command):
    with harness.Server([*command, "server"]) as server, chat_client(command, server, "anna") as anna:
        with chat_client(command, server, "bob") as bob:
            anna.expect("hello anna")
            bob.expect("hello bob")
            server.stop()
            for person in (anna, bob):
                person.expect_end()


def without_a_part_to_play_it_says_how_to_call_it(command):
    for words in ([], ["client"], ["both"]):
        with Program([*command, *words]) as program:
            program.expect_end(status=2)


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
    "combined_tls": [all_echoes_come_back_over_tls],
    "stdin": [
        lines_from_a_pipe_are_seen_as_they_come,
        a_regular_file_is_read_to_its_end,
        lines_typed_at_a_terminal_are_seen_as_they_come,
        an_input_that_is_empty_ends_the_program,
    ],
    "resolve_names": [a_name_is_found_and_another_is_not],
    "fanout": [every_listener_hears_every_message_in_order],
    "dispatch": [every_job_is_done_once_and_every_worker_has_its_share],
    "event": [nobody_starts_before_the_shot],
    "queue": [the_wait_has_an_end_and_later_all_items_come],
    "queue_fairness_and_speed": [all_workers_take_the_same_number],
    "fire": [every_shot_hits],
    "newwait": [items_of_both_queues_are_taken_each_in_its_order],
    "synchronized": [letters_are_mixed_without_the_lock_and_together_with_it],
    "santa": [elves_come_by_threes_and_reindeer_all_together],
    "child_test": [the_child_ends_with_its_parent_and_sees_why],
    "keep_alive": [what_fails_is_started_again],
    "thread_pool": [a_job_that_fails_is_lost_and_all_others_are_done],
    "timer_bench": [no_sleep_is_too_short_and_all_end_in_order],
    "signals": [each_signal_is_heard_and_the_third_ends_the_program, without_a_signal_it_says_so_and_goes_on],
    "stdin_stream": [typed_lines_are_seen_at_once, while_nothing_is_typed_time_goes_on],
    "echo_client": [what_is_typed_is_sent_and_the_answer_printed, a_client_without_a_server_says_so],
    "consolechat": [
        what_one_types_the_others_read,
        a_server_that_stops_ends_its_clients,
        without_a_part_to_play_it_says_how_to_call_it,
    ],
}

if __name__ == "__main__":
    chosen = harness.arguments(__doc__)
    run_promises(PROMISES[pathlib.Path(chosen.program).name], chosen)
