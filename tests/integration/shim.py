"""The preload shim of tests/shim, seen from the scripts: how a server gets it, and what it says it has done."""

import os
import pathlib
import struct
import tempfile

from outcome import check

COUNTERS = ["reads", "bytes_read", "largest_read", "writes", "bytes_written", "largest_write", "interrupted", "refused", "broken", "not_accepted"]


def add_options(parser):
    parser.add_argument("--shim", help="preload this library into the server (tests/shim/short_io.c says what it does)")
    parser.add_argument("--sizes", default="1:16384", metavar="SMALLEST:LARGEST", help="of each read and write, in bytes (default: 1:16384)")
    parser.add_argument("--eintr", type=int, default=0, help="calls of 1,000 that fail with EINTR (default: 0)")
    parser.add_argument("--eagain", type=int, default=0, help="calls of 1,000 that fail with EAGAIN (default: 0)")
    parser.add_argument("--breaks", type=int, default=0, help="reads and writes of 1,000 that find the connection gone (default: 0)")
    parser.add_argument("--accepts", type=int, default=0, help="accepts of 1,000 that fail (default: 0)")
    parser.add_argument("--seed", type=int, default=1, help="of the shim's decisions (default: 1)")


class ShortIo:
    """The shim's environment and its report; without --shim nothing is set and nothing is reported."""

    def __init__(self, chosen):
        self.used = chosen.shim is not None
        self.environment = {}
        if not self.used:
            return
        check(os.path.exists(chosen.shim), f"there is no shim at {chosen.shim}, and the loader would go on without it")
        self._report = tempfile.NamedTemporaryFile(prefix="short-io-")
        self.environment = {
            "LD_PRELOAD": os.path.abspath(chosen.shim),
            "SHORT_IO_SIZES": chosen.sizes,
            "SHORT_IO_EINTR": str(chosen.eintr),
            "SHORT_IO_EAGAIN": str(chosen.eagain),
            "SHORT_IO_BREAKS": str(chosen.breaks),
            "SHORT_IO_ACCEPTS": str(chosen.accepts),
            "SHORT_IO_SEED": str(chosen.seed),
            "SHORT_IO_REPORT": self._report.name,
            "CETANE_SYSCALLS": "libc",  # the library's own system calls pass a shim by
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0",
        }

    def report(self):
        data = pathlib.Path(self._report.name).read_bytes()
        return dict(zip(COUNTERS, struct.unpack(f"{len(COUNTERS)}Q", data)))
