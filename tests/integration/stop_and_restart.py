"""SIGTERM with a thousand connections open ends the server within 2 s with status 0, and the same port can be used again at once, a hundred times.

The server is the one that closes first, so each of its ends leaves connections in TIME_WAIT on its port. It listens on an address of this test's own, where
no other program's outgoing connection can have taken the port meanwhile.
"""

import contextlib
import time

import harness

ALLOWED_SECONDS = 2.0


def end_with_connections(server, count):
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.connect()) for _ in range(count)]
        for client in clients:
            harness.expect_echo(client, b"here\r\n")
        begin = time.monotonic()
        status = server.stop()
        seconds = time.monotonic() - begin
        print(f"with {count} connections open SIGTERM ended the server after {seconds:.2f} s with status {status}", flush=True)
        harness.check(status == 0, f"status {status} after SIGTERM; stderr:\n{server.stderr()}")
        harness.check(seconds <= ALLOWED_SECONDS, f"{seconds:.2f} s from SIGTERM to the end, allowed are {ALLOWED_SECONDS:.0f}")
        for client in clients:
            harness.expect_end(client)


def serve_once(command, host, port):
    """Starts on `port`, serves one client and ends while that client is still there."""
    with harness.Server(command, host=host, port=port) as server:
        harness.check(server.port == port, f"asked for port {port}, got {server.port}")
        with server.connect() as client:
            harness.expect_echo(client, b"served\r\n")
            server.signal()
            harness.expect_end(client)
        status = server.wait()
        harness.check(status == 0, f"status {status} after SIGTERM; stderr:\n{server.stderr()}")


def test(chosen):
    host = harness.own_address()
    if not harness.raise_descriptor_limit(chosen.connections + 100):
        harness.skip(f"{chosen.connections} connections need a higher hard descriptor limit; see ulimit -Hn")
    with harness.Server(chosen.command, host=host) as server:
        port = server.port
        end_with_connections(server, chosen.connections)
    for _ in range(chosen.restarts):
        serve_once(chosen.command, host, port)


def add_options(parser):
    parser.add_argument("--connections", type=int, default=1000, help="how many are open at the first end (default: 1000)")
    parser.add_argument("--restarts", type=int, default=100, help="how often the port is used again (default: 100)")


if __name__ == "__main__":
    harness.run(test, harness.arguments(__doc__, add_options))
