"""Lets each system call of a server fail in each way that its manual page names: the first time, the second time, the last time.

A first run finds out which calls there are (traced.py), a table says what may happen to them and what is right then (syscall_table.py). Each schedule is one
fault and one run: before the start lines, where the program has to come up whole or to refuse with one line that says why; or after them, where nobody in a
fixed conversation (tour.py) may suffer but the one whom the fault has hit. Whatever it was, the server goes on serving, keeps no descriptor, does not spin,
and ends in order on SIGTERM.

With `--processes 1` among the program's options there are two processes, a master and its worker, and the fault may hit either at any time: what must hold is
that they work, but for what was hit, or that both end with status 3.

A schedule that fails prints the command that repeats it, such as: syscall_faults.py --only serve:recvfrom:ECONNRESET:2 build/.../syscall_tour --backend epoll
"""

import dataclasses
import re

import harness
import schedules
import tour
from outcome import check
from schedules import HitAnother, Missed
from syscall_table import EITHER, INJECTIONS, LEFT_OUT, NOTHING, ONE, REFUSED, TABLE
from tour_server import LOGGED, TourFailed, run_serve, run_start
from traced import last_number, read_calls

MAIN = "PR_GET_DUMPABLE"  # the first call of main
START_LINE = '1, "listening on'
USUAL = 2  # first ones, and the last one
ALL = 1 << 30


@dataclasses.dataclass(frozen=True)
class Schedule:
    phase: str
    call: str
    error: str
    number: int
    outcome: str = EITHER
    says: str = ""
    only: str = ""
    usual_calls: int = 0

    @property
    def name(self):
        return f"{self.phase}:{self.call}:{self.error}:{self.number}"

    @property
    def loses_a_line(self):
        """Of those that the program writes to stdout or to its log."""
        return self.call == "write" and self.error != "EINTR"

    @property
    def injection(self):
        how = INJECTIONS.get((self.call, self.error), f"error={self.error}")
        return f"inject={self.call}:{how}:when={self.number}"

    def not_behind(self, last):
        return dataclasses.replace(self, number=max(1, min(self.number - 1, last)))


# judging


def judge(schedule, command):
    try:
        return {"start": judge_start, "serve": judge_serve, "workers": judge_workers}[schedule.phase](schedule, command)
    except TourFailed as failure:
        check_target(schedule, failure.run)
        raise


def check_target(schedule, run):
    """Whether it happened at all, and to what it was meant for: the calls of a thread have other numbers in each run."""
    hit = [call for call in read_calls(run.trace) if call.injected]
    if not hit:
        raise Missed(last_number(run.trace, schedule.call))
    if not all(re.search(schedule.only, call.arguments) for call in hit):
        raise HitAnother


def check_calls(schedule, run):
    """Whether it was not answered by turning in circles."""
    check_target(schedule, run)
    calls = len(run.trace.splitlines())
    more = 100_000 if schedule.error == "EADDRINUSE" else 200  # looks through the descriptors of all processes for who has the port
    check(calls < schedule.usual_calls * 2 + more, f"{calls} calls, {schedule.usual_calls} are usual; {run}")


def judge_start(schedule, command):
    run = run_start(command, schedule.injection, start_lines=1 if schedule.loses_a_line else 2)
    check_calls(schedule, run)
    if run.usable:
        check(schedule.outcome != REFUSED, f"it came up as if nothing had been: {run}")
        check(run.status == 0 and not run.losses, f"it came up, and did not work: {run}")
        return "came up"
    check(run.status == 3, f"the status of a start that failed is 3: {run}")
    check(schedule.outcome != NOTHING, f"it need not have refused: {run}")
    check(len(run.stderr.splitlines()) == 1 and schedule.says in run.stderr, f"wanted one line with {schedule.says!r}: {run}")
    return run.stderr.strip()


