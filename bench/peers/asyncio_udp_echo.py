#!/usr/bin/env python3
"""Python's own echo of datagrams: an asyncio protocol."""

import asyncio

import options


class Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.transport.sendto(data, addr)


async def main():
    chosen = options.parse()
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Echo, local_addr=(chosen.host, chosen.port))
    options.say_where(*transport.get_extra_info("sockname"), transport="udp")
    await asyncio.Event().wait()


asyncio.run(main())
