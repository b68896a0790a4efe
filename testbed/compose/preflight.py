"""What would go wrong, said before anything starts: each finding is a sentence with the way out."""

import stat
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chaos.targets.compose.engine import Container
from testbed.compose.containers import broken, foreign_folder
from testbed.compose.description import MEBIBYTE, Description
from testbed.compose.engine import Engine
from testbed.compose.env_file import EnvFile
from testbed.compose.project import Project

ONCE: Final = ("migrate",)
"""Services that end by themselves."""
_OF_COMPOSE: Final = ("COMPOSE_PROJECT_NAME", "COMPOSE_FILE", "COMPOSE_ENV_FILES")
_MEMINFO: Final = Path("/proc/meminfo")


@dataclass(frozen=True)
class Listener:
    """Who has ports of this machine.

    Attributes:
        is_free: Whether one could be published now.
        name: Who listens on one, as far as anybody knows.
    """

    is_free: Callable[[int], bool]
    name: Callable[[int], str]


def variable_of_port(service: str) -> str:
    """The variable of .env that moves a service's published port: FIREBREAK_GATEWAY_PORT for gateway-1."""
    return f"FIREBREAK_{service.rstrip('0123456789-').replace('-', '_').upper()}_PORT"


def check_shell(environment: Mapping[str, str], env: EnvFile, example: EnvFile) -> list[str]:
    """What this shell's own variables would change behind the back of .env, which they override."""
    problems = [
        f"{name} is set in this shell, and would make another project of it; unset it"
        for name in _OF_COMPOSE
        if environment.get(name)
    ]
    secrets = [name for name, value in example.values.items() if not value]
    return problems + [
        f"{name} is set in this shell to something else than in .env, which it would override; unset it"
        for name in secrets
        if environment.get(name, env.values.get(name)) != env.values.get(name)
    ]


def check_secrets(env: EnvFile, example: EnvFile) -> list[str]:
    """Secrets that are missing or weak."""
    return [f"{weakness}; remove that line, and `make up` draws a new one" for weakness in env.weaknesses(example)]


def check_files(description: Description) -> list[str]:
    """Files that containers, which run as other users, could not read."""
    problems = []
    for path in sorted({path for service in description.services.values() for path in service.files}):
        try:
            mode = path.stat().st_mode
        except OSError as error:
            problems.append(
                f"{path}, which a container reads: {error.strerror}; `git status` shows what is missing of the checkout"
            )
            continue
        needed = stat.S_IROTH | (stat.S_IXOTH if stat.S_ISDIR(mode) else 0)
        if mode & needed != needed:
            problems.append(f"{path} cannot be read by others, and containers are others; chmod -R o+rX {path}")
    return problems


def check_containers(containers: Collection[Container], project: Project) -> list[str]:
    """A stack of another checkout, or half a one."""
    foreign = foreign_folder(containers, project.folder)
    if foreign:
        return [f"the stack of another checkout is here, and a machine has one; end that first: make -C {foreign} down"]
    bad = broken(containers, ONCE)
    if bad:
        way_out = "`make down` ends it and keeps its data, then `make up` again; a fault of `chaos kill` ends with `chaos heal`"
        return [f"half of an earlier stack is left ({', '.join(bad)}); {way_out}"]
    return []


def check_data(*, has_data: bool, is_drawn: bool) -> list[str]:
    """Data of an .env that is gone: PostgreSQL keeps the password that it was made with."""
    if has_data and is_drawn:
        way_out = "put that .env back, or remove the data: make down volumes=1"
        return [f"the data of an earlier stack is there, and the .env with its password is not; {way_out}"]
    return []


def check_ports(description: Description, containers: Collection[Container], listener: Listener) -> list[str]:
    """Ports that somebody else has."""
    own = {container.compose_service for container in containers if container.runs}
    problems = []
    for service, port in description.ports.items():
        if service in own or listener.is_free(port):
            continue
        who = listener.name(port)
        another = next((near for near in range(port + 1, port + 50) if listener.is_free(near)), port + 1)
        problems.append(
            f"port {port} ({service}) is taken{f' by {who}' if who else ''}; free it, or choose another in .env: "
            f"{variable_of_port(service)}={another}"
        )
    return problems


def check_memory(description: Description, engine: Engine) -> list[str]:
    """An engine that has less than the stack may take."""
    if engine.memory_bytes < description.memory_bytes:
        has, needs = (round(each / MEBIBYTE) for each in (engine.memory_bytes, description.memory_bytes))
        ways_out = (
            "give it more (Docker Desktop: Settings, Resources), or do without logs (make up logs=0) or containers (testbed up)"
        )
        return [f"the stack may take {needs} MiB, and the engine has {has} MiB; {ways_out}"]
    return []


def notes_on(description: Description, engine: Engine, meminfo: Path = _MEMINFO) -> list[str]:
    """What people should know, though it keeps nothing from starting."""
    notes = []
    if not engine.limits_memory:
        notes.append("this engine enforces no memory limits: a program of the stack that goes mad takes what there is")
    free = _available_bytes(meminfo)
    if free is not None and free < description.memory_bytes:
        notes.append(
            f"{free // MEBIBYTE} MiB are free, and the stack may take up to {description.memory_bytes // MEBIBYTE} MiB: "
            "should the machine get slow, end something else"
        )
    return notes


def _available_bytes(meminfo: Path) -> int | None:
    """What programs could still take of this machine's memory; None where it does not tell."""
    try:
        rows = dict(line.split(":", 1) for line in meminfo.read_text(encoding="ascii").splitlines())
        return int(rows["MemAvailable"].split()[0]) * 1_024
    except (OSError, KeyError, ValueError):
        return None


def tighten(path: Path) -> bool:
    """Takes an .env away from other users of this machine; whether there was anything to take. Raises OSError."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    if mode & 0o077 == 0:
        return False
    path.chmod(0o600)
    return True
