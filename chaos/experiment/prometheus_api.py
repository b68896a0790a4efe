"""What Prometheus and Alertmanager answer about alerts, as far as an experiment reads it."""

from collections.abc import Iterable, Iterator
from typing import Literal
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from chaos.experiment.alert_record import AlertSpan, RoutedAlert
from chaos.http_get import FetchError, Get
from observability import names
from observability.slo.windows import DEMO, Severity

_END_SLACK_S = 1.0
"""The evaluation after an alert's last one may be about to happen when the record is read."""
_GAP_S = 3.0
"""Evaluations that a busy machine left out: an alert that is away for less has not been away."""


class _Labels(BaseModel):
    """Of an alert of ours; one of somebody's own rules may carry others."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    alertname: str
    severity: Severity = Severity.TICKET
    alertstate: Literal["pending", "firing"] = "firing"
    journey: str = ""
    service: str = ""
    kind: str = ""

    @property
    def scope(self) -> Literal["journey", "service"]:
        return "journey" if self.journey else "service"

    @property
    def subject(self) -> str:
        return self.journey or self.service


class _Series(BaseModel):
    metric: _Labels
    values: tuple[tuple[float, str], ...]


class _Matrix(BaseModel):
    result: tuple[_Series, ...]


class _QueryAnswer(BaseModel):
    data: _Matrix


class _Active(BaseModel):
    labels: _Labels
    state: Literal["pending", "firing"]


class _ActiveAlerts(BaseModel):
    alerts: tuple[_Active, ...]


class _AlertsAnswer(BaseModel):
    data: _ActiveAlerts


class _Status(BaseModel):
    state: str


class _Routed(BaseModel):
    labels: _Labels
    status: _Status = Field()


_ROUTED = TypeAdapter(tuple[_Routed, ...])


def alert_spans(prometheus: str, get: Get, started_at: float, until_at: float, since_s: float) -> tuple[AlertSpan, ...]:
    """Every alert that stood in the last `since_s` seconds before `until_at`. Raises FetchError.

    Args:
        prometheus: Its base URL.
        get: How it is asked.
        started_at: Unix time of the schedule's second 0.
        until_at: Unix time of the record's end.
        since_s: How far back to look.
    """
    query = urlencode({"query": f"{names.ALERTS}[{round(since_s)}s]", "time": f"{until_at:.3f}"})
    url = f"{prometheus}/api/v1/query?{query}"
    try:
        series = _QueryAnswer.model_validate_json(get(url, {})).data.result
    except ValidationError as error:
        raise FetchError(f"GET {url}: is no answer of Prometheus: {error.errors(include_url=False)[0]['msg']}") from None
    return tuple(span for each in series for span in _spans(each, started_at, until_at))


def firing_pages(prometheus: str, get: Get) -> frozenset[str]:
    """Pages that stand now, in words. Raises FetchError."""
    url = f"{prometheus}/api/v1/alerts"
    try:
        alerts = _AlertsAnswer.model_validate_json(get(url, {})).data.alerts
    except ValidationError as error:
        raise FetchError(f"GET {url}: is no answer of Prometheus: {error.errors(include_url=False)[0]['msg']}") from None
    standing = (each.labels for each in alerts if each.state == "firing" and each.labels.severity is Severity.PAGE)
    return frozenset(f"{each.alertname} of {each.subject}{f' ({each.kind})' if each.kind else ''}" for each in standing)


def routed_alerts(alertmanager: str, get: Get) -> tuple[RoutedAlert, ...]:
    """What Alertmanager holds now, and whether it keeps it to itself. Raises FetchError."""
    url = f"{alertmanager}/api/v2/alerts"
    try:
        found = _ROUTED.validate_json(get(url, {}))
    except ValidationError as error:
        raise FetchError(f"GET {url}: is no answer of Alertmanager: {error.errors(include_url=False)[0]['msg']}") from None
    return tuple(
        RoutedAlert(
            alert=each.labels.alertname,
            subject=each.labels.subject,
            kind=each.labels.kind,
            severity=each.labels.severity,
            state=each.status.state,
        )
        for each in found
    )


def _spans(series: _Series, started_at: float, until_at: float) -> Iterator[AlertSpan]:
    """Stretches of a series' samples; what has none any more ended at the evaluation after its last one."""
    labels = series.metric
    every_s = DEMO.page_every_s if labels.severity is Severity.PAGE else DEMO.ticket_every_s
    for first_at, last_at in _stretches((at for at, _ in series.values), every_s + _GAP_S):
        over = last_at + every_s + _END_SLACK_S < until_at
        yield AlertSpan(
            alert=labels.alertname,
            severity=labels.severity,
            state=labels.alertstate,
            scope=labels.scope,
            subject=labels.subject,
            kind=labels.kind,
            start_s=round(first_at - started_at, 3),
            end_s=round(last_at + every_s - started_at, 3) if over else None,
        )


def _stretches(instants: Iterable[float], gap_s: float) -> Iterator[tuple[float, float]]:
    first: float | None = None
    last = 0.0
    for instant in instants:
        if first is not None and instant - last > gap_s:
            yield first, last
            first = None
        first, last = (instant if first is None else first), instant
    if first is not None:
        yield first, last
