"""Answers that a partition keeps from getting out."""

import asyncio

import pytest

from chaos.inject.asgi import App, Receive, Scope, Send
from chaos.inject.held_answer import MAX_HELD_BYTES, MAX_HELD_PARTS
from chaos.inject.leases import LeaseTable
from tests.chaos.partition.workshop import Workshop, around, begun, cut_off
from tests.chaos.requests import Request, Scissors, settle


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


async def test_a_scrape_that_was_under_way_is_answered(table: LeaseTable, scissors: Scissors) -> None:
    work = Workshop()
    request = Request("/metrics", "GET")
    task = await request.start(around(work, table, scissors))
    cut_off(table)
    work.may_end.set()
    await task
    assert request.status == 200


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
