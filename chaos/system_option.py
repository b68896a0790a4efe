"""The options by which commands are told which running system is meant."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from chaos.targets.choice import COMPOSE, LOCAL, choose_system
from testbed.run import CURRENT

Result = TypeVar("Result")

target_option = click.option(
    "--target",
    "target_name",
    type=click.Choice([LOCAL, COMPOSE]),
    default=None,
    help="Processes on this machine, or a Docker Compose project.  [default: whichever runs]",
)
state_option = click.option(
    "--state", type=click.Path(path_type=Path), default=None, help=f"Folder of a local system.  [default: {CURRENT}]"
)


def with_system(command: Callable[..., Result]) -> Callable[..., Result]:
    """Gives a command both options, and the system that they mean as its argument `system`."""

    @target_option
    @state_option
    @wraps(command)
    def found(*arguments: Any, target_name: Any, state: Path | None, **options: Any) -> Result:
        return command(*arguments, system=choose_system(target_name, state), **options)

    return found
