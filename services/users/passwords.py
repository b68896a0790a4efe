"""Password hashes: argon2id, in a thread, at most two at once."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MEMORY_KIB, TIME_COST, PARALLELISM = 19_456, 2, 1
"""OWASP's minimum for argon2id (Password Storage Cheat Sheet); the library's default takes four times as long."""
MAX_AT_ONCE = 2


class Passwords:
    """Checks passwords without holding the event loop or the memory of a crowd."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=PARALLELISM)
        self._places = asyncio.Semaphore(MAX_AT_ONCE)

    async def matches(self, stored: str, password: str) -> bool:
        """Whether `password` is what `stored` was made from."""
        async with self._places:
            return await asyncio.to_thread(self._verify, stored, password)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False
