"""What a partition keeps back, in both directions and at both ends, and what it leaves in reach."""

import asyncio

import pytest
from pydantic import ValidationError

from chaos.faults import Error, Partition
from chaos.faults.errors import InjectedAbort, InjectedError
from chaos.inject.asgi import App, Receive, Scope, Send, answer
from chaos.inject.client import inject_client, inject_client_answer
from chaos.inject.held_answer import MAX_HELD_BYTES, MAX_HELD_PARTS
from chaos.inject.leases import LeaseTable
from chaos.inject.messages import PATH, TOKEN_HEADER, LeaseRequest
from chaos.inject.middleware import ChaosMiddleware
from chaos.inject.partition import PartitionMiddleware
from tests.chaos.requests import Echo, HandClock, Request, Scissors, settle

EDGE = "orders->payments"
OTHER_EDGE = "orders->restaurants"


class Notes:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.noted: list[str] = []

    def injected(self, lease_id: str, fault: str, target: str) -> None:
        self.noted.append(f"{lease_id} {fault} {target}")


class Workshop:
    """An application whose work takes until it is told."""

    def __init__(self, body: bytes = b"done", error: Exception | None = None) -> None:
        self.begun = 0
        self.done = 0
        self.may_end = asyncio.Event()
        self._body = body
        self._error = error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.begun += 1
        await self.may_end.wait()
        if self._error:
            raise self._error
        await answer(send, 200, self._body, b"text/plain")
        self.done += 1


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def table(clock: HandClock, notes: Notes) -> LeaseTable:
    return LeaseTable(service="orders", clock=clock, observer=notes, max_held=3)


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def scissors() -> Scissors:
    return Scissors()


@pytest.fixture
def app(echo: Echo, table: LeaseTable, scissors: Scissors) -> App:
    return around(echo, table, scissors)


def around(application: App, table: LeaseTable, scissors: Scissors) -> App:
    return PartitionMiddleware(ChaosMiddleware(application, table, "token", scissors), table, ("/__policy__",), scissors)


def cut_off(table: LeaseTable, *, edge: str | None = None, lease_ms: float = 30_000, lease_id: str = "a") -> None:
    table.grant(LeaseRequest(id=lease_id, fault=Partition(), edge=edge, lease_ms=lease_ms))


async def begun(work: Workshop, table: LeaseTable, scissors: Scissors) -> tuple[Request, "asyncio.Task[None]"]:
    """A request that is being served."""
    request = Request(body=())
    task = await request.start(around(work, table, scissors))
    assert work.begun == 1
    return request, task


async def test_a_request_reaches_the_application_when_the_partition_ends(
    app: App, echo: Echo, table: LeaseTable, clock: HandClock
) -> None:
    cut_off(table, lease_ms=2_000)
    request = Request(body=(b"one", b"two"))
    task = await request.start(app)
    await clock.advance(1.9)
    assert (echo.requests, request.sent) == (0, [])
    await clock.advance(0.2)
    await task
    assert (request.status, request.body) == (200, b"onetwo")


async def test_a_request_whose_caller_gives_up_never_arrives(app: App, echo: Echo, table: LeaseTable, clock: HandClock) -> None:
    cut_off(table)
    request = Request()
    task = await request.start(app)
    request.hang_up()
    await settle()
    assert task.done()
    await clock.advance(60)
    assert (echo.requests, request.sent) == (0, [])


async def test_work_that_was_begun_is_done_and_its_answer_waits_for_the_end(table: LeaseTable, scissors: Scissors) -> None:
    work = Workshop()
    request, task = await begun(work, table, scissors)
    cut_off(table)
    work.may_end.set()
    await settle()
    assert (work.done, request.sent) == (1, [])
    table.heal()
    await task
    assert (request.status, request.body) == (200, b"done")


async def test_an_answer_whose_caller_gave_up_is_lost_for_good(table: LeaseTable, scissors: Scissors) -> None:
    work = Workshop()
    request, task = await begun(work, table, scissors)
    cut_off(table)
    work.may_end.set()
    request.hang_up()
    await settle()
    assert (task.done(), work.done) == (True, 1)
    table.heal()
    await settle()
    assert request.sent == []


async def test_the_answer_to_what_nobody_foresaw_waits_as_well(table: LeaseTable, scissors: Scissors) -> None:
    work = Workshop(error=RuntimeError("out of paper"))
    _, task = await begun(work, table, scissors)
    cut_off(table)
    work.may_end.set()
    await settle()
    assert not task.done()
    table.heal()
    with pytest.raises(RuntimeError, match="out of paper"):
        await task


