#!/usr/bin/python3
"""gevent's echo server: the closest living relative of diesel."""

import socket

import options
from gevent.server import StreamServer

chosen = options.parse()


def echo(peer, _):
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        while data := peer.recv(chosen.buffer):
            peer.sendall(data)
    except OSError:
        pass


server = StreamServer((chosen.host, chosen.port), echo, backlog=4096)
server.start()
options.say_where(chosen.host, server.server_port)
server.serve_forever()
