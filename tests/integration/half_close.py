"""A client that ends its own side right after its bytes gets all of them back, and then the end.

Tried with sizes around one read of the server, with a client that reads while it sends more than all buffers on the way can hold, and with one that fills
all these buffers and ends its side before it reads its first byte: then the server learns of the end while its output waits.
"""

import random
import socket
import threading

import harness

SIZES = [1, 2, 64, 1447, 4095, 4096, 16383, 16384, 16385, 65535, 65536, 65537, 300_000]
MORE_THAN_FITS = 24 << 20


def send_and_finish(client, data):
    client.sendall(data)
    client.shutdown(socket.SHUT_WR)


def expect_all_and_end(client, data):
    answer = harness.receive_exactly(client, len(data))
    harness.check(len(answer) == len(data), f"{len(answer)} of {len(data)} bytes came back before the end")
    harness.check(answer == data, f"of {len(data)} bytes some came back changed")
    harness.expect_end(client)


def finish_before_reading(server, data):
    with server.connect() as client:
        send_and_finish(client, data)
        expect_all_and_end(client, data)


def read_while_sending(server, data):
    with server.connect() as client:
        sender = threading.Thread(target=send_and_finish, args=(client, data), daemon=True)
        sender.start()
        expect_all_and_end(client, data)
        sender.join(harness.PATIENCE)


def fill_then_finish(server, part):
    with server.connect() as client:
        sent = harness.send_until_full(client, part, at_most=MORE_THAN_FITS)
        client.shutdown(socket.SHUT_WR)
        expect_all_and_end(client, sent)


def test(chosen):
    random_bytes = random.Random(7).randbytes
    with harness.Server(chosen.command) as server, server.connect() as witness:
        harness.expect_echo(witness, b"before\r\n")
        before = server.descriptors()

        for size in SIZES:
            finish_before_reading(server, random_bytes(size))
        read_while_sending(server, random_bytes(MORE_THAN_FITS))
        fill_then_finish(server, random_bytes(1_000_003))

        server.wait_for_descriptors(before, witness)


if __name__ == "__main__":
    harness.run(test, harness.arguments(__doc__))
