"""Judges a soak by its samples: does memory grow, do descriptors stay open, do answers become slower?

Each question has three answers. A figure is `good` or `bad` when it is so by more than what the samples scatter; what a run was too short to tell is
`open`, with how long a run it would take. Nothing here looks at a clock or a process: samples go in, a verdict comes out.
"""

import dataclasses
import statistics

MIB = 1 << 20
HOUR = 3600.0

RSS_SLOPE_MOST = 1.0  # MiB an hour
P99_DRIFT_MOST = 0.2
WARM_UP_S = 300.0
WARM_UP_SHARE = 1 / 3  # of a run that is shorter than three warm-ups
RSS_STEP = 64 << 10  # an allocator takes memory in steps, and the kernel counts it in batches
SLOWING_DOWN = 0.75  # of a run's first half in its second: that is how a pool fills, and no leak
CORRELATED_S = 5  # so far apart, samples know nothing of each other
BLOCKS = 8  # of the time behind the warm-up, for latencies
FEWEST_PROBES = 100  # in a block: there must be a hundredth


@dataclasses.dataclass
class Sample:
    """What was seen in one second."""

    seconds: float
    rss: int
    descriptors: int
    latencies: list  # of the probe, in microseconds


@dataclasses.dataclass
class Answer:
    """One line of the verdict."""

    state: str  # good, bad or open
    words: str


def warm_up(seconds):
    return min(WARM_UP_S, seconds * WARM_UP_SHARE)


def behind_warm_up(samples):
    begin = warm_up(samples[-1].seconds) if samples else 0
    return [each for each in samples if each.seconds >= begin]


def slope(points):
    """Of the straight line through (x, y), by least squares."""
    if len(points) < 2:
        return 0.0
    x, y = zip(*points)
    return statistics.linear_regression(x, y).slope if len(set(x)) > 1 else 0.0


def scatter(points, inclination):
    """How far points lie from a line of this inclination: twice the median distance."""
    rests = [y - inclination * x for x, y in points]
    middle = statistics.median(rests)
    return 2 * statistics.median(abs(rest - middle) for rest in rests)


def growth_by_chance(points, inclination, span):
    """How much the line may rise, or fall, over all of it by scatter alone: twice its standard error."""
    independent = max(1, span / CORRELATED_S)
    return 1.5 * scatter(points, inclination) * (12 / independent) ** 0.5


def quantile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def span_text(seconds):
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min" if seconds < 2 * HOUR else f"{seconds / HOUR:.1f} h"


def by_bounds(low, high, most):
    return "bad" if low > most else "good" if high <= most else "open"


def still_warms_up(samples, points):
    """Whether growth in a run that is too short for the whole warm-up comes to its end by itself: a leak does not."""
    if warm_up(samples[-1].seconds) >= WARM_UP_S:
        return False
    half = len(points) // 2
    return slope(points[half:]) < SLOWING_DOWN * slope(points[:half])


def judge_memory(samples):
    points = [(each.seconds, each.rss) for each in behind_warm_up(samples)]
    span = points[-1][0] - points[0][0] if points else 0
    if span <= 0:
        return Answer("open", "memory: there are too few samples")
    inclination = slope(points)
    step = max(RSS_STEP, growth_by_chance(points, inclination, span))
    growth, doubt = (bytes_a_second * HOUR / MIB for bytes_a_second in (inclination, step / span))
    state = by_bounds(growth - doubt, growth + doubt, RSS_SLOPE_MOST)
    words = f"memory: {growth:+.2f} MiB/h, give or take {doubt:.2f}, in {span_text(span)} behind the warm-up; at most {RSS_SLOPE_MOST:g}"
    if state == "bad" and still_warms_up(samples, points):
        return Answer("open", words + "; but it slows down, so perhaps it warms up: fifteen minutes would tell")
    if state == "open":
        enough = step / MIB * HOUR / RSS_SLOPE_MOST * 2
        words += f"; {span_text(max(enough, 2 * span))} of samples would tell"
    return Answer(state, words)


def judge_descriptors(before, after):
    words = f"descriptors: {before} before, {after} when all have left"
    return Answer("good" if after == before else "bad", words)


def blocks_of(samples, count):
    """Latencies of `count` spans of equal length."""
    begin, end = samples[0].seconds, samples[-1].seconds
    blocks = [[] for _ in range(count)]
    for each in samples:
        index = int((each.seconds - begin) / (end - begin) * count) if end > begin else 0
        blocks[min(index, count - 1)] += each.latencies
    return blocks


def judge_latency(samples):
    late = behind_warm_up(samples)
    blocks = blocks_of(late, BLOCKS) if late else []
    if not blocks or min(map(len, blocks)) < FEWEST_PROBES:
        return Answer("open", f"latency: fewer than {FEWEST_PROBES} probes in an eighth of the time, so there is no p99 to compare")
    tails = [quantile(block, 0.99) for block in blocks]
    first, last = tails[: BLOCKS // 2], tails[BLOCKS // 2 :]
    before, after = statistics.median(first), statistics.median(last)
    drift = after / before - 1
    doubt = 2 * statistics.median([abs(x - before) for x in first] + [abs(x - after) for x in last]) / before
    state = by_bounds(drift - doubt, drift + doubt, P99_DRIFT_MOST)
    everything = [x for block in blocks for x in block]
    words = f"latency: p50 {quantile(everything, 0.5):.0f} us, p99 {before:.0f} us in the first half and {after:.0f} us in the second, "
    words += f"{100 * drift:+.0f} %, give or take {100 * doubt:.0f}; at most {100 * P99_DRIFT_MOST:+.0f} %"
    if state == "open":
        words += "; it scatters too much to tell, a longer run or a quieter machine would"
    return Answer(state, words)


def judge_faults(faults):
    """What the clients have to complain of: wrong bytes, lines that are missing, connections that were refused."""
    if not faults:
        return Answer("good", "clients: all bytes were right, and all lines came once and in order")
    return Answer("bad", f"clients: {len(faults)} complaints, the first: {faults[0]}")


def judge(samples, before, after, faults):
    return [judge_memory(samples), judge_descriptors(before, after), judge_latency(samples), judge_faults(faults)]
