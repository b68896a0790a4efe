"""The order saga without processes: real sagas and orders on a real database, callees that are dictionaries, and a fate.

A fate counts the points at which a process can die or stand still: before and after each call takes effect, and before, inside
and after each transaction. Death is an exception that nothing catches, so whatever was not committed is gone.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from pydantic import BaseModel
from sqlalchemy import Column, MetaData, String, Table, Text, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from observability.telemetry import Origin, Telemetry, create_telemetry
from services.kit.database import Database
from services.kit.errors import AttemptTimeoutError, ConflictError
from services.kit.events.publisher import BacklogFullError, Publisher
from services.kit.saga.log import SagaLog
from services.kit.saga.record import SagaState
from services.kit.saga.recovery import SagaRecovery
from services.kit.saga.runner import SagaRunner
from services.orders.clients import Deliveries, Payments, Restaurants
from services.orders.domain import Line, Order
from services.orders.placing import OrderBook
from services.orders.plan import OrderPlan
from services.orders.store import OrderStore, saga_tables
from tests.services.databases import Databases, open_database

LINES = (Line(701, 2), Line(703, 1))
PRICE_CENTS = 2_350
_told = Table("told", MetaData(), Column("type", String(60)), Column("key", String(36)), Column("payload", Text))


class Death(BaseException):
    """The end of a process: nobody catches it, nobody cleans up."""


class Fate:
    """Counts the points that a process passes, and strikes at one of them."""

    def __init__(self) -> None:
        self.passed = 0
        self.dies_at: int | None = None
        self.pauses_at: int | None = None
        self.fails_at: int | None = None
        self.stands_still = asyncio.Event()
        self.goes_on = asyncio.Event()

    async def point(self, *, locked: bool = False) -> None:
        """A point; `locked`: the writer's lock is held, so that standing still would stop everybody (a documented limit)."""
        self.passed += 1
        if self.passed == self.pauses_at and not locked:
            self.stands_still.set()
            await self.goes_on.wait()
        if self.passed == self.fails_at:
            raise ConnectionResetError
        if self.passed == self.dies_at:
            raise Death


class FatefulDatabase(Database):
    """A database whose transactions have points before, inside and after them."""

    def __init__(self, database: Database, fate: Fate, world: "World") -> None:
        self._real, self._fate, self._world = database, fate, world

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        async with self._real.read() as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        await self._fate.point()
        async with self._real.write() as connection:
            self._world.now_s += self._world.write_takes_s  # The lock was somebody else's for so long.
            yield connection
            await self._fate.point(locked=True)
        await self._fate.point()


@dataclass
class World:
    """The callees' state, which survives everything, and what fails at them."""

    portions: dict[str, str] = field(default_factory=dict)
    money: dict[str, str] = field(default_factory=dict)
    couriers: dict[str, str] = field(default_factory=dict)
    captures: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    down: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    defers: bool = False
    backlog_full: bool = False
    write_takes_s: float = 0.0
    slow_s: dict[str, float] = field(default_factory=dict)
    now_s: float = 1_000.0
    late: list[Callable[[], None]] = field(default_factory=list)

    def arrive_late(self) -> None:
        """Every call that its caller gave up arrives now."""
        for act in self.late:
            try:
                act()
            except ConflictError:
                continue
        self.late.clear()


@dataclass(frozen=True)
class Callee:
    """One process's way to the callees: each call has a point before it takes effect and one before its answer is known."""

    world: World
    fate: Fate

    async def call(self, name: str, act: Callable[[], Any]) -> Any:
        await self.fate.point()
        self.world.asked[name] += 1
        if name in self.world.down:
            self.world.late.append(act)
            raise AttemptTimeoutError(f"orders->{name}", "no answer in time")
        answer = act()
        self.world.now_s += self.world.slow_s.get(name, 0.0)
        await self.fate.point()
        if name in self.world.silent:
            raise AttemptTimeoutError(f"orders->{name}", "no answer in time")
        return answer

    def move(self, book: dict[str, str], order_id: str, allowed: dict[str | None, str]) -> None:
        state = book.get(order_id)
        if state not in allowed:
            raise ConflictError(f"{order_id} is {state}")
        book[order_id] = allowed[state]


@dataclass(frozen=True)
class FakeRestaurants(Callee):
    """Portions: kept once, and never after they were released."""

    async def reserve(self, order_id: str, _restaurant_id: int, _lines: tuple[Line, ...]) -> int:
        def act() -> int:
            self.move(self.world.portions, order_id, {None: "reserved", "reserved": "reserved"})
            return PRICE_CENTS

        return cast("int", await self.call("reserve", act))

    async def release(self, order_id: str) -> None:
        await self.call("release", lambda: self.world.portions.update({order_id: "released"}))


@dataclass(frozen=True)
class FakePayments(Callee):
    """Money: held, then taken once; what was voided or refunded stays so."""

    async def authorise(self, order_id: str, _customer_id: int, amount_cents: int) -> None:
        assert amount_cents == PRICE_CENTS

        def act() -> None:
            allowed: dict[str | None, str] = {None: "authorised", "authorised": "authorised", "captured": "captured"}
            self.move(self.world.money, order_id, allowed)

        await self.call("authorise", act)

    async def capture(self, order_id: str) -> None:
        def act() -> None:
            first = self.world.money.get(order_id) == "authorised"
            self.move(self.world.money, order_id, {"authorised": "captured", "captured": "captured"})
            self.world.captures[order_id] += first

        await self.call("capture", act)

    async def void(self, order_id: str) -> None:
        allowed: dict[str | None, str] = {None: "voided", "authorised": "voided", "voided": "voided", "refunded": "refunded"}
        await self.call("void", lambda: self.move(self.world.money, order_id, allowed))

    async def refund(self, order_id: str) -> None:
        gone = dict.fromkeys((None, "authorised", "voided"), "voided")
        allowed: dict[str | None, str] = gone | dict.fromkeys(("captured", "refunded"), "refunded")
        await self.call("refund", lambda: self.move(self.world.money, order_id, allowed))


