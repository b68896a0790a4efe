"""Metrics: every instrument of a process in one registry."""

from opentelemetry import trace
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics

from observability import names
from observability.histogram import TimesHistogram
from observability.live_gauge import LiveGauge

BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
"""The boundaries that OpenTelemetry's HTTP conventions advise."""
LAG_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1)
"""Finer: a loop that is late by 25 ms is already what a request at the 99th percentile waits for."""


class Metrics:
    """The instruments of one process, registered once."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # One more line for each series that nobody asks for.
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        server = [names.LABEL_METHOD, names.LABEL_ROUTE, names.LABEL_STATUS]
        client = [names.LABEL_EDGE, names.LABEL_STATUS, names.LABEL_TRAFFIC]
        edge = [names.LABEL_EDGE]
        self.server_duration = self._times(names.HTTP_SERVER_DURATION, "Time to answer a request.", server)
        self.client_duration = self._times(names.HTTP_CLIENT_DURATION, "Time of one attempt.", client)
        self.calls = self._counter(
            names.RESILIENCE_CALLS,
            "Calls between services, retries not counted.",
            [*edge, names.LABEL_OUTCOME, names.LABEL_TRAFFIC],
        )
        self.retries = self._counter(names.RESILIENCE_RETRIES, "Retries made and denied.", [*edge, names.LABEL_DECISION])
        self.breaker_transitions = self._counter(
            names.RESILIENCE_BREAKER_TRANSITIONS, "Changes of a breaker's state.", [*edge, names.LABEL_TO]
        )
        self.breaker_state = Gauge(names.RESILIENCE_BREAKER_STATE, "0 closed, 1 half-open, 2 open.", edge, registry=self.registry)
        self.rejections = self._counter(
            names.RESILIENCE_REJECTIONS, "Calls and attempts that a pattern did not let through.", [*edge, names.LABEL_PATTERN]
        )
        self.hedges = self._counter(names.RESILIENCE_HEDGES, "Hedges, by what became of them.", [*edge, names.LABEL_OUTCOME])
        self.bulkhead_in_use = self._gauge(names.RESILIENCE_BULKHEAD_IN_USE, "Calls under way over an edge.", edge)
        self.bulkhead_waiting = self._gauge(names.RESILIENCE_BULKHEAD_WAITING, "Calls that wait for a place.", edge)
        self.budget_tokens = self._gauge(names.RESILIENCE_BUDGET_TOKENS, "Tokens left for retries and hedges.", edge)
        self.throttle_ratio = self._gauge(names.RESILIENCE_THROTTLE_RATIO, "Probability that a call is not sent.", edge)
        self.fallbacks = self._counter(names.RESILIENCE_FALLBACKS, "Answers made by a fallback.", [*edge, names.LABEL_KIND])
        self.ejections = self._counter(
            names.RESILIENCE_EJECTIONS, "Replicas that an edge began to leave out.", [*edge, names.LABEL_REPLICA]
        )
        self.ejected = self._gauge(names.RESILIENCE_EJECTED, "Replicas that an edge leaves out now.", edge)
        self.limit = self._gauge(names.RESILIENCE_LIMIT, "Requests that may be worked on at once; +Inf: no limit.", [])
        self.limit_in_flight = self._gauge(names.RESILIENCE_LIMIT_IN_FLIGHT, "Requests that are, as the limit counts them.", [])
        self.shed = self._counter(names.RESILIENCE_SHED, "Requests without room under the limit.", [names.LABEL_URGENCY])
        self.abandoned = self._counter(
            names.RESILIENCE_ABANDONED, "Requests cancelled because their caller left.", [names.LABEL_ROUTE]
        )
        event = [names.LABEL_EVENT, names.LABEL_DESTINATION]
        self.outbox_pending = Gauge(
            names.OUTBOX_PENDING, "Events not yet sent.", [names.LABEL_DESTINATION], registry=self.registry
        )
        self.outbox_sent = self._counter(names.OUTBOX_SENT, "Events that arrived at a destination.", event)
        self.outbox_failed = self._counter(names.OUTBOX_ATTEMPTS_FAILED, "Sendings that will be tried again.", event)
        self.inbox_events = self._counter(
            names.INBOX_EVENTS, "Events that arrived, by what became of them.", [names.LABEL_EVENT, names.LABEL_OUTCOME]
        )
        self.dead_letters = Gauge(names.DEAD_LETTERS, "Events that could not be handled.", registry=self.registry)
        self.sagas_open = Gauge(names.SAGAS_OPEN, "Sagas that are neither done nor undone.", registry=self.registry)
        self.sagas_finished = self._counter(names.SAGAS_FINISHED, "Sagas done and undone.", [names.LABEL_OUTCOME])
        self.sagas_taken = self._counter(names.SAGAS_TAKEN_OVER, "Sagas that another worker had left.", [names.LABEL_STATE])
        external = [names.LABEL_EXTERNAL]
        self.external_slots = Gauge(
            names.EXTERNAL_SLOTS, "Calls that a system outside takes at once.", external, registry=self.registry
        )
        self.external_slots_used = Gauge(
            names.EXTERNAL_SLOTS_USED, "Calls that a system outside is busy with.", external, registry=self.registry
        )
        self.external_waiting = Gauge(
            names.EXTERNAL_WAITING, "Calls that wait for a slot of a system outside.", external, registry=self.registry
        )
        self.injections = self._counter(names.CHAOS_INJECTIONS, "Faults injected.", [names.LABEL_FAULT, names.LABEL_TARGET])
        fault = [names.LABEL_FAULT, names.LABEL_PLACE]
        self.active_faults = LiveGauge(names.CHAOS_ACTIVE, "Faults in force here.", fault, self.registry)
        self.policy_leases = Gauge(names.RESILIENCE_POLICY_LEASES, "Changes of policies in force here.", registry=self.registry)
        self._use_of_process()

    def _use_of_process(self) -> None:
        """Use, saturation and errors of what a process has: its loop, its connections, its queues of telemetry."""
        registry, state, signal = self.registry, names.LABEL_STATE, [names.LABEL_SIGNAL]
        traffic, pool = [names.LABEL_TRAFFIC], [names.LABEL_POOL]
        self.loop_lag = Histogram(
            names.LOOP_LAG, "How much later than asked for a timer is called.", buckets=LAG_BUCKETS_S, registry=registry
        )
        self.server_active = self._gauge(names.HTTP_SERVER_ACTIVE, "Requests under way.", [])
        text = "Connections to other services."
        self.client_connections = LiveGauge(names.HTTP_CLIENT_CONNECTIONS, text, [state, *traffic], registry)
        text = "Connections to other services that there may be."
        self.client_connections_max = LiveGauge(names.HTTP_CLIENT_CONNECTIONS_MAX, text, traffic, registry)
        text = "Attempts that wait for a connection."
        self.client_pending = LiveGauge(names.HTTP_CLIENT_PENDING, text, traffic, registry)
        self.db_connections = LiveGauge(names.DB_CONNECTIONS, "Connections to the database.", [state, *pool], registry)
        text = "Connections to the database that there may be."
        self.db_connections_max = LiveGauge(names.DB_CONNECTIONS_MAX, text, pool, registry)
        self.db_pending = LiveGauge(names.DB_PENDING, "Who waits for a connection to the database.", pool, registry)
        self.telemetry_queue = LiveGauge(names.TELEMETRY_QUEUE, "Spans or log records that wait to be sent.", signal, registry)
        self.telemetry_capacity = LiveGauge(names.TELEMETRY_QUEUE_CAPACITY, "How many of them may wait.", signal, registry)
        text = "Spans or log records that never reached the collector."
        self.telemetry_dropped = self._counter(names.TELEMETRY_DROPPED, text, signal)
        for each in (names.SIGNAL_TRACES, names.SIGNAL_LOGS):
            self.telemetry_dropped.labels(each)

    def _counter(self, name: str, text: str, labels: list[str]) -> Counter:
        return Counter(name.removesuffix("_total"), text, labels, registry=self.registry)

    def _times(self, name: str, text: str, labels: list[str]) -> TimesHistogram:
        return TimesHistogram(name, text, labels, BUCKETS_S, self.registry)

    def _gauge(self, name: str, text: str, labels: list[str]) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)


def current_exemplar() -> dict[str, str] | None:
    """The current trace id as an exemplar's label, when the trace is sampled."""
    context = trace.get_current_span().get_span_context()
    return {"trace_id": f"{context.trace_id:032x}"} if context.trace_flags.sampled else None
