"""Draws the samples of a soak as an SVG: memory, descriptors and latency over time."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "bench"))
import plot  # noqa: E402  (the path must be known first)
from judge import MIB, quantile, warm_up  # noqa: E402

WIDTH, HEIGHT, LEFT, TOP, GAP = 860, 130, 70, 50, 46


def points_of(samples, value):
    return [(each.seconds, value(each)) for each in samples if value(each) is not None]


def curves_of(samples):
    """(title, [(colour, points)]) of each panel."""

    def latency(share):
        return lambda each: quantile(each.latencies, share) if each.latencies else None

    return [
        ("memory, MiB", [("#1f6f5c", points_of(samples, lambda each: each.rss / MIB))]),
        ("descriptors", [("#8a8f98", points_of(samples, lambda each: each.descriptors))]),
        ("latency of a healthy client, us: p50 and p99", [("#1f6f5c", points_of(samples, latency(0.5))), ("#c2a878", points_of(samples, latency(0.99)))]),
    ]


def panel(top, title, curves, seconds):
    values = [y for _, points in curves for _, y in points] or [0]
    low, high = (0, max(values)) if min(values) < max(values) / 2 else (min(values), max(values))
    height_of = HEIGHT / ((high - low) or 1)
    parts = [plot.text(LEFT, top - 8, title, 12, weight="bold")]
    for value in (low, high):
        y = top + HEIGHT - (value - low) * height_of
        parts.append(plot.text(LEFT - 8, y + 4, f"{value:.4g}", 11, anchor="end"))
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - 20}" stroke="#ddd"/>')
    for colour, points in curves:
        steps = " ".join(f"{LEFT + x / seconds * (WIDTH - LEFT - 20):.1f},{top + HEIGHT - (y - low) * height_of:.1f}" for x, y in points)
        parts.append(f'<polyline points="{steps}" fill="none" stroke="{colour}" stroke-width="1.2"/>')
    return parts


def draw(name, samples, answers, path):
    seconds = samples[-1].seconds if samples else 1
    parts, top = [plot.text(16, 24, f"{name}, {seconds:.0f} s", 15, weight="bold")], TOP
    for title, curves in curves_of(samples):
        parts += panel(top, title, curves, seconds)
        top += HEIGHT + GAP
    x = LEFT + warm_up(seconds) / seconds * (WIDTH - LEFT - 20)
    parts.append(f'<path d="M{x:.1f} {TOP}V{top - GAP}" stroke="#222" stroke-dasharray="3 3"/>')
    for answer in answers:
        parts.append(plot.text(16, top, f"{answer.state}: {answer.words}", 11))
        top += 18
    frame = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{top}" font-family="system-ui, sans-serif" fill="#222">'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([frame, f'<rect width="{WIDTH}" height="{top}" fill="#fff"/>', *parts, "</svg>"]) + "\n")
