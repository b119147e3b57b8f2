"""What the servers in Python share: their options, the start line, and a clean end."""

import argparse
import os
import signal


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--buffer", type=int, default=16 * 1024)
    parser.add_argument("--tls-cert")
    parser.add_argument("--tls-key")
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    return parser.parse_args()


def say_where(host, port, transport="tcp"):
    print(f"listening on {transport}://{host}:{port}", flush=True)
