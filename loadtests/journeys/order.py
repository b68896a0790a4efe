"""A customer orders and looks at the order."""

from dataclasses import asdict
from uuid import UUID

from loadtests.journeys.catalogue import draw_basket
from loadtests.journeys.journey import Journey, PlacedOrder, Request, Visit, read_field


def _run(visit: Visit) -> None:
    account = visit.random.choice(visit.accounts)
    place = Request(
        "place",
        "POST",
        "/v1/orders",
        201,
        asdict(draw_basket(visit.random)),
        account,
        # From the seeded stream: two arms of an experiment place the same orders. On a system that keeps its data, a second run
        # with the same seed is a replay.
        idempotency_key=str(UUID(int=visit.random.getrandbits(128), version=4)),
    )
    order = visit.ask(place, _read_id)
    visit.orders.append(PlacedOrder(order, account))
    visit.ask(Request("read_back", "GET", f"/v1/orders/{order}", account=account), lambda body: _same(body, order))


def _read_id(body: object) -> str:
    return str(UUID(read_field(body, "id", str)))


def _same(body: object, order: str) -> None:
    if _read_id(body) != order:
        raise ValueError("another order")


ORDER = Journey("order", ("place", "read_back"), _run, needs_account=True)
