"""Keeps one system's processes: `python -m testbed.supervisor --state DIR`, usually through testbed.launch.

It exits with 0 when it was asked to stop, and with 2, after one clear reason, when the system could not be started. Its
processes are on a leash (testbed.leash), so they end with it even when it is killed.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NoReturn

from testbed.arguments import parse_arguments
from testbed.channel import LaunchChannel
from testbed.control import (
    DownRequest,
    HealRequest,
    ProcessFaultRequest,
    Request,
    Response,
    RestartRequest,
    socket_path,
)
from testbed.forked import ForkedProcesses
from testbed.launch import Report
from testbed.load_target import forget_dead_loads
from testbed.lock import AlreadyRunningError, take_lock
from testbed.migration import MIGRATOR
from testbed.parent import Parent, fork_parent
from testbed.plan import SystemPlan, plan_system
from testbed.ports import OTLP, choose_ports, free_port
from testbed.process import Processes
from testbed.request import SystemRequest, read_request
from testbed.rotation import rotate
from testbed.run import RunFolder, Secrets
from testbed.server import ControlServer
from testbed.spawned import SpawnedProcesses
from testbed.stack.programs import WELL_KNOWN_PORTS
from testbed.system import StartFailedError, System
from testbed.telemetry import modules_of

_log = logging.getLogger(__name__)
_HOUSEKEEPING_S: Final = 5.0


class Supervisor:
    """One system from start to stop, and everything that can be asked of it meanwhile."""

    def __init__(
        self, plan: SystemPlan, folder: RunFolder, processes: Processes, programs: SpawnedProcesses, channel: LaunchChannel
    ) -> None:
        self._folder = folder
        self._channel = channel
        self._system = System(plan, folder, processes, programs, os.getpid())
        self._server = ControlServer(socket_path(folder.root), self._handle)
        self._stop = asyncio.Event()
        self._stopped = asyncio.Event()

    async def run(self, *, die_with_parent: bool) -> None:
        """Starts the system, keeps it until somebody wants it stopped, and stops it.

        Raises:
            StartFailedError: A process could not be kept running; everything is stopped again.
            OSError: The disk refused.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self._stop.set)
        self._channel.watch(self._stop.set)
        helpers = [asyncio.create_task(self._report()), asyncio.create_task(self._keep_house())]
        try:
            await self._server.open()
            if await self._started():
                self._channel.send(Report(up=self._system.up, total=self._system.total, status=self._system.status()))
                if not die_with_parent:
                    self._channel.release()
                await self._stop.wait()
        finally:
            for helper in helpers:
                helper.cancel()
            await self._system.stop()
            self._stopped.set()
            await self._server.close()

    async def _started(self) -> bool:
        """False when somebody wanted it stopped before it was up."""
        starting = asyncio.create_task(self._system.start())
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not starting.done():
            starting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await starting
            return False
        await starting  # Raises what went wrong.
        return True

    async def _report(self) -> None:
        """Tells the launcher how far the start is."""
        while self._channel.launched and self._system.up < self._system.total:
            self._channel.send(Report(up=self._system.up, total=self._system.total))
            await self._system.changes()

    async def _keep_house(self) -> None:
        while True:
            await asyncio.sleep(_HOUSEKEEPING_S)
            logs = (*self._folder.logs.glob("*.jsonl"), *self._folder.stack.glob("*/log"))
            for path in (*logs, self._folder.journal, self._folder.supervisor_log):
                try:
                    rotate(path)
                except OSError as error:
                    _log.error("%s: %s", path, error.strerror)
            try:
                forget_dead_loads(self._folder.targets)
            except OSError as error:
                _log.error("%s: %s", error.filename, error.strerror)

    async def _handle(self, request: Request) -> Response:
        """Raises ControlError with the reason of a refusal."""
        if isinstance(request, ProcessFaultRequest):
            self._system.fault(request)
        elif isinstance(request, HealRequest):
            return Response(healed=self._system.heal(request), status=self._system.status())
        elif isinstance(request, RestartRequest):
            await self._system.restart(request)
        elif isinstance(request, DownRequest):
            self._stop.set()
            await self._stopped.wait()
        return Response(status=self._system.status())


def main() -> None:
    """Reads the command line, detaches from the launcher, and keeps the system until it is stopped."""
    options = parse_arguments()
    if options.channel is not None and os.fork():
        os._exit(0)  # The launcher waits only for this; the supervisor itself is nobody's child.
    channel = LaunchChannel(options.channel)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    with _refusing(channel):
        request = read_request(options)
    # Outside of everything that could take an error of a process, which is forked from here, for the supervisor's own.
    modules = modules_of(request.topology, exporter=request.exporter_socket is not None)
    parent = None if request.spawn else fork_parent(modules, options.channel)
    with _refusing(channel):
        _supervise(request, parent, channel)


def _supervise(request: SystemRequest, parent: Parent | None, channel: LaunchChannel) -> None:
    """Starts the system and returns once it is stopped again."""
    folder = request.folder
    folder.create()
    take_lock(folder.root)
    wishes = {name: WELL_KNOWN_PORTS[name] for name in request.programs or ()}
    asked = {OTLP: free_port(), **request.ports} if request.collector else request.ports  # The well-known one is the collector's.
    ports = choose_ports(request.topology, asked, free_ports=request.free_ports, programs=wishes)
    folder.clear()
    request.data.create()
    secrets = Secrets.generate()
    folder.write_secrets(secrets)
    plan = plan_system(request, ports, secrets)

    async def run() -> None:
        spawned = SpawnedProcesses()
        modules = modules_of(request.topology, exporter=request.exporter_socket is not None)
        processes = ForkedProcesses(modules, parent, hasty=(MIGRATOR,)) if parent else spawned
        await Supervisor(plan, folder, processes, spawned, channel).run(die_with_parent=request.die_with_parent)

    asyncio.run(run())


@contextmanager
def _refusing(channel: LaunchChannel) -> Iterator[None]:
    """Tells why a system cannot be started, and exits with 2."""
    try:
        yield
    except (AlreadyRunningError, StartFailedError, ValueError) as error:
        _refuse(channel, str(error))
    except OSError as error:
        _refuse(channel, f"{error.filename or 'the disk'}: {error.strerror}")


def _refuse(channel: LaunchChannel, reason: str) -> NoReturn:
    channel.send(Report(error=reason))
    if not channel.launched:
        sys.stderr.write(f"{reason}\n")
    os._exit(2)  # At once: whoever reads the reason may start again in this folder, whose lock goes with this process.


if __name__ == "__main__":
    main()
