"""What a program answers to its command line and its environment, in words and in its exit status."""

import os
import re
import socket
import subprocess
import tempfile

import harness

UNDERSTOOD, NOT_UNDERSTOOD, REFUSED = 0, 2, 3


class Answer:
    """What a program that does not serve says before it ends."""

    def __init__(self, command, *options, **variables):
        self.asked = " ".join([*(f"{name}={value}" for name, value in variables.items()), *options])
        done = subprocess.run(
            [*command, *options],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=harness.PATIENCE,
            env={**os.environ, **variables},
        )
        self.status, self.stdout, self.stderr = done.returncode, done.stdout, done.stderr

    def expect(self, status, stdout="", stderr=""):
        """The status, and patterns that all of stdout and stderr match."""
        for name, wanted, got in (("status", status, self.status), ("stdout", stdout, self.stdout), ("stderr", stderr, self.stderr)):
            same = wanted == got if name == "status" else re.fullmatch(wanted, got, re.DOTALL)
            harness.check(same, f"{self.asked}: {name} is {got!r}, not {wanted!r}")


def asks_for_information(command):
    answer = Answer(command, "--help", "--prot")
    answer.expect(UNDERSTOOD, stdout=r"usage: echo .*--port PORT .*\(8013\).*--drain TIME .*--version .*")
    harness.check(answer.stdout.count("\n") < 25, f"--help has {answer.stdout.count(chr(10))} lines")
    Answer(command, "--version").expect(
        UNDERSTOOD, stdout=r"cetane \d+\.\d+\.\d+\ncompiler: (g\+\+|clang) [\d.]+\nbackends compiled in: epoll.*\nusable here: .+\n"
    )


def is_not_understood(command):
    usage = r"\nusage: echo .*--help.*\n"
    for options, complaint in (
        (["--prot", "1"], r"unknown option --prot; did you mean --port\?"),
        (["8013"], r'unexpected argument "8013"'),
        (["--port"], r"--port: a value is missing behind it"),
        (["--port", "eighty"], r'--port: "eighty" is no number'),
        (["--port", "65536"], r"--port: 65536 is no port, .*"),
        (["--backend", "kqueue"], r'--backend: "kqueue" is none of .*'),
        (["--log-level", "loud"], r'--log-level: "loud" is none of .*'),
        (["--drain", "soon"], r'--drain: "soon" is no time; .*'),
        (["--workers", "0"], r"--workers: 0 is too few, .*"),
        (["--workers", "257"], r"--workers: 257 is too many, there are 256 at most"),
        (["--processes", "-1"], r"--processes: -1 is no number of processes, they go from 0 to 1024"),
        (["--processes", "1025"], r"--processes: 1025 is no number of processes, .*"),
        (["--max-requests", "-1", "--processes", "1"], r"--max-requests: -1 is no number of connections"),
        (["--max-requests", "9"], r"--max-requests: it is about --processes; use both"),
        (["--uds", "@echo", "--port", "1"], r"--uds: not together with --port"),
    ):
        Answer(command, *options).expect(NOT_UNDERSTOOD, stderr="echo: " + complaint + usage)
    Answer(command, CETANE_PORT="eighty").expect(NOT_UNDERSTOOD, stderr=r'echo: CETANE_PORT: "eighty" is no number' + usage)


def is_refused(command):
    Answer(command, "--workers", "2", "--processes", "2").expect(REFUSED, stderr=r"echo: --workers: not together with --processes, .*\n")
    Answer(command, "--host", "192.0.2.1").expect(REFUSED, stderr=r"echo: cannot listen on 192\.0\.2\.1:8013: .*no such address; .*\n")
    Answer(command, "--uds", "/no/such/folder").expect(REFUSED, stderr=r"echo: cannot listen on unix:/no/such/folder: .*\n")


def is_in_the_way(command):
    """Another program has the port."""
    with harness.Server(command) as first:
        answer = Answer(command, "--port", str(first.port))
        answer.expect(
            REFUSED,
            stderr=rf"echo: cannot listen on 127\.0\.0\.1:{first.port}: address already in use "
            rf'\(held by pid {first.pid} "echo"\); try --port \d+, or --port 0 for any free port\n',
        )
        Answer(command, CETANE_PORT=str(first.port)).expect(REFUSED, stderr=r"echo: cannot listen on .*\n")


def says_where_it_listens(command):
    """What is typed goes before the environment; a Unix socket has its path in the start line and no port."""
    with harness.Server(command, environment={"CETANE_PORT": "1", "CETANE_HOST": "192.0.2.1"}) as server:
        with server.connect() as client:
            client.sendall(b"hello\n")
            harness.check(client.recv(100) == b"you said hello\n", "no answer over TCP")

    with tempfile.TemporaryDirectory() as folder:
        serves_on_a_path(command, f"{folder}/echo")


def serves_on_a_path(command, path):
    process = subprocess.Popen([*command, "--uds", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        line = process.stdout.readline()
        harness.check(line == f"listening on unix:{path}\n", f"start line {line!r}")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(harness.PATIENCE)
            client.connect(path)
            client.sendall(b"hello\n")
            harness.check(client.recv(100) == b"you said hello\n", "no answer over the Unix socket")
        process.terminate()
        status = process.wait(harness.PATIENCE)
        harness.check(status == 0, f"the status is {status}, not 0")
        harness.check(not os.path.exists(path), "the socket's file is still there")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test(chosen):
    for part in (asks_for_information, is_not_understood, is_refused, is_in_the_way, says_where_it_listens):
        part(chosen.command)


if __name__ == "__main__":
    harness.run(test, harness.arguments(__doc__))
