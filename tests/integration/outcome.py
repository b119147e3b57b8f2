"""How a script of this folder ends: with a promise kept, a promise broken, or a reason why it could not be tried here."""

import sys
import time

SKIPPED = 77  # what Meson takes for "could not run here"
PATIENCE = 20.0  # seconds after which something that should happen at once has not happened; never a measure of speed


class Failure(AssertionError):
    """What the test promised did not happen."""


def check(holds, promise):
    """Fails with the promise, in words and figures, unless it holds."""
    if not holds:
        raise Failure(promise)


def skip(reason):
    print(f"skipped: {reason}", flush=True)
    sys.exit(SKIPPED)


def run(test, chosen):
    """Runs a test and turns its outcome into words and an exit status."""
    begin = time.monotonic()
    try:
        test(chosen)
    except (Failure, OSError) as failure:
        print(f"FAILED: {type(failure).__name__}: {failure}", flush=True)
        if not isinstance(failure, Failure):
            raise
        sys.exit(1)
    print(f"passed in {time.monotonic() - begin:.1f} s", flush=True)