def judge_serve(schedule, command):
    run = run_serve(command, schedule.injection)
    check_calls(schedule, run)
    check(run.status == 0, f"SIGTERM ends it with status 0: {run}")
    allowed = run.injected() if schedule.outcome == ONE else 0
    check(len(run.losses) <= allowed, f"{run.injected()} faults may cost {allowed}: {run}")
    logged = run.stderr.count(LOGGED)
    check(logged == tour.WISHES.count("log") or run.losses or schedule.loses_a_line, f"{logged} lines are in the log: {run}")
    return "; ".join(run.losses) or "unnoticed"


def judge_workers(schedule, command):
    run = run_start(command, schedule.injection, start_lines=1 if schedule.loses_a_line else 2, take=tour.take)
    check_calls(schedule, run)
    if run.usable:
        check(run.status == 0 and len(run.losses) <= run.injected(), f"they came up, and do not work: {run}")
        return "; ".join(run.losses) or "unnoticed"
    check(run.status == 3 and run.stderr, f"the status of a start that failed is 3: {run}")
    return run.stderr.strip()


# planning


def after_main(calls):
    first = next((i for i, call in enumerate(calls) if MAIN in call.arguments), None)
    check(first is not None, f"no {MAIN} in the trace")
    return calls[first + 1 :]


def up_to_start_lines(calls):
    last = max(i for i, call in enumerate(calls) if call.name == "write" and call.arguments.startswith(START_LINE))
    return calls[: last + 1]


def positions(calls, row, first, taken=()):
    """The first ones and the last one, in the main thread, and in any other; by number, since strace counts in each for itself.

    So a number that stands for another kind of call in another thread, or is `taken`, is of no use.
    """
    main = calls[0].pid
    named = [call for call in calls if call.name == row.call]
    ambiguous = {call.number for call in named if not row.is_for(call.arguments)}.union(taken)
    chosen = set()
    for inside in (True, False):
        numbers = sorted({call.number for call in named if (call.pid == main) == inside} - ambiguous)
        chosen.update(numbers[:first] + numbers[-1:])
    return sorted(chosen)


def plan(phase, calls, first, usual_calls):
    ours = {call.name for call in calls if call.pid == calls[0].pid}  # other threads look up names, each libc in its own way
    strange = ours - {row.call for row in TABLE} - LEFT_OUT.keys()
    check(not strange, f"calls that syscall_table.py does not know: {', '.join(sorted(strange))}")
    for row in TABLE:
        outcome = row.start if phase == "start" else row.serve
        if outcome is None:
            continue
        for number in positions(calls, row, first):
            for error in row.errors.split():
                yield Schedule(phase, row.call, error, number, outcome, row.says, row.only, usual_calls)


def plan_workers(command, first):
    """Faults that hit the worker or, after the start of main, its master."""
    run = run_start(command, take=tour.take)
    check(run.usable and run.status == 0 and not run.losses, f"without a fault: {run}")
    calls = read_calls(run.trace)
    later = after_main(calls)
    early = calls[: len(calls) - len(later)]
    for row in TABLE:
        taken = {call.number for call in early if call.name == row.call}
        for number in positions(later, row, first, taken):
            for error in row.errors.split():
                yield Schedule("workers", row.call, error, number, only=row.only, usual_calls=len(calls))


def plan_all(command, first):
    if "--processes" in command:
        yield from plan_workers(command, first)
        return
    start, serve = run_start(command), run_serve(command)
    for run in (start, serve):
        check(run.usable and run.status == 0 and not run.losses, f"without a fault: {run}")
    begin = up_to_start_lines(after_main(read_calls(start.trace)))
    yield from plan("start", begin, first, len(start.trace.splitlines()))
    yield from plan("serve", read_calls(serve.trace), first, len(serve.trace.splitlines()))


def test(chosen):
    schedules.look_for_strace()
    schedules.run_all(list(plan_all(chosen.command, ALL if chosen.every else USUAL)), judge, chosen)


def add_options(parser):
    parser.add_argument("--every", action="store_true", help="let every call fail, not only the first two of its name and the last")
    schedules.add_options(parser)


if __name__ == "__main__":
    harness.run(test, harness.arguments(__doc__, add_options))
