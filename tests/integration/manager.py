"""A service manager: hears what its programs have to tell, and starts them with sockets that it has opened, as sd_notify(3) and sd_listen_fds(3) have it."""

import ctypes
import os
import select
import signal
import socket
import time

from outcome import PATIENCE, Failure, check

__all__ = ["Manager", "Started", "adopt_orphans", "bury_all"]

FIRST_DESCRIPTOR = 3
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans():
    """What the children of this process leave behind becomes its own, so that it sees how they end."""
    check(ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1) == 0, "no subreaper")


def bury_all():
    """Waits for each child, killing those that do not end by themselves; says how they ended."""
    ends = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ends
        if pid == 0:
            for line in open(f"/proc/self/task/{os.getpid()}/children").read().split():
                os.kill(int(line), signal.SIGKILL)
            pid, status = os.waitpid(-1, 0)
        ends[pid] = os.waitstatus_to_exitcode(status)


class Manager:
    """The socket that NOTIFY_SOCKET names."""

    def __init__(self, path):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + path[1:] if path.startswith("@") else path)
        self.socket.settimeout(PATIENCE)
        self.heard = []

    def hear(self):
        """The next message, as a dictionary."""
        try:
            text = self.socket.recv(4096).decode()
        except TimeoutError:
            raise Failure(f"the manager hears nothing more; so far {self.heard}") from None
        self.heard.append(text)
        return dict(line.split("=", 1) for line in text.split("\n"))

    def expect(self, **wanted):
        got = self.hear()
        check(got == wanted, f"the manager heard {got}, not {wanted}")

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Started:
    """A program that is given sockets: pairs of a socket and its name. Its output is read line by line, whichever process writes it."""

    def __init__(self, command, given=(), *, environment=None, variables=None):
        """`environment` is added to this process's, `variables` to what is set for the sockets; a value of None removes one."""
        self.output, theirs = os.pipe()
        self.errors = os.memfd_create("stderr")
        self._received = b""
        self.pid = os.fork()
        if self.pid == 0:
            try:
                ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
                self._run([str(word) for word in command], given, theirs, {**(environment or {}), **(variables or {})})
            finally:
                os._exit(126)
        os.close(theirs)
        self._ended = None

    def _run(self, command, given, output, variables):
        null = os.open(os.devnull, os.O_RDWR)
        moved = [os.dup(each.fileno()) for each, _ in given]
        high = [os.dup(fd) for fd in (null, output, self.errors)]
        while min([*moved, *high], default=99) < FIRST_DESCRIPTOR + len(given):
            moved = [os.dup(fd) for fd in moved]
            high = [os.dup(fd) for fd in high]
        for number, fd in enumerate([*high, *moved]):
            os.dup2(fd, number, inheritable=True)
        os.closerange(FIRST_DESCRIPTOR + len(given), os.sysconf("SC_OPEN_MAX"))
        environment = dict(os.environ)
        if given:
            environment["LISTEN_PID"] = str(os.getpid())
            environment["LISTEN_FDS"] = str(len(given))
            environment["LISTEN_FDNAMES"] = ":".join(name for _, name in given)
        for name, value in variables.items():
            if value is None:
                environment.pop(name, None)
            else:
                environment[name] = value.replace("<pid>", str(os.getpid()))
        os.execve(command[0], command, environment)

    def read_line(self):
        """A line of the output without its end; empty when nobody can write any more."""
        deadline = time.monotonic() + PATIENCE
        while b"\n" not in self._received:
            ready, _, _ = select.select([self.output], [], [], max(0.0, deadline - time.monotonic()))
            check(ready, f"no line within {PATIENCE:.0f} s, only {self._received!r}; stderr:\n{self.stderr()}")
            part = os.read(self.output, 1 << 16)
            if not part:
                break
            self._received += part
        line, _, self._received = self._received.partition(b"\n")
        return line.decode()

    def expect(self, *lines):
        for line in lines:
            got = self.read_line()
            check(got == line, f"expected {line!r}, got {got!r}; stderr:\n{self.stderr()}")

    def stderr(self):
        return os.pread(self.errors, 1 << 22, 0).decode(errors="replace")

    def expect_words(self, *words):
        """Waits until all of them are on stderr."""
        deadline = time.monotonic() + PATIENCE
        while missing := [each for each in words if each not in self.stderr()]:
            check(time.monotonic() < deadline, f"{missing[0]!r} was not said, but:\n{self.stderr()}")
            select.select([], [], [], 0.005)

    def signal(self, number=signal.SIGTERM):
        os.kill(self.pid, number)

    def wait(self):
        """Waits for the end of the process that was started, and gives its status."""
        if self._ended is None:
            self._ended = wait_for(self.pid)
        return self._ended

    def stop(self):
        self.signal()
        status = self.wait()
        check(status == 0, f"the status is {status}, not 0; stderr:\n{self.stderr()}")

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            print("stderr:", *self.stderr().splitlines()[-30:], sep="\n  ", flush=True)
        if self._ended is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.output)
        os.close(self.errors)


def wait_for(pid):
    """The status of a child of this process's, be it by adoption."""
    pidfd = os.pidfd_open(pid)
    try:
        ready, _, _ = select.select([pidfd], [], [], PATIENCE)
        check(ready, f"process {pid} does not end")
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    finally:
        os.close(pidfd)
