"""Which programs of the stack there are on this machine, and how to get those that are not."""

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

PROMETHEUS: Final = "prometheus"
ALERTMANAGER: Final = "alertmanager"
GRAFANA: Final = "grafana"
WELL_KNOWN_PORTS: Final = {PROMETHEUS: 9_090, ALERTMANAGER: 9_093, GRAFANA: 3_000}
"""By name, in the order in which they are started and shown."""
MISSING: Final = "missing"
"""The state of a program that is not on the PATH."""
SWITCH: Final = "FIREBREAK_STACK"
_FILES: Final = {
    PROMETHEUS: ("prometheus",),
    ALERTMANAGER: ("alertmanager", "prometheus-alertmanager"),  # Debian's name is the longer one.
    GRAFANA: ("grafana-server", "grafana"),
}
HOW_TO_GET_IT: Final = {
    PROMETHEUS: "apt install prometheus, brew install prometheus",
    ALERTMANAGER: "apt install prometheus-alertmanager, prometheus.io/download",
    GRAFANA: "grafana.com/grafana/download, brew install grafana",
}


def find_programs(which: Callable[[str], str | None] = shutil.which) -> dict[str, Path]:
    """The programs on the PATH, by name."""
    found = {name: next(filter(None, map(which, files)), None) for name, files in _FILES.items()}
    return {name: Path(path).absolute() for name, path in found.items() if path}


def is_wanted(environment: Mapping[str, str]) -> bool:
    """Whether the environment leaves the stack on. Raises ValueError."""
    value = environment.get(SWITCH, "") or "on"
    if value not in ("on", "off"):
        raise ValueError(f"{SWITCH}: {value!r} is neither on nor off")
    return value == "on"


def program_environment() -> dict[str, str]:
    """Ours, but for what would be settings of the program's own, and for what is none of its business."""
    hidden = ("GF_", "FIREBREAK_", "NOTIFY_SOCKET")
    return {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
