"""Addresses of names, kept so that no request waits while a name server thinks about a name that is not there.

Where replicas are containers, a name lives and dies with its container, and a name server may take a second to say that it has
none: more than an attempt may take. So what is known is answered at once, and looked up again beside the requests.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import Context
from dataclasses import dataclass
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

FRESH_S: Final = 1.0
"""For so long nobody asks again."""
STALE_S: Final = 5.0
"""For so long an address is believed while it is asked for again; after that it may be another container's."""
WANTED_S: Final = 60.0
"""For so long after its last request a name that is not there is looked up: the threads that do so are few."""

_Asked = tuple[str, int, socket.AddressFamily]


@dataclass(frozen=True, slots=True)
class _Known:
    """What a lookup found: addresses, or why there are none."""

    at_s: float
    addresses: tuple[ResolveResult, ...] = ()
    failure: OSError | None = None


class KnownAddresses(AbstractResolver):
    """A resolver of aiohttp's, for the names of a topology, which are few.

    An address is believed for FRESH_S, and up to STALE_S while it is looked up again, also where the name server cannot tell for
    the moment. A name that was not there is said not to be there at once, and looked up every FRESH_S until it is, for as long as
    somebody wants it.

    Args:
        inner: Asks the name server, for as long as that takes. Closed with this.
    """

    def __init__(self, inner: AbstractResolver) -> None:
        self._inner = inner
        self._known: dict[_Asked, _Known] = {}
        self._looking: dict[_Asked, asyncio.Task[None]] = {}
        self._later: dict[_Asked, asyncio.TimerHandle] = {}
        self._wanted_at_s: dict[_Asked, float] = {}

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        """Addresses of `host`. Raises OSError when it has none."""
        asked = (host, port, family)
        known = self._known.get(asked)
        now_s = self._wanted_at_s[asked] = asyncio.get_running_loop().time()
        age_s = now_s - known.at_s if known else float("inf")
        if age_s >= FRESH_S:
            self._begin(asked)
        if known is None or age_s >= (WANTED_S if known.failure else STALE_S):
            await asyncio.shield(self._looking[asked])  # Others may wait for it as well.
            known = self._known[asked]
        if known.failure:
            raise type(known.failure)(*known.failure.args) from known.failure
        return list(known.addresses)

    async def close(self) -> None:
        """Gives up what is being looked up."""
        for timer in self._later.values():
            timer.cancel()
        looking = list(self._looking.values())
        for task in looking:
            task.cancel()
        await asyncio.gather(*looking, return_exceptions=True)
        await self._inner.close()

    def _begin(self, asked: _Asked) -> None:
        if asked not in self._looking:
            # Not in the context of whoever asks first: it is nobody's request.
            task = asyncio.create_task(self._look_up(asked), name=f"lookup-{asked[0]}", context=Context())
            self._looking[asked] = task

    async def _look_up(self, asked: _Asked) -> None:
        loop = asyncio.get_running_loop()
        try:
            self._known[asked] = _Known(loop.time(), tuple(await self._inner.resolve(*asked)))
        except OSError as error:
            if loop.time() - self._wanted_at_s[asked] < WANTED_S:
                self._later[asked] = loop.call_later(FRESH_S, self._begin, asked, context=Context())
            if not (_is_temporary(error) and self._is_believed(asked)):
                self._known[asked] = _Known(loop.time(), failure=error)
        finally:
            del self._looking[asked]

    def _is_believed(self, asked: _Asked) -> bool:
        known = self._known.get(asked)
        return known is not None and bool(known.addresses) and asyncio.get_running_loop().time() - known.at_s < STALE_S


def _is_temporary(error: OSError) -> bool:
    """Whether it says of the name server that it cannot tell, and not of the name that it is not there."""
    return isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN


@asynccontextmanager
async def known_addresses() -> AsyncIterator[KnownAddresses]:
    """For as long as the context is open, over the system's own lookup."""
    known = KnownAddresses(aiohttp.ThreadedResolver())
    try:
        yield known
    finally:
        await known.close()
