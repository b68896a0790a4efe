"""A bulkhead: so many calls over an edge at once, and so many more that wait for a place, in the order in which they came."""

import asyncio
from collections import OrderedDict

from services.policy import Bulkhead as BulkheadPolicy


class AsyncBulkhead:
    """The places of one edge in one process; used from one event loop.

    A place that is given back while somebody waits changes hands at once and is never free in between, so that nobody can come in
    first. A waiter that is cancelled in the very instant in which it was handed a place gives it back.
    """

    def __init__(self, policy: BulkheadPolicy) -> None:
        self._policy = policy
        self._waiters: OrderedDict[asyncio.Future[bool], asyncio.TimerHandle] = OrderedDict()
        self.in_use = 0
        """Places taken."""

    @property
    def waiting(self) -> int:
        """Calls that wait for a place."""
        return sum(not waiter.done() for waiter in self._waiters)

    def try_enter(self) -> bool:
        """Takes a place if one is free."""
        if self.in_use >= self._policy.max_concurrent:
            return False
        self.in_use += 1
        return True

    async def enter(self) -> str | None:
        """Takes a place, for which it waits if it may.

        Returns:
            Why there was none, or None: whoever has a place gives it back by `leave()`.
        """
        if self.try_enter():
            return None
        if len(self._waiters) >= self._policy.max_waiting and self.waiting >= self._policy.max_waiting:
            return f"{self._policy.max_concurrent} under way and {self._policy.max_waiting} waiting"
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[bool] = loop.create_future()
        self._waiters[waiter] = loop.call_later(self._policy.max_wait_ms / 1_000, self._give_up, waiter)
        try:
            entered = await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.result():
                self.leave()
            else:
                self._forget(waiter)
            raise
        return None if entered else f"no place within {self._policy.max_wait_ms:g} ms"

    def leave(self) -> None:
        """Gives a place back, to whoever has waited longest if anybody does."""
        while self._waiters:
            waiter, timer = self._waiters.popitem(last=False)
            timer.cancel()
            if not waiter.done():  # Cancelled, and has not come to say so yet.
                waiter.set_result(True)
                return
        self.in_use -= 1

    def _give_up(self, waiter: asyncio.Future[bool]) -> None:
        self._forget(waiter)
        if not waiter.done():
            waiter.set_result(False)

    def _forget(self, waiter: asyncio.Future[bool]) -> None:
        timer = self._waiters.pop(waiter, None)
        if timer is not None:
            timer.cancel()
