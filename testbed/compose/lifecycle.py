"""Starts the full stack, puts load on it, and ends it: by way of `docker compose`, which shows its own progress."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from chaos.targets.compose.docker import Docker
from chaos.targets.compose.engine import Container
from testbed.compose.containers import UNHEALTHY, is_up, state_of
from testbed.compose.description import Description, describe
from testbed.compose.engine import find_engine
from testbed.compose.env_file import EnvFile
from testbed.compose.errors import ComposeError
from testbed.compose.preflight import (
    ONCE,
    Listener,
    check_containers,
    check_data,
    check_files,
    check_memory,
    check_ports,
    check_secrets,
    check_shell,
    notes_on,
    tighten,
)
from testbed.compose.project import NAME, Project

HEALTHY_TIMEOUT_S: Final = 180
"""Longest wait for all to be healthy; on a machine with the images it takes a third of it at most."""
_WAITING: Final = ("--wait", "--wait-timeout", str(HEALTHY_TIMEOUT_S))
LOGS: Final = "logs"
LOAD: Final = "load"
LOAD_SERVICES: Final = ("locust", "locust-worker")
DATA: Final = f"{NAME}_postgres"
"""The volume that a password is kept in."""
_LOGS_ENDPOINT: Final = "FIREBREAK_OTLP_LOGS_ENDPOINT"
_PROFILES: Final = "COMPOSE_PROFILES"
_LOKI: Final = "loki"
_LAST_LINES: Final = "5"


@dataclass(frozen=True)
class Surroundings:
    """What the stack is started in.

    Attributes:
        project: Whose stack.
        docker: The command.
        containers: What the engine has of it now.
        environment: This shell's variables.
        listener: Who has which port.
        tell: Shows people a line.
    """

    project: Project
    docker: Docker
    containers: Callable[[], Collection[Container]]
    environment: Mapping[str, str] = field(repr=False)
    listener: Listener
    tell: Callable[[str], None]


def up(around: Surroundings, *, logs: bool | None) -> Description:
    """Starts the stack, or what is missing of it, and returns when all is healthy.

    Args:
        around: Where.
        logs: Whether Loki runs; what .env says when None.

    Returns:
        What runs.

    Raises:
        ComposeError: It cannot start, or did not: then nothing of it runs that did not run before.
    """
    engine = find_engine(around.docker, around.environment)
    before = around.containers()
    _environment_file(around, before, logs=logs)
    described = describe(around.docker)
    _stop_at([*check_ports(described, before, around.listener), *check_memory(described, engine), *check_files(described)])
    for note in notes_on(described, engine) if not is_up(before) else ():
        around.tell(note)
    try:
        if logs is False and any(each.compose_service == _LOKI for each in before):
            around.docker.show("compose", "--profile", LOGS, "rm", "--stop", "--force", _LOKI)
        _build(around, "migrate")
        _start(around)
    except BaseException:
        if not is_up(before):
            around.tell("Taking down what had started; data stays.")
            around.docker.show("compose", "--profile", "*", "down")
        raise
    return described


def _start(around: Surroundings) -> None:
    if around.docker.show("compose", "up", "--detach", *_WAITING):
        raise ComposeError(_why(around))


def load(around: Surroundings, workers: int) -> int:
    """Starts Locust, with its web page and so many workers, and returns the page's port. Raises ComposeError."""
    find_engine(around.docker, around.environment)
    if not is_up(around.containers()):
        raise ComposeError("the stack does not run; start it first: make up")
    described = describe(around.docker, "--profile", LOAD)
    before = around.containers()
    asked = Description(services={name: described.services[name] for name in LOAD_SERVICES})
    _stop_at(check_ports(asked, before, around.listener))
    _build(around, *LOAD_SERVICES[:1])
    # Without dependencies: an experiment may have left the services with variables of its own.
    wanted = ("--no-deps", *_WAITING, "--scale", f"{LOAD_SERVICES[1]}={workers}")
    if around.docker.show("compose", "--profile", LOAD, "up", "--detach", *wanted, *LOAD_SERVICES):
        why = _why(around)
        stop_load(around)
        raise ComposeError(why)
    return asked.ports[LOAD_SERVICES[0]]


