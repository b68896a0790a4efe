"""What the load generator counts, and how it serves it."""

import urllib.request
from collections.abc import Iterator
from dataclasses import replace

import gevent
import pytest
from prometheus_client.openmetrics.exposition import generate_latest

from loadtests.arrivals import Surge
from loadtests.exposition import Exposition
from loadtests.metrics import OUTCOMES, LoadMetrics
from loadtests.mix import Mix
from loadtests.plan import Plan, Schedule
from loadtests.recorder import Outcome, RequestRecord

MIX = Mix.parse("browse=1,order=3", ("browse", "order"))


def plan(run: str = "", arm: str = "") -> Plan:
    return Plan("http://feastfast", MIX, "poisson", 7, 2, 5_000.0, 100, run, arm)


def request(
    outcome: Outcome = "ok",
    *,
    step: str = "place",
    journey: str = "order",
    sent: float = 10.004,
    done: float = 10.2,
    last: bool = False,
) -> RequestRecord:
    return RequestRecord(journey, "4-0", step, 10.0, sent, done, 200, outcome, degraded=False, trace_id="ab" * 16, last=last)


@pytest.fixture
def metrics() -> LoadMetrics:
    metrics = LoadMetrics()
    metrics.follow(MIX.journeys, lambda: 3, lambda journey: 7.5 if journey == "order" else 2.5)
    return metrics


def value(metrics: LoadMetrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_all_that_a_run_may_come_to_is_there_from_its_start(metrics: LoadMetrics) -> None:
    assert value(metrics, "load_arrivals_total", journey="order") == 0
    for outcome in OUTCOMES:
        assert value(metrics, "load_journeys_total", journey="browse", outcome=outcome) == 0
        assert value(metrics, "load_requests_total", journey="order", step="place", outcome=outcome) == 0
    assert value(metrics, "load_journey_duration_seconds_count", journey="order") == 0
    assert value(metrics, "load_arrivals_total", journey="track") is None
    assert value(metrics, "load_journeys_in_flight") == 3
    assert value(metrics, "load_target_arrivals_per_second", journey="order") == 7.5


def test_a_journey_counts_once_with_the_outcome_of_its_last_step_and_the_time_since_its_instant(metrics: LoadMetrics) -> None:
    metrics.arrived("order")
    metrics.ended(request(), 10.0)
    metrics.ended(request(step="read_back", sent=10.2, done=10.3, last=True), 10.0)
    assert value(metrics, "load_arrivals_total", journey="order") == 1
    assert value(metrics, "load_journeys_total", journey="order", outcome="ok") == 1
    assert value(metrics, "load_requests_total", journey="order", step="read_back", outcome="ok") == 1
    assert value(metrics, "load_journey_duration_seconds_sum", journey="order") == pytest.approx(0.3)
    assert value(metrics, "load_journey_duration_seconds_count", journey="order") == 1


def test_lateness_is_of_first_requests_alone(metrics: LoadMetrics) -> None:
    metrics.ended(request(), 10.0)
    metrics.ended(request(step="read_back", sent=10.2, done=10.3, last=True), 10.0)
    assert value(metrics, "load_lateness_seconds_count") == 1
    assert value(metrics, "load_lateness_seconds_sum") == pytest.approx(0.004)


@pytest.mark.parametrize(("outcome", "counted"), [("ok", 1), ("abandoned", 1), ("failed", 0), ("error", 0)])
def test_a_journey_that_was_refused_at_once_does_not_flatter_the_times(
    metrics: LoadMetrics, outcome: Outcome, counted: int
) -> None:
    metrics.ended(request(outcome, last=True), 10.0)
    assert value(metrics, "load_journey_duration_seconds_count", journey="order") == counted
    assert value(metrics, "load_journeys_total", journey="order", outcome=outcome) == 1


def test_the_time_of_a_journey_leads_to_the_trace_of_its_last_step(metrics: LoadMetrics) -> None:
    metrics.ended(request(last=True), 10.0)
    text = generate_latest(metrics.registry).decode()  # type: ignore[no-untyped-call]  # the library leaves it untyped
    assert f'# {{trace_id="{"ab" * 16}"}} 0.19' in text


def test_another_run_goes_on_counting_and_forgets_what_the_one_before_asked_for(metrics: LoadMetrics) -> None:
    metrics.arrived("order")
    metrics.follow(("order",), lambda: 0, lambda _journey: 1.0)
    assert value(metrics, "load_arrivals_total", journey="order") == 1
    assert value(metrics, "load_target_arrivals_per_second", journey="browse") is None


def test_a_schedule_asks_for_its_share_and_for_a_surge_on_top_and_for_nothing_after_its_end() -> None:
    schedule = Schedule(plan(), 40, 60.0, Surge("order", 12.5, 25.0, 45.0), None, None)
    at = (-0.1, 0.0, 25.0, 44.9, 45.0, 59.9, 60.0)
    assert [schedule.rate_per_s("order", now_s) for now_s in at] == [0.0, 30.0, 42.5, 42.5, 30.0, 30.0, 0.0]
    assert schedule.rate_per_s("browse", 30.0) == 10.0
    slower = replace(schedule, pace=0.5)
    assert [slower.rate_per_s("order", now_s) for now_s in at] == [0.0, 15.0, 27.5, 27.5, 15.0, 15.0, 0.0]


def test_the_baggage_says_what_is_known_of_a_request_in_the_letters_of_its_header() -> None:
    assert plan().baggage("order") == "firebreak.journey=order"
    stated = plan("a run, of mine", "declared").baggage("order")
    assert stated == "firebreak.journey=order,firebreak.run=a%20run%2C%20of%20mine,firebreak.arm=declared"


@pytest.fixture
def served(metrics: LoadMetrics) -> Iterator[Exposition]:
    served = Exposition(metrics.registry, "127.0.0.1", 0)
    yield served
    served.close()


def ask(port: int, path: str) -> tuple[int, str, str]:
    """Status, type and body, asked from a thread, as Prometheus is another process."""

    def get() -> tuple[int, str, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                return answer.status, answer.headers["Content-Type"], answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, "", ""

    asked: tuple[int, str, str] = gevent.get_hub().threadpool.apply(get)
    return asked


def test_prometheus_gets_the_librarys_text_with_its_exemplars(metrics: LoadMetrics, served: Exposition) -> None:
    metrics.ended(request(last=True), 10.0)
    status, kind, text = ask(served.port, "/metrics")
    written = generate_latest(metrics.registry).decode()  # type: ignore[no-untyped-call]  # as above
    assert (status, kind.partition(";")[0]) == (200, "application/openmetrics-text")
    of_load = [line for line in text.splitlines() if "process_" not in line]
    assert of_load == [line for line in written.splitlines() if "process_" not in line]


def test_nothing_else_is_served(served: Exposition) -> None:
    assert ask(served.port, "/")[0] == 404


def test_a_port_that_is_taken_costs_the_metrics_and_not_the_load(
    metrics: LoadMetrics, served: Exposition, caplog: pytest.LogCaptureFixture
) -> None:
    second = Exposition(metrics.registry, "127.0.0.1", served.port)
    assert [record.getMessage() for record in caplog.records] == [
        f"Metrics of the load are not served: 127.0.0.1:{served.port}: Address already in use"
    ]
    second.close()
