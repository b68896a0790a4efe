"""Who may still change an order that is nearly, or already, accepted."""

import asyncio

import pytest

from observability import names
from services.kit.errors import ConflictError, NotFoundError
from services.kit.events.event import Event
from services.kit.events.publisher import BacklogFullError
from services.kit.saga.log import KEPT_S
from services.kit.saga.record import SagaState
from services.orders.couriers import CourierAssigned
from services.orders.domain import Line, Order, OrderStatus
from services.orders.failures import OrderCancelledError
from tests.services.orders.fate import Death, Fate
from tests.services.orders.stage import Stage, Told


async def tell_of_a_courier(stage: Stage, order: Order) -> None:
    event = Event("e", "courier.assigned", order.id, '{"customer_id": 1, "courier_id": 3}', 0.0, {})
    async with stage.database.write() as connection:
        await CourierAssigned(Told(stage.world))(connection, event)  # type: ignore[arg-type]  # a fake of what it publishes with


async def deferred_order(stage: Stage) -> Order:
    stage.world.defers = True
    order = await stage.replica().place()
    assert order.status is OrderStatus.AWAITING_COURIER
    return order


async def status_of(stage: Stage, order: Order) -> OrderStatus:
    return (await stage.replica().book.of_customer(order.id, order.customer_id)).status


def taken_over(stage: Stage) -> float:
    states = (SagaState.RUNNING, SagaState.COMPENSATING)
    return sum(
        stage.telemetry.metrics.registry.get_sample_value(names.SAGAS_TAKEN_OVER, {"state": state}) or 0 for state in states
    )


@pytest.mark.parametrize("step", ["reserve", "authorise", "assign", "capture"])
async def test_an_order_that_takes_longer_than_its_deadline_is_undone(stage: Stage, step: str) -> None:
    stage.world.slow_s[step] = 16.0
    with pytest.raises(OrderCancelledError, match="longer than its deadline"):
        await stage.replica().place()
    await stage.settle()
    await stage.check()


async def test_an_order_whose_last_write_waits_past_its_deadline_is_undone(stage: Stage) -> None:
    stage.world.write_takes_s = 4.0  # The fifth write of four steps begins in time, and gets its lock too late.
    with pytest.raises(OrderCancelledError, match="longer than its deadline"):
        await stage.replica().place()
    stage.world.write_takes_s = 0.0
    await stage.settle()
    await stage.check()


async def test_no_order_is_begun_that_nobody_could_be_told_of(stage: Stage) -> None:
    stage.world.backlog_full = True
    with pytest.raises(BacklogFullError):
        await stage.replica().place()
    assert await stage.all_orders() == []


