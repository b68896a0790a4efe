"""The compiled rules in Prometheus' own engine: what fires, what does not, and when it is over."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from observability import names
from observability.request_metrics import NO_ROUTE
from observability.slo.loader import Slos
from observability.slo.rules import compile_rules
from observability.slo.windows import DEMO, PRODUCTION, WindowProfile
from tests.observability.slo.tools import Series

pytestmark = pytest.mark.server

BOUNDARIES = (0.25, 0.5, 1.0)
CALM_S, OUTAGE_S, AFTER_S = 60, 20, 30
LENGTH_S = CALM_S + OUTAGE_S + AFTER_S


def firing(severity: str = "page", **labels: str) -> str:
    matchers = ",".join(f'{label}="{value}"' for label, value in ({"severity": severity} | labels).items())
    return f'count({names.ALERTS}{{alertstate="firing",{matchers}}})'


class Traffic(Series):
    """Attempts and answers with their histograms."""

    def attempts(
        self, edge: str, status: str, per_s: list[int], took_s: float = 0.01, traffic: str = names.TRAFFIC_FOREGROUND
    ) -> None:
        labels = {names.LABEL_EDGE: edge, names.LABEL_STATUS: status, names.LABEL_TRAFFIC: traffic}
        self._histogram(names.HTTP_CLIENT_DURATION, per_s, took_s, labels)

    def answers(self, request: str, status: str, per_s: list[int], took_s: float = 0.01, born: int = 0) -> None:
        method, route = request.split(" ")
        labels = {
            names.LABEL_METHOD: method,
            names.LABEL_ROUTE: route,
            names.LABEL_STATUS: status,
            names.LABEL_SERVICE: "gateway",
        }
        self._histogram(names.HTTP_SERVER_DURATION, per_s, took_s, labels, born)

    def refusals(self, edge: str, pattern: str, per_s: list[int]) -> None:
        self.counter(names.RESILIENCE_REJECTIONS, per_s, **{names.LABEL_EDGE: edge, names.LABEL_PATTERN: pattern})

    def unsent(self, edge: str, per_s: list[int]) -> None:
        labels = {names.LABEL_EDGE: edge, names.LABEL_OUTCOME: "unreachable", names.LABEL_TRAFFIC: names.TRAFFIC_FOREGROUND}
        self.counter(names.RESILIENCE_CALLS, per_s, **labels)

    def _histogram(self, name: str, per_s: list[int], took_s: float, labels: dict[str, str], born: int = 0) -> None:
        self.counter(f"{name}_count", per_s, born, **labels)
        for boundary in BOUNDARIES:
            within = per_s if took_s <= boundary else [0] * len(per_s)
            self.counter(f"{name}_bucket", within, born, **labels, le=str(boundary))


@pytest.fixture
def few(slos: Slos) -> Slos:
    """Enough objectives to tell apart what fires: promtool evaluates every rule in every second."""
    journeys = {name: slos.journeys[name] for name in ("browse", "order")}
    services = {name: slos.file.services[name] for name in ("payments", "deliveries")}
    return replace(slos, file=slos.file.model_copy(update={"journeys": journeys, "services": services}))


@pytest.fixture
def traffic(tmp_path: Path, few: Slos) -> Traffic:
    return Traffic(rules(tmp_path, few, DEMO))


@pytest.fixture
def traffic_of_payments(tmp_path: Path, few: Slos) -> Traffic:
    """Of which nothing else is asked: every rule takes its time."""
    services = {"payments": few.file.services["payments"]}
    alone = replace(few, file=few.file.model_copy(update={"journeys": {}, "services": services}))
    return Traffic(rules(tmp_path, alone, DEMO))


def rules(folder: Path, slos: Slos, profile: WindowProfile) -> Path:
    path = folder / "rules.yaml"
    path.write_text(compile_rules(slos, profile), encoding="utf-8")
    return path


def during(rate: int, *, outage: bool) -> list[int]:
    """So many a second, in the outage or outside of it."""
    return [rate if (CALM_S <= second < CALM_S + OUTAGE_S) == outage else 0 for second in range(LENGTH_S)]


def always(rate: int) -> list[int]:
    return [rate] * LENGTH_S


def test_a_dead_service_behind_breakers_pages_within_ten_seconds_and_is_over_within_fifteen(
    traffic: Traffic, tmp_path: Path
) -> None:
    """Breakers are open for 5 s after it is back: what they refuse is the callers' word that it is not."""
    back_s = CALM_S + OUTAGE_S + 5
    burst = [5 if second == CALM_S else 1 if CALM_S < second < back_s and second % 5 == 0 else 0 for second in range(LENGTH_S)]
    for edge, per_s in (("orders->deliveries", 25), ("gateway->deliveries", 12)):
        traffic.attempts(edge, "200", [0 if CALM_S <= second < back_s else per_s for second in range(LENGTH_S)])
        traffic.attempts(edge, "unreachable", burst)
        traffic.refusals(edge, "breaker", [per_s if CALM_S < second < back_s else 0 for second in range(LENGTH_S)])
    traffic.answers("POST /v1/orders", "201", always(25), took_s=0.2)
    traffic.expect(firing(), f"{CALM_S}s", 0)
    traffic.expect(firing(service="deliveries", kind="availability"), f"{CALM_S + 8}s", 1)
    traffic.expect(firing(), f"{CALM_S + 19}s", 1)
    traffic.expect(firing(service="deliveries"), f"{CALM_S + OUTAGE_S + 12}s", 0)
    traffic.expect(firing(), f"{LENGTH_S}s", 0)
    assert traffic.run(tmp_path) == ""


