"""The supervisor's Unix socket: one JSON request a line, one JSON answer a line (testbed.control)."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from testbed.control import MAX_MESSAGE_BYTES, REQUEST, ControlError, Request, Response

_MAX_CONNECTIONS: Final = 32
_READ_TIMEOUT_S: Final = 10.0


class ControlServer:
    """Listens for the owner alone (mode 600) and hands each request to `handle`."""

    def __init__(self, path: Path, handle: Callable[[Request], Awaitable[Response]]) -> None:
        self._path = path
        self._handle = handle
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Starts listening. Raises OSError."""
        self._path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._connected, self._path, limit=MAX_MESSAGE_BYTES)
        finally:
            os.umask(before)

    async def close(self, grace_s: float = 1.0) -> None:
        """Stops listening, lets answers under way finish for `grace_s`, and removes the socket."""
        if self._server is not None:
            self._server.close()
        if self._connections:
            await asyncio.wait(self._connections, timeout=grace_s)
        for connection in self._connections:
            connection.cancel()
        self._path.unlink(missing_ok=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        try:
            while line := await self._read(reader):
                answer = await self._answer(line)
                writer.write(answer.model_dump_json().encode() + b"\n")
                await writer.drain()
        except (ConnectionError, TimeoutError, ValueError):  # Gone, silent, or a line without an end.
            pass
        finally:
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> bytes:
        async with asyncio.timeout(_READ_TIMEOUT_S):
            return await reader.readline()

    async def _answer(self, line: bytes) -> Response:
        if len(self._connections) > _MAX_CONNECTIONS:
            return Response(error=f"the supervisor serves {_MAX_CONNECTIONS} requests at a time; try again")
        try:
            return await self._handle(REQUEST.validate_json(line))
        except ControlError as error:
            return Response(error=str(error))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            return Response(error=f"bad request: {where}: {first['msg']}")
