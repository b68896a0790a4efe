"""What is there of the stack already: all of it, nothing, or the half of one that somebody left."""

from collections.abc import Collection
from pathlib import Path

from chaos.targets.compose.engine import WORKING_DIR_LABEL, Container

UNHEALTHY = "unhealthy"


def state_of(container: Container) -> str:
    """For people: what the engine says of it, and what its own check says where that is worse."""
    return container.health if container.runs and container.health else container.state


def is_up(containers: Collection[Container]) -> bool:
    """Whether any of it runs."""
    return any(container.runs for container in containers)


def foreign_folder(containers: Collection[Container], folder: Path) -> str:
    """The checkout that they were started from when it is not `folder`; else empty."""
    folders = {container.labels.get(WORKING_DIR_LABEL, "") for container in containers} - {"", str(folder)}
    return min(folders, default="")


def broken(containers: Collection[Container], once: Collection[str]) -> list[str]:
    """Those that do not do what the running rest expects, each with its state; none where nothing runs at all.

    Args:
        containers: All of the stack, also those that have ended.
        once: Services that end by themselves.
    """
    if not is_up(containers):
        return []  # Compose starts them anew.
    bad = [each for each in containers if each.compose_service not in once and (not each.runs or each.health == UNHEALTHY)]
    return sorted(f"{each.compose_service} is {state_of(each)}" for each in bad)
