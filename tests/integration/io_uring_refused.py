"""A server in a container that forbids io_uring: it runs on epoll and says so once, or, when io_uring was asked for by name, says why it does not start."""

import pathlib
import subprocess
import sys

import harness
from conversation import run_promises

WRAPPER = [sys.executable, str(pathlib.Path(__file__).with_name("without_io_uring.py"))]
REASON = "(seccomp)"


def auto_serves_on_epoll_and_says_why_in_one_line(command):
    with harness.Server([*command, "--backend", "auto"], wrapper=WRAPPER) as server, server.connect() as client:
        client.sendall(b"hello\n")
        answer = harness.receive_exactly(client, 15)
        harness.check(answer == b"you said hello\n", f"the answer is {answer!r}")
        told = [line for line in server.stderr().splitlines() if "io_uring" in line]
        harness.check(len(told) == 1 and REASON in told[0] and "epoll" in told[0], f"stderr: {server.stderr()}")


def auto_says_nothing_where_it_works(command):
    with harness.Server([*command, "--backend", "auto"]) as server:
        harness.check("io_uring" not in server.stderr(), f"stderr: {server.stderr()}")
        rings = [link for link in pathlib.Path(f"/proc/{server.pid}/fd").iterdir() if "io_uring" in str(link.readlink())]
        harness.check(rings, "auto did not take io_uring, which this machine can do")


def by_name_it_does_not_start(command):
    done = subprocess.run(
        [*WRAPPER, *map(str, command), "--port", "0", "--backend", "io_uring"], capture_output=True, text=True, timeout=harness.PATIENCE
    )
    harness.check(done.returncode == 3, f"status {done.returncode}, not 3")
    harness.check(done.stdout == "", f"stdout: {done.stdout}")
    for words in ("cannot use io_uring: ", REASON, "use --backend epoll"):
        harness.check(words in done.stderr, f"{words!r} is missing in {done.stderr!r}")


if __name__ == "__main__":
    chosen = harness.arguments(__doc__)
    run_promises([auto_serves_on_epoll_and_says_why_in_one_line, auto_says_nothing_where_it_works, by_name_it_does_not_start], chosen)
