"""The cookbook's programs say on the wire and on the terminal what the originals say; process numbers, ports and descriptors are masked."""

import contextlib
import http.client
import os
import pathlib
import pickle
import re
import signal
import socket
import struct
import subprocess
import time

import harness
from conversation import run_promises
from program import Program

DASHES = "-" * 40
GREETING = b"\nHello from Epoll Server!"
RESPONSE_HEAD = b"HTTP/1.1 200 OK\r\nDate: Mon, 1 Apr 2013 01:01:01 GMT\r\nContent-Type: text/plain\r\nContent-Length: 25\r\n\r\n"


def listening_port(program):
    """The TCP port on which a program listens, as /proc knows it."""
    pid = program._process.pid
    inodes = set()
    for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            inodes |= set(re.findall(r"socket:\[(\d+)\]", os.readlink(entry)))
    for line in pathlib.Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and fields[9] in inodes:
            return int(fields[1].split(":")[1], 16)
    raise harness.Failure("the program listens nowhere")


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=harness.PATIENCE)


def receive_all(client):
    text = b""
    while part := client.recv(65536):
        text += part
    return text


@contextlib.contextmanager
def service(command):
    """A program of ours that prints its start line, and its port."""
    with harness.Server(command) as server:
        yield server.port


# 2.1 and 2.2


def forking_echo_prints_its_session(command):
    with Program(command) as program:
        lines = program.read_lines()
        program.expect_end()
    parent = re.fullmatch(r"Server loop running PID: (\d+)", lines[0])[1]
    children = []
    for i in range(2):
        sending, sent, responding, received = lines[1 + 4 * i : 5 + 4 * i]
        harness.check(sending == f'PID {parent} Sending echo message to the server : "Hello echo server!"', sending)
        harness.check(sent == "Sent: 18 characters, so far...", sent)
        shape = r"Server sending response \[current_process_id: data\] = \[(\d+): Hello echo server!\]"
        children.append(re.fullmatch(shape, responding)[1])
        harness.check(received == f"PID {parent} received: : Hello echo server!", received)
    harness.check(len(lines) == 9, f"lines: {lines}")
    harness.check(len({parent, *children}) == 3, f"processes {parent} and {children}")


def threading_echo_prints_its_session(command):
    with Program(command) as program:
        program.expect("Server loop running on thread: Thread-1")
        for i in (1, 2, 3):
            program.expect(f"Client received: Thread-{i + 1}: Hello from client {i}")
        program.expect_end()


def tasks_echo_answers_with_its_process(command):
    with harness.Server(command) as server, server.connect() as client:
        client.sendall(b"Hello echo server!")
        harness.check(receive_all(client) == f"{server.pid}: Hello echo server!".encode(), "another answer")


# 2.3: the frames of the book's own clients


def frame(text, protocol):
    body = pickle.dumps((text,), protocol)
    return struct.pack("L", socket.htonl(len(body))) + body


def python_2_frame(text):
    body = f"(S{text!r}\np1\nt.".encode()
    return struct.pack("L", socket.htonl(len(body))) + body


class ChatPeer:
    """A client, or the server's end of one, that speaks as the book's program does."""

    def __init__(self, connected, encode=lambda text: frame(text, 4)):
        self.socket = connected
        self.encode = encode

    def say(self, text):
        self.socket.sendall(self.encode(text))

    def expect(self, text):
        length = socket.ntohl(struct.unpack("L", harness.receive_exactly(self.socket, struct.calcsize("L")))[0])
        body = harness.receive_exactly(self.socket, length)
        harness.check(pickle.loads(body) == (text,), f"expected {text!r}, got {pickle.loads(body)!r}")

    def join(self, name):
        self.say(f"NAME: {name}")
        self.expect("CLIENT: 127.0.0.1")
        return self


def joined(stack, port, name, encode=lambda text: frame(text, 4)):
    return ChatPeer(stack.enter_context(connect(port)), encode).join(name)


