"""A server that runs out of descriptors tells each task that wants one, and goes on with everything that needs none; with descriptors it is as before.

syscall_tour.cpp does what it is told: connect, look up a name, start a child, open a file. The limit falls to what is open, so that the kernel itself refuses.
"""

import os
import resource
import tempfile

import harness
import tour
from tour_server import FILE, NUMBER, Places
from traced import Traced

NEED_NONE = ["hello", "thread", "nap", "log"]
NEED_ONE = ["tcp", "unix", "resolve", "child", "signal", "file"]
WHY = "too many open files"


def ask_without_descriptors(guest, need_one):
    """What needs one fails and says why; the guest's connection and whatever needs none are well."""
    for word in NEED_NONE:
        harness.check(guest.wish(word), f"{word} needs no descriptor: {guest.losses}")
    for word in need_one:
        harness.check(not guest.wish(word), f"{word} is done without a descriptor")
        harness.check(WHY in guest.losses[-1], f"{word} does not say why: {guest.losses[-1]}")
        harness.check(guest.connected(), f"{word} has ended the connection")


def test(chosen):
    with tempfile.TemporaryDirectory(prefix="cetane-lack-") as folder:
        places = Places(folder)
        need_one = [word for word in NEED_ONE if word != "resolve" or places.name != NUMBER]
        with Traced([*chosen.command, *places.options()]) as program:
            connect = places.connector([program.read_line(), program.read_line()])
            witness, guest = tour.Witness(connect), tour.Guest(connect, FILE)
            witness.look()
            harness.check(guest.wish("hello") and guest.wish("thread"), f"{guest.losses}")
            open_now = sorted(int(number) for number in os.listdir(f"/proc/{program.pid}/fd"))
            limits = resource.prlimit(program.pid, resource.RLIMIT_NOFILE)

            resource.prlimit(program.pid, resource.RLIMIT_NOFILE, (open_now[-1] + 1, limits[1]))
            harness.check(len(open_now) == open_now[-1] + 1, f"there are gaps between the descriptors {open_now}")
            ask_without_descriptors(guest, need_one)
            witness.look()
            resource.prlimit(program.pid, resource.RLIMIT_NOFILE, limits)

            for word in NEED_ONE:
                harness.check(guest.wish(word), f"{word} fails with descriptors too: {guest.losses[-1:]}")
            witness.look()
            harness.check(not witness.losses, f"{witness.losses}")
            guest.leave()
            witness.close()
            program.signal()
            harness.check(program.wait() == 0, f"ended otherwise than with status 0; stderr:\n{program.stderr()}")


if __name__ == "__main__":
    harness.run(test, harness.arguments(__doc__))
