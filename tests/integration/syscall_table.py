"""Which error each system call may be met with, and what is right then; from the manual pages, section 2, 3 and 7.

An error is injected by strace: the kernel does not see the call, the program sees the error. So an error that the kernel would only report while it does
something else as well cannot be tried this way; the rows below leave these out and say so. One word for each outcome:

    NOTHING   nobody notices anything
    ONE       whatever the call was for fails: one connection ends early, or one task gets the error. All others lose not one byte.
    REFUSED   the program does not start: status 3, one line that says what failed
    EITHER    it starts and works as if nothing had been, or is REFUSED
"""

import dataclasses
import re

NOTHING, ONE, REFUSED, EITHER = "nothing", "one", "refused", "either"


@dataclasses.dataclass(frozen=True)
class Row:
    """Errors of a call that have one outcome. `start` and `serve` are for calls before and after the start lines; None: not tried there."""

    call: str
    errors: str
    start: str | None = None
    serve: str | None = None
    only: str = ""  # what the arguments have to look like
    says: str = ""  # what the line of a program that is REFUSED has to name

    def is_for(self, arguments):
        return re.search(self.only, arguments) is not None


LACK = "EMFILE ENFILE ENOMEM"
LOST = "ECONNRESET ETIMEDOUT EHOSTUNREACH"  # recv(2), tcp(7), ip(7): what has happened to a connection meanwhile

