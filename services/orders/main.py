"""Composition of orders."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from services.kit import serve
from services.kit.app import create_service
from services.kit.events.publisher import Publisher
from services.kit.kit import Kit
from services.kit.saga.log import SagaLog
from services.kit.saga.recovery import SagaRecovery
from services.kit.saga.runner import SagaRunner
from services.kit.settings import Settings
from services.orders import api, audits, events
from services.orders.clients import Deliveries, Payments, Restaurants
from services.orders.couriers import CourierAssigned
from services.orders.placing import OrderBook
from services.orders.plan import OrderPlan
from services.orders.store import OrderStore, event_tables, saga_tables


@asynccontextmanager
async def start(kit: Kit) -> AsyncIterator[OrderBook]:
    """Opens the database, and starts events and the recovery of sagas."""
    async with (
        kit.database() as database,
        kit.events(database, event_tables, lambda outbox: {events.COURIER_ASSIGNED: CourierAssigned(outbox)}) as outbox,
    ):
        sagas = SagaLog(database, saga_tables, kit.settings.instance)
        store = OrderStore(database, sagas)
        plan = _plan(kit, store, outbox)
        runner = SagaRunner(sagas, plan, kit.telemetry.metrics)
        recovery = SagaRecovery(sagas, runner, plan, kit.telemetry)
        async with recovery.running():
            yield OrderBook(store, sagas, outbox, runner, recovery)


def _plan(kit: Kit, store: OrderStore, outbox: Publisher) -> OrderPlan:
    now, undo = kit.caller, kit.relay_caller
    return OrderPlan(
        store=store,
        outbox=outbox,
        restaurants=Restaurants(now),
        payments=Payments(now),
        deliveries=Deliveries(now),
        undo_restaurants=Restaurants(undo),
        undo_payments=Payments(undo),
        undo_deliveries=Deliveries(undo),
    )


def create_app(settings: Settings) -> FastAPI:
    """The application."""
    return create_service(settings, [api.router, audits.router], start)


def main() -> None:
    """Serves it."""
    serve.main(create_app)


if __name__ == "__main__":
    main()
