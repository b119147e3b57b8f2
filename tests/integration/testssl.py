"""What testssl.sh has to say against the echo server over TLS: protocols, suites, their order, forward secrecy and the known attacks. Nothing.

What is said of the certificate is not asked for, it is one of this run; what needs HTTP is not tried by it.
"""

import json
import shutil
import subprocess

import harness
from certificates import Certificates
from harness import check

CHECKS = ["--protocols", "--std", "--fs", "--server-preference", "--vulnerable"]
HARMLESS = {"DEBUG", "INFO", "OK"}
ABOUT_THIS_MACHINE = {"engine_problem"}  # its OpenSSL knows no GOST
LONGEST = 280  # seconds, of which it computes for 13


def findings(program, port, report):
    """What is worse than information, and what testssl.sh has said."""
    quietly = ["--quiet", "--color", "0", "--warnings", "off", "--nodns", "none", "--ip", "127.0.0.1"]
    command = [program, *quietly, *CHECKS, "--severity", "LOW", "--jsonfile", report, f"localhost:{port}"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=LONGEST)
    found = json.loads(report.read_text())
    return [each for each in found if each["severity"] not in HARMLESS and each["id"] not in ABOUT_THIS_MACHINE], done.stdout


def nothing_is_found(chosen):
    program = shutil.which("testssl") or shutil.which("testssl.sh")
    if program is None:
        harness.skip("there is no testssl.sh")
    with Certificates() as certificates:
        certificates.issue("server")
        with harness.Server([*chosen.command, *certificates.of("server")]) as server:
            found, said = findings(program, server.port, certificates.folder / "findings.json")
    check(not found, f"testssl.sh finds {found}:\n{said}")
    for line in ("TLS_AES_256_GCM_SHA384", "Has server cipher order?", "Heartbleed", "RC4 (CVE"):  # it has looked
        check(line in said, f"testssl.sh says nothing of {line}:\n{said}")


if __name__ == "__main__":
    harness.run(nothing_is_found, harness.arguments(__doc__))