TABLE = [
    # Connections that come.
    Row("accept4", "EINTR ECONNABORTED EPROTO EPERM ENETDOWN ENOBUFS " + LACK, serve=NOTHING),
    # EAGAIN is left out for recvfrom, sendto and sendmsg: the kernel says it of an empty socket, or a full one, and tells of a change. Nothing
    # changes here. So are EPIPE and ECONNRESET of a send: the connection has gone then, which whoever reads is told as well, and here it has not. The shim of
    # tests/shim does both.
    Row("recvfrom", "EINTR", serve=NOTHING),
    Row("recvfrom", "ENOMEM ECONNREFUSED " + LOST, serve=ONE),
    Row("sendto", "EINTR", serve=NOTHING, only="MSG_NOSIGNAL"),
    Row("sendto", "ENOBUFS ENOMEM", serve=ONE, only="MSG_NOSIGNAL"),
    Row("sendto", "ENOBUFS ENOMEM EINTR", start=EITHER),  # of the probe of io_uring
    Row("sendmsg", "EINTR", serve=NOTHING),
    Row("sendmsg", "ENOBUFS ENOMEM", serve=ONE),
    # Connections that we make. EINTR and EINPROGRESS of connect are left out: the attempt goes on then, and here there is none.
    Row("socket", "EMFILE", start=REFUSED, serve=ONE, says="ulimit -n"),
    Row("socket", "EACCES EAFNOSUPPORT EPROTONOSUPPORT ENOBUFS ENFILE ENOMEM", start=REFUSED, serve=ONE),
    Row("connect", "ECONNREFUSED ETIMEDOUT ENETUNREACH EHOSTUNREACH EADDRNOTAVAIL EACCES EPERM EAGAIN", serve=ONE),
    # So is ENOTCONN of getpeername: not yet, it says of a connection to be, and the kernel tells of its end, here of none.
    Row("getpeername", "ENOBUFS", serve=ONE),
    Row("getsockname", "ENOBUFS", start=REFUSED, serve=ONE),
    # Datagrams. What a call says may be the system's word on an earlier one, so it is made again.
    Row("recvmmsg", "EINTR ENOMEM ECONNREFUSED EHOSTUNREACH", serve=NOTHING),
    Row("sendmmsg", "EINTR ECONNREFUSED EHOSTUNREACH ENOBUFS EAGAIN", serve=NOTHING),
    Row("sendmmsg", "EPERM ENOMEM ENETDOWN", serve=ONE),
    Row("recvmsg", "EINTR", serve=NOTHING, only="MSG_ERRQUEUE"),
    Row("recvmsg", "ENOMEM", serve=ONE, only="MSG_ERRQUEUE"),
    Row("bind", "EADDRINUSE EACCES EADDRNOTAVAIL ENOMEM", serve=ONE),
    # What an older or other kernel does not know. Nobody has to suffer from a packet more or a probe less.
    Row("setsockopt", "ENOPROTOOPT", start=REFUSED, only="SO_REUSEADDR"),
    Row("setsockopt", "ENOPROTOOPT EINVAL", start=NOTHING, serve=NOTHING, only="TCP_KEEP|SO_KEEPALIVE|TCP_NODELAY|SO_RXQ_OVFL|SOL_UDP"),
    Row("setsockopt", "ENOPROTOOPT EINVAL", serve=ONE, only="IP_RECVERR"),
    # Listening.
    Row("bind", "EADDRINUSE", start=REFUSED, only="AF_INET", says="all free ports are in use"),
    Row("bind", "EADDRINUSE", start=REFUSED, only="AF_UNIX", says="try another path"),
    Row("bind", "EACCES EADDRNOTAVAIL ENOMEM", start=REFUSED),
    Row("bind", "ENOENT ENOTDIR EROFS ELOOP", start=REFUSED, only="AF_UNIX"),
    Row("listen", "EADDRINUSE", start=REFUSED),
    # The event loop. Of epoll_ctl, EPOLL_CTL_ADD alone allocates.
    Row("eventfd2", "EMFILE", start=REFUSED, says="ulimit -n"),
    Row("eventfd2", "ENODEV ENFILE ENOMEM", start=REFUSED),
    Row("epoll_create1", "EMFILE", start=REFUSED, says="ulimit -n"),
    Row("epoll_create1", "ENFILE ENOMEM", start=REFUSED),
    Row("epoll_ctl", "ENOMEM ENOSPC", start=REFUSED, serve=ONE, only="EPOLL_CTL_ADD"),
    Row("epoll_wait", "EINTR", serve=NOTHING),
    Row("epoll_pwait", "EINTR", serve=NOTHING),  # libc's epoll_wait on arm64
    Row("epoll_pwait2", "EINTR ENOSYS EPERM", serve=NOTHING),
    Row("io_uring_setup", "ENOSYS EPERM EINVAL " + LACK, start=REFUSED, says="--backend epoll"),
    Row("io_uring_register", "EINVAL ENOMEM EPERM", start=REFUSED, only="PBUF_RING|ENABLE_RINGS", says="--backend epoll"),
    Row("io_uring_register", "EINVAL ENOMEM EBUSY", start=NOTHING, serve=NOTHING, only=r"\bIORING_REGISTER_RING_FDS"),
    Row("io_uring_enter", "EINTR EAGAIN EBUSY ENOMEM", start=NOTHING, serve=NOTHING),
    Row("socketpair", LACK, start=REFUSED, says="--backend epoll"),
    Row("madvise", "ENOMEM EAGAIN", start=EITHER),
    # Signals, threads, processes.
    Row("signalfd4", "EMFILE", start=REFUSED, serve=ONE, says="ulimit -n"),
    Row("signalfd4", "ENODEV ENFILE ENOMEM", start=REFUSED, serve=ONE),
    Row("read", "EINTR", serve=NOTHING, only=", 128$"),  # of a signalfd
    Row("clone3", "EAGAIN ENOMEM EPERM", serve=ONE),
    Row("clone3", "ENOSYS", serve=NOTHING),
    Row("clone", "EAGAIN ENOMEM", serve=ONE),
    Row("pidfd_open", "ENODEV EINVAL ENOSYS " + LACK, serve=ONE),
    Row("poll", "EINTR ENOMEM"),  # of a master that waits for its workers
    Row("ppoll", "EINTR ENOMEM"),
    Row("waitid", "EINTR", serve=NOTHING),
    Row("waitid", "ECHILD", serve=ONE),
    # Files.
    Row("openat", "EINTR", serve=NOTHING, only="O_NOCTTY"),
    Row("openat", "ENOENT EACCES ELOOP EIO " + LACK, serve=ONE, only="O_NOCTTY"),
    Row("openat", "ENOENT " + LACK, serve=NOTHING, only="/sys/|localtime"),  # libc's: it does without
    Row("openat", LACK, serve=ONE, only="/etc/(hosts|nsswitch|resolv|host.conf|gai)"),
    Row("openat", LACK, serve=ONE, only="/proc/self/task"),
    # Which file it runs from, for a restart: without that it serves all the same.
    Row("openat", "ENOENT EACCES " + LACK, start=NOTHING, only="/proc/self/cmdline"),
    Row("readlink", "ENOENT EACCES ENOMEM", start=NOTHING, only="/proc/self/exe"),
    Row("getcwd", "ENOENT EACCES ENOMEM", start=NOTHING),
    Row("newfstatat", "ENOMEM EIO", start=EITHER, serve=ONE),
    Row("fcntl", LACK, serve=ONE, only="F_DUPFD"),
    Row("sendfile", "EINVAL ENOSYS", serve=NOTHING),  # sendfile(2): "applications may wish to fall back to read and write"
    Row("sendfile", "EIO ENOMEM EPIPE " + LOST, serve=ONE),
    Row("unlink", "ENOENT EACCES EROFS", serve=NOTHING),
    # What is said. Whoever should hear it may be gone, or its disk full; that ends no server.
    Row("write", "EPIPE ENOSPC EIO EAGAIN EINTR", start=NOTHING, serve=NOTHING, only="^[12],"),
    # Memory, which malloc asks for. The kernel's brk knows no error, it gives the old end: see INJECTIONS.
    Row("brk", "ENOMEM", start=EITHER, serve=ONE),
    Row("mmap", "ENOMEM EAGAIN", start=EITHER, serve=ONE),
    Row("mprotect", "ENOMEM", start=EITHER, serve=ONE),
    Row("prlimit64", "EPERM", start=NOTHING, only="RLIMIT_NOFILE, {"),
]

