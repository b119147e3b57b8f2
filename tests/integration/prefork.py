"""A server in several processes: a master, and workers that share its port."""

import contextlib
import os
import pathlib
import select
import signal
import socket
import tempfile
import time

import harness
from conversation import run_promises
from program import Program


def children(pid):
    """The processes that this one has made and not forgotten, with their states."""
    found = {}
    with contextlib.suppress(FileNotFoundError):
        for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                found[int(child)] = pathlib.Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0]
    return found


def workers(server):
    return {pid for pid, state in children(server.pid).items() if state != "Z"}


def wait_until(holds, server, promise):
    """Looks again after each round trip, until it holds."""
    deadline = time.monotonic() + harness.PATIENCE
    while not holds():
        harness.check(time.monotonic() < deadline, f"{promise}: not within {harness.PATIENCE:.0f} s; stderr:\n{server.stderr()}")
        with server.connect() as client:
            harness.expect_echo(client, b"are you there?\n")


@contextlib.contextmanager
def running(command, *options, count=3):
    with harness.Server([*command, "--processes", count, *options]) as server:
        wait_until(lambda: len(workers(server)) == count, server, f"{count} workers")
        yield server
        if server.alive():
            wait_until(lambda: "Z" not in children(server.pid).values(), server, "no zombie")


def ends(pidfd):
    """Waits for the end of a process that may be anybody's child."""
    ready, _, _ = select.select([pidfd], [], [], harness.PATIENCE)
    return bool(ready)


def held_up(server):
    """A client that does not read what comes back, so that its handler stays at work."""
    client = server.connect()
    harness.send_until_full(client, b"x" * 65536, 1 << 30)
    return client


def a_killed_worker_is_replaced(command):
    with running(command) as server:
        for _ in range(2):
            victim = min(workers(server))
            os.kill(victim, signal.SIGKILL)
            wait_until(lambda: f"worker {victim} killed by signal 9; another one starts in " in server.stderr(), server, "a word on it")
            wait_until(lambda: len(workers(server)) == 3 and victim not in children(server.pid), server, "another worker")


def a_restart_replaces_all_and_refuses_nobody(command):
    with running(command) as server:
        for _ in range(3):
            before = workers(server)
            with server.connect() as old:
                harness.expect_echo(old, b"before\n")
                server.signal(signal.SIGHUP)
                wait_until(lambda: workers(server) - before, server, "a new worker")
                harness.expect_echo(old, b"still here\n")  # its worker goes on with what it has
            wait_until(lambda: not workers(server) & before, server, "all workers replaced")
            harness.check(len(workers(server)) == 3, f"workers: {workers(server)}")


def a_stop_answers_those_in_progress(command):
    lines = [str(pathlib.Path(command[0]).with_name("echo")), *command[1:]]
    with harness.Server([*lines, "--processes", "2"]) as server, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.connect()) for _ in range(8)]
        for client in clients:
            client.sendall(b"one\ntw")
            harness.check(harness.receive_exactly(client, 13) == b"you said one\n", "another answer")
        server.signal(signal.SIGTERM)
        deadline = time.monotonic() + harness.PATIENCE
        while (said := server.stderr()).count(": stopping: ") < 2:
            harness.check(time.monotonic() < deadline, f"not both workers stop:\n{said}")
        for client in clients:
            client.sendall(b"o\n")
            harness.check(harness.receive_exactly(client, 13) == b"you said two\n", "no answer")
            harness.expect_end(client)
        harness.check(server.wait() == 0, "the status is not 0")


def a_stop_refuses_newcomers(command):
    with running(command, "--drain", "10min") as server:
        client = held_up(server)
        server.signal(signal.SIGTERM)
        deadline = time.monotonic() + harness.PATIENCE
        with contextlib.suppress(ConnectionRefusedError, ConnectionResetError):
            while time.monotonic() < deadline:
                server.connect().close()
            raise harness.Failure(f"clients are still let in; stderr:\n{server.stderr()}")
        harness.reset(client)
        harness.check(server.wait() == 0, "the status is not 0")


