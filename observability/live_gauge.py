"""A gauge that is read when somebody reads the metrics: nobody pays for it on the path of a request."""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

Read = Callable[[], Iterable[tuple[tuple[str, ...], float]]]
"""Label values, in the order of the gauge's labels, and the value of each series. Must neither block nor raise."""


class LiveGauge(Collector):
    """A gauge whose series are what its sources say at the moment of a scrape; without a source it has none.

    Args:
        name: Of the metric.
        text: What it tells.
        labels: Their names.
        registry: Where it is registered.
    """

    def __init__(self, name: str, text: str, labels: Iterable[str], registry: CollectorRegistry) -> None:
        self._name = name
        self._text = text
        self._labels = tuple(labels)
        self._sources: list[Read] = []
        registry.register(self)

    def read_from(self, source: Read) -> None:
        """Adds the series of `source`, which no other source may have."""
        self._sources.append(source)

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """The registry's question when the gauge is registered: its name, without asking any source."""
        return [self._family()]

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """All series as of now."""
        family = self._family()
        for source in self._sources:
            for values, value in source():
                family.add_metric(values, value)
        return [family]

    def _family(self) -> GaugeMetricFamily:
        return GaugeMetricFamily(self._name, self._text, labels=self._labels)
