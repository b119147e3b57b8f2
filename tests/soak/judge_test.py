"""The judge of a soak, on samples that are made up: what is bad is found, what is good passes, what cannot be told is said to be open."""

import pathlib
import random
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "scripts" / "soak"))
from judge import HOUR, MIB, Sample, judge_descriptors, judge_faults, judge_latency, judge_memory, warm_up  # noqa: E402

BASE = 5 * MIB
PAGE = 4096


def samples_of(seconds, rss=lambda t: BASE, latency=lambda t: 100.0, probes=50, seed=1):
    """One a second; the latencies have a tail, and scatter as they do."""
    dice = random.Random(seed)
    made = []
    for t in range(seconds):
        latencies = [latency(t) * (1 + dice.expovariate(3)) for _ in range(probes)]
        made.append(Sample(t, int(rss(t)) // PAGE * PAGE, 10, latencies))
    return made


def growing(mib_an_hour):
    return lambda t: BASE + mib_an_hour * MIB * t / HOUR


class Memory(unittest.TestCase):
    def state(self, samples):
        return judge_memory(samples).state

    def test_an_hour_of_level_memory_is_good(self):
        self.assertEqual(self.state(samples_of(3600, probes=0)), "good")

    def test_two_mebibytes_an_hour_are_bad_and_half_of_one_is_good(self):
        self.assertEqual(self.state(samples_of(3600, growing(2), probes=0)), "bad")
        self.assertEqual(self.state(samples_of(3600, growing(0.5), probes=0)), "good")

    def test_a_leak_of_ten_bytes_a_connection_shows_in_ten_minutes(self):
        connections_a_second = 300
        leak = growing(10 * connections_a_second * HOUR / MIB)

        self.assertEqual(self.state(samples_of(600, leak, probes=0)), "bad")

    def test_what_is_taken_while_it_warms_up_does_not_count(self):
        self.assertEqual(self.state(samples_of(3600, lambda t: BASE + min(t, 250) * MIB, probes=0)), "good")

    def test_one_step_late_in_the_run_is_no_slope(self):
        self.assertNotEqual(self.state(samples_of(3600, lambda t: BASE + (t > 3000) * 64 * 1024, probes=0)), "bad")

    def test_scatter_is_no_slope(self):
        dice = random.Random(7)
        self.assertEqual(self.state(samples_of(3600, lambda t: BASE + dice.randrange(100) * 1024, probes=0)), "good")

    def test_a_short_run_says_that_it_cannot_tell_and_what_could(self):
        answer = judge_memory(samples_of(20, probes=0))

        self.assertEqual(answer.state, "open")
        self.assertIn("would tell", answer.words)

    def test_a_short_run_finds_a_large_leak(self):
        self.assertEqual(self.state(samples_of(20, lambda t: BASE + t * 100 * 1024, probes=0)), "bad")

    def test_a_pool_that_fills_is_no_leak_in_a_short_run_and_is_one_in_a_long_one(self):
        self.assertEqual(self.state(samples_of(40, lambda t: BASE + 30 * MIB * (1 - 0.93**t), probes=0)), "open")
        self.assertEqual(self.state(samples_of(3600, lambda t: BASE + 30 * MIB * (1 - 0.9993**t), probes=0)), "bad")

    def test_no_samples_are_open(self):
        self.assertEqual(self.state([]), "open")
        self.assertEqual(self.state(samples_of(1)), "open")


class Latency(unittest.TestCase):
    def state(self, samples):
        return judge_latency(samples).state

    def test_a_level_tail_is_good(self):
        self.assertEqual(self.state(samples_of(600)), "good")

    def test_a_tail_that_grows_by_half_is_bad(self):
        self.assertEqual(self.state(samples_of(600, latency=lambda t: 100 + (t > 400) * 50)), "bad")

    def test_a_tail_that_becomes_shorter_is_good(self):
        self.assertEqual(self.state(samples_of(600, latency=lambda t: 100 - (t > 400) * 50)), "good")

    def test_a_restless_machine_leaves_it_open(self):
        dice = random.Random(3)
        level = [100 * dice.choice((1, 2, 4)) for _ in range(40)]
        self.assertEqual(self.state(samples_of(600, latency=lambda t: level[t // 50])), "open")

    def test_too_few_probes_leave_it_open(self):
        self.assertEqual(self.state(samples_of(20, probes=5)), "open")
        self.assertEqual(self.state([]), "open")


class Rest(unittest.TestCase):
    def test_a_descriptor_more_or_less_is_bad(self):
        self.assertEqual([judge_descriptors(7, after).state for after in (7, 8, 6)], ["good", "bad", "bad"])

    def test_a_complaint_is_bad_and_told(self):
        self.assertEqual(judge_faults([]).state, "good")
        self.assertEqual(judge_faults(["half_close: wrong bytes"]).state, "bad")
        self.assertIn("half_close", judge_faults(["half_close: wrong bytes"]).words)

    def test_the_warm_up_is_five_minutes_or_a_third(self):
        self.assertEqual([warm_up(seconds) for seconds in (60, 900, 3600)], [20, 300, 300])


if __name__ == "__main__":
    unittest.main()
