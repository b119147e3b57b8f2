"""The chat room keeps its rules: each of them is tried over real sockets, byte by byte.

That who says no name is let go after 60 s is shown on the simulated network, by tests/examples/chat_test.cpp.
"""

import contextlib
import socket

import harness
from conversation import Conversation, run_promises
from program import Program

QUESTION = "welcome to cetane chat, what is your name?"
LENGTH = "a name has 1 to 20 characters"
LETTERS = "a name has letters, digits and - _ . only"
TAKEN = "that name is taken"
COMMANDS = "unknown command, try /who /nick /quit"
LONGEST_LINE = 4096


class House(contextlib.ExitStack):
    """A running chat server and those who talk to it."""

    def __init__(self, command):
        super().__init__()
        self.server = self.enter_context(harness.Server(command))
        self.members = []

    def visitor(self):
        """Somebody who was asked for a name and has not said one."""
        person = self.enter_context(Conversation(self.server.connect()))
        person.expect(QUESTION)
        return person

    def member(self, name, end=b"\r\n"):
        """Somebody in the room; those who are in it already have heard of it."""
        person = self.visitor()
        self.enter(person, name, end)
        return person

    def enter(self, person, name, end=b"\r\n"):
        person.say(name.encode() + end)
        person.expect(f"hello {name}, {len(self.members) + 1} here")
        for other in self.members:
            other.expect(f"* {name} joined")
        self.members.append(person)

    def expect_left(self, name, person):
        self.members.remove(person)
        for other in self.members:
            other.expect(f"* {name} left")


def who_says_a_name_is_in_and_the_others_hear_of_it(command):
    with House(command) as house:
        house.member("anna")
        house.member("bob", end=b"\n")
        house.member("carla")


def a_bad_name_is_answered_with_the_reason_and_the_question_again(command):
    with House(command) as house:
        house.member("anna")
        person = house.visitor()
        for name, reason in [
            (b"", LENGTH),
            (b"x" * 21, LENGTH),
            (b"two words", LETTERS),
            (b" bob", LETTERS),
            (b"bob ", LETTERS),
            (b"/quit", LETTERS),
            ("zoë".encode(), LETTERS),
            (b"tab\there", LETTERS),
            (b"nul\0", LETTERS),
            (b"anna", TAKEN),
            (b"x" * (LONGEST_LINE + 1), "line too long"),
        ]:
            person.say(name + b"\r\n")
            person.expect(reason, QUESTION)
        house.enter(person, "bob")


def names_of_every_allowed_kind_are_taken_as_they_are(command):
    with House(command) as house:
        for name in ["x", "x" * 20, "a-b_c.d", "007", "Anna", "anna", "ANNA", "...", "-"]:
            house.member(name)


def a_line_goes_to_everybody_else_with_the_name_in_front(command):
    with House(command) as house:
        anna, bob, carla = (house.member(name) for name in ("anna", "bob", "carla"))
        anna.say(b"hello everybody\r\n")
        bob.expect("anna: hello everybody")
        carla.expect("anna: hello everybody")
        bob.say(b"  indented, as it came  \n")
        anna.expect("bob:   indented, as it came  ")  # and nothing of her own line
        carla.expect("bob:   indented, as it came  ")


def lines_in_one_packet_and_a_line_in_many_are_told_apart(command):
    with House(command) as house:
        anna, bob = house.member("anna"), house.member("bob")
        anna.say(b"one\r\ntwo\nthree\r\n/who\r\n")
        bob.expect("anna: one", "anna: two", "anna: three")
        anna.expect("here: anna, bob")
        for byte in b"slowly\r\n":
            anna.say(bytes([byte]))
        bob.expect("anna: slowly")


