"""Lines to and from a peer, compared byte by byte, and a script that keeps several promises, one after the other."""

import socket
import sys
import traceback

from outcome import SKIPPED, Failure, check

__all__ = ["Conversation", "run_promises"]


class Conversation:
    """One end of a connected socket, line by line. Gives up after the socket's patience."""

    def __init__(self, connected):
        self.socket = connected
        self._input = connected.makefile("rb")

    def say(self, text):
        """Sends text as it stands: the caller writes the line end that the test is about."""
        self.socket.sendall(text)

    def read_line(self):
        """A line with its end; less at the end of the stream."""
        return self._input.readline()

    def expect(self, *lines):
        """The next bytes are exactly these lines, each with CR and LF behind it."""
        for line in lines:
            wanted = line.encode() + b"\r\n" if isinstance(line, str) else line + b"\r\n"
            got = self.read_line()
            check(got == wanted, f"expected {wanted!r}, got {got!r}")

    def expect_end(self):
        rest = self._input.read()
        check(rest == b"", f"expected the end of the stream, got {rest!r}")

    def end_output(self):
        self.socket.shutdown(socket.SHUT_WR)

    def close(self):
        self._input.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def run_promises(promises, chosen):
    """Calls each function with the command line of the program, and ends with what `./dev test` counts. One may call skip(), for itself alone."""
    failed = skipped = 0
    for promise in promises:
        name = promise.__name__.replace("_", " ")
        try:
            promise(chosen.command)
        except (Failure, OSError) as failure:
            failed += 1
            print(f"FAILED: {name}: {type(failure).__name__}: {failure}", flush=True)
            traceback.print_exc(file=sys.stdout)
        except SystemExit as ended:
            if ended.code != SKIPPED:
                raise
            skipped += 1
        else:
            print(f"kept: {name}", flush=True)
    print(f"{len(promises) - failed - skipped} passed, {failed} failed, {skipped} skipped", flush=True)
    sys.exit(1 if failed else SKIPPED if skipped == len(promises) else 0)