@contextlib.contextmanager
def chat_server(command):
    if "tasks" in command[0]:
        with service(command) as port:
            yield port
    else:
        with Program([*command, "--name=server", "--port=0"]) as server:
            line = server.read_line().decode()
            yield int(re.fullmatch(r"Server listening to port: (\d+) \.\.\.\n", line)[1])


def chat_relays_between_the_books_clients(command):
    with chat_server(command) as port, contextlib.ExitStack() as stack:
        anna = joined(stack, port, "anna")
        bob = joined(stack, port, "bob", lambda text: frame(text, 0))
        anna.expect("\n(Connected: New client (2) from bob@127.0.0.1)")
        carl = joined(stack, port, "carl", python_2_frame)
        for other in (anna, bob):
            other.expect("\n(Connected: New client (3) from carl@127.0.0.1)")
        for speaker, name in ((anna, "anna"), (bob, "bob"), (carl, "carl")):
            text = "it's \\ a \"word\"" if name == "carl" else "grüße \\ \u20ac \U0001f600 \n " + "x" * 300
            speaker.say(text)
            for listener in (anna, bob, carl):
                if listener is not speaker:
                    listener.expect(f"\n#[{name}@127.0.0.1]>>{text}")
        bob.socket.close()
        for other in (anna, carl):
            other.expect("\n(Now hung up: Client from bob@127.0.0.1)")


def chat_takes_frames_in_pieces_and_waits_for_nobody(command):
    with chat_server(command) as port, contextlib.ExitStack() as stack:
        stack.enter_context(connect(port))  # says nothing
        anna = joined(stack, port, "anna")
        bob = joined(stack, port, "bob")
        anna.expect("\n(Connected: New client (2) from bob@127.0.0.1)")
        bob.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in frame("slowly", 4) + frame("at once", 4)[:-3]:
            bob.socket.sendall(bytes([byte]))
        anna.expect("\n#[bob@127.0.0.1]>>slowly")
        bob.socket.sendall(frame("at once", 4)[-3:])
        anna.expect("\n#[bob@127.0.0.1]>>at once")


def chat_refuses_every_other_pickle(command):
    class Mischief:
        def __reduce__(self):
            return os.system, ("true",)

    bodies = [pickle.dumps((Mischief(),), p) for p in (0, 4)]
    bodies += [pickle.dumps(x, p) for x in ("text", ("a", "b"), (1,), [("a")], None, ((("a",)),) * 2) for p in (0, 4)]
    bodies += [b"", b"(", b"(Va\n", pickle.dumps(("a",), 4)[:-1], pickle.dumps(("a",), 4) + b".", b"\x80\x04X\xff\xff\xff\xffa\x85."]
    frames = [struct.pack("L", socket.htonl(len(body))) + body for body in bodies]
    frames += [b"\xff" * 8, struct.pack("L", socket.htonl(1 << 30)), b"\0\0\0\1" + b"\1\0\0\0" + b"x"]
    with chat_server(command) as port, contextlib.ExitStack() as stack:
        anna = joined(stack, port, "anna")
        for bad in frames:
            with connect(port) as client:
                client.sendall(bad)
                harness.check(receive_all(client) == b"", f"an answer to {bad!r}")
        anna.say("still here")
        joined(stack, port, "bob")
        anna.expect("\n(Connected: New client (2) from bob@127.0.0.1)")


def chat_server_prints_its_session_and_ends_by_a_line(command):
    for end in ("line", "end of input", "interrupt"):
        with Program([*command, "--name=server", "--port=0"]) as server:
            port = int(re.search(r"port: (\d+) ", server.read_line().decode())[1])
            with connect(port) as client:
                own = client.getsockname()[1]
                got = re.fullmatch(rf"Chat server: got connection (\d+) from \('127.0.0.1', {own}\)\n", server.read_line().decode())
                harness.check(got, "another line at a connection")
            server.expect(f"Chat server: {got[1]} hung up")
            if end == "line":
                server.say(b"\n")
            elif end == "interrupt":
                server.signal(signal.SIGINT)
                server.expect("Shutting down server...")
            else:
                server.end_input()
            server.expect_end()


