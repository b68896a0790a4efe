"""Where the patterns' decisions go: an event on the current span, a count, and a log line for the rare ones."""

import logging

from opentelemetry import trace

from observability import names
from observability.metrics import Metrics, current_exemplar
from services.kit.counters import GRANTED
from services.kit.resilience.decision import Decision, Verb

_log = logging.getLogger(__name__)
_EVENTS = {
    Verb.RETRY: names.EVENT_RETRY,
    Verb.RETRY_DENIED: names.EVENT_RETRY_DENIED,
    Verb.HEDGE: names.EVENT_HEDGE,
    Verb.WAITED: names.EVENT_WAITED,
    Verb.BREAKER: names.EVENT_BREAKER,
    Verb.EJECTED: names.EVENT_EJECTED,
    Verb.READMITTED: names.EVENT_READMITTED,
    Verb.REJECTED: names.EVENT_REJECTED,
    Verb.CACHED: names.EVENT_CACHED,
    Verb.FALLBACK: names.EVENT_FALLBACK,
}


class TelemetrySink:
    """Makes every decision visible."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def decided(self, decision: Decision) -> None:
        """Takes one decision, inside the call that it concerns."""
        trace.get_current_span().add_event(
            _EVENTS[decision.verb],
            {names.ATTR_EDGE: decision.edge, names.ATTR_REASON: decision.reason, "decision": decision.detail},
        )
        exemplar = current_exemplar()
        match decision.verb:
            case Verb.RETRY:
                self._metrics.retries.labels(decision.edge, GRANTED).inc(exemplar=exemplar)
            case Verb.RETRY_DENIED:
                self._metrics.retries.labels(decision.edge, decision.detail).inc(exemplar=exemplar)
            case Verb.FALLBACK:
                self._metrics.fallbacks.labels(decision.edge, decision.detail).inc(exemplar=exemplar)
                trace.get_current_span().set_attribute(names.ATTR_DEGRADED, decision.detail)
            case Verb.BREAKER:
                self._metrics.breaker_transitions.labels(decision.edge, decision.detail).inc(exemplar=exemplar)
                _log.warning("breaker of %s is %s (%s)", decision.edge, decision.detail, decision.reason)
            case Verb.EJECTED:
                self._metrics.ejections.labels(decision.edge, decision.detail).inc(exemplar=exemplar)
                _log.warning("%s leaves out %s (%s)", decision.edge, decision.detail, decision.reason)
            case Verb.READMITTED:
                _log.warning("%s takes %s in again (%s)", decision.edge, decision.detail, decision.reason)
            case Verb.REJECTED:
                self._metrics.rejections.labels(decision.edge, decision.detail).inc(exemplar=exemplar)
            case Verb.HEDGE:
                self._metrics.hedges.labels(decision.edge, decision.detail).inc(exemplar=exemplar)
            case Verb.CACHED | Verb.WAITED:
                pass  # resilience_calls_total{outcome="cached"} counts the one, resilience_bulkhead_waiting shows the other.
