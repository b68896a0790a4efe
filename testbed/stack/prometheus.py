"""How a system's own Prometheus runs: whom it asks, how much it keeps, and nobody else's business."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import yaml

from testbed.ports import HOST
from testbed.stack.program_plan import ProgramPlan
from testbed.stack.programs import PROMETHEUS

SCRAPE_INTERVAL: Final = "1s"
"""Faults last seconds here, and alerts are to come within seconds."""
RETENTION_TIME: Final = "6h"
RETENTION_SIZE: Final = "256MB"
"""Of its blocks. What is younger than a block is in its log of writes besides."""
BLOCK_DURATION: Final = "10m"
"""Blocks of two hours, the default, would let the log of writes and its memory grow for three before it drops anything."""
WAL_SEGMENT_SIZE: Final = "16MB"
"""It drops whole segments of that log, and keeps the newest third of them: small ones let it drop more."""
CHUNK_SEGMENT_SIZE: Final = "64MB"
"""Of a block. Prometheus takes the disk space of a whole one at once, which has to be within testbed.leash.MAX_FILE_BYTES."""
MAX_SAMPLES: Final = 20_000
"""Of one answer to a scrape. A service of FeastFast has about a thousand; a target gone mad is cut off, and shown as down."""
BOUNDS: Final = {
    "--storage.tsdb.retention.time": RETENTION_TIME,
    "--storage.tsdb.retention.size": RETENTION_SIZE,
    "--storage.tsdb.min-block-duration": BLOCK_DURATION,
    "--storage.tsdb.max-block-duration": BLOCK_DURATION,
    "--storage.tsdb.wal-segment-size": WAL_SEGMENT_SIZE,
    "--storage.tsdb.max-block-chunk-segment-size": CHUNK_SEGMENT_SIZE,
    "--enable-feature": "exemplar-storage",
    "--log.level": "warn",
}
"""Options of every Prometheus of ours, in containers too."""
_CONFIGURATION: Final = "prometheus.yaml"
_RULES: Final = "rules.yaml"


def plan_prometheus(
    program: Path,
    port: int,
    folder: Path,
    *,
    targets: Path,
    labels: Mapping[str, str],
    rules: Callable[[], str],
    alertmanager_port: int | None,
    note: str = "",
) -> ProgramPlan:
    """The plan of Prometheus.

    Args:
        program: The binary.
        port: Where it listens.
        folder: Its own folder.
        targets: Folder of discovery files (testbed.scrape_targets).
        labels: Of everything that leaves it, such as the run's.
        rules: Makes the text of its rule file.
        alertmanager_port: Whom it tells of alerts; nobody when None.
        note: What people should know of how it runs.
    """
    arguments = {
        "--config.file": folder / _CONFIGURATION,
        "--storage.tsdb.path": folder / "data",
        **BOUNDS,
        "--web.listen-address": f"{HOST}:{port}",
        "--web.external-url": f"http://{HOST}:{port}",  # Otherwise alerts link to this machine's name.
        "--web.cors.origin": f"http://{HOST}:{port}",  # Otherwise every page that the reader's browser opens may ask it.
    }
    return ProgramPlan(
        name=PROMETHEUS,
        arguments=(str(program), *(f"{name}={value}" for name, value in arguments.items())),
        port=port,
        ready_path="/-/ready",
        folder=folder,
        files=lambda: {_CONFIGURATION: _configuration(targets, labels, alertmanager_port), _RULES: rules()},
        note=note,
    )


def _configuration(targets: Path, labels: Mapping[str, str], alertmanager_port: int | None) -> str:
    discovery = {"files": [f"{targets.absolute()}/*.json"], "refresh_interval": SCRAPE_INTERVAL}
    # Job, service and instance stand with each target, and win over labels of these names in the metrics themselves.
    scrapes = [{"job_name": "system", "sample_limit": MAX_SAMPLES, "file_sd_configs": [discovery]}]
    return prometheus_file(
        scrapes=scrapes, rules=(_RULES,), labels=labels, alertmanager=f"{HOST}:{alertmanager_port}" if alertmanager_port else ""
    )


def prometheus_file(
    *, scrapes: Sequence[Mapping[str, object]], rules: Sequence[str], labels: Mapping[str, str], alertmanager: str
) -> str:
    """The text of Prometheus' configuration, wherever it runs.

    Args:
        scrapes: Whom it asks, in Prometheus' own words.
        rules: Paths of its rule files.
        labels: Of everything that leaves it; those without a value are left out.
        alertmanager: Host and port of whom it tells of alerts; nobody when empty.
    """
    document = {
        "global": {
            "scrape_interval": SCRAPE_INTERVAL,
            "scrape_timeout": SCRAPE_INTERVAL,
            "evaluation_interval": SCRAPE_INTERVAL,
            "external_labels": {name: value for name, value in labels.items() if value},
        },
        "rule_files": list(rules),
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}] if alertmanager else []},
        "scrape_configs": list(scrapes),
    }
    return yaml.safe_dump(document, sort_keys=False)
