"""A System in the containers of a Compose project: its keepers are the PID 1s of the containers, and the engine for kills."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from chaos.targets.compose.engine import Container, Engine
from chaos.targets.compose.kills import Kills, Spawn
from chaos.targets.compose.pauses import Doubt, Pauses, leases_of
from chaos.targets.compose.project import Project
from chaos.targets.compose.status import as_kept, lease_of, status_of
from chaos.targets.compose.wakefulness import doubtful
from chaos.targets.errors import TargetError
from services.topology import Topology
from testbed.control import (
    ControlError,
    HealRequest,
    NotRunningError,
    ProcessFaultRequest,
    ProcessLease,
    SystemStatus,
)
from testbed.run import Secrets

MAX_KILLS: Final = 64
FRESH_S: Final = 0.5
"""One command asks several questions of the same moment. Whatever changed since is noticed by whoever acts upon it."""


class ComposeSystem:
    """A System.

    Args:
        engine: Where its containers are.
        project: Name of the Compose project.
        spawn: Starts the processes that hold the leases of kills.
        doubt: Spares keepers who cannot hold a fault the question.
    """

    option = "--target compose"
    remedy = "wait until it is up, or start it: make up"
    unseen = ""

    def __init__(self, engine: Engine, project: str, spawn: Spawn | None = None, doubt: Doubt = doubtful) -> None:
        self._engine = engine
        self._name = project
        self._spawn = spawn
        self._pauses = Pauses(engine, doubt)
        self._doubt = doubt
        self._seen: Project | None = None
        self._seen_at_s = float("-inf")

    def through(self, engine: Engine) -> "ComposeSystem":
        """The same as it was seen, asked by way of another engine from now on."""
        other = ComposeSystem(engine, self._name, self._spawn, self._doubt)
        other._seen, other._seen_at_s = self._seen, self._seen_at_s
        return other

    @property
    def logs_command(self) -> str:
        """See System."""
        return f"docker compose --project-name {self._name} logs SERVICE-REPLICA"

    @property
    def runs(self) -> bool:
        """Whether there is anything to ask: a service's container that runs, or one that is held down."""
        try:
            project = self.project()
        except NotRunningError:
            return False
        return any(each.runs for each in project.services.values()) or bool(self.kills(project).records())

    def project(self) -> Project:
        """Its containers, as of at most FRESH_S ago. Raises NotRunningError or EngineError."""
        if self._seen is None or time.monotonic() - self._seen_at_s > FRESH_S:
            self._seen = Project.of(self._name, self._engine.containers(self._name))
            self._seen_at_s = time.monotonic()
        return self._seen

    def look_again(self) -> None:
        """What was seen is not so any more."""
        self._seen = None

    def kills(self, project: Project) -> Kills:
        """Its kill leases."""
        return Kills(project.folder, self._engine, self._spawn)

    def roll(self) -> SystemStatus:
        """See System: what the engine tells, with kills and without pauses. What dead revivers left is mended."""
        project = self._awake()
        topology = project.topology()
        return status_of(project, topology, project.instances(topology), _kill_leases(self.kills(project)))

    def status(self) -> SystemStatus:
        """See System: what the engine and every keeper tell."""
        project = self._awake()
        topology = project.topology()
        project.check(topology)
        said = self._pauses.statuses(_running(project))
        instances = tuple(as_kept(each, said.get(each.name)) for each in project.instances(topology))
        return status_of(project, topology, instances, (*_kill_leases(self.kills(project)), *leases_of(said)))

    def secrets(self) -> Secrets:
        """See System: as the containers were told, which does not change while they run."""
        return (self._seen or self.project()).secrets()

    def disturb(self, request: ProcessFaultRequest) -> tuple[ProcessLease, ...]:
        """See System. A kill is the engine's; a pause is the keeper's, in the container."""
        project = self._awake()
        topology = project.topology()
        project.check(topology)
        names = _covered(request, topology)
        absent = [name for name in names if name not in project.services]
        if absent:
            raise TargetError(f"{', '.join(absent)} has no container; start it: make up")
        containers = {name: project.services[name] for name in names}
        if request.kind == "kill":
            return self._kill(project, containers, request)
        return self._pauses.grant(containers, request)

    def heal(self, request: HealRequest) -> int:
        """See System. Kills and pauses are ended at once; who is killed has no keeper to ask, and who is awake need not be."""
        project = self.project()
        kills = self.kills(project)
        records = [each for each in kills.records() if request.covers(each.instance)]
        running = {name: each for name, each in _running(project).items() if request.covers(name)}
        with ThreadPoolExecutor(1) as reviving:
            ended = reviving.submit(kills.release, records, "healed")
            try:
                healed = self._pauses.heal(running)
            finally:
                revived = ended.result()
                self.look_again()
        return healed + revived

    def _awake(self) -> Project:
        """The project, with nobody held down for longer than was asked. Raises NotRunningError when nothing of it runs."""
        project = self.project()
        kills = self.kills(project)
        held = kills.records()
        if not held and not any(each.runs for each in project.services.values()):
            count = len(project.services)
            raise NotRunningError(f"none of the {count} service containers of {self._name!r} runs; start them with: make up")
        if held:
            kills.mend()
            self.look_again()
            return self.project()
        return project

    def _kill(
        self, project: Project, containers: Mapping[str, Container], request: ProcessFaultRequest
    ) -> tuple[ProcessLease, ...]:
        kills = self.kills(project)
        if (held := len(kills.records())) + len(containers) > MAX_KILLS:
            raise ControlError(f"{held} kills are in force and {MAX_KILLS} are allowed; heal some first")
        ids = {name: each.id for name, each in containers.items()}
        records = kills.grant(ids, request.lease_ms, request.source)
        self.look_again()
        return tuple(lease_of(each) for each in records)


def _kill_leases(kills: Kills) -> tuple[ProcessLease, ...]:
    return tuple(lease_of(each) for each in kills.records())


def _running(project: Project) -> dict[str, Container]:
    return {name: each for name, each in project.services.items() if each.runs}


def _covered(request: ProcessFaultRequest, topology: Topology) -> list[str]:
    """Names of the replicas meant. Raises ControlError naming what is allowed."""
    replicas = [f"{name}/{number}" for name, each in topology.services.items() for number in range(1, each.replicas + 1)]
    names = [name for name in replicas if request.covers(name)]
    if not names:
        what = request.service if request.replica is None else f"{request.service}/{request.replica}"
        raise ControlError(f"unknown service or replica {what!r}; allowed: {', '.join(replicas)}")
    return names
