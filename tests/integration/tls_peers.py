"""TLS with foreign programs, both ways: curl asks our server; our client asks openssl s_server and Python's ssl."""

import contextlib
import shutil
import socket
import ssl
import subprocess
import threading

import harness
from certificates import Certificates
from conversation import run_promises
from harness import PATIENCE, check

CURL_REFUSES_CERTIFICATE = 60  # curl(1): peer's certificate cannot be authenticated


def curl(server, name, *options):
    command = ["curl", "--silent", "--show-error", "--max-time", f"{PATIENCE:.0f}", "--connect-to", f"::127.0.0.1:{server.port}", *map(str, options), f"https://{name}/"]
    return subprocess.run(command, capture_output=True)


def curl_asks_a_server_that_it_trusts_and_no_other(command):
    if shutil.which("curl") is None:
        harness.skip("there is no curl")
    with Certificates() as certificates:
        authority = ["--cacert", certificates.file("authority")]
        certificates.issue("server")
        certificates.issue_expired("expired")
        certificates.sign_itself("alone")
        with harness.Server([command[0], "serve", *command[1:], *certificates.of("server")]) as server:
            done = curl(server, "localhost", *authority)
            check(done.stdout == b"hello stranger\n", f"curl says {done}")
            for name, options in (("localhost", []), ("example.org", authority)):
                done = curl(server, name, *options)
                check(done.returncode == CURL_REFUSES_CERTIFICATE, f"{name} {options}: curl says {done}")
        for bad in ("expired", "alone"):
            with harness.Server([command[0], "serve", *command[1:], *certificates.of(bad)]) as server:
                done = curl(server, "localhost", *authority)
                check(done.returncode == CURL_REFUSES_CERTIFICATE, f"{bad}: curl says {done}")


def curl_shows_who_it_is_where_it_must(command):
    with Certificates() as certificates:
        authority = certificates.file("authority")
        certificates.issue("server")
        certificates.issue("anna", names="email:anna@example.org")
        with harness.Server([command[0], "serve", *command[1:], *certificates.of("server"), "--clients", authority]) as server:
            done = curl(server, "localhost", "--cacert", authority, "--cert", certificates.file("anna"), "--key", certificates.key("anna"))
            check(done.stdout == b"hello CN=anna\n", f"curl says {done}")
            done = curl(server, "localhost", "--cacert", authority)
            check(done.returncode != 0 and b"hello" not in done.stdout, f"a stranger was let in: {done}")


def ask(command, port, certificates, name="localhost", own=()):
    client = [command[0], "ask", port, name, certificates.file("authority"), *own]
    return subprocess.run(list(map(str, client)), capture_output=True, text=True, timeout=PATIENCE)


@contextlib.contextmanager
def python_server(certificates, shown, serve, authorities=None):
    """A thread that accepts once with Python's ssl and hands the connection, or the error, to `serve`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authorities)
    context.verify_mode = ssl.CERT_REQUIRED if authorities else ssl.CERT_NONE
    context.load_cert_chain(certificates.file(shown), certificates.key(shown))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)

        def accept():
            plain, _ = listener.accept()
            plain.settimeout(PATIENCE)
            with contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as peer:
                serve(peer)

        thread = threading.Thread(target=accept)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def answer_and_end(peer):
    said = peer.recv(100)
    peer.sendall(b"you said " + said)
    peer.unwrap()  # which waits for the other end, too


def answer_and_cut(peer):
    said = peer.recv(100)
    peer.sendall(b"you said " + said)
    peer.shutdown(socket.SHUT_WR)  # of the socket, behind the back of TLS
    while peer.recv(100):
        pass


def python_is_asked_and_answers(command):
    with Certificates() as certificates:
        certificates.issue("server")
        with python_server(certificates, "server", answer_and_end) as port:
            done = ask(command, port, certificates)
        check(done.returncode == 0 and done.stdout == "TLSv1.3\nyou said hello\n", f"{done}")


def an_answer_that_is_cut_off_is_an_error(command):
    with Certificates() as certificates:
        certificates.issue("server")
        with python_server(certificates, "server", answer_and_cut) as port:
            done = ask(command, port, certificates)
        check(done.returncode == 1 and "without a close_notify" in done.stderr, f"{done}")


def python_is_refused_for_a_bad_certificate(command):
    with Certificates() as certificates:
        bad = [
            (certificates.issue("other", names="DNS:example.org"), "hostname mismatch, it is for example.org"),
            (certificates.issue_expired("expired"), "certificate has expired"),
            (certificates.sign_itself("alone"), "self-signed certificate"),
        ]
        for shown, why in bad:
            with python_server(certificates, shown, answer_and_end) as port:
                done = ask(command, port, certificates)
            check(done.returncode == 1 and why in done.stderr, f"{shown}: {done}")


def python_is_shown_who_we_are(command):
    with Certificates() as certificates:
        certificates.issue("server")
        certificates.issue("anna", names="email:anna@example.org")
        names = []

        def note_name(peer):
            names.append(peer.getpeercert()["subject"][0][0][1])
            answer_and_end(peer)

        with python_server(certificates, "server", note_name, certificates.file("authority")) as port:
            done = ask(command, port, certificates, own=[certificates.file("anna"), certificates.key("anna")])
        check(done.returncode == 0 and names == ["anna"], f"{names}, {done}")


def openssl_is_asked_and_answers(command):
    with Certificates() as certificates:
        certificates.issue("server")
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        for version, spoken in (("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")):
            server = ["openssl", "s_server", version, "-accept", f"127.0.0.1:{port}", "-rev", "-naccept", "1"]
            shown = ["-cert", certificates.file("server"), "-key", certificates.key("server")]
            with subprocess.Popen(list(map(str, server + shown)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as running:
                try:
                    while (line := running.stdout.readline()) and b"ACCEPT" not in line:
                        pass
                    done = ask(command, port, certificates)
                    check(done.stdout.startswith(f"{spoken}\nolleh\n"), f"{version}: {done}")
                finally:
                    running.kill()


PROMISES = [
    curl_asks_a_server_that_it_trusts_and_no_other,
    curl_shows_who_it_is_where_it_must,
    python_is_asked_and_answers,
    an_answer_that_is_cut_off_is_an_error,
    python_is_refused_for_a_bad_certificate,
    python_is_shown_who_we_are,
    openssl_is_asked_and_answers,
]

if __name__ == "__main__":
    run_promises(PROMISES, harness.arguments(__doc__))
