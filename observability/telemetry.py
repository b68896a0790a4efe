"""The telemetry of one process: built once by whoever starts it, passed to whoever needs it, no globals."""

import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import FastAPI
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.trace import Tracer

from observability import names
from observability.batches import MAX_QUEUED_SPANS, CountedProcessor, exporting_thread
from observability.exporter.handover import MAX_WAITING_SPANS, Handover
from observability.log_export import MAX_QUEUED_RECORDS, exporting_records, logger_provider
from observability.log_options import collector_of_logs
from observability.logs import configure_logging
from observability.metrics import Metrics
from observability.propagation import carry_known_baggage
from observability.redaction import Redactor
from observability.trace_options import TraceOptions, TracePath
from observability.tracing import observe_requests, tracer_provider

FLUSH_TIMEOUT_S = 2.0
"""On shutdown; a dead collector must not hold a process that was told to end."""


@dataclass(frozen=True)
class Origin:
    """Whose telemetry it is: the resource attributes of spans and logs."""

    service: str
    instance: str
    run: str = ""
    arm: str = ""

    @property
    def resource(self) -> Resource:
        """OpenTelemetry's resource."""
        attributes = {"service.name": self.service, "service.instance.id": self.instance, "service.namespace": "feastfast"}
        if self.run:
            attributes[names.ATTR_RUN] = self.run
        if self.arm:
            attributes[names.ATTR_ARM] = self.arm
        return Resource.create(attributes)


@dataclass(frozen=True)
class Telemetry:
    """Traces, metrics and logs of one process."""

    tracers: TracerProvider
    metrics: Metrics
    logs: LoggerProvider | None
    trace_path: TracePath = TracePath.DEFAULT

    @property
    def tracer(self) -> Tracer:
        """For spans of our own."""
        return self.tracers.get_tracer("firebreak")

    def instrument(self, app: FastAPI) -> None:
        """Traces and times every request of `app`. Call after all other middleware has been added: it stands outside."""
        observe_requests(app, self.tracers, self.trace_path, self.metrics)

    def shutdown(self) -> None:
        """Sends what is pending and ends the exporters, each signal's beside the other's; gives up after FLUSH_TIMEOUT_S."""
        ends = [self.tracers.shutdown, *([self.logs.shutdown] if self.logs else [])]
        threads = [threading.Thread(target=end, name="telemetry-flush", daemon=True) for end in ends]
        for thread in threads:
            thread.start()
        until_s = time.monotonic() + FLUSH_TIMEOUT_S
        for thread in threads:
            thread.join(max(0.0, until_s - time.monotonic()))


def create_telemetry(
    origin: Origin,
    endpoint: str | None,
    log_level: str,
    tracing: TraceOptions = TraceOptions(),  # noqa: B008 - frozen.
    secrets: Sequence[str] = (),
    logs_endpoint: str = "",
) -> Telemetry:
    """Builds the providers of one process and configures its logging. Without an endpoint nothing is exported.

    `secrets` are values that no log record may have; `logs_endpoint` is where records go if not to `endpoint`
    (observability.log_options).
    """
    # Without this the instrumentations speak the names from before the HTTP and database conventions were stable.
    os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http,database")
    # Asked for at every request. That a variable is not there takes the environment longer to say than that it is empty.
    os.environ.setdefault("OTEL_PYTHON_INSTRUMENTATION_HTTP_CAPTURE_ALL_METHODS", "")
    carry_known_baggage()
    metrics = Metrics()
    redactor = Redactor(secrets)
    logs_to = collector_of_logs(endpoint, logs_endpoint)
    logs = _logs(origin.resource, logs_to, metrics, redactor) if logs_to else None
    configure_logging(origin.service, origin.instance, log_level, logs, redactor)
    exporting = _exporting(origin.resource, endpoint, tracing.exporter, metrics) if endpoint else None
    tracers = tracer_provider(origin.resource, tracing.ratio, exporting, strangers=tracing.strangers)
    return Telemetry(tracers, metrics, logs, tracing.path)


def _exporting(resource: Resource, endpoint: str, exporter: str, metrics: Metrics) -> SpanProcessor:
    dropped = metrics.telemetry_dropped.labels(names.SIGNAL_TRACES).inc
    capacity: int
    if exporter:
        found: Handover | CountedProcessor = Handover(exporter, resource, dropped)
        capacity = MAX_WAITING_SPANS
    else:
        found, capacity = exporting_thread(endpoint, resource, dropped), MAX_QUEUED_SPANS
    series = (names.SIGNAL_TRACES,)
    metrics.telemetry_queue.read_from(lambda: [(series, found.waiting)])
    metrics.telemetry_capacity.read_from(lambda: [(series, capacity)])
    return found


def _logs(resource: Resource, endpoint: str, metrics: Metrics, redactor: Redactor) -> LoggerProvider:
    exporting = exporting_records(endpoint, metrics.telemetry_dropped.labels(names.SIGNAL_LOGS).inc)
    series = (names.SIGNAL_LOGS,)
    metrics.telemetry_queue.read_from(lambda: [(series, exporting.waiting)])
    metrics.telemetry_capacity.read_from(lambda: [(series, MAX_QUEUED_RECORDS)])
    return logger_provider(resource, exporting, redactor)
