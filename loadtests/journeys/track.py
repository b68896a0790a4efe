"""A customer asks where an order is that this load placed earlier."""

from loadtests.journeys.journey import Journey, Request, SkipJourney, Visit, read_field

_STATUSES = ("assigned", "awaiting_courier", "unknown")


def _run(visit: Visit) -> None:
    if not visit.orders:
        raise SkipJourney
    order = visit.orders[visit.random.randrange(len(visit.orders))]
    visit.ask(Request("track", "GET", f"/v1/orders/{order.id}/tracking", account=order.account), _check)


def _check(body: object) -> None:
    if read_field(body, "status", str) not in _STATUSES:
        raise ValueError("no known status")


TRACK = Journey("track", ("track",), _run, needs_account=True)
