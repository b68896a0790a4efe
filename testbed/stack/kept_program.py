"""One program's life: started, ready, ended, started again, until it is stopped or keeps failing. Nobody waits for it."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

from services.registry import InstanceState
from testbed.control import ProgramStatus
from testbed.journal import Event, Journal
from testbed.last_words import last_words
from testbed.ports import HOST
from testbed.process import Child, Program, describe_exit
from testbed.restarts import RestartBudget
from testbed.stack.program_plan import ProgramPlan
from testbed.timers import Timers

READY_TIMEOUT_S: Final = 20.0
GRACE_S: Final = 3.0
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
        self._problem = ""
        self._child: Child | None = None
        self._budget = RestartBudget()
        self._stopped = asyncio.Event()

    def status(self) -> ProgramStatus:
        """What people are told of it."""
        return ProgramStatus(
            name=self._plan.name,
            state=self._state,
            address="" if self._state is InstanceState.DOWN else self._plan.address,
            pid=self._child.pid if self._child else 0,
            note=self._problem or self._plan.note,
            log=str(self._plan.log),
        )

    async def run(self) -> None:
        """Returns when it was stopped, or given up: `status` says why."""
        try:
            self._plan.prepare()
        except OSError as error:
            self._give_up(f"{error.filename}: {error.strerror}")
            return
        while not self._stopped.is_set():
            problem = await self._live()
            if self._stopped.is_set():
                return
            delay_s = self._budget.take(self._around.timers.time())
            if delay_s is None:
                self._give_up(f"{problem}{last_words(self._plan.log)}")
                return
            self._problem = f"{problem}; it is started again"
            self._around.journal.write(Event.RESTART, self._plan.name, reason=f"{problem}; again in {delay_s:g} s")
            await self._around.pause(delay_s)

    async def stop(self) -> None:
        """Ends the process: SIGTERM, GRACE_S, SIGKILL. It is not started again."""
        self._stopped.set()
        child = self._child
        if child is None:
            return
        for number in (signal.SIGTERM, signal.SIGCONT):
            self._around.starter.signal(child, number)
        done, _running = await asyncio.wait({child.exit}, timeout=GRACE_S)
        if not done:
            self._around.starter.signal(child, signal.SIGKILL)
            await asyncio.wait({child.exit}, timeout=GRACE_S)

    async def _live(self) -> str:
        """One process from start to end; says how it ended."""
        self._state = InstanceState.STARTING
        try:
            child = await self._around.starter.start(self._plan.program())
        except OSError as error:
            return error.strerror or str(error)
        self._child = child
        self._around.journal.write(Event.START, self._plan.name, pid=child.pid)
        problem = await self._become_ready(child)
        status = await asyncio.shield(child.exit)
        self._child = None
        self._state = InstanceState.DOWN
        self._around.journal.write(Event.EXIT, self._plan.name, pid=child.pid, reason=describe_exit(status))
        return problem or describe_exit(status)

    async def _become_ready(self, child: Child) -> str:
        """Waits until it answers; empty when it does or has ended, else why it was killed."""
        deadline_s = self._around.timers.time() + READY_TIMEOUT_S
        while not child.exit.done():
            if await self._around.is_ready(HOST, self._plan.port, self._plan.ready_path) and not child.exit.done():
                self._state, self._problem = InstanceState.UP, ""
                self._around.journal.write(Event.READY, self._plan.name, pid=child.pid)
                return ""
            if self._around.timers.time() > deadline_s:
                self._around.starter.signal(child, signal.SIGKILL)
                return f"not ready within {READY_TIMEOUT_S:g} s"
            await self._around.pause(_PROBE_PAUSE_S)
        return ""

    def _give_up(self, problem: str) -> None:
        self._problem = f"cannot be kept running: {problem}"
        self._state = InstanceState.DOWN
        self._around.journal.write(Event.GAVE_UP, self._plan.name, reason=problem)
