"""What the clients of a soak share: they come again and again, and what they complain of is collected."""

import asyncio
import contextlib
import random
import socket
import struct

PATIENCE_S = 30
FAULTS_KEPT = 20


def abort(writer):
    """Leaves with RST instead of FIN."""
    connection = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def read_exactly(reader, size):
    try:
        return await reader.readexactly(size)
    except asyncio.IncompleteReadError as short:
        return short.partial


async def read_to_end(reader):
    return await reader.read(-1)


class Load:
    """The clients of one server. `clients()` gives their coroutines."""

    def __init__(self, host, port, seed):
        self.host, self.port = host, port
        self.random = random.Random(seed)
        self.faults = []
        self.visits = 0
        self.stopping = asyncio.Event()

    def complain(self, words):
        if len(self.faults) < FAULTS_KEPT:
            self.faults.append(words)

    def check(self, holds, promise):
        if not holds:
            raise AssertionError(promise)

    async def again(self, visit, pause_s):
        """Connects and does `visit`, again and again until the soak ends."""
        while not self.stopping.is_set():
            try:
                await asyncio.wait_for(self.once(visit), PATIENCE_S)
            except asyncio.TimeoutError:
                self.complain(f"{visit.__name__}: no end within {PATIENCE_S} s")
            except (AssertionError, OSError) as fault:
                self.complain(f"{visit.__name__}: {fault}")
            self.visits += 1
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), self.random.random() * 2 * pause_s)

    async def once(self, visit):
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            await visit(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def run(self, until):
        """Runs the clients until `until` is done, lets them finish, and raises what `until` has raised."""
        running = [asyncio.create_task(each) for each in self.clients()]
        try:
            await until
        finally:
            self.stopping.set()
            _, late = await asyncio.wait(running, timeout=PATIENCE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
