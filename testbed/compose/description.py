"""The stack as Compose itself reads compose.yaml and .env: `docker compose config`."""

from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chaos.targets.compose.docker import Docker
from testbed.compose.errors import ComposeError

MEBIBYTE: Final = 2**20


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Port(_Read):
    """A published port.

    Attributes:
        host: The interface of this machine.
        published: The port there; 0 for any.
        target: The container's own.
    """

    host: str = Field(default="", alias="host_ip")
    published: int = 0
    target: int


class Mount(_Read):
    """Something of this machine or a volume, seen by a container."""

    kind: str = Field(alias="type")
    source: str = ""


class Described(_Read):
    """One Compose service.

    Attributes:
        image: Its name and version.
        memory_bytes: At most what each of its containers takes; 0 without a limit.
        ports: What is published.
        mounts: What it sees of this machine, and its volumes.
        scale: How many containers of it are started.
    """

    image: str = ""
    scale: int = 1
    memory_bytes: int = Field(default=0, alias="mem_limit")
    ports: tuple[Port, ...] = ()
    mounts: tuple[Mount, ...] = Field(default=(), alias="volumes")
    labels: dict[str, str] = Field(default_factory=dict)

    @property
    def files(self) -> tuple[Path, ...]:
        """Files and folders of this machine that it reads."""
        return tuple(Path(mount.source) for mount in self.mounts if mount.kind == "bind")


class Description(_Read):
    """All that would run, or may be run, by name."""

    services: dict[str, Described]

    @property
    def memory_bytes(self) -> int:
        """At most what all take together."""
        return sum(service.memory_bytes for service in self.services.values())

    @property
    def ports(self) -> dict[str, int]:
        """The fixed published port of each service that has one."""
        return {name: port.published for name, service in self.services.items() for port in service.ports if port.published}


def describe(docker: Docker, *options: str) -> Description:
    """What `docker compose` with these options would start. Raises ComposeError with Compose's own reason."""
    answer = docker.ask("compose", *options, "config", "--format", "json")
    if answer.code:
        raise ComposeError(f"docker compose does not accept compose.yaml with this .env: {answer.reason}")
    try:
        return Description.model_validate_json(answer.out)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ComposeError(f"`docker compose config` says what nobody here understands: {first['loc']}: {first['msg']}") from None
