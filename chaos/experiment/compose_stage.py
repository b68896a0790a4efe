"""The service containers of a Compose project, set anew for each arm of an experiment, and in the end as they were before."""

import json
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from chaos.targets.compose.engine import Engine
from chaos.targets.compose.keepers import Keepers
from chaos.targets.compose.leftovers import Leftover, forget
from chaos.targets.compose.project import Project
from chaos.targets.compose.recreation import Compose
from chaos.targets.compose.system import ComposeSystem
from chaos.targets.system_target import SystemTarget
from testbed.control import SystemStatus
from testbed.launch import LaunchOptions, Report
from testbed.run import RunFolder

_KEPT: Final = ("OTLP_ENDPOINT", "OTLP_LOGS_ENDPOINT", "TRACE_RATIO", "LOG_LEVEL")
"""What an arm leaves as whoever started the project had it."""
_OF_A_START: Final = (*_KEPT, "PROFILE", "WITHOUT", "RUN_ID", "SEED", "TRACING", "NATS_STREAM")


class ComposeStage:
    """Launches arms on a project that runs already. Its other containers go on, and so does what they show.

    Args:
        engine: Where its containers are.
        project: Its name.
        compose: Makes its services anew.
    """

    def __init__(self, engine: Engine, project: str, compose: Compose) -> None:
        self._engine = engine
        self._compose = compose
        self.system = ComposeSystem(engine, project)
        self._found: Mapping[str, str] | None = None
        self._left: list[Leftover] = []

    def open(self) -> None:
        """Notes how the project was started. Raises TargetError, or NotRunningError when it was not."""
        self.system.status()
        project = self.system.project()
        self._found = {} if project.setting("ARM") else _variables(project, _OF_A_START)  # An arm that nobody ended.

    def launch(self, options: LaunchOptions, progress: Callable[[Report], None]) -> SystemStatus:
        """Makes the services anew for an arm, on fresh data. Raises EngineError or TargetError."""
        RunFolder(options.state).create()
        SystemTarget(self.system).heal()
        project = self.system.project()
        progress(Report(up=0, total=len(project.services)))
        mark = secrets.token_hex(4)
        left = Leftover(databases=f"firebreak_{mark}", stream=f"firebreak-{mark}")
        self._left.append(left)
        self._make_anew(project, _variables(project, _KEPT) | _of_arm(options) | _of_data(left))
        system = self.system.status()
        progress(Report(up=len(system.instances), total=len(system.instances)))
        return system

    def stop(self, _state: Path) -> None:
        """Ends every fault; the containers go on. Raises TargetError."""
        SystemTarget(self.system).heal()

    def journal(self, since_at: float) -> bytes:
        """See Elsewhere: what the keepers in the containers did, and what was killed by the engine."""
        project = self.system.project()
        running = [each for each in project.services.values() if each.runs]
        try:
            killed = self.system.kills(project).journal_file.read_bytes()
        except FileNotFoundError:
            killed = b""
        lines = (killed + Keepers(self._engine).journals(running)).splitlines()
        return b"".join(line + b"\n" for line in lines if json.loads(line)["t"] >= since_at)

    def close(self) -> None:
        """Makes the services anew as they were found, if an arm was launched, and drops what arms left.

        Raises EngineError or TargetError.
        """
        if self._found is None or not self._left:
            return
        project = self.system.project()
        self._make_anew(project, self._found)
        project = self.system.project()
        keeping = [name for name, service in project.topology().services.items() if service.database]
        while self._left:
            forget(self._engine, project, self._left[0], keeping)
            self._left.pop(0)

    def _make_anew(self, project: Project, variables: Mapping[str, str]) -> None:
        try:
            self._compose.recreate(project, variables)
        finally:
            self.system.look_again()


def _variables(project: Project, names: tuple[str, ...]) -> dict[str, str]:
    """What the project was started with, as variables for its Compose file."""
    found = {f"FIREBREAK_{name}": project.setting(name) for name in names}
    entry = project.services.get(f"{project.topology().entry}/1")
    port = next(iter(entry.ports.values()), 0) if entry else 0
    found |= {"FIREBREAK_GATEWAY_PORT": str(port)} if port else {}
    return found | {"FIREBREAK_DATABASES": project.databases(), "FIREBREAK_MAP": str(project.topology_path)}


def _of_arm(options: LaunchOptions) -> dict[str, str]:
    return {
        "FIREBREAK_MAP": "" if options.topology is None else str(options.topology.absolute()),
        "FIREBREAK_PROFILE": str(options.profile),
        "FIREBREAK_WITHOUT": ",".join(options.without),
        "FIREBREAK_RUN_ID": options.run_id,
        "FIREBREAK_ARM": options.arm,
        "FIREBREAK_SEED": str(options.seed),
        "FIREBREAK_TRACING": str(options.tracing),
    }


def _of_data(left: Leftover) -> dict[str, str]:
    return {"FIREBREAK_DATABASES": left.databases, "FIREBREAK_NATS_STREAM": left.stream}
