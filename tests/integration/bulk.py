"""One long stream comes back byte for byte: equal SHA-256 of what was sent and what was received.

With --shim every read and write of the server is cut to a random size, and calls fail with EINTR and EAGAIN as often as asked for. Loopback alone hides
short writes; a server that ignores what send() returns passes without the shim.
"""

import hashlib
import random
import socket
import threading
import time

import harness
import shim

BLOCK = 1 << 18
UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def size_in_bytes(text):
    for unit, bytes_each in UNITS.items():
        if text.endswith(unit):
            return int(text[: -len(unit)]) * bytes_each
    return int(text)


def blocks(size):
    """A stream without any period: each block carries its number, and begins elsewhere in a random pool."""
    pool = memoryview(random.Random(3).randbytes(4 * BLOCK))
    for number in range((size + BLOCK - 1) // BLOCK):
        begin = number * 7919 % (3 * BLOCK)
        block = b"block %018d" % number + pool[begin : begin + BLOCK - 24]
        yield block[: size - number * BLOCK]


class Sender(threading.Thread):
    def __init__(self, client, size):
        super().__init__(daemon=True)
        self._client, self._size = client, size
        self.digest = hashlib.sha256()
        self.failure = None

    def run(self):
        try:
            for block in blocks(self._size):
                self._client.sendall(block)
                self.digest.update(block)
            self._client.shutdown(socket.SHUT_WR)
        except OSError as failure:
            self.failure = failure


def receive_all(client):
    """Digest and length of everything up to the end of the stream."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, BLOCK)  # else each tiny piece wakes this program, which takes most of the time
    digest, length = hashlib.sha256(), 0
    buffer = memoryview(bytearray(4 * BLOCK))
    while count := client.recv_into(buffer):
        digest.update(buffer[:count])
        length += count
    return digest, length


def check_report(report, chosen, size):
    """That the server's calls came through the shim and were treated as asked for; else the test has shown nothing."""
    largest = int(chosen.sizes.split(":")[1])
    print("shim:", ", ".join(f"{name} {value}" for name, value in report.items()), flush=True)
    for way in ("read", "written"):
        harness.check(report[f"bytes_{way}"] == size, f"{report[f'bytes_{way}']} bytes {way} through the shim, not {size}: the server passes it by")
    for call in ("read", "write"):
        harness.check(report[f"largest_{call}"] <= largest, f"a {call} of {report[f'largest_{call}']} bytes, cut at {largest}")
    harness.check(report["interrupted"] > 0 or chosen.eintr == 0, "no call was interrupted")
    harness.check(report["refused"] > 0 or chosen.eagain == 0, "no call was refused")


def test(chosen):
    size = size_in_bytes(chosen.size)
    short_io = shim.ShortIo(chosen)
    with harness.Server(chosen.command, environment=short_io.environment) as server, server.connect() as client:
        sender = Sender(client, size)
        begin = time.monotonic()
        sender.start()
        received, length = receive_all(client)
        seconds = time.monotonic() - begin
        sender.join(harness.PATIENCE)

        print(f"{length} bytes came back, {length / seconds / 1e6:.1f} MB/s", flush=True)
        harness.check(sender.failure is None, f"sending failed: {sender.failure}")
        harness.check(length == size, f"{length} of {size} bytes came back")
        harness.check(received.digest() == sender.digest.digest(), f"sent SHA-256 {sender.digest.hexdigest()}, received {received.hexdigest()}")
        if short_io.used:
            check_report(short_io.report(), chosen, size)


def add_options(parser):
    parser.add_argument("--size", default="64MiB", help="of the stream, as 1GiB or in bytes (default: 64MiB)")
    shim.add_options(parser)


if __name__ == "__main__":
    harness.run(test, harness.arguments(__doc__, add_options))
