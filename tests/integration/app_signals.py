"""What signals do to a server: the first is an orderly stop, the second an end at once, and SIGUSR1 a look inside."""

import contextlib
import re
import signal
import time

import harness


def expect_words(server, *words):
    """Waits until the server has said all of the words on stderr."""
    deadline = time.monotonic() + harness.PATIENCE
    while missing := [each for each in words if each not in server.stderr()]:
        harness.check(time.monotonic() < deadline, f"the server did not say {missing[0]!r} but:\n{server.stderr()}")
        with server.connect() as client:  # a round trip for each look
            harness.expect_echo(client, b"are you there?\n")


def stops_in_order(command, number):
    with harness.Server(command) as server:
        clients = [server.connect() for _ in range(3)]
        for client in clients:
            harness.expect_echo(client, b"hello\n")
        server.signal(number)
        for client in clients:
            harness.expect_end(client)
            client.close()
        harness.check(server.wait() == 0, f"the status after signal {number} is not 0")
        for words in ("stopping: 3 connections, up to 5 s (Ctrl-C again to stop now)", "stopped: 3 drained, 0 cut"):
            harness.check(words in server.stderr(), f"{words!r} is missing in:\n{server.stderr()}")


def hold_up(server):
    """A client that does not read what comes back keeps its handler at work, and the server from its end."""
    client = server.connect()
    harness.send_until_full(client, b"x" * 65536, 1 << 30)
    return client


def expect_refusal(server):
    """Waits until nobody is let in any more: the stop has begun."""
    deadline = time.monotonic() + harness.PATIENCE
    with contextlib.suppress(ConnectionRefusedError, ConnectionResetError):  # reset: it was in the backlog of the closing listener
        while time.monotonic() < deadline:
            server.connect().close()
        raise harness.Failure(f"clients are still let in; stderr:\n{server.stderr()}")
    while "stopping: " not in server.stderr():  # said after the listener is closed
        harness.check(server.alive() and time.monotonic() < deadline, f"this is no stop; stderr:\n{server.stderr()}")
    harness.check(server.alive(), f"this is an end, not a stop; stderr:\n{server.stderr()}")


def ends_at_once(command, first, second):
    server = harness.Server([*command, "--drain", "10min"])
    try:
        client = hold_up(server)
        server.signal(first)
        expect_refusal(server)
        server.signal(second)
        status = server.wait()
        harness.check(status == 128 + second, f"the status is {status}, not {128 + second}")
        cut = re.search(r" drained, ([0-9]+) cut", server.stderr())  # of those who were refused one may be there still
        harness.check(cut and int(cut[1]) >= 1, f"nothing was said of the cut:\n{server.stderr()}")
        client.close()
    finally:
        server._kill()


def cuts_at_the_limit(command):
    with harness.Server([*command, "--drain", "100ms"]) as server:
        with hold_up(server):
            begin = time.monotonic()
            harness.check(server.stop() == 0, "the status is not 0")
            harness.check(time.monotonic() - begin >= 1.1, "the limit and the second for clean-up were not kept")
        harness.check("stopped: 0 drained, 1 cut" in server.stderr(), f"nothing was said of the cut:\n{server.stderr()}")


def shows_its_tasks(command):
    with harness.Server(command) as server, server.connect() as client:
        harness.expect_echo(client, b"hello\n")
        server.signal(signal.SIGUSR1)
        host, port = client.getsockname()
        expect_words(server, "1 task\n", "  echo, ", f"{host}:{port}: read from", "echo_raw.cpp:")
        for _ in range(2):  # NEW-30: a second one right behind the first does no harm
            server.signal(signal.SIGUSR1)
        harness.expect_echo(client, b"still here\n")


def shows_them_again_and_again(command):
    """NEW-30: a signal right behind another one does not end the server."""
    with harness.Server(command) as server, server.connect() as client:
        deadline = time.monotonic() + harness.PATIENCE
        for looks in (1, 2, 3):
            server.signal(signal.SIGUSR1)
            server.signal(signal.SIGUSR1)
            while server.stderr().count("1 task\n") < looks:
                harness.check(time.monotonic() < deadline, f"look {looks} is missing in:\n{server.stderr()}")
                harness.expect_echo(client, b"hello\n")
        harness.check(server.alive(), "the server has ended")


def test(chosen):
    stops_in_order(chosen.command, signal.SIGTERM)
    stops_in_order(chosen.command, signal.SIGINT)
    ends_at_once(chosen.command, signal.SIGINT, signal.SIGINT)
    ends_at_once(chosen.command, signal.SIGINT, signal.SIGTERM)
    cuts_at_the_limit(chosen.command)
    shows_its_tasks(chosen.command)
    shows_them_again_and_again(chosen.command)


if __name__ == "__main__":
    harness.run(test, harness.arguments(__doc__))
