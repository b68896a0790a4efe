"""Every metric that may be asked for, with its labels, as the instruments themselves are made."""

import re
from pathlib import Path

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.metrics import MetricWrapperBase

from loadtests.metrics import LoadMetrics
from observability import names
from observability.histogram import TimesHistogram
from observability.live_gauge import LiveGauge
from observability.metrics import Metrics
from observability.store.store_metrics import StoreMetrics
from testbed.system_metrics import SystemMetrics

OF_TARGETS = {"job", "service", "instance"}
OF_HISTOGRAMS = {"le"}
RULES = sorted((Path(names.__file__).parent / "stack" / "prometheus" / "rules").glob("*.yaml"))
_RECORDED = {"slo", "kind", "journey", "service"}
"""Labels of what the rules record; tests/observability/slo hold the rules to them."""
OF_PROMETHEUS = {
    names.UP: set[str](),
    names.ALERTS: {"alertname", "alertstate", "severity", *_RECORDED},
}


def metrics(folder: Path) -> dict[str, set[str]]:
    """By family's name the labels that a metric may be asked by. `folder` is for a store of the moment."""
    known = {name: set(labels) for name, labels in OF_PROMETHEUS.items()}
    for registry in (Metrics().registry, LoadMetrics().registry, StoreMetrics(folder / "store.sqlite", 1)._registry):
        known |= _registered(registry)
    for kept in SystemMetrics((), ()).collect():
        known[_exposed(kept.name, kept.type)] = set(getattr(kept, "_labelnames", ()))
    known |= {name: _RECORDED for path in RULES for name in re.findall(r"record: (\S+)", path.read_text(encoding="utf-8"))}
    return {name: labels | OF_TARGETS | OF_HISTOGRAMS for name, labels in known.items()}


def _registered(registry: CollectorRegistry) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for collector in registry._collector_to_names:
        if isinstance(collector, MetricWrapperBase):
            found[_exposed(collector._name, collector._type)] = set(collector._labelnames)
        elif isinstance(collector, LiveGauge | TimesHistogram):
            found[collector._name] = set(collector._labels)
        elif isinstance(collector, ProcessCollector):
            found |= {_exposed(family.name, family.type): set[str]() for family in collector.collect()}
    return found


def _exposed(name: str, kind: str | None) -> str:
    return f"{name}_total" if kind == "counter" else name
