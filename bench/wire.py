"""A small HTTP/1.1 client for both arms: kept-alive connections, so that the client costs little.

On shared cores a client's own work stands in both arms' times and pushes their ratio towards 1.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import orjson

_PATIENCE_SECONDS = 60.0
_MOMENT_SECONDS = 0.1
_BUSY = 503


class Unanswered(RuntimeError):
    """A request that was not answered as the bench needs it."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request; `expects` is the status that counts as done."""

    method: str
    path: str
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    expects: int = 200


class Connection:
    """One kept-alive connection; one request at a time."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __aenter__(self) -> Self:
        self._streams = await asyncio.open_connection(self._host, self._port)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._streams is not None:
            self._streams[1].close()

    async def ask(self, call: Call) -> Any:
        """The decoded JSON of the answer; raises Unanswered for another status.

        A 503 says "send the same request again in a moment", so that is done, in measured time.
        """
        async with asyncio.timeout(_PATIENCE_SECONDS):
            status, body = await self._exchange(call)
            while status == _BUSY:
                await asyncio.sleep(_MOMENT_SECONDS)
                status, body = await self._exchange(call)
        if status != call.expects:
            raise Unanswered(
                f"{call.method} {call.path} was answered {status}: {body[:500].decode()}"
            )
        return orjson.loads(body) if body else None

    async def _exchange(self, call: Call) -> tuple[int, bytes]:
        if self._streams is None:
            raise Unanswered("the connection is not open")
        reader, writer = self._streams
        lines = [
            f"{call.method} {call.path} HTTP/1.1",
            f"Host: {self._host}:{self._port}",
            f"Content-Length: {len(call.body)}",
            *(["Content-Type: application/json"] if call.body else []),
            *(f"{name}: {value}" for name, value in call.headers.items()),
        ]
        writer.write("\r\n".join([*lines, "", ""]).encode() + call.body)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        length = 0
        for line in head[1:]:
            name, _, value = line.partition(":")
            if name.lower() == "content-length":
                length = int(value)
        return int(head[0].split(" ", 2)[1]), await reader.readexactly(length)