async def test_an_answer_that_began_before_the_partition_stops_in_the_middle(table: LeaseTable, scissors: Scissors) -> None:
    go_on = asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await go_on.wait()
        await send({"type": "http.response.body", "body": b"two"})

    request = Request(body=())
    task = await request.start(around(slow, table, scissors))
    cut_off(table)
    go_on.set()
    await settle()
    assert request.body == b"one"
    table.heal()
    await task
    assert request.body == b"onetwo"


async def test_an_answer_of_too_many_parts_to_keep_makes_the_application_wait(table: LeaseTable, scissors: Scissors) -> None:
    go_on, sent = asyncio.Event(), 0

    async def stream(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal sent
        await go_on.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(1_000):
            await send({"type": "http.response.body", "body": b"", "more_body": True})
            sent += 1
        await send({"type": "http.response.body", "body": b"end"})

    request = Request(body=())
    task = await request.start(around(stream, table, scissors))
    cut_off(table)
    go_on.set()
    await settle()
    assert sent < MAX_HELD_PARTS
    table.heal()
    await task
    assert request.body == b"end"


async def test_an_answer_too_large_to_keep_makes_the_application_wait(table: LeaseTable, scissors: Scissors) -> None:
    work = Workshop(body=b"x" * (MAX_HELD_BYTES + 1))
    request, task = await begun(work, table, scissors)
    cut_off(table)
    work.may_end.set()
    await settle()
    assert (work.done, request.sent) == (0, [])
    table.heal()
    await task
    assert len(request.body) == MAX_HELD_BYTES + 1


async def test_a_renewed_partition_holds_on_to_its_new_end(app: App, table: LeaseTable, clock: HandClock) -> None:
    cut_off(table, lease_ms=2_000)
    request = Request()
    task = await request.start(app)
    await clock.advance(1)
    cut_off(table, lease_ms=2_000)
    await clock.advance(1.5)
    assert not task.done()
    await clock.advance(0.6)
    await task
    assert request.status == 200


async def test_of_two_partitions_the_longer_one_counts(app: App, echo: Echo, table: LeaseTable, clock: HandClock) -> None:
    cut_off(table, lease_ms=1_000, lease_id="short")
    cut_off(table, lease_ms=3_000, lease_id="long")
    request = Request()
    task = await request.start(app)
    await clock.advance(2)
    assert (task.done(), echo.requests) == (False, 0)
    await clock.advance(1.1)
    await task
    assert [(lease.id, lease.seen) for lease in table.snapshot().ended] == [("short", 1), ("long", 1)]


@pytest.mark.parametrize("path", ["/health/ready", "/metrics", "/__policy__/leases"])
async def test_whoever_watches_and_heals_a_process_still_reaches_it(app: App, table: LeaseTable, path: str) -> None:
    cut_off(table)
    request = Request(path)
    await request.run(app)
    assert request.status == 200
    assert table.snapshot().leases[0].seen == 0


async def test_the_answer_that_grants_a_partition_is_not_its_first_victim(app: App, table: LeaseTable) -> None:
    body = LeaseRequest(fault=Partition(), lease_ms=30_000).model_dump_json(exclude_none=True).encode()
    grant, heal = Request(PATH, body=(body,)), Request(PATH, "DELETE")
    for request in (grant, heal):
        request.scope["headers"] = [(TOKEN_HEADER.lower().encode(), b"token")]
        await request.run(app)
    assert (grant.status, heal.status) == (201, 200)
    assert table.snapshot().leases == ()


async def test_a_scrape_that_was_under_way_is_answered(table: LeaseTable, scissors: Scissors) -> None:
    work = Workshop()
    request = Request("/metrics", "GET")
    task = await request.start(around(work, table, scissors))
    cut_off(table)
    work.may_end.set()
    await task
    assert request.status == 200


async def test_nobody_is_answered_in_place_of_what_is_cut_off(app: App, table: LeaseTable) -> None:
    table.grant(LeaseRequest(fault=Error(), lease_ms=60_000))
    cut_off(table)
    request = Request()
    task = await request.start(app)
    assert request.sent == []
    table.heal("a")
    await task
    assert request.status == 503


async def test_requests_beyond_what_the_table_holds_are_cut(app: App, table: LeaseTable, scissors: Scissors) -> None:
    cut_off(table)
    held = [await Request().start(app) for _ in range(3)]
    late = Request()
    scissors.on_cut = late.hang_up
    await late.run(app)
    assert (late.sent, len(scissors.cut)) == ([], 1)
    table.heal()
    await asyncio.gather(*held)


async def test_a_call_that_is_reset_inside_of_the_application_is_not_taken_for_its_callers_connection(
    table: LeaseTable, scissors: Scissors
) -> None:
    work = Workshop(error=InjectedAbort("of an edge"))
    work.may_end.set()
    cut_off(table, edge=EDGE)
    with pytest.raises(InjectedAbort, match="of an edge"):
        await Request(body=()).run(around(work, table, scissors))
    assert scissors.cut == []


async def test_answers_beyond_what_the_table_holds_are_cut(app: App, table: LeaseTable, scissors: Scissors) -> None:
    work = Workshop()
    request, task = await begun(work, table, scissors)
    cut_off(table)
    held = [await Request().start(app) for _ in range(3)]
    scissors.on_cut = request.hang_up
    work.may_end.set()
    await task
    assert (request.sent, scissors.cut, work.done) == ([], [request.scope], 1)
    table.heal()
    await asyncio.gather(*held)


@pytest.mark.parametrize(("edge", "held"), [(None, [EDGE, OTHER_EDGE]), (EDGE, [EDGE])])
async def test_calls_leave_a_process_over_no_edge_that_is_cut(table: LeaseTable, edge: str | None, held: list[str]) -> None:
    cut_off(table, edge=edge)
    calls = {each: asyncio.ensure_future(inject_client(table, each)) for each in (EDGE, OTHER_EDGE)}
    await settle()
    assert [each for each, call in calls.items() if not call.done()] == held
    table.heal()
    await asyncio.gather(*calls.values())


async def test_a_cut_edge_keeps_no_request_from_its_caller(app: App, table: LeaseTable) -> None:
    cut_off(table, edge=EDGE)
    request = Request()
    await request.run(app)
    assert request.status == 200


async def test_what_came_of_an_attempt_is_not_known_before_the_end(table: LeaseTable) -> None:
    cut_off(table)
    came = asyncio.ensure_future(inject_client_answer(table, EDGE))
    await settle()
    assert not came.done()
    table.heal()
    await came


async def test_a_call_that_gives_up_frees_its_place(table: LeaseTable) -> None:
    cut_off(table)
    for _ in range(10):  # With room for three.
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await inject_client(table, EDGE)


async def test_calls_beyond_what_the_table_holds_are_reset(table: LeaseTable) -> None:
    cut_off(table)
    held = [asyncio.ensure_future(inject_client(table, EDGE)) for _ in range(3)]
    await settle()
    with pytest.raises(InjectedAbort):
        await inject_client(table, EDGE)
    table.heal()
    await asyncio.gather(*held)


async def test_a_fault_of_the_edge_acts_before_the_wire_is_reached(table: LeaseTable) -> None:
    cut_off(table)
    table.grant(LeaseRequest(fault=Error(), edge=EDGE, lease_ms=60_000))
    with pytest.raises(InjectedError):
        await inject_client(table, EDGE)


async def test_whatever_meets_a_partition_is_counted_and_observed_once(app: App, table: LeaseTable, notes: Notes) -> None:
    cut_off(table)
    request = await Request(body=(b"one", b"two")).start(app)
    call = asyncio.ensure_future(inject_client(table, EDGE))
    await settle()
    assert notes.noted == ["a partition orders", f"a partition {EDGE}"]
    (lease,) = table.snapshot().leases
    assert (lease.seen, lease.injected, lease.edge) == (2, 2, None)
    assert table.in_force() == {("partition", "orders"): 1}
    table.heal()
    await asyncio.gather(request, call)
    assert len(notes.noted) == 2


@pytest.mark.parametrize("edge", [None, EDGE])
def test_a_process_is_cut_off_by_a_partition_of_its_own_until_that_ends(
    table: LeaseTable, clock: HandClock, edge: str | None
) -> None:
    assert not table.cut_off
    cut_off(table, edge=edge, lease_ms=1_000)
    assert table.cut_off is (edge is None)
    clock.now_s += 1
    assert not table.cut_off


def test_a_partition_of_some_requests_is_refused() -> None:
    with pytest.raises(ValidationError, match="a partition loses every packet, so its rate is 1"):
        LeaseRequest(fault=Partition(), rate=0.5, lease_ms=1_000)


async def test_what_is_no_request_passes(app: App, table: LeaseTable) -> None:
    passed: list[str] = []

    async def lifespan(scope: Scope, receive: Receive, send: Send) -> None:
        passed.append(scope["type"])

    cut_off(table)
    request = Request()
    request.scope["type"] = "lifespan"
    await request.run(PartitionMiddleware(lifespan, table))
    assert passed == ["lifespan"]
