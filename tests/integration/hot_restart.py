"""SIGUSR2: a new process takes the place of the old one, on the same sockets, and no client notices.

Clients connect without a pause meanwhile, each time anew; one that is refused, reset, or answered with anything but its question is a failure. A service
manager hears which process is the main one. This script adopts what the programs leave behind, so that it sees how each of them ends.
"""

import contextlib
import os
import pathlib
import shutil
import signal
import socket
import tempfile
import threading
import time

import harness
from conversation import run_promises
from manager import Manager, Started, adopt_orphans, bury_all, wait_for

RESTARTS = 12
HAMMERS = 3


class Hammer:
    """Clients that come and go until they are told to stop."""

    def __init__(self, family, where):
        self.family, self.where = family, where
        self.served, self.failures = 0, []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(HAMMERS)]

    def _run(self):
        question = b"x" * 100 + b"\n"
        while not self._stop.is_set():
            try:
                with socket.socket(self.family) as client:
                    client.settimeout(harness.PATIENCE)
                    client.connect(self.where)
                    client.sendall(question)
                    got = harness.receive_exactly(client, len(question))
                    if got != question:
                        raise OSError(f"answered with {got!r}")
                self.served += 1
            except (OSError, harness.Failure) as failure:
                self.failures.append(repr(failure))

    def __enter__(self):
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for each in self._threads:
            each.join()


def ip_address(line):
    host, _, port = line.rpartition("//")[2].rpartition(":")
    return host, int(port)


class Generations:
    """A server, and the processes that take its place one after the other."""

    def __init__(self, command, manager, place, environment=None, lines=1):
        self.manager = manager
        self.started = Started([*command, *place], environment={"NOTIFY_SOCKET": manager.path, **(environment or {})})
        self.pid = self.started.pid
        manager.expect(READY="1")
        self.lines = [self.started.read_line() for _ in range(lines)]
        self.line = self.lines[0]

    def restart(self):
        """Waits until the new one serves and the old one has ended."""
        old = self.pid
        os.kill(old, signal.SIGUSR2)
        self.expect_reloading()
        news = self.manager.hear()
        harness.check(set(news) == {"MAINPID", "READY"}, f"heard {news}; stderr:\n{self.started.stderr()}")
        self.pid = int(news["MAINPID"])
        harness.check(self.pid != old, "the same process")
        self.started.expect(*(f"{line} (inherited)" for line in self.lines))
        status = self.started.wait() if old == self.started.pid else wait_for(old)
        harness.check(status == 0, f"the old process ended with status {status}; stderr:\n{self.started.stderr()}")

    def expect_reloading(self):
        news = self.manager.hear()
        harness.check(set(news) == {"RELOADING", "MONOTONIC_USEC"} and news["RELOADING"] == "1", f"heard {news}")

    def expect_failure(self, *words):
        """It tries, fails, and goes on."""
        os.kill(self.pid, signal.SIGUSR2)
        self.expect_reloading()
        self.manager.expect(READY="1")
        self.started.expect_words(*words)

    def address(self):
        if self.line.startswith("listening on unix:"):
            return socket.AF_UNIX, self.line.removeprefix("listening on unix:")
        return socket.AF_INET, ip_address(self.line)

    def descriptors(self):
        """What is open, each by its kind."""
        kinds = []
        for fd in os.listdir(f"/proc/{self.pid}/fd"):
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                kinds.append(os.readlink(f"/proc/{self.pid}/fd/{fd}").split(":")[0])
        return sorted(kinds)

    @contextlib.contextmanager
    def client(self):
        family, where = self.address()
        with socket.socket(family) as client:
            client.settimeout(harness.PATIENCE)
            client.connect(where)
            harness.expect_echo(client, b"are you there?\n")
            yield client

    def descriptors_between_questions(self):
        """What is open while one client is there and nothing else is going on."""
        with self.client():
            return self.descriptors()

    def wait_for_descriptors(self, wanted):
        """Looks again between the questions of one client."""
        deadline = time.monotonic() + harness.PATIENCE
        with self.client() as client:
            while (now := self.descriptors()) != wanted:
                harness.check(time.monotonic() < deadline, f"open are {now}, at first {wanted}")
                harness.expect_echo(client, b"are you there?\n")

    def stop(self):
        os.kill(self.pid, signal.SIGTERM)
        self.manager.expect(STOPPING="1")
        status = self.started.wait() if self.pid == self.started.pid else wait_for(self.pid)
        harness.check(status == 0, f"the last process ended with status {status}; stderr:\n{self.started.stderr()}")


