"""What is to run: every instance with its port, its environment and its log, worked out before anything starts."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from observability.trace_options import TracePath
from services.policy import Profile, Switch
from testbed import exporting, migration
from testbed.exporting import EXPORTER
from testbed.migration import MIGRATOR, VARIABLE, ServiceData, Work
from testbed.ports import HOST, OTLP, TRACES
from testbed.process import Command
from testbed.request import SystemRequest
from testbed.run import Secrets
from testbed.stack.stack_plan import StackPlan, plan_stack
from testbed.telemetry import STORE_MODULE, TELEMETRY


@dataclass(frozen=True)
class InstancePlan:
    """One process to keep. `port` 0 lets it take any; `environment` holds everything but the port."""

    service: str
    replica: int
    module: str
    port: int
    environment: Mapping[str, str]
    log: Path
    host: str = HOST

    @property
    def name(self) -> str:
        """Such as `orders/2`."""
        return f"{self.service}/{self.replica}"

    def command(self, port: int) -> Command:
        """The process to start, on `port`."""
        return Command(self.name, self.module, {**self.environment, "FIREBREAK_PORT": str(port)}, self.log)


@dataclass(frozen=True)
class SystemPlan:
    """A whole system. Built by `plan_system`."""

    run_id: str
    topology: Path
    profile: Profile
    without: tuple[Switch, ...]
    instances: tuple[InstancePlan, ...]
    migrator: Command | None
    """To be run once, while the instances start; none where nobody keeps data."""
    data: str
    """Where the services keep theirs, for people."""
    otlp_endpoint: str
    """Where spans and logs go: to `collector`, or to the store where that is empty."""
    entry: str
    stack: StackPlan
    tracing: TracePath = TracePath.DEFAULT
    trace_ratio: float = 1.0
    collector: str = ""
    exporter: Command | None = None
    """What encodes and sends the services' spans; None where each does so itself."""


def plan_system(request: SystemRequest, ports: Mapping[str, int], secrets: Secrets) -> SystemPlan:
    """The plan that fulfils a request on the chosen `ports`, the telemetry store first."""
    otlp_endpoint = request.collector or f"http://{HOST}:{ports[OTLP]}"
    shared = _shared_environment(request, secrets, otlp_endpoint)
    store = _instance(request, TELEMETRY, 1, STORE_MODULE, ports[TRACES], shared | {
        "FIREBREAK_STORE_PATH": str(request.folder.telemetry),
        "FIREBREAK_OTLP_PORT": str(ports[OTLP]),
    })  # fmt: skip
    services = [
        _instance(request, name, replica, service.module, ports.get(name, 0), shared | _database(request, name))
        for name, service in request.topology.services.items()
        for replica in range(1, service.replicas + 1)
    ]
    return SystemPlan(
        run_id=request.run_id,
        topology=request.topology_path,
        profile=request.profile,
        without=request.without,
        instances=(store, *services),
        migrator=_migrator(request),
        data=request.data.describe(),
        otlp_endpoint=otlp_endpoint,
        entry=request.topology.entry,
        stack=plan_stack(request, ports),
        tracing=request.tracing,
        trace_ratio=request.trace_ratio,
        collector=request.collector,
        exporter=_exporter(request, otlp_endpoint),
    )


def _instance(
    request: SystemRequest, service: str, replica: int, module: str, port: int, environment: Mapping[str, str]
) -> InstancePlan:
    own = {"FIREBREAK_SERVICE": service, "FIREBREAK_REPLICA": str(replica)}
    log = request.folder.logs / f"{service}-{replica}.jsonl"
    return InstancePlan(service, replica, module, port, {**environment, **own}, log)


def _database(request: SystemRequest, service: str) -> dict[str, str]:
    """Every process gets the variable, so that none inherits another system's database from the caller's environment."""
    return {"FIREBREAK_DATABASE_URL": request.data.url(service) if request.topology.services[service].database else ""}


def _migrator(request: SystemRequest) -> Command | None:
    services = {
        name: ServiceData(module=service.module, url=request.data.url(name))
        for name, service in request.topology.services.items()
        if service.database
    }
    if not services:
        return None
    work = Work(services=services, server=request.data.server)
    log = request.folder.logs / f"{migration.NAME}-1.jsonl"
    return Command(f"{migration.NAME}/1", MIGRATOR, {VARIABLE: work.model_dump_json()}, log)


def _exporter(request: SystemRequest, otlp_endpoint: str) -> Command | None:
    if request.exporter_socket is None:
        return None
    environment = {"FIREBREAK_EXPORTER": str(request.exporter_socket), "FIREBREAK_OTLP_ENDPOINT": otlp_endpoint}
    return Command(f"{exporting.NAME}/1", EXPORTER, environment, request.folder.logs / f"{exporting.NAME}-1.jsonl")


def _shared_environment(request: SystemRequest, secrets: Secrets, otlp_endpoint: str) -> dict[str, str]:
    return {
        "FIREBREAK_HOST": HOST,
        "FIREBREAK_TOPOLOGY": str(request.topology_path.absolute()),
        "FIREBREAK_REGISTRY": str(request.folder.registry.absolute()),
        "FIREBREAK_PROFILE": str(request.profile),
        "FIREBREAK_WITHOUT": ",".join(map(str, request.without)),
        "FIREBREAK_OTLP_ENDPOINT": otlp_endpoint,
        "FIREBREAK_TRACING": str(request.tracing),
        "FIREBREAK_TRACE_RATIO": str(request.trace_ratio),
        "FIREBREAK_EXPORTER": str(request.exporter_socket or ""),
        "FIREBREAK_INTERNAL_TOKEN": secrets.internal_token,
        "FIREBREAK_CHAOS_TOKEN": secrets.chaos_token,
        "FIREBREAK_SIGNING_KEY": secrets.signing_key,
        **request.broker.environment(),
        "FIREBREAK_RUN_ID": request.run_id,
        "FIREBREAK_ARM": request.arm,
        "FIREBREAK_SEED": str(request.seed),
        "FIREBREAK_LOG_LEVEL": request.log_level,
        "NOTIFY_SOCKET": str(request.notify_socket),
    }
