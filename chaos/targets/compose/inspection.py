"""Reads what `docker inspect` prints of containers."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from chaos.targets.compose.engine import Container, EngineError


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Health(_Read):
    status: str = Field(default="", alias="Status")


class _State(_Read):
    status: str = Field(alias="Status")
    started_at: str = Field(default="", alias="StartedAt")
    exit_code: int = Field(default=0, alias="ExitCode")
    health: _Health | None = Field(default=None, alias="Health")


class _Config(_Read):
    labels: dict[str, str] | None = Field(default=None, alias="Labels")
    environment: tuple[str, ...] | None = Field(default=None, alias="Env")


class _Binding(_Read):
    host_port: str = Field(default="", alias="HostPort")


class _Network(_Read):
    ports: dict[str, tuple[_Binding, ...] | None] | None = Field(default=None, alias="Ports")


class _Mount(_Read):
    source: str = Field(default="", alias="Source")
    destination: str = Field(alias="Destination")


class _Container(_Read):
    id: str = Field(alias="Id")
    name: str = Field(alias="Name")
    state: _State = Field(alias="State")
    config: _Config = Field(alias="Config")
    network: _Network = Field(default=_Network(), alias="NetworkSettings")
    mounts: tuple[_Mount, ...] = Field(default=(), alias="Mounts")


_CONTAINERS = TypeAdapter(tuple[_Container, ...])


def read_inspection(text: bytes) -> tuple[Container, ...]:
    """The containers that the engine describes. Raises EngineError for an answer that is none."""
    try:
        return tuple(_container(each) for each in _CONTAINERS.validate_json(text))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise EngineError(f"docker inspect: is no description of containers: {where}: {first['msg']}") from None


def _container(read: _Container) -> Container:
    pairs = (entry.partition("=") for entry in read.config.environment or ())
    return Container(
        id=read.id,
        name=read.name.removeprefix("/"),
        labels=read.config.labels or {},
        environment={name: value for name, _, value in pairs},
        state=read.state.status,
        health=read.state.health.status if read.state.health else "",
        started_at=_unix_time(read.state.started_at),
        ports=dict(_published(read.network)),
        mounts={mount.destination: mount.source for mount in read.mounts},
        exit_code=read.state.exit_code,
    )


def _published(network: _Network) -> list[tuple[int, int]]:
    found = []
    for name, bindings in (network.ports or {}).items():
        number, _, protocol = name.partition("/")
        host_ports = [binding.host_port for binding in bindings or () if binding.host_port.isdecimal()]
        if protocol == "tcp" and number.isdecimal() and host_ports:
            found.append((int(number), int(host_ports[0])))
    return found


def _unix_time(text: str) -> float:
    """Of RFC 3339 with nanoseconds, of which Python reads six digits. The year 1 stands for never."""
    whole, dot, rest = text.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    try:
        moment = datetime.fromisoformat(f"{whole}{dot}{digits[:6]}{rest[len(digits) :]}" if dot else whole)
    except ValueError:
        return 0.0
    return moment.timestamp() if moment.year > 1 else 0.0
