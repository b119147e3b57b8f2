#!/usr/bin/env python3
"""gevent's echo of datagrams: its own server."""

import options
from gevent.server import DatagramServer


class Echo(DatagramServer):
    def handle(self, data, address):
        self.socket.sendto(data, address)


chosen = options.parse()
server = Echo((chosen.host, chosen.port))
server.start()
options.say_where(chosen.host, server.server_port, transport="udp")
server.serve_forever()
