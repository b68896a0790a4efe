"""A customer looks again at an order that this load placed earlier."""

from uuid import UUID

from loadtests.journeys.journey import Journey, Request, SkipJourney, Visit, read_field


def _run(visit: Visit) -> None:
    if not visit.orders:
        raise SkipJourney
    order = visit.orders[visit.random.randrange(len(visit.orders))]

    def check(body: object) -> None:
        if str(UUID(read_field(body, "id", str))) != order.id:
            raise ValueError("another order")

    visit.ask(Request("review", "GET", f"/v1/orders/{order.id}", account=order.account), check)


REVIEW = Journey("review", ("review",), _run, needs_account=True)
