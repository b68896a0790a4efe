"""Payments and their ledger on a real database: each step once, whoever takes it and however many do at once."""

import asyncio
from collections import Counter
from collections.abc import Awaitable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from services.kit.database import Database
from services.payments.domain import NOBODY, Entry, Payment, PaymentRefusedError, PaymentState, Step, Transaction
from services.payments.ledger import record
from services.payments.store import Change, PaymentStore
from services.payments.tables import payments, transactions
from tests.services.payments.till import new_order

Replicas = tuple[PaymentStore, PaymentStore]
PAGE = 10_000
UNDONE = (Step.VOID, Step.REFUND)


def wanted(order_id: str, amount_cents: int = 1_500, customer_id: int = 7) -> Payment:
    return Payment(order_id, customer_id, amount_cents, PaymentState.AUTHORISED)


async def take(store: PaymentStore, step: Step, order_id: str) -> PaymentState | None:
    """The payment's state after a step, or None when it is refused."""
    try:
        if step is Step.AUTHORISE:
            return (await store.authorise(wanted(order_id))).state
        return (await store.change(step, order_id)).payment.state
    except PaymentRefusedError:
        return None


async def recorded(store: PaymentStore, order_id: str) -> list[Step]:
    """What the ledger says was done, in its order."""
    return [each.transaction.step for each in await store.ledger.page(0, PAGE) if each.transaction.order_id == order_id]


async def balances(store: PaymentStore) -> dict[str, int]:
    return {each.account: each.amount_cents for each in await store.ledger.balances("", PAGE)}


async def test_a_payment_goes_from_the_customer_over_holds_to_the_merchant_and_back(store: PaymentStore) -> None:
    order_id = new_order()
    assert await store.authorise(wanted(order_id)) == wanted(order_id)
    assert await balances(store) == {"customer:7": -1_500, "holds": 1_500}
    assert await take(store, Step.CAPTURE, order_id) is PaymentState.CAPTURED
    assert await balances(store) == {"customer:7": -1_500, "holds": 0, "merchant": 1_500}
    assert await take(store, Step.REFUND, order_id) is PaymentState.REFUNDED
    assert await balances(store) == {"customer:7": 0, "holds": 0, "merchant": 0}


@pytest.mark.parametrize("undo", UNDONE)
async def test_undoing_what_is_only_held_is_a_void(store: PaymentStore, undo: Step) -> None:
    order_id = new_order()
    await store.authorise(wanted(order_id))
    assert await take(store, undo, order_id) is PaymentState.VOIDED
    assert await recorded(store, order_id) == [Step.AUTHORISE, Step.VOID]
    assert await balances(store) == {"customer:7": 0, "holds": 0}


@pytest.mark.parametrize("undo", UNDONE)
async def test_an_undo_that_comes_first_keeps_everything_else_out(store: PaymentStore, undo: Step) -> None:
    order_id = new_order()
    assert await store.change(undo, order_id) == Change(Payment(order_id, NOBODY, 0, PaymentState.VOIDED), is_new=True)
    assert [await take(store, step, order_id) for step in (Step.AUTHORISE, Step.CAPTURE)] == [None, None]
    assert [await take(store, step, order_id) for step in UNDONE] == [PaymentState.VOIDED] * 2
    assert await store.ledger.page(0, PAGE) == []


async def test_each_step_that_is_repeated_takes_effect_once(store: PaymentStore) -> None:
    order_id = new_order()
    for step in (Step.AUTHORISE, Step.CAPTURE, Step.REFUND):
        assert len({await take(store, step, order_id) for _ in range(3)}) == 1
    assert await recorded(store, order_id) == [Step.AUTHORISE, Step.CAPTURE, Step.REFUND]


async def test_only_the_first_of_repeated_changes_is_new(store: PaymentStore) -> None:
    order_id = new_order()
    await store.authorise(wanted(order_id))
    assert [(await store.change(Step.CAPTURE, order_id)).is_new for _ in range(3)] == [True, False, False]


