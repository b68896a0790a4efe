"""The pages people open: which address each has, and how to get those that are not here."""

import os
import sys
import webbrowser
from pathlib import Path
from typing import Final

from rich.console import Console

from chaos.targets.system import System
from services.topology import load_topology
from testbed.control import SystemStatus
from testbed.run import RUNS
from testbed.stack.programs import GRAFANA, MISSING, PROMETHEUS, SWITCH, WELL_KNOWN_PORTS

PLACES: Final = ("gateway", "traces", *WELL_KNOWN_PORTS, "report")


class NothingToOpenError(Exception):
    """There is no such page now; the text says how to get it."""


def address_of(place: str, of: System, runs: Path = RUNS) -> str:
    """The address of one of PLACES. Raises NothingToOpenError, or ControlError when no system runs that would serve it."""
    if place == "report":
        return _latest_report(runs)
    system = of.roll()
    name = load_topology(Path(system.topology)).entry if place == "gateway" else place
    if name not in system.addresses:
        raise NothingToOpenError(_why_not(place, system))
    page = "/docs" if place == "gateway" else ""
    return system.addresses[name] + page


def show_address(out: Console, address: str) -> None:
    """Prints an address, and opens it where there is a screen to open it on."""
    out.print(address, soft_wrap=True)
    if out.is_terminal and (sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        webbrowser.open(address)


def _why_not(place: str, system: SystemStatus) -> str:
    """Why a program of the stack has no page, and what to do."""
    program = next((each for each in system.stack if each.name == place), None)
    if place not in WELL_KNOWN_PORTS or not system.supervisor_pid:
        return f"{place} does not run; see: testbed status"
    if program is None:
        return f"{place} does not run beside this system: it was started with --no-stack, or {SWITCH} is off"
    if program.state != MISSING:
        return f"{place} {program.note}"
    text = f"no {place} is on the PATH ({program.note}). Once it is, testbed down and testbed up start it with all it needs"
    if place == GRAFANA:
        traces, metrics = system.addresses["traces"], system.addresses.get(PROMETHEUS, "yours, asking who is in targets/*.json")
        text += (
            f". To use your own: import dashboards/*.json; data sources with the uids jaeger ({traces}), prometheus ({metrics})"
        )
    return text


def _latest_report(runs: Path) -> str:
    reports = sorted(runs.glob("*/report.html"), key=lambda path: path.stat().st_mtime)
    if not reports:
        raise NothingToOpenError(f"no report in {runs}; make one with: testbed demo")
    return reports[-1].resolve().as_uri()
