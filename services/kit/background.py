"""Work that goes on beside a service's requests for as long as it runs."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any

_log = logging.getLogger(__name__)

BETWEEN_BATCHES_S = 0.05
"""For those who want to write meanwhile."""


@asynccontextmanager
async def background(work: Mapping[str, Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Runs each of `work` as a task of its name; when the context is left, all are cancelled and have ended."""
    tasks = [asyncio.create_task(each, name=name) for name, each in work.items()]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def prune_for_ever(what: str, prune: Callable[[], Awaitable[bool]], every_s: float, first_s: float = 0.0) -> None:
    """Removes batches of what is no longer needed until cancelled.

    Args:
        what: For the log, should it fail.
        prune: Removes one batch; True when there may be more.
        every_s: Seconds between two rounds.
        first_s: Seconds until the first.
    """
    pause_s = first_s
    while True:
        await asyncio.sleep(pause_s)
        try:
            more = await prune()
        except Exception:  # noqa: BLE001 - a task that ended would be missed by nobody until the table is full.
            _log.exception("%s cannot be removed; trying again", what)
            more = False
        pause_s = BETWEEN_BATCHES_S if more else every_s
