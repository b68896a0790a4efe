"""What an arm leaves in a project's PostgreSQL and NATS once its services have been made anew for somebody else."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from chaos.targets.compose.engine import Engine
from chaos.targets.compose.project import Project
from chaos.targets.errors import TargetError

POSTGRES: Final = "postgres"
_TIMEOUT_S: Final = 30.0
_PSQL: Final = ("psql", "--username", "postgres", "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1")
_FORGET_STREAM: Final = ("python", "-m", "testbed.container", "forget-stream")
"""In a container of a service: NATS publishes no port, and its own image has no client."""


@dataclass(frozen=True)
class Leftover:
    """One arm's own.

    Attributes:
        databases: What the names of its databases, and of their roles, begin with.
        stream: Of its events.
    """

    databases: str
    stream: str


def forget(engine: Engine, project: Project, left: Leftover, services: Iterable[str]) -> None:
    """Drops the databases that these services had in an arm, and its stream. Raises EngineError or TargetError."""
    postgres = project.others.get(POSTGRES)
    if postgres is None or not postgres.runs:
        raise TargetError(f"PostgreSQL does not run, so the databases {left.databases}_* stay in its volume")
    names = [f"{left.databases}_{service}" for service in services]
    drops = [
        f'DROP {what} IF EXISTS "{name}"{how}' for name in names for what, how in (("DATABASE", " WITH (FORCE)"), ("ROLE", ""))
    ]
    engine.run_inside(postgres.id, [*_PSQL, *(part for drop in drops for part in ("--command", drop))], b"", _TIMEOUT_S)
    if project.setting("NATS_URL"):
        engine.run_inside(project.any_service.id, _FORGET_STREAM, f"{left.stream}\n".encode(), _TIMEOUT_S)
