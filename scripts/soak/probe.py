#!/usr/bin/env python3
"""A healthy client: asks the server something every 10 ms, and writes each second how long the answers took.

usage: probe.py KIND HOST PORT     KIND is echo or chat

A process of its own, so that what the other clients do in theirs does not count. A line of output is JSON: the microseconds of each answer. It ends with
its input.
"""

import json
import select
import socket
import sys
import time

ASK_EVERY_S = 0.01
PATIENCE_S = 20


class Line:
    """A connection that is read in lines."""

    def __init__(self, host, port):
        self.socket = socket.create_connection((host, port), PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.arrived = b""

    def next(self):
        while b"\n" not in self.arrived:
            part = self.socket.recv(1 << 16)
            if not part:
                raise EOFError("the server closed the connection of a healthy client")
            self.arrived += part
        line, _, self.arrived = self.arrived.partition(b"\n")
        return line.rstrip(b"\r")

    def wait_for(self, wanted):
        while self.next() != wanted:
            pass


def ask_echo(line, number):
    line.socket.sendall(b"%d\n" % number)
    answer = line.next()
    if answer != b"you said %d" % number:
        raise ValueError(f"asked for {number}, got {answer!r}")


def ask_chat(line, _number):
    line.socket.sendall(b"/x\r\n")
    line.wait_for(b"unknown command, try /who /nick /quit")


def main():
    kind, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    line = Line(host, port)
    if kind == "chat":
        line.next()
        line.socket.sendall(b"probe\r\n")
    ask = {"echo": ask_echo, "chat": ask_chat}[kind]
    latencies, number, flush_at = [], 0, time.monotonic() + 1
    while not select.select([sys.stdin], [], [], ASK_EVERY_S)[0]:
        number += 1
        before = time.perf_counter_ns()
        ask(line, number)
        latencies.append(round((time.perf_counter_ns() - before) / 1000, 1))
        if time.monotonic() >= flush_at:
            print(json.dumps(latencies), flush=True)
            latencies, flush_at = [], time.monotonic() + 1


if __name__ == "__main__":
    main()
