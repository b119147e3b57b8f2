"""Runs a program that is no server: writes to its input, reads its output line by line, and waits for its end."""

import ctypes
import fcntl
import os
import pty
import select
import signal
import subprocess
import termios
import time

from outcome import PATIENCE, Failure, check

__all__ = ["Program", "Terminal"]

PR_SET_PDEATHSIG = 1


class Program:
    """A running program with pipes for input and output, or with the files that it is given."""

    def __init__(self, command, *, stdin=subprocess.PIPE, environment=None, patience=PATIENCE):
        self.patience = patience
        self._received = b""
        self._said = b""  # on stderr
        self._start(list(map(str, command)), stdin, {**os.environ, **(environment or {})})

    def _start(self, command, stdin, environment):
        self._process = subprocess.Popen(
            command,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            bufsize=0,
            preexec_fn=self._prepare_child,
        )
        self._input = self._process.stdin.fileno() if self._process.stdin else None
        self._output = self._process.stdout.fileno()

    def _prepare_child(self):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    # conversation

    def say(self, text):
        view = memoryview(text)
        while view:
            view = view[os.write(self._input, view) :]

    def end_input(self):
        self._process.stdin.close()

    def read_line(self):
        """A line with its end; less at the end of the output."""
        deadline = time.monotonic() + self.patience
        while b"\n" not in self._received:
            ready, _, _ = select.select([self._output], [], [], max(0.0, deadline - time.monotonic()))
            check(ready, f"no line within {self.patience:.0f} s, only {self._received!r}; stderr:\n{self.stderr()}")
            part = self._read_some()
            if not part:
                break
            self._received += part
        line, end, self._received = self._received.partition(b"\n")
        return line + end

    def _read_some(self):
        return os.read(self._output, 1 << 16)

    def expect(self, *lines):
        """The next bytes are exactly these lines, each with LF behind it."""
        for line in lines:
            got = self.read_line()
            check(got == line.encode() + b"\n", f"expected {line!r}, got {got!r}; stderr:\n{self.stderr()}")

    def read_lines(self):
        """All lines up to the end of the output, without their ends."""
        lines = []
        while line := self.read_line():
            lines.append(line.decode().rstrip("\n"))
        return lines

    # the end

    def signal(self, number):
        os.kill(self._process.pid, number)

    def wait(self):
        try:
            return self._process.wait(self.patience)
        except subprocess.TimeoutExpired:
            raise Failure(f"no end within {self.patience:.0f} s; stderr:\n{self.stderr()}") from None

    def expect_end(self, status=0):
        rest = self.read_line()
        check(rest == b"", f"expected the end of the output, got {rest!r}")
        ended_with = self.wait()
        check(ended_with == status, f"ended with status {ended_with}, not {status}; stderr:\n{self.stderr()}")

    def stderr(self):
        """What it has said there so far."""
        pipe = self._process.stderr.fileno()
        while select.select([pipe], [], [], 0)[0] and (part := os.read(pipe, 1 << 16)):
            self._said += part
        return self._said.decode(errors="replace")

    def expect_on_stderr(self, words):
        deadline = time.monotonic() + self.patience
        while words not in self.stderr():
            ready, _, _ = select.select([self._process.stderr], [], [], max(0.0, deadline - time.monotonic()))
            check(ready and self._process.poll() is None, f"expected {words!r} on stderr, got:\n{self.stderr()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe:
                pipe.close()


class Terminal(Program):
    """A program that runs in a terminal of its own: what is said is typed, and control characters do what they do there."""

    CONTROL_C = b"\x03"
    CONTROL_D = b"\x04"

    def _start(self, command, stdin, environment):
        self._master, slave = pty.openpty()
        modes = termios.tcgetattr(slave)
        modes[1] &= ~termios.OPOST  # output as it was written
        modes[3] &= ~termios.ECHO  # nor what was typed
        termios.tcsetattr(slave, termios.TCSANOW, modes)
        self._process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=subprocess.PIPE,
            env=environment,
            bufsize=0,
            start_new_session=True,
            preexec_fn=self._prepare_child,
        )
        os.close(slave)
        self._input = self._output = self._master

    def _prepare_child(self):
        super()._prepare_child()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def _read_some(self):
        try:
            return os.read(self._output, 1 << 16)
        except OSError:  # EIO: the last one that had the terminal open has closed it
            return b""

    def __exit__(self, *_):
        super().__exit__()
        os.close(self._master)
