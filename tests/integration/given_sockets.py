"""Sockets that a program is given by who starts it: socket activation, as sd_listen_fds(3) has it."""

import contextlib
import os
import pathlib
import socket
import tempfile

import harness
from conversation import run_promises
from manager import Started

REFUSED = 3


def listener(family=socket.AF_INET, where=("127.0.0.1", 0), kind=socket.SOCK_STREAM):
    made = socket.socket(family, kind)
    made.bind(where)
    if kind == socket.SOCK_STREAM:
        made.listen()
    return made


def port_of(made):
    return made.getsockname()[1]


def expect_service(family, where, question=b"hello\n", answer=b"hello\n", kind=socket.SOCK_STREAM):
    with socket.socket(family, kind) as client:
        client.settimeout(harness.PATIENCE)
        client.connect(where)
        client.sendall(question)
        got = client.recv(len(answer)) if kind == socket.SOCK_DGRAM else harness.receive_exactly(client, len(answer))
        harness.check(got == answer, f"the answer is {got!r}")


def expect_refusal(command, given, words, **variables):
    with Started(command, given, variables=variables) as program:
        harness.check(program.wait() == REFUSED, "it starts")
        program.expect("")
        harness.check(words in program.stderr(), f"{words!r} is not in {program.stderr()!r}")


def takes_the_one_at_its_address(command):
    with listener() as made, listener() as other:
        given = [(other, "unknown"), (made, "unknown")]
        with Started([*command, "--port", port_of(made)], given) as server:
            server.expect(f"listening on tcp://127.0.0.1:{port_of(made)} (inherited)")
            expect_service(socket.AF_INET, made.getsockname())
            harness.check(f'socket "unknown", tcp://127.0.0.1:{port_of(other)}, is closed: no service has its name or address' in server.stderr(), server.stderr())
            server.stop()


def any_port_is_any_on_its_host(command):
    with listener() as made, listener(where=("127.0.0.2", 0)) as other:
        with Started([*command, "--port", "0"], [(other, "a"), (made, "b")]) as server:
            server.expect(f"listening on tcp://127.0.0.1:{port_of(made)} (inherited)")
            server.stop()


def who_came_before_the_start_is_served(command):
    with listener() as made, socket.create_connection(made.getsockname()) as early:
        early.settimeout(harness.PATIENCE)
        early.sendall(b"early\n")
        with Started([*command, "--port", "0"], [(made, "x")]) as server:
            harness.check(harness.receive_exactly(early, 6) == b"early\n", "no answer")
            early.close()
            server.stop()


def a_unix_socket_is_given_and_stays(command):
    """Who has made the file removes it."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "socket")
        with listener(socket.AF_UNIX, path) as made, Started([*command, "--uds", path], [(made, "x")]) as server:
            server.expect(f"listening on unix:{path} (inherited)")
            expect_service(socket.AF_UNIX, path)
            server.stop()
            harness.check(os.path.exists(path), "the file is gone")


def workers_share_what_is_given(command):
    with listener() as made, Started([*command, "--port", "0", "--processes", "2"], [(made, "x")]) as server:
        server.expect(f"listening on tcp://127.0.0.1:{port_of(made)} (inherited)")
        expect_service(socket.AF_INET, made.getsockname())
        server.stop()


def names_go_before_addresses(command):
    """Two services of datagrams, with each other's ports."""
    udp = str(pathlib.Path(command[0]).with_name("udp_count"))
    with listener(kind=socket.SOCK_DGRAM) as one, listener(kind=socket.SOCK_DGRAM) as other:
        options = ["--echo-port", port_of(one), "--count-port", port_of(other)]
        with Started([udp, *command[1:], *options], [(one, "count"), (other, "echo.socket")]) as server:
            server.expect(f"listening on udp://127.0.0.1:{port_of(other)} (inherited)", f"listening on udp://127.0.0.1:{port_of(one)} (inherited)")
            expect_service(socket.AF_INET, one.getsockname(), b"hello", b"1: hello", socket.SOCK_DGRAM)
            expect_service(socket.AF_INET, other.getsockname(), b"hello", b"you said hello", socket.SOCK_DGRAM)
            server.stop()


