"""A hundred clients talk, reset and leave, and the server touches no memory that it does not own, nor does the kernel for it.

Electric Fence gives each allocation pages of its own, with an inaccessible page behind, and takes the pages away when it is freed. A bad access of the
server ends it by a signal; one of the kernel on its behalf fails with EFAULT, and an answer is wrong or missing. The pools of frames are switched off.
"""

import os
import pathlib

import harness

FENCE = pathlib.Path("/usr/lib/libefence.so.0.0")
CLIENTS = 100
ROUNDS = 20


def environment(chosen):
    """Electric Fence 2.2 knows memalign, not aligned_alloc, which the shim leads there; else it would be asked to free what it has not given out."""
    return {
        "LD_PRELOAD": f"{os.path.abspath(chosen.shim)} {FENCE}",
        "EF_DISABLE_BANNER": "1",
        "EF_PROTECT_FREE": "1",
        "CETANE_FRAME_POOL": "off",
    }


def message(client, number):
    return b"%05d" % client + b"x" * (1 + number * 997)


def talk(clients, number):
    """Everybody sends, then everybody reads, so that the server has many at once."""
    for index, client in enumerate(clients):
        client.sendall(message(index, number))
    for index, client in enumerate(clients):
        expected = message(index, number)
        harness.check(harness.receive_exactly(client, len(expected)) == expected, f"client {index} gets its own bytes back, message {number}")


def test(chosen):
    if not FENCE.exists():
        harness.skip(f"{FENCE} is not there (package electric-fence)")
    with harness.Server(chosen.command, environment=environment(chosen)) as server:
        harness.check("libefence" in pathlib.Path(f"/proc/{server.pid}/maps").read_text(), "the server runs behind Electric Fence")
        clients = [server.connect() for _ in range(CLIENTS)]
        for number in range(ROUNDS):
            talk(clients, number)

        for client in clients[::2]:
            client.sendall(b"never read" * 100)
            harness.reset(client)
        for client in clients[1::2]:
            client.sendall(b"the last words")
            client.close()

        with server.connect() as late:
            harness.expect_echo(late, b"still there\r\n")


if __name__ == "__main__":
    harness.run(test, harness.arguments(__doc__, lambda parser: parser.add_argument("--shim", required=True, help="tests/shim/aligned_alloc.c, compiled")))
