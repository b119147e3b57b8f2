#!/usr/bin/env python3
"""Python's own echo server: asyncio's streams, over TLS where it is given a certificate."""

import asyncio
import socket
import ssl

import options


chosen = options.parse()


async def echo(reader, writer):
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        while data := await reader.read(chosen.buffer):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()


def secure():
    if chosen.tls_cert is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chosen.tls_cert, chosen.tls_key)
    return context


async def main():
    server = await asyncio.start_server(echo, chosen.host, chosen.port, backlog=4096, ssl=secure())
    options.say_where(*server.sockets[0].getsockname())
    await server.serve_forever()


asyncio.run(main())
