"""Jobs that were accepted are done, even when the stop comes before; new ones are not taken then."""

import re
import signal

import harness
from conversation import Conversation, run_promises

GRACE = 10  # seconds
DONE = re.compile(r"worker ([1-4]) did (\w+)$", re.MULTILINE)


def give(peer, jobs):
    for job in jobs:
        peer.say(job.encode() + b"\r\n")
        peer.expect("accepted")


def check_done(server, jobs):
    done = DONE.findall(server.stderr())
    harness.check(sorted(job for _, job in done) == sorted(jobs), f"done were {done}, of {jobs}")
    harness.check({worker for worker, _ in done} == set("1234"), f"not all have worked: {done}")


def what_was_accepted_before_the_stop_is_done(command):
    jobs = [f"job{number}" for number in range(13)]
    for number in (signal.SIGINT, signal.SIGTERM):
        with harness.Server(command) as server, Conversation(server.connect()) as peer:
            give(peer, jobs)
            server.signal(number)
            peer.expect_end()
            expect_nobody_listens(server)
            status = server.wait()
            harness.check(status == 0, f"status {status}")
            check_done(server, jobs)


def expect_nobody_listens(server):
    try:
        server.connect().close()
    except ConnectionRefusedError:
        return
    raise harness.Failure("a stopped server takes new connections")


def jobs_come_from_several_peers(command):
    jobs = [f"job{number}" for number in range(4)]
    with harness.Server(command) as server, Conversation(server.connect()) as one, Conversation(server.connect()) as two:
        give(one, jobs[:2])
        give(two, jobs[2:])
        server.stop()
        check_done(server, jobs)


def an_idle_server_does_not_wait_for_the_time_of_grace(command):
    with harness.Server(command, patience=GRACE - 1) as server:
        harness.check(server.stop() == 0, "no orderly end")
        harness.check(not DONE.search(server.stderr()), server.stderr())


PROMISES = [
    what_was_accepted_before_the_stop_is_done,
    jobs_come_from_several_peers,
    an_idle_server_does_not_wait_for_the_time_of_grace,
]

if __name__ == "__main__":
    run_promises(PROMISES, harness.arguments(__doc__))
