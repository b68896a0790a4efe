"""Password hashes: argon2id, in a thread, at most two at once, and few who wait."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from services.kit.errors import TooManyRequestsError
from services.kit.uncut import uncut

MEMORY_KIB, TIME_COST, PARALLELISM = 7_168, 5, 1
"""Of OWASP's minima for argon2id, equal in defence (Password Storage Cheat Sheet), the one that takes least memory: 7 MiB a
hash. A processor's cache holds that, which makes it the quickest of them as well."""
MAX_AT_ONCE = 2
MAX_WAITING = 32
"""Whom two processors serve in a third of a second; what a crowd beyond it would wait for, nobody waits for."""
MAX_WAIT_S = 0.4
"""With a hash on a busy machine it stays below the callers' timeout of an attempt: a crowd must not look like an outage."""

Result = TypeVar("Result")


class Passwords:
    """Makes and checks hashes without holding the event loop, the memory of a crowd, or a crowd.

    Args:
        hasher: What makes and checks one.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher(time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=PARALLELISM)
        self._places = asyncio.Semaphore(MAX_AT_ONCE)
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """What to store of `password`. Raises TooManyRequestsError at once or after MAX_WAIT_S."""
        return await self._in_turn(lambda: self._hasher.hash(password))

    async def matches(self, stored: str, password: str) -> bool:
        """Whether `password` is what `stored` was made from. Raises TooManyRequestsError as `hash` does."""
        return await self._in_turn(lambda: self._verify(stored, password))

    async def _in_turn(self, work: Callable[[], Result]) -> Result:
        async with self._place():
            # A thread cannot be told to end: who gives up keeps the place until it has.
            return await uncut(asyncio.to_thread(work))

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        if self._waiting >= MAX_WAITING:
            raise TooManyRequestsError("too many passwords are being checked", retry_after_s=1)
        self._waiting += 1
        try:
            async with asyncio.timeout(MAX_WAIT_S):
                await self._places.acquire()
        except TimeoutError:
            raise TooManyRequestsError("too many passwords are being checked", retry_after_s=1) from None
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._places.release()

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False
