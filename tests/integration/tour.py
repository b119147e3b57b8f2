"""A fixed conversation with syscall_tour.cpp, and what was lost in it.

A witness says and hears something before and after each step, a guest takes the steps. A connection that ends early, and a wish that is answered by `failed`,
is a loss: whoever made them decides how many there may be. Bytes that are wrong, and silence, are failures.
"""

import contextlib
import select
import socket

from clients import receive_exactly, reset
from outcome import PATIENCE, check

WISHES = ["hello", "tcp", "unix", "udp", "resolve", "thread", "child", "signal", "nap", "log", "log", "log", "file", "echo"]
BULK = bytes(range(256)) * 1200


class Lost(Exception):
    """A connection has ended early, or a wish has failed."""


@contextlib.contextmanager
def losing():
    try:
        yield
    except (ConnectionError, EOFError) as error:
        raise Lost(f"{type(error).__name__}: {error}") from None
    except TimeoutError:
        check(False, f"no answer within {PATIENCE:.0f} s")


class Witness:
    """Somebody whom nothing should happen to: what it says comes back, byte by byte."""

    def __init__(self, connect):
        self._connect = connect
        self._socket = None
        self._count = 0
        self.losses = []

    def look(self):
        """One exchange; over a new connection if the last one was lost."""
        try:
            with losing():
                self._exchange()
        except Lost as loss:
            self.losses.append(f"the witness after {self._count} messages: {loss}")
            self.close()

    def _exchange(self):
        if self._socket is None:
            self._socket = self._connect()
            self._socket.sendall(b"echo\r\n")
        self._count += 1
        message = (b"%d " % self._count) * 40
        self._socket.sendall(message)
        answer = receive_exactly(self._socket, len(message))
        check(message.startswith(answer), f"the witness said {message[:24]!r}... and heard {answer[:64]!r}")
        if len(answer) < len(message):
            raise EOFError(f"ended {len(message) - len(answer)} bytes early")

    def close(self):
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class Guest:
    """Somebody who wishes for one thing after the other."""

    def __init__(self, connect, file):
        self._connect = connect
        self._file = file
        self._socket = None
        self.losses = []

    def wish(self, word):
        """False if it was lost, and noted."""
        try:
            with losing():
                self._ask(word)
            return True
        except Lost as loss:
            self.losses.append(f"{word}: {loss}")
            return False

    def _ask(self, word):
        try:
            if self._socket is None:
                self._socket = self._connect()
                self._input = self._socket.makefile("rb")
            self._socket.sendall(word.encode() + b"\r\n")
            if word == "echo":
                self._echo()
            else:
                self._hear(word)
        except Lost:  # that is an answer
            raise
        except BaseException:
            self.leave()
            raise

    def connected(self):
        return self._socket is not None

    def _hear(self, word):
        begin = self._input.read(1)
        if word == "file" and begin == self._file[:1]:
            rest = self._input.read(len(self._file) - 1)
            check(self._file[1:].startswith(rest), "another file came")
            if len(rest) < len(self._file) - 1:
                raise EOFError("the file ended early")
            begin = b""
        line = begin + self._input.readline()
        if not line.endswith(b"\n"):
            raise EOFError(f"ended after {line!r}")
        if line.startswith(b"failed: "):
            raise Lost(line.decode(errors="replace").strip())
        check(line.startswith(b"done: "), f"{word} was answered by {line!r}")

    def _echo(self):
        """As much at once as the server takes, then half a close."""
        answer, sent = bytearray(), 0
        while len(answer) < len(BULK):
            ready, writable, _ = select.select([self._socket], [self._socket] if sent < len(BULK) else [], [], PATIENCE)
            if not ready and not writable:
                raise TimeoutError
            if writable:
                sent += self._socket.send(BULK[sent:], socket.MSG_DONTWAIT)
                if sent == len(BULK):
                    self._end_output()
            if ready:
                part = self._socket.recv(1 << 18)
                answer += part
                if not part:
                    break
        check(BULK.startswith(answer), "other bytes came back")
        if len(answer) < len(BULK):
            raise EOFError(f"ended after {len(answer)} of {len(BULK)} bytes")
        self.leave()

    def _end_output(self):
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError as error:  # ENOTCONN: it has been reset
            raise ConnectionResetError(str(error)) from None

    def leave(self):
        if self._socket is not None:
            self._input.close()
            self._socket.close()
            self._socket = None

    def reset(self):
        with contextlib.suppress(ConnectionError):
            stranger = self._connect()
            stranger.sendall(b"hello\r\nhel")
            reset(stranger)


# Tours: each gives what was lost.


def take_hello(connect, file):
    guest = Guest(connect, file)
    guest.wish("hello")
    guest.leave()
    return guest.losses


def take_until_lost(connect, file):
    witness, guest = Witness(connect), Guest(connect, file)
    witness.look()
    for word in WISHES:
        if witness.losses or not guest.wish(word):
            break
        witness.look()
    guest.leave()
    witness.close()
    return witness.losses + guest.losses


def take(connect, file):
    """The whole tour."""
    witness, guest = Witness(connect), Guest(connect, file)
    witness.look()
    for word in WISHES:
        guest.wish(word)
        witness.look()
    guest.reset()
    witness.look()
    guest.leave()
    check(any(guest.wish("hello") for _ in range(4)), f"nobody is served any more: {guest.losses}")
    guest.leave()
    witness.look()
    witness.close()
    return witness.losses + guest.losses