def quit_does_not_wait(command):
    with running(command, "--drain", "10min") as server:
        client = held_up(server)
        server.signal(signal.SIGQUIT)
        harness.check(server.wait() == 0, "the status is not 0")
        client.close()
        harness.check("stopping at once: 3 workers" in server.stderr(), server.stderr())


def a_second_signal_does_not_wait(command):
    server = harness.Server([*command, "--processes", 2, "--drain", "10min"])
    try:
        client = held_up(server)
        server.signal(signal.SIGINT)
        deadline = time.monotonic() + harness.PATIENCE
        with contextlib.suppress(ConnectionRefusedError, ConnectionResetError):
            while time.monotonic() < deadline:
                server.connect().close()
        server.signal(signal.SIGTERM)
        harness.check(server.wait() == 128 + signal.SIGTERM, "another status")
        client.close()
    finally:
        server._kill()


def workers_end_when_their_master_is_killed(command):
    server = harness.Server([*command, "--processes", 3])
    try:
        wait_until(lambda: len(workers(server)) == 3, server, "3 workers")
        with contextlib.ExitStack() as stack:
            watched = [os.pidfd_open(pid) for pid in workers(server)]
            for pidfd in watched:
                stack.callback(os.close, pidfd)
            idle = stack.enter_context(server.connect())
            harness.expect_echo(idle, b"hello\n")
            os.kill(server.pid, signal.SIGKILL)
            harness.expect_end(idle)
            for pidfd in watched:
                harness.check(ends(pidfd), f"a worker goes on without its master; stderr:\n{server.stderr()}")
            harness.check("the master has ended" in server.stderr(), server.stderr())
    finally:
        server._kill()


def a_worker_serves_as_many_as_it_shall(command):
    with running(command, "--max-requests", "4", count=1) as server:
        first = workers(server)
        clients = [server.connect() for _ in range(4)]
        for client in clients:
            harness.expect_echo(client, b"served\n")
        wait_until(lambda: workers(server) - first, server, "another worker")
        for client in clients:
            harness.expect_echo(client, b"still served\n")
            client.close()
        wait_until(lambda: not workers(server) & first, server, "the end of the first worker")


def a_signal_for_a_look_goes_to_all(command):
    with running(command, count=2) as server, server.connect() as client:
        harness.expect_echo(client, b"hello\n")
        server.signal(signal.SIGUSR1)
        wait_until(lambda: "echo_raw.cpp:" in server.stderr(), server, "the tasks of a worker")


def what_keeps_all_from_starting_is_said_once(command):
    with harness.Server([*command, "--processes", "2"]) as first:
        with Program([*command, "--processes", "2", "--port", first.port]) as second:
            second.expect_end(status=3)
            said = second.stderr()
            harness.check(said.count("address already in use (held by pid ") == 1, said)


def a_unix_socket_is_removed_once(command):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "socket")
        with Program([*command, "--processes", "2", "--uds", path]) as server:
            server.expect(f"listening on unix:{path}")
            pid = server._process.pid
            victim = min(children(pid))
            with contextlib.closing(os.fdopen(os.pidfd_open(victim), "rb")) as pidfd:
                os.kill(victim, signal.SIGTERM)  # as if it were told to stop
                ends(pidfd)
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(harness.PATIENCE)
                client.connect(path)
                harness.expect_echo(client, b"hello\n")
            server.signal(signal.SIGTERM)
            server.expect_end()
            harness.check(not os.path.exists(path), "the file is still there")


PROMISES = [
    a_killed_worker_is_replaced,
    a_restart_replaces_all_and_refuses_nobody,
    a_stop_answers_those_in_progress,
    a_stop_refuses_newcomers,
    quit_does_not_wait,
    a_second_signal_does_not_wait,
    workers_end_when_their_master_is_killed,
    a_worker_serves_as_many_as_it_shall,
    a_signal_for_a_look_goes_to_all,
    what_keeps_all_from_starting_is_said_once,
    a_unix_socket_is_removed_once,
]

if __name__ == "__main__":
    run_promises(PROMISES, harness.arguments(__doc__))
