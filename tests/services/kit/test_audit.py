"""The account that a service gives of itself, a page at a time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from services.kit.audit import page_of


class Entry(BaseModel):
    id: str


def fetch(ids: list[str], after: str, limit: int) -> tuple[list[Entry], list[str]]:
    """One row more than `limit`, as a service's store fetches them."""
    found = [each for each in sorted(ids) if each > after][: limit + 1]
    return [Entry(id=each) for each in found], found


@pytest.mark.parametrize("count", [0, 1, 3])
def test_what_fits_on_a_page_is_the_last_page(count: int) -> None:
    page = page_of(*fetch(["a", "b", "c"][:count], "", 3), 3)
    assert (len(page.rows), page.next) == (count, None)


def test_a_page_leads_to_the_next_by_the_key_of_its_last_row() -> None:
    page = page_of(*fetch(["a", "b", "c"], "", 2), 2)
    assert ([row.id for row in page.rows], page.next) == (["a", "b"], "b")


@given(ids=st.sets(st.text(min_size=1, max_size=3), max_size=30), limit=st.integers(1, 10))
def test_all_pages_together_are_all_rows_once(ids: set[str], limit: int) -> None:
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        page = page_of(*fetch([*ids], after, limit), limit)
        assert len(page.rows) <= limit
        seen += [row.id for row in page.rows]
        after = page.next
    assert seen == sorted(ids)