# How strace is told, where it is not `error=`.
INJECTIONS = {("brk", "ENOMEM"): "retval=0"}

LEFT_OUT = {
    "close": "Linux closes whatever it reports, strace would leave it open: a leak of strace's",
    "exit_group": "does not return",
    "clock_nanosleep": "EINTR of a pause: what follows looks at the clock",
    "getrandom": "of libc's malloc, which does without",
    "sched_getaffinity": "of libc, which counts processors: it does without",
    "arch_prctl": "of libc, before main",
    "futex": "of libc, which waits again; whether there is a wait at all is luck",
    "shutdown": "ENOTCONN: the connection has gone, which whoever reads is told as well, and here it has not",
    "getpid": "cannot fail",
    "gettid": "cannot fail",
    "kill": "of the test program itself",
    "tgkill": "of libc's abort",
    "getsockopt": "SO_ERROR fails for mistakes only (EBADF, EFAULT, ENOTSOCK)",
    "lseek": "of libc, on its own files",
    "munmap": "fails for mistakes only, or where a mapping is split: ours are given back whole",
    "prctl": "PR_SET_NAME: fails for mistakes only",
    "rseq": "of libc: without it, it does without",
    "rt_sigaction": "fails for mistakes only",
    "rt_sigpending": "fails for mistakes only",
    "rt_sigprocmask": "fails for mistakes only",
    "rt_sigreturn": "does not return",
    "rt_sigtimedwait": "EAGAIN is its usual answer",
    "set_robust_list": "of libc: fails for mistakes only",
    "restart_syscall": "made by the kernel",
    "uname": "of libc: fails for mistakes only",
    "getdents64": "of the standard library, on /proc",
}
