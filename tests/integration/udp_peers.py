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


class Listener:
    """A foreign program that receives datagrams on a port of 127.0.0.1; begun when it has said so on stderr, and ended by its pid."""

    def __init__(self, command, ready):
        """`command` is called with a port; another program may be quicker to take it, then with another one."""
        for _ in range(20):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
                free.bind(("127.0.0.1", 0))
                self.port = free.getsockname()[1]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
            self._process = subprocess.Popen(command(self.port), bufsize=0, **pipes)
            if self._says(ready):
                return
            self.__exit__()
        raise harness.Failure(f"{command(0)[0]} does not start")

    def _says(self, ready):
        said = b""
        while ready not in said:
            part = self._read(self._process.stderr)
            said += part
            if not part:
                return False
        return True

    @staticmethod
    def _read(pipe):
        readable, _, _ = select.select([pipe], [], [], PATIENCE)
        check(readable, f"nothing within {PATIENCE:.0f} s")
        return os.read(pipe.fileno(), 1 << 16)

    def say(self, text):
        self._process.stdin.write(text)

    def expect(self, text):
        got = b""
        while len(got) < len(text) and (part := self._read(self._process.stdout)):
            got += part
        check(got == text, f"expected {text!r}, got {got!r}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            pipe.close()


def dnsmasq():
    path = path_of("dnsmasq")
    names = ["--local=/test/", "--host-record=here.test,192.0.2.7,2001:db8::7", "--cname=also.test,here.test"]
    names += [f"--host-record=n{i}.test,192.0.2.{i}" for i in range(50)]
    alone = ["--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--pid-file=", "--bind-interfaces", "--listen-address=127.0.0.1"]
    return Listener(lambda port: [path, *alone, f"--port={port}", *names], b"started")


def ncat(*options):
    path = path_of("ncat")
    return Listener(lambda port: [path, "-v", "--udp", "--listen", *options, "127.0.0.1", str(port)], b"Listening on")


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
        server.expect(b"hello")
        server.say(b"who is there?")
        client.expect("who is there?")
        client.say(b"\n\n")  # two empty ones, of which ncat shows nothing, and which end nothing
        client.say(b"it is me\n")
        server.expect(b"it is me")
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
