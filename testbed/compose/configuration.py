"""What Prometheus and Grafana are told in containers: written from the map and from what the local ones are told.

python -m testbed.compose.configuration     # writes deploy/compose anew, as `make rules` does

The files are committed, and a test compares them with what this module makes. Addresses are those of Compose services: a
replica is `orders-2`, and everybody listens on the port that the image documents.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import yaml

from observability import names
from services.topology import Topology, load_topology
from testbed.scrape_targets import JOB_LOAD, JOB_SERVICES, ScrapeTarget
from testbed.stack.grafana_files import HOME, JAEGER, LOKI, Place, TracePage, data_sources, provider, settings
from testbed.stack.programs import ALERTMANAGER, PROMETHEUS
from testbed.stack.prometheus import MAX_SAMPLES, prometheus_file

FOLDER: Final = Path(__file__).parents[2] / "deploy" / "compose"
SERVICE_PORT: Final = 8_080
"""Where every replica listens in its container."""
TARGETS: Final = FOLDER / "targets"
"""Folder of targets on this machine, as testbed.run.RunFolder.targets is a local system's."""
LOAD_SERVICE: Final = "locust-worker"
LOAD_METRICS_PORT: Final = 9_646
ADDRESSES: Final = {
    PROMETHEUS: "http://prometheus:9090",
    JAEGER: "http://jaeger:16686",
    ALERTMANAGER: "http://alertmanager:9093",
    LOKI: "http://loki:3100",
}
_RULES: Final = ("/etc/prometheus/rules.yaml", "/etc/prometheus/replicas.yaml")
_DASHBOARDS: Final = "/etc/firebreak/dashboards"
_TARGETS: Final = "/etc/prometheus/targets"
_MADE: Final = "Made by `make rules` from services/topology.yaml and testbed/compose/configuration.py. Change those, not this.\n"
_LOOK_UP: Final = "5s"


def generated(topology: Topology) -> dict[Path, str]:
    """Every generated file, by its path below deploy/compose."""
    page = TracePage("http://127.0.0.1:${FIREBREAK_JAEGER_PORT}", "Trace in Jaeger")
    return {
        Path("prometheus.yaml"): f"# {_MADE}{_prometheus(topology)}",
        Path("replicas.yaml"): f"# {_MADE}{_replica_rules()}",
        Path("grafana", "grafana.ini"): f"; {_MADE}{settings(_GRAFANA, {})}",
        Path("grafana", "data-sources.yaml"): f"# {_MADE}{data_sources(ADDRESSES, page)}",
        Path("grafana", "dashboards.yaml"): f"# {_MADE}{provider(_DASHBOARDS)}",
    }


def write(folder: Path, files: Mapping[Path, str]) -> list[Path]:
    """Writes them below `folder`. Raises OSError."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return [folder / path for path in files]


def _prometheus(topology: Topology) -> str:
    targets = [
        ScrapeTarget(f"{service}-{replica}:{SERVICE_PORT}", JOB_SERVICES, service, f"{service}/{replica}")
        for service, described in topology.services.items()
        for replica in range(1, described.replicas + 1)
    ]
    system = {
        "job_name": "system",
        "sample_limit": MAX_SAMPLES,
        "static_configs": [{"targets": [target.address], "labels": target.labels()} for target in targets],
    }
    return prometheus_file(scrapes=[system, _LOAD, _FROM_HERE], rules=_RULES, labels={}, alertmanager="alertmanager:9093")


def _replica_rules() -> str:
    """How many replicas are up and down, as a local system's supervisor says; here nobody but Prometheus knows of all of them."""
    up = f'up{{job="{JOB_SERVICES}"}}'
    none = f"0 * count by (service) ({up})"
    rules = [
        {
            "record": names.TESTBED_REPLICAS,
            "expr": f"count by (service) ({up} == {value}) or {none}",
            "labels": {names.LABEL_STATE: state},
        }
        for state, value in (("up", 1), ("down", 0))
    ]
    return yaml.safe_dump({"groups": [{"name": "replicas", "rules": rules}]}, sort_keys=False)


_LOAD: Final[Mapping[str, object]] = {
    "job_name": JOB_LOAD,
    "sample_limit": MAX_SAMPLES,
    # Any number of workers share the name, and nobody has it while no load runs.
    "dns_sd_configs": [{"names": [LOAD_SERVICE], "type": "A", "port": LOAD_METRICS_PORT, "refresh_interval": _LOOK_UP}],
    "relabel_configs": [
        {"target_label": "service", "replacement": "load"},
        {"source_labels": ["__address__"], "regex": "(.+):.+", "target_label": "instance", "replacement": "load/$1"},
    ],
}

_FROM_HERE: Final[Mapping[str, object]] = {
    "job_name": "host",
    "sample_limit": MAX_SAMPLES,
    # Loads that this machine sends, such as an experiment's: files of testbed.load_target.
    "file_sd_configs": [{"files": [f"{_TARGETS}/*.json"], "refresh_interval": _LOOK_UP}],
}

_GRAFANA: Final = Place(
    host="0.0.0.0",  # noqa: S104 - of its container, of which compose.yaml publishes 127.0.0.1 alone.
    port=3_000,
    root_url="http://127.0.0.1:3000/",  # compose.yaml says so where .env names another port.
    data="/var/lib/grafana",
    plugins="/var/lib/grafana/plugins",
    logs="/var/log/grafana",
    provisioning="/etc/grafana/provisioning",
    home=f"{_DASHBOARDS}/{HOME}",
)


if __name__ == "__main__":
    sys.stdout.write("".join(f"{path}\n" for path in write(FOLDER, generated(load_topology()))))