def test_a_service_without_any_process_and_any_breaker_before_it_pages(traffic: Traffic, tmp_path: Path) -> None:
    """No attempt is made when there is nobody to be asked."""
    traffic.attempts("gateway->deliveries", "200", during(12, outage=False))
    traffic.unsent("gateway->deliveries", during(12, outage=True))
    traffic.expect(firing(service="deliveries", kind="availability"), f"{CALM_S + 9}s", 1)
    traffic.expect(firing(), f"{CALM_S + OUTAGE_S + 8}s", 0)
    assert traffic.run(tmp_path) == ""


def test_customers_who_are_answered_with_errors_are_paged_for(traffic: Traffic, tmp_path: Path) -> None:
    traffic.answers("POST /v1/orders", "201", during(25, outage=False), took_s=0.2)
    traffic.answers("POST /v1/orders", "503", during(25, outage=True))
    traffic.answers("GET /v1/restaurants", "200", always(25))
    traffic.expect(firing(journey="order", kind="availability"), f"{CALM_S + 9}s", 1)
    traffic.expect(firing(journey="browse"), f"{CALM_S + 9}s", 0)
    traffic.expect(firing(), f"{CALM_S + OUTAGE_S + 8}s", 0)
    assert traffic.run(tmp_path) == ""


@pytest.mark.parametrize(
    ("status", "took_s", "pages"),
    [
        ("503", 0.01, 1), ("timeout", 0.25, 1), ("deadline", 0.6, 1), ("unreachable", 0.0, 1), ("429", 0.0, 1),
        ("404", 0.01, 0), ("409", 0.01, 0), ("424", 0.01, 0),
        ("cancelled", 0.1, 0), ("cancelled", 5.0, 1), ("deadline", 0.1, 0),
    ],
)  # fmt: skip
def test_what_callers_see_of_a_service_counts_as_it_is_written(
    traffic_of_payments: Traffic, tmp_path: Path, status: str, took_s: float, pages: int
) -> None:
    traffic_of_payments.attempts("orders->payments", "200", during(25, outage=False))
    traffic_of_payments.attempts("orders->payments", status, during(25, outage=True), took_s)
    traffic_of_payments.expect(firing(service="payments", kind="availability"), f"{CALM_S + 10}s", pages)
    assert traffic_of_payments.run(tmp_path) == ""


