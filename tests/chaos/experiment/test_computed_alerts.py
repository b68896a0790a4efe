"""Alerts computed from the load's record: what counts, and that Prometheus would say the same."""

import csv
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest

from chaos.experiment.alert_record import AlertRecord, AlertSource
from chaos.experiment.computed_alerts import computed_alerts, count
from chaos.experiment.journeys import RequestLine
from observability import names
from observability.slo.loader import Slos, load_slos
from observability.slo.model import Kind, Slo
from observability.slo.rules import compile_rules
from observability.slo.windows import DEMO, Severity
from services.topology import load_topology
from tests.observability.slo.tools import Series

RECORD = Path(__file__).parents[1] / "fixtures" / "record" / "requests.csv"
"""Of a real run of delivery-outage, its arm `none`: orders and tracking fail from 25.0 to 45.0 s. Browsing is left out."""
END_S = 60
BOUNDARIES = (0.25, 0.5, 1.0)


def line(step: str, sent: float, done: float, status: int, outcome: str = "ok", journey: str = "order") -> RequestLine:
    return RequestLine(
        journey=journey, id="0-1", step=step, intended=sent, sent=sent, done=done, status=status, outcome=outcome, degraded=False,
        trace_id="", last=True,
    )  # fmt: skip


def recorded() -> list[RequestLine]:
    with RECORD.open(encoding="utf-8") as file:
        return [_read(row) for row in csv.DictReader(file)]


def _read(row: dict[str, str]) -> RequestLine:
    sent, done = int(row["sent_ms"]) / 1_000, int(row["done_ms"]) / 1_000
    return line(row["step"], sent, done, int(row["status"]), row["outcome"], row["journey"])


@pytest.fixture(scope="module")
def slos() -> Slos:
    return load_slos(None, load_topology())


def slo(slos: Slos, name: str) -> Slo:
    return next(each for each in slos.every if each.name == name)


def test_a_failed_order_would_have_paged_within_ten_seconds_and_been_over_within_fifteen(slos: Slos) -> None:
    record = computed_alerts(recorded(), slos, END_S)
    assert record.source is AlertSource.COMPUTED
    pages = {(span.subject, span.kind): span for span in record.pages}
    assert set(pages) == {("order", Kind.AVAILABILITY), ("track", Kind.AVAILABILITY)}
    for page in pages.values():
        assert 25 < page.start_s <= 35
        assert page.end_s is not None
        assert 45 < page.end_s <= 60


@pytest.mark.parametrize(
    ("status", "outcome", "took_s", "counts"),
    [
        (201, "ok", 0.1, (1, 0)),
        (503, "failed", 0.1, (1, 1)),
        (429, "failed", 0.1, (1, 1)),
        (409, "failed", 0.1, (1, 0)),
        (0, "abandoned", 5.0, (1, 1)),
        (0, "abandoned", 0.1, (0, 0)),
        (0, "error", 0.001, (1, 1)),
    ],
)
def test_an_answer_counts_for_availability_as_in_the_rules(
    slos: Slos, status: int, outcome: str, took_s: float, counts: tuple[int, int]
) -> None:
    found = count([line("place", 1.0, 1.0 + took_s, status, outcome)], slo(slos, "order-availability"), slos, END_S)
    assert (sum(found.events), sum(found.bad)) == counts


def test_what_is_slow_counts_for_latency_when_it_was_answered(slos: Slos) -> None:
    requests = [
        line("place", 1, 3, 201),
        line("place", 1, 1.5, 201),
        line("place", 1, 3, 503),
        line("place", 1, 6, 0, "abandoned"),
    ]
    found = count(requests, slo(slos, "order-latency"), slos, END_S)
    assert (sum(found.events), sum(found.bad)) == (2, 1)
    assert found.bad[3] == 1


def test_a_step_counts_for_every_journey_that_asks_the_same_of_the_gateway(slos: Slos) -> None:
    requests = [line("read_back", 1.0, 1.1, 200), line("review", 1.0, 1.1, 200, journey="review")]
    assert sum(count(requests, slo(slos, "review-availability"), slos, END_S).events) == 2


@pytest.mark.server
def test_on_a_recorded_run_prometheus_fires_and_clears_at_the_same_evaluations(slos: Slos, tmp_path: Path) -> None:
    journeys = {name: slos.journeys[name] for name in ("order", "track", "sign_in")}
    few = replace(slos, file=slos.file.model_copy(update={"journeys": journeys, "services": {}}))
    rules = tmp_path / "rules.yaml"
    rules.write_text(compile_rules(few, DEMO), encoding="utf-8")
    series, requests = Series(rules), recorded()
    _add_counters(series, few, requests)
    record = computed_alerts(requests, few, END_S)
    for each in few.every:
        for severity, every_s in ((Severity.PAGE, DEMO.page_every_s), (Severity.TICKET, DEMO.ticket_every_s)):
            alerts = f'count({names.ALERTS}{{alertstate="firing",slo="{each.name}",severity="{severity}"}})'
            for at_s in range(0, END_S + 1, every_s):
                series.expect(alerts, f"{at_s}s", _stands(record, each, severity, at_s))
    assert series.run(tmp_path) == ""


def _stands(record: AlertRecord, each: Slo, severity: Severity, at_s: int) -> int:
    return sum(
        span.start_s <= at_s < (END_S + 1 if span.end_s is None else span.end_s)
        for span in record.spans
        if (span.subject, span.kind, span.severity) == (each.subject, each.kind, severity)
    )


def _add_counters(series: Series, slos: Slos, requests: list[RequestLine]) -> None:
    """The gateway's histograms as a scrape at every whole second would have read them."""
    asked = {(name, step): route for name, journey in slos.journeys.items() for step, route in journey.steps.items()}
    counted: dict[tuple[str, str, float], list[int]] = defaultdict(lambda: [0] * END_S)
    for request in requests:
        if 0 <= request.done < END_S:
            key = asked[request.journey, request.step], str(request.status)
            for boundary in (*(each for each in BOUNDARIES if request.done - request.sent <= each), float("inf")):
                counted[(*key, boundary)][int(request.done)] += 1
    for (route, status, boundary), increments in counted.items():
        method, path = route.split(" ")
        labels = {names.LABEL_METHOD: method, names.LABEL_ROUTE: path, names.LABEL_STATUS: status, names.LABEL_SERVICE: "gateway"}
        if boundary == float("inf"):
            series.counter(f"{names.HTTP_SERVER_DURATION}_count", increments, **labels)
        else:
            series.counter(f"{names.HTTP_SERVER_DURATION}_bucket", increments, **labels, le=str(boundary))
