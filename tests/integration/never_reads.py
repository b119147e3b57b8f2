"""A peer that sends and never reads costs the server at most 2 MiB of resident memory, and nobody else anything.

It sends until nothing more leaves: then every buffer on the way is full, and a server without a limit would have taken all of it. Afterwards it reads, and
everything that had left comes back unchanged.
"""

import random

import harness

ALLOWED_GROWTH = 2 << 20
A_SERVER_WITHOUT_LIMIT_TAKES = 64 << 20


def warm_up(server, data):
    """Lets the server own whatever one busy connection makes it own for good, before its memory is read for the first time."""
    with server.connect() as client:
        for _ in range(16):
            harness.expect_echo(client, data)


def test(chosen):
    part = random.Random(11).randbytes(1_000_003)
    with harness.Server(chosen.command) as server, server.connect() as witness:
        warm_up(server, part[: 1 << 16])
        before = server.resident_bytes()

        with server.connect() as silent:
            sent = harness.send_until_full(silent, part, at_most=A_SERVER_WITHOUT_LIMIT_TAKES)
            harness.expect_echo(witness, b"others are served\r\n")
            growth = server.resident_bytes() - before
            print(f"{len(sent) / 2**20:.1f} MiB left the peer, resident memory grew by {growth / 1024:.0f} KiB", flush=True)
            harness.check(len(sent) < A_SERVER_WITHOUT_LIMIT_TAKES, f"the server took {len(sent)} bytes from a peer that reads nothing")
            harness.check(growth <= ALLOWED_GROWTH, f"resident memory grew by {growth} bytes, allowed are {ALLOWED_GROWTH}")

            answer = harness.receive_exactly(silent, len(sent))
            harness.check(answer == sent, f"{len(answer)} of {len(sent)} bytes came back, or others than were sent")


if __name__ == "__main__":
    harness.run(test, harness.arguments(__doc__))
