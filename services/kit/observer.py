"""What chaos does inside a service, in the service's own telemetry."""

from opentelemetry import trace

from observability import names
from observability.metrics import Metrics, current_exemplar


class ChaosTelemetry:
    """Implements chaos.inject's Observer: every injection is an event of the span that it hits, and a count."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def injected(self, lease_id: str, fault: str, target: str) -> None:
        """A fault of kind `fault` begins on the current request."""
        trace.get_current_span().add_event(
            names.EVENT_CHAOS, {names.ATTR_CHAOS_FAULT: fault, names.ATTR_CHAOS_LEASE: lease_id, "target": target}
        )
        self._metrics.injections.labels(fault, target).inc(exemplar=current_exemplar())