async def test_a_payment_is_found_and_one_that_is_not_there_is_none(store: PaymentStore) -> None:
    order_id = new_order()
    assert await store.find(order_id) is None
    await store.authorise(wanted(order_id))
    assert await store.find(order_id) == wanted(order_id)


@pytest.mark.parametrize("step", Step)
async def test_a_step_that_two_replicas_take_at_once_is_recorded_once(replicas: Replicas, step: Step) -> None:
    for _ in range(5):
        order_id = new_order()
        if step is not Step.AUTHORISE:
            await replicas[0].authorise(wanted(order_id))
        if step is Step.REFUND:
            await replicas[0].change(Step.CAPTURE, order_id)
        states = await asyncio.gather(*(take(store, step, order_id) for store in replicas * 3))
        assert len(set(states)) == 1
        assert (await recorded(replicas[0], order_id)).count(step) == 1


@pytest.mark.parametrize("undo", UNDONE)
async def test_an_authorisation_and_its_undo_at_once_leave_nothing_held(replicas: Replicas, undo: Step) -> None:
    for _ in range(10):
        order_id = new_order()
        await asyncio.gather(take(replicas[0], Step.AUTHORISE, order_id), take(replicas[1], undo, order_id))
        found = await replicas[0].find(order_id)
        assert found is not None
        assert found.state is PaymentState.VOIDED
        assert await recorded(replicas[0], order_id) in ([], [Step.AUTHORISE, Step.VOID])
    assert set((await balances(replicas[0])).values()) <= {0}


async def test_of_a_capture_and_a_void_at_once_one_is_refused(replicas: Replicas) -> None:
    for _ in range(10):
        order_id = new_order()
        await replicas[0].authorise(wanted(order_id))
        outcomes = await asyncio.gather(take(replicas[0], Step.CAPTURE, order_id), take(replicas[1], Step.VOID, order_id))
        assert list(outcomes) in ([PaymentState.CAPTURED, None], [None, PaymentState.VOIDED])


async def test_of_two_authorisations_of_different_amounts_at_once_one_is_kept(replicas: Replicas) -> None:
    async def authorise(store: PaymentStore, amount_cents: int) -> int | None:
        try:
            return (await store.authorise(wanted(order_id, amount_cents))).amount_cents
        except PaymentRefusedError:
            return None

    order_id = new_order()
    outcomes = await asyncio.gather(authorise(replicas[0], 1_500), authorise(replicas[1], 1_600))
    assert list(outcomes) in ([1_500, None], [None, 1_600])
    assert len(await recorded(replicas[0], order_id)) == 1


def gathered(replicas: Replicas, steps: tuple[Step, ...], order_id: str) -> Awaitable[list[PaymentState | None]]:
    return asyncio.gather(*(take(store, step, order_id) for store, step in zip(replicas, steps, strict=False)))


STEPS = st.sampled_from(Step)
MOMENTS = st.lists(st.tuples(STEPS) | st.tuples(STEPS, STEPS), max_size=6)


