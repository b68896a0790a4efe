"""One of the chain's services as Firebreak's kit makes it; FIREBREAK_SERVICE says which.

Nothing of the kit is left out: every pattern that FeastFast declares on these edges, the limit of payments, chaos (idle),
deadlines, metrics with exemplars, traces and logs.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI, Request

from benchmarks._chain_wire import GATEWAY, ORDER_ID, ORDERS, PAYMENTS, Basket, Charge, Order, Payment, charge_for, order_of, paid
from services.kit import serve
from services.kit.app import create_service
from services.kit.caller import Caller
from services.kit.kit import Kit
from services.kit.message import Outgoing
from services.kit.replies import parse_as
from services.kit.settings import Settings


@asynccontextmanager
async def start(kit: Kit) -> AsyncIterator[Caller]:
    """Nothing is kept; what the routes need is who they call with."""
    yield kit.caller


def _gateway(router: APIRouter) -> None:
    @router.post("/orders", status_code=201)
    async def place(basket: Basket, request: Request) -> Order:
        caller: Caller = request.app.state.service
        outgoing = Outgoing("POST", "/internal/orders", "/internal/orders", basket.model_dump_json().encode(), ORDER_ID)
        return await caller.call(ORDERS, outgoing, parse_as(Order))


def _orders(router: APIRouter) -> None:
    @router.post("/internal/orders", status_code=201)
    async def place(basket: Basket, request: Request) -> Order:
        caller: Caller = request.app.state.service
        charge = charge_for(basket)
        outgoing = Outgoing("POST", "/internal/payments", "/internal/payments", charge.model_dump_json().encode(), ORDER_ID)
        return order_of(basket, charge, await caller.call(PAYMENTS, outgoing, parse_as(Payment)))


def _payments(router: APIRouter) -> None:
    @router.post("/internal/payments", status_code=201)
    async def pay(charge: Charge) -> Payment:
        return paid(charge)


def create_app(settings: Settings) -> FastAPI:
    """The service that `settings` names."""
    router = APIRouter()
    {GATEWAY: _gateway, ORDERS: _orders, PAYMENTS: _payments}[settings.service](router)
    return create_service(settings, [router], start)


if __name__ == "__main__":
    serve.main(create_app)
