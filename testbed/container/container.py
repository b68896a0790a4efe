"""A replica in a container, and everything that can be asked of it: the supervisor's own parts, for one replica."""

import asyncio
import logging
import os
import signal
import time
from collections.abc import Collection
from pathlib import Path
from typing import Final, Literal, Protocol

from testbed.container import places
from testbed.container.plan import ContainerPlan
from testbed.container.reaper import reap_strangers
from testbed.control import (
    ControlError,
    DownRequest,
    HealRequest,
    ProcessFaultRequest,
    Request,
    Response,
    RestartRequest,
    SystemStatus,
)
from testbed.journal import Event, Journal
from testbed.keeper import Keeper
from testbed.notices import Notice, NoticeBoard
from testbed.probe import is_ready
from testbed.process import Processes
from testbed.replica import Replica, Surroundings
from testbed.rotation import rotate
from testbed.server import ControlServer

STOP_S: Final = 2.8
"""Of SIGTERM, until whatever still runs is killed. Docker gives a container 10 s, compose.yaml gives it 5."""
READY_TIMEOUT_S: Final = 60.0
"""Longer than the supervisor's patience: here twenty containers may be starting at once, and each imports for itself."""
HOUSEKEEPING_S: Final = 5.0
_log = logging.getLogger(__name__)


class OwnProcesses(Processes, Protocol):
    """A way to start processes that tells whose ends it collects itself."""

    @property
    def pids(self) -> Collection[int]:
        """Of those that run."""


class Container:
    """One replica from start to stop, and everything that can be asked of it meanwhile. Lives in one event loop."""

    def __init__(self, plan: ContainerPlan, processes: OwnProcesses, folder: Path) -> None:
        loop = asyncio.get_running_loop()
        self._plan = plan
        self._processes = processes
        self._started_at = time.time()
        self._stop = asyncio.Event()
        self._changed = asyncio.Event()
        self._phase: Literal["starting", "ready", "stopping"] = "starting"
        self._journal_path = folder / places.JOURNAL
        self._journal = Journal(self._journal_path)
        self._board = NoticeBoard(folder / places.NOTIFY, self._notice)
        self._server = ControlServer(folder / places.CONTROL, self._handle)
        around = Surroundings(processes, self._journal, loop, is_ready, self._note_change, self._process_ended, READY_TIMEOUT_S)
        self._replica = Replica(plan.instance, around)
        self._keeper = Keeper({self._replica.name: self._replica}, loop, self._journal, time.time)

    @property
    def failure(self) -> str:
        """Why the replica was given up; empty while it was not."""
        return self._replica.failure

    async def run(self) -> None:
        """Returns once it was told to end, or has given up, and everything has ended. Raises OSError when the tmpfs refuses."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        self._board.open()
        lives = [asyncio.create_task(self._replica.run()), asyncio.create_task(self._keep_house())]
        try:
            await self._server.open()
            await self._stop.wait()
        finally:
            await self._end(lives)

    def status(self) -> SystemStatus:
        """What runs here, where others reach it, and which faults are in force."""
        settings, own = self._plan.settings, self._replica.instance()
        address = self._plan.address
        return SystemStatus(
            run_id=settings.run_id,
            phase="degraded" if self.failure else self._phase,
            profile=str(settings.profile),
            without=settings.without,
            topology=str(settings.topology),
            tracing=str(settings.tracing),
            trace_ratio=settings.trace_ratio,
            data=self._plan.data,
            started_at=self._started_at,
            supervisor_pid=os.getpid(),
            instances=(address.model_copy(update={"pid": own.pid, "state": own.state}),),
            addresses={},
            otlp_endpoint=settings.otlp_endpoint,
            leases=self._keeper.leases(),
        )

    async def _handle(self, request: Request) -> Response:
        """Raises ControlError with the reason of a refusal."""
        if isinstance(request, ProcessFaultRequest):
            self._keeper.grant(request)
        elif isinstance(request, HealRequest):
            return Response(healed=self._keeper.heal(request), status=self.status())
        elif isinstance(request, RestartRequest):
            await self._restart(request)
        elif isinstance(request, DownRequest):
            raise ControlError(f"a container is stopped from outside: docker compose stop {self._plan.address.host}")
        return Response(status=self.status())

    async def _restart(self, request: RestartRequest) -> None:
        (name,) = self._keeper.select(request.service, request.replica)
        if self._keeper.is_leased(name):
            raise ControlError(f"a fault is in force on {name}; end it first: chaos heal")
        self._journal.write(Event.RESTART, name, pid=self._replica.pid, reason="asked for")
        await self._replica.stop()
        self._replica.release()
        while not (self._replica.is_up or self.failure):
            self._changed.clear()
            await self._changed.wait()
        if self.failure:
            raise ControlError(f"{name} cannot be kept running: {self.failure}")

    async def _end(self, lives: list[asyncio.Task[None]]) -> None:
        self._phase = "stopping"
        self._keeper.close()
        try:
            async with asyncio.timeout(STOP_S):
                await self._replica.stop()
        except TimeoutError:
            _log.warning("%s did not end within %g s, and is killed", self._replica.name, STOP_S)
        for life in lives:
            life.cancel()
        await asyncio.gather(*lives, return_exceptions=True)
        self._processes.close()
        self._board.close()
        await self._server.close(grace_s=0.1)

    async def _keep_house(self) -> None:
        while True:
            await asyncio.sleep(HOUSEKEEPING_S)
            reap_strangers(self._processes.pids)
            try:
                rotate(self._journal_path, places.MAX_JOURNAL_BYTES)
            except OSError as error:
                _log.error("%s: %s", self._journal_path, error.strerror)

    def _notice(self, notice: Notice) -> None:
        if notice.instance == self._replica.name:
            self._replica.notify(notice)

    def _process_ended(self, name: str) -> None:
        self._keeper.process_ended(name)

    def _note_change(self) -> None:
        self._changed.set()
        if self._phase == "starting" and self._replica.is_up:
            self._phase = "ready"
        if self.failure:
            self._stop.set()
