"""The program opener, which passes open files over a Unix socket: its server and its client, with Python at the other end, and both together."""

import array
import contextlib
import itertools
import os
import pathlib
import socket
import tempfile

import harness
from conversation import run_promises
from program import Program

NOBODY = 65534
NUMBERS = itertools.count()
NO_OTHER_USER = b"no other user"


class Opened:
    """A running opener, in a folder of its own with the file `text` in it, and its socket."""

    def __init__(self, command, *options):
        self._command, self._options = command, options
        # A new one each time: of a program on io_uring that was killed the kernel lets go of the sockets a little later.
        self.name = f"@cetane-opener-{os.getpid()}-{next(NUMBERS)}"

    def __enter__(self):
        self._home = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self._home.name)
        (self.folder / "text").write_bytes(b"what is in the file\n")
        self.program = Program([*self._command, "serve", self.folder, "--uds", self.name, *self._options])
        self.program.__enter__()
        self.program.expect(f"listening on unix:{self.name}")
        return self

    def connect(self):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(harness.PATIENCE)
        client.connect("\0" + self.name[1:])
        return client

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.program._process.pid}/fd"))

    def __exit__(self, *about):
        self.program.__exit__(*about)
        self._home.cleanup()


def ask(client, name):
    """The answer, and the descriptors that came with it."""
    client.sendall(name + b"\n")
    answer, files, _, _ = socket.recv_fds(client, 4096, 8)
    return answer, files


def expect_file(client, name, text):
    answer, files = ask(client, name)
    harness.check(answer == b"here\n" and len(files) == 1, f"to {name!r} came {answer!r} with {len(files)} descriptors")
    with open(files[0], "rb") as file:
        got = file.read()
    harness.check(got == text, f"{name!r} holds {got!r}")


def an_open_file_comes_with_the_answer(command):
    with Opened(command) as server, server.connect() as client:
        for _ in range(3):
            expect_file(client, b"text", b"what is in the file\n")


def only_names_in_the_folder_are_opened(command):
    with Opened(command) as server, server.connect() as client:
        (server.folder / "link").symlink_to("/etc/passwd")
        for name in (b"missing", b"../text", b"/etc/passwd", b"link", b""):
            answer, files = ask(client, name)
            harness.check(answer.startswith(b"no: ") and not files, f"to {name!r} came {answer!r} with {len(files)} descriptors")
        expect_file(client, b"text", b"what is in the file\n")


def descriptors_that_a_client_sends_do_not_stay_open(command):
    with Opened(command) as server, server.connect() as client:
        expect_file(client, b"text", b"what is in the file\n")
        ask(client, b"missing")  # is answered when that file is closed
        before = server.descriptors()
        for _ in range(20):
            numbers = array.array("i", [0] * 50)
            client.sendmsg([b"missing\n"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, numbers)])
            client.recv(4096)
        now = server.descriptors()
        harness.check(now == before, f"{now} descriptors are open, {before} were")


def client_and_server_understand_each_other(command):
    with Opened(command) as server:
        with Program([*command, "read", server.name, "text"]) as client:
            client.expect("what is in the file")
            client.expect_end()
        with Program([*command, "read", server.name, "missing"]) as client:
            client.expect_end(status=1)
            harness.check("missing: no: No such file" in client.stderr(), client.stderr())


@contextlib.contextmanager
def asked_for_anything(command):
    """The client, and its connection to a server that is Python, and has read its question."""
    name = f"cetane-opener-of-python-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("\0" + name)
        listener.listen()
        listener.settimeout(harness.PATIENCE)
        with Program([*command, "read", "@" + name, "anything"]) as client:
            peer, _ = listener.accept()
            with peer:
                asked = peer.recv(100)
                harness.check(asked == b"anything\n", f"the client asks for {asked!r}")
                yield client, peer


def the_client_reads_what_another_server_has_opened(command):
    with asked_for_anything(command) as (client, peer), tempfile.TemporaryFile() as file:
        file.write(b"from Python\n")
        file.seek(0)
        peer.sendall(b"he")  # an answer in two parts, of which the second has the file
        socket.send_fds(peer, [b"re\n"], [file.fileno()])
        client.expect("from Python")
        client.expect_end()


def a_promise_without_a_descriptor_is_no_file(command):
    with asked_for_anything(command) as (client, peer):
        peer.sendall(b"here\n")
        client.expect_end(status=1)
        harness.check("0 came with what was read" in client.stderr(), client.stderr())


def heard_by_nobody(name):
    """What a server says at once to a client of another user; None where even root may not be one."""
    ours, childs = socket.socketpair()
    child = os.fork()
    if child == 0:
        try:
            try:
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            except OSError:
                childs.sendall(NO_OTHER_USER)
                os._exit(0)
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(name)
                childs.sendall(client.recv(100))
        finally:
            os._exit(0)
    childs.close()
    with ours:
        ours.settimeout(harness.PATIENCE)
        heard = ours.recv(100)
    os.waitpid(child, 0)
    return None if heard == NO_OTHER_USER else heard


def another_user_is_not_served(command):
    with Opened(command) as server:
        heard = heard_by_nobody("\0" + server.name[1:])
    if heard is None:
        harness.skip("no other user can be played")
    harness.check(heard == b"no: user 65534 is not served here\n", f"nobody was told {heard!r}")


def without_a_part_to_play_it_says_how_to_call_it(command):
    for words in ([], ["serve"], ["read", "@x"]):
        with Program([*command, *words]) as program:
            program.expect_end(status=2)


PROMISES = [
    an_open_file_comes_with_the_answer,
    only_names_in_the_folder_are_opened,
    descriptors_that_a_client_sends_do_not_stay_open,
    client_and_server_understand_each_other,
    the_client_reads_what_another_server_has_opened,
    a_promise_without_a_descriptor_is_no_file,
    without_a_part_to_play_it_says_how_to_call_it,
]
if os.getuid() == 0:  # who may play another user
    PROMISES.append(another_user_is_not_served)

if __name__ == "__main__":
    run_promises(PROMISES, harness.arguments(__doc__))
