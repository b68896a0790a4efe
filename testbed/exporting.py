"""The exporter process of a system whose services hand their spans over: kept while the system runs, waited for by nobody.

It is an instrument like the store, and no target of faults. While it is away spans wait in the services, so many as they may.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from services.registry import InstanceState
from testbed.control import ProgramStatus
from testbed.journal import Event, Journal
from testbed.last_words import last_words
from testbed.process import Child, Command, Processes, StartError, describe_exit
from testbed.restarts import RestartBudget
from testbed.timers import Timers

NAME: Final = "exporter"
EXPORTER: Final = "observability.exporter.main"
"""Its module, started like any process of a system."""
GRACE_S: Final = 3.0


class KeptExporter:
    """Keeps it running: `run` is its life, `stop` its end."""

    def __init__(
        self,
        command: Command,
        socket: Path,
        processes: Processes,
        journal: Journal,
        timers: Timers,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._command = command
        self._socket = socket
        self._processes = processes
        self._journal = journal
        self._timers = timers
        self._pause = pause
        self._budget = RestartBudget()
        self._child: Child | None = None
        self._problem = ""
        self._stopped = asyncio.Event()

    def status(self) -> ProgramStatus:
        """Whether it runs, and why not."""
        return ProgramStatus(
            name=NAME,
            state=InstanceState.UP if self._child else InstanceState.DOWN,
            address=f"unix:{self._socket}" if self._child else "",
            pid=self._child.pid if self._child else 0,
            note=self._problem,
            log=str(self._command.log),
        )

    async def run(self) -> None:
        """Returns when it was stopped, or ended too often; the journal says so."""
        name = self._command.instance
        while not self._stopped.is_set():
            problem = await self._live()
            if self._stopped.is_set():
                return
            delay_s = self._budget.take(self._timers.time())
            if delay_s is None:
                self._problem = f"{problem}{last_words(self._command.log)}; no span reaches the store any more"
                self._journal.write(Event.GAVE_UP, name, reason=problem)
                return
            self._problem = f"{problem}; it is started again"
            self._journal.write(Event.RESTART, name, reason=f"{problem}; again in {delay_s:g} s")
            await self._pause(delay_s)

    async def stop(self) -> None:
        """Ends it once it has sent what it was handed: SIGTERM, GRACE_S, SIGKILL. Its socket is gone then, however it ended."""
        self._stopped.set()
        if self._child is not None:
            await self._end(self._child)
        self._socket.unlink(missing_ok=True)

    async def _end(self, child: Child) -> None:
        self._processes.signal(child, signal.SIGTERM)
        done, _running = await asyncio.wait({child.exit}, timeout=GRACE_S)
        if not done:
            self._processes.signal(child, signal.SIGKILL)
            await asyncio.wait({child.exit}, timeout=GRACE_S)

    async def _live(self) -> str:
        """One process from start to end; says how it ended."""
        name = self._command.instance
        try:
            child = self._child = await self._processes.start(self._command)
        except (OSError, StartError) as error:
            return str(error)
        self._problem = ""
        self._journal.write(Event.START, name, pid=child.pid)
        status = await asyncio.shield(child.exit)
        self._child = None
        self._journal.write(Event.EXIT, name, pid=child.pid, reason=describe_exit(status))
        return describe_exit(status)