@contextlib.contextmanager
def generations(command, *place, environment=None, lines=1):
    with tempfile.TemporaryDirectory() as folder, Manager(os.path.join(folder, "notify")) as manager:
        place = [option.replace("FOLDER", folder) for option in place] or ["--port", "0"]
        try:
            served = Generations(command, manager, place, environment, lines)
            with served.started:
                yield served
                served.stop()
        finally:
            left = bury_all()
        harness.check(not left, f"these were left behind, with their ends: {left}")


@contextlib.contextmanager
def replaceable(command):
    """A copy of the program that may be overwritten."""
    with tempfile.TemporaryDirectory() as folder:
        copy = os.path.join(folder, "server")
        shutil.copy(command[0], copy)
        yield [copy, *command[1:]]


def put(path, text):
    """Another file takes the place of this one."""
    fresh = pathlib.Path(path + ".new")
    fresh.write_text(text)
    fresh.chmod(0o755)
    fresh.rename(path)


def hammered(served, restarts):
    with Hammer(*served.address()) as hammer:
        for _ in range(restarts):
            served.restart()
    harness.check(not hammer.failures, f"{len(hammer.failures)} of {hammer.served} failed: {hammer.failures[:3]}; stderr:\n{served.started.stderr()}")
    harness.check(hammer.served > restarts, f"only {hammer.served} came")
    print(f"{hammer.served} clients in {restarts} restarts", flush=True)


def nobody_is_refused(command, restarts=RESTARTS):
    with generations(command) as served:
        at_first = served.descriptors_between_questions()
        hammered(served, restarts)
        served.wait_for_descriptors(at_first)


def nobody_is_refused_on_a_unix_socket(command):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "socket")
        with generations(command, "--uds", path) as served:
            hammered(served, 5)
            harness.check(os.path.exists(path), "the file was removed by an earlier process")
        harness.check(not os.path.exists(path), "the last process has left the file behind")


def nobody_is_refused_by_workers(command):
    with generations(command, "--port", "0", "--processes", "2") as served:
        hammered(served, 5)


def nobody_is_refused_by_event_loops(command):
    with generations(command, "--port", "0", "--workers", "2") as served:
        hammered(served, 5)


def no_datagram_stays_without_an_answer(command):
    """A plain socket answers each; a session may begin anew in the new process, and answers each as well."""
    udp = str(pathlib.Path(command[0]).with_name("udp_count"))
    with generations([udp, *command[1:]], "--port", "0", "--count-port", "0", lines=2) as served:
        stop, failures, answered = threading.Event(), [], [0, 0]

        def ask(number, where):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.settimeout(harness.PATIENCE)
                client.connect(where)
                try:
                    while not stop.is_set():
                        question = b"question %d" % answered[number]
                        client.send(question)
                        got = client.recv(100)
                        harness.check(got.endswith(question), f"{question} was answered with {got}")
                        answered[number] += 1
                except (OSError, harness.Failure) as failure:
                    failures.append(repr(failure))

        askers = [threading.Thread(target=ask, args=(number, ip_address(line))) for number, line in enumerate(served.lines)]
        for each in askers:
            each.start()
        try:
            for _ in range(5):
                served.restart()
        finally:
            stop.set()
            for each in askers:
                each.join()
        harness.check(not failures and min(answered) > 5, f"answered {answered}, failures: {failures}; stderr:\n{served.started.stderr()}")
        print(f"{answered} datagrams in 5 restarts", flush=True)


def who_is_served_goes_on(command):
    for loops in ("1", "2"):
        go_on_with_those_who_are_served([*command, "--workers", loops])


def go_on_with_those_who_are_served(command):
    with generations(command) as served:
        with served.client() as one, served.client() as other:
            os.kill(served.pid, signal.SIGUSR2)
            served.expect_reloading()
            served.pid = int(served.manager.hear()["MAINPID"])
            served.started.expect_words(f"process {served.pid} has taken over")
            harness.expect_echo(one, b"still here\n")
            harness.expect_echo(other, b"here too\n")
        harness.check(served.started.wait() == 0, "the old process did not end well")
        served.started.expect(served.line + " (inherited)")


def a_new_file_is_taken(command):
    with replaceable(command) as copy, generations(copy) as served:
        real = os.path.join(os.path.dirname(copy[0]), "real")
        os.rename(copy[0], real)
        put(copy[0], f'#!/bin/sh\necho "the new file" >&2\nexec {real} "$@"\n')
        served.restart()
        served.started.expect_words("the new file")


