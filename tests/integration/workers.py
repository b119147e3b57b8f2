"""A server on several event loops is one server: its options, its limit of descriptors, its dump, its stop, and connections on all of its loops."""

import os
import re
import resource
import signal
import socket
import subprocess
import threading
import time

import harness
from conversation import run_promises

LOOPS = 3


def tasks_by_loop(server, looks):
    """How many tasks each loop shows; `looks` is how often it was asked before."""
    server.signal(signal.SIGUSR1)
    heading = re.compile(r"^event loop (\d+):\n(\d+) tasks?$", re.MULTILINE)
    deadline = time.monotonic() + harness.PATIENCE
    while True:
        told = heading.findall(server.stderr())
        loops = {int(number): int(count) for number, count in told[-LOOPS:]}
        if len(told) == LOOPS * (looks + 1):
            return [loops[number] for number in sorted(loops)]
        harness.check(time.monotonic() < deadline, f"not all loops show their tasks:\n{server.stderr()}")
        with server.connect() as client:
            harness.expect_echo(client, b"are you there?\n")


def connections_are_divided_evenly(command):
    with harness.Server(command, environment={"CETANE_WORKERS": str(LOOPS)}) as server:
        clients = [server.connect() for _ in range(4 * LOOPS)]
        for client in clients:
            harness.expect_echo(client, b"hello\n")
        shown = tasks_by_loop(server, 0)
        harness.check(all(4 <= count <= 5 for count in shown), f"the loops have {shown} tasks")  # one more: a client that looks
        for client in clients:
            client.close()


def the_command_line_goes_before_the_environment(command):
    with harness.Server([*command, "--workers", "1"], environment={"CETANE_WORKERS": "3"}) as server, server.connect() as client:
        harness.expect_echo(client, b"hello\n")
        server.signal(signal.SIGUSR1)
        harness.expect_echo(client, b"hello\n")
        harness.check("event loop" not in server.stderr(), f"one loop needs no number:\n{server.stderr()}")


def refused(command, *options, descriptors=None):
    def lower():
        if descriptors is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

    done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=harness.PATIENCE, preexec_fn=lower)
    return done.returncode, done.stderr


def a_lack_at_the_start_ends_all_loops(command):
    status, said = refused(command, "--workers", "40", "--port", "0", descriptors=40)
    harness.check(status == 3 and "too many open files" in said.lower(), f"a start without descriptors gave {status}: {said!r}")


def a_port_in_use_is_refused(command):
    with harness.Server([*command, "--workers", "2"]) as server:
        status, said = refused(command, "--workers", "2", "--port", str(server.port))
        harness.check(status == 3 and "address already in use" in said, f"the second server gave {status}: {said!r}")


def who_comes_and_goes_leaves_nothing(command):
    with harness.Server([*command, "--workers", str(LOOPS)]) as server, server.connect() as asking:
        harness.expect_echo(asking, b"hello\n")
        before = server.descriptors()
        for _ in range(20):
            clients = [server.connect() for _ in range(10)]
            for client in clients:
                client.sendall(b"hello\n")
            for i, client in enumerate(clients):
                if i % 2:
                    harness.receive_exactly(client, 6)
                    client.close()
                else:
                    harness.reset(client)
        server.wait_for_descriptors(before, asking)


def a_stop_under_load_is_told_once_and_ends_all(command):
    """Every client that was let in has whole lines back, until the end of the stream."""
    with harness.Server([*command, "--workers", str(LOOPS)]) as server:
        faults = []

        def talk():
            try:
                while True:
                    with server.connect() as client:
                        for _ in range(5):
                            client.sendall(b"0123456789\n")
                            answer = b""
                            while not answer.endswith(b"\n"):
                                piece = client.recv(100)
                                if not piece:
                                    if answer:
                                        faults.append(answer)
                                    return
                                answer += piece
            except OSError:
                return  # nobody is let in any more

        talkers = [threading.Thread(target=talk) for _ in range(12)]
        for each in talkers:
            each.start()
        with server.connect() as client:
            for _ in range(20):
                harness.expect_echo(client, b"hello\n")
        harness.check(server.stop() == 0, "the status is not 0")
        for each in talkers:
            each.join(harness.PATIENCE)
        harness.check(not faults, f"answers were cut off: {faults[:3]}")
        said = server.stderr()
        harness.check(said.count("stopping: ") == 1 and said.count("stopped: ") == 1, f"the stop is told so:\n{said}")


def a_unix_socket_is_divided_as_well(command):
    name = f"@cetane-workers-{os.getpid()}"
    done = subprocess.Popen([*command, "--workers", str(LOOPS), "--uds", name], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        harness.check(done.stdout.readline().startswith(b"listening on unix:"), "it does not say where it listens")
        clients = []
        for _ in range(2 * LOOPS):
            client = socket.socket(socket.AF_UNIX)
            client.settimeout(harness.PATIENCE)
            client.connect("\0" + name[1:])
            harness.expect_echo(client, b"hello\n")
            clients.append(client)
        done.send_signal(signal.SIGTERM)
        for client in clients:
            harness.expect_end(client)
            client.close()
        harness.check(done.wait(harness.PATIENCE) == 0, "the status is not 0")
    finally:
        done.kill()
        done.wait()
        done.stdout.close()


PROMISES = [
    connections_are_divided_evenly,
    the_command_line_goes_before_the_environment,
    a_lack_at_the_start_ends_all_loops,
    a_port_in_use_is_refused,
    who_comes_and_goes_leaves_nothing,
    a_stop_under_load_is_told_once_and_ends_all,
    a_unix_socket_is_divided_as_well,
]

if __name__ == "__main__":
    run_promises(PROMISES, harness.arguments(__doc__))
