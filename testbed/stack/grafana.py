"""How a system's own Grafana runs: provisioned with this system's data sources and dashboards, readable without a login.

Settings stand in a file of ours, which comes after the defaults of the installation and hides its own configuration. Nobody is
called from here: no reports, no checks for updates, no plugins fetched. The keys are those of Grafana 9 to 13
(grafana.com/docs: Configure Grafana; Provision Grafana; Configure the Prometheus, Jaeger and Alertmanager data source).
"""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import yaml

from observability import names
from testbed.ports import HOST
from testbed.stack.program_plan import ProgramPlan
from testbed.stack.programs import ALERTMANAGER, GRAFANA, PROMETHEUS

DASHBOARDS: Final = Path(__file__).parents[2] / "dashboards"
JAEGER: Final = "jaeger"
"""Data sources are known to dashboards by their uids, which are `prometheus`, `jaeger` and `alertmanager`."""
_HOME: Final = "overview.json"
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
    command = [str(program)] if program.name == "grafana-server" else [str(program), "server"]
    return ProgramPlan(
        name=GRAFANA,
        arguments=(*command, f"--config={folder / _CONFIGURATION}", *([f"--homepath={home}"] if home else [])),
        port=port,
        ready_path="/api/health",
        folder=folder,
        files=lambda: {
            _CONFIGURATION: _settings(port, folder, dashboards / _HOME),
            "provisioning/datasources/firebreak.yaml": _data_sources(addresses),
            "provisioning/dashboards/firebreak.yaml": _provider(dashboards),
        },
        folders=("data", "plugins", "logs", *(f"provisioning/{kind}" for kind in ("plugins", "alerting", "access-control"))),
        note=note,
    )


def _home_of(program: Path) -> Path | None:
    """Where its own files are: beside `bin` in an archive, in `share` with Homebrew, or where Debian's package puts them."""
    bin_folder = program.resolve().parent
    places = (bin_folder.parent, bin_folder.parent / "share" / "grafana", _INSTALLED)
    return next((place for place in places if (place / _DEFAULTS).is_file()), None)


def _settings(port: int, folder: Path, home_dashboard: Path) -> str:
    off, on = "false", "true"
    sections: dict[str, dict[str, str]] = {
        "paths": {
            "data": _quoted(folder / "data"),
            "logs": _quoted(folder / "logs"),
            "plugins": _quoted(folder / "plugins"),
            "provisioning": _quoted(folder / "provisioning"),
        },
        "server": {
            "protocol": "http",
            "http_addr": HOST,
            "http_port": str(port),
            "domain": HOST,
            "root_url": f"http://{HOST}:{port}/",
        },
        "database": {"type": "sqlite3"},
        "analytics": {
            "reporting_enabled": off,
            "check_for_updates": off,
            "check_for_plugin_updates": off,
            "feedback_links_enabled": off,
        },
        "news": {"news_feed_enabled": off},
        "plugins": {
            "preinstall_disabled": on,
            "preinstall_auto_update": off,
            "plugin_admin_enabled": off,
            "public_key_retrieval_disabled": on,
        },
        "snapshots": {"external_enabled": off},
        "security": {
            "admin_password": secrets.token_urlsafe(24),
            "secret_key": secrets.token_urlsafe(24),
            "disable_gravatar": on,
        },
        # Viewers who may edit cannot save, but can open Explore, where an exemplar's trace is shown.
        "users": {"allow_sign_up": off, "viewers_can_edit": on, "default_theme": "system"},
        "auth.anonymous": {"enabled": on, "org_role": "Viewer", "hide_version": on},
        "dashboards": {"min_refresh_interval": "1s"},
        "log": {"mode": "console", "level": "warn"},
        "log.console": {"format": "text"},  # One that `testbed logs` can read.
    }
    if home_dashboard.is_file():
        sections["dashboards"]["default_home_dashboard_path"] = _quoted(home_dashboard)
    blocks = [
        "\n".join([f"[{section}]", *(f"{key} = {value}" for key, value in values.items())])
        for section, values in sections.items()
    ]
    return "\n\n".join(["instance_name = firebreak", *blocks]) + "\n"


def _quoted(path: Path) -> str:
    """A path whose `#` or `;` begins no comment."""
    return f'"""{path}"""'


def _data_sources(addresses: Mapping[str, str]) -> str:
    traces = addresses.get(JAEGER)
    to_traces = [{"name": "trace_id", "datasourceUid": JAEGER}, _link_to_page(traces)] if traces else []
    described = {
        PROMETHEUS: _prometheus(to_traces, with_alerts=ALERTMANAGER in addresses),
        JAEGER: {"nodeGraph": {"enabled": True}, "spanBar": {"type": "Duration"}, **_to_metrics(addresses)},
        ALERTMANAGER: {"implementation": "prometheus", "handleGrafanaManagedAlerts": False},
    }
    sources = [
        {
            "name": uid.capitalize(),
            "uid": uid,
            "type": uid,
            "access": "proxy",
            "url": addresses[uid],
            "isDefault": uid == PROMETHEUS,
            "editable": False,
            "jsonData": settings,
        }
        for uid, settings in described.items()
        if uid in addresses
    ]
    return yaml.safe_dump({"apiVersion": 1, "datasources": sources}, sort_keys=False)


def _prometheus(to_traces: list[dict[str, str]], *, with_alerts: bool) -> dict[str, object]:
    alerts = {"manageAlerts": True, "alertmanagerUid": ALERTMANAGER} if with_alerts else {}
    return {
        "httpMethod": "POST",
        "prometheusType": "Prometheus",
        "timeInterval": "1s",
        "exemplarTraceIdDestinations": to_traces,
        **alerts,
    }


def _link_to_page(traces: str) -> dict[str, str]:
    """Grafana leads from a trace to logs in Loki and Splunk only; the store's own page shows a trace with its logs."""
    # Grafana takes $ for the name of a variable, and $$ for $.
    return {"name": "trace_id", "url": f"{traces}/trace/$${{__value.raw}}", "urlDisplayLabel": "Trace with its logs"}


def _to_metrics(addresses: Mapping[str, str]) -> dict[str, object]:
    if PROMETHEUS not in addresses:
        return {}
    requests = f"{names.HTTP_SERVER_DURATION}_count{{$$__tags}}"
    query = f"sum by ({names.LABEL_ROUTE}) (rate({requests}[15s]))"
    return {
        "tracesToMetrics": {
            "datasourceUid": PROMETHEUS,
            "spanStartTimeShift": "-1m",
            "spanEndTimeShift": "1m",
            "tags": [{"key": "service.name", "value": names.LABEL_SERVICE}],
            "queries": [{"name": "Requests a second of this service", "query": query}],
        }
    }


def _provider(dashboards: Path) -> str:
    provider = {
        "name": "firebreak",
        "folder": "Firebreak",
        "type": "file",
        "disableDeletion": True,
        "allowUiUpdates": False,
        "options": {"path": str(dashboards)},
    }
    providers = [provider] if dashboards.is_dir() else []
    return yaml.safe_dump({"apiVersion": 1, "providers": providers}, sort_keys=False)
