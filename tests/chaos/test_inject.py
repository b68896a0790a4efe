"""What a request lives through inside a target: server side, client side, and the bounds of both."""

import asyncio
import json

import pytest

from chaos.faults import Abort, AnyFault, Error, Hang, Latency
from chaos.faults.errors import InjectedAbort, InjectedError
from chaos.inject.asgi import Receive, Scope, Send
from chaos.inject.client import inject_client
from chaos.inject.leases import LeaseTable
from chaos.inject.messages import LeaseRequest
from chaos.inject.middleware import ChaosMiddleware
from tests.chaos.requests import Echo, HandClock, Request, Scissors, crowd, settle

EDGE = "orders->payments"


@pytest.fixture
def table(clock: HandClock) -> LeaseTable:
    return LeaseTable(service="payments", clock=clock, max_held=3)


@pytest.fixture
def app(echo: Echo, table: LeaseTable, scissors: Scissors) -> ChaosMiddleware:
    return ChaosMiddleware(echo, table, "token", scissors)


def grant(table: LeaseTable, fault: AnyFault, *, edge: str | None = None, lease_ms: float = 30_000, lease_id: str = "a") -> None:
    table.grant(LeaseRequest(id=lease_id, fault=fault, edge=edge, lease_ms=lease_ms))


async def test_without_a_lease_a_request_passes_untouched(app: ChaosMiddleware) -> None:
    request = Request(body=(b"one", b"two"))
    await request.run(app)
    assert (request.status, request.body) == (200, b"onetwo")


async def test_latency_is_added_before_the_application_sees_the_request(
    app: ChaosMiddleware, echo: Echo, table: LeaseTable, clock: HandClock
) -> None:
    grant(table, Latency(latency_ms=300))
    request = Request()
    task = await request.start(app)
    await clock.advance(0.2999)
    assert echo.requests == 0
    await clock.advance(0.0002)
    await task
    assert (request.status, request.body) == (200, b"{}")


async def test_latency_is_not_short_when_the_timer_fires_early(table: LeaseTable, clock: HandClock) -> None:
    grant(table, Latency(latency_ms=300), edge=EDGE)
    task = asyncio.ensure_future(inject_client(table, EDGE))
    await settle()
    clock.now_s -= 0.0009  # The loop's timers and the clock disagree by most of a millisecond.
    for _, due in clock._timers:
        due.set()
    await settle()
    assert not task.done()
    await clock.advance(0.301)
    await task


async def test_an_error_is_answered_for_the_application_and_labelled(app: ChaosMiddleware, echo: Echo, table: LeaseTable) -> None:
    grant(table, Error(status=429))
    request = Request()
    await request.run(app)
    assert (request.status, echo.requests) == (429, 0)
    headers = dict(request.sent[0]["headers"])
    assert headers[b"content-type"] == b"application/problem+json"
    assert headers[b"x-chaos-fault"] == b"error"
    assert headers[b"content-length"] == str(len(request.body)).encode()
    assert json.loads(request.body)["status"] == 429


async def test_an_abort_cuts_the_connection_and_answers_nothing(
    app: ChaosMiddleware, echo: Echo, table: LeaseTable, scissors: Scissors
) -> None:
    grant(table, Abort())
    request = Request()
    scissors.on_cut = request.hang_up
    await request.run(app)
    assert (request.sent, echo.requests) == ([], 0)
    assert scissors.cut == [request.scope]


async def test_an_abort_that_cannot_cut_is_left_to_the_server(echo: Echo, table: LeaseTable) -> None:
    grant(table, Abort())
    with pytest.raises(InjectedAbort):
        await Request().run(ChaosMiddleware(echo, table, None))  # The scope names no addresses.


async def test_a_hung_request_goes_on_when_the_lease_ends(
    app: ChaosMiddleware, echo: Echo, table: LeaseTable, clock: HandClock
) -> None:
    grant(table, Hang(), lease_ms=2_000)
    request = Request(body=(b"first", b"second"))
    task = await request.start(app)
    await clock.advance(1.9)
    assert (task.done(), echo.requests) == (False, 0)
    await clock.advance(0.2)
    await task
    assert (request.status, request.body) == (200, b"firstsecond")


async def test_healing_lets_held_requests_go_on_at_once(app: ChaosMiddleware, table: LeaseTable) -> None:
    grant(table, Hang(), lease_id="hang")
    grant(table, Latency(latency_ms=20_000), lease_id="slow")
    requests = [Request(), Request()]
    tasks = [await request.start(app) for request in requests]
    table.heal()
    await settle()
    assert all(task.done() for task in tasks)
    assert [request.status for request in requests] == [200, 200]


async def test_a_renewed_hang_holds_until_its_new_end(table: LeaseTable, clock: HandClock) -> None:
    grant(table, Hang(), edge=EDGE, lease_ms=2_000)
    task = asyncio.ensure_future(inject_client(table, EDGE))
    await settle()
    await clock.advance(1)
    grant(table, Hang(), edge=EDGE, lease_ms=2_000)
    await clock.advance(1.5)
    assert not task.done()
    await clock.advance(0.6)
    await task


