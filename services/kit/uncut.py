"""Work that must not be cut in the middle when its task is told to end."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

Result = TypeVar("Result")


async def uncut(work: Coroutine[Any, Any, Result]) -> Result:
    """Awaits `work`; a cancellation waits for its end, and so does a second one.

    For transactions. One that is cancelled between two statements leaves its connection to the garbage collector, and with it
    SQLite's lock: the service's other replicas wait for a process that is on its way out. `work` has a bound of its own.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with suppress(asyncio.CancelledError):  # Its deadline passed, and then its caller left: both are told below.
                await asyncio.wait({task})
        raise
