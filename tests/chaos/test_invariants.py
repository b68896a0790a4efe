"""Every accepted order has exactly one courier in the end; and how the books are read."""

import json
from collections.abc import Mapping

import pytest

from chaos.http_get import FetchError
from chaos.invariants.audit import Audit, DeliveryRow, OrderRow, read_audit
from chaos.invariants.one_courier import Outage, one_courier

OUTAGE = Outage(100.0, 120.0)


def order(name: str, at: float = 110.0, status: str = "confirmed", *, deferred: bool = True) -> OrderRow:
    return OrderRow(id=name, status=status, created_at=at, deferred=deferred)


def courier(name: str, state: str = "assigned") -> DeliveryRow:
    return DeliveryRow(order_id=name, courier_id=1, state=state)


def test_orders_with_one_courier_each_hold() -> None:
    audit = Audit(orders=(order("a"), order("b", at=50.0)), deliveries=(courier("a"), courier("b")))
    finding = one_courier(audit, OUTAGE, answered=2)
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
    finding = one_courier(Audit(orders=orders, deliveries=deliveries), OUTAGE, answered)
    assert finding.holds is False
    assert said in finding.sentence


def test_a_courier_that_was_withdrawn_and_another_assigned_are_one_courier() -> None:
    audit = Audit(orders=(order("a"),), deliveries=(courier("a", "withdrawn"), courier("a")))
    assert one_courier(audit, OUTAGE, answered=1).holds is True


def test_an_order_that_failed_needs_no_courier() -> None:
    audit = Audit(orders=(order("a", status="failed"), order("b", at=50.0)), deliveries=(courier("a", "withdrawn"), courier("b")))
    finding = one_courier(audit, OUTAGE, answered=1)
    assert finding.holds is True
    assert finding.sentence == "no order was accepted during the outage; each of the 1 others has exactly one courier"


def test_without_any_order_there_is_nothing_to_judge() -> None:
    assert one_courier(Audit(orders=(), deliveries=()), OUTAGE, answered=0).holds is None


class Books:
    """Serves pages of one row, as long as the token is right."""

    def __init__(self, pages: Mapping[str, list[dict[str, object]]]) -> None:
        self.pages = pages
        self.asked: list[str] = []

    def __call__(self, url: str, headers: Mapping[str, str]) -> bytes:
        self.asked.append(url)
        if headers != {"X-Internal-Token": "secret"}:
            raise FetchError(f"GET {url}: status 404")
        rows = self.pages[url.split("/")[2]]
        position = int(url.partition("after=")[2] or 0)
        following = position + 1 if position + 1 < len(rows) else None
        return json.dumps({"rows": rows[position : position + 1], "next": following}).encode()


def test_books_are_read_page_by_page_to_their_end() -> None:
    books = Books(
        {
            "orders:1": [{"id": n, "status": "confirmed", "created_at": 1.5, "deferred": False, "more": 1} for n in "abc"],
            "deliveries:1": [{"order_id": "a", "courier_id": 3, "state": "assigned"}],
        }
    )
    audit = read_audit("http://orders:1", "http://deliveries:1", "secret", books)
    assert [row.id for row in audit.orders] == ["a", "b", "c"]
    assert audit.deliveries == (DeliveryRow(order_id="a", courier_id=3, state="assigned"),)
    assert len(books.asked) == 4


def test_an_answer_that_is_no_audit_is_named() -> None:
    with pytest.raises(FetchError, match=r"GET http://orders:1/internal/audit.*: is no audit: rows: Field required"):
        read_audit("http://orders:1", "http://d:1", "secret", lambda _url, _headers: b"{}")


def test_a_book_without_an_end_is_given_up() -> None:
    with pytest.raises(FetchError, match=r"does not end after 1000 pages of 500 rows"):
        read_audit("http://orders:1", "http://d:1", "secret", lambda _url, _headers: b'{"rows": [], "next": 1}')
