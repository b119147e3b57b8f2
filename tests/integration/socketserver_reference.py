"""Serves one request with Python's socketserver and prints every hook that is called; see socketserver_trace.cpp, which does the same."""

import os
import socketserver
import sys
import threading

MAIN_PROCESS = os.getpid()


def say(text):
    in_main = os.getpid() == MAIN_PROCESS and threading.current_thread() is threading.main_thread()
    os.write(1, f"{'main' if in_main else 'worker'} {text}\n".encode())


def traced_handler(base, outcome):
    class Handler(base):
        def setup(self):
            say("setup")
            super().setup()

        def handle(self):
            say("handle")
            self.wfile.write(self.rfile.readline())
            if outcome == "error":
                raise RuntimeError("broken")
            if outcome == "exit":
                sys.exit()

        def finish(self):
            say("finish")
            super().finish()

    return Handler


def traced(base):
    class Server(base):
        def process_request(self, request, client_address):
            say("process_request")
            super().process_request(request, client_address)
            say("process_request returned")

        def handle_error(self, request, client_address):
            say(f"handle_error {sys.exc_info()[1]}")

    def add(name):
        def hook(self, *arguments):
            say(name)
            return getattr(super(Server, self), name)(*arguments)

        setattr(Server, name, hook)

    for name in ("server_bind", "server_activate", "server_close", "get_request", "verify_request", "finish_request"):
        add(name)
    for name in ("shutdown_request", "close_request", "handle_timeout", "service_actions"):
        add(name)
    return Server


def main(shape, family, outcome, path=None):
    base = {
        "tcp": socketserver.TCPServer,
        "udp": socketserver.UDPServer,
        "unix_stream": socketserver.UnixStreamServer,
        "unix_datagram": socketserver.UnixDatagramServer,
    }[family]
    handler = socketserver.StreamRequestHandler if family in ("tcp", "unix_stream") else socketserver.DatagramRequestHandler
    mixin = {"plain": (), "threading": (socketserver.ThreadingMixIn,), "forking": (socketserver.ForkingMixIn,)}[shape]
    server = traced(type("Mixed", (*mixin, base), {}))(path or ("127.0.0.1", 0), traced_handler(handler, outcome))
    print(0 if path else server.server_address[1], flush=True)
    try:
        server.handle_request()
        say("served")
    except SystemExit:
        say("exit")
    for worker in threading.enumerate():
        if worker is not threading.current_thread():
            worker.join()  # server_close() closes the socket first, and then a datagram's handler may be too late to answer
    server.server_close()
    say(f"fileno {server.fileno()}")
    if shape == "forking":
        say(f"children {len(server.active_children or ())}")
    os._exit(0)


main(*sys.argv[1:])
