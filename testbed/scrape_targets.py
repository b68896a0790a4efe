"""Whom Prometheus asks for metrics: files of its file-based discovery. A leaf; standard library only.

Prometheus reads every `*.json` in a system's folder of targets (testbed.run.RunFolder.targets), each written whole by one who
knows its targets: `system.json` by the supervisor, `load-<process>.json` by whoever starts a load (testbed.load_target).
"""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SYSTEM: Final = "system.json"

JOB_SERVICES: Final = "feastfast"
JOB_TELEMETRY: Final = "telemetry"
JOB_LOAD: Final = "load"
JOB_TESTBED: Final = "testbed"


@dataclass(frozen=True)
class ScrapeTarget:
    """One process with a /metrics, and the labels of everything that is read there.

    Attributes:
        address: Host and port, such as `127.0.0.1:40123`.
        job: What kind of process it is, one of the JOB_ names.
        service: Whose process it is; empty where the metrics themselves name services, whose labels would collide.
        instance: Which one, such as `orders/1`.
    """

    address: str
    job: str
    service: str
    instance: str

    def labels(self) -> dict[str, str]:
        """Without those that are empty, which Prometheus would take for absent as well."""
        pairs = {"job": self.job, "service": self.service, "instance": self.instance}
        return {name: value for name, value in pairs.items() if value}


def write_targets(path: Path, targets: Iterable[ScrapeTarget]) -> None:
    """Replaces the file at `path`, so that a reader never sees half of it. Raises OSError, leaving the old file."""
    groups = [{"targets": [target.address], "labels": target.labels()} for target in targets]
    temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        temporary.write_text(json.dumps(groups), encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
