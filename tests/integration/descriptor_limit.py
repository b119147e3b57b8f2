"""A server with 64 descriptors rests while it is full, and serves those who wait as soon as others leave.

More clients connect than the limit allows. The kernel completes their connections, so they wait in the backlog, which keeps the listener readable: a server
that tries again and again spends a whole processor on it.
"""

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
    while waiting and len(lucky) != count:
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


def test(chosen):
    with harness.Server(chosen.command, descriptor_limit=DESCRIPTORS) as server:
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

        for client in served:
            client.close()
        lucky = answered(waiting, count=len(waiting))
        harness.check(len(lucky) == len(waiting), f"{len(lucky)} of {len(waiting)} waiting clients were served after the others had left")

        witness = lucky[0]
        for client in waiting:
            if client is not witness:
                client.close()
        server.wait_for_descriptors(empty + 1, witness)
        with server.connect() as late:
            harness.expect_echo(late, b"and a new one\r\n")
        witness.close()


if __name__ == "__main__":
    harness.run(test, harness.arguments(__doc__))
