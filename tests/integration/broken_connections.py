"""Connections break while others go on: those lose not one byte, and the server is as well as before.

The preload shim lets reads and writes of the server find their connection gone, or the system without memory for it, lets accepts fail, calls be interrupted,
and cuts all of them to pieces. What it does follows from the seed. A client whose connection breaks comes back; how many do is no more than what the shim has
broken. The program's name chooses the conversation: echo_raw or chat.
"""

import collections
import contextlib
import pathlib
import random
import threading

import harness
import shim
from conversation import Conversation

CLIENTS = 6
ROUNDS = 60
ATTEMPTS = 5


class Crew:
    """Threads that do the same with different numbers. The first failure of one is the crew's."""

    def __init__(self, work):
        self._failures = []
        self._threads = [threading.Thread(target=self._guard, args=(work, number), daemon=True) for number in range(CLIENTS)]

    def _guard(self, work, number):
        try:
            work(number)
        except (harness.Failure, OSError) as failure:
            self._failures.append(f"client {number}: {type(failure).__name__}: {failure}")

    def run(self):
        for thread in self._threads:
            thread.start()
        for thread in self._threads:
            thread.join(harness.PATIENCE * 3)
            harness.check(not thread.is_alive(), "a client does not come to its end")
        harness.check(not self._failures, "; ".join(self._failures))


def connect(server):
    """What breaks in the very moment in which it is made, connect(2) may tell of. Then once more: it is none of those that are counted as lost."""
    for _ in range(ATTEMPTS):
        with contextlib.suppress(ConnectionError):
            return server.connect()
    raise harness.Failure(f"{ATTEMPTS} connections broke at once")


# echo_raw


def echo(server, seed):
    """Each client sends messages of its own and gets them back; gives how many connections broke."""
    losses = collections.Counter()

    def exchange(client, message):
        client.sendall(message)
        answer = harness.receive_exactly(client, len(message))
        harness.check(message.startswith(answer), f"sent {message[:40]!r}..., got back {answer[:40]!r}...")
        if len(answer) < len(message):
            raise ConnectionResetError("ended early")

    def work(number):
        dice, client = random.Random(f"{seed} {number}"), None
        for turn in range(ROUNDS):
            message = b"client %d, message %d: " % (number, turn) + dice.randbytes(dice.randrange(3000))
            try:
                client = client or connect(server)
                exchange(client, message)
            except ConnectionError:
                losses[number] += 1
                client.close()
                client = None
        if client:
            client.close()

    Crew(work).run()
    return losses.total()


# chat


class Member:
    """Somebody in the chat room, under a new name each time that the connection has broken. A thread of its own listens."""

    def __init__(self, server, name):
        self.name, self.said, self.heard = name, 0, collections.defaultdict(list)
        self._answers, self._news, self.lost = 0, threading.Condition(), False
        self._peer = Conversation(connect(server))
        self.say(name)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self):
        try:
            while (line := self._peer.read_line()).endswith(b"\n"):
                self._hear(line.decode().strip())
        except ConnectionError:
            pass
        self._note(lost=True)

    def _hear(self, line):
        speaker, colon, number = line.partition(": ")
        if line.startswith("here: "):
            self._note(answers=1)
        elif colon and number.isdigit():
            self.heard[speaker].append(int(number))

    def _note(self, answers=0, lost=False):
        with self._news:
            self._answers += answers
            self.lost |= lost
            self._news.notify_all()

    def say(self, text):
        try:
            self._peer.say(f"{text}\r\n".encode())
        except ConnectionError:
            self._note(lost=True)

    def talk(self):
        self.say(self.said)
        self.said += 1

    def catch_up(self):
        """Whatever was said before the server hears this question comes before its answer."""
        with self._news:
            wanted = self._answers + 1
        self.say("/who")
        with self._news:
            come = self._news.wait_for(lambda: self.lost or self._answers >= wanted, harness.PATIENCE)
        harness.check(come, f"{self.name} gets no answer")

    def leave(self):
        with contextlib.suppress(OSError):  # it breaks in this moment
            self._peer.end_output()
        self._thread.join(harness.PATIENCE)
        self._peer.close()


def expect_no_gap(hearer, speaker):
    """From the first line on that it heard there is none missing; nor at the end, if both were there until then."""
    numbers = hearer.heard[speaker.name]
    if not numbers:
        return
    wanted = list(range(numbers[0], numbers[0] + len(numbers)))
    harness.check(numbers == wanted, f"{hearer.name} heard {numbers} of {speaker.name}")
    complete = hearer.lost or speaker.lost or numbers[-1] == speaker.said - 1
    harness.check(complete, f"{hearer.name} heard {speaker.name} up to {numbers[-1]}, who went on up to {speaker.said - 1}")


def chat(server, seed):
    """All talk in turns, and hear all that was said; gives how many connections broke."""
    present = [Member(server, f"m{number}") for number in range(CLIENTS)]
    everybody = list(present)
    for member in present:
        member.catch_up()
    for _ in range(ROUNDS):
        for place, member in enumerate(present):
            if member.lost:
                member = present[place] = Member(server, f"m{len(everybody)}")
                everybody.append(member)
            member.talk()
    for member in 2 * present:  # all that they have said is heard; all that was heard is told
        member.catch_up()
    for hearer in everybody:
        for speaker in everybody:
            expect_no_gap(hearer, speaker)
    lost = sum(member.lost for member in everybody)
    for member in present:
        member.leave()
    return lost


def converse(chosen, seed):
    chosen.seed = seed
    short_io = shim.ShortIo(chosen)
    conversation = {"echo_raw": echo, "chat": chat}[pathlib.Path(chosen.program).name]
    with harness.Server(chosen.command, environment=short_io.environment) as server:
        losses = conversation(server, seed)
        report = short_io.report()
    print(f"seed {seed}: {losses} lost,", ", ".join(f"{name} {value}" for name, value in report.items()), flush=True)
    harness.check(losses <= report["broken"], f"{losses} connections were lost, the shim has broken {report['broken']}")
    return report


def test(chosen):
    harness.check(chosen.shim, "--shim is missing: without it nothing breaks")
    total = collections.Counter()
    for seed in range(chosen.seed, chosen.seed + chosen.seeds):
        total.update(converse(chosen, seed))
    for name in ("broken", "not_accepted", "interrupted", "refused"):
        harness.check(total[name], f"{name} is 0: the test has shown nothing")


def add_options(parser):
    parser.add_argument("--seeds", type=int, default=5, help="how many, one after the other (default: 5)")
    shim.add_options(parser)


if __name__ == "__main__":
    harness.run(test, harness.arguments(__doc__, add_options))
