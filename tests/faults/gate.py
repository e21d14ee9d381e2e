"""A TCP relay between one of our processes and a server, which a test can cut or hold."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from runtime.embedded.ports import LOOPBACK

_CHUNK = 65_536
_T = TypeVar("_T")


@dataclass(slots=True)
class Hold:
    """An armed hold. `caught` is set when the server has answered and the answer is kept back."""

    markers: tuple[bytes, ...]
    caught: threading.Event = field(default_factory=threading.Event)


@dataclass(eq=False, slots=True)
class _Line:
    """One connection through the gate, and the hold that its next answer runs into."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    hold: Hold | None = None
    passed: int = 0


class Gate:
    """Passes bytes on until told otherwise, in a thread of its own; `close` it at the end."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._lines: set[_Line] = set()
        self._passing: set[asyncio.Task[None]] = set()
        self._hold: Hold | None = None
        self._open = True
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._listening = self._call(self._listen())
        self.port: int = self._listening.sockets[0].getsockname()[1]

    def hold_answer_to(self, *markers: bytes) -> Hold:
        """Let requests through in which the markers come one after the other on one connection,
        and keep the answer to the last of them for good."""
        hold = Hold(markers)
        self._hold = hold
        return hold

    def cut(self) -> None:
        """End every connection, and every new one at once, until `mend`."""
        self._open = False
        self._call(self._end_lines())

    def mend(self) -> None:
        """Let connections pass again."""
        self._hold = None
        self._open = True

    def close(self) -> None:
        """End everything, the thread too."""
        self.cut()
        self._loop.call_soon_threadsafe(self._listening.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _call(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._accept, LOOPBACK, 0)

    async def _end_lines(self) -> None:
        for line in list(self._lines):
            line.client.transport.abort()
            line.server.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._open:
            writer.transport.abort()
            return
        try:
            answers, server = await asyncio.open_connection(LOOPBACK, self._target)
        except OSError:
            writer.transport.abort()
            return
        line = _Line(writer, server)
        self._lines.add(line)
        for work in (self._ask(line, reader), self._answer(line, answers)):
            task = asyncio.create_task(work)
            self._passing.add(task)
            task.add_done_callback(self._passing.discard)

    async def _ask(self, line: _Line, reader: asyncio.StreamReader) -> None:
        try:
            while chunk := await reader.read(_CHUNK):
                self._look(line, chunk)
                line.server.write(chunk)
                await line.server.drain()
        except OSError:
            pass
        finally:
            self._lines.discard(line)
            line.server.transport.abort()

    def _look(self, line: _Line, chunk: bytes) -> None:
        hold = self._hold
        if hold is None:
            line.passed = 0
            return
        while line.passed < len(hold.markers) and hold.markers[line.passed] in chunk:
            line.passed += 1
        if line.passed == len(hold.markers):
            line.hold, self._hold = hold, None

    async def _answer(self, line: _Line, reader: asyncio.StreamReader) -> None:
        try:
            while chunk := await reader.read(_CHUNK):
                if line.hold is not None:
                    line.hold.caught.set()
                    continue
                line.client.write(chunk)
                await line.client.drain()
        except OSError:
            pass
        finally:
            if line.hold is None:
                line.client.transport.abort()
