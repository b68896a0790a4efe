"""The exporter process of a system whose services hand their spans over: kept while the system runs, waited for by nobody.

It is an instrument like the store, and no target of faults. While it is away spans wait in the services, so many as they may.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from services.registry import InstanceState
from testbed.control import ProgramStatus
from testbed.journal import Journal
from testbed.keeping import Keeping
from testbed.last_words import last_words
from testbed.process import Command, Processes, StartError
from testbed.timers import Timers

NAME: Final = "exporter"
EXPORTER: Final = "observability.exporter.main"
"""Its module, started like any process of a system."""


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
        self._keeping = Keeping(command.instance, self._live, processes.signal, journal, timers, pause)

    def status(self) -> ProgramStatus:
        """Whether it runs, and why not."""
        pid = self._keeping.pid
        return ProgramStatus(
            name=NAME,
            state=InstanceState.UP if pid else InstanceState.DOWN,
            address=f"unix:{self._socket}" if pid else "",
            pid=pid,
            note=self._keeping.problem,
            log=str(self._command.log),
        )

    async def run(self) -> None:
        """Returns when it was stopped, or ended too often; the journal says so."""
        problem = await self._keeping.run()
        if problem:
            self._keeping.give_up(f"{problem}{last_words(self._command.log)}; no span reaches the store any more", problem)

    async def stop(self) -> None:
        """Ends it once it has sent what it was handed. Its socket is gone then, however it ended."""
        await self._keeping.stop()
        self._socket.unlink(missing_ok=True)

    async def _live(self) -> str:
        try:
            child = await self._processes.start(self._command)
        except (OSError, StartError) as error:
            return str(error)
        self._keeping.problem = ""
        self._keeping.began(child)
        return await self._keeping.ended(child)
