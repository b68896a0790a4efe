"""Any history of placing, repeating, cancelling, dying, standing still and outages ends in orders that are whole or undone."""

import asyncio
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from services.kit.errors import ServiceError
from services.orders.domain import Order
from tests.services.databases import migrated_file
from tests.services.orders.fate import Death, Fate
from tests.services.orders.stage import Stage, open_stage

KEYS = st.sampled_from(["breakfast", "lunch", "dinner"])
REPLICAS = st.sampled_from(["orders/1", "orders/2"])
POINTS = st.integers(1, 45)
CALLS = st.sampled_from(["reserve", "authorise", "assign", "capture", "release", "void", "unassign", "refund"])


def cancelled_by_customer(order: Order) -> bool:
    return order.failure is not None and order.failure.detail.startswith("its customer")


class SagaMachine(RuleBasedStateMachine):
    """Two replicas of orders, three keys of one customer, and everything that can happen to them."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.closing = AsyncExitStack()
        folder = Path(self.closing.enter_context(tempfile.TemporaryDirectory()))
        url = self.runner.run(migrated_file("orders", folder / "orders.sqlite"))
        self.stage: Stage = self.runner.run(self.closing.enter_async_context(open_stage(url)))
        self.answers: dict[str, set[str]] = {}
        self.still: list[tuple[Fate, asyncio.Task[Order | None], str]] = []

    def teardown(self) -> None:
        async def end() -> None:
            for fate, task, key in self.still:
                fate.goes_on.set()
                self.answered(key, await task)
            await self.stage.settle()
            await self.stage.check()
            orders = {order.id: order for order, _ in await self.stage.all_orders()}
            for key, ids in self.answers.items():
                assert len(ids) <= 1, f"{key} was answered with several orders"
                assert all(orders[each].accepted or cancelled_by_customer(orders[each]) for each in ids), key
            assert len(orders) <= 3
            await self.closing.aclose()

        self.runner.run(end())
        self.runner.close()

    def answered(self, key: str, order: Order | None) -> None:
        if order:
            self.answers.setdefault(key, set()).add(order.id)

    async def place(self, replica: str, key: str, fate: Fate) -> Order | None:
        try:
            return await self.stage.replica(replica, fate).place(key)
        except (ServiceError, Death):
            return None

    def is_open(self, key: str) -> bool:
        """Whether somebody stands still with it: a repetition would wait for that one by the clock on the wall."""
        return any(key == other for _, _, other in self.still)

    @rule(replica=REPLICAS, key=KEYS)
    def places(self, replica: str, key: str) -> None:
        if not self.runner.run(self.unfinished(key)):
            self.answered(key, self.runner.run(self.place(replica, key, Fate())))

    @rule(replica=REPLICAS, key=KEYS, point=POINTS)
    def dies_while_placing(self, replica: str, key: str, point: int) -> None:
        fate = Fate()
        fate.dies_at = point
        if not self.runner.run(self.unfinished(key)):
            self.answered(key, self.runner.run(self.place(replica, key, fate)))

    @precondition(lambda self: len(self.still) < 3)
    @rule(replica=REPLICAS, key=KEYS, point=POINTS)
    def stands_still_while_placing(self, replica: str, key: str, point: int) -> None:
        fate = Fate()
        fate.pauses_at = point

        async def until_still() -> None:
            task = asyncio.create_task(self.place(replica, key, fate))
            waiting = asyncio.create_task(fate.stands_still.wait())
            await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            if task.done():
                self.answered(key, task.result())
            else:
                self.still.append((fate, task, key))

        if not self.runner.run(self.unfinished(key)):
            self.runner.run(until_still())

    @precondition(lambda self: self.still)
    @rule()
    def goes_on(self) -> None:
        fate, task, key = self.still.pop(0)

        async def finish() -> Order | None:
            fate.goes_on.set()
            return await task

        self.answered(key, self.runner.run(finish()))

    async def unfinished(self, key: str) -> bool:
        """Whether a repetition would have to wait for somebody, by the clock on the wall."""
        pending = [order for order, _ in await self.stage.all_orders() if order.status == "pending"]
        return bool(pending) or self.is_open(key)

    @rule(replica=REPLICAS)
    def cancels_everything(self, replica: str) -> None:
        async def cancel() -> None:
            for order, _ in await self.stage.all_orders():
                try:
                    await self.stage.replica(replica).book.cancel(order.id, 1)
                except ServiceError:
                    continue

        self.runner.run(cancel())

    @rule(replica=REPLICAS)
    def recovers(self, replica: str) -> None:
        self.runner.run(self.stage.replica(replica).recover())

    @rule(replica=REPLICAS, point=POINTS)
    def dies_while_recovering(self, replica: str, point: int) -> None:
        async def recover() -> None:
            fate = Fate()
            fate.dies_at = point
            try:
                await self.stage.replica(replica, fate).recover()
            except Death:
                return

        self.runner.run(recover())

    @rule(replica=REPLICAS)
    def comes_back(self, replica: str) -> None:
        self.runner.run(self.stage.replica(replica).come_back())

    @rule(seconds=st.sampled_from([0.5, 3.0, 20.0]))
    def time_passes(self, seconds: float) -> None:
        self.stage.world.now_s += seconds

    @rule(call=CALLS, silent=st.booleans())
    def does_not_answer(self, call: str, *, silent: bool) -> None:
        (self.stage.world.silent if silent else self.stage.world.down).add(call)

    @rule()
    def answers_again(self) -> None:
        self.stage.world.down.clear()
        self.stage.world.silent.clear()

    @rule()
    def late_calls_arrive(self) -> None:
        self.stage.world.arrive_late()

    @rule(defers=st.booleans())
    def defers(self, *, defers: bool) -> None:
        self.stage.world.defers = defers


TestSagaMachine = SagaMachine.TestCase
TestSagaMachine.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
