"""Which rules Prometheus evaluates beside a system, and what Alertmanager does with their alerts.

They come from FeastFast's objectives (observability/slo.yaml). What is compiled from them for FeastFast's own map lies beside
them; a map that an experiment changed is compiled anew, which takes a fifth of a second. A map with other services has no
objectives, and so no alerts.
"""

from importlib.resources import files
from pathlib import Path
from typing import Final

from services.document import DocumentError
from services.topology import Topology, default_topology_path

WINDOWS: Final = "demo"
"""Burn rates over seconds: what production waits an hour for is seen here while one watches."""
_NO_RULES: Final = "groups: []\n"
_NO_RECEIVER: Final = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"


def rules_of(path: Path, topology: Topology) -> str:
    """Prometheus' rule file for the map at `path`."""
    if _is_feastfast(path):
        return _compiled("prometheus", "rules", f"{WINDOWS}.yaml")
    # Here, as below: few starts need it, and every process of a system is forked off the one that would import it.
    from observability.slo.loader import load_slos  # noqa: PLC0415
    from observability.slo.rules import compile_rules  # noqa: PLC0415
    from observability.slo.windows import PROFILES  # noqa: PLC0415

    try:
        return compile_rules(load_slos(None, topology), PROFILES[WINDOWS])
    except DocumentError:
        return _NO_RULES


def routes_of(path: Path, topology: Topology) -> str:
    """Alertmanager's configuration for the map at `path`."""
    if _is_feastfast(path):
        return _compiled("alertmanager", "alertmanager.yaml")
    from observability.slo.alertmanager import compile_alertmanager  # noqa: PLC0415
    from observability.slo.loader import load_slos  # noqa: PLC0415

    try:
        return compile_alertmanager(load_slos(None, topology))
    except DocumentError:
        return _NO_RECEIVER


def _is_feastfast(path: Path) -> bool:
    return path == default_topology_path().absolute()


def _compiled(*parts: str) -> str:
    return files("observability").joinpath("stack", *parts).read_text(encoding="utf-8")
