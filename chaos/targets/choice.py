"""Which running system a command means: the one that is named, or the only one there is."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

from chaos.targets.addressed import ADDRESSES, AddressedSystem
from chaos.targets.compose.docker_engine import DockerEngine
from chaos.targets.compose.engine import EngineError
from chaos.targets.compose.system import ComposeSystem
from chaos.targets.errors import TargetError
from chaos.targets.local import LocalSystem
from chaos.targets.system import System
from testbed.launch import running_supervisor
from testbed.run import CURRENT

TargetName = Literal["local", "compose"]
LOCAL: Final = "local"
COMPOSE: Final = "compose"
DEFAULT_PROJECT: Final = "firebreak"
PROJECT_VARIABLE: Final = "COMPOSE_PROJECT_NAME"
"""Docker Compose's own: whoever starts a project by another name finds it by the same means."""
FIND_TIMEOUT_S: Final = 3.0
"""Of the engine, when nobody said that it is to be asked."""


def project_name() -> str:
    """The Compose project that is meant."""
    return os.environ.get(PROJECT_VARIABLE) or DEFAULT_PROJECT


def compose_system() -> ComposeSystem:
    """The system in the containers of the project that is meant."""
    return ComposeSystem(DockerEngine(), project_name())


def choose_system(name: TargetName | None, state: Path | None, find: Callable[[], ComposeSystem | None] | None = None) -> System:
    """The system that is meant.

    Args:
        name: As somebody said, or None: whichever runs.
        state: Folder of a local system, which names it as well; None for the usual one.
        find: Finds a Compose project that runs; raises EngineError.

    Raises:
        TargetError: Two run, and nobody said which; or what was said contradicts itself.
        DocumentError: The map of a system that is known by its addresses cannot be used.
    """
    if state is not None and name == COMPOSE:
        raise TargetError("--state names a local system and --target a Compose project; give one of the two")
    if name == COMPOSE:
        return compose_system()
    if name == LOCAL or state is not None:
        return LocalSystem(state or CURRENT)
    if os.environ.get(ADDRESSES):
        return AddressedSystem.of(os.environ)
    is_local = running_supervisor(CURRENT) is not None
    try:
        compose = (find or _find_compose)()
    except EngineError as error:
        return LocalSystem(CURRENT, "" if is_local else f". Whether one runs on Docker Compose is not known: {error}")
    if compose is not None and is_local:
        raise TargetError(
            f"two systems run, a local one in {CURRENT} and the Compose project {project_name()!r}; "
            "say which is meant: --target local or --target compose"
        )
    return compose or LocalSystem(CURRENT, "" if is_local else "; or on Docker Compose with: make up")


def _find_compose() -> ComposeSystem | None:
    engine = DockerEngine(timeout_s=FIND_TIMEOUT_S)
    if not engine.is_installed:
        return None
    found = ComposeSystem(engine, project_name())
    return found.through(DockerEngine()) if found.runs else None
