"""Ten thousand idle connections cost at most 8 KiB of resident memory each, all are answered, and all descriptors come back.

Each connection echoes once when it is made, rests while the others are made, and echoes again when all are there. Clients come from several loopback
addresses, so that no earlier run's closed connections leave them without ports.
"""

import contextlib

import harness

ALLOWED_EACH = 8 * 1024
SOURCES = [f"127.0.0.{number}" for number in range(2, 10)]
SPARE_DESCRIPTORS = 200


def echo_of(number):
    return b"connection %d\r\n" % number


def connect_all(server, count, stack):
    clients = []
    for number in range(count):
        client = stack.enter_context(server.connect(source=SOURCES[number % len(SOURCES)]))
        harness.expect_echo(client, echo_of(number))
        clients.append(client)
    return clients


def ask_all_at_once(clients):
    for number, client in enumerate(clients):
        client.sendall(echo_of(number))
    for number, client in enumerate(clients):
        answer = harness.receive_exactly(client, len(echo_of(number)))
        harness.check(answer == echo_of(number), f"connection {number} got {answer!r} after its rest")


def test(chosen):
    if not harness.raise_descriptor_limit(chosen.count + SPARE_DESCRIPTORS):
        harness.skip(f"{chosen.count} connections need a hard descriptor limit of {chosen.count + SPARE_DESCRIPTORS}; see ulimit -Hn")

    with harness.Server(chosen.command) as server, server.connect() as witness:
        harness.expect_echo(witness, b"before\r\n")
        descriptors, resident = server.descriptors(), server.resident_bytes()

        with contextlib.ExitStack() as stack:
            clients = connect_all(server, chosen.count, stack)
            each = (server.resident_bytes() - resident) / chosen.count
            print(f"{each:.0f} resident bytes for each of {chosen.count} idle connections", flush=True)
            harness.check(server.descriptors() == descriptors + chosen.count, f"{server.descriptors()} descriptors are not one for each connection")
            harness.check(each <= ALLOWED_EACH, f"{each:.0f} resident bytes for each connection, allowed are {ALLOWED_EACH}")
            ask_all_at_once(clients)

        server.wait_for_descriptors(descriptors, witness)


def add_options(parser):
    parser.add_argument("--count", type=int, default=10_000, help="how many connections (default: 10000)")


if __name__ == "__main__":
    harness.run(test, harness.arguments(__doc__, add_options))
