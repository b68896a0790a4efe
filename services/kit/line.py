"""The line to a caller: says whether it still stands, and cuts the work of whoever asked to be cut with it."""

import asyncio
from collections.abc import Callable

from observability.asgi import Scope

SCOPE_KEY = "firebreak.line"
"""Where a request's scope holds the line that it came over, if its server is one that tells."""


class Line:
    """One connection. At most one request of it is served at a time; others on it wait for their turn."""

    __slots__ = ("_deaf", "_lost", "_served")

    def __init__(self) -> None:
        self._lost = False
        self._served: asyncio.Task[object] | None = None
        self._deaf: Callable[[], bool] = bool

    @classmethod
    def of(cls, scope: Scope) -> "Line | None":
        """The line that a request came over; None where nobody will tell that it is lost."""
        found: Line | None = scope.get(SCOPE_KEY)
        return found

    def is_lost(self) -> bool:
        """Whether nobody is there any more."""
        return self._lost

    def watch(self, task: "asyncio.Task[object]", deaf: Callable[[], bool]) -> None:
        """Has `task` cancelled when the line is lost before the answer is complete, unless nobody can be told of it then."""
        self._served = task
        self._deaf = deaf

    def answered(self) -> None:
        """The request that is served has its answer: what its task still does is no longer done for the caller."""
        self._served = None

    def forget(self, task: "asyncio.Task[object]") -> None:
        """`task` is not to be cancelled any more. By now it may be the next request's that is."""
        if self._served is task:
            self._served = None

    def cut(self) -> None:
        """The line is lost."""
        self._lost = True
        if self._served is not None and not self._deaf():
            self._served.cancel("the caller is gone")
