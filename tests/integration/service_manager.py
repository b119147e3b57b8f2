"""What a service manager hears of a program: sd_notify(3). The manager is this script."""

import contextlib
import os
import signal
import socket
import tempfile
import threading

import harness
from conversation import run_promises
from manager import Manager, Started


@contextlib.contextmanager
def managed(command, *options, **variables):
    with tempfile.TemporaryDirectory() as folder, Manager(os.path.join(folder, "notify")) as manager:
        with Started([*command, "--port", "0", *options], environment={"NOTIFY_SOCKET": manager.path, **variables}) as server:
            yield manager, server


def hears_of_start_and_stop(command):
    with managed(command) as (manager, server):
        manager.expect(READY="1")
        harness.check(server.read_line().startswith("listening on tcp://"), "ready before it listens")
        server.signal()
        manager.expect(STOPPING="1")
        harness.check(server.wait() == 0, "the status is not 0")


def hears_of_workers_as_of_one(command):
    with managed(command, "--processes", "2") as (manager, server):
        manager.expect(READY="1")
        server.signal()
        manager.expect(STOPPING="1")
        harness.check(server.wait() == 0, "the status is not 0")
        manager.socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            raise harness.Failure(f"heard besides: {manager.hear()}")


def may_have_an_abstract_name(command):
    with Manager(f"@cetane-test-{os.getpid()}") as manager:
        with Started([*command, "--port", "0"], environment={"NOTIFY_SOCKET": manager.path}) as server:
            manager.expect(READY="1")
            server.stop()
            manager.expect(STOPPING="1")


def hears_nothing_of_a_start_that_fails(command):
    with socket.create_server(("127.0.0.1", 0)) as taken, tempfile.TemporaryDirectory() as folder:
        with Manager(os.path.join(folder, "notify")) as manager:
            with Started([*command, "--port", taken.getsockname()[1]], environment={"NOTIFY_SOCKET": manager.path}) as server:
                harness.check(server.wait() == 3, "it started")
            manager.socket.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                raise harness.Failure(f"heard {manager.hear()}")


def that_is_gone_harms_nothing(command):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "notify")
        with Started([*command, "--port", "0"], environment={"NOTIFY_SOCKET": path}) as server:
            server.read_line()
            server.stop()
            said = server.stderr()
            words = f'cannot tell the service manager at unix:{path} "READY=1": no such file or directory'
            harness.check(words in said and said.count("cannot tell") == 1, said)


def that_does_not_read_harms_nothing(command):
    with managed(command) as (manager, server):
        manager.expect(READY="1")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as flood:
            flood.setblocking(False)
            flood.connect(manager.path)
            with contextlib.suppress(BlockingIOError):
                while True:
                    flood.send(b"X=1")
            server.stop()
        harness.check('"STOPPING=1": resource temporarily unavailable' in server.stderr(), server.stderr())


def is_told_that_the_loop_turns(command):
    for options in ([], ["--processes", "1"]):
        with managed(command, *options, WATCHDOG_USEC="20000", WATCHDOG_PID="<pid>") as (manager, server):
            heard = [manager.hear() for _ in range(5)]
            harness.check(heard.count({"WATCHDOG": "1"}) == 4 and {"READY": "1"} in heard, f"heard {heard}")
            with draining(manager):
                server.stop()


@contextlib.contextmanager
def draining(manager):
    """Reads on, so that nobody has to wait for room."""
    ended = threading.Event()

    def read():
        with contextlib.suppress(OSError, harness.Failure):
            while not ended.is_set():
                manager.socket.recv(4096)

    manager.socket.settimeout(0.05)
    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield
    finally:
        ended.set()
        reader.join()


def asks_another_process_for_signs_of_life(command):
    with managed(command, WATCHDOG_USEC="1000", WATCHDOG_PID="1") as (manager, server):
        manager.expect(READY="1")
        server.signal(signal.SIGTERM)
        manager.expect(STOPPING="1")
        server.wait()


PROMISES = [
    hears_of_start_and_stop,
    hears_of_workers_as_of_one,
    may_have_an_abstract_name,
    hears_nothing_of_a_start_that_fails,
    that_is_gone_harms_nothing,
    that_does_not_read_harms_nothing,
    is_told_that_the_loop_turns,
    asks_another_process_for_signs_of_life,
]

if __name__ == "__main__":
    run_promises(PROMISES, harness.arguments(__doc__))