def whoever_leaves_in_whatever_way_is_reported(command):
    with House(command) as house:
        anna = house.member("anna")

        quits = house.member("quits")
        quits.say(b"/quit\r\n")
        quits.expect_end()
        house.expect_left("quits", quits)

        closes = house.member("closes")
        closes.close()
        house.expect_left("closes", closes)

        resets = house.member("resets")
        harness.reset(resets.socket)
        resets.close()
        house.expect_left("resets", resets)

        half = house.member("half")
        half.say(b"my last words\r\n")
        half.end_output()
        anna.expect("half: my last words")
        half.expect_end()
        house.expect_left("half", half)

        within = house.member("within")
        within.say(b"no line end")
        within.end_output()
        anna.expect("within: no line end")
        within.expect_end()
        house.expect_left("within", within)

        house.member("quits")  # the name is free again


def who_lists_the_names_in_order_of_joining(command):
    with House(command) as house:
        zoe, anna, bob = (house.member(name) for name in ("zoe", "anna", "bob"))
        zoe.say(b"/who\r\n")
        zoe.expect("here: zoe, anna, bob")
        anna.close()
        house.expect_left("anna", anna)
        house.member("anna")
        bob.say(b"/who\n")
        bob.expect("here: zoe, bob, anna")


def nick_changes_the_name_and_tells_everybody(command):
    with House(command) as house:
        anna, bob = house.member("anna"), house.member("bob")
        anna.say(b"/nick anna.2\r\n")
        anna.expect("* anna is now anna.2")
        bob.expect("* anna is now anna.2")
        anna.say(b"hello\r\n/who\r\n")
        bob.expect("anna.2: hello")
        anna.expect("here: anna.2, bob")
        bob.say(b"/nick anna\r\n")  # free again
        for person in (anna, bob):
            person.expect("* bob is now anna")
        bob.close()
        anna.expect("* anna left")


def a_bad_nick_gets_the_reason_and_changes_nothing(command):
    with House(command) as house:
        anna, bob = house.member("anna"), house.member("bob")
        for nick, reason in [
            (b"/nick", LENGTH),
            (b"/nick ", LENGTH),
            (b"/nick " + b"x" * 21, LENGTH),
            (b"/nick two words", LETTERS),
            (b"/nick  anna", LETTERS),
            (b"/nick bob", TAKEN),
        ]:
            anna.say(nick + b"\r\n")
            anna.expect(reason)
        anna.say(b"still me\r\n/who\r\n")
        bob.expect("anna: still me")
        anna.expect("here: anna, bob")


def other_commands_are_unknown_and_not_said_to_anybody(command):
    with House(command) as house:
        anna, bob = house.member("anna"), house.member("bob")
        for line in (b"/", b"/help", b"/whoever", b"/who is it", b"/WHO", b"/nickname", b"/quit now", b"//"):
            anna.say(line + b"\r\n")
            anna.expect(COMMANDS)
        anna.say(b" /who is text, since it begins with a space\r\n")
        bob.expect("anna:  /who is text, since it begins with a space")


def empty_lines_are_ignored(command):
    with House(command) as house:
        anna, bob = house.member("anna"), house.member("bob")
        anna.say(b"\r\n\n\r\n/who\r\n \r\n")
        anna.expect("here: anna, bob")
        bob.expect("anna:  ")


def control_bytes_become_question_marks_and_all_others_stay(command):
    with House(command) as house:
        anna, bob = house.member("anna"), house.member("bob")
        controls = bytes(byte for byte in range(0x20) if byte != 0x0A)
        anna.say(controls + b".\r\n")
        bob.expect(b"anna: " + b"?" * len(controls) + b".")
        anna.say(b"del\x7f, c1 \xc2\x80\xc2\x9b\xc2\x9f, csi \x1b[2J, cr \rx\r\n")
        bob.expect(b"anna: del?, c1 ???, csi ?[2J, cr ?x")
        others = bytes(range(0x20, 0x7F)) + bytes(range(0x80, 0x100))
        text = "grüße, 你好, \u00a0 ".encode() + others + b"\xc2"
        anna.say(text + b"\r\n")
        bob.expect(b"anna: " + text)


