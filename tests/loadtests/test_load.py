import json
from collections.abc import Callable
from typing import Any

import gevent
import pytest
from gevent.event import Event

from loadtests.arrivals import Arrival
from loadtests.client import Client
from loadtests.clock import Clock
from loadtests.journeys.journey import Account
from loadtests.load import Load
from loadtests.metrics import LoadMetrics
from loadtests.mix import Mix
from loadtests.plan import Plan
from loadtests.recorder import RequestRecord
from loadtests.setup import SetupError, keep_signed_in, sign_in_customers
from loadtests.tally import Tally

MIX = Mix.parse("browse=1,order=1,track=1,sign_in=1", ("browse", "order", "track", "sign_in"))
ORDER = "6f0f8c3e-8a55-4a5c-9a32-51ea4e6f0a10"
ANSWERS: dict[tuple[str, str], tuple[int, object]] = {
    ("GET", "/v1/restaurants?limit=20"): (200, {"restaurants": [{"id": 3}]}),
    ("GET", "/v1/restaurants/3/menu"): (200, {"dishes": [{"id": 301}]}),
    ("POST", "/v1/orders"): (201, {"id": ORDER}),
    ("GET", f"/v1/orders/{ORDER}"): (200, {"id": ORDER}),
    ("GET", f"/v1/orders/{ORDER}/tracking"): (200, {"status": "assigned"}),
    ("POST", "/v1/sessions"): (201, {"token": "t", "expires_in_s": 3_600}),
}
FakeClient = Callable[[Callable[[str, str], tuple[int, object]]], Any]  # The fixture of conftest.py.


def plan(patience_ms: float = 5_000.0, max_in_flight: int = 100, mix: Mix = MIX) -> Plan:
    return Plan("http://feastfast", mix, "poisson", 7, 2, patience_ms, max_in_flight)


def healthy(method: str, path: str) -> tuple[int, object]:
    return ANSWERS[method, path]


def never(_method: str, _path: str) -> tuple[int, object]:
    Event().wait()
    raise AssertionError


class Run:
    """A load without a network, what it recorded and what it told Locust."""

    def __init__(self, client: Client, **of_plan: Any) -> None:
        self.records: list[RequestRecord] = []
        self.published: list[dict[str, Any]] = []
        self.tally = Tally.of(MIX.journeys)
        self.clock = Clock.starting_now()
        accounts = (Account("token-1", 3_600), Account("token-2", 3_600))
        publish: Any = lambda **request: self.published.append(request)  # noqa: E731 - Locust's event takes keywords
        self.metrics = LoadMetrics()
        self.load = Load(plan(**of_plan), self.clock, client, accounts, self.tally, self.records.append, publish, self.metrics)

    def arrive(self, journey: str, sequence: int = 0, instant_s: float | None = None) -> None:
        at_s = self.clock.now_s() if instant_s is None else instant_s
        self.load.start(Arrival(at_s, 4, sequence, journey, 7))

    def ends(self, journey: str) -> tuple[int, int, int, int, int]:
        counts = self.tally.journeys[journey]
        assert counts.accounted
        return counts.completed, counts.failed, counts.abandoned, counts.skipped, counts.dropped


def test_every_step_of_a_journey_is_recorded_and_the_last_is_marked(fake_client: FakeClient) -> None:
    run = Run(fake_client(healthy))
    run.arrive("order")
    assert run.load.drain(5.0) == 0
    place, read_back = run.records
    assert (place.journey, place.id, place.step, place.status, place.outcome, place.last) == (
        "order",
        "4-0",
        "place",
        201,
        "ok",
        False,
    )
    assert (read_back.step, read_back.status, read_back.outcome, read_back.last) == ("read_back", 200, "ok", True)
    assert run.ends("order") == (1, 0, 0, 0, 0)


def test_a_first_step_counts_from_its_instant_and_a_later_one_from_the_end_of_the_step_before(fake_client: FakeClient) -> None:
    run = Run(fake_client(healthy))
    run.arrive("browse", instant_s=-0.25)
    run.load.drain(5.0)
    first, second = run.records
    assert first.intended == -0.25
    assert first.intended < first.sent <= first.done == second.intended <= second.sent <= second.done
    assert run.tally.lateness().max >= 250
    assert run.tally.journeys["browse"].late == 1
    assert run.published[0]["response_time"] == pytest.approx((first.done + 0.25) * 1_000)


def test_requests_carry_a_sampled_trace_of_their_own_and_the_journey_as_baggage(fake_client: FakeClient) -> None:
    client = fake_client(healthy)
    run = Run(client)
    run.arrive("order")
    run.load.drain(5.0)
    for record, (_, _, headers, _) in zip(run.records, client.sent, strict=True):
        version, trace_id, span_id, flags = headers["traceparent"].split("-")
        assert (version, trace_id, len(span_id), flags) == ("00", record.trace_id, 16, "01")
        assert headers["baggage"] == "firebreak.journey=order"
        assert headers["Authorization"] in ("Bearer token-1", "Bearer token-2")
    assert run.records[0].trace_id != run.records[1].trace_id
    assert "Idempotency-Key" in client.sent[0][2]
    assert "Idempotency-Key" not in client.sent[1][2]


def test_arrivals_do_not_wait_for_responses(fake_client: FakeClient) -> None:
    client = fake_client(never)
    run = Run(client)
    for sequence in range(100):
        run.arrive("browse", sequence)
    gevent.sleep(0)
    assert len(client.sent) == 100
    run.load.drain(0.0)


