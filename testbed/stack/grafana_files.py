"""What a Grafana is told, wherever it runs: its settings, its data sources, and where its dashboards are.

Nobody is called from here: no reports, no checks for updates, no plugins fetched. Everybody who reaches it may look and explore,
and change nothing. The keys are those of Grafana 9 to 13 (grafana.com/docs: Configure Grafana; Provision Grafana; Configure the
Prometheus, Jaeger, Loki and Alertmanager data source).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import yaml

from observability import names
from testbed.stack.programs import ALERTMANAGER, PROMETHEUS

JAEGER: Final = "jaeger"
LOKI: Final = "loki"
"""Data sources are known to dashboards by their uids, which are `prometheus`, `jaeger`, `alertmanager` and `loki`."""
HOME: Final = "overview.json"
"""The dashboard that is shown first."""
_NAMESPACE: Final = "feastfast"
"""Of all services' telemetry (observability.telemetry.Origin)."""
_CLICKED: Final = "$${__value.raw}"
"""Grafana takes $ for the name of a variable, and $$ for $."""


@dataclass(frozen=True)
class TracePage:
    """A page outside of Grafana that shows one trace.

    Attributes:
        address: Root of its server, as a browser reaches it.
        label: What the link to it is called.
    """

    address: str
    label: str


@dataclass(frozen=True)
class Place:
    """Where a Grafana listens and keeps its files.

    Attributes:
        host: The interface.
        port: Where it listens.
        root_url: Where browsers reach it.
        data: Folder of its database.
        plugins: Folder of its plugins; it has none.
        logs: Folder of its logs; it writes to its standard output.
        provisioning: Folder of what it reads when it starts.
        home: File of the dashboard that is shown first; empty for Grafana's own page.
    """

    host: str
    port: int
    root_url: str
    data: str
    plugins: str
    logs: str
    provisioning: str
    home: str = ""


def settings(place: Place, secrets: Mapping[str, str]) -> str:
    """The text of `grafana.ini`.

    Args:
        place: Where it is.
        secrets: More of the section `security`, such as its passwords; none when they come from the environment.
    """
    off, on = "false", "true"
    sections: dict[str, dict[str, str]] = {
        "paths": {
            "data": _quoted(place.data),
            "logs": _quoted(place.logs),
            "plugins": _quoted(place.plugins),
            "provisioning": _quoted(place.provisioning),
        },
        "server": {
            "protocol": "http",
            "http_addr": place.host,
            "http_port": str(place.port),
            "domain": "127.0.0.1",
            "root_url": place.root_url,
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
        "security": {**secrets, "disable_gravatar": on},
        # Viewers who may edit cannot save, but can open Explore, where an exemplar's trace is shown.
        "users": {"allow_sign_up": off, "viewers_can_edit": on, "default_theme": "system"},
        "auth.anonymous": {"enabled": on, "org_role": "Viewer", "hide_version": on},
        "dashboards": {"min_refresh_interval": "1s"},
        "log": {"mode": "console", "level": "warn"},
        "log.console": {"format": "text"},  # One that `testbed logs` can read.
    }
    if place.home:
        sections["dashboards"]["default_home_dashboard_path"] = _quoted(place.home)
    blocks = [
        "\n".join([f"[{section}]", *(f"{key} = {value}" for key, value in values.items())])
        for section, values in sections.items()
    ]
    return "\n\n".join(["instance_name = firebreak", *blocks]) + "\n"


def data_sources(addresses: Mapping[str, str], page: TracePage | None) -> str:
    """The provisioning of data sources.

    Args:
        addresses: Of the servers behind them, as Grafana reaches them, by uid; those that do not run are absent.
        page: Another way from a value to its trace.
    """
    described = {
        PROMETHEUS: _prometheus(addresses, page),
        JAEGER: {
            "nodeGraph": {"enabled": True},
            "spanBar": {"type": "Duration"},
            **_to_metrics(addresses),
            **_to_logs(addresses),
        },
        ALERTMANAGER: {"implementation": "prometheus", "handleGrafanaManagedAlerts": False},
        LOKI: {"maxLines": 1_000, "derivedFields": _to_trace(addresses)},
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
            "jsonData": values,
        }
        for uid, values in described.items()
        if uid in addresses
    ]
    return yaml.safe_dump({"apiVersion": 1, "datasources": sources}, sort_keys=False)


def provider(dashboards: str) -> str:
    """The provisioning of the dashboards in a folder; of none when its path is empty."""
    described = {
        "name": "firebreak",
        "folder": "Firebreak",
        "type": "file",
        "disableDeletion": True,
        "allowUiUpdates": False,
        "options": {"path": dashboards},
    }
    return yaml.safe_dump({"apiVersion": 1, "providers": [described] if dashboards else []}, sort_keys=False)


def _quoted(path: str) -> str:
    """A path whose `#` or `;` begins no comment."""
    return f'"""{path}"""'


def _prometheus(addresses: Mapping[str, str], page: TracePage | None) -> dict[str, object]:
    to_traces = [{"name": "trace_id", "datasourceUid": JAEGER}] if JAEGER in addresses else []
    if page is not None:
        to_traces.append({"name": "trace_id", "url": f"{page.address}/trace/{_CLICKED}", "urlDisplayLabel": page.label})
    alerts = {"manageAlerts": True, "alertmanagerUid": ALERTMANAGER} if ALERTMANAGER in addresses else {}
    return {
        "httpMethod": "POST",
        "prometheusType": "Prometheus",
        "timeInterval": "1s",
        "exemplarTraceIdDestinations": to_traces,
        **alerts,
    }


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


def _to_logs(addresses: Mapping[str, str]) -> dict[str, object]:
    """From a span to what all services said in its trace: the one that explains it is often another's."""
    if LOKI not in addresses:
        return {}
    return {
        "tracesToLogsV2": {
            "datasourceUid": LOKI,
            "spanStartTimeShift": "-1m",
            "spanEndTimeShift": "1m",
            "customQuery": True,
            "query": f'{{service_namespace="{_NAMESPACE}"}} | trace_id="$${{__span.traceId}}"',
        }
    }


def _to_trace(addresses: Mapping[str, str]) -> list[dict[str, str]]:
    """From a line to its trace. Loki keeps the trace id of a record beside its text (structured metadata)."""
    if JAEGER not in addresses:
        return []
    field = {"name": "trace", "matcherType": "label", "matcherRegex": "trace_id", "url": _CLICKED}
    return [{**field, "datasourceUid": JAEGER, "urlDisplayLabel": "Its trace"}]