def chat_client_prints_its_session(command):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with Program([*command, "--name", "client1", "--port", str(port)]) as client:
            peer = ChatPeer(listener.accept()[0])
            peer.expect("NAME: client1")
            peer.say("CLIENT: 127.0.0.1")
            client.expect(f"Now connected to chat server@ port {port}")
            client.say(b"Hello from client 1\n\n")
            peer.expect("Hello from client 1")
            peer.say("\n#[client2@127.0.0.1]>>hello\x1b[2J")
            prompt = "[client1@127.0.0.1]> "
            client.expect(prompt * 2, "#[client2@127.0.0.1]>>hello?[2J")
            peer.socket.close()
            client.expect(prompt + "Client shutting down.")
            client.expect_end()


def chat_client_ends_by_itself_when_it_must(command):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        for end in ("interrupt", "end of input"):
            with Program([*command, "--name=a", f"--port={port}"]) as client:
                peer = ChatPeer(listener.accept()[0])
                peer.expect("NAME: a")
                peer.say("CLIENT: 127.0.0.1")
                client.expect(f"Now connected to chat server@ port {port}")
                if end == "interrupt":
                    client.signal(signal.SIGINT)
                    client.expect("[a@127.0.0.1]>  Client interrupted. ")
                else:
                    client.end_input()
                    harness.check(client.read_line() == b"[a@127.0.0.1]> ", "another prompt")
                client.expect_end()
                peer.socket.close()
    with Program([*command, "--name=a", f"--port={port}"]) as client:
        client.expect(f"Failed to connect to chat server @ port {port}")
        client.expect_end(status=1)


def a_missing_option_is_answered_with_the_usage(command):
    for words in ([], ["--name=a"], ["--port=x"], ["--port=65536"], ["--what"]):
        with Program(command + words) as program:
            program.expect_end(status=2)
            harness.check(program.stderr().startswith("usage: "), program.stderr())


# 2.4


@contextlib.contextmanager
def web_server(command):
    """The server's program, and its port."""
    if "tasks" in command[0]:
        with service(command) as port:
            yield None, port
    else:
        with Program([*command, "--port", "0"]) as server:
            server.expect("Started Epoll Server")
            yield server, listening_port(server)
            server.signal(signal.SIGINT)
            server.read_lines()
            server.expect_end()


def web_server_answers_http_client(command):
    with web_server(command) as (server, port):
        for _ in range(3):
            client = http.client.HTTPConnection("127.0.0.1", port, timeout=harness.PATIENCE)
            client.request("GET", "/")
            answer = client.getresponse()
            harness.check((answer.status, answer.read()) == (200, GREETING), "another page")
            client.close()
            if server:
                server.expect(DASHES, "GET / HTTP/1.1\r", f"Host: 127.0.0.1:{port}\r", "Accept-Encoding: identity\r", "")


def web_server_sends_the_books_bytes(command):
    with web_server(command) as (_, port):
        for request in (b"GET / HTTP/1.0\r\n\r\n", b"GET /\n\n"):
            with connect(port) as client:
                for byte in request:
                    client.sendall(bytes([byte]))
                harness.check(receive_all(client) == RESPONSE_HEAD + GREETING, "other bytes")


def web_server_forgets_those_who_leave(command):
    with web_server(command) as (server, port):
        before = descriptors(server) if server else 0
        for _ in range(20):
            with connect(port) as client:
                client.sendall(b"GET / HT")
            with connect(port) as client:
                client.sendall(b"GET / HT")
                harness.reset(client)
        deadline = time.monotonic() + harness.PATIENCE
        while True:
            with connect(port) as client:
                client.sendall(b"GET / HTTP/1.0\r\n\r\n")
                harness.check(receive_all(client) == RESPONSE_HEAD + GREETING, "other bytes")
            if not server or descriptors(server) <= before + 1:  # the client that has just left may still be there
                break
            harness.check(time.monotonic() < deadline, f"{descriptors(server)} descriptors are open, before there were {before}")


