"""A server whose stdout and stderr nobody reads any more goes on serving, and stops in order: in one process, or a master and its worker."""

import os
import select
import signal
import socket
import subprocess
import tempfile
import time

import harness
from conversation import run_promises


class Unheard:
    """A server on a Unix socket, with pipes that have no reader: each write to them raises SIGPIPE, unless that is ignored."""

    def __init__(self, command):
        self._folder = tempfile.TemporaryDirectory(prefix="cetane-unheard-")
        self._path = os.path.join(self._folder.name, "socket")
        reader, writer = os.pipe()
        os.close(reader)
        self._process = subprocess.Popen([*command, "--uds", self._path], stdin=subprocess.DEVNULL, stdout=writer, stderr=writer)
        os.close(writer)

    def connect(self):
        """Tries again until it listens: nobody can be told of that."""
        deadline = time.monotonic() + harness.PATIENCE
        while True:
            client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            client.settimeout(harness.PATIENCE)
            try:
                client.connect(self._path)
                return client
            except (FileNotFoundError, ConnectionRefusedError):
                client.close()
                harness.check(self._process.poll() is None, f"it has ended with status {self._process.returncode}")
                harness.check(time.monotonic() < deadline, "it does not listen")
                select.select([], [], [], 0.01)

    def signal(self, number):
        self._process.send_signal(number)

    def expect_end(self):
        status = self._process.wait(harness.PATIENCE)
        harness.check(status == 0, f"ended with status {status}, not 0")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()


def serves_and_stops(command):
    with Unheard(command) as server:
        with server.connect() as client:
            harness.expect_echo(client, b"hello\n")
            server.signal(signal.SIGUSR1)  # it has something to say to that
            harness.expect_echo(client, b"still there?\n")
        with server.connect() as another:
            harness.expect_echo(another, b"and for others?\n")
        server.signal(signal.SIGTERM)  # and to that
        server.expect_end()


def one_process_needs_no_listener(command):
    serves_and_stops(command)


def a_master_needs_no_listener(command):
    serves_and_stops([*command, "--processes", "1"])


if __name__ == "__main__":
    run_promises([one_process_needs_no_listener, a_master_needs_no_listener], harness.arguments(__doc__))
