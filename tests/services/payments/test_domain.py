"""What may happen to a payment, and what the ledger says of it."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.payments import domain
from services.payments.domain import (
    HOLDS,
    MERCHANT,
    Payment,
    PaymentRefusedError,
    PaymentState,
    Step,
    next_state,
    repeated,
    transaction_of,
)

FINAL = (PaymentState.VOIDED, PaymentState.REFUNDED)
STATES = (None, *PaymentState)
PAYMENT = Payment("order-1", 7, 1_500, PaymentState.AUTHORISED)


def documented(step: Step) -> dict[PaymentState | None, PaymentState | None]:
    """A row of the table in the docstring, read by the columns of its head; None where a field is empty."""
    lines = (domain.__doc__ or "").splitlines()
    head = next(line for line in lines if "no payment " in line)
    row = next(line for line in lines if line.startswith(f"    {step} ")).ljust(len(head))
    starts = [head.index(name) for name in ("no payment", "authorised", "captured", "voided", "refunded")]
    fields = [row[start:end].strip() for start, end in zip(starts, [*starts[1:], None], strict=True)]
    return {state: PaymentState(text) if text else None for state, text in zip(STATES, fields, strict=True)}


def taken(step: Step, state: PaymentState | None) -> PaymentState | None:
    try:
        return next_state(step, "order-1", state)
    except PaymentRefusedError:
        return None


@pytest.mark.parametrize("step", Step)
def test_a_payment_becomes_what_the_table_says_and_nothing_else(step: Step) -> None:
    assert {state: taken(step, state) for state in STATES} == documented(step)


@pytest.mark.parametrize("state", FINAL)
@pytest.mark.parametrize("step", Step)
def test_an_undone_payment_stays_what_it_is(state: PaymentState, step: Step) -> None:
    assert taken(step, state) in (state, None)


def test_a_refusal_names_what_the_payment_is_and_what_is_allowed() -> None:
    with pytest.raises(
        PaymentRefusedError,
        match="order order-1: the payment is captured, so void is refused; allowed: authorise, capture, refund",
    ):
        next_state(Step.VOID, "order-1", PaymentState.CAPTURED)
    with pytest.raises(PaymentRefusedError, match="there is no payment, so capture is refused; allowed: authorise, void, refund"):
        next_state(Step.CAPTURE, "order-1", None)


@pytest.mark.parametrize("state", [PaymentState.AUTHORISED, PaymentState.CAPTURED])
def test_an_authorisation_that_is_repeated_is_answered_with_what_the_payment_is(state: PaymentState) -> None:
    existing = Payment("order-1", 7, 1_500, state)
    assert repeated(existing, PAYMENT) == existing


@pytest.mark.parametrize(("customer_id", "amount_cents"), [(8, 1_500), (7, 1_501)])
def test_another_authorisation_of_the_same_order_is_refused(customer_id: int, amount_cents: int) -> None:
    other = Payment("order-1", customer_id, amount_cents, PaymentState.AUTHORISED)
    with pytest.raises(
        PaymentRefusedError, match=f"1500 cents by customer 7, not of {amount_cents} cents by customer {customer_id}"
    ):
        repeated(PAYMENT, other)


@given(
    steps=st.lists(st.sampled_from(Step), max_size=8), customer_id=st.integers(1, 10**9), amount_cents=st.integers(1, 10_000_000)
)
def test_balances_tell_what_became_of_the_money_whatever_happens(steps: list[Step], customer_id: int, amount_cents: int) -> None:
    state: PaymentState | None = None
    amount = 0
    balances: Counter[str] = Counter()
    kinds: list[Step] = []
    for step in steps:
        after = taken(step, state)
        if after is None or after is state:
            continue
        amount = amount or (amount_cents if step is Step.AUTHORISE else 0)
        transaction = transaction_of(state, Payment("order-1", customer_id, amount, after))
        state = after
        if transaction:
            assert sum(entry.amount_cents for entry in transaction.entries) == 0
            balances.update({entry.account: entry.amount_cents for entry in transaction.entries})
            kinds.append(transaction.step)
    held, kept = state is PaymentState.AUTHORISED, state is PaymentState.CAPTURED
    assert balances[HOLDS] == amount * held
    assert balances[MERCHANT] == amount * kept
    assert balances[f"customer:{customer_id}"] == -amount * (held or kept)
    assert len(kinds) == len(set(kinds))


def test_what_never_was_leaves_nothing_in_the_ledger() -> None:
    assert transaction_of(None, Payment("order-1", 0, 0, PaymentState.VOIDED)) is None