@given(moments=MOMENTS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_books_agree_whatever_is_told_in_whatever_order(replicas: Replicas, moments: list[tuple[Step, ...]]) -> None:
    """Each moment is one step, or two at once on two replicas. Examples share the database, so the books are those of all."""
    order_id = new_order()
    final: PaymentState | None = None
    for moment in moments:
        states = await gathered(replicas, moment, order_id)
        assert final is None or set(states) <= {final, None}
        if {PaymentState.VOIDED, PaymentState.REFUNDED} & set(states):
            found = await replicas[0].find(order_id)
            final = found.state if found else None
    account = next((each for each in await replicas[0].page("", PAGE) if each.payment.order_id == order_id), None)
    steps = await recorded(replicas[0], order_id)
    assert len(steps) == len(set(steps))
    if account:
        told = {
            PaymentState.AUTHORISED: [[Step.AUTHORISE]],
            PaymentState.CAPTURED: [[Step.AUTHORISE, Step.CAPTURE]],
            PaymentState.VOIDED: [[], [Step.AUTHORISE, Step.VOID]],
            PaymentState.REFUNDED: [[Step.AUTHORISE, Step.CAPTURE, Step.REFUND]],
        }
        assert steps in told[account.payment.state]
        assert (account.captures, account.refunds) == (steps.count(Step.CAPTURE), steps.count(Step.REFUND))
    await check_sums(replicas[1])


async def check_sums(store: PaymentStore) -> None:
    """Every transaction sums to zero, and balances are what entries and payments say."""
    from_entries: Counter[str] = Counter()
    for each in await store.ledger.page(0, PAGE):
        assert sum(entry.amount_cents for entry in each.transaction.entries) == 0
        assert len(each.transaction.entries) == 2
        from_entries.update({entry.account: entry.amount_cents for entry in each.transaction.entries})
    found = await balances(store)
    assert found == from_entries
    assert sum(found.values()) == 0
    of_state: Counter[PaymentState] = Counter()
    for account in await store.page("", PAGE):
        of_state[account.payment.state] += account.payment.amount_cents
    assert found.get("holds", 0) == of_state[PaymentState.AUTHORISED]
    assert found.get("merchant", 0) == of_state[PaymentState.CAPTURED]


async def test_pages_together_are_all_payments_transactions_and_accounts_once(store: PaymentStore) -> None:
    for customer_id in (7, 8, 7):
        order_id = new_order()
        await store.authorise(wanted(order_id, customer_id=customer_id))
        await store.change(Step.CAPTURE, order_id)
    first = await store.ledger.page(0, 4)
    rest = await store.ledger.page(first[-1].id, 4)
    assert [len(first), len(rest)] == [4, 2]
    assert first + rest == await store.ledger.page(0, PAGE)
    assert [each.account for each in await store.ledger.balances("customer:7", 2)] == ["customer:8", "holds"]
    one, *others = await store.page("", PAGE)
    assert await store.page(one.payment.order_id, PAGE) == others


@pytest.mark.parametrize("table", ["entries", "transactions"])
async def test_the_ledger_is_never_changed(store: PaymentStore, database: Database, table: str) -> None:
    await store.authorise(wanted(new_order()))
    changes = {"entries": "amount_cents = 1", "transactions": "kind = 'refund'"}
    statements = [f"UPDATE {table} SET {changes[table]}", f"DELETE FROM {table}"]
    async with database.read() as connection:
        if connection.dialect.name == "postgresql":
            statements.append(f"TRUNCATE {table} CASCADE")
    for statement in statements:
        with pytest.raises(DBAPIError, match="the ledger is append-only"):
            async with database.write() as connection:
                await connection.execute(text(statement))
    assert await balances(store) == {"customer:7": -1_500, "holds": 1_500}


async def test_the_database_itself_refuses_a_second_transaction_of_a_kind(store: PaymentStore, database: Database) -> None:
    order_id = new_order()
    await store.authorise(wanted(order_id))
    with pytest.raises(IntegrityError):
        async with database.write() as connection:
            await record(connection, Transaction(order_id, Step.AUTHORISE, (Entry("holds", 1), Entry("customer:7", -1))))
    assert await recorded(store, order_id) == [Step.AUTHORISE]


async def test_a_transaction_without_entries_would_be_seen(store: PaymentStore, database: Database) -> None:
    order_id = new_order()
    async with database.write() as connection:
        await connection.execute(
            insert(payments).values(order_id=order_id, customer_id=7, amount_cents=1, state=PaymentState.AUTHORISED)
        )
        await connection.execute(insert(transactions).values(order_id=order_id, kind=Step.AUTHORISE))
    (found,) = await store.ledger.page(0, PAGE)
    assert found.transaction == Transaction(order_id, Step.AUTHORISE, ())
