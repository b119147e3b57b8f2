"""Datagrams with foreign programs on the other end: our clients ask dnsmasq and ncat."""

import os
import select
import shutil
import socket
import subprocess

import harness
from conversation import run_promises
from outcome import PATIENCE, check
from program import Program

SYSTEM_FOLDERS = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"  # Debian keeps dnsmasq where root's path leads


def path_of(tool):
    path = shutil.which(tool, path=SYSTEM_FOLDERS)
    if path is None:
        harness.skip(f"there is no {tool}")
    return path


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Listener(Program):
    """A foreign program that receives datagrams on a port of 127.0.0.1."""

    def expect_output(self, text):
        """The next bytes are these: ncat ends no datagram with a mark."""
        while len(self._received) < len(text):
            readable, _, _ = select.select([self._output], [], [], self.patience)
            check(readable, f"nothing within {self.patience:.0f} s, only {self._received!r}")
            part = self._read_some()
            check(part, f"ended with {self._received!r}")
            self._received += part
        got, self._received = self._received[: len(text)], self._received[len(text) :]
        check(got == text, f"expected {text!r}, got {got!r}")


def listening(command, ready):
    """Started, and begun: it has said so on stderr. `command` is called with a port; another program may be quicker to take that, then with another."""
    for _ in range(20):
        port = free_port()
        server = Listener(command(port))
        server.port = port
        try:
            server.expect_on_stderr(ready)
            return server
        except harness.Failure:
            server.__exit__()
    raise harness.Failure(f"{command(0)[0]} does not start")


def dnsmasq():
    path = path_of("dnsmasq")
    names = ["--local=/test/", "--host-record=here.test,192.0.2.7,2001:db8::7", "--cname=also.test,here.test"]
    names += [f"--host-record=n{i}.test,192.0.2.{i}" for i in range(50)]
    alone = ["--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--pid-file=", "--bind-interfaces", "--listen-address=127.0.0.1"]
    return listening(lambda port: [path, *alone, f"--port={port}", *names], "started")


def ncat(*options):
    path = path_of("ncat")
    return listening(lambda port: [path, "-v", "--udp", "--listen", *options, "127.0.0.1", str(port)], "Listening on")


def ask(command, port, *names):
    done = subprocess.run([*command, "ask", "127.0.0.1", str(port), *names], capture_output=True, timeout=2 * PATIENCE)
    check(done.returncode == 0, f"{done}")
    return done.stdout.decode().splitlines()


def dnsmasq_says_what_it_knows(command):
    with dnsmasq() as server:
        got = ask(command, server.port, "here.test", "also.test", "nowhere.test")
    check(
        got
        == [
            "here.test A 192.0.2.7",
            "here.test AAAA 2001:db8::7",
            "also.test A alias 192.0.2.7",
            "also.test AAAA alias 2001:db8::7",
            "nowhere.test A error 3",  # there is no such name
            "nowhere.test AAAA error 3",
        ],
        f"{got}",
    )


def dnsmasq_is_asked_for_many_names_at_once(command):
    with dnsmasq() as server:
        got = ask(command, server.port, *(f"n{i}.test" for i in range(50)))
    wanted = [line for i in range(50) for line in (f"n{i}.test A 192.0.2.{i}", f"n{i}.test AAAA nothing")]
    check(got == wanted, f"{got}")


def where_no_name_server_is_the_client_says_so(command):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    done = subprocess.run([*command, "ask", "127.0.0.1", str(port), "here.test"], capture_output=True, timeout=2 * PATIENCE)
    check(done.returncode == 1 and b"refused" in done.stderr, f"{done}")


def ncat_hears_our_client_and_answers(command):
    with ncat() as server, Program([*command, "lines", "127.0.0.1", str(server.port)]) as client:
        client.say(b"hello\n")
        server.expect_output(b"hello")
        server.say(b"who is there?")
        client.expect("who is there?")
        client.say(b"\n\n")  # two empty ones, of which ncat shows nothing, and which end nothing
        client.say(b"it is me\n")
        server.expect_output(b"it is me")
        server.say(b"welcome")
        client.expect("welcome")
        client.end_input()
        client.expect_end()


def ncat_answers_each_datagram(command):
    with ncat("--exec", "/bin/cat") as server, Program([*command, "lines", "127.0.0.1", str(server.port)]) as client:
        for line in ("a", "b" * 1000, "c"):
            client.say(line.encode() + b"\n")
            client.expect(line)
        client.end_input()
        client.expect_end()


PROMISES = [
    dnsmasq_says_what_it_knows,
    dnsmasq_is_asked_for_many_names_at_once,
    where_no_name_server_is_the_client_says_so,
    ncat_hears_our_client_and_answers,
    ncat_answers_each_datagram,
]

if __name__ == "__main__":
    run_promises(PROMISES, harness.arguments(__doc__))
