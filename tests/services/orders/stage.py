"""The order saga without processes: real sagas and orders on a real database, in a world with a fate."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

from pydantic import BaseModel
from sqlalchemy import Column, MetaData, String, Table, Text, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from observability.telemetry import Origin, Telemetry, create_telemetry
from services.kit.database import Database
from services.kit.events.publisher import BacklogFullError, Publisher
from services.kit.saga.log import SagaLog
from services.kit.saga.record import SagaState
from services.kit.saga.recovery import SagaRecovery
from services.kit.saga.runner import SagaRunner
from services.orders.clients import Deliveries, Payments, Restaurants
from services.orders.domain import Order
from services.orders.placing import OrderBook
from services.orders.plan import OrderPlan
from services.orders.store import OrderStore, saga_tables
from tests.services.databases import open_database
from tests.services.orders.fate import Fate
from tests.services.orders.world import LINES, FakeDeliveries, FakePayments, FakeRestaurants, World

_told = Table("told", MetaData(), Column("type", String(60)), Column("key", String(36)), Column("payload", Text))


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
