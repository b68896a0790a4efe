"""The file that says who runs where: written by the supervisor, read by every service's resolver.

It is replaced whole by a rename, so a reader sees the old state or the new one and never half of either.
"""

import os
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class InstanceState(StrEnum):
    """What the supervisor knows of an instance. Only `up` instances are offered to callers."""

    STARTING = "starting"
    UP = "up"
    DOWN = "down"


class Instance(BaseModel):
    """One replica of a service, at an address."""

    model_config = ConfigDict(frozen=True)

    service: str
    replica: int = Field(ge=1)
    host: str
    port: int = Field(ge=0, le=65_535, description="0 until the process has told its port")
    pid: int = Field(ge=0, description="0 while no process runs")
    state: InstanceState

    @cached_property
    def name(self) -> str:
        """`orders/2`: how commands, logs and metrics call this replica."""
        return f"{self.service}/{self.replica}"

    @cached_property
    def base_url(self) -> str:
        """Root of the instance's HTTP interface, without a trailing slash."""
        return f"http://{self.host}:{self.port}"


class Registry(BaseModel):
    """All instances of one running system."""

    model_config = ConfigDict(frozen=True)

    instances: tuple[Instance, ...] = ()

    def up(self, service: str) -> tuple[Instance, ...]:
        """Instances of `service` that may be called."""
        return tuple(i for i in self.instances if i.service == service and i.state is InstanceState.UP)

    def write(self, path: Path) -> None:
        """Replaces the file at `path`. Raises OSError, leaving the old file, when the disk refuses."""
        temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
        try:
            temporary.write_text(self.model_dump_json(), encoding="utf-8")
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)

    @classmethod
    def read(cls, path: Path) -> "Registry":
        """The registry at `path`. Raises OSError or ValueError when there is none to read."""
        return cls.model_validate_json(path.read_bytes())
