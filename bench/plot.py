"""Draws the paired measurements as an SVG: a bar for each server, a group for each workload."""

import html

BAR, GAP, LEFT, RIGHT, TOP = 18, 14, 150, 60, 46
WIDTH = 760
COLOURS = {"cetane": "#1f6f5c", "raw": "#8a8f98"}
OTHERS = "#c2a878"


def colour_of(name):
    return next((colour for word, colour in COLOURS.items() if name.startswith(word)), OTHERS)


def text(x, y, words, size=12, anchor="start", weight="normal"):
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" font-weight="{weight}">{html.escape(words)}</text>'


def bar(y, name, row, scale):
    """One server's rate, with its quartiles as a whisker."""
    low, high = row["quartiles"]
    middle = y + BAR / 2
    return [
        text(LEFT - 8, middle + 4, name, anchor="end"),
        f'<rect x="{LEFT}" y="{y}" width="{row["ratio"] * scale:.1f}" height="{BAR}" rx="2" fill="{colour_of(name)}"/>',
        f'<path d="M{LEFT + low * scale:.1f} {middle}H{LEFT + high * scale:.1f}" stroke="#222" stroke-width="1.5"/>',
        text(LEFT + max(row["ratio"], high) * scale + 8, middle + 4, f"{row['ratio']:.2f}"),
    ]


def draw_rates(results, path):
    """Rates as ratios to the hand-written server, one group of bars a workload."""
    most = max(max(each["rate"]["ratio"], each["rate"]["quartiles"][1]) for work in results.values() for each in work.values())
    scale = (WIDTH - LEFT - RIGHT) / most
    parts, y = [text(16, 24, "Echoes a second, as a ratio to a hand-written epoll server", 15, weight="bold")], TOP
    for work, contestants in results.items():
        parts.append(text(16, y + 12, work, 13, weight="bold"))
        y += 20
        for name, figures in contestants.items():
            if name != "control":
                parts += bar(y, name, figures["rate"], scale)
                y += BAR + 5
        y += GAP
    line = LEFT + scale
    parts.append(f'<path d="M{line:.1f} {TOP}V{y - GAP}" stroke="#222" stroke-dasharray="3 3"/>')
    frame = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" font-family="system-ui, sans-serif" fill="#222">'
    path.write_text("\n".join([frame, f'<rect width="{WIDTH}" height="{y}" fill="#fff"/>', *parts, "</svg>"]) + "\n")
