"""One program's life: started, ready, ended, started again, until it is stopped or keeps failing. Nobody waits for it."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

from services.registry import InstanceState
from testbed.control import ProgramStatus
from testbed.journal import Event, Journal
from testbed.keeping import Keeping
from testbed.last_words import last_words
from testbed.ports import HOST
from testbed.process import Child, Program
from testbed.stack.program_plan import ProgramPlan
from testbed.timers import Timers

READY_TIMEOUT_S: Final = 20.0
ENDING: Final = (signal.SIGTERM, signal.SIGCONT)
"""One that somebody has stopped would not hear the first without the second."""
_PROBE_PAUSE_S: Final = 0.1


class Starter(Protocol):
    """A way to start programs (testbed.spawned)."""

    async def start(self, command: Program, /) -> Child:
        """Starts one. Raises OSError."""

    def signal(self, child: Child, number: int) -> None:
        """Sends a signal; nothing happens when the child has ended."""


@dataclass(frozen=True)
class Around:
    """What every program of a system shares."""

    starter: Starter
    journal: Journal
    timers: Timers
    is_ready: Callable[[str, int, str], Awaitable[bool]]
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep


class KeptProgram:
    """Keeps one program running: `run` is its life, `stop` its end."""

    def __init__(self, plan: ProgramPlan, around: Around) -> None:
        self._plan = plan
        self._around = around
        self._state = InstanceState.STARTING
        self._keeping = Keeping(plan.name, self._live, around.starter.signal, around.journal, around.timers, around.pause, ENDING)

    def status(self) -> ProgramStatus:
        """What people are told of it."""
        return ProgramStatus(
            name=self._plan.name,
            state=self._state,
            address="" if self._state is InstanceState.DOWN else self._plan.address,
            pid=self._keeping.pid,
            note=self._keeping.problem or self._plan.note,
            log=str(self._plan.log),
        )

    async def run(self) -> None:
        """Returns when it was stopped, or given up: `status` says why."""
        try:
            self._plan.prepare()
        except OSError as error:
            self._give_up(f"{error.filename}: {error.strerror}")
            return
        problem = await self._keeping.run()
        if problem:
            self._give_up(f"{problem}{last_words(self._plan.log)}")

    async def stop(self) -> None:
        """Ends the process. It is not started again."""
        await self._keeping.stop()

    async def _live(self) -> str:
        self._state = InstanceState.STARTING
        try:
            child = await self._around.starter.start(self._plan.program())
        except OSError as error:
            return error.strerror or str(error)
        self._keeping.began(child)
        problem = await self._become_ready(child)
        how = await self._keeping.ended(child)
        self._state = InstanceState.DOWN
        return problem or how

    async def _become_ready(self, child: Child) -> str:
        """Waits until it answers; empty when it does or has ended, else why it was killed."""
        deadline_s = self._around.timers.time() + READY_TIMEOUT_S
        while not child.exit.done():
            if await self._around.is_ready(HOST, self._plan.port, self._plan.ready_path) and not child.exit.done():
                self._state, self._keeping.problem = InstanceState.UP, ""
                self._around.journal.write(Event.READY, self._plan.name, pid=child.pid)
                return ""
            if self._around.timers.time() > deadline_s:
                self._around.starter.signal(child, signal.SIGKILL)
                return f"not ready within {READY_TIMEOUT_S:g} s"
            await self._around.pause(_PROBE_PAUSE_S)
        return ""

    def _give_up(self, problem: str) -> None:
        self._state = InstanceState.DOWN
        self._keeping.give_up(f"cannot be kept running: {problem}", problem)
