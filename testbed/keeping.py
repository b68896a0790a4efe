"""A process beside the services is kept: started again whenever it ends by itself, within a budget, until it is stopped."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import Final

from testbed.journal import Event, Journal
from testbed.process import Child, describe_exit
from testbed.restarts import RestartBudget
from testbed.timers import Timers

GRACE_S: Final = 3.0


class Keeping:
    """What is the same for whatever is kept.

    Args:
        name: How the journal calls it.
        live: One process from start to end; returns how it ended.
        send: Sends a signal to a child.
        journal: Where each start and end is written.
        timers: Monotonic clock of the budget.
        pause: Waits so many seconds.
        ending: Signals that ask it to end.
    """

    def __init__(
        self,
        name: str,
        live: Callable[[], Awaitable[str]],
        send: Callable[[Child, int], None],
        journal: Journal,
        timers: Timers,
        pause: Callable[[float], Awaitable[None]],
        ending: tuple[int, ...] = (signal.SIGTERM,),
    ) -> None:
        self._name = name
        self._live = live
        self._send = send
        self._journal = journal
        self._timers = timers
        self._pause = pause
        self._ending = ending
        self._budget = RestartBudget()
        self._stopped = asyncio.Event()
        self._child: Child | None = None
        self.problem = ""
        """Why it does not run, or did not a moment ago; empty while all is well."""

    @property
    def pid(self) -> int:
        """Process id, 0 while none runs."""
        return self._child.pid if self._child else 0

    async def run(self) -> str:
        """Returns when it was stopped, with nothing to say, or when it is given up: then how it ended last."""
        while not self._stopped.is_set():
            problem = await self._live()
            if self._stopped.is_set():
                break
            delay_s = self._budget.take(self._timers.time())
            if delay_s is None:
                return problem
            self.problem = f"{problem}; it is started again"
            self._journal.write(Event.RESTART, self._name, reason=f"{problem}; again in {delay_s:g} s")
            await self._pause(delay_s)
        return ""

    async def stop(self) -> None:
        """Asks the process to end, and kills it after GRACE_S. It is not started again."""
        self._stopped.set()
        child = self._child
        if child is None:
            return
        for number in self._ending:
            self._send(child, number)
        done, _running = await asyncio.wait({child.exit}, timeout=GRACE_S)
        if not done:
            self._send(child, signal.SIGKILL)
            await asyncio.wait({child.exit}, timeout=GRACE_S)

    def began(self, child: Child) -> None:
        """A process runs."""
        self._child = child
        self._journal.write(Event.START, self._name, pid=child.pid)

    async def ended(self, child: Child) -> str:
        """Waits for its end, and says how it came."""
        how = describe_exit(await asyncio.shield(child.exit))
        self._child = None
        self._journal.write(Event.EXIT, self._name, pid=child.pid, reason=how)
        return how

    def give_up(self, problem: str, reason: str) -> None:
        """It will not be started again; `reason` is for the journal."""
        self.problem = problem
        self._journal.write(Event.GAVE_UP, self._name, reason=reason)
