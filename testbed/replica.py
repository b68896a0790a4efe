"""One replica's life: started, ready, ended, started again, until it is stopped for good or keeps failing."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from services.registry import Instance, InstanceState
from testbed.journal import Event, Journal
from testbed.notices import Notice
from testbed.plan import InstancePlan
from testbed.ports import is_free
from testbed.process import Child, Processes, StartError, describe_exit
from testbed.restarts import RestartBudget
from testbed.timers import Timer, Timers

READY_TIMEOUT_S: Final = 20.0
GRACE_S: Final = 3.0
_PROBE_PAUSE_S: Final = 0.02


@dataclass(frozen=True)
class Surroundings:
    """What every replica of a system shares."""

    processes: Processes
    journal: Journal
    timers: Timers
    is_ready: Callable[[str, int], Awaitable[bool]]
    changed: Callable[[], None]
    """Called after each change of a replica's state, port or process."""
    ended: Callable[[str], None]
    """Called with the instance's name when its process has ended: a pause ends with it."""
    ready_timeout_s: float = READY_TIMEOUT_S
    """Of a start, after which the process is killed and started again."""


class Replica:
    """Keeps one instance running: `run` is its life, the other methods are what can be done to it meanwhile.

    A gate stands before each start. It is open, or closed for a while (backoff), or closed until somebody opens it (held down
    by a fault, stopped, or given up).
    """

    def __init__(self, plan: InstancePlan, around: Surroundings) -> None:
        self.plan = plan
        self.failure = ""
        """Why it was given up; empty while it was not."""
        self.starts = 0
        """How many processes of it were started."""
        self._around = around
        self._state = InstanceState.STARTING
        self._child: Child | None = None
        self._port = plan.port
        self._on_purpose = False
        self._notice: Notice | None = None
        self._noticed = asyncio.Event()
        self._budget = RestartBudget()
        self._retry: Timer | None = None
        self._gate = asyncio.Event()
        self._gate.set()

    @property
    def name(self) -> str:
        """Such as `orders/2`."""
        return self.plan.name

    @property
    def is_up(self) -> bool:
        """Whether its process runs and said that it is ready."""
        return self._state is InstanceState.UP

    @property
    def pid(self) -> int:
        """Process id, 0 while none runs."""
        return self._child.pid if self._child else 0

    def instance(self) -> Instance:
        """What the registry says of it."""
        plan = self.plan
        return Instance(
            service=plan.service, replica=plan.replica, host=plan.host, port=self._port, pid=self.pid, state=self._state
        )

    async def run(self) -> None:
        """Starts the process again and again; ends only by cancellation."""
        while True:
            await self._gate.wait()
            self._set(InstanceState.STARTING)
            try:
                problem = await self._live()
            except StartError as error:
                self._give_up(str(error))
                continue
            if not self._on_purpose:
                self._back_off(problem)
            self._on_purpose = False

    def notify(self, notice: Notice) -> None:
        """Takes what a process of this name said of itself."""
        self._notice = notice
        self._noticed.set()

    def hold_down(self) -> None:
        """Kills the process and starts no other until `release`."""
        self._close_gate()
        self._send(signal.SIGKILL)
        self._on_purpose = self._child is not None

    def release(self) -> None:
        """Lets it start, with its past failures forgotten."""
        self._close_gate()
        self.failure = ""
        self._budget.reset()
        self._gate.set()

    def pause(self) -> None:
        """Stops the process in its tracks (SIGSTOP)."""
        self._send(signal.SIGSTOP)

    def resume(self) -> None:
        """Lets a paused process go on (SIGCONT)."""
        self._send(signal.SIGCONT)

    async def stop(self) -> None:
        """Ends the process: SIGTERM, GRACE_S, SIGKILL. It stays down until `release`."""
        self._close_gate()
        child = self._child
        if child is None:
            return
        self._on_purpose = True
        for number in (signal.SIGTERM, signal.SIGCONT):  # A paused process takes its SIGTERM when it goes on.
            self._send(number)
        done, _running = await asyncio.wait({child.exit}, timeout=GRACE_S)
        if not done:
            self._send(signal.SIGKILL)
            await asyncio.wait({child.exit}, timeout=GRACE_S)

    async def _live(self) -> str:
        """One process from start to end; says how it ended."""
        try:
            child = await self._around.processes.start(self.plan.command(self._port_to_ask_for()))
        except OSError as error:
            self._set(InstanceState.DOWN)
            return error.strerror or str(error)
        self._child = child
        self.starts += 1
        self._around.journal.write(Event.START, self.name, pid=child.pid)
        if not self._gate.is_set():  # Held down or stopped while it started.
            self._on_purpose = True
            self._send(signal.SIGKILL)
        problem = await self._become_ready(child)
        status = await asyncio.shield(child.exit)
        self._child = None
        self._around.journal.write(Event.EXIT, self.name, pid=child.pid, reason=describe_exit(status))
        self._set(InstanceState.DOWN)
        self._around.ended(self.name)
        return problem or describe_exit(status)

    async def _become_ready(self, child: Child) -> str:
        """Waits until the process answers; empty when it does or has ended, else why it was killed."""
        child.exit.add_done_callback(lambda _exit: self._noticed.set())
        self._set(InstanceState.STARTING)
        try:
            async with asyncio.timeout(self._around.ready_timeout_s):
                notice = await self._notice_of(child)
                while notice and not child.exit.done():
                    if await self._around.is_ready(self.plan.host, notice.port):
                        self._around.journal.write(Event.READY, self.name, pid=child.pid)
                        self._port = notice.port
                        self._set(InstanceState.UP)
                        return ""
                    await asyncio.sleep(_PROBE_PAUSE_S)
        except TimeoutError:
            self._send(signal.SIGKILL)
            return f"not ready within {self._around.ready_timeout_s:g} s"
        return ""

    async def _notice_of(self, child: Child) -> Notice | None:
        """What this child said; None when it ended first. It may have spoken before its start was known here."""
        while not child.exit.done():
            if self._notice is not None and self._notice.pid == child.pid:
                return self._notice
            self._noticed.clear()
            await self._noticed.wait()
        return None

    def _port_to_ask_for(self) -> int:
        """A restarted instance keeps its port, unless somebody took it; people know the fixed ones, so those stay."""
        keeps = self.plan.port or (self._port and is_free(self.plan.host, self._port))
        return self._port if keeps else 0

    def _back_off(self, problem: str) -> None:
        if not self._gate.is_set():
            return
        delay_s = self._budget.take(self._around.timers.time())
        if delay_s is None:
            self._give_up(problem)
            return
        self._around.journal.write(Event.RESTART, self.name, reason=f"{problem}; again in {delay_s:g} s")
        self._close_gate()
        self._retry = self._around.timers.call_later(delay_s, self._gate.set)

    def _give_up(self, problem: str) -> None:
        self.failure = problem
        self._close_gate()
        self._around.journal.write(Event.GAVE_UP, self.name, reason=problem)
        self._set(InstanceState.DOWN)

    def _close_gate(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
        self._retry = None
        self._gate.clear()

    def _send(self, number: int) -> None:
        if self._child is not None:
            self._around.processes.signal(self._child, number)

    def _set(self, state: InstanceState) -> None:
        self._state = state
        self._around.changed()
