"""The echo server over TLS with foreign clients: openssl s_client and Python's ssl."""

import functools
import signal
import ssl
import subprocess
import time

import harness
from certificates import Certificates
from conversation import Conversation, run_promises
from harness import PATIENCE, check


def with_server(promise):
    """Gives the promise a running server with a good certificate."""

    @functools.wraps(promise)
    def keep(command):
        with Certificates() as certificates:
            certificates.issue("server")
            with harness.Server([*command, *certificates.of("server")]) as server:
                promise(server, certificates)

    return keep


def trusting(certificates):
    return ssl.create_default_context(cafile=certificates.file("authority"))


def secure(server, context, name="localhost"):
    return context.wrap_socket(server.connect(), server_hostname=name)


def s_client(server, *options, say=b"hello\nquit\n"):
    """What openssl s_client says, and its status."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", *map(str, options)]
    done = subprocess.run(command, input=say, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE)
    return done.stdout.decode(errors="replace"), done.returncode


@with_server
def openssl_gets_its_lines_back(server, certificates):
    for version in ("-tls1_2", "-tls1_3"):
        said, status = s_client(server, version, "-quiet", "-verify_return_error", "-verify_hostname", "localhost", "-CAfile", certificates.file("authority"))
        check("you said hello\n" in said and status == 0, f"{version}: status {status}, {said}")


@with_server
def nothing_older_and_nothing_weaker_is_spoken(server, _):
    refused = [
        ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
        ["-tls1", "-cipher", "ALL:@SECLEVEL=0"],
        ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-SHA384:ECDHE-ECDSA-AES128-SHA"],
        ["-tls1_2", "-cipher", "AES256-GCM-SHA384:AES128-SHA"],
        ["-tls1_2", "-cipher", "aNULL:eNULL:@SECLEVEL=0"],
    ]
    for options in refused:
        said, _ = s_client(server, *options)
        check("Cipher is (NONE)" in said or "no ciphers" in said, f"{options} were accepted: {said}")


@with_server
def a_client_cannot_renegotiate(server, certificates):
    said, _ = s_client(server, "-tls1_2", say=b"R\nhello\n")
    check("no renegotiation" in said, f"{said}")


@with_server
def a_session_is_taken_up_again(server, certificates):
    for version in ("-tls1_2", "-tls1_3"):
        kept = certificates.folder / f"session{version}"
        said, _ = s_client(server, version, "-ign_eof", "-sess_out", kept)
        check("New, TLSv1." in said and kept.exists(), f"{version}: no session was kept: {said}")
        said, _ = s_client(server, version, "-ign_eof", "-sess_in", kept)
        check("Reused, TLSv1." in said, f"{version}: it was not taken up: {said}")


@with_server
def python_gets_its_lines_back_and_an_orderly_end(server, certificates):
    with secure(server, trusting(certificates)) as client:
        client.sendall(b"hello\r\nquit\r\n")
        check(client.recv(100) == b"you said hello\r\n", "the line did not come back")
        check(client.recv(100) == b"", "no end after quit")
        client.unwrap()


@with_server
def a_long_line_comes_back_whole(server, certificates):
    line = bytes(range(32, 127)) * 600 + b"\n"
    with Conversation(secure(server, trusting(certificates))) as client:
        for _ in range(20):
            client.say(line)
            check(client.read_line() == b"you said " + line, "the line came back changed")


@with_server
def python_refuses_the_server_by_another_name(server, certificates):
    try:
        secure(server, trusting(certificates), "example.org").close()
    except ssl.SSLCertVerificationError:
        return
    raise harness.Failure("it was taken for example.org")


@with_server
def who_comes_without_tls_is_turned_away_and_others_are_served(server, certificates):
    with server.connect() as plain:
        plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
        answer = plain.recv(100)
        check(answer[:1] in (b"\x15", b""), f"got {answer!r}, no alert")
    with secure(server, trusting(certificates)) as client:
        client.sendall(b"hello\n")
        check(client.recv(100) == b"you said hello\n", "the line did not come back")
    check("the peer speaks plain HTTP here, not TLS" in server.stderr(), f"the log has no reason: {server.stderr()}")


@with_server
def clients_that_vanish_leave_nothing(server, certificates):
    with Conversation(secure(server, trusting(certificates))) as steady:
        before = server.descriptors()
        for _ in range(20):
            with server.connect() as silent:
                silent.sendall(b"\x16\x03\x01")
            with secure(server, trusting(certificates)) as client:
                client.sendall(b"half a li")
            harness.reset(secure(server, trusting(certificates)))
        deadline = time.monotonic() + PATIENCE
        while (now := server.descriptors()) != before:
            check(time.monotonic() < deadline, f"{now} descriptors are open, not {before}")
            steady.say(b"still here\r\n")
            steady.expect("you said still here")


@with_server
def a_new_certificate_is_read_on_sighup_and_nobody_notices(server, certificates):
    with Conversation(secure(server, trusting(certificates))) as old:
        certificates.issue("fresh")
        certificates.file("fresh").replace(certificates.file("server"))
        certificates.key("fresh").replace(certificates.key("server"))
        server.signal(signal.SIGHUP)
        while "read again" not in server.stderr():
            old.say(b"still here\r\n")
            old.expect("you said still here")
        with secure(server, trusting(certificates)) as new:
            check(new.getpeercert()["subject"] == ((("commonName", "fresh"),),), f"it shows {new.getpeercert()}")
        old.say(b"still here\r\n")
        old.expect("you said still here")


def a_server_without_its_certificate_does_not_start(command):
    done = subprocess.run([*command, "--port", "0", "--tls-cert", "/no/such.pem"], capture_output=True, timeout=PATIENCE)
    check(done.returncode == 3, f"status {done.returncode}")
    check(b"/no/such.pem" in done.stderr and b"no such file" in done.stderr, f"it says {done.stderr!r}")


PROMISES = [
    openssl_gets_its_lines_back,
    nothing_older_and_nothing_weaker_is_spoken,
    a_client_cannot_renegotiate,
    a_session_is_taken_up_again,
    python_gets_its_lines_back_and_an_orderly_end,
    a_long_line_comes_back_whole,
    python_refuses_the_server_by_another_name,
    who_comes_without_tls_is_turned_away_and_others_are_served,
    clients_that_vanish_leave_nothing,
    a_new_certificate_is_read_on_sighup_and_nobody_notices,
    a_server_without_its_certificate_does_not_start,
]

if __name__ == "__main__":
    run_promises(PROMISES, harness.arguments(__doc__))
