"""Hedging: while an attempt is late, another is made elsewhere, and the first good answer wins."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Generic, TypeVar

from services.kit.errors import CallError
from services.policy import Hedge as HedgePolicy

Answer = TypeVar("Answer")
SENT, WON, LOST, DENIED = "sent", "won", "lost", "denied"


class Hedging(Generic[Answer]):
    """One attempt and its hedges.

    The first attempt runs in the task of its caller, where it would run without hedging: a call that is not late costs a timer
    and no task. A hedge is a task of its own. When one wins, the first attempt is cut as a deadline would cut it; losers are
    cancelled and waited for, so that no task outlives the call.

    Args:
        policy: When a hedge is sent.
        attempt: Makes one attempt. Raises CallError; anything else is a bug, and ends the call.
        may: Asked when a hedge is due; whether one may be sent. Once it may not, none is sent any more.
        told: Of what becomes of a hedge: SENT, then WON or LOST.
    """

    # Not in __init__: what a call that is not late never touches costs it nothing.
    _cut = False
    _won = False
    _first_runs = True
    _decisive: asyncio.Task[Answer] | None = None  # The hedge that ends the call: by an answer, or by a bug.

    def __init__(
        self,
        policy: HedgePolicy,
        attempt: Callable[[], Coroutine[object, object, Answer]],
        may: Callable[[], bool],
        told: Callable[[str], None],
    ) -> None:
        self._policy = policy
        self._attempt = attempt
        self._may = may
        self._told = told
        self._hedges: list[asyncio.Task[Answer]] = []

    async def run(self) -> Answer:
        """The first good answer, or the first attempt's error when there is none."""
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        assert task is not None  # noqa: S101 - a coroutine runs in one.
        self._task = task
        self._cancelling = task.cancelling()
        self._timer = loop.call_later(self._policy.delay_ms / 1_000, self._due)
        try:
            return await self._attempt()
        except asyncio.CancelledError:
            # Cut by a hedge, and by nobody else: then the call goes on.
            if not self._cut or task.cancelling() > self._cancelling + 1 or self._decisive is None:
                raise
            self._won = True
            return self._decisive.result()
        except CallError:
            self._first_runs = False
            self._timer.cancel()
            winner = await self._winner()
            if winner is None:
                raise
            self._won = True
            return winner.result()
        finally:
            self._first_runs = False
            self._timer.cancel()
            if self._cut:
                task.uncancel()
            if self._hedges:
                await self._clear()

    async def _winner(self) -> asyncio.Task[Answer] | None:
        """Waits for the hedges after the first attempt failed."""
        while True:
            for hedge in self._hedges:
                if hedge.done():
                    self._ended(hedge)  # Its callback may still be on its way.
            running = [hedge for hedge in self._hedges if not hedge.done()]
            if self._decisive is not None or not running:
                return self._decisive
            await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)

    def _due(self) -> None:
        if not self._may():
            return
        self._told(SENT)
        hedge = self._task.get_loop().create_task(self._attempt())
        hedge.add_done_callback(self._ended)
        self._hedges.append(hedge)
        if len(self._hedges) < self._policy.max_attempts - 1:
            self._timer = self._task.get_loop().call_later(self._policy.delay_ms / 1_000, self._due)

    def _ended(self, hedge: asyncio.Task[Answer]) -> None:
        if hedge.cancelled() or isinstance(hedge.exception(), CallError) or self._decisive is not None:
            return
        self._decisive = hedge
        # Whoever is cancelled already must not be interrupted while it ends.
        if self._first_runs and self._task.cancelling() == self._cancelling:
            self._cut = True
            self._task.cancel()

    async def _clear(self) -> None:
        """Ends and awaits what is still under way, however often the call itself is cancelled meanwhile."""
        cancelled = False
        for hedge in self._hedges:
            hedge.cancel()
        while running := [hedge for hedge in self._hedges if not hedge.done()]:
            try:
                await asyncio.wait(running)
            except asyncio.CancelledError:
                cancelled = True
        for hedge in self._hedges:
            self._told(WON if self._won and hedge is self._decisive else LOST)
        if cancelled:
            raise asyncio.CancelledError