def test_a_customer_who_leaves_at_once_says_nothing_and_one_who_gave_up_does(traffic: Traffic, tmp_path: Path) -> None:
    for request, took_s in (("GET /v1/restaurants", 0.01), ("POST /v1/orders", 5.0)):
        traffic.answers(request, "200", during(25, outage=False))
        traffic.answers(request, "0", during(25, outage=True), took_s)
    traffic.expect(firing(journey="browse"), f"{CALM_S + 10}s", 0)
    traffic.expect(firing(journey="order", kind="availability"), f"{CALM_S + 10}s", 1)
    assert traffic.run(tmp_path) == ""


def test_what_nobody_waits_for_and_a_full_bulkhead_say_nothing_of_a_callee(traffic: Traffic, tmp_path: Path) -> None:
    traffic.attempts("orders->deliveries", "200", always(25))
    traffic.attempts("orders->deliveries", "unreachable", during(25, outage=True), traffic=names.TRAFFIC_BACKGROUND)
    traffic.refusals("orders->deliveries", "bulkhead", during(25, outage=True))
    traffic.expect(firing(), f"{CALM_S + 15}s", 0)
    assert traffic.run(tmp_path) == ""


def test_slow_answers_page_for_latency_alone(traffic: Traffic, tmp_path: Path) -> None:
    slow = dict.fromkeys(BOUNDARIES, during(25, outage=False)) | {1.0: always(25)}
    labels = {names.LABEL_EDGE: "orders->payments", names.LABEL_STATUS: "200", names.LABEL_TRAFFIC: names.TRAFFIC_FOREGROUND}
    traffic.counter(f"{names.HTTP_CLIENT_DURATION}_count", always(25), **labels)
    for boundary, per_s in slow.items():
        traffic.counter(f"{names.HTTP_CLIENT_DURATION}_bucket", per_s, **labels, le=str(boundary))
    traffic.expect(firing(service="payments", kind="latency"), f"{CALM_S + 9}s", 1)
    traffic.expect(firing(), f"{CALM_S + 9}s", 1)
    traffic.expect(firing(), f"{CALM_S + OUTAGE_S + 8}s", 0)
    assert traffic.run(tmp_path) == ""


def test_quick_answers_to_paths_that_nobody_serves_do_not_make_up_for_slow_ones(tmp_path: Path, slos: Slos) -> None:
    entry = {"gateway": slos.file.services["gateway"]}
    alone = replace(slos, file=slos.file.model_copy(update={"journeys": {}, "services": entry}))
    traffic = Traffic(rules(tmp_path, alone, DEMO))
    traffic.answers("GET /v1/restaurants", "200", always(25), took_s=2.0)
    traffic.answers(f"GET {NO_ROUTE}", "404", always(100))
    traffic.expect(firing(service="gateway", kind="latency"), "20s", 1)
    assert traffic.run(tmp_path) == ""


def test_a_status_that_appears_with_its_first_failures_pages_in_time(traffic: Traffic, tmp_path: Path) -> None:
    """What such a series holds at its first scrape is no growth to `rate`."""
    traffic.answers("POST /v1/orders", "201", during(25, outage=False), took_s=0.2)
    traffic.answers("POST /v1/orders", "503", during(25, outage=True), born=CALM_S + 1)
    traffic.expect(firing(journey="order", kind="availability"), f"{CALM_S + 7}s", 1)
    assert traffic.run(tmp_path) == ""


def test_a_service_with_hardly_any_requests_pages_nobody(traffic: Traffic, tmp_path: Path) -> None:
    traffic.attempts("orders->payments", "503", always(2))
    traffic.expect(firing(), "29s", 0)
    assert traffic.run(tmp_path) == ""