def a_relative_name_is_that_of_the_start(command):
    folder, name = os.path.split(command[0])
    with inside(folder), generations([f"./{name}", *command[1:]]) as served:
        served.restart()


@contextlib.contextmanager
def inside(folder):
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def what_cannot_start_changes_nothing(command):
    with replaceable(command) as copy, generations(copy) as served, Hammer(*served.address()) as hammer:
        put(copy[0], "#!/bin/sh\nexit 3\n")
        served.expect_failure("exited with status 3 before it served; this one goes on")
        put(copy[0], "#!/bin/sh\nkill -SEGV $$\n")
        served.expect_failure("killed by signal 11 before it served; this one goes on")
        put(copy[0], "this is no program")
        served.expect_failure(f"cannot run {copy[0]}: exec format error")
        os.unlink(copy[0])
        served.expect_failure(f"cannot run {copy[0]}: no such file or directory")
        shutil.copy(command[0], copy[0])
        served.restart()
        harness.check(not hammer.failures, f"failures: {hammer.failures[:3]}")


def one_at_a_time(command):
    with replaceable(command) as copy, generations(copy) as served:
        gate = os.path.join(os.path.dirname(copy[0]), "gate")
        os.mkfifo(gate)
        put(copy[0], f'#!/bin/sh\nread line < {gate}\nexec {command[0]} "$@"\n')
        os.kill(served.pid, signal.SIGUSR2)
        served.expect_reloading()
        os.kill(served.pid, signal.SIGUSR2)
        served.started.expect_words("SIGUSR2: process ", " starts already; nothing else does until it serves or fails")
        with open(gate, "w") as let_go:
            let_go.write("go\n")
        served.pid = int(served.manager.hear()["MAINPID"])
        served.started.expect(served.line + " (inherited)")
        harness.check(served.started.wait() == 0, "the old process did not end well")


def a_stop_ends_what_starts(command):
    for workers in ([], ["--processes", "1"]):
        with replaceable(command) as copy, generations([*copy, *workers]) as served:
            put(copy[0], "#!/bin/sh\nexec sleep 1000\n")
            os.kill(served.pid, signal.SIGUSR2)
            served.expect_reloading()  # the end of the `with` stops it, and looks for what is left


def a_stop_need_not_wait_for_the_old_one(command):
    for loops in ("1", "2"):
        end_the_old_one([*command, "--drain", "10min", "--workers", loops])


def end_the_old_one(command):
    with generations(command) as served:
        with served.client() as one, served.client() as other:
            old = served.pid
            os.kill(old, signal.SIGUSR2)
            served.expect_reloading()
            served.pid = int(served.manager.hear()["MAINPID"])
            served.started.expect_words(f"process {served.pid} has taken over", "stopping: 2 connections")
            os.kill(old, signal.SIGUSR2)
            served.started.expect_words(f"SIGUSR2: process {served.pid} has taken over already")
            os.kill(old, signal.SIGTERM)
            harness.expect_end(one)
            harness.expect_end(other)
            harness.check(served.started.wait() == 0, "the old process did not end well")
        served.started.expect(served.line + " (inherited)")


def variables_of_the_start_are_handed_on(command):
    with generations(command, environment={"WATCHDOG_USEC": "3600000000", "CETANE_TEST": "kept"}) as served:
        served.restart()
        served.restart()
        said = pathlib.Path(f"/proc/{served.pid}/environ").read_bytes().split(b"\0")
        for wanted in (b"WATCHDOG_USEC=3600000000", f"WATCHDOG_PID={served.pid}".encode(), b"CETANE_TEST=kept", b"LISTEN_FDS=1"):
            harness.check(said.count(wanted) == 1, f"{wanted} is not once in {said}")


PROMISES = [
    nobody_is_refused,
    nobody_is_refused_on_a_unix_socket,
    nobody_is_refused_by_workers,
    nobody_is_refused_by_event_loops,
    no_datagram_stays_without_an_answer,
    who_is_served_goes_on,
    a_new_file_is_taken,
    a_relative_name_is_that_of_the_start,
    what_cannot_start_changes_nothing,
    one_at_a_time,
    a_stop_ends_what_starts,
    a_stop_need_not_wait_for_the_old_one,
    variables_of_the_start_are_handed_on,
]


def add_options(parser):
    parser.add_argument("--restarts", type=int, default=0, help="only this many restarts in a row, and nothing else")


if __name__ == "__main__":
    chosen = harness.arguments(__doc__, add_options)
    adopt_orphans()
    if chosen.restarts:
        harness.run(lambda options: nobody_is_refused(options.command, options.restarts), chosen)
    else:
        run_promises(PROMISES, chosen)
