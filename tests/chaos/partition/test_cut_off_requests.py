"""What a partition keeps from reaching a process, and what it leaves in reach."""

import asyncio

import pytest
from pydantic import ValidationError

from chaos.faults import Error, Partition
from chaos.inject.asgi import App, Receive, Scope, Send
from chaos.inject.leases import LeaseTable
from chaos.inject.messages import PATH, TOKEN_HEADER, LeaseRequest
from chaos.inject.partition import PartitionMiddleware
from tests.chaos.partition.workshop import cut_off
from tests.chaos.requests import Echo, HandClock, Request, Scissors, crowd, settle


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
    held, late = await crowd(app, 3, scissors)
    assert (late.sent, len(scissors.cut)) == ([], 1)
    table.heal()
    await asyncio.gather(*held)


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
