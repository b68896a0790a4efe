"""A running system: all replicas of a plan, the registry that tells who runs where, and the faults in force."""

import asyncio
import time
from pathlib import Path
from typing import Literal

from services.registry import Instance
from testbed.control import ControlError, HealRequest, ProcessFaultRequest, RestartRequest, SystemStatus, socket_path
from testbed.exporting import KeptExporter
from testbed.journal import Event, Journal
from testbed.keeper import Keeper
from testbed.last_words import last_words
from testbed.metrics_server import MetricsServer, Scrape
from testbed.migration import MigrationFailedError, run_migrator
from testbed.notices import Notice, NoticeBoard
from testbed.plan import SystemPlan
from testbed.ports import HOST, TRACES
from testbed.probe import is_ready
from testbed.process import Processes
from testbed.replica import Replica, Surroundings
from testbed.run import RunFolder
from testbed.scrape_targets import JOB_TESTBED, ScrapeTarget
from testbed.spawned import SpawnedProcesses
from testbed.stack.kept_program import Around
from testbed.telemetry import TELEMETRY
from testbed.whereabouts import Whereabouts


class StartFailedError(Exception):
    """The system could not be started; the text says which process failed, and how."""


class System:
    """Starts, watches and stops what a plan lists. Lives in one event loop.

    Args:
        plan: What to run.
        folder: Where it keeps everything.
        processes: Start its replicas.
        programs: Start the programs beside them; they may be the same.
        supervisor_pid: For people.
    """

    def __init__(
        self, plan: SystemPlan, folder: RunFolder, processes: Processes, programs: SpawnedProcesses, supervisor_pid: int
    ) -> None:
        self._plan = plan
        self._folder = folder
        self._processes = processes
        self._supervisor_pid = supervisor_pid
        self._started_at = time.time()
        self._phase: Literal["starting", "ready", "stopping"] = "starting"
        self._journal = Journal(folder.journal)
        self._changed = asyncio.Event()
        self._board = NoticeBoard(socket_path(folder.root, "notify.sock"), self._notice)
        loop = asyncio.get_running_loop()
        around = Surroundings(processes, self._journal, loop, is_ready, self._note_change, self._process_ended)
        self._replicas = {instance.name: Replica(instance, around) for instance in plan.instances}
        targets = {name: replica for name, replica in self._replicas.items() if replica.plan.service != TELEMETRY}
        self._keeper = Keeper(targets, loop, self._journal, time.time)
        self._programs = programs
        self._stack = plan.stack.stack(Around(programs, self._journal, loop, is_ready))
        self._exporter = _kept_exporter(plan, processes, self._journal)
        self._metrics = MetricsServer(self._scrape)
        self._lives: list[asyncio.Task[None]] = []
        self._whereabouts = Whereabouts(folder)

    @property
    def up(self) -> int:
        """How many replicas are ready."""
        return sum(replica.is_up for replica in self._replicas.values())

    @property
    def total(self) -> int:
        """How many replicas there are."""
        return len(self._replicas)

    async def start(self) -> None:
        """Starts the migrator and all replicas together, and returns once all are ready.

        Raises:
            StartFailedError: One of them failed for good; the others still run and want `stop`.
            OSError: The disk refused the registry or the socket.
        """
        self._board.open()
        own = ScrapeTarget(f"{HOST}:{await self._metrics.open()}", JOB_TESTBED, "", "testbed/1")
        self._whereabouts = Whereabouts(self._folder, [own])
        self._whereabouts.write(self._instances())
        tasks = [asyncio.create_task(run_migrator(self._processes, self._plan.migrator))] if self._plan.migrator else []
        self._lives = [asyncio.create_task(replica.run(), name=replica.name) for replica in self._replicas.values()]
        if self._exporter:
            self._lives.append(asyncio.create_task(self._exporter.run(), name="exporter/1"))
        self._stack.start()  # After them: they come first.
        tasks.append(asyncio.create_task(self._until_up(list(self._replicas.values()))))
        try:
            await asyncio.gather(*tasks)
        except MigrationFailedError as error:
            raise StartFailedError(str(error)) from None
        finally:
            for task in tasks:
                task.cancel()
        self._phase = "ready"

    async def changes(self) -> None:
        """Returns after the next change of any replica."""
        self._changed.clear()
        await self._changed.wait()

    async def stop(self) -> None:
        """Stops everything, services before the store so that their last spans arrive, and removes what told of them."""
        self._phase = "stopping"
        self._keeper.close()
        ending = asyncio.create_task(self._stack.stop())
        for is_store in (False, True):
            replicas = [each for each in self._replicas.values() if (each.plan.service == TELEMETRY) is is_store]
            await asyncio.gather(*(replica.stop() for replica in replicas))
            if self._exporter and not is_store:  # It has their last spans, and sends them to the store.
                await self._exporter.stop()
        for life in self._lives:
            life.cancel()
        await asyncio.gather(*self._lives, return_exceptions=True)
        await ending
        self._programs.close()
        self._processes.close()
        self._board.close()
        self._metrics.close()
        self._whereabouts.remove()

    def fault(self, request: ProcessFaultRequest) -> None:
        """Puts a process fault in force. Raises ControlError, with nothing done."""
        if request.service == TELEMETRY:
            raise ControlError(f"{TELEMETRY} is the instrument that watches the faults, not a target of them")
        self._keeper.grant(request)

    def heal(self, request: HealRequest) -> int:
        """Ends process faults and returns how many. Raises ControlError."""
        return self._keeper.heal(request)

    async def restart(self, request: RestartRequest) -> None:
        """Stops and starts replicas, one after the other. Raises ControlError for unknown or faulted ones, and failed starts."""
        names = [f"{TELEMETRY}/1"] if request.service == TELEMETRY else self._keeper.select(request.service, request.replica)
        leased = [name for name in names if self._keeper.is_leased(name)]
        if leased:
            raise ControlError(f"a fault is in force on {', '.join(leased)}; end it first: chaos heal")
        for name in names:
            replica = self._replicas[name]
            self._journal.write(Event.RESTART, name, pid=replica.pid, reason="asked for")
            await replica.stop()
            replica.release()
            try:
                await self._until_up([replica])
            except StartFailedError as error:
                raise ControlError(str(error)) from None

    def status(self) -> SystemStatus:
        """What runs, where, and which faults are in force."""
        instances = {name: replica.instance() for name, replica in self._replicas.items()}
        people = {self._plan.entry: instances[f"{self._plan.entry}/1"], TRACES: instances[f"{TELEMETRY}/1"]}
        addresses = {name: instance.base_url for name, instance in people.items() if instance.port}
        stack = self._stack.status()
        degraded = self._phase == "ready" and any(replica.failure for replica in self._replicas.values())
        return SystemStatus(
            run_id=self._plan.run_id,
            phase="degraded" if degraded else self._phase,
            profile=str(self._plan.profile),
            without=tuple(map(str, self._plan.without)),
            topology=str(self._plan.topology),
            tracing=str(self._plan.tracing),
            trace_ratio=self._plan.trace_ratio,
            data=self._plan.data,
            started_at=self._started_at,
            supervisor_pid=self._supervisor_pid,
            instances=tuple(instances.values()),
            addresses=addresses | {program.name: program.address for program in stack if program.address},
            otlp_endpoint=self._plan.otlp_endpoint,
            collector=self._plan.collector,
            leases=self._keeper.leases(),
            exporter=self._exporter.status() if self._exporter else None,
            stack=stack,
        )

    async def _until_up(self, replicas: list[Replica]) -> None:
        while not all(replica.is_up for replica in replicas):
            failed = next((replica for replica in replicas if replica.failure), None)
            if failed is not None:
                raise StartFailedError(f"{failed.name} cannot be kept running: {failed.failure}{last_words(failed.plan.log)}")
            await self.changes()

    def _notice(self, notice: Notice) -> None:
        if notice.instance in self._replicas:
            self._replicas[notice.instance].notify(notice)

    def _process_ended(self, name: str) -> None:
        self._keeper.process_ended(name)

    def _note_change(self) -> None:
        self._changed.set()
        if self._phase != "stopping":
            self._whereabouts.update(self._instances())

    def _instances(self) -> tuple[Instance, ...]:
        return tuple(replica.instance() for replica in self._replicas.values())

    def _scrape(self) -> Scrape:
        from testbed.system_metrics import CONTENT_TYPE, Kept, exposition  # noqa: PLC0415 - a library that no start needs.

        replicas = [
            Kept(replica.plan.service, name, replica.instance().state, max(replica.starts - 1, 0))
            for name, replica in self._replicas.items()
        ]
        return Scrape(CONTENT_TYPE, exposition(replicas, self._keeper.leases()))


def _kept_exporter(plan: SystemPlan, processes: Processes, journal: Journal) -> KeptExporter | None:
    if plan.exporter is None:
        return None
    listens = Path(plan.exporter.environment["FIREBREAK_EXPORTER"])
    return KeptExporter(plan.exporter, listens, processes, journal, asyncio.get_running_loop())