def of_a_line_over_the_limit_nobody_else_hears_anything(command):
    with House(command) as house:
        anna, bob = house.member("anna"), house.member("bob")
        longest = b"x" * (LONGEST_LINE - 2)
        anna.say(longest + b"\r\n")
        bob.expect(b"anna: " + longest)
        for size in (LONGEST_LINE + 1, 3 * LONGEST_LINE, 1 << 20):
            anna.say(b"y" * size + b"\r\n")
            anna.expect("line too long")
        anna.say(b"/" + b"z" * (1 << 17) + b"\nI am still here\n")
        anna.expect("line too long")
        bob.expect("anna: I am still here")


def who_has_no_name_hears_nothing_and_is_not_counted(command):
    with House(command) as house:
        anna = house.member("anna")
        nobody = house.visitor()
        leaves = house.visitor()
        house.member("bob")  # 2 here: the visitors do not count
        anna.say(b"can anybody hear me?\r\n/who\r\n")
        house.members[1].expect("anna: can anybody hear me?")
        anna.expect("here: anna, bob")
        leaves.close()  # of whom nobody hears
        house.enter(nobody, "nobody")  # whose next bytes are the hello, so nothing came before
        nobody.say(b"now I can\r\n")
        anna.expect("nobody: now I can")


def who_does_not_read_is_shown_out_and_delays_nobody(command):
    with House(command) as house:
        anna, bob = house.member("anna"), house.member("bob")
        deaf = socket.socket()
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.settimeout(house.server.patience)
        deaf.connect((house.server.host, house.server.port))
        sleeper = house.enter_context(Conversation(deaf))
        sleeper.expect(QUESTION)
        house.enter(sleeper, "sleeper")

        said = b"z" * 4000
        for _ in range(64 << 20 >> 12):
            anna.say(said + b"\r\n")
            heard = bob.read_line()
            if heard == b"* sleeper left\r\n":
                break
            harness.check(heard == b"anna: " + said + b"\r\n", f"bob heard {heard[:40]!r}")
        else:
            raise harness.Failure("64 MiB were said, and who reads none of it is still there")
        bob.expect(b"anna: " + said)
        anna.expect("* sleeper left")
        anna.say(b"/who\r\n")
        anna.expect("here: anna, bob")
        expect_cut_off(sleeper)


def expect_cut_off(person):
    """What had left for it may still be read; then comes a reset."""
    try:
        while person.read_line():
            pass
    except ConnectionResetError:
        return
    raise harness.Failure("who did not read was let go with an orderly end, as if nothing were missing")


def a_stop_ends_all_conversations(command):
    with House(command) as house:
        anna = house.member("anna")
        visitor = house.visitor()
        house.server.signal()
        anna.expect_end()
        visitor.expect_end()
        status = house.server.wait()
        harness.check(status == 0, f"status {status} after SIGTERM")


def several_processes_are_refused_with_the_reason(command):
    with Program([*command, "--processes", "4"]) as program:
        program.expect_end(status=3)
        said = program.stderr()
        harness.check(said == "chat: --processes: all talk in one room, and that is in one process\n", said)


PROMISES = [
    who_says_a_name_is_in_and_the_others_hear_of_it,
    a_bad_name_is_answered_with_the_reason_and_the_question_again,
    names_of_every_allowed_kind_are_taken_as_they_are,
    a_line_goes_to_everybody_else_with_the_name_in_front,
    lines_in_one_packet_and_a_line_in_many_are_told_apart,
    whoever_leaves_in_whatever_way_is_reported,
    who_lists_the_names_in_order_of_joining,
    nick_changes_the_name_and_tells_everybody,
    a_bad_nick_gets_the_reason_and_changes_nothing,
    other_commands_are_unknown_and_not_said_to_anybody,
    empty_lines_are_ignored,
    control_bytes_become_question_marks_and_all_others_stay,
    of_a_line_over_the_limit_nobody_else_hears_anything,
    who_has_no_name_hears_nothing_and_is_not_counted,
    who_does_not_read_is_shown_out_and_delays_nobody,
    a_stop_ends_all_conversations,
    several_processes_are_refused_with_the_reason,
]

if __name__ == "__main__":
    run_promises(PROMISES, harness.arguments(__doc__))