@dataclass(frozen=True)
class FakeDeliveries(Callee):
    """Couriers: assigned once, and never after they were withdrawn."""

    async def assign(self, order_id: str, _customer_id: int) -> bool:
        if self.world.defers:
            return False
        await self.call("assign", lambda: self.give(order_id))
        return True

    def give(self, order_id: str) -> None:
        self.move(self.world.couriers, order_id, {None: "assigned", "assigned": "assigned"})

    async def unassign(self, order_id: str) -> None:
        await self.call("unassign", lambda: self.world.couriers.update({order_id: "withdrawn"}))


@dataclass(frozen=True)
class Told:
    """Publishes into a table of the same database: what is not committed is not told."""

    world: World

    def check_room(self, event_type: str) -> None:
        if self.world.backlog_full:
            raise BacklogFullError(f"too many {event_type} wait")

    async def publish(
        self, connection: AsyncConnection, event_type: str, *, key: str, payload: BaseModel, regardless: bool = False
    ) -> str:
        if not regardless:
            self.check_room(event_type)
        await connection.execute(insert(_told).values(type=event_type, key=key, payload=payload.model_dump_json()))
        return event_type

    def wake(self) -> None:
        """Nobody waits."""


@dataclass(frozen=True)
class Replica:
    """One life of one replica of orders."""

    fate: Fate
    store: OrderStore
    sagas: SagaLog
    book: OrderBook
    recovery: SagaRecovery[Order]

    async def place(self, key: str = "key", customer_id: int = 1) -> Order:
        return await self.book.place(customer_id, 7, LINES, key)

    async def come_back(self) -> None:
        """As a process does that is started again."""
        await self.recovery.settle_left_behind(await self.sagas.left_behind(100))

    async def recover(self) -> None:
        """Until nothing is due."""
        while await self.recovery.settle_due():
            pass


@dataclass(frozen=True)
class Stage:
    """A database, the world around it, and replicas that come and go."""

    database: Database
    world: World
    telemetry: Telemetry

    def replica(self, name: str = "orders/1", fate: Fate | None = None) -> Replica:
        fate = fate or Fate()
        database = FatefulDatabase(self.database, fate, self.world)
        sagas = SagaLog(database, saga_tables, name, lambda: self.world.now_s)
        store = OrderStore(database, sagas)
        restaurants = cast("Restaurants", FakeRestaurants(self.world, fate))
        payments = cast("Payments", FakePayments(self.world, fate))
        deliveries = cast("Deliveries", FakeDeliveries(self.world, fate))
        outbox = cast("Publisher", Told(self.world))
        plan = OrderPlan(store, outbox, restaurants, payments, deliveries, restaurants, payments, deliveries)
        runner = SagaRunner(sagas, plan, self.telemetry.metrics)
        recovery = SagaRecovery(sagas, runner, plan, self.telemetry)
        return Replica(fate, store, sagas, OrderBook(store, sagas, outbox, runner, recovery), recovery)

    async def told(self, order_id: str) -> list[tuple[str, dict[str, Any]]]:
        """The events about an order, in their order."""
        async with self.database.read() as connection:
            rows = (await connection.execute(select(_told).where(_told.c.key == order_id))).all()
        return [(row.type, json.loads(row.payload)) for row in rows]

    async def settle(self) -> None:
        """Everything works again, and enough time passes."""
        self.world.down.clear()
        self.world.silent.clear()
        for _ in range(3):
            self.world.now_s += 60.0
            await self.replica("orders/9").recover()
        self.world.arrive_late()

    async def all_orders(self) -> list[tuple[Order, SagaState]]:
        return [(order, SagaState(state)) for order, state in await self.replica().store.page("", 10_000)]

    async def check(self) -> None:
        """What must be true of every order once everything is settled."""
        for order, saga_state in await self.all_orders():
            books = (
                self.world.portions.get(order.id),
                self.world.money.get(order.id),
                self.world.couriers.get(order.id),
            )
            events = [name for name, _ in await self.told(order.id)]
            captures = self.world.captures[order.id]
            if order.accepted:
                courier = None if order.deferred else "assigned"
                assert (saga_state, books, captures) == (SagaState.DONE, ("reserved", "captured", courier), 1), order
                assert events == ["order.accepted", "order.courier_wanted"][: 2 if order.deferred else 1], order
            else:
                assert order.failure, order
                assert saga_state is SagaState.UNDONE, order
                assert books[0] in (None, "released"), order
                assert books[1] in (None, "voided", "refunded"), order
                assert books[2] in (None, "withdrawn"), order
                assert (books[1] == "refunded") == (captures == 1), order
                assert events.count("order.cancelled") <= 1, order


@asynccontextmanager
async def open_stage(url: str) -> AsyncIterator[Stage]:
    """A stage on a fresh database with the tables of orders."""
    database = open_database(url)
    async with database.write() as connection:
        await connection.run_sync(_told.metadata.create_all)
    telemetry = create_telemetry(Origin("orders", "orders/1", "", ""), None, "warning")
    try:
        yield Stage(database, World(), telemetry)
    finally:
        telemetry.shutdown()
        await database.close()


@pytest.fixture
async def stage(databases: Databases) -> AsyncIterator[Stage]:
    url = await databases.fresh("orders")
    async with open_stage(url) as opened:
        yield opened
    await databases.discard(url)
