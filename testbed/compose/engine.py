"""Which engine and which Compose there are, and whether they can run the stack."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chaos.targets.compose.docker import INSTALL, Answer, Docker
from testbed.compose.errors import ComposeError

MIN_ENGINE: Final = (25, 0)
"""Looks often at a container's health until it is healthy (start_interval)."""
MIN_COMPOSE: Final = (2, 21)
"""Knows start_interval, and lists containers in one form."""
_ARCHITECTURES: Final = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
"""As engines spell them, and as images do. All images of the stack exist for these two."""
_NUMBERS: Final = re.compile(r"(\d+)\.(\d+)")


@dataclass(frozen=True)
class Engine:
    """What runs containers here.

    Attributes:
        architecture: `amd64` or `arm64`.
        memory_bytes: All that it has for containers.
        limits_memory: Whether a container's memory limit holds.
    """

    architecture: str
    memory_bytes: int
    limits_memory: bool


def find_engine(docker: Docker, environment: Mapping[str, str]) -> Engine:
    """The engine that `docker` talks to.

    Args:
        docker: The command.
        environment: Whose DOCKER_DEFAULT_PLATFORM it follows.

    Raises:
        ComposeError: There is none, this user may not use it, or it or Compose cannot run the stack.
    """
    answer = docker.ask("info", "--format", "{{json .}}")
    facts = _facts(answer.out)
    if not facts.version:
        raise ComposeError(_no_engine(answer))
    _check_place(docker)
    _check_version("Docker's engine", facts.version, MIN_ENGINE, INSTALL)
    if facts.system != "linux":
        raise ComposeError(f"the engine runs {facts.system} containers, and these are for Linux; switch it over in its menu")
    _check_compose(docker)
    architecture = _architecture(facts.architecture)
    _check_platform(architecture, environment.get("DOCKER_DEFAULT_PLATFORM", ""))
    return Engine(
        architecture=architecture,
        memory_bytes=facts.memory_bytes,
        limits_memory=facts.limits_memory,
    )


class _Facts(BaseModel):
    """What `docker info` says. Without an engine it says the same, and everything is empty."""

    model_config = ConfigDict(frozen=True)

    version: str = Field(default="", alias="ServerVersion")
    system: str = Field(default="", alias="OSType")
    architecture: str = Field(default="", alias="Architecture")
    memory_bytes: int = Field(default=0, alias="MemTotal")
    limits_memory: bool = Field(default=True, alias="MemoryLimit")


def _facts(text: str) -> _Facts:
    try:
        return _Facts.model_validate_json(text)
    except ValidationError:  # It failed before it could say anything.
        return _Facts()


def _no_engine(answer: Answer) -> str:
    said = answer.err.lower()
    if "permission denied" in said:
        return (
            "this user may not talk to Docker's engine; `sudo usermod -aG docker $USER` and a new login let it, "
            "and so does a rootless engine (docs.docker.com/engine/security/rootless)"
        )
    if (
        "cannot connect" in said
        or "is the docker daemon running" in said
        or "no such host" in said
        or "connection refused" in said
    ):
        return (
            f"no Docker engine answers ({answer.reason}); start it: sudo systemctl start docker, or open Docker Desktop; "
            "without containers, `testbed up` runs FeastFast as processes"
        )
    return f"`docker info` failed: {answer.reason}; see that it works, and try again"


def _check_place(docker: Docker) -> None:
    """Containers see files of this checkout, and people look at ports of this machine."""
    address = docker.ask("context", "inspect", "--format", "{{.Endpoints.docker.Host}}").out.strip()
    parts = urlsplit(address)
    if parts.scheme in ("tcp", "ssh", "http", "https") and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise ComposeError(
            f"the engine at {address} is on another machine, and containers of the stack read files of this checkout; "
            "use an engine of this one (docker context use default, unset DOCKER_HOST), or run `make up` over there"
        )


def _check_compose(docker: Docker) -> None:
    answer = docker.ask("compose", "version", "--short")
    if answer.code:
        raise ComposeError(
            "`docker compose` is not there (the old `docker-compose` does not do); install Docker's Compose plugin: "
            "docs.docker.com/compose/install/linux (Debian: docker-compose, Ubuntu: docker-compose-v2)"
        )
    _check_version("Docker Compose", answer.out.strip(), MIN_COMPOSE, "docs.docker.com/compose/install/linux")


def _check_version(what: str, version: str, least: tuple[int, int], where: str) -> None:
    found = _NUMBERS.search(version)
    if found and (int(found[1]), int(found[2])) < least:
        wanted = f"{least[0]}.{least[1]}"
        raise ComposeError(f"{what} is version {version}, and the stack needs {wanted} or newer; install one from {where}")


def _architecture(name: str) -> str:
    found = _ARCHITECTURES.get(name.lower())
    if found is None:
        allowed = ", ".join(sorted(set(_ARCHITECTURES.values())))
        raise ComposeError(
            f"the engine's processor is {name or 'unknown'}, and images of the stack exist for {allowed}; "
            "without containers, `testbed up` runs FeastFast as processes"
        )
    return found


def _check_platform(architecture: str, asked: str) -> None:
    if asked and asked.split("/")[1:2] != [architecture]:
        raise ComposeError(
            f"DOCKER_DEFAULT_PLATFORM is {asked}, and the engine is linux/{architecture}: every image would be emulated, "
            "too slow to measure anything; unset it, all images exist for both"
        )