async def test_a_renewal_may_bring_the_end_nearer(table: LeaseTable, clock: HandClock) -> None:
    grant(table, Hang(), edge=EDGE, lease_ms=30_000)
    task = asyncio.ensure_future(inject_client(table, EDGE))
    await settle()
    grant(table, Hang(), edge=EDGE, lease_ms=1_000)
    await settle()
    await clock.advance(1.1)
    assert task.done()


async def test_latency_does_not_outlive_its_lease(table: LeaseTable, clock: HandClock) -> None:
    grant(table, Latency(latency_ms=10_000), edge=EDGE, lease_ms=500)
    task = asyncio.ensure_future(inject_client(table, EDGE))
    await settle()
    await clock.advance(0.6)
    assert task.done()


async def test_a_caller_that_hangs_up_is_not_held_any_longer(
    app: ChaosMiddleware, echo: Echo, table: LeaseTable, clock: HandClock
) -> None:
    grant(table, Hang())
    request = Request(body=(b"first", b"second"))
    task = await request.start(app)
    request.hang_up()
    await settle()
    assert task.done()
    await clock.advance(60)
    assert (request.sent, echo.requests) == ([], 0)


async def test_a_body_too_large_to_keep_is_left_in_the_connection_until_the_lease_ends(
    app: ChaosMiddleware, table: LeaseTable, clock: HandClock
) -> None:
    grant(table, Hang(), lease_ms=1_000)
    body = (b"a" * 70_000, b"b", b"c")
    request = Request(body=body)
    task = await request.start(app)
    assert request._inbox.qsize() == 2
    await clock.advance(1.1)
    await task
    assert request.body == b"".join(body)


async def test_a_slow_callee_works_on_after_its_caller_hung_up(
    app: ChaosMiddleware, echo: Echo, table: LeaseTable, clock: HandClock
) -> None:
    grant(table, Latency(latency_ms=300))
    request = Request()
    task = await request.start(app)
    request.hang_up()
    await clock.advance(0.4)
    await task
    assert echo.requests == 1


@pytest.mark.parametrize("path", ["/health/ready", "/health", "/metrics"])
async def test_what_observes_the_target_is_never_hit(app: ChaosMiddleware, table: LeaseTable, path: str) -> None:
    grant(table, Error())
    request = Request(path, method="GET")
    await request.run(app)
    assert request.status == 200
    assert table.snapshot().leases[0].seen == 0


async def test_a_path_that_only_begins_alike_is_hit(app: ChaosMiddleware, table: LeaseTable) -> None:
    grant(table, Error())
    request = Request("/healthy-restaurants")
    await request.run(app)
    assert request.status == 503


async def test_a_fault_of_an_edge_inside_the_application_is_not_taken_for_one_of_the_server(table: LeaseTable) -> None:
    async def calls_out(scope: Scope, receive: Receive, send: Send) -> None:
        await inject_client(table, EDGE)

    grant(table, Latency(latency_ms=1), lease_id="server", lease_ms=1)
    grant(table, Error(status=500), edge=EDGE, lease_id="edge")
    table.heal("server")
    with pytest.raises(InjectedError):
        await Request().run(ChaosMiddleware(calls_out, table, None))


async def test_requests_held_beyond_the_bound_are_cut(app: ChaosMiddleware, table: LeaseTable, scissors: Scissors) -> None:
    grant(table, Hang())
    held, late = await crowd(app, 3, scissors)
    assert (late.sent, len(scissors.cut)) == ([], 1)
    table.heal()
    await asyncio.gather(*held)
    grant(table, Hang(), lease_id="b")
    again = await Request().start(app)
    assert not again.done()  # The places are free again.
    table.heal()
    await again


async def test_a_cancelled_call_stops_hanging_and_frees_its_place(table: LeaseTable) -> None:
    grant(table, Hang(), edge=EDGE)
    for _ in range(10):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await inject_client(table, EDGE)  # Ten times, with room for three.


async def test_a_call_over_another_edge_is_not_hit(table: LeaseTable) -> None:
    grant(table, Error(), edge=EDGE)
    await inject_client(table, "orders->restaurants")
    with pytest.raises(InjectedError):
        await inject_client(table, EDGE)


async def test_the_injection_is_observed_before_it_acts(clock: HandClock) -> None:
    noted: list[str] = []

    class Notes:
        def injected(self, lease_id: str, fault: str, target: str) -> None:
            noted.append(f"{lease_id} {fault} {target}")

    table = LeaseTable(service="payments", clock=clock, observer=Notes())
    grant(table, Hang())
    task = await Request().start(ChaosMiddleware(Echo(), table, None))
    assert noted == ["a hang payments"]
    table.heal()
    await task
