"""A server that leaks a little with each conversation is found out, and one that does not is not.

usage: leaks_test.py LEAKY_ECHO ECHO

The judge is given a sample for every hundred conversations, as if a second had passed: so how fast the machine is plays no part.
"""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(ROOT / "scripts" / "soak"), str(ROOT / "tests" / "integration")]
import harness  # noqa: E402  (the paths must be known first)
from judge import Sample, judge_descriptors, judge_memory  # noqa: E402

SAMPLES = 60
VISITS_A_SAMPLE = 100
QUESTION, ANSWER = b"hello\n", b"you said hello\n"


def visit(server):
    with server.connect() as client:
        client.sendall(QUESTION + b"quit\n")
        answer = harness.receive_exactly(client, len(ANSWER))
        harness.check(answer == ANSWER, f"got back {answer!r}")
        harness.expect_end(client)


def answers_for(program):
    """What the judge says of the memory and of the descriptors of a server."""
    with harness.Server([program]) as server:
        with server.connect() as client:
            client.sendall(QUESTION)
            harness.receive_exactly(client, len(ANSWER))
            before = server.descriptors()
            samples = []
            for number in range(SAMPLES):
                for _ in range(VISITS_A_SAMPLE):
                    visit(server)
                samples.append(Sample(number, server.resident_bytes(), server.descriptors(), []))
            return judge_memory(samples), judge_descriptors(before, settled(server, client, before))


def settled(server, client, wanted):
    """Asks until the descriptors of those who have just left are closed, if ever they are."""
    for _ in range(200):
        if server.descriptors() == wanted:
            break
        client.sendall(QUESTION)
        harness.receive_exactly(client, len(ANSWER))
    return server.descriptors()


def main(_):
    for answer in answers_for(sys.argv[1]):
        print(answer)
        harness.check(answer.state == "bad", f"a leak was not found: {answer.words}")
    for answer in answers_for(sys.argv[2]):
        print(answer)
        harness.check(answer.state != "bad", f"a leak was found that is none: {answer.words}")


harness.run(main, None)
