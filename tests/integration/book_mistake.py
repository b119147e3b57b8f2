"""A handler that catches every error in a loop and goes on harms nobody but itself.

It is the mistake of most books' first echo server: `for (;;) try { read; write; } catch (...) {}`. Once its peer has gone, each turn of that loop fails at
once, for ever, and a server that lets it run on serves nobody any more. Here such peers leave in every way there is; those who came before and those who
come after are served all the same, and the server ends when it is told to.
"""

import socket

import harness

PEERS_EACH_WAY = 4
LINES = 20


def leave_with_fin(client):
    client.close()


def leave_with_reset(client):
    harness.reset(client)


def leave_within_a_line(client):
    client.sendall(b"half a li")
    client.close()


def leave_half(client):
    """Ends its own side and stays to hear the other, which never ends: the handler does not return."""
    client.shutdown(socket.SHUT_WR)


def expect_service(client, who):
    for number in range(LINES):
        harness.expect_echo(client, b"%s, line %d\r\n" % (who, number))


def test(chosen):
    with harness.Server(chosen.command) as server, server.connect() as old:
        expect_service(old, b"from the beginning")
        stayed = []
        for leave in (leave_with_fin, leave_with_reset, leave_within_a_line, leave_half):
            for _ in range(PEERS_EACH_WAY):
                client = server.connect()
                harness.expect_echo(client, b"I shall leave\r\n")
                leave(client)
                stayed.append(client)

            expect_service(old, b"from the beginning")
            with server.connect() as late:
                expect_service(late, b"came later")


if __name__ == "__main__":
    harness.run(test, harness.arguments(__doc__))
