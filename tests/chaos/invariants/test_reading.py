"""How the books of a running system are read."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from chaos.http_get import FetchError
from chaos.invariants.pages import read_table
from chaos.invariants.reading import KEEPERS, Library, read_books
from chaos.invariants.rows import DeliveryRow
from services.topology import load_topology

if TYPE_CHECKING:
    from tests.chaos.invariants.conftest import Ledgers


CONSUMERS = {name for route in load_topology().events.values() for name in route.consumers}


class Pages:
    """Serves tables a row a page, as long as the token is right."""

    def __init__(self, tables: Mapping[str, list[dict[str, object]]]) -> None:
        self.tables = tables
        self.asked: list[str] = []

    def __call__(self, url: str, headers: Mapping[str, str]) -> bytes:
        parts = urlsplit(url)
        if headers != {"X-Internal-Token": "secret"}:
            raise FetchError(f"GET {url}: status 403")
        name = f"{parts.hostname}{parts.path.removeprefix('/internal/audit')}"
        self.asked.append(name)
        rows = self.tables.get(name, [])
        position = int(parse_qs(parts.query).get("after", ["row 0"])[0].removeprefix("row "))
        following = f"row {position + 1}" if position + 1 < len(rows) else None
        return json.dumps({"rows": rows[position : position + 1], "next": following}).encode()


def library(pages: Pages, *, without: str = "") -> Library:
    roots = {name: f"http://{name}:1" for name in CONSUMERS.union(KEEPERS) if name != without}
    return Library(roots, "secret", pages, load_topology())


def test_a_table_is_read_page_by_page_to_its_end() -> None:
    pages = Pages({"deliveries": [{"order_id": n, "courier_id": 3, "state": "assigned", "more": 1} for n in "abc"]})
    rows = read_table("http://deliveries:1", "", DeliveryRow, "secret", pages)
    assert [row.order_id for row in rows] == ["a", "b", "c"]
    assert len(pages.asked) == 3


def test_a_row_that_lacks_what_is_needed_is_named() -> None:
    with pytest.raises(FetchError, match=r"GET http://d:1/internal/audit/x\?limit=500: is no audit: courier_id: Field required"):
        read_table("http://d:1", "x", DeliveryRow, "t", lambda _url, _headers: b'{"rows": [{"order_id": "a"}], "next": null}')


def test_an_answer_that_is_no_page_is_named() -> None:
    with pytest.raises(FetchError, match=r"is no audit: rows: Field required"):
        read_table("http://d:1", "", DeliveryRow, "t", lambda _url, _headers: b"{}")


def test_a_table_without_an_end_is_given_up() -> None:
    with pytest.raises(FetchError, match=r"does not end after 1000 pages of 500 rows"):
        read_table("http://d:1", "", DeliveryRow, "t", lambda _url, _headers: b'{"rows": [], "next": 1}')


def test_orders_are_read_first_and_last_and_outboxes_before_inboxes_before_what_events_did() -> None:
    pages = Pages({})
    books = read_books(library(pages), lambda: 5.0)
    asked = pages.asked
    assert (asked[0], asked[-1]) == ("orders", "orders")
    assert Counter(asked)["deliveries"] == 2
    last_outbox = max(n for n, name in enumerate(asked) if name.endswith("/outbox"))
    inboxes = [n for n, name in enumerate(asked) if name.endswith("/inbox")]
    effects = [asked.index("notifications"), asked.index("restaurants/popular"), len(asked) - 1 - asked[::-1].index("deliveries")]
    assert last_outbox < min(inboxes) <= max(inboxes) < min(effects)
    assert books.read_at == 5.0
    assert set(books.outbox) == {"orders", "deliveries"}
    assert set(books.inbox) == CONSUMERS
    assert books.consumers["order.accepted"] == load_topology().events["order.accepted"].consumers


def test_books_of_a_service_that_is_down_cannot_be_read(whole: "Ledgers") -> None:
    with pytest.raises(FetchError, match="no instance of payments is up"):
        read_books(library(Pages({}), without="payments"), lambda: 0.0)
