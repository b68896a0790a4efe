"""How a system's own Grafana runs: provisioned with this system's data sources and dashboards, readable without a login.

Settings stand in a file of ours, which comes after the defaults of the installation and hides its own configuration.
"""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from testbed.ports import HOST
from testbed.stack.grafana_files import HOME, JAEGER, Place, TracePage, data_sources, provider, settings
from testbed.stack.program_plan import ProgramPlan
from testbed.stack.programs import GRAFANA

DASHBOARDS: Final = Path(__file__).parents[2] / "dashboards"
_CONFIGURATION: Final = "grafana.ini"
_DEFAULTS: Final = Path("conf/defaults.ini")
_INSTALLED: Final = Path("/usr/share/grafana")


def plan_grafana(
    program: Path, port: int, folder: Path, *, addresses: Mapping[str, str], dashboards: Path = DASHBOARDS, note: str = ""
) -> ProgramPlan:
    """The plan of Grafana.

    Args:
        program: The binary, `grafana-server` or `grafana`.
        port: Where it listens.
        folder: Its own folder.
        addresses: Of the servers behind its data sources, by uid; those that do not run are absent.
        dashboards: Folder of the dashboards.
        note: What people should know of how it runs.
    """
    home = _home_of(program)
    # Grafana leads from a trace to logs in Loki and Splunk only; the store's own page shows a trace with its logs.
    page = TracePage(addresses[JAEGER], "Trace with its logs") if JAEGER in addresses else None
    command = [str(program)] if program.name == "grafana-server" else [str(program), "server"]
    return ProgramPlan(
        name=GRAFANA,
        arguments=(*command, f"--config={folder / _CONFIGURATION}", *([f"--homepath={home}"] if home else [])),
        port=port,
        ready_path="/api/health",
        folder=folder,
        files=lambda: {
            _CONFIGURATION: settings(_place(port, folder, dashboards / HOME), _passwords()),
            "provisioning/datasources/firebreak.yaml": data_sources(addresses, page),
            "provisioning/dashboards/firebreak.yaml": provider(str(dashboards) if dashboards.is_dir() else ""),
        },
        folders=("data", "plugins", "logs", *(f"provisioning/{kind}" for kind in ("plugins", "alerting", "access-control"))),
        note=note,
    )


def _home_of(program: Path) -> Path | None:
    """Where its own files are: beside `bin` in an archive, in `share` with Homebrew, or where Debian's package puts them."""
    bin_folder = program.resolve().parent
    places = (bin_folder.parent, bin_folder.parent / "share" / "grafana", _INSTALLED)
    return next((place for place in places if (place / _DEFAULTS).is_file()), None)


def _place(port: int, folder: Path, home_dashboard: Path) -> Place:
    return Place(
        host=HOST,
        port=port,
        root_url=f"http://{HOST}:{port}/",
        data=str(folder / "data"),
        plugins=str(folder / "plugins"),
        logs=str(folder / "logs"),
        provisioning=str(folder / "provisioning"),
        home=str(home_dashboard) if home_dashboard.is_file() else "",
    )


def _passwords() -> dict[str, str]:
    """Nobody has to know them: everybody on this machine may look without."""
    return {"admin_password": secrets.token_urlsafe(24), "secret_key": secrets.token_urlsafe(24)}