def test_three_healthy_minutes_with_stray_failures_page_nobody(tmp_path: Path, few: Slos) -> None:
    """Ten are in test_burn, where a second costs nothing."""
    browsing = {"browse": few.journeys["browse"]}
    alone = replace(few, file=few.file.model_copy(update={"journeys": browsing, "services": {}}))
    traffic, draw = Traffic(rules(tmp_path, alone, DEMO)), random.Random(12)
    arrivals = [sum(draw.random() < 12 / 200 for _ in range(200)) for _ in range(180)]
    strays = [sum(draw.random() < 0.003 for _ in range(count)) for count in arrivals]
    traffic.answers("GET /v1/restaurants", "200", [count - stray for count, stray in zip(arrivals, strays, strict=True)])
    traffic.answers("GET /v1/restaurants", "500", strays)
    traffic.expect(f"max_over_time({firing()}[180s:1s])", "180s", 0)
    assert sum(strays) > 0
    assert traffic.run(tmp_path) == ""


def test_a_gateway_that_is_down_pages_and_another_service_is_a_ticket(traffic: Traffic, tmp_path: Path) -> None:
    for service in ("gateway", "users"):
        traffic.gauge(names.UP, [1 if second < 20 else 0 for second in range(60)], service=service, instance=f"{service}/1")
    traffic.gauge(names.UP, [1] * 60, service="orders", instance="orders/1")
    traffic.gauge(names.UP, [0] * 60, service="orders", instance="orders/2")
    traffic.expect(firing(alertname="ServiceDown"), "24s", 0)
    traffic.expect(firing(alertname="ServiceDown", service="gateway"), "27s", 1)
    traffic.expect(firing("ticket", alertname="ServiceDown", service="users"), "35s", 1)
    traffic.expect(firing("ticket", alertname="ServiceDown"), "35s", 1)
    assert traffic.run(tmp_path) == ""


def test_a_service_that_takes_in_more_than_it_ends_pages_although_nothing_has_failed(traffic: Traffic, tmp_path: Path) -> None:
    """A hang that nobody bounds: nothing ends, so no histogram grows."""
    ended = {names.LABEL_SERVICE: "deliveries", names.LABEL_METHOD: "GET", names.LABEL_ROUTE: "/x", names.LABEL_STATUS: "200"}
    traffic.counter(f"{names.HTTP_SERVER_DURATION}_count", during(37, outage=False), **ended)
    under_way = [min(100, 37 * (second - CALM_S)) if CALM_S <= second < CALM_S + OUTAGE_S else 2 for second in range(LENGTH_S)]
    traffic.gauge(names.HTTP_SERVER_ACTIVE, under_way, service="deliveries", instance="deliveries/1")
    traffic.expect(firing(), f"{CALM_S}s", 0)
    traffic.expect(firing(alertname="ServiceHangs", service="deliveries"), f"{CALM_S + 8}s", 1)
    traffic.expect(firing(), f"{CALM_S + OUTAGE_S + 2}s", 0)
    assert traffic.run(tmp_path) == ""


def test_telemetry_that_is_dropped_is_a_ticket(traffic: Traffic, tmp_path: Path) -> None:
    traffic.counter(
        names.TELEMETRY_DROPPED,
        [5 if second == 30 else 0 for second in range(90)],
        **{names.LABEL_SERVICE: "orders", names.LABEL_SIGNAL: names.SIGNAL_TRACES},
    )
    traffic.expect(firing("ticket", alertname="TelemetryDropped"), "30s", 0)
    traffic.expect(firing("ticket", alertname="TelemetryDropped"), "40s", 1)
    traffic.expect(firing("ticket", alertname="TelemetryDropped"), "80s", 0)
    assert traffic.run(tmp_path) == ""


def test_in_production_an_outage_pages_after_minutes_and_is_over_minutes_after_it(tmp_path: Path, few: Slos) -> None:
    traffic, begin, end, length = Traffic(rules(tmp_path, few, PRODUCTION), step="1m"), 120, 140, 180
    traffic.answers("POST /v1/orders", "201", [0 if begin <= minute < end else 600 for minute in range(length)])
    traffic.answers("POST /v1/orders", "503", [600 if begin <= minute < end else 0 for minute in range(length)])
    traffic.expect(firing(journey="order"), f"{begin}m", 0)
    traffic.expect(firing(journey="order", kind="availability"), f"{begin + 12}m", 1)
    traffic.expect(firing(journey="order"), f"{length - 2}m", 0)
    assert traffic.run(tmp_path) == ""
