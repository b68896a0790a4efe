"""Histograms for what happens on the path of every request: times in buckets, with the trace of a recent one as exemplar.

prometheus_client's take 4.8 microseconds an observation with its labels and an exemplar, because they lock, look a bucket up one
by one and check each exemplar anew; these take a tenth of that (benchmarks/metrics.py). Registered with that library and
written out by it.
"""

import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from opentelemetry import trace
from prometheus_client import CollectorRegistry
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar, Sample
from prometheus_client.utils import floatToGoString

EXEMPLAR_EVERY_S = 0.25
"""For each bucket. A scrape takes the latest alone, so that whoever looks every second sees one of its last quarter."""
RETRY_AFTER_S = 0.005
"""After an observation without a recorded trace, of which there may be many: to look for it takes longer than the rest."""


class Times:
    """One series: how many observations each bucket has. Written by one thread, the event loop's."""

    __slots__ = ("_bounds", "_next_s", "counts", "exemplars", "total_s")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.exemplars: list[tuple[int, float, float] | None] = [None] * (len(bounds) + 1)
        """Trace id, value and Unix time."""
        self._next_s = [float("-inf")] * (len(bounds) + 1)
        self.total_s = 0.0

    def observe(self, began_s: float, ended_s: float) -> None:
        """Takes one duration, between two readings of a monotonic clock; the current trace may become its exemplar."""
        duration_s = ended_s - began_s
        bucket = bisect_left(self._bounds, duration_s)
        self.counts[bucket] += 1
        self.total_s += duration_s
        if ended_s >= self._next_s[bucket]:
            self._mark(bucket, duration_s, ended_s)

    def _mark(self, bucket: int, duration_s: float, ended_s: float) -> None:
        context = trace.get_current_span().get_span_context()
        if context.trace_flags.sampled:
            self.exemplars[bucket] = (context.trace_id, duration_s, time.time())
            self._next_s[bucket] = ended_s + EXEMPLAR_EVERY_S
        else:
            self._next_s[bucket] = ended_s + RETRY_AFTER_S


class TimesHistogram(Collector):
    """All series of one metric.

    Args:
        name: Of the metric.
        text: What it tells.
        labels: Their names.
        bounds: Upper bounds of the buckets in seconds, ascending, without infinity.
        registry: Where it is registered.
    """

    def __init__(self, name: str, text: str, labels: Sequence[str], bounds: Sequence[float], registry: CollectorRegistry) -> None:
        self._name = name
        self._text = text
        self._labels = tuple(labels)
        self._bounds = tuple(map(float, bounds))
        self._shown_bounds = [floatToGoString(bound) for bound in (*self._bounds, float("inf"))]  # type: ignore[no-untyped-call]
        self._series: dict[tuple[str, ...], Times] = {}
        registry.register(self)

    def labels(self, *values: str) -> Times:
        """The series with these label values, at zero if there was none; whoever asks often keeps it."""
        found = self._series.get(values)
        if found is None:
            if len(values) != len(self._labels):
                raise ValueError(f"{self._name} has the labels {', '.join(self._labels)}, not {len(values)}")
            found = self._series[values] = Times(self._bounds)
        return found

    def describe(self) -> Iterable[HistogramMetricFamily]:
        """The registry's question when the metric is registered."""
        return [HistogramMetricFamily(self._name, self._text, labels=self._labels)]

    def collect(self) -> Iterable[HistogramMetricFamily]:
        """All series as of now."""
        family = HistogramMetricFamily(self._name, self._text, labels=self._labels)
        for values, times in self._series.items():
            family.samples.extend(self._samples(dict(zip(self._labels, values, strict=True)), times))
        return [family]

    def _samples(self, labels: dict[str, str], times: Times) -> Iterator[Sample]:
        below = 0
        bucket_name = f"{self._name}_bucket"
        for shown, count, exemplar in zip(self._shown_bounds, times.counts, times.exemplars, strict=True):
            below += count
            yield Sample(bucket_name, {**labels, "le": shown}, below, None, _shown(exemplar))
        yield Sample(f"{self._name}_count", labels, below)
        yield Sample(f"{self._name}_sum", labels, times.total_s)


def _shown(exemplar: tuple[int, float, float] | None) -> Exemplar | None:
    if exemplar is None:
        return None
    trace_id, duration_s, at_s = exemplar
    return Exemplar({"trace_id": f"{trace_id:032x}"}, duration_s, round(at_s, 3))
