"""An instant at which what is under way is cut: of an attempt (its timeout), or of a whole call (its deadline)."""

import asyncio
from types import TracebackType


class Bound:
    """asyncio.timeout() at half of its price, which every call pays twice: entering and leaving it awaits nothing.

    Entered and left by one task. Raises TimeoutError on leaving when the instant came and nobody else cancelled that task too.

    Args:
        at_s: In the event loop's seconds.
    """

    __slots__ = ("_at_s", "_cancelling", "_handle", "_task", "expired")

    def __init__(self, at_s: float) -> None:
        self._at_s = at_s
        self.expired = False
        """Whether the instant came while the block was under way."""

    def __enter__(self) -> "Bound":
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        assert task is not None  # noqa: S101 - a coroutine runs in one.
        self._task = task
        self._cancelling = task.cancelling()
        self._handle = loop.call_at(self._at_s, self._expire)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _where: TracebackType | None) -> None:
        self._handle.cancel()
        # Whoever else cancelled the task meanwhile is to find it cancelled.
        if self.expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _expire(self) -> None:
        self.expired = True
        self._task.cancel()
