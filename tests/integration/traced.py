"""A program under strace: what it calls, and what it does when a call fails as it is told to."""

import contextlib
import ctypes
import os
import pathlib
import re
import select
import signal
import subprocess
import tempfile
import threading
import time

from outcome import PATIENCE, Failure, check

PR_SET_PDEATHSIG = 1
PR_SET_PTRACER = 0x59616D61  # lets strace, which is no parent of the program, trace it where Yama restricts that
PR_SET_PTRACER_ANY = ctypes.c_ulong(-1)
INJECTED = "(INJECTED)"
CALL = re.compile(r"^(\d+) +(\w+)\((.*)$")
RESUMED = re.compile(r"^(\d+) +<\.\.\. \w+ resumed>(.*)$")  # the rest of a call after those that others have made meanwhile
UNFINISHED = " <unfinished ...>"


class Call:
    """The `number`-th call of its name that the process `pid` has made in a trace."""

    def __init__(self, pid, name, text, number):
        self.pid, self.name, self.text, self.number = pid, name, text, number

    def resume(self, rest):
        self.text = self.text.removesuffix(UNFINISHED) + rest

    @property
    def arguments(self):
        return self.text.rpartition(") ")[0] or self.text

    @property
    def injected(self):
        return INJECTED in self.text


def read_calls(text):
    counts, latest, calls = {}, {}, []
    for line in text.splitlines():
        if match := CALL.match(line):
            pid, name, rest = match.groups()
            counts[pid, name] = counts.get((pid, name), 0) + 1
            latest[pid] = Call(int(pid), name, rest, counts[pid, name])
            calls.append(latest[pid])
        elif (match := RESUMED.match(line)) and match[1] in latest:
            latest[match[1]].resume(match[2])
    return calls


def last_number(text, name):
    """Of the calls of this name, in the thread that has made most of them; 0 if there are none."""
    return max((call.number for call in read_calls(text) if call.name == name), default=0)


def prepare_child():
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    libc.prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY)


class Traced:
    """A running program whose calls are written down. `inject` is what strace gets behind -e; with `from_start` it gets it before main, else with attach()."""

    def __init__(self, command, inject=None, from_start=False):
        self._folder = tempfile.TemporaryDirectory(prefix="cetane-traced-")
        self._log = pathlib.Path(self._folder.name, "trace")
        self._tracing = ["strace", "-f", "-o", str(self._log)] + (["-e", inject] if inject else [])
        self._stderr = tempfile.TemporaryFile()
        self._tracer = None
        self._lines = b""
        wrapper = self._tracing if from_start else []
        self._process = subprocess.Popen(
            [*wrapper, *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            preexec_fn=prepare_child,
        )
        self.pid = self._process.pid
        self._wrapped = from_start

    def read_line(self):
        """The next line on stdout, or an empty one when the program has ended."""
        pipe = self._process.stdout.fileno()
        deadline = time.monotonic() + PATIENCE
        while b"\n" not in self._lines:
            ready, _, _ = select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))
            check(ready, f"neither a start line nor an end within {PATIENCE:.0f} s; stderr:\n{self.stderr()}")
            part = os.read(pipe, 4096)
            if not part:
                break
            self._lines += part
        line, _, self._lines = self._lines.partition(b"\n")
        return line.decode()

    def find_program(self):
        """When strace has started it: the program is the only child of strace."""
        if self._wrapped:
            children = pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
            check(children, f"it has ended after its start lines; stderr:\n{self.stderr()}")
            self.pid = int(children[0])

    def attach(self):
        """Writes down, and spoils, the calls from here on."""
        self._tracer = subprocess.Popen([*self._tracing, "-p", str(self.pid)], stderr=subprocess.PIPE, preexec_fn=prepare_child)
        line = self._tracer.stderr.readline()
        check(b"attached" in line, f"strace cannot trace: {line.decode().strip()}")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def stderr(self):
        text = os.pread(self._stderr.fileno(), 1 << 20, 0).decode(errors="replace")
        return "".join(line for line in text.splitlines(True) if not line.startswith("strace: "))

    def trace(self):
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def signal(self, number=signal.SIGTERM):
        os.kill(self.pid, number)

    def go_on_when_stopped(self):
        """Types `fg` whenever somebody has typed Ctrl-Z."""
        threading.Thread(target=self._send_continue, daemon=True).start()

    def _send_continue(self):
        with contextlib.suppress(ChildProcessError, ProcessLookupError):
            while os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT).si_code == os.CLD_STOPPED:
                self.signal(signal.SIGCONT)

    def wait(self):
        """The exit status; the trace is complete then."""
        try:
            status = self._process.wait(PATIENCE)
            if self._tracer is not None:
                self._tracer.wait(PATIENCE)
            return status
        except subprocess.TimeoutExpired:
            raise Failure(f"no end within {PATIENCE:.0f} s; stderr:\n{self.stderr()}") from None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in (self._process, self._tracer):
            if process is not None and process.poll() is None:
                if process is self._process:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(self.pid, signal.SIGKILL)
                process.kill()
                process.wait()
        if self._tracer is not None:
            self._tracer.stderr.close()
        self._process.stdout.close()
        self._stderr.close()
        self._folder.cleanup()
