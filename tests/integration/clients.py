"""What a client does to an echo server, over a connected socket."""

import select
import socket
import struct

from outcome import PATIENCE, check


def receive_exactly(client, size):
    """`size` bytes, or what came before the end."""
    parts = bytearray()
    while len(parts) < size:
        part = client.recv(min(1 << 18, size - len(parts)))
        if not part:
            break
        parts += part
    return bytes(parts)


def expect_echo(client, message):
    client.sendall(message)
    answer = receive_exactly(client, len(message))
    check(answer == message, f"sent {shown(message)}, got back {shown(answer)}")


def expect_end(client):
    rest = client.recv(1 << 16)
    check(rest == b"", f"expected the end of the stream, got {shown(rest)}")


def send_until_full(client, part, at_most, silence=0.5):
    """Sends `part` again and again without reading, until nothing has left for `silence` seconds; gives what was sent."""
    sent = bytearray()
    client.setblocking(False)
    while len(sent) < at_most:
        _, writable, _ = select.select([], [client], [], silence)
        if not writable:
            break
        begin = len(sent) % len(part)
        sent += part[begin : begin + client.send(part[begin:])]
    client.settimeout(PATIENCE)
    return bytes(sent)


def shown(data):
    return repr(data) if len(data) <= 64 else f"{len(data)} bytes beginning {data[:24]!r}"


def reset(client):
    """Closes with RST instead of FIN."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
