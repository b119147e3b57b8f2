"""Draws the measurements as SVG: bars, one for each server."""

import html

BAR, STEP, GAP, LEFT, RIGHT, TOP = 16, 21, 18, 150, 70, 46
WIDTH = 760
COLOURS = {"cetane": "#1f6f5c", "raw": "#8a8f98"}
OTHERS = "#c2a878"
WORKS = {
    "E1": "50 connections, 64 bytes",
    "E3": "50 connections, 64 bytes, sixteen in flight",
    "E4": "1,000 connections, 64 bytes",
    "E5": "50 connections, 16 KiB",
    "E6": "50 connections, 16 KiB, sixteen in flight",
    "E7": "one connection, 64 bytes",
    "U1": "datagrams, 50 peers, 64 bytes",
    "U2": "datagrams, one peer, 64 bytes",
    "TLS1": "TLS handshakes, full",
    "TLS1r": "TLS handshakes, resumed",
    "TLS2": "over TLS, 50 connections, 16 KiB",
    "TLS2p": "over TLS, 50 connections, 16 KiB, sixteen in flight",
    "TLS3": "over TLS, 50 connections, 64 bytes",
    "TLS3p": "over TLS, 50 connections, 64 bytes, sixteen in flight",
}


def colour_of(name):
    return next((colour for word, colour in COLOURS.items() if name.startswith(word)), OTHERS)


def text(x, y, words, size=12, anchor="start", weight="normal"):
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" font-weight="{weight}">{html.escape(words)}</text>'


def bar(y, name, value, scale, shown, quartiles=None):
    """One server's value, with its quartiles as a whisker where there are some."""
    middle, end = y + BAR / 2, max([value, *(quartiles or [])])
    parts = [
        text(LEFT - 8, middle + 4, name, anchor="end"),
        f'<rect x="{LEFT}" y="{y}" width="{max(value * scale, 1):.1f}" height="{BAR}" rx="2" fill="{colour_of(name)}"/>',
        text(LEFT + end * scale + 8, middle + 4, shown),
    ]
    if quartiles:
        low, high = quartiles
        parts.insert(2, f'<path d="M{LEFT + low * scale:.1f} {middle}H{LEFT + high * scale:.1f}" stroke="#222" stroke-width="1.5"/>')
    return parts


def panel(y, title, bars):
    """A group of bars (name, value, what is written behind it, quartiles) with a scale of its own; and where the next one begins."""
    most = max(max([value, *(quartiles or [])]) for _, value, _, quartiles in bars)
    scale = (WIDTH - LEFT - RIGHT) / (most or 1)
    parts = [text(16, y + 12, title, 13, weight="bold")]
    y += 22
    for name, value, shown, quartiles in bars:
        parts += bar(y, name, value, scale, shown, quartiles)
        y += STEP
    return parts, y + GAP


def write(path, title, panels):
    parts, y = [text(16, 24, title, 15, weight="bold")], TOP
    for name, bars in panels:
        if bars:
            drawn, y = panel(y, name, bars)
            parts += drawn
    frame = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" font-family="system-ui, sans-serif" fill="#222">'
    path.write_text("\n".join([frame, f'<rect width="{WIDTH}" height="{y}" fill="#fff"/>', *parts, "</svg>"]) + "\n")


def rate_bars(contestants):
    rates = {name: figures["rate"] for name, figures in contestants.items() if name != "control"}
    return [(name, rate["ratio"], f"{rate['ratio']:.2f}", rate["quartiles"]) for name, rate in rates.items()]


def draw_rates(results, path):
    """Every workload, as ratios to the hand-written server."""
    panels = [(f"{work}: {WORKS[work]}", rate_bars(contestants)) for work, contestants in results.items()]
    write(path, "Messages a second, as a ratio to a hand-written server on epoll", panels)


def draw_overview(contestants, footprints, path):
    """What a reader wants to know first: rates with many connections, instructions of an echo, bytes of an idle connection."""
    both = [[(name, values[which], f"{values[which]:,.0f}", None) for name, values in footprints.items() if values[which] is not None] for which in (0, 1)]
    panels = [
        ("1,000 connections: echoes a second, as a ratio to a hand-written epoll server (more is better)", rate_bars(contestants)),
        ("Instructions of an echo in user space (less is better)", both[0]),
        ("Resident bytes of an idle connection (less is better)", both[1]),
    ]
    write(path, "An echo server in cetane, and in its peers", panels)
