"""Starts a server program, finds out where it listens, looks at it from outside, and ends it.

Every script of this folder that needs a running server takes the path of its program, and behind it the program's own options:

    with Server(["build/examples/echo_raw", "--backend", "epoll"]) as server:
        with server.connect() as client:
            client.sendall(b"hello")

The port is always a free one of the kernel's choice. Nothing here sleeps: what must happen is waited for on a descriptor, or, where only /proc shows it,
looked for again after each answer of the server to one more question (`wait_for_descriptors`). Leaving the `with` block ends the server whatever happened, and
a server that did not end by itself, on SIGTERM, with status 0, is a failure.
"""

import argparse
import contextlib
import ctypes
import os
import pathlib
import re
import resource
import select
import signal
import socket
import subprocess
import tempfile
import time

from clients import expect_echo, expect_end, receive_exactly, reset, send_until_full
from outcome import PATIENCE, Failure, check, run, skip

__all__ = [
    *("Server", "arguments", "own_address", "raise_descriptor_limit"),
    *("expect_echo", "expect_end", "receive_exactly", "reset", "send_until_full"),
    *("PATIENCE", "Failure", "check", "run", "skip"),
]

START_LINE = re.compile(rb"^listening on (?:tcp|udp)://(?:\[([^\]]*)\]|([^:]*)):(\d+)(?: \(inherited\))?$")
PAGE = os.sysconf("SC_PAGE_SIZE")
PR_SET_PDEATHSIG = 1
IP_BIND_ADDRESS_NO_PORT = 24  # the port of a bound client is chosen by connect(), so that each server address has all ports


def own_address():
    """A loopback address that no other test of this run listens on, so that a port may be used again without luck."""
    pid = os.getpid()
    return f"127.{1 + (pid >> 16) % 254}.{(pid >> 8) & 255}.{1 + (pid & 255) % 254}"


def raise_descriptor_limit(wanted):
    """Raises this process's soft limit to the hard one; says whether `wanted` descriptors fit."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard >= wanted


class Server:
    """A running server program."""

    def __init__(self, command, *, host="127.0.0.1", port=0, environment=None, descriptor_limit=None, wrapper=(), patience=PATIENCE):
        """`wrapper` stands before the command, as valgrind or strace do; `descriptor_limit` is set soft and hard."""
        self.command = [*wrapper, *map(str, command), "--host", host, "--port", str(port)]
        self.host = host
        self.patience = patience
        self._limit = descriptor_limit
        self._wrapped = bool(wrapper)
        self._stderr = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env={**os.environ, **(environment or {})},
            preexec_fn=self._prepare_child,
        )
        self.pid = self._process.pid
        try:
            self.port = self._read_start_line()
            self.pid = self._find_pid()
        except BaseException:
            self._kill()
            raise

    def _prepare_child(self):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if self._limit is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (self._limit, self._limit))

    def _read_start_line(self):
        line = b""
        deadline = time.monotonic() + self.patience
        pipe = self._process.stdout.fileno()
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))
            check(ready, f"no start line within {self.patience:.0f} s, only {line!r}; stderr:\n{self.stderr()}")
            byte = os.read(pipe, 1)
            check(byte, f"ended before its start line; stderr:\n{self.stderr()}")
            line += byte
        match = START_LINE.match(line.rstrip(b"\n"))
        check(match, f"an unknown start line: {line!r}")
        return int(match[3])

    def _find_pid(self):
        """The server's own pid: that of the only child when a wrapper such as strace runs beside it."""
        pid = self._process.pid
        if not self._wrapped:
            return pid
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return int(children[0]) if children else pid

    # clients

    def connect(self, source=None, patience=None):
        """A connected blocking socket, which gives up after `patience` seconds of silence."""
        client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            client.settimeout(self.patience if patience is None else patience)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if source is not None:
                client.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
                client.bind((source, 0))
            client.connect((self.host, self.port))
        except BaseException:
            client.close()
            raise
        return client

    def wait_for_descriptors(self, count, ask):
        """Looks how many descriptors are open, between questions to the server over the connection `ask`, until it is `count`."""
        deadline = time.monotonic() + self.patience
        while (now := self.descriptors()) != count:
            check(time.monotonic() < deadline, f"{now} descriptors are open after {self.patience:.0f} s, not {count}")
            expect_echo(ask, b"are you there?\r\n")

    # what /proc tells

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def resident_bytes(self):
        return int(pathlib.Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * PAGE

    def processor_times(self):
        """Seconds that all threads together have run, and seconds that they have waited for a processor."""
        times = [0, 0]
        for task in pathlib.Path(f"/proc/{self.pid}/task").iterdir():
            with contextlib.suppress(FileNotFoundError):  # a thread that has just ended
                for i, figure in enumerate((task / "schedstat").read_text().split()[:2]):
                    times[i] += int(figure) / 1e9
        return times

    def stderr(self):
        """What the server has said so far; read beside it, since it shares the file's position."""
        return os.pread(self._stderr.fileno(), 1 << 20, 0).decode(errors="replace")

    def alive(self):
        return self._process.poll() is None

    # the end

    def signal(self, number=signal.SIGTERM):
        if self.alive():
            os.kill(self.pid, number)

    def wait(self):
        """Waits for the end and gives the exit status."""
        try:
            return self._process.wait(self.patience)
        except subprocess.TimeoutExpired:
            raise Failure(f"the server did not end within {self.patience:.0f} s; stderr:\n{self.stderr()}") from None

    def stop(self):
        self.signal()
        return self.wait()

    def _kill(self):
        if self.alive() and self.pid != self._process.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        try:
            if kind is not None:
                if not self.alive():
                    print(f"the server had ended with status {self._process.returncode}", flush=True)
                print_tail(self.stderr())
            elif self.alive():
                status = self.stop()
                check(status == 0, f"SIGTERM ended the server with status {status}, not 0; stderr:\n{self.stderr()}")
            elif self._process.returncode != 0:
                raise Failure(f"the server ended by itself with status {self._process.returncode}; stderr:\n{self.stderr()}")
        finally:
            self._kill()
            self._process.stdout.close()
            self._stderr.close()


def print_tail(text, lines=20):
    if text.strip():
        print("the server's last words:", *text.splitlines()[-lines:], sep="\n  ", flush=True)


def arguments(description, add_options=None):
    """Own options first, then the server's program and whatever options it shall get."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    if add_options is not None:
        add_options(parser)
    parser.add_argument("program", help="the server to test")
    parser.add_argument("options", nargs=argparse.REMAINDER, help="options for the server, such as --backend epoll")
    chosen = parser.parse_args()
    chosen.command = [chosen.program, *chosen.options]
    return chosen
