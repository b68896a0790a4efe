"""What every instance's /metrics said at the marks of the phases, and how much its counters grew in between."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from chaos.experiment.errors import EvidenceError

_COUNTER_SUFFIX = "_total"
SCRAPE_LEAD_S = 1.0
"""The start and the end of the fault are read so long before it strikes and ends, so that reading them does not delay it."""


class Mark(StrEnum):
    """When metrics are read."""

    BASELINE_START = "baseline_start"
    FAULT_START = "fault_start"
    FAULT_BEGUN = "fault_begun"
    """Right after it struck: what is counted from here on is of the fault alone."""
    FAULT_END = "fault_end"
    RECOVERY_END = "recovery_end"
    SETTLED = "settled"


Labels = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Samples:
    """One instance's samples of one instant: value by name and labels. Metrics of other kinds than ours are left out."""

    values: Mapping[str, Mapping[Labels, float]]

    @classmethod
    def parse(cls, text: str) -> "Samples":
        """Reads the Prometheus text format. Raises ValueError for anything else."""
        values: dict[str, dict[Labels, float]] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                values.setdefault(sample.name, {})[frozenset(sample.labels.items())] = sample.value
        return cls(values)

    def total(self, name: str, labels: Mapping[str, str]) -> float:
        """Sum of `name` over all series that have `labels`."""
        wanted = labels.items()
        return sum(value for each, value in self.values.get(name, {}).items() if wanted <= dict(each).items())


@dataclass(frozen=True)
class MetricsRecord:
    """Samples by mark and instance. An instance that did not answer at a mark is not there."""

    marks: Mapping[Mark, Mapping[str, Samples]] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> "MetricsRecord":
        """Reads `<mark>/<service>-<replica>.txt`. Raises EvidenceError for a file that is no metrics."""
        marks: dict[Mark, dict[str, Samples]] = {}
        for mark in Mark:
            marks[mark] = {}
            for path in sorted((folder / mark).glob("*.txt")):
                service, _, replica = path.stem.rpartition("-")
                try:
                    marks[mark][f"{service}/{replica}"] = Samples.parse(path.read_text(encoding="utf-8"))
                except (OSError, ValueError) as error:
                    raise EvidenceError(f"{path}: is not in the Prometheus text format: {error}") from None
        return cls(marks)

    def instances(self, service: str, at: Mark) -> frozenset[str]:
        """Names of those of `service` that were read at a mark."""
        return frozenset(instance for instance in self.marks.get(at, {}) if instance.rpartition("/")[0] == service)

    def growth(self, name: str, labels: Mapping[str, str], service: str, since: Mark, until: Mark) -> float:
        """How much a counter of all instances of `service` grew between two marks.

        A counter that fell was restarted from 0 with its process, so its new value is its growth (as in Prometheus' `increase`).
        """
        growth = 0.0
        before, after = self.marks.get(since, {}), self.marks.get(until, {})
        for instance, samples in after.items():
            if instance.rpartition("/")[0] == service:
                now = samples.total(name, labels)
                earlier = before[instance].total(name, labels) if instance in before else 0.0
                growth += now - earlier if now >= earlier else now
        return growth

    def label_values(self, name: str, label: str, service: str, at: Mark) -> frozenset[str]:
        """Every value that `label` of `name` has in any instance of `service` at a mark."""
        return frozenset(
            dict(each)[label]
            for instance, samples in self.marks.get(at, {}).items()
            if instance.rpartition("/")[0] == service
            for each in samples.values.get(name, {})
            if label in dict(each)
        )
