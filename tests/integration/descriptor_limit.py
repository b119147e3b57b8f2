"""A server with 64 descriptors rests while it is full, and serves those who wait as soon as others leave.

More clients connect than the limit allows. The kernel completes their connections, so they wait in the backlog, which keeps the listener readable: a server
that tries again and again spends a whole processor on it. A server that knows its limit may stop before it is reached; with --lowered the limit falls when
the server already runs, so that accept() does fail, with EMFILE.

Under UBSan the latter fails for no fault of the server: the check of virtual tables needs a descriptor of its own and takes the lack of one for a bad pointer.
"""

import resource
import select
import time

import harness

DESCRIPTORS = 64
CLIENTS = 96
AT_LEAST_SERVED = 8
WINDOW = 1.0  # seconds: what is measured here is work for each second
ALLOWED_CPU = 0.20
QUESTION = b"hello\r\n"


def answered(clients, count=None, patience=harness.PATIENCE):
    """Reads the answers that come until there are `count`, or none has come for `patience` seconds; gives who has got one."""
    waiting, lucky = list(clients), []
    while waiting and (count is None or len(lucky) < count):
        ready, _, _ = select.select(waiting, [], [], patience)
        if not ready:
            break
        for client in ready:
            answer = harness.receive_exactly(client, len(QUESTION))
            harness.check(answer == QUESTION, f"sent {QUESTION!r}, got back {answer!r}")
            waiting.remove(client)
            lucky.append(client)
    return lucky


def cpu_share(server, clients):
    """How much of one processor the server takes in a window in which nobody is served.

    Time in which it wants a processor and gets none does not count as rest, so that a busy machine does not flatter it.
    """
    begin, (ran, waited) = time.monotonic(), server.processor_times()
    lucky = answered(clients, patience=WINDOW)
    harness.check(not lucky, f"{len(lucky)} more clients were served while the server was to be full")
    seconds, (runs, waits) = time.monotonic() - begin, server.processor_times()
    return (runs - ran) / (seconds - (waits - waited))


def serve_the_others(served, waiting):
    """Sends those who were served home until nobody waits; gives the one who is left."""
    while waiting:
        for client in served:
            client.close()
        wanted = min(len(waiting), len(served))
        served = answered(waiting, count=wanted)
        harness.check(len(served) >= wanted, f"{len(served)} of {len(waiting)} waiting clients were served after {wanted} others had left")
        waiting = [client for client in waiting if client not in served]
    for client in served[1:]:
        client.close()
    return served[0]


def test(chosen):
    with harness.Server(chosen.command, descriptor_limit=None if chosen.lowered else DESCRIPTORS) as server:
        if chosen.lowered:
            resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
        empty = server.descriptors()
        clients = [server.connect() for _ in range(CLIENTS)]
        for client in clients:
            client.sendall(QUESTION)
        served = answered(clients, patience=WINDOW)
        waiting = [client for client in clients if client not in served]
        harness.check(len(served) >= AT_LEAST_SERVED, f"only {len(served)} clients were served with {DESCRIPTORS} descriptors")
        harness.check(waiting, f"all {CLIENTS} clients were served: the limit of {DESCRIPTORS} descriptors does not hold")

        share = cpu_share(server, waiting)
        print(f"{len(served)} served, {len(waiting)} waiting, {share:.1%} of a processor while full", flush=True)
        harness.check(share < ALLOWED_CPU, f"the full server takes {share:.0%} of a processor, allowed are {ALLOWED_CPU:.0%}")
        for client in served:
            harness.expect_echo(client, b"still there\r\n")

        witness = serve_the_others(served, waiting)
        server.wait_for_descriptors(empty + 1, witness)
        with server.connect() as late:
            harness.expect_echo(late, b"and a new one\r\n")
        witness.close()


def add_options(parser):
    parser.add_argument("--lowered", action="store_true", help="lower the limit of the running server")


if __name__ == "__main__":
    harness.run(test, harness.arguments(__doc__, add_options))
