"""The acquirer's slots: how many are served at once, who waits, and who is sent away."""

import asyncio
from contextlib import suppress
from random import Random

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from loadtests.journeys.catalogue import draw_basket
from observability import names
from services.kit.errors import DeadlineExceededError, OverloadedError, RefusedError
from services.kit.resilience.deadline import deadline_within
from services.payments.acquirer import CARD_LIMIT_CENTS, MAX_WAITING, Acquirer
from services.payments.domain import Step
from services.restaurants import seed
from services.topology import External
from tests.services.payments.till import quiet_telemetry

EXTERNAL = External.model_validate({"service_time": "40ms", "slots": 3})


class Bank:
    """An acquirer whose every call takes until it is told to answer."""

    def __init__(self, external: External | None = EXTERNAL) -> None:
        self._telemetry = quiet_telemetry()
        self._exporter = InMemorySpanExporter()
        self._telemetry.tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.acquirer = Acquirer(external, self._telemetry, self._sleep)
        self.serving: list[asyncio.Event] = []
        self.waits_s: list[float] = []

    async def _sleep(self, seconds: float) -> None:
        answered = asyncio.Event()
        self.waits_s.append(seconds)
        self.serving.append(answered)
        try:
            await answered.wait()
        finally:
            self.serving.remove(answered)

    async def answer(self) -> None:
        """Answers the call that is served longest."""
        self.serving[0].set()
        await settle()

    def call(self, number: int = 0, amount_cents: int = 1) -> asyncio.Task[None]:
        return asyncio.create_task(self.acquirer.ask(Step.AUTHORISE, f"order-{number}", amount_cents))

    async def calls(self, count: int) -> list[asyncio.Task[None]]:
        made = [self.call(number) for number in range(count)]
        await settle()
        return made

    @property
    def spans(self) -> list[tuple[str, list[str]]]:
        """Ended spans and their events."""
        return [(span.name, [event.name for event in span.events]) for span in self._exporter.get_finished_spans()]

    def metric(self, name: str) -> float | None:
        return self._telemetry.metrics.registry.get_sample_value(name, {names.LABEL_EXTERNAL: "acquirer"})


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def end(*calls: asyncio.Task[None]) -> None:
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)


async def test_no_more_calls_are_served_at_once_than_there_are_slots() -> None:
    bank = Bank()
    calls = await bank.calls(5)
    served = 0
    while bank.serving:
        assert len(bank.serving) == min(EXTERNAL.slots, 5 - served)
        await bank.answer()
        served += 1
    assert served == 5
    assert all(call.done() for call in calls)


async def test_every_call_takes_the_service_time() -> None:
    bank = Bank()
    await bank.calls(2)
    await bank.answer()
    await bank.answer()
    assert bank.waits_s == [0.04, 0.04]


async def test_who_came_first_is_served_first() -> None:
    bank = Bank()
    calls = await bank.calls(6)
    for number in range(6):
        await bank.answer()
        assert [call.done() for call in calls] == [each <= number for each in range(6)]


@pytest.mark.parametrize("cancelled", [0, 3], ids=["served", "waiting"])
async def test_a_call_that_is_cancelled_leaves_its_place_to_others(cancelled: int) -> None:
    bank = Bank()
    calls = await bank.calls(5)
    await end(calls.pop(cancelled))
    await settle()
    assert len(bank.serving) == 3
    for _ in range(4):
        await bank.answer()
    assert all(call.done() for call in calls)
    assert bank.metric(names.EXTERNAL_SLOTS_USED) == bank.metric(names.EXTERNAL_WAITING) == 0


async def test_a_call_that_is_cancelled_on_its_way_into_a_slot_leaves_it_to_others() -> None:
    bank = Bank()
    calls = await bank.calls(5)
    bank.serving[0].set()
    await asyncio.sleep(0)  # The slot is free, and the fourth call's, which has not run yet.
    await end(calls[3])
    await settle()
    assert (len(bank.serving), calls[4].done()) == (3, False)
    await end(*calls)


