"""People in the chat example's room. Who stays hears every line of the others who stay once and in order."""

import asyncio
import contextlib
import itertools

from load import Load, abort, read_exactly, read_to_end

LONGEST_LINE = 4 << 10
QUESTION = b"welcome to cetane chat, what is your name?\r\n"
REGULARS = 4


class ChatLoad(Load):
    """A few regulars, many guests, and some who behave badly."""

    def __init__(self, host, port, seed):
        super().__init__(host, port, seed)
        self.guests = itertools.count()

    def clients(self):
        return [
            *(self.again(self.regular(number), 0.5) for number in range(REGULARS)),
            *(self.again(self.guest, 0.2) for _ in range(4)),
            *(self.again(self.leave_without_a_word, 0.3) for _ in range(2)),
            self.again(self.never_listen, 1),
            self.again(self.never_end_a_line, 1),
            self.again(self.say_no_name, 1),
        ]

    async def enter(self, reader, writer, name):
        self.check(await read_exactly(reader, len(QUESTION)) == QUESTION, "nobody asks for a name")
        writer.write(name + b"\r\n")
        answer = await reader.readline()
        self.check(answer.startswith(b"hello " + name), f"{name!r} is greeted with {answer!r}")

    def next_guest(self):
        return b"guest-%d" % next(self.guests)

    def regular(self, number):
        """The client number `number`: a room of regulars checks each other's lines."""

        async def stay(reader, writer):
            name = b"regular-%d" % number
            await self.enter(reader, writer, name)
            heard = {}
            talking = asyncio.create_task(self.talk(writer, name))
            try:
                while not talking.done():
                    await self.hear_one(reader, heard)
            finally:
                talking.cancel()
            writer.write(b"/quit\r\n")
            await asyncio.gather(read_to_end(reader), talking, return_exceptions=True)

        return stay

    async def talk(self, writer, name):
        """Lines with numbers, for ten to twenty seconds."""
        end = asyncio.get_running_loop().time() + 10 + 10 * self.random.random()
        for number in itertools.count():
            if self.stopping.is_set() or asyncio.get_running_loop().time() > end:
                return
            writer.write(b"%d %s\r\n" % (number, b"." * self.random.randrange(500)))
            await asyncio.sleep(self.random.random() * 0.1)

    async def hear_one(self, reader, heard):
        """A line of another regular's has the number behind the last one."""
        try:
            line = await asyncio.wait_for(reader.readline(), 0.5)
        except asyncio.TimeoutError:
            return
        self.check(line.endswith(b"\r\n"), "a regular is shown out")
        if line.startswith(b"* regular-"):
            heard.pop(line.split(b" ")[1], None)  # it comes again, with new numbers
        if not line.startswith(b"regular-"):
            return
        name, _, words = line.partition(b": ")
        number = int(words.split(b" ")[0])
        last = heard.get(name)
        self.check(last is None or number == last + 1, f"behind line {last} of {name!r} comes {number}")
        heard[name] = number

    async def guest(self, reader, writer):
        await self.enter(reader, writer, self.next_guest())
        for _ in range(self.random.randrange(5)):
            writer.write(b"hello all\r\n" if self.random.random() < 0.8 else b"/who\r\n")
            await asyncio.sleep(self.random.random() * 0.1)
        if self.random.random() < 0.5:
            writer.write(b"/quit\r\n")
            await read_to_end(reader)

    async def leave_without_a_word(self, reader, writer):
        await self.enter(reader, writer, self.next_guest())
        writer.write(b"half a li")
        await asyncio.sleep(self.random.random() * 0.2)
        abort(writer)

    async def never_listen(self, reader, writer):
        """Talks much and reads nothing, for a while."""
        await self.enter(reader, writer, self.next_guest())
        reader.set_exception(ConnectionError("it does not listen"))
        writer.transport.pause_reading()
        for _ in range(self.random.randrange(50)):
            writer.write(b"%s\r\n" % (b"blah " * 100))
            await asyncio.sleep(0.1)
        abort(writer)

    async def never_end_a_line(self, reader, writer):
        await self.enter(reader, writer, self.next_guest())
        writer.write(b"x" * (3 * LONGEST_LINE))
        with contextlib.suppress(asyncio.TimeoutError):
            while b"line too long" not in await asyncio.wait_for(reader.readline(), 10):
                pass

    async def say_no_name(self, reader, _writer):
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(reader.read(1000), self.random.random() * 5)
            await asyncio.sleep(self.random.random() * 5)
