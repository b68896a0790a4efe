"""An order has at most one courier, and couriers have the orders that name them."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Awaitable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.deliveries.domain import Assignment, AssignmentRefusedError, AssignmentState
from services.deliveries.store import COURIERS, AssignmentStore

Replicas = tuple[AssignmentStore, AssignmentStore]
MANY = 10_000


def new_order() -> str:
    return str(uuid.uuid4())


async def loads(store: AssignmentStore) -> Counter[int]:
    """Orders of each courier that has any, by their own account."""
    return +Counter({courier.id: courier.assigned for courier in await store.couriers(0, MANY)})


async def assigned(store: AssignmentStore) -> Counter[int]:
    """The same by the account of assignments."""
    return Counter(each.courier_id for each in await store.page("", MANY) if each.state is AssignmentState.ASSIGNED)


async def outcome(work: Awaitable[Assignment]) -> str:
    try:
        await work
    except AssignmentRefusedError as error:
        return str(error)
    return "assigned"


async def test_an_order_that_asks_again_has_the_courier_that_it_had(store: AssignmentStore) -> None:
    order_id = new_order()
    first = await store.assign(order_id, 1)
    assert await store.assign(order_id, 1) == first == await store.find(order_id)
    assert await loads(store) == {first.courier_id: 1}


async def test_an_order_goes_to_the_courier_with_the_fewest(store: AssignmentStore) -> None:
    for _ in range(COURIERS + 1):
        await store.assign(new_order(), 1)
    assert await loads(store) == {1: 2} | dict.fromkeys(range(2, COURIERS + 1), 1)


async def test_a_withdrawn_order_is_no_load_any_more(store: AssignmentStore) -> None:
    order_id = new_order()
    first = await store.assign(order_id, 1)
    await store.withdraw(order_id)
    await store.withdraw(order_id)
    assert await loads(store) == {}
    assert (await store.assign(new_order(), 1)).courier_id == first.courier_id


@pytest.mark.parametrize("before", [True, False], ids=["assigned before", "never assigned"])
async def test_a_withdrawn_order_never_gets_a_courier(store: AssignmentStore, *, before: bool) -> None:
    order_id = new_order()
    if before:
        await store.assign(order_id, 1)
    await store.withdraw(order_id)
    assert await outcome(store.assign(order_id, 1)) == f"order {order_id} has been withdrawn"
    assert await loads(store) == {}


async def test_orders_that_ask_at_once_are_all_counted(replicas: Replicas) -> None:
    made = await asyncio.gather(*(store.assign(new_order(), 1) for store in replicas * 10))
    assert await loads(replicas[0]) == Counter(assignment.courier_id for assignment in made)


async def test_an_order_that_asks_several_times_at_once_gets_one_courier(replicas: Replicas) -> None:
    order_id = new_order()
    made = await asyncio.gather(*(store.assign(order_id, 1) for store in replicas * 4))
    assert set(made) == {made[0]}
    assert await loads(replicas[0]) == {made[0].courier_id: 1}


async def test_an_order_that_is_assigned_and_withdrawn_at_once_has_nobody(replicas: Replicas) -> None:
    one, other = replicas
    order_ids = [new_order() for _ in range(10)]
    assigning = [outcome(one.assign(order_id, 1)) for order_id in order_ids]
    await asyncio.gather(*assigning, *(other.withdraw(order_id) for order_id in order_ids))
    assert await loads(one) == {}
    assert {each.state for each in await one.page("", MANY)} == {AssignmentState.WITHDRAWN}


async def test_replicas_that_start_together_make_the_couriers_once(replicas: Replicas) -> None:
    assert len(await replicas[0].couriers(0, MANY)) == COURIERS


@given(acts=st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=20))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_loads_are_what_assignments_say_whatever_is_assigned_and_withdrawn(
    store: AssignmentStore, acts: list[tuple[int, bool]]
) -> None:
    order_ids = [new_order() for _ in range(4)]
    for number, wanted in acts:
        if wanted:
            await outcome(store.assign(order_ids[number], 1))
        else:
            await store.withdraw(order_ids[number])
    assert await loads(store) == await assigned(store)
