"""The same clients ask Python's socketserver and ours: the same hooks are called in the same order, and the same bytes come back.

usage: socketserver_python.py PROGRAM      PROGRAM is socketserver_trace
"""

import contextlib
import os
import pathlib
import socket
import sys
import tempfile

import harness
from program import Program

REFERENCE = pathlib.Path(__file__).with_name("socketserver_reference.py")
SHAPES = ("plain", "threading", "forking")
STREAMS = ("tcp", "unix_stream")
DATAGRAMS = ("udp", "unix_datagram")
OUTCOMES = ("good", "error", "exit")


def a_line(client):
    client.sendall(b"hello world\n")


def no_line(client):
    pass  # the end of the output follows


def half_a_line(client):
    client.sendall(b"hello")


def two_lines(client):
    client.sendall(b"hello\r\nworld\n")


def nothing(client):
    client.send(b"")


def a_long_packet(client):
    client.send(b"x" * 9000)


def receive_all(client):
    text = b""
    while part := client.recv(65536):
        text += part
    return text


def ask(family, place, folder, words):
    """What comes back."""
    with contextlib.ExitStack() as stack:
        kind = socket.SOCK_STREAM if family in STREAMS else socket.SOCK_DGRAM
        client = stack.enter_context(socket.socket(socket.AF_UNIX if isinstance(place, str) else socket.AF_INET, kind))
        client.settimeout(harness.PATIENCE)
        if family == "unix_datagram":
            own = os.path.join(folder, "client")
            client.bind(own)
            stack.callback(os.unlink, own)
        client.connect(place)
        words(client)
        if family in DATAGRAMS:
            return client.recv(65536)
        client.shutdown(socket.SHUT_WR)
        return receive_all(client)


def story(command, shape, family, outcome, words):
    """The reply, and the hooks of the main thread and of the worker, each in their order: between the two there is none."""
    with tempfile.TemporaryDirectory() as folder:
        path = [os.path.join(folder, "server")] if family.startswith("unix") else []
        with Program([*command, shape, family, outcome, *path]) as server:
            begun = [server.read_line(), server.read_line()]  # server_bind and server_activate
            port = int(server.read_line())
            reply = ask(family, path[0] if path else ("127.0.0.1", port), folder, words)
            lines = [line.decode().rstrip("\n") for line in begun] + server.read_lines()
            server.expect_end()
    return {
        "reply": reply,
        "main": [line for line in lines if line.startswith("main ")],
        "worker": [line for line in lines if line.startswith("worker ")],
    }


def cases():
    for shape in SHAPES:
        for families, good in ((STREAMS, (no_line, half_a_line, two_lines)), (DATAGRAMS, (nothing, two_lines, a_long_packet))):
            for family in families:
                yield from ((shape, family, outcome, a_line) for outcome in OUTCOMES)
                yield from ((shape, family, "good", words) for words in good)


def compare(case, command):
    name = ", ".join((*case[:3], case[3].__name__))
    theirs = story([sys.executable, str(REFERENCE)], *case)
    ours = story(command, *case)
    harness.check(theirs["main"], f"{name}: Python's server called nothing")
    for part, expected in theirs.items():
        harness.check(ours[part] == expected, f"{name}: {part}\n  Python: {expected}\n  ours:   {ours[part]}")


def test(chosen):
    failed = passed = 0
    for case in cases():
        try:
            compare(case, chosen.command)
            passed += 1
        except harness.Failure as failure:
            print(f"FAILED: {failure}", flush=True)
            failed += 1
    print(f"{passed} passed, {failed} failed, 0 skipped", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    harness.run(test, harness.arguments(__doc__))