def stop_load(around: Surroundings) -> None:
    """Ends Locust. Raises ComposeError."""
    if around.docker.show("compose", "--profile", LOAD, "rm", "--stop", "--force", *LOAD_SERVICES):
        raise ComposeError("`docker compose` could not end the load; `docker ps` shows what is left")


def down(around: Surroundings, *, volumes: bool) -> bool:
    """Ends everything, the load too.

    Args:
        around: Where.
        volumes: Whether all data goes as well.

    Returns:
        Whether there was anything to end.

    Raises:
        ComposeError: It could not.
    """
    find_engine(around.docker, around.environment)
    if not around.containers() and not (volumes and _has_data(around)):
        return False
    gone = ("--volumes",) if volumes else ()
    if around.docker.show("compose", "--profile", "*", "down", "--remove-orphans", *gone):
        raise ComposeError("`docker compose down` failed, for the reason above; `docker ps` shows what is left")
    return True


def missing_secrets(project: Project) -> dict[str, str]:
    """A value for each secret that .env has not, without which Compose would not even end the stack. Raises OSError."""
    has = EnvFile.read(project.env_file).values
    return {name: "unset" for name, value in EnvFile.read(project.example).values.items() if not value and not has.get(name)}


def _environment_file(around: Surroundings, before: Collection[Container], *, logs: bool | None) -> None:
    """Makes or completes .env, once nothing speaks against it. Raises ComposeError, or OSError."""
    project = around.project
    example, found = EnvFile.read(project.example), EnvFile.read(project.env_file)
    env = found.completed(example).choosing(_logs_choice(found, logs=logs))
    drawn = "POSTGRES_PASSWORD" not in found.values
    _stop_at(
        [
            *check_shell(around.environment, env, example),
            *check_secrets(env, example),
            *check_containers(before, project),
            *check_data(has_data=_has_data(around), is_drawn=drawn),
        ]
    )
    if tighten(project.env_file):
        around.tell("Others could read .env; now only you can.")
    if env != found:
        env.write(project.env_file)
    if not found.text:
        around.tell("Made .env with random secrets.")


def _logs_choice(found: EnvFile, *, logs: bool | None) -> dict[str, str]:
    if logs is None:
        return {}
    others = [each for each in found.values.get(_PROFILES, "").split(",") if each not in ("", LOGS)]
    profiles = [*others, LOGS] if logs else others
    return {_PROFILES: ",".join(profiles), _LOGS_ENDPOINT: "http://loki:3100/otlp" if logs else "none"}


def _has_data(around: Surroundings) -> bool:
    return around.docker.ask("volume", "inspect", DATA).code == 0


def _build(around: Surroundings, service: str) -> None:
    """Makes the image of these sources; where nothing changed that is a matter of a second. Raises ComposeError."""
    if around.docker.show("compose", "--profile", "*", "build", service):
        raise ComposeError(
            "the image could not be built, for the reason above; a first build downloads its base and the packages of "
            "requirements/, so see that this machine reaches the registries"
        )


def _why(around: Surroundings) -> str:
    """Which containers are not well, and the last that each said."""
    bad = [each for each in around.containers() if not _is_well(each)]
    if not bad:
        return "`docker compose up` failed, for the reason above"
    told = [f"{each.compose_service} is {state_of(each)}{_last_words(around, each)}" for each in bad]
    return "\n".join(["the stack did not become healthy:", *told])


def _is_well(container: Container) -> bool:
    if container.compose_service in ONCE:
        return container.exit_code == 0
    return container.runs and container.health not in (UNHEALTHY, "starting")


def _last_words(around: Surroundings, container: Container) -> str:
    answer = around.docker.ask("logs", "--tail", _LAST_LINES, container.id)
    lines = [line for line in (answer.out + answer.err).splitlines() if line.strip()]
    return ":\n" + "\n".join(f"  {line}" for line in lines) if lines else ""


def _stop_at(problems: list[str]) -> None:
    if problems:
        raise ComposeError("\n".join(problems))
