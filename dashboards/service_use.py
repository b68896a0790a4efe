"""What a service's processes have and need: utilisation, saturation and errors of each resource."""

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Panel

from dashboards import thresholds
from dashboards.head import Head, Query
from dashboards.page import Row, row
from dashboards.panels import lines
from dashboards.promql import INSTANCE, equal, happened, or_none, quantile, rate, series, total
from observability import names

_BY = (INSTANCE,)


def rows(this: str) -> list[Row]:
    """Rows of panels about the processes that meet the condition `this`."""
    return [
        row("Processor, loop, memory", 9, _cpu(this), _lag(this), _memory(this)),
        row("Requests under way, limit, what was given up", 9, _active(this), _limit(this), _given_up(this)),
        row("Connections and files", 9, _database(this), _client(this), _files(this)),
        row("Its own telemetry", 8, _queues(this), _dropped(this)),
    ]


def _cpu(this: str) -> Panel:
    return lines(
        Head(
            "Processor",
            "Cores that each replica keeps busy; it is one thread of Python and cannot use more than one.",
            units.PercentUnit,
            steps=thresholds.SATURATION,
        ),
        Query(rate("process_cpu_seconds_total", this, by=_BY), "{{instance}}"),
    )


def _lag(this: str) -> Panel:
    return lines(
        Head(
            "Event-loop lag",
            "How much later than asked for a timer is called: everything that the process does waits as long.",
            units.Seconds,
            steps=thresholds.LAG_S,
        ),
        Query(quantile(0.5, names.LOOP_LAG, this, by=_BY), "{{instance}}, 50th percentile"),
        Query(quantile(0.99, names.LOOP_LAG, this, by=_BY), "{{instance}}, 99th percentile"),
    )


def _memory(this: str) -> Panel:
    return lines(
        Head("Memory", "Resident memory of each replica; forked ones share some of it.", units.BytesIEC),
        Query(total(series("process_resident_memory_bytes", this), _BY), "{{instance}}"),
    )


def _active(this: str) -> Panel:
    return lines(
        Head("Requests under way", "Requests that each replica has begun and not answered.", units.NoUnit),
        Query(total(series(names.HTTP_SERVER_ACTIVE, this), _BY), "{{instance}}"),
    )


def _limit(this: str) -> Panel:
    return lines(
        Head(
            "Adaptive limit",
            "How many requests each replica may work on at once, as it found out itself, and how many it does.",
            units.NoUnit,
            empty="It has no limit",
        ),
        Query(total(f"{series(names.RESILIENCE_LIMIT, this)} < +Inf", _BY), "limit of {{instance}}"),
        Query(total(series(names.RESILIENCE_LIMIT_IN_FLIGHT, this), _BY), "in flight, {{instance}}"),
    )


def _given_up(this: str) -> Panel:
    urgency, route = (names.LABEL_URGENCY,), (names.LABEL_ROUTE,)
    return lines(
        Head(
            "Shed and abandoned",
            "Requests that the limit left no room for, by urgency, and requests whose callers left, by route.",
            units.CountsPerSecond,
        ),
        Query(or_none(rate(names.RESILIENCE_SHED, this, by=urgency), *urgency), "shed, urgency {{urgency}}"),
        Query(or_none(rate(names.RESILIENCE_ABANDONED, this, by=route), *route), "abandoned {{http_route}}"),
    )


def _database(this: str) -> Panel:
    by = (INSTANCE, names.LABEL_POOL)
    used = total(series(names.DB_CONNECTIONS, this, equal(names.LABEL_STATE, names.CONNECTION_USED)), by)
    return lines(
        Head(
            "Connections to the database",
            "In use and allowed, by pool, and who waits for one: waiting is the first sign of a database that is too slow.",
            units.NoUnit,
            empty="It has no database",
        ),
        Query(used, "used, {{pool}} of {{instance}}"),
        Query(total(series(names.DB_CONNECTIONS_MAX, this), by, "max"), "allowed, {{pool}} of {{instance}}"),
        Query(total(series(names.DB_PENDING, this), by), "waiting, {{pool}} of {{instance}}"),
    )


def _client(this: str) -> Panel:
    by = (INSTANCE, names.LABEL_TRAFFIC)
    state = (INSTANCE, names.LABEL_STATE)
    return lines(
        Head(
            "Connections to other services",
            "Open ones by what they do, and attempts that wait for one.",
            units.NoUnit,
            empty="It calls nobody",
        ),
        Query(total(series(names.HTTP_CLIENT_CONNECTIONS, this), state), "{{state}}, {{instance}}"),
        Query(total(series(names.HTTP_CLIENT_PENDING, this), by), "waiting, {{traffic}} of {{instance}}"),
    )


def _files(this: str) -> Panel:
    share = f"{series('process_open_fds', this)} / {series('process_max_fds', this)}"
    return lines(
        Head(
            "Open files and sockets",
            "The share of the descriptors that a process may have; at 100 % it can accept nobody.",
            units.PercentUnit,
            steps=thresholds.SATURATION,
            decimals=2,
        ),
        Query(total(share, _BY, "max"), "{{instance}}"),
    )


def _queues(this: str) -> Panel:
    by = (INSTANCE, names.LABEL_SIGNAL)
    share = f"{series(names.TELEMETRY_QUEUE, this)} / {series(names.TELEMETRY_QUEUE_CAPACITY, this)}"
    return lines(
        Head(
            "Telemetry that waits to be sent",
            "The share of the queue that is full; a collector that is slow or away fills it, and then telemetry is dropped.",
            units.PercentUnit,
            steps=thresholds.SATURATION,
        ),
        Query(total(share, by, "max"), "{{signal}} of {{instance}}"),
    )


def _dropped(this: str) -> Panel:
    return lines(
        Head(
            "Telemetry dropped",
            "Spans and log records that never reached the collector: whoever looks for them will find gaps.",
            units.NoUnit,
            steps=thresholds.ANY_IS_BAD,
        ),
        Query(happened(names.TELEMETRY_DROPPED, this, by=(INSTANCE, names.LABEL_SIGNAL)), "{{signal}} of {{instance}}"),
    )