def test_a_customer_who_lost_patience_abandons_the_journey(fake_client: FakeClient) -> None:
    run = Run(fake_client(never), patience_ms=5.0)
    run.arrive("browse")
    run.load.drain(5.0)
    assert [(record.step, record.status, record.outcome, record.last) for record in run.records] == [
        ("list", 0, "abandoned", True)
    ]
    assert run.records[0].done - run.records[0].intended >= 0.005
    assert run.ends("browse") == (0, 0, 1, 0, 0)
    assert str(run.published[0]["exception"]) == "gave up after 0.005 s"


def test_patience_counts_from_the_intended_instant_however_late_the_request_goes_out(fake_client: FakeClient) -> None:
    run = Run(fake_client(never), patience_ms=60_000.0)
    run.arrive("browse", instant_s=-61.0)
    assert run.load.drain(5.0) == 0
    assert run.ends("browse") == (0, 0, 1, 0, 0)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((503, {"title": "no"}), "status 503"),
        ((200, {"restaurants": []}), "status 200, but no restaurants"),
        ((201, {"restaurants": [{"id": 3}]}), "status 201"),
    ],
)
def test_an_answer_that_is_not_as_documented_fails_the_journey(
    fake_client: FakeClient, answer: tuple[int, object], reason: str
) -> None:
    run = Run(fake_client(lambda _method, _path: answer))
    run.arrive("browse")
    run.load.drain(5.0)
    assert [(record.status, record.outcome, record.last) for record in run.records] == [(answer[0], "failed", True)]
    assert run.ends("browse") == (0, 1, 0, 0, 0)
    assert str(run.published[0]["exception"]) == reason


def test_a_refused_connection_is_an_error_without_status(fake_client: FakeClient) -> None:
    def refuse(_method: str, _path: str) -> tuple[int, object]:
        raise ConnectionRefusedError(111, "Connection refused")

    run = Run(fake_client(refuse))
    run.arrive("sign_in")
    run.load.drain(5.0)
    assert [(record.status, record.outcome, record.last) for record in run.records] == [(0, "error", True)]
    assert run.ends("sign_in") == (0, 1, 0, 0, 0)


def test_an_order_placed_by_this_load_can_be_tracked_and_its_degraded_answer_is_recorded(fake_client: FakeClient) -> None:
    run = Run(fake_client(healthy))
    run.arrive("track", 0)
    run.load.drain(5.0)
    run.arrive("order", 1)
    run.load.drain(5.0)
    run.arrive("track", 2)
    run.load.drain(5.0)
    assert [(record.step, record.degraded) for record in run.records] == [("place", False), ("read_back", False), ("track", True)]
    assert run.ends("track") == (1, 0, 0, 1, 0)


def test_an_arrival_beyond_the_bound_is_dropped_and_recorded_as_such(fake_client: FakeClient) -> None:
    run = Run(fake_client(never), max_in_flight=2)
    for sequence in range(3):
        run.arrive("browse", sequence)
    assert [(record.id, record.step, record.status, record.outcome, record.last) for record in run.records] == [
        ("4-2", "list", 0, "error", True)
    ]
    assert run.load.drain(0.0) == 2
    assert run.ends("browse") == (0, 0, 2, 0, 1)


def test_what_is_still_in_flight_when_the_run_ends_is_recorded_as_abandoned(fake_client: FakeClient) -> None:
    run = Run(fake_client(never))
    run.arrive("sign_in")
    gevent.sleep(0)
    assert run.load.drain(0.0) == 1
    assert [(record.outcome, record.last) for record in run.records] == [("abandoned", True)]
    assert run.ends("sign_in") == (0, 0, 1, 0, 0)


def test_customers_sign_in_one_after_another_before_the_load(fake_client: FakeClient) -> None:
    client = fake_client(healthy)
    assert sign_in_customers(plan(), client) == (Account("t", 3_600), Account("t", 3_600))
    emails = [json.loads(body)["email"] for _, _, _, body in client.sent]
    assert emails == ["customer-0001@feastfast.example", "customer-0002@feastfast.example"]


def test_a_mix_that_needs_no_customer_signs_nobody_in(fake_client: FakeClient) -> None:
    client = fake_client(healthy)
    assert sign_in_customers(plan(mix=Mix.parse("browse=1,sign_in=1", MIX.journeys)), client) == ()
    assert client.sent == []


@pytest.mark.parametrize(
    ("respond", "reason"),
    [
        (lambda _method, _path: (401, {}), "status 401"),
        (lambda _method, _path: (201, {}), "no token"),
        (never, "no answer within 5 ms"),
    ],
)
def test_a_customer_who_cannot_sign_in_ends_the_setup_with_the_reason(
    fake_client: FakeClient, respond: Callable[[str, str], tuple[int, object]], reason: str
) -> None:
    with pytest.raises(SetupError, match=f"customer 1 cannot sign in at http://feastfast/v1/sessions: {reason}"):
        sign_in_customers(plan(patience_ms=5.0), fake_client(respond))


def test_tokens_are_renewed_at_half_of_their_lifetime_for_everybody_who_holds_them(fake_client: FakeClient) -> None:
    answers = iter([(503, {}), (201, {"token": "new", "expires_in_s": 0}), (201, {"token": "newer", "expires_in_s": 0})])
    renewed = Event()

    def respond(_method: str, _path: str) -> tuple[int, object]:
        answer = next(answers, None)
        if answer is None:
            renewed.set()
            return never(_method, _path)
        return answer

    accounts = (Account("old", 0.0), Account("old", 0.0))
    renewal = gevent.spawn(keep_signed_in, plan(), fake_client(respond), accounts, 0.0)
    renewed.wait()
    renewal.kill()
    assert [account.token for account in accounts] == ["new", "newer"]
