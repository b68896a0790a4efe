"""When a process dies or stands still: its fate counts the points that it passes, and strikes at one of them.

A point is before and after each call takes effect, and before, inside and after each transaction. Death is an exception that
nothing catches, so whatever was not committed is gone.
"""

import asyncio


class Death(BaseException):
    """The end of a process: nobody catches it, nobody cleans up."""


class Fate:
    """Counts the points that a process passes, and strikes at one of them."""

    def __init__(self) -> None:
        self.passed = 0
        self.dies_at: int | None = None
        self.pauses_at: int | None = None
        self.fails_at: int | None = None
        self.stands_still = asyncio.Event()
        self.goes_on = asyncio.Event()

    async def point(self, *, locked: bool = False) -> None:
        """A point; `locked`: the writer's lock is held, so that standing still would stop everybody (a documented limit)."""
        self.passed += 1
        if self.passed == self.pauses_at and not locked:
            self.stands_still.set()
            await self.goes_on.wait()
        if self.passed == self.fails_at:
            raise ConnectionResetError
        if self.passed == self.dies_at:
            raise Death
