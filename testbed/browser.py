"""The pages people open: which address each has, and how to get those that are not here."""

import os
import sys
import webbrowser
from pathlib import Path
from typing import Final

from rich.console import Console

from services.topology import load_topology
from testbed.control import status
from testbed.run import RUNS

PLACES: Final = ("gateway", "traces", "report", "grafana")


class NothingToOpenError(Exception):
    """There is no such page now; the text says how to get it."""


def address_of(place: str, state: Path, runs: Path = RUNS) -> str:
    """The address of one of PLACES. Raises NothingToOpenError, or ControlError when no system runs that would serve it."""
    if place == "report":
        return _latest_report(runs)
    system = status(state)
    if place == "grafana":
        raise NothingToOpenError(
            "no Grafana runs here, and none is needed to see traces (testbed open traces). To use your own: add a data source of "
            f"type Jaeger with the URL {system.addresses['traces']}, and scrape /metrics of the addresses in: testbed status"
        )
    name = load_topology(Path(system.topology)).entry if place == "gateway" else place
    page = "/docs" if place == "gateway" else ""
    return system.addresses[name] + page


def show_address(out: Console, address: str) -> None:
    """Prints an address, and opens it where there is a screen to open it on."""
    out.print(address, soft_wrap=True)
    if out.is_terminal and (sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        webbrowser.open(address)


def _latest_report(runs: Path) -> str:
    reports = sorted(runs.glob("*/report.html"), key=lambda path: path.stat().st_mtime)
    if not reports:
        raise NothingToOpenError(f"no report in {runs}; make one with: testbed demo")
    return reports[-1].resolve().as_uri()
