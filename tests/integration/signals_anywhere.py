"""Sends a server signals at the system calls that it makes, in the middle of a fixed conversation (tour.py).

    SIGCHLD, SIGWINCH   which it does not care about
    SIGUSR1             it writes what all tasks wait for to stderr
    SIGALRM             which the program has a handler for, without SA_RESTART: whatever waits is interrupted
    SIGSTOP             and SIGCONT, which its user types as Ctrl-Z and fg

Nobody may notice any of these. SIGTERM and SIGINT, at whatever call they come, end it in order: status 0, or death by that very signal if it came before the
program was set to hear it. With `--processes 1` among the program's options its master, and by chance the worker, get them, and SIGHUP, on which another
worker takes the place of each. See syscall_faults.py for how to repeat a schedule.
"""

import collections
import dataclasses
import re
import signal

import harness
import schedules
import tour
from outcome import check
from schedules import Missed
from syscall_faults import after_main, up_to_start_lines
from tour_server import run_serve, run_short, run_start, run_until_lost
from traced import last_number, read_calls

HARMLESS = ["SIGALRM", "SIGCHLD", "SIGSTOP", "SIGUSR1", "SIGWINCH"]
FOR_A_MASTER = ["SIGALRM", "SIGCHLD", "SIGHUP", "SIGUSR1"]
MASTERS_SIGNALS, WORKERS_SIGNALS = "[HUP INT QUIT USR1 USR2 TERM]", "SIG_BLOCK, [QUIT USR1 TERM]"
ENDING = ["SIGINT", "SIGTERM"]
BLOCKED, UNBLOCKED = "rt_sigprocmask(SIG_BLOCK, [INT USR1 USR2 TERM]", "rt_sigprocmask(SIG_UNBLOCK, [INT USR1 USR2 TERM]"  # run() begins, and has ended
FLOODS = ["2+2", "3+3", "2+7"]
FLOODS_OF_WORK = ["2+7"]  # a signal that makes the program call again would else never end
DUMP = re.compile(r"^\d+ tasks?$", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Schedule:
    phase: str
    call: str
    signal: str
    when: str
    usual_calls: int = 0

    @property
    def name(self):
        return f"{self.phase}:{self.call}:{self.signal}:{self.when}"

    @property
    def injection(self):
        return f"inject={self.call}:signal={self.signal}:when={self.when}"

    def not_behind(self, last):
        return dataclasses.replace(self, when=str(max(1, min(int(self.when) - 1, last)))) if self.when.isdigit() else self


def judge(schedule, command):
    judges = {"start": judge_start, "stop": judge_stop, "serve": judge_serve, "workers": judge_workers}
    return judges[schedule.phase](schedule, command)


def judge_serve(schedule, command):
    run = run_serve(command, schedule.injection)
    count = len(DUMP.findall(run.stderr)) if schedule.signal == "SIGUSR1" else run.trace.count(f"--- {schedule.signal} ")
    died_at_end = run.status == -signal.SIGUSR1 and UNBLOCKED in run.trace
    check((run.status == 0 or died_at_end) and not run.losses, f"nobody should have noticed {count} signals: {run}")
    calls = len(run.trace.splitlines())
    check(calls < schedule.usual_calls * 4 + 200, f"{calls} calls, {schedule.usual_calls} are usual: {run}")
    if not count:
        raise Missed(last_number(run.trace, schedule.call))
    return f"{count} signals"


def judge_stop(schedule, command):
    """The conversation is cut; what matters is how the program ends."""
    run = run_until_lost(command, schedule.injection)
    if not run.losses:
        raise Missed(last_number(run.trace, schedule.call))
    check(run.status == 0, f"{schedule.signal} ends it with status 0: {run}")
    return run.losses[0]


def judge_start(schedule, command):
    """It may die of the signal as long as it has not blocked it."""
    run = run_short(command, schedule.injection)
    number = getattr(signal, schedule.signal)
    check(run.status == 0 or (run.status == -number and BLOCKED not in run.trace), f"{schedule.signal} at its start: {run}")
    return f"status {run.status}"


def judge_workers(schedule, command):
    run = run_start(command, schedule.injection, take=tour.take)
    check(run.status == 0 and not run.losses, f"nobody should have noticed {schedule.signal}: {run}")
    return "unnoticed"


def plan_workers(command):
    """At each call that the master makes from the moment on when it hears signals; its last ones are made on its way out.

    A worker that is hit before it hears signals dies, and another one takes its place; strace would hit that one in the same place.
    """
    run = run_start(command, take=tour.take)
    check(run.status == 0 and not run.losses, f"without a signal: {run}")
    calls = read_calls(run.trace)
    by_master = [call for call in calls if call.pid == calls[0].pid]
    by_others = [call for call in calls if call.pid != calls[0].pid]
    begin, end = find_mask(by_master, MASTERS_SIGNALS)[0], find_mask(by_master, MASTERS_SIGNALS)[-1]
    deadly = {(call.name, call.number) for call in by_others[: find_mask(by_others, WORKERS_SIGNALS)[0]]}
    for call in by_master[begin + 1 : end]:
        if (call.name, call.number) not in deadly:
            yield from (Schedule("workers", call.name, each, str(call.number)) for each in FOR_A_MASTER)


def find_mask(calls, signals):
    return [i for i, call in enumerate(calls) if call.name == "rt_sigprocmask" and signals in call.arguments]


def plan_all(command):
    if "--processes" in command:
        yield from plan_workers(command)
        return
    start, serve = run_start(command), run_serve(command)
    for run in (start, serve):
        check(run.usable and run.status == 0 and not run.losses, f"without a signal: {run}")
    usual = len(serve.trace.splitlines())
    calls = while_it_serves(read_calls(serve.trace))
    for name, count in calls_of_main(calls).items():
        times = ["1", "2+3"] if count > 3 else ["1"]  # the first; the second, and each third after it
        yield from (Schedule("serve", name, each, when, usual) for each in harmless(name, calls) for when in times)
    yield from (Schedule("serve", "all", each, when, usual) for each in ("SIGALRM", "SIGCHLD", "SIGWINCH") for when in FLOODS)
    yield from (Schedule("serve", "all", "SIGUSR1", when, usual) for when in FLOODS_OF_WORK)
    yield from plan_stop(calls)
    yield from plan_start(read_calls(start.trace))


def while_it_serves(calls):
    """A signal that comes later finds it on its way out."""
    last = max(i for i, call in enumerate(calls) if call.name == "accept4")
    return calls[:last]


def calls_of_main(calls):
    """Name and count of what the main thread calls. The others leave signals to it."""
    return collections.Counter(call.name for call in calls if call.pid == calls[0].pid)


def harmless(name, calls):
    """A child that is stopped stays so: nobody types `fg` for it."""
    children = {call.pid for call in calls if call.name == "exit_group"} - {calls[0].pid}
    stops_children = any(call.name == name and call.pid in children for call in calls)
    return [each for each in HARMLESS if each != "SIGSTOP" or not stops_children]


def plan_stop(calls):
    """At the first call of each name, and in the middle of them."""
    for name, count in calls_of_main(calls).items():
        for number in sorted({1, (count + 1) // 2}):
            yield from (Schedule("stop", name, each, str(number)) for each in ENDING)


def plan_start(calls):
    for call in up_to_start_lines(after_main(calls)):
        yield from (Schedule("start", call.name, each, str(call.number)) for each in ENDING)


def test(chosen):
    schedules.look_for_strace()
    schedules.run_all(list(plan_all(chosen.command)), judge, chosen)


if __name__ == "__main__":
    harness.run(test, harness.arguments(__doc__, schedules.add_options))
