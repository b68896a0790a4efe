"""Work that must not be cut in the middle when its task is told to end."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import wraps
from typing import Any, ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


async def uncut(work: Awaitable[Result]) -> Result:
    """Awaits `work`; a cancellation waits for its end, and so does a second one.

    For transactions. One that is cancelled between two statements leaves its connection to the garbage collector, and with it
    SQLite's lock: the service's other replicas wait for a process that is on its way out. `work` has a bound of its own.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError as cancelled:
        while not task.done():
            with suppress(asyncio.CancelledError):  # Its deadline passed, and then its caller left: both are told below.
                await asyncio.wait({task})
        if not task.cancelled():
            cancelled.__cause__ = task.exception()  # If it failed as well, the cancellation says so, and asyncio need not.
        raise


def whole(work: Callable[Parameters, Coroutine[Any, Any, Result]]) -> Callable[Parameters, Coroutine[Any, Any, Result]]:
    """Makes an async function one that is uncut, whoever awaits it: for the writes of a store, whose callers may leave."""

    @wraps(work)
    async def run(*arguments: Parameters.args, **named: Parameters.kwargs) -> Result:
        return await uncut(work(*arguments, **named))

    return run
