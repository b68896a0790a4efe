"""A container engine without containers: those of a test answer as PID 1 of a real one would."""

import json
import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from chaos.targets.compose.engine import Container, EngineError, GoneError, StoppedError
from chaos.targets.compose.inspection import read_inspection
from chaos.targets.compose.kills import GRANTED
from services.registry import Instance, InstanceState
from services.topology import default_topology_path, load_topology
from testbed.control import (
    REQUEST,
    HealRequest,
    ProcessFaultRequest,
    ProcessLease,
    Response,
    SystemStatus,
)

INSPECTED = Path(__file__).parent / "fixtures" / "inspect.json"
"""What a real engine said, without what the machine it ran on is nobody's business."""


@dataclass
class FakeEngine:
    """Nine service containers, PostgreSQL and the programs that watch, all up."""

    folder: Path
    found: dict[str, Container] = field(default_factory=dict)
    pauses: dict[str, list[ProcessLease]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    broken: dict[str, Exception] = field(default_factory=dict)
    """By a word of what is asked: how the engine fails then."""
    refusals: dict[str, str] = field(default_factory=dict)
    """By instance: what its keeper says to a fault."""
    journal: dict[str, str] = field(default_factory=dict)
    """By instance."""

    def __post_init__(self) -> None:
        gateway, orders, migrate, postgres = read_inspection(INSPECTED.read_bytes())
        template = orders
        for name, service in load_topology().services.items():
            for number in range(1, service.replicas + 1):
                self._put(name, number, gateway if name == "gateway" else template)
        self._other("migrate", migrate)
        self._other("postgres", postgres)
        for port, name in enumerate(("jaeger", "prometheus", "alertmanager", "grafana")):
            inside = {"jaeger": 16686, "prometheus": 9090, "alertmanager": 9093, "grafana": 3000}[name]
            self._other(name, replace(postgres, ports={inside: 20_000 + port}))

    def _put(self, service: str, replica: int, like: Container) -> None:
        instance, name = f"{service}/{replica}", f"{service}-{replica}"
        labels = dict(like.labels) | {
            "firebreak.service": service,
            "firebreak.replica": str(replica),
            "com.docker.compose.service": name,
            "com.docker.compose.project.working_dir": str(self.folder),
        }
        database = re.sub(r"orders", service, like.environment.get("FIREBREAK_DATABASE_URL", ""))
        self.found[instance] = replace(
            like,
            id=f"id-{name}",
            name=f"firebreak-{name}-1",
            labels=labels,
            environment=dict(like.environment) | {"FIREBREAK_DATABASE_URL": database},
            state="running",
            health="healthy",
            ports={8080: 30_000 + len(self.found)},
            mounts={"/etc/firebreak/topology.yaml": str(default_topology_path())},
        )

    def _other(self, name: str, like: Container) -> None:
        labels = dict(like.labels) | {"com.docker.compose.service": name}
        self.found[name] = replace(like, id=f"id-{name}", name=f"firebreak-{name}-1", labels=labels)

    def change(self, instance: str, **changes: object) -> None:
        self.found[instance] = replace(self.found[instance], **changes)  # type: ignore[arg-type] # fields by name

    def environment(self, name: str, **changes: str) -> None:
        self.change(name, environment=dict(self.found[name].environment) | changes)

    def remove(self, name: str) -> None:
        del self.found[name]

    def state(self, name: str) -> str:
        return self.found[name].state

    def containers(self, project: str) -> tuple[Container, ...]:
        self._tell(f"containers {project}")
        return tuple(self.found.values()) if project == "firebreak" else ()

    def run_inside(self, container_id: str, command: Sequence[str], stdin: bytes = b"", timeout_s: float = 5.0) -> bytes:
        name = self._name(container_id)
        self._tell(f"inside {name} {' '.join(command[:4])} {stdin.decode().strip()}")
        if not self.found[name].runs:
            raise StoppedError(f"docker exec: container {container_id} is not running")
        if command[-1] == "journal":
            return self.journal.get(name, "").encode()
        if command[-1] != "ask":
            return b""
        return self._answer(name, stdin).model_dump_json().encode() + b"\n"

    def kill(self, container_ids: Collection[str]) -> None:
        self._tell(f"kill {' '.join(container_ids)}")
        for each in container_ids:
            name = self._name(each)
            self.pauses.pop(name, None)
            self.change(name, state="exited", health="unhealthy")

    def start(self, container_ids: Collection[str]) -> None:
        self._tell(f"start {' '.join(container_ids)}")
        for each in container_ids:
            if each in {container.id for container in self.found.values()}:
                self.change(self._name(each), state="running", health="healthy")

    def states(self, container_ids: Collection[str]) -> Mapping[str, str]:
        self._tell("states")
        return {container.id: container.state for container in self.found.values() if container.id in container_ids}

    def _tell(self, what: str) -> None:
        self.asked.append(what)
        for word, error in self.broken.items():
            if word in what:
                raise error

    def _name(self, container_id: str) -> str:
        for name, container in self.found.items():
            if container.id == container_id:
                return name
        raise GoneError(f"docker: no such container: {container_id}")

    def _answer(self, name: str, line: bytes) -> Response:
        request = REQUEST.validate_json(line)
        leases = self.pauses.setdefault(name, [])
        if isinstance(request, HealRequest):
            healed = len(leases)
            leases.clear()
            return Response(healed=healed, status=self._status(name))
        if isinstance(request, ProcessFaultRequest):
            if name in self.refusals:
                return Response(error=self.refusals[name])
            lease = ProcessLease(
                id=f"{request.kind}-{len(leases) + 1}", kind=request.kind, instance=name, granted_at=0.0,
                remaining_ms=request.lease_ms, source=request.source,
            )  # fmt: skip
            leases.append(lease)
        return Response(status=self._status(name))

    def _status(self, name: str) -> SystemStatus:
        service, _, replica = name.partition("/")
        own = Instance(
            service=service, replica=int(replica), host=name.replace("/", "-"), port=8080, pid=7, state=InstanceState.UP
        )
        return SystemStatus(
            run_id="x", phase="ready", profile="declared", topology="/etc/firebreak/topology.yaml", started_at=0.0,
            supervisor_pid=1, instances=(own,), addresses={}, otlp_endpoint="", leases=tuple(self.pauses.get(name, ())),
        )  # fmt: skip


@dataclass
class FakeSpawn:
    """Starts no process: the grant's lock is held by this one, as long as a test wants its reviver to live."""

    engine: FakeEngine
    grants: dict[str, int] = field(default_factory=dict)
    says: str = GRANTED

    def __call__(self, folder: Path, grant: str, lock: int, kill: bool) -> str:  # noqa: FBT001 - a Spawn
        if self.says == GRANTED:
            self.grants[grant] = os.dup(lock)
            if kill:
                records = [json.loads(path.read_text()) for path in folder.glob(f"kill-{grant}-*.json")]
                self.engine.kill([each["container"] for each in records])
        return self.says

    def die(self) -> None:
        """Every reviver is killed."""
        for descriptor in self.grants.values():
            os.close(descriptor)
        self.grants.clear()


NO_ENGINE = EngineError("no Docker engine answers")
