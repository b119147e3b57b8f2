"""Unix sockets with socat on the other end: streams and datagrams, by path and by abstract name, as server and as client."""

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile

import harness
from conversation import run_promises
from program import Program


class Place(contextlib.ExitStack):
    """A folder for sockets, and programs that end with it."""

    def __init__(self):
        super().__init__()
        self._folder = pathlib.Path(self.enter_context(tempfile.TemporaryDirectory()))

    def path(self, name):
        return str(self._folder / name)

    def run(self, *command):
        return self.enter_context(Program(command))

    def serve(self, command, what, path):
        server = self.run(*command, what, path)
        server.expect(f"listening on unix:{path}")
        return server


def abstract(name):
    return f"@cetane-{name}-{os.getpid()}"


def socat(*addresses, text=b""):
    """What socat prints when it has been given that text. It waits for the answer after the end of its input."""
    done = subprocess.run(
        ["socat", "-t", "10", *addresses], input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=harness.PATIENCE, check=False
    )
    return done.stdout, done.stderr


def expect_answer(got, wanted):
    harness.check(got[0] == wanted, f"socat printed {got[0]!r}, not {wanted!r}; stderr: {got[1]!r}")


def lines():
    return b"".join(f"line {i}\n".encode() for i in range(1000))


def lines_said():
    return b"".join(f"user {os.getuid()} said line {i}\n".encode() for i in range(1000))


def socat_talks_to_a_stream_service_by_path(command):
    with Place() as place:
        path = place.path("stream")
        place.serve(command, "serve", path)
        expect_answer(socat("-", f"UNIX-CONNECT:{path}", text=lines()), lines_said())


def socat_talks_to_a_stream_service_by_abstract_name(command):
    with Place() as place:
        name = abstract("stream")
        place.serve(command, "serve", name)
        expect_answer(socat("-", f"ABSTRACT-CONNECT:{name[1:]}", text=lines()), lines_said())


def the_file_goes_with_its_service_and_one_left_behind_is_replaced(command):
    with Place() as place:
        path = place.path("stream")
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(path)
        server = place.serve(command, "serve", path)
        expect_answer(socat("-", f"UNIX-CONNECT:{path}", text=b"a\n"), f"user {os.getuid()} said a\n".encode())
        server.signal(15)
        server.expect_end()
        harness.check(not os.path.exists(path), "the socket's file is left")


def a_path_on_which_socat_listens_is_refused(command):
    with Place() as place:
        path = place.path("stream")
        other = place.run("socat", "-d", "-d", f"UNIX-LISTEN:{path},fork", "PIPE")
        other.expect_on_stderr("listening on")
        server = place.run(*command, "serve", path)
        server.expect_end(status=3)
        harness.check("address already in use" in server.stderr(), server.stderr())


def our_client_talks_to_socat_by_path(command):
    with Place() as place:
        path = place.path("stream")
        other = place.run("socat", "-d", "-d", f"UNIX-LISTEN:{path}", "PIPE")
        other.expect_on_stderr("listening on")
        converse(place.run(*command, "ask", path), "hello", "how are you?", "")


def our_client_talks_to_socat_by_abstract_name(command):
    with Place() as place:
        name = abstract("listen")
        other = place.run("socat", "-d", "-d", f"ABSTRACT-LISTEN:{name[1:]}", "PIPE")
        other.expect_on_stderr("listening on")
        converse(place.run(*command, "ask", name), "hello", "how are you?", "")


def converse(client, *texts):
    for text in texts:
        client.say(text.encode() + b"\n")
        client.expect(text)
    client.end_input()
    client.expect_end()


def socat_sends_datagrams_and_gets_answers(command):
    with Place() as place:
        path = place.path("datagrams")
        place.serve(command, "serve-datagrams", path)
        own = place.path("own")
        with Program(["socat", "-t", "10", "-", f"UNIX-SENDTO:{path},bind={own}"]) as client:
            for text in (b"hello", b"again"):
                client.say(text + b"\n")
                client.expect("you said " + text.decode())


def socat_sends_datagrams_to_an_abstract_name(command):
    with Place() as place:
        name = abstract("datagrams")
        place.serve(command, "serve-datagrams", name)
        own = abstract("own")
        with Program(["socat", "-t", "10", "-", f"ABSTRACT-SENDTO:{name[1:]},bind={own[1:]}"]) as client:
            client.say(b"hello\n")
            client.expect("you said hello")


def our_client_sends_datagrams_to_socat(command):
    with Place() as place:
        path = place.path("datagrams")
        other = place.run("socat", "-d", "-d", f"UNIX-RECVFROM:{path},fork", "PIPE")
        other.expect_on_stderr("receiving on")
        converse(place.run(*command, "ask-datagrams", path), "hello", "how are you?")  # an empty one is the end for socat


def a_sender_without_a_name_ends_nothing(command):
    with Place() as place:
        path = place.path("datagrams")
        place.serve(command, "serve-datagrams", path)
        socat("-u", "-", f"UNIX-SENDTO:{path}", text=b"nobody to answer")
        own = place.path("own")
        with Program(["socat", "-t", "10", "-", f"UNIX-SENDTO:{path},bind={own}"]) as client:
            client.say(b"still there?\n")
            client.expect("you said still there?")


PROMISES = [
    socat_talks_to_a_stream_service_by_path,
    socat_talks_to_a_stream_service_by_abstract_name,
    the_file_goes_with_its_service_and_one_left_behind_is_replaced,
    a_path_on_which_socat_listens_is_refused,
    our_client_talks_to_socat_by_path,
    our_client_talks_to_socat_by_abstract_name,
    socat_sends_datagrams_and_gets_answers,
    socat_sends_datagrams_to_an_abstract_name,
    our_client_sends_datagrams_to_socat,
    a_sender_without_a_name_ends_nothing,
]

if __name__ == "__main__":
    chosen = harness.arguments(__doc__)
    if shutil.which("socat") is None:
        harness.skip("there is no socat")
    run_promises(PROMISES, chosen)
