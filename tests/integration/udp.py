"""Services and clients of datagrams, driven by Python's sockets, by socat and by ncat. The program's name chooses what is tried."""

import pathlib
import re
import shutil
import socket
import subprocess

import harness
from conversation import run_promises
from program import Program


def udp_client(port, patience=harness.PATIENCE):
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.settimeout(patience)
    client.connect(("127.0.0.1", port))
    return client


def expect_answer(client, text, answer):
    client.send(text)
    got = client.recv(65536)
    harness.check(got == answer, f"to {text[:40]!r} came {got[:40]!r}")


class Counters:
    """The program udp_count: where its two services receive."""

    def __init__(self, command, *options):
        self._command = [*command, *options]

    def __enter__(self):
        self.program = Program(self._command)
        self.program.__enter__()
        self.echo_port = self._read_port()
        self.count_port = self._read_port()
        return self

    def _read_port(self):
        line = self.program.read_line()
        match = re.fullmatch(rb"listening on udp://127\.0\.0\.1:(\d+)\n", line)
        harness.check(match, f"printed {line!r}")
        return int(match[1])

    def __exit__(self, *about):
        self.program.__exit__(*about)


ANY_PORTS = ["--port", "0", "--count-port", "0"]


# udp_count


def every_datagram_is_said_back(command):
    with Counters(command, *ANY_PORTS) as server, udp_client(server.echo_port) as client:
        for text in (b"hello", b"", b"\0\xff\r\n", b"x" * 60000):
            expect_answer(client, text, b"you said " + text)


def an_answer_that_is_too_long_ends_nothing(command):
    with Counters(command, *ANY_PORTS) as server, udp_client(server.echo_port, patience=1) as client:
        client.send(b"x" * 65507)  # with "you said " it is longer than a datagram can be
        with udp_client(server.echo_port) as other:
            expect_answer(other, b"still there?", b"you said still there?")


def each_peer_has_a_session(command):
    with Counters(command, *ANY_PORTS) as server:
        with udp_client(server.count_port) as one, udp_client(server.count_port) as other:
            expect_answer(one, b"a", b"1: a")
            expect_answer(one, b"b", b"2: b")
            expect_answer(other, b"c", b"1: c")
            expect_answer(one, b"", b"3: ")


def a_peer_that_is_gone_ends_nothing(command):
    with Counters(command, *ANY_PORTS) as server, udp_client(server.echo_port) as stays:
        for _ in range(20):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as goes:
                goes.sendto(b"no time to wait", ("127.0.0.1", server.echo_port))
        expect_answer(stays, b"hello", b"you said hello")


def socat_gets_its_answer(command):
    if shutil.which("socat") is None:
        harness.skip("there is no socat")
    with Counters(command, *ANY_PORTS) as server:
        done = subprocess.run(
            ["socat", "-t", "2", "-", f"UDP4:127.0.0.1:{server.echo_port}"],
            input=b"hello",
            stdout=subprocess.PIPE,
            timeout=harness.PATIENCE,
            check=True,
        )
    harness.check(done.stdout == b"you said hello", f"socat got {done.stdout!r}")


def ncat_talks(service, conversation):
    """Lets ncat say each line to a service that is told by its port, and expects the answer, which it ends with a line end of its own."""
    if shutil.which("ncat") is None:
        harness.skip("there is no ncat")
    with Program(["ncat", "--udp", "127.0.0.1", str(service)]) as ncat:
        for line, answer in conversation:
            ncat.say(line.encode() + b"\n")
            ncat.expect(answer)
        ncat.signal(15)
        ncat.wait()


def ncat_gets_its_answers(command):
    with Counters(command, *ANY_PORTS) as server:
        ncat_talks(server.echo_port, [("hello", "you said hello"), ("", "you said "), ("x" * 2000, "you said " + "x" * 2000)])
        ncat_talks(server.count_port, [("a", "1: a"), ("b", "2: b")])
        ncat_talks(server.count_port, [("c", "1: c")])


def a_port_that_is_taken_is_refused_with_the_reason(command):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.1", 0))
        port = str(holder.getsockname()[1])
        with Program([*command, "--port", port, "--count-port", "0"]) as program:
            program.expect_end(status=3)
            harness.check(f"cannot listen on 127.0.0.1:{port}" in program.stderr(), program.stderr())


def several_processes_are_refused(command):
    with Program([*command, *ANY_PORTS, "--processes", "2"]) as program:
        program.expect_end(status=3)
        harness.check("--processes" in program.stderr(), program.stderr())


def a_stop_is_quick_and_orderly(command):
    with Counters(command, *ANY_PORTS) as server, udp_client(server.count_port) as client:
        expect_answer(client, b"a", b"1: a")
        server.program.signal(2)
        server.program.expect_end()


# diesel/udp_echo


def the_server_answers(command):
    with harness.Server([*command, "server"]) as server, udp_client(server.port) as client:
        expect_answer(client, b"hello", b"you said hello")
        expect_answer(client, b"", b"you said ")


def ncat_asks_the_server(command):
    with harness.Server([*command, "server"]) as server:
        ncat_talks(server.port, [("hello", "you said hello"), ("still there?", "you said still there?")])


def the_server_answers_on_a_unix_socket(command):
    name = f"cetane-udp-echo-{id(command)}"
    with Program([*command, "server", "--uds", "@" + name]) as program:
        program.expect(f"listening on unix:@{name}")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
            client.settimeout(harness.PATIENCE)
            client.bind("")  # an abstract name of the system's
            client.connect("\0" + name)
            expect_answer(client, b"hello", b"you said hello")


def the_client_prints_answers(command):
    with harness.Server([*command, "server"]) as server:
        with Program([*command, "client", "127.0.0.1", str(server.port)]) as client:
            for line in ("hello", "how are you?", ""):
                client.say(line.encode() + b"\n")
                client.expect(f"you said {line}")
            client.end_input()
            client.expect_end()


def a_client_without_a_server_says_so(command):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with Program([*command, "client", "127.0.0.1", str(port)]) as client:
        client.say(b"anybody?\n")
        client.expect_end(status=1)
        harness.check("refused" in client.stderr(), f"stderr says {client.stderr()!r}")


def without_a_part_to_play_it_says_how_to_call_it(command):
    for words in ([], ["client"], ["both"]):
        with Program([*command, *words]) as program:
            program.expect_end(status=2)


PROMISES = {
    "udp_count": [
        every_datagram_is_said_back,
        an_answer_that_is_too_long_ends_nothing,
        each_peer_has_a_session,
        a_peer_that_is_gone_ends_nothing,
        socat_gets_its_answer,
        a_port_that_is_taken_is_refused_with_the_reason,
        several_processes_are_refused,
        a_stop_is_quick_and_orderly,
        ncat_gets_its_answers,
    ],
    "udp_echo": [
        the_server_answers,
        the_server_answers_on_a_unix_socket,
        the_client_prints_answers,
        a_client_without_a_server_says_so,
        without_a_part_to_play_it_says_how_to_call_it,
        ncat_asks_the_server,
    ],
}

if __name__ == "__main__":
    chosen = harness.arguments(__doc__)
    run_promises(PROMISES[pathlib.Path(chosen.program).name], chosen)
