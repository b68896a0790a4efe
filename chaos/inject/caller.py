"""The caller's end of a request that is being held: has it gone away?"""

import asyncio
from collections import deque
from collections.abc import Coroutine
from typing import Any

from chaos.inject.asgi import Message, Receive

MAX_KEPT_BYTES = 65_536


class Caller:
    """Listens for the caller's disconnect while a request is held, and keeps every message for the application.

    ASGI tells a disconnect only behind the body, so the body has to be taken. It is kept and replayed; beyond 64 KiB listening
    stops, and a caller that leaves then is noticed at the lease's end.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._kept: deque[Message] = deque()
        self._kept_bytes = 0
        self._pending: asyncio.Future[Message] | None = None

    async def gone(self) -> None:
        """Returns when the caller has gone away. Cancelling it loses no message."""
        while self._kept_bytes <= MAX_KEPT_BYTES:
            if self._pending is None:
                self._pending = asyncio.ensure_future(self._receive())
            await asyncio.wait({self._pending})  # Unlike awaiting it, this leaves it alone when it is cancelled.
            message = self._pending.result()
            self._pending = None
            self._kept.append(message)
            self._kept_bytes += len(message.get("body", b""))
            if message["type"] == "http.disconnect":
                return
        await asyncio.Event().wait()

    async def waits_for(self, work: Coroutine[Any, Any, None]) -> bool:
        """Does `work`, however long it takes. False when the caller went away first; then it is cancelled."""
        done, gone = asyncio.ensure_future(work), asyncio.ensure_future(self.gone())
        try:
            await asyncio.wait({done, gone}, return_when=asyncio.FIRST_COMPLETED)
            if done.done():
                done.result()
                return True
            return False
        finally:
            done.cancel()
            gone.cancel()
            await asyncio.gather(done, gone, return_exceptions=True)

    async def receive(self) -> Message:
        """The application's `receive`: first what was kept, then what comes."""
        if self._kept:
            return self._kept.popleft()
        if self._pending is not None:
            pending, self._pending = self._pending, None
            return await pending
        return await self._receive()

    def close(self) -> None:
        """Drops a message that the application never asked for."""
        if self._pending is not None:
            self._pending.cancel()