def a_name_is_no_reason_to_take_another_kind(command):
    udp = str(pathlib.Path(command[0]).with_name("udp_count"))
    with listener() as stream, Started([udp, *command[1:], "--port", "0", "--count-port", "0"], [(stream, "echo")]) as server:
        harness.check("(inherited)" not in server.read_line() + server.read_line(), "it was taken")
        harness.check('the inherited socket "echo", tcp://' in server.stderr(), server.stderr())
        server.stop()


def what_is_no_listener_is_closed(command):
    with contextlib.ExitStack() as stack:
        plain = stack.enter_context(open(command[0], "rb"))
        deaf = stack.enter_context(socket.socket())
        packets = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
        given = [(plain, "file"), (deaf, "deaf"), (packets, "odd\n")]
        with Started([*command, "--port", "0"], given) as server:
            harness.check("(inherited)" not in server.read_line(), "something was taken")
            for words in (
                'descriptor "file" is closed: it is no socket',
                'descriptor "deaf" is closed: it does not listen',
                'descriptor "odd\\n" is closed: it is neither a stream nor for datagrams',
            ):
                harness.check(words in server.stderr(), server.stderr())
            targets = [os.readlink(f"/proc/{server.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{server.pid}/fd")]
            harness.check(os.path.realpath(command[0]) not in targets, "the file is still open")
            server.stop()


def what_is_for_another_process_is_left_alone(command):
    with listener() as made, Started([*command, "--port", "0"], [(made, "x")], variables={"LISTEN_PID": "1"}) as server:
        harness.check("(inherited)" not in server.read_line(), "it was taken")
        harness.check(os.path.exists(f"/proc/{server.pid}/fd/3"), "it was closed")
        server.stop()


def what_is_given_is_closed_on_exec_and_does_not_block(command):
    with listener() as made, Started([*command, "--port", "0"], [(made, "x")]) as server:
        server.expect(f"listening on tcp://127.0.0.1:{port_of(made)} (inherited)")
        flags = int(pathlib.Path(f"/proc/{server.pid}/fdinfo/3").read_text().split("flags:")[1].split()[0], 8)
        harness.check(flags & os.O_CLOEXEC, "a program that this one runs would have the socket")
        harness.check(flags & os.O_NONBLOCK, "it would block")
        server.stop()


def garbage_is_refused(command):
    with listener() as made:
        given = [(made, "x")]
        for words, variables in (
            ('LISTEN_PID: "me" is no process; it is set by who starts the program, see sd_listen_fds(3)', {"LISTEN_PID": "me"}),
            ('LISTEN_FDS: "many\\n" is no number of sockets, they go from 0 to 1024; ', {"LISTEN_FDS": "many\n"}),
            ('LISTEN_FDS: "-1" is no number', {"LISTEN_FDS": "-1"}),
            ('LISTEN_FDS: "1025" is no number', {"LISTEN_FDS": "1025"}),
            ('LISTEN_FDNAMES: "a:b" has 2 names for 1 socket; ', {"LISTEN_FDNAMES": "a:b"}),
            ('take over the descriptor 4 ("b") that LISTEN_FDS tells of: bad file descriptor', {"LISTEN_FDS": "2", "LISTEN_FDNAMES": "a:b"}),
            ('CETANE_PREDECESSOR: "x" is no link to an earlier run; ', {"CETANE_PREDECESSOR": "x"}),
            ('NOTIFY_SOCKET: "run/notify" is neither an absolute path nor an abstract name; it is set by a service manager', {"NOTIFY_SOCKET": "run/notify"}),
            ('WATCHDOG_USEC: "soon" is no time', {"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "soon"}),
        ):
            expect_refusal([*command, "--port", "0"], given, words, **variables)


PROMISES = [
    takes_the_one_at_its_address,
    any_port_is_any_on_its_host,
    who_came_before_the_start_is_served,
    a_unix_socket_is_given_and_stays,
    workers_share_what_is_given,
    names_go_before_addresses,
    a_name_is_no_reason_to_take_another_kind,
    what_is_no_listener_is_closed,
    what_is_for_another_process_is_left_alone,
    what_is_given_is_closed_on_exec_and_does_not_block,
    garbage_is_refused,
]

if __name__ == "__main__":
    run_promises(PROMISES, harness.arguments(__doc__))