async def test_more_than_may_wait_are_sent_away_and_told_when_to_come_again() -> None:
    bank = Bank()
    calls = await bank.calls(EXTERNAL.slots + MAX_WAITING)
    with pytest.raises(OverloadedError, match="1000 calls wait") as refused:
        await bank.acquirer.ask(Step.CAPTURE, "order-1", 1)
    assert refused.value.headers == {"Retry-After": "14"}  # 1,000 calls of 40 ms, three at once, are 13.3 s.
    await bank.answer()
    welcome = bank.call()
    await settle()
    assert not welcome.done()
    await end(*calls, welcome)


async def test_a_call_that_nobody_waits_for_any_more_gives_its_turn_away() -> None:
    bank = Bank()
    calls = await bank.calls(3)
    with deadline_within(-1):
        late = bank.call()
    last = bank.call()
    await bank.answer()
    with pytest.raises(DeadlineExceededError, match="payments->acquirer: the deadline passed while waiting for one of 3 slots"):
        await late
    assert len(bank.serving) == 3
    await end(*calls, last)


async def test_slots_in_use_and_waiting_calls_are_measured() -> None:
    bank = Bank()
    calls = await bank.calls(5)
    metrics = (names.EXTERNAL_SLOTS, names.EXTERNAL_SLOTS_USED, names.EXTERNAL_WAITING)
    assert [bank.metric(name) for name in metrics] == [3, 3, 2]
    await end(*calls)
    assert [bank.metric(name) for name in metrics] == [3, 0, 0]


async def test_a_trace_shows_who_waited_for_a_slot_and_until_when() -> None:
    bank = Bank()
    calls = await bank.calls(4)
    assert bank.spans == []
    await bank.answer()
    assert bank.spans == [("acquirer authorise", ["external.slot"])]
    await end(*calls)


async def test_a_decline_is_an_answer_and_no_failure_of_the_acquirer() -> None:
    bank = Bank()
    declined = bank.call(amount_cents=CARD_LIMIT_CENTS + 1)
    await settle()
    await bank.answer()
    with pytest.raises(RefusedError):
        await declined
    assert bank.spans == [("acquirer authorise", ["external.slot"])]  # No event of an exception.


async def test_an_acquirer_that_the_map_does_not_have_answers_at_once() -> None:
    bank = Bank(external=None)
    await bank.acquirer.ask(Step.AUTHORISE, "order-1", 1)
    assert bank.waits_s == []


async def test_an_authorisation_above_the_card_s_limit_is_declined_each_time() -> None:
    ask = Bank(external=None).acquirer.ask
    await ask(Step.AUTHORISE, "order-1", CARD_LIMIT_CENTS)
    for _ in range(2):
        with pytest.raises(RefusedError, match="the card is good for 200000 cents, not for 200001"):
            await ask(Step.AUTHORISE, "order-1", CARD_LIMIT_CENTS + 1)


async def test_no_basket_of_the_load_is_declined() -> None:
    prices = {int(dish["id"]): int(dish["price_cents"]) for dish in seed.dishes()}
    baskets = [draw_basket(Random(number)) for number in range(2_000)]
    dearest_cents = max(sum(prices[line.dish_id] * line.quantity for line in basket.items) for basket in baskets)
    assert CARD_LIMIT_CENTS / 20 < dearest_cents < CARD_LIMIT_CENTS / 4
    await Bank(external=None).acquirer.ask(Step.AUTHORISE, "order-1", dearest_cents)


@pytest.mark.parametrize("step", [Step.CAPTURE, Step.VOID, Step.REFUND])
async def test_what_was_granted_is_not_declined_later(step: Step) -> None:
    await Bank(external=None).acquirer.ask(step, "order-1", CARD_LIMIT_CENTS + 1)


async def test_a_slot_is_free_again_after_a_decline() -> None:
    bank = Bank()
    declined = [bank.call(number, CARD_LIMIT_CENTS + 1) for number in range(3)]
    await settle()
    for _ in range(3):
        await bank.answer()
    for call in declined:
        with suppress(RefusedError):
            await call
    assert bank.metric(names.EXTERNAL_SLOTS_USED) == 0
