"""What is decided before the acquirer is told, and what it is told again."""

import asyncio

import pytest

from services.kit.errors import OverloadedError, RefusedError
from services.payments.acquirer import CARD_LIMIT_CENTS
from services.payments.domain import PaymentRefusedError, PaymentState, Step
from services.payments.processor import Processor
from tests.services.payments.till import ListeningAcquirer, new_order

DOWN = OverloadedError("too many", retry_after_s=1)


async def test_the_acquirer_hears_of_each_step_that_moves_money(processor: Processor, acquirer: ListeningAcquirer) -> None:
    captured, voided = new_order(), new_order()
    for order_id in (captured, voided):
        await processor.authorise(order_id, 7, 1_500)
    await processor.take(Step.VOID, voided)
    await processor.take(Step.CAPTURE, captured)
    await processor.take(Step.REFUND, captured)
    assert acquirer.asked == [Step.AUTHORISE, Step.AUTHORISE, Step.VOID, Step.CAPTURE, Step.REFUND]


async def test_a_refund_of_what_is_only_held_is_a_void_for_the_acquirer(
    processor: Processor, acquirer: ListeningAcquirer
) -> None:
    order_id = new_order()
    await processor.authorise(order_id, 7, 1_500)
    assert (await processor.take(Step.REFUND, order_id)).state is PaymentState.VOIDED
    assert acquirer.asked == [Step.AUTHORISE, Step.VOID]


@pytest.mark.parametrize("undo", [Step.VOID, Step.REFUND])
async def test_the_acquirer_does_not_hear_of_what_never_was(
    processor: Processor, acquirer: ListeningAcquirer, undo: Step
) -> None:
    order_id = new_order()
    await processor.take(undo, order_id)
    with pytest.raises(PaymentRefusedError):
        await processor.authorise(order_id, 7, 1_500)
    assert acquirer.asked == []


async def test_an_authorisation_that_is_repeated_is_answered_without_the_acquirer(
    processor: Processor, acquirer: ListeningAcquirer
) -> None:
    order_id = new_order()
    assert await processor.authorise(order_id, 7, 1_500) == await processor.authorise(order_id, 7, 1_500)
    assert acquirer.asked == [Step.AUTHORISE]


async def test_a_declined_authorisation_is_no_payment_and_is_declined_again(
    processor: Processor, acquirer: ListeningAcquirer
) -> None:
    order_id = new_order()
    for _ in range(2):
        with pytest.raises(RefusedError):
            await processor.authorise(order_id, 7, CARD_LIMIT_CENTS + 1)
    assert await processor.store.find(order_id) is None
    assert acquirer.asked == [Step.AUTHORISE, Step.AUTHORISE]


async def test_an_authorisation_that_the_acquirer_did_not_grant_is_no_payment(
    processor: Processor, acquirer: ListeningAcquirer
) -> None:
    order_id = new_order()
    acquirer.failure = DOWN
    with pytest.raises(OverloadedError):
        await processor.authorise(order_id, 7, 1_500)
    assert await processor.store.find(order_id) is None


@pytest.mark.parametrize(("step", "state"), [(Step.CAPTURE, PaymentState.CAPTURED), (Step.REFUND, PaymentState.REFUNDED)])
async def test_what_the_acquirer_could_not_be_told_it_is_told_when_the_caller_comes_again(
    processor: Processor, acquirer: ListeningAcquirer, step: Step, state: PaymentState
) -> None:
    order_id = new_order()
    await processor.authorise(order_id, 7, 1_500)
    if step is Step.REFUND:
        await processor.take(Step.CAPTURE, order_id)
    acquirer.asked.clear()
    acquirer.failure = DOWN
    with pytest.raises(OverloadedError):
        await processor.take(step, order_id)
    acquirer.failure = None
    assert (await processor.take(step, order_id)).state is state
    assert acquirer.asked == [step, step]


async def test_a_void_that_comes_while_the_acquirer_captures_is_refused(
    processor: Processor, acquirer: ListeningAcquirer
) -> None:
    order_id = new_order()
    await processor.authorise(order_id, 7, 1_500)
    acquirer.open.clear()
    capturing = asyncio.create_task(processor.take(Step.CAPTURE, order_id))
    await acquirer.heard(2)
    with pytest.raises(PaymentRefusedError, match="captured"):
        await processor.take(Step.VOID, order_id)
    acquirer.open.set()
    assert (await capturing).state is PaymentState.CAPTURED
    assert acquirer.asked == [Step.AUTHORISE, Step.CAPTURE]


async def test_an_authorisation_that_is_undone_while_the_acquirer_thinks_is_refused(
    processor: Processor, acquirer: ListeningAcquirer
) -> None:
    order_id = new_order()
    acquirer.open.clear()
    authorising = asyncio.create_task(processor.authorise(order_id, 7, 1_500))
    await acquirer.heard(1)
    await processor.take(Step.VOID, order_id)
    acquirer.open.set()
    with pytest.raises(PaymentRefusedError, match="voided"):
        await authorising


async def test_nobody_waits_for_the_acquirer_with_the_database_locked(processor: Processor, acquirer: ListeningAcquirer) -> None:
    first, second = new_order(), new_order()
    await processor.authorise(first, 7, 1_500)
    acquirer.open.clear()
    waiting = [
        asyncio.create_task(processor.take(Step.CAPTURE, first)),
        asyncio.create_task(processor.authorise(second, 7, 1_500)),
    ]
    await acquirer.heard(3)
    assert (await processor.take(Step.VOID, new_order())).state is PaymentState.VOIDED
    acquirer.open.set()
    await asyncio.gather(*waiting)
