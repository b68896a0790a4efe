"""Every accepted order has exactly one courier in the end, as an experiment tells it."""

import pytest

from chaos.invariants.books import Books
from chaos.invariants.one_courier import Outage, one_courier
from chaos.invariants.rows import DeliveryRow, OrderRow

OUTAGE = Outage(100.0, 120.0)


def order(name: str, at: float = 110.0, status: str = "confirmed", *, deferred: bool = True) -> OrderRow:
    return OrderRow(
        id=name, customer_id=1, status=status, saga_state="done", total_cents=1, lines=(), deferred=deferred, created_at=at
    )


def books(orders: tuple[OrderRow, ...], deliveries: tuple[DeliveryRow, ...]) -> Books:
    return Books(read_at=200.0, first_orders=orders, orders=orders, deliveries=deliveries)


def courier(name: str, state: str = "assigned") -> DeliveryRow:
    return DeliveryRow(order_id=name, courier_id=1, state=state)


def test_orders_with_one_courier_each_hold() -> None:
    read = books((order("a"), order("b", at=50.0)), (courier("a"), courier("b")))
    finding = one_courier(read, OUTAGE, answered=2)
    assert finding.holds is True
    assert finding.sentence.startswith("each of the 1 orders accepted during the outage has exactly one courier")
    assert finding.numbers["accepted_during_outage"] == 1


@pytest.mark.parametrize(
    ("orders", "deliveries", "answered", "said"),
    [
        ((order("a"),), (), 1, "of 1 accepted orders, 1 without a courier"),
        ((order("a", status="awaiting_courier"),), (), 1, "1 without a courier"),
        ((order("a"),), (courier("a", "withdrawn"),), 1, "1 without a courier"),
        ((order("a"),), (courier("a"), courier("a")), 1, "1 with several couriers"),
        ((order("a", status="failed"),), (courier("a"),), 0, "1 couriers bound to an order that was not accepted"),
        ((), (courier("ghost"),), 0, "1 couriers bound to an order that was not accepted"),
        ((order("a"),), (courier("a"),), 3, "2 missing that customers were told are placed"),
    ],
)
def test_a_broken_book_is_told_with_its_count(
    orders: tuple[OrderRow, ...], deliveries: tuple[DeliveryRow, ...], answered: int, said: str
) -> None:
    finding = one_courier(books(orders, deliveries), OUTAGE, answered)
    assert finding.holds is False
    assert said in finding.sentence


def test_a_courier_that_was_withdrawn_and_another_assigned_are_one_courier() -> None:
    read = books((order("a"),), (courier("a", "withdrawn"), courier("a")))
    assert one_courier(read, OUTAGE, answered=1).holds is True


def test_an_order_that_failed_needs_no_courier() -> None:
    read = books((order("a", status="failed"), order("b", at=50.0)), (courier("a", "withdrawn"), courier("b")))
    finding = one_courier(read, OUTAGE, answered=1)
    assert finding.holds is True
    assert finding.sentence == "no order was accepted during the outage; each of the 1 others has exactly one courier"


def test_without_any_order_there_is_nothing_to_judge() -> None:
    assert one_courier(books((), ()), OUTAGE, answered=0).holds is None
