"""Calls that a partition keeps from leaving a process, and how it is counted."""

import asyncio

import pytest

from chaos.faults import Error
from chaos.faults.errors import InjectedAbort, InjectedError
from chaos.inject.asgi import App
from chaos.inject.client import inject_client, inject_client_answer
from chaos.inject.leases import LeaseTable
from chaos.inject.messages import LeaseRequest
from tests.chaos.partition.workshop import EDGE, Workshop, around, cut_off
from tests.chaos.requests import HandClock, Notes, Request, Scissors, settle

OTHER_EDGE = "orders->restaurants"


async def test_a_call_that_is_reset_inside_of_the_application_is_not_taken_for_its_callers_connection(
    table: LeaseTable, scissors: Scissors
) -> None:
    work = Workshop(error=InjectedAbort("of an edge"))
    work.may_end.set()
    cut_off(table, edge=EDGE)
    with pytest.raises(InjectedAbort, match="of an edge"):
        await Request(body=()).run(around(work, table, scissors))
    assert scissors.cut == []


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
    assert notes.injections == [("a", "partition", "orders"), ("a", "partition", EDGE)]
    (lease,) = table.snapshot().leases
    assert (lease.seen, lease.injected, lease.edge) == (2, 2, None)
    assert table.in_force() == {("partition", "orders"): 1}
    table.heal()
    await asyncio.gather(request, call)
    assert len(notes.injections) == 2


@pytest.mark.parametrize("edge", [None, EDGE])
def test_a_process_is_cut_off_by_a_partition_of_its_own_until_that_ends(
    table: LeaseTable, clock: HandClock, edge: str | None
) -> None:
    assert not table.cut_off
    cut_off(table, edge=edge, lease_ms=1_000)
    assert table.cut_off is (edge is None)
    clock.now_s += 1
    assert not table.cut_off
