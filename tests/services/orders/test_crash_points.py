"""Wherever a replica of orders dies or stands still, an order is accepted whole or undone whole."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from services.kit.errors import ConflictError, ServiceError
from services.kit.saga.record import SagaState
from services.kit.saga.recovery import LEAST_LEFT_S
from services.orders.domain import OrderStatus
from services.orders.placing import DEADLINE_MS
from tests.services.orders.fate import Death, Fate
from tests.services.orders.stage import Replica, Stage

MOST_POINTS = 60


async def place_with(replica: Replica, key: str) -> str:
    """How placing an order ends, in one word."""
    try:
        order = await replica.place(key)
    except Death:
        return "died"
    except ServiceError as error:
        return type(error).__name__
    return order.status


async def points_of_an_order(stage: Stage) -> AsyncIterator[int]:
    """Every point that placing one order passes."""
    replica = stage.replica()
    await replica.place("the one that counts the points")
    assert replica.fate.passed < MOST_POINTS
    for point in range(1, replica.fate.passed + 1):
        yield point


async def test_an_order_without_trouble_is_confirmed_and_told_of_once(stage: Stage) -> None:
    order = await stage.replica().place()
    assert order.status is OrderStatus.CONFIRMED
    assert order.total_cents > 0
    assert [name for name, _ in await stage.told(order.id)] == ["order.accepted"]
    await stage.check()


@pytest.mark.parametrize("defers", [False, True])
async def test_a_death_at_any_point_leaves_an_order_that_others_undo_after_its_deadline(stage: Stage, *, defers: bool) -> None:
    stage.world.defers = defers
    outcomes = set()
    async for point in points_of_an_order(stage):
        fate = Fate()
        fate.dies_at = point
        outcomes.add(await place_with(stage.replica(fate=fate), f"key {point}"))
    await stage.settle()
    await stage.check()
    assert outcomes == {"died"}
    orders = await stage.all_orders()
    assert {order.status for order, _ in orders if not order.accepted} == {OrderStatus.CANCELLED}
    assert len([order for order, _ in orders if order.accepted]) >= 2  # The count itself, and the death after the last commit.


async def test_a_process_that_comes_back_in_time_finishes_what_it_left(stage: Stage) -> None:
    async for point in points_of_an_order(stage):
        fate = Fate()
        fate.dies_at = point
        await place_with(stage.replica("orders/1", fate), f"key {point}")
        await stage.replica("orders/1").come_back()
    orders = await stage.all_orders()
    assert {(order.status, state) for order, state in orders} == {(OrderStatus.CONFIRMED, SagaState.DONE)}
    await stage.check()


async def test_a_recovery_that_dies_at_any_point_is_recovered_from(stage: Stage) -> None:
    async for point in points_of_an_order(stage):
        fate = Fate()
        fate.dies_at = point
        await place_with(stage.replica(fate=fate), f"key {point}")
        stage.world.now_s += 60.0
        for later in range(1, MOST_POINTS):
            again = Fate()
            again.dies_at = later
            try:
                await stage.replica("orders/2", again).recover()
            except Death:
                stage.world.now_s += 60.0
            else:
                break
    await stage.settle()
    await stage.check()


async def test_a_replica_that_stands_still_past_its_lease_at_any_point_is_fenced(stage: Stage) -> None:
    async for point in points_of_an_order(stage):
        before = {order.id for order, _ in await stage.all_orders()}
        fate = Fate()
        fate.pauses_at = point
        slow = asyncio.create_task(place_with(stage.replica("orders/1", fate), f"key {point}"))
        waiting = asyncio.create_task(fate.stands_still.wait())
        await asyncio.wait({slow, waiting}, return_when=asyncio.FIRST_COMPLETED)
        stage.world.now_s += 60.0
        await stage.replica("orders/2").recover()
        fate.goes_on.set()
        told = await slow
        waiting.cancel()
        await stage.settle()
        (order,) = [order for order, _ in await stage.all_orders() if order.id not in before]
        assert order.accepted == (told == OrderStatus.CONFIRMED), (point, told, order)
    await stage.check()


@pytest.mark.parametrize("times", [1, 3])  # Its deadline passes, its caller leaves, the process ends: each is a cancellation.
async def test_an_order_whose_caller_leaves_at_any_point_is_finished_at_once_by_whoever_looks(stage: Stage, times: int) -> None:
    async for point in points_of_an_order(stage):
        fate = Fate()
        fate.pauses_at = point
        placing = asyncio.create_task(place_with(stage.replica("orders/1", fate), f"key {point}"))
        waiting = asyncio.create_task(fate.stands_still.wait())
        await asyncio.wait({placing, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        for _ in range(times):
            placing.cancel()
            await asyncio.sleep(0)
        fate.goes_on.set()
        await asyncio.gather(placing, waiting, return_exceptions=True)
        await stage.replica("orders/2").recover()  # No time has passed: nothing waits for a lease.
        assert {state for _, state in await stage.all_orders()} == {SagaState.DONE}, point
        again = await stage.replica("orders/2").place(f"key {point}")
        assert again.status is OrderStatus.CONFIRMED
    await stage.check()


async def test_an_order_that_is_left_a_moment_before_its_deadline_is_undone(stage: Stage) -> None:
    fate = Fate()
    fate.pauses_at = 8
    placing = asyncio.create_task(place_with(stage.replica("orders/1", fate), "key"))
    await fate.stands_still.wait()
    stage.world.now_s += DEADLINE_MS / 1_000 - LEAST_LEFT_S / 2
    placing.cancel()
    await asyncio.sleep(0)
    fate.goes_on.set()
    await asyncio.gather(placing, return_exceptions=True)
    await stage.replica("orders/2").recover()
    assert [(order.status, state) for order, state in await stage.all_orders()] == [(OrderStatus.CANCELLED, SagaState.UNDONE)]
    await stage.check()


async def test_a_cancellation_at_any_point_ends_in_an_order_that_is_confirmed_or_undone(stage: Stage) -> None:
    outcomes = set()
    async for point in points_of_an_order(stage):
        fate = Fate()
        fate.pauses_at = point
        placing = asyncio.create_task(place_with(stage.replica("orders/1", fate), f"key {point}"))
        waiting = asyncio.create_task(fate.stands_still.wait())
        await asyncio.wait({placing, waiting}, return_when=asyncio.FIRST_COMPLETED)
        other = stage.replica("orders/2")
        for order, _ in await stage.all_orders():
            if order.status is OrderStatus.PENDING:
                await other.book.cancel(order.id, 1)
                await other.recover()
        fate.goes_on.set()
        outcomes.add(await placing)
        waiting.cancel()
    await stage.settle()
    await stage.check()
    assert outcomes == {OrderStatus.CONFIRMED, ConflictError.__name__}


@pytest.mark.parametrize("callee", ["reserve", "authorise", "assign", "capture"])
@pytest.mark.parametrize("way", ["down", "silent"])
async def test_a_callee_that_does_not_answer_has_the_order_undone_though_the_call_arrives_late(
    stage: Stage, callee: str, way: str
) -> None:
    getattr(stage.world, way).add(callee)
    assert await place_with(stage.replica(), "key") == "OrderCancelledError"
    await stage.replica().recover()
    stage.world.arrive_late()
    await stage.settle()
    await stage.check()


@pytest.mark.parametrize("callee", ["release", "void", "unassign", "refund"])
async def test_a_compensation_that_fails_is_tried_until_it_succeeds(stage: Stage, callee: str) -> None:
    stage.world.silent.add("capture")
    stage.world.down.add(callee)
    assert await place_with(stage.replica(), "key") == "OrderCancelledError"
    for _ in range(5):
        stage.world.now_s += 10.0
        await stage.replica().recover()
    ((order, state),) = await stage.all_orders()
    assert state is SagaState.COMPENSATING
    if callee != "release":
        assert stage.world.portions[order.id] == "released", "a callee that does not answer holds up nobody else"
    await stage.settle()
    await stage.check()


async def test_whoever_has_undone_a_step_is_not_asked_again_while_another_callee_is_away(stage: Stage) -> None:
    stage.world.silent.add("capture")
    stage.world.down.add("unassign")
    await place_with(stage.replica(), "key")
    for _ in range(5):
        stage.world.now_s += 10.0
        await stage.replica().recover()
    assert stage.world.asked["unassign"] == 5
    assert (stage.world.asked["release"], stage.world.asked["refund"]) == (1, 1)
    await stage.settle()
    await stage.check()
    assert stage.world.asked["release"] == 1, "what was undone before its turn is only written down when its turn comes"


async def test_a_compensation_that_dies_at_any_point_while_a_callee_is_away_is_finished_by_others(stage: Stage) -> None:
    for point in range(1, MOST_POINTS):
        stage.world.silent.add("capture")
        stage.world.down.add("unassign")
        await place_with(stage.replica(), f"key {point}")
        fate = Fate()
        fate.dies_at = point
        try:
            await stage.replica("orders/2", fate).recover()
        except Death:
            await stage.settle()
        else:
            assert point > 10, "the compensation passes more points than that"
            break
    await stage.settle()
    await stage.check()
    assert max(stage.world.asked["release"], stage.world.asked["refund"]) > point, "a death before the write has it repeated"
