"""How a system's own Alertmanager runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from testbed.ports import HOST
from testbed.stack.program_plan import ProgramPlan
from testbed.stack.programs import ALERTMANAGER

RETENTION: Final = "25h"
"""It asks for more than the longest time after which an alert is told again."""
_CONFIGURATION: Final = "alertmanager.yaml"


def plan_alertmanager(program: Path, port: int, folder: Path, *, configuration: Callable[[], str], note: str = "") -> ProgramPlan:
    """The plan of Alertmanager.

    Args:
        program: The binary.
        port: Where it listens.
        folder: Its own folder.
        configuration: Makes the text of its file.
        note: What people should know of how it runs.
    """
    arguments = {
        "--config.file": folder / _CONFIGURATION,
        "--storage.path": folder / "data",
        "--data.retention": RETENTION,
        "--web.listen-address": f"{HOST}:{port}",
        "--web.external-url": f"http://{HOST}:{port}",
        "--cluster.listen-address": "",  # Otherwise it listens for peers on every interface.
        "--log.level": "warn",
    }
    return ProgramPlan(
        name=ALERTMANAGER,
        arguments=(str(program), *(f"{name}={value}" for name, value in arguments.items())),
        port=port,
        ready_path="/-/ready",
        folder=folder,
        files=lambda: {_CONFIGURATION: configuration()},
        note=note,
    )
