"""What is promised of each row, and what would do. The rows have the names of the field's own table in docs/explanation/performance.md."""

# name: (what, target, acceptable, unit); for what is in MORE more is better, for all else less. Where nothing but a target was set, acceptable is None.
ROWS = {
    "E1 rate": ("50 connections, 64 bytes, against raw", 0.97, 0.94, "x"),
    "E1 cpu": ("the same, processor time a message", 1.04, 1.08, "x"),
    "E2 asio": ("E1's rate, against asio", 1.10, None, "x"),
    "E2 tokio": ("E1's rate, against tokio", 1.08, None, "x"),
    "E2 Go": ("E1's rate, against Go", 1.35, None, "x"),
    "E2 gevent": ("E1's rate, against gevent", 3.8, None, "x"),
    "E3 rate": ("sixteen in flight", 0.98, 0.95, "x"),
    "E3 cpu": ("the same, processor time a message", 1.03, 1.08, "x"),
    "E4 rate": ("1,000 connections, 64 bytes", 0.96, 0.92, "x"),
    "E4 cpu": ("the same, processor time a message", 1.06, 1.12, "x"),
    "E4 asio": ("E4's rate, against asio", 1.15, None, "x"),
    "E4 tokio": ("E4's rate, against tokio", 1.15, None, "x"),
    "E4 Go": ("E4's rate, against Go", 1.3, None, "x"),
    "E5 rate": ("50 connections, 16 KiB", 0.97, 0.93, "x"),
    "E5 cpu": ("the same, processor time a message", 1.05, 1.12, "x"),
    "E6 rate": ("16 KiB, sixteen in flight", 0.95, 0.85, "x"),
    "E7 p50": ("one connection, median latency", 1.03, 1.08, "x"),
    "N1": ("instructions an echo, 50 connections", 200, 320, ""),
    "N2": ("the same, io_uring", 230, 350, ""),
    "N3 c=1": ("system calls an echo, one connection", 3.0, 3.01, ""),
    "N3 c=50": ("system calls an echo, 50 connections", 2.03, 2.05, ""),
    "N4 c=1": ("the same on io_uring, one connection", 1.0, 2.0, ""),
    "N4 c=50": ("the same on io_uring, 50 connections", 0.03, 0.05, ""),
    "allocations, epoll": ("allocations an echo", 0, 0, ""),
    "allocations, io_uring": ("allocations an echo", 0, 0, ""),
    "M1, epoll": ("bytes an idle connection", 320, 600, "B"),
    "M1, io_uring": ("bytes an idle connection", 320, 600, "B"),
    "C1": ("yield, against bare coroutine handles", 2.0, 5.0, "x"),
    "C2": ("spawn and join a task", 1.8, 4.3, "x"),
    "C3": ("queue hop between two tasks", 2.2, 5.5, "x"),
    "C4": ("timer add and cancel, 1,000 live", 3.3, 13, "x"),
    "C5": ("mutex hand-over, one yield included", 1.7, 4.5, "x"),
    "TLS1 cpu": ("a full handshake, against raw with OpenSSL", 1.05, 1.10, "x"),
    "TLS1r cpu": ("the same, resumed", 1.10, 1.20, "x"),
    "TLS2 rate": ("over TLS, 50 connections, 16 KiB", 0.97, 0.93, "x"),
    "TLS2 cpu": ("the same, processor time a message", 1.05, 1.12, "x"),
    "TLS2p rate": ("sixteen in flight", 0.97, 0.90, "x"),
    "TLS3 rate": ("over TLS, 50 connections, 64 bytes", 0.95, 0.90, "x"),
    "TLS3 cpu": ("the same, processor time a message", 1.05, 1.12, "x"),
    "TLS3p cpu": ("sixteen in flight", 1.05, 1.12, "x"),
    "T1": ("compile time of the echo, against its bare headers", 2.1, 2.6, "x"),
}

# The same workloads on the other backend, by the same measure.
ROWS.update({f"{name}, io_uring": (what, *rest) for name, (what, *rest) in ROWS.items() if name.startswith(("E", "TLS"))})

PEERS = ("asio", "tokio", "Go", "gevent")
MORE = ("rate", *PEERS)
ROUNDING = 0.005  # what a count may be above its bound because a batch of events was not full


def verdict(name, value):
    """"target", "acceptable" or "misses", for a value of this row."""
    _, target, acceptable, _ = ROWS[name]
    more_is_better = any(word in name for word in MORE)
    for word, bound in (("target", target), ("acceptable", acceptable)):
        if bound is not None and (value >= bound if more_is_better else value <= bound + ROUNDING):
            return word
    return "misses"