@pytest.mark.parametrize("point", range(1, 24))
async def test_an_order_whose_events_find_no_room_any_more_is_undone_whole(stage: Stage, point: int) -> None:
    fate = Fate()
    fate.pauses_at = point
    placing = asyncio.create_task(stage.replica(fate=fate).place())
    waiting = asyncio.create_task(fate.stands_still.wait())
    await asyncio.wait({placing, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    stage.world.backlog_full = True
    fate.goes_on.set()
    await asyncio.gather(placing, return_exceptions=True)
    await stage.settle()
    await stage.check()


async def test_a_process_takes_what_it_left_behind_and_nothing_that_it_began_since(stage: Stage) -> None:
    fate = Fate()
    fate.dies_at = 5
    with pytest.raises(Death):
        await stage.replica("orders/1", fate).place("left behind")
    back = stage.replica("orders/1")
    left = await back.sagas.left_behind(100)
    await back.place("begun since")
    await back.recovery.settle_left_behind(left)
    assert {order.status for order, _ in await stage.all_orders()} == {OrderStatus.CONFIRMED}
    log = [line.entry for line in await back.sagas.page(("", -1), 100)]
    assert log.count("taken over") == 1


async def test_a_compensation_that_is_tried_again_is_not_taken_over_again(stage: Stage) -> None:
    stage.world.silent.add("capture")
    stage.world.down.add("refund")
    with pytest.raises(OrderCancelledError):
        await stage.replica().place()
    await stage.replica("orders/2").recover()
    at_first = taken_over(stage)
    for _ in range(5):
        stage.world.now_s += 10.0
        await stage.replica("orders/2").recover()
    assert taken_over(stage) == at_first


async def test_what_a_dead_process_left_is_taken_over_once(stage: Stage) -> None:
    fate = Fate()
    fate.dies_at = 5
    with pytest.raises(Death):
        await stage.replica("orders/1", fate).place()
    before = taken_over(stage)
    stage.world.now_s += 60.0
    await stage.replica("orders/2").recover()
    assert taken_over(stage) == before + 1


async def test_an_order_whose_write_failed_is_anybodys_at_once(stage: Stage) -> None:
    fate = Fate()
    fate.fails_at = 6
    with pytest.raises(ConnectionResetError):
        await stage.replica("orders/1", fate).place()
    await stage.replica("orders/2").recover()
    assert {order.status for order, _ in await stage.all_orders()} == {OrderStatus.CONFIRMED}
    await stage.check()


async def test_sagas_that_cannot_be_undone_let_others_pass(stage: Stage) -> None:
    stage.world.down |= {"authorise", "unassign"}
    for number in range(10):
        with pytest.raises(OrderCancelledError):
            await stage.replica().place(f"stuck {number}")
    for _ in range(3):
        stage.world.now_s += 10.0
        await stage.replica().recovery.settle_due()
    stage.world.down = {"authorise"}
    with pytest.raises(OrderCancelledError):
        await stage.replica().place("fresh")
    stage.world.now_s += 10.0
    await stage.replica().recovery.settle_due()
    states = {order.created_at: state for order, state in await stage.all_orders()}
    assert states[max(states)] is SagaState.UNDONE


async def test_the_log_of_a_saga_that_cannot_be_undone_ends(stage: Stage) -> None:
    stage.world.silent.add("capture")
    stage.world.down.add("refund")
    with pytest.raises(OrderCancelledError):
        await stage.replica().place()
    for _ in range(50):
        stage.world.now_s += 10.0
        await stage.replica().recover()
    lines = await stage.replica().sagas.page(("", -1), 1_000)
    assert len(lines) < 40
    await stage.settle()
    await stage.check()


async def test_logs_of_finished_sagas_are_removed_in_the_end_and_those_of_open_ones_never(stage: Stage) -> None:
    await stage.replica().place("done")
    stage.world.silent.add("capture")
    stage.world.down.add("refund")
    with pytest.raises(OrderCancelledError):
        await stage.replica().place("open")
    sagas = stage.replica().sagas
    stage.world.now_s += KEPT_S + 1.0
    assert await sagas.prune() is False
    lines = await sagas.page(("", -1), 1_000)
    assert len({line.saga_id for line in lines}) == 1
    assert await sagas.count_open() == 1


async def test_a_deferred_order_is_confirmed_once_however_often_its_courier_is_told(stage: Stage) -> None:
    order = await deferred_order(stage)
    for _ in range(2):
        await tell_of_a_courier(stage, order)
    assert await status_of(stage, order) is OrderStatus.CONFIRMED
    assert [name for name, _ in await stage.told(order.id)] == ["order.accepted", "order.courier_wanted", "order.confirmed"]


async def test_an_order_that_awaits_its_courier_can_be_cancelled_and_stays_so(stage: Stage) -> None:
    order = await deferred_order(stage)
    replica = stage.replica()
    assert (await replica.book.cancel(order.id, 1)).status is OrderStatus.CANCELLED
    await tell_of_a_courier(stage, order)
    await stage.settle()
    assert await status_of(stage, order) is OrderStatus.CANCELLED
    (*_, (name, payload)) = await stage.told(order.id)
    assert (name, payload["was_accepted"]) == ("order.cancelled", True)
    await stage.check()


async def test_a_courier_who_comes_while_it_is_cancelled_wins_or_loses_whole(stage: Stage) -> None:
    order = await deferred_order(stage)
    fate = Fate()
    fate.pauses_at = 1
    cancelling = asyncio.create_task(stage.replica("orders/2", fate).book.cancel(order.id, 1))
    await fate.stands_still.wait()
    await tell_of_a_courier(stage, order)
    fate.goes_on.set()
    with pytest.raises(ConflictError, match="is confirmed"):
        await cancelling
    assert await status_of(stage, order) is OrderStatus.CONFIRMED


async def test_a_confirmed_order_cannot_be_cancelled(stage: Stage) -> None:
    order = await stage.replica().place()
    with pytest.raises(ConflictError, match="cannot be cancelled any more"):
        await stage.replica().book.cancel(order.id, 1)


async def test_somebody_elses_order_can_be_neither_seen_nor_cancelled(stage: Stage) -> None:
    order = await stage.replica().place()
    for forbidden in (stage.replica().book.cancel(order.id, 2), stage.replica().book.of_customer(order.id, 2)):
        with pytest.raises(NotFoundError):
            await forbidden


async def test_a_key_belongs_to_one_basket_of_one_customer(stage: Stage) -> None:
    order = await stage.replica().place()
    assert (await stage.replica("orders/2").place()).id == order.id
    assert (await stage.replica().place(customer_id=2)).id != order.id
    with pytest.raises(ConflictError, match="used for another basket"):
        await stage.replica().book.place(1, 7, (Line(701, 1),), "key")


async def test_repetitions_at_once_place_one_order(stage: Stage) -> None:
    replicas = [stage.replica(f"orders/{n % 2 + 1}") for n in range(6)]
    orders = await asyncio.gather(*(replica.place() for replica in replicas))
    assert len({order.id for order in orders}) == 1
    assert len(await stage.all_orders()) == 1


async def test_a_key_whose_order_was_refused_is_refused_again_in_the_same_words(stage: Stage) -> None:
    stage.world.down.add("authorise")
    with pytest.raises(OrderCancelledError) as first:
        await stage.replica().place()
    await stage.settle()
    with pytest.raises(OrderCancelledError) as again:
        await stage.replica().place()
    assert first.value.detail == again.value.detail


async def test_a_customer_pages_through_their_orders_from_the_newest(stage: Stage) -> None:
    placed = []
    for number in range(5):
        stage.world.now_s += 0.1
        placed.append((await stage.replica().place(f"key {number}")).id)
    store = stage.replica().store
    first = await store.of_customer(1, None, 2)
    rest = await store.of_customer(1, (first[-1].created_at, first[-1].id), 10)
    assert [order.id for order in [*first, *rest]] == placed[::-1]
    assert await store.of_customer(2, None, 10) == []
