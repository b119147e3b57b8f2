"""The bounds that no change may move past unnoticed: each figure as it was, and five per cent. One is raised only with the reason in the change log.

The calls at 50 connections have more room, since it depends on the machine how many of them have news at once; one call more for an echo is far beyond it.
So have the instructions on io_uring, where a pass costs some 400 of its own: 338 to 386 an echo were seen, with 0.02 to 0.14 calls.
And 3,000 echoes over 50 connections may meet a larger pass than the 1,000 before them did: what that asks for once is no allocation an echo.
"""

import json
import pathlib

FILE = pathlib.Path(__file__).with_name("bounds.json")
REFERENCE_ONLY = {"source"}  # measured with the standard library alone that its bound means


def faults(rows, bounds):
    """One line for each figure that is above its bound, or that was not measured."""
    for name, bound in bounds.items():
        if name not in rows:
            if name in REFERENCE_ONLY:
                continue
            yield f"{name} was not measured"
        elif rows[name] > bound:
            yield f"{name} is {rows[name]:.3f}, above its bound of {bound} in bench/bounds.json"


def report(rows):
    """Prints each figure beside its bound, then what is wrong, and gives the status to end with."""
    bounds = json.loads(FILE.read_text())
    print(f"\n{'':<22}{'measured':>12}{'bound':>12}")
    for name, bound in bounds.items():
        if name in rows:
            print(f"{name:<22}{rows[name]:>12.3f}{bound:>12}")
    found = list(faults(rows, bounds))
    print("\n".join(found) or "all counts are within their bounds")
    return 1 if found else 0
