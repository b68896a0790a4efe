"""What the patterns of an edge hold right now, asked of them whenever somebody reads the metrics: no call pays for a gauge."""

from collections.abc import Callable

from prometheus_client import Gauge

from observability.metrics import Metrics
from services.kit.balancer import LoadBalancer
from services.kit.resilience import breaker
from services.kit.resilience.pipeline import EdgePipeline

_STATE_VALUES = {breaker.CLOSED: 0, breaker.HALF_OPEN: 1, breaker.OPEN: 2}


def show(metrics: Metrics, pipeline: EdgePipeline, balancer: LoadBalancer) -> None:
    """Makes the gauges of an edge tell of these patterns, and of no others; a pattern that is off has none."""
    edge = pipeline.edge
    bulkhead, budget, throttle, guard = pipeline.bulkhead, pipeline.budget, pipeline.throttle, pipeline.breaker
    _set(metrics.bulkhead_in_use, edge, (lambda: bulkhead.in_use) if bulkhead else None)
    _set(metrics.bulkhead_waiting, edge, (lambda: bulkhead.waiting) if bulkhead else None)
    _set(metrics.budget_tokens, edge, (lambda: budget.tokens) if budget else None)
    _set(metrics.throttle_ratio, edge, (lambda: throttle.ratio) if throttle else None)
    _set(metrics.breaker_state, edge, (lambda: _STATE_VALUES[guard.state]) if guard else None)
    _set(metrics.ejected, edge, (lambda: balancer.left_out) if pipeline.policy.outlier_ejection else None)


def _set(gauge: Gauge, edge: str, value: Callable[[], float] | None) -> None:
    if value is None:
        gauge.remove(edge)
    else:
        gauge.labels(edge).set_function(value)
