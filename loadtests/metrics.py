"""What the load generator counts for Prometheus: arrivals, what became of them, and how late it was itself.

Every journey and step that a run may have is there from its start, at zero: a counter that appears with its first failure would
hide it from `rate`.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Final, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics

from loadtests.journeys import JOURNEYS
from loadtests.recorder import Outcome, RequestRecord

# As observability/names.py spells them, which this package must not import; a test compares the two.
ARRIVALS: Final = "load_arrivals_total"
JOURNEYS_ENDED: Final = "load_journeys_total"
DURATION: Final = "load_journey_duration_seconds"
REQUESTS: Final = "load_requests_total"
LATENESS: Final = "load_lateness_seconds"
IN_FLIGHT: Final = "load_journeys_in_flight"
TARGET_RATE: Final = "load_target_arrivals_per_second"

DURATION_BUCKETS_S: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
LATENESS_BUCKETS_S: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.1, 1)
"""Around the 2 ms that are promised and the 10 ms beyond which a run proves nothing."""
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)
_WAITED_FOR: Final[frozenset[Outcome]] = frozenset({"ok", "abandoned"})


class LoadMetrics:
    """The instruments of one load generator; they outlive its runs, so that a counter never falls."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # A series each that nobody asks for. The library is untyped here.
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        text = "Arrivals whose instant came."
        self._arrivals = Counter(ARRIVALS.removesuffix("_total"), text, ["journey"], registry=registry)
        text = "Journeys that have ended, by the outcome of their last step."
        self._journeys = Counter(JOURNEYS_ENDED.removesuffix("_total"), text, ["journey", "outcome"], registry=registry)
        text = "From the intended instant to the end, of journeys that were served or given up."
        self._duration = Histogram(DURATION, text, ["journey"], buckets=DURATION_BUCKETS_S, registry=registry)
        text = "Requests by step and outcome."
        self._requests = Counter(REQUESTS.removesuffix("_total"), text, ["journey", "step", "outcome"], registry=registry)
        text = "How much later than intended a journey's first request was sent."
        self._lateness = Histogram(LATENESS, text, buckets=LATENESS_BUCKETS_S, registry=registry)
        self._in_flight = Gauge(IN_FLIGHT, "Journeys under way.", registry=registry)
        text = "Arrivals that are asked for now, on average."
        self._target = Gauge(TARGET_RATE, text, ["journey"], registry=registry)

    def follow(self, journeys: Iterable[str], in_flight: Callable[[], int], target: Callable[[str], float]) -> None:
        """Tells of another run from now on.

        Args:
            journeys: Those of its mix.
            in_flight: How many journeys are under way.
            target: Arrivals a second that are asked for now, of a journey.
        """
        self._target.clear()
        self._in_flight.set_function(in_flight)
        for journey in journeys:
            self._arrivals.labels(journey)
            self._duration.labels(journey)
            self._target.labels(journey).set_function(partial(target, journey))
            for outcome in OUTCOMES:
                self._journeys.labels(journey, outcome)
                for step in JOURNEYS[journey].steps:
                    self._requests.labels(journey, step, outcome)

    def arrived(self, journey: str) -> None:
        """The instant of an arrival has come."""
        self._arrivals.labels(journey).inc()

    def ended(self, record: RequestRecord, arrival_s: float) -> None:
        """A request has ended, of a journey that was to begin at `arrival_s`.

        A journey that was refused took no time that says anything, and would flatter the rest. One that was given up lasted at
        least as long as its customer's patience.
        """
        journey = record.journey
        self._requests.labels(journey, record.step, record.outcome).inc()
        if record.step == JOURNEYS[journey].steps[0]:
            self._lateness.observe(record.sent - arrival_s)
        if record.last:
            self._journeys.labels(journey, record.outcome).inc()
            if record.outcome in _WAITED_FOR:
                self._duration.labels(journey).observe(record.done - arrival_s, {"trace_id": record.trace_id})