def descriptors(program):
    return len(os.listdir(f"/proc/{program._process.pid}/fd"))


def curl_takes_the_page(command):
    with web_server(command) as (_, port):
        try:
            done = subprocess.run(["curl", "-sS", f"http://127.0.0.1:{port}/"], capture_output=True, timeout=harness.PATIENCE)
        except FileNotFoundError:
            return  # the other promises do not need it
        harness.check(done.returncode == 0 and done.stdout == GREETING, f"curl: {done}")


# 2.5


@contextlib.contextmanager
def diesel_server(command):
    """The server's program, once it listens, and its port. It says nothing when it does."""
    with Program([*command, "--port", "0"]) as server:
        deadline = time.monotonic() + harness.PATIENCE
        port = None
        while port is None:
            harness.check(server._process.poll() is None and time.monotonic() < deadline, f"it does not listen: {server.stderr()}")
            with contextlib.suppress(harness.Failure):
                port = listening_port(server)
        yield server, port


def diesel_echo_prints_its_session(command):
    with diesel_server(command) as (server, port):
        for _ in range(2):
            with connect(port) as client:
                client.sendall(b"Hello Diesel server ?\r\nand again\r\n")
                answer = b"You said: Hello Diesel server ?\r\nYou said: and again\r\n"
                harness.check(harness.receive_exactly(client, len(answer)) == answer, "another answer")
                server.expect(f"Echo client connected from: 127.0.0.1:{client.getsockname()[1]}")
        server.signal(signal.SIGINT)
        server.expect_end()


def diesel_echo_takes_cr_and_lf_for_the_end_of_a_line(command):
    with diesel_server(command) as (_, port), connect(port) as client:
        for byte in b"one\ntwo\rthree\r\n":
            client.sendall(bytes([byte]))
        answer = b"You said: one\ntwo\rthree\r\n"
        harness.check(harness.receive_exactly(client, len(answer)) == answer, "another answer")


def diesel_echo_forgets_those_who_leave(command):
    with diesel_server(command) as (server, port):
        before = descriptors(server)
        for _ in range(20):
            with connect(port) as client:
                client.sendall(b"half a line")
        deadline = time.monotonic() + harness.PATIENCE
        while descriptors(server) > before:
            harness.check(time.monotonic() < deadline, f"{descriptors(server)} descriptors are open, before there were {before}")
            with connect(port) as client:
                client.sendall(b"x\r\n")
                harness.check(harness.receive_exactly(client, 13) == b"You said: x\r\n", "another answer")
                client.shutdown(socket.SHUT_WR)
                harness.expect_end(client)


CHAT = [chat_relays_between_the_books_clients, chat_takes_frames_in_pieces_and_waits_for_nobody, chat_refuses_every_other_pickle]
WEB = [web_server_answers_http_client, web_server_sends_the_books_bytes, web_server_forgets_those_who_leave, curl_takes_the_page]
PROMISES = {
    "2_1_forking_mixin_socket_server": [forking_echo_prints_its_session],
    "2_2_threading_mixin_socket_server": [threading_echo_prints_its_session],
    "2_3_chat_server_with_select": [
        *CHAT,
        chat_server_prints_its_session_and_ends_by_a_line,
        chat_client_prints_its_session,
        chat_client_ends_by_itself_when_it_must,
        a_missing_option_is_answered_with_the_usage,
    ],
    "2_4_simple_web_server_with_epoll": [*WEB, a_missing_option_is_answered_with_the_usage],
    "2_5_echo_server_with_diesel": [
        diesel_echo_prints_its_session,
        diesel_echo_takes_cr_and_lf_for_the_end_of_a_line,
        diesel_echo_forgets_those_who_leave,
        a_missing_option_is_answered_with_the_usage,
    ],
    "chat_server_tasks": CHAT,
    "echo_server_tasks": [tasks_echo_answers_with_its_process],
    "web_server_tasks": WEB,
}

if __name__ == "__main__":
    chosen = harness.arguments(__doc__)
    run_promises(PROMISES[pathlib.Path(chosen.program).name], chosen)
