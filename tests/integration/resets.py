"""Two thousand clients that reset their connections leave the server with the descriptors it had before.

Half of them go after they have read their answer, half with answers unread, so that the reset meets the server while it sends.
"""

import harness


def reset_clients(server, count):
    for number in range(count):
        client = server.connect()
        if number % 2 == 0:
            harness.expect_echo(client, b"answered\r\n")
        else:
            client.sendall(b"never read\r\n" * 200)
        harness.reset(client)


def test(chosen):
    with harness.Server(chosen.command) as server, server.connect() as witness:
        harness.expect_echo(witness, b"before\r\n")
        before = server.descriptors()

        reset_clients(server, chosen.count)

        server.wait_for_descriptors(before, witness)


def add_options(parser):
    parser.add_argument("--count", type=int, default=2000, help="how many clients reset (default: 2000)")


if __name__ == "__main__":
    harness.run(test, harness.arguments(__doc__, add_options))
