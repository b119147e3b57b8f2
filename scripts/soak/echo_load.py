"""Clients of the echo example, of every kind that a server meets. Each byte that comes back is looked at."""

import asyncio
import contextlib

from load import Load, abort, read_exactly, read_to_end

LINE_LIMIT = 64 << 10  # the server's, for a line
ANSWER = b"you said "


class EchoLoad(Load):
    """Some clients stay, most come and go, and some behave badly."""

    def clients(self):
        return [
            *(self.again(self.talk_for_long, 0.5) for _ in range(4)),
            *(self.again(self.visit, 0.03) for _ in range(8)),
            *(self.again(self.reset, 0.1) for _ in range(2)),
            *(self.again(self.half_close, 0.1) for _ in range(2)),
            *(self.again(self.read_slowly, 0.5) for _ in range(2)),
            self.again(self.say_nothing, 1),
            self.again(self.never_end_a_line, 1),
        ]

    def line(self, longest):
        return self.random.randbytes(self.random.randrange(longest)).replace(b"\n", b"x") + b"\n"

    async def expect_echo(self, reader, writer, line):
        writer.write(line)
        await writer.drain()
        answer = await read_exactly(reader, len(ANSWER) + len(line))
        self.check(answer == ANSWER + line, f"a line of {len(line)} bytes came back as something else, of {len(answer)}")

    async def visit(self, reader, writer):
        """Comes, says a little, and leaves in good manners, by "quit" or by itself."""
        for _ in range(self.random.randrange(1, 4)):
            await self.expect_echo(reader, writer, self.line(2000))
        if self.random.random() < 0.5:
            writer.write(b"quit\r\n")
            self.check(await read_to_end(reader) == b"", "there is something behind quit")

    async def talk_for_long(self, reader, writer):
        for _ in range(self.random.randrange(50, 200)):
            await self.expect_echo(reader, writer, self.line(self.random.choice((20, 2000, 60_000))))
            await asyncio.sleep(self.random.random() * 0.05)

    async def half_close(self, reader, writer):
        """Ends its output behind several lines; what it has said is answered all the same."""
        lines = [self.line(5000) for _ in range(self.random.randrange(1, 10))]
        writer.write(b"".join(lines))
        writer.write_eof()
        everything = await read_to_end(reader)
        self.check(everything == b"".join(ANSWER + line for line in lines), "behind a half-close answers are missing")

    async def reset(self, _reader, writer):
        """Leaves in the middle of a line, or of the answers, without a word."""
        writer.write(self.line(50_000) * self.random.randrange(1, 4) + b"half a line")
        await asyncio.sleep(self.random.random() * 0.02)
        abort(writer)

    async def read_slowly(self, reader, writer):
        """Sends much and reads little at a time: the server has to wait with the rest."""
        lines = [self.line(60_000) for _ in range(20)]
        writer.transport.set_write_buffer_limits(high=4 << 20)
        writer.write(b"".join(lines))
        answers = b"".join(ANSWER + line for line in lines)
        taken = 0
        while taken < len(answers):
            part = await reader.read(30_000)
            self.check(part != b"" and answers.startswith(part, taken), f"wrong bytes behind {taken} that were read slowly")
            taken += len(part)
            await asyncio.sleep(0.02)

    async def say_nothing(self, reader, writer):
        """A peer that has gone without a word, and a part of a line that nobody ends."""
        if self.random.random() < 0.5:
            writer.write(b"no line end")
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(reader.read(1), self.random.random() * 5)
        if self.random.random() < 0.5:
            abort(writer)

    async def never_end_a_line(self, reader, writer):
        """The server must not keep all of it: it ends the connection behind its limit."""
        with contextlib.suppress(ConnectionError):
            for _ in range(64):
                writer.write(b"x" * LINE_LIMIT)
                await writer.drain()
                await asyncio.sleep(0.01)
            self.check(await read_to_end(reader) == b"", "a line without an end is answered")
