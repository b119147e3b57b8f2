"""The servers that are measured beside each other: the limits, cetane, and its peers; what each needs, and how it is started."""

import dataclasses
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


@dataclasses.dataclass
class Contestant:
    """One server; `command` is None where the machine lacks what it needs, and `lacks` says what that is."""

    name: str
    command: list
    lacks: str = ""
    takes_buffer: bool = True

    def with_buffer(self, size):
        return [*self.command, "--buffer", str(size)] if self.takes_buffer else self.command


def built(build, name, lacks):
    program = build / "bench" / name
    return [str(program)] if program.exists() else None, lacks


def go(build, name="echo"):
    """Go builds its own program, next to the others."""
    program, source = build / "bench" / f"go_{name}", HERE / "peers" / f"{name}.go"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        if not shutil.which("go"):
            return None, "golang-go"
        subprocess.run(["go", "build", "-o", program, source], check=True, stdout=sys.stderr)
    return [str(program)], ""


CRATES = pathlib.Path("/usr/share/cargo/registry")  # where Debian's packages have them: nothing is downloaded


def tokio(build, name="tokio_echo"):
    """Cargo builds it, from a copy, since it writes beside the sources."""
    program = build / "bench" / "tokio" / "target" / "release" / name
    if not program.exists():
        if not shutil.which("cargo") or not any(CRATES.glob("tokio-1*")):
            return None, "librust-tokio-dev or cargo"
        shutil.copytree(HERE / "peers" / "tokio", build / "bench" / "tokio", dirs_exist_ok=True)
        source = ["--config", 'source.crates-io.replace-with="debian"', "--config", f'source.debian.directory="{CRATES}"']
        subprocess.run(["cargo", "build", "--release", "--offline", *source], cwd=build / "bench" / "tokio", check=True, stdout=sys.stderr)
    return [str(program)], ""


def python(script, module, interpreter, package):
    if subprocess.run([interpreter, "-c", f"import {module}"], stderr=subprocess.DEVNULL, check=False).returncode:
        return None, package
    return [interpreter, str(HERE / "peers" / script)], ""


def limits(build):
    return [
        Contestant("raw", *built(build, "epoll_echo", "")),
        Contestant("raw, edge-triggered", *built(build, "epoll_echo_et", "")),
        Contestant("raw, io_uring", *built(build, "io_uring_echo", "liburing-dev")),
    ]


def cetane(build, backend="epoll"):
    return Contestant(f"cetane, {backend}", [str(build / "examples" / "echo_raw"), "--backend", backend], takes_buffer=False)


def peers(build):
    return [
        Contestant("libuv", *built(build, "uv_echo", "libuv1-dev")),
        Contestant("asio", *built(build, "asio_echo", "libasio-dev")),
        Contestant("tokio", *tokio(build)),
        Contestant("Go", *go(build)),
        Contestant("asyncio", *python("asyncio_echo.py", "asyncio", sys.executable, "python3")),
        Contestant("gevent", *python("gevent_echo.py", "gevent", "/usr/bin/python3", "python3-gevent")),
    ]


# Datagrams


def udp_limit(build):
    return Contestant("raw", *built(build, "udp_echo", ""), takes_buffer=False)


def udp_contestants(build, backends):
    """cetane and its peers."""
    program = str(build / "bench" / "cetane_udp_echo")
    return [
        *(Contestant(f"cetane, {backend}", [program, "--backend", backend], takes_buffer=False) for backend in backends),
        Contestant("libuv", *built(build, "uv_udp_echo", "libuv1-dev"), takes_buffer=False),
        Contestant("asio", *built(build, "asio_udp_echo", "libasio-dev"), takes_buffer=False),
        Contestant("tokio", *tokio(build, "tokio_udp_echo"), takes_buffer=False),
        Contestant("Go", *go(build, "udp_echo"), takes_buffer=False),
        Contestant("asyncio", *python("asyncio_udp_echo.py", "asyncio", sys.executable, "python3"), takes_buffer=False),
        Contestant("gevent", *python("gevent_udp_echo.py", "gevent", "/usr/bin/python3", "python3-gevent"), takes_buffer=False),
    ]


# TLS


def certificate(build):
    """A new certificate for this machine, as the options of a server that shows it; its file is what the load generator trusts."""
    folder = build / "bench" / "certificate"
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run(["sh", HERE.parent / "scripts" / "certificate.sh", "--days", "2", folder], check=True, stderr=subprocess.DEVNULL)
    return folder / "certificate.pem", folder / "key.pem"


def secure(contestant, files):
    """The same server, with this certificate."""
    if contestant.command is None:
        return contestant
    words = ["--tls-cert", str(files[0]), "--tls-key", str(files[1])]
    return dataclasses.replace(contestant, command=[*contestant.command, *words])


def tls_limit(build):
    return Contestant("raw", *built(build, "tls_echo", "libssl-dev"))


def tls_contestants(build, backends):
    """cetane and its peers."""
    program = str(build / "bench" / "cetane_tls_echo")
    return [
        *(Contestant(f"cetane, {backend}", [program, "--backend", backend], takes_buffer=False) for backend in backends),
        Contestant("asio", *built(build, "asio_tls_echo", "libasio-dev")),
        Contestant("Go", *go(build)),
        Contestant("asyncio", *python("asyncio_echo.py", "asyncio", sys.executable, "python3")),
    ]
